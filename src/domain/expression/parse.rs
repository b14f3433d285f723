//! From text to the tree of the crate `cel`, and its complaints in our words.

use cel::Env;
use cel::common::ast::{IdedExpr, SourceInfo};
use cel::parser::ParseError;

use super::guard::guard;
use super::{Flaw, Over};

/// How deep the parser may recurse by its own count; brackets are bounded before.
const RECURSION_MAX: u16 = 64;

/// What the parser read, and where each part of it stands.
pub(super) struct Parsed {
    pub(super) root: IdedExpr,
    pub(super) places: SourceInfo,
}

/// Reads `source`. Functions such as `has` and `all` are left as the calls they are
/// written as: an environment without macros.
pub(super) fn parse(source: &str, over: Over) -> Result<Parsed, Flaw> {
    guard(source, over)?;
    let parser = Env::default().with_optional_support(false).parser().max_recursion_depth(RECURSION_MAX);
    match parser.parse_with_source_info(source) {
        Ok((root, places)) => Ok(Parsed { root, places }),
        Err(errors) => Err(match errors.errors.first() {
            Some(error) => told(error, source, over),
            None => Flaw::new(0..source.len(), "this is no CEL expression"),
        }),
    }
}

/// The first complaint of the parser; those after it are mostly its consequences.
fn told(error: &ParseError, source: &str, over: Over) -> Flaw {
    let start = offset(error.pos, source);
    let said = error.msg.as_str();
    let quoted = said.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\'').map(|(word, _)| word));
    let token = source[start..].split(|c: char| c.is_whitespace()).next().unwrap_or_default();
    let token: String = token.chars().take(30).collect();
    let at = start..start + token.len().max(1);
    if source[start..].trim().is_empty() || said.contains("'<EOF>' expecting") && token.is_empty() {
        let end = source.trim_end().len();
        return Flaw::new(end.saturating_sub(1)..end, "the expression stops in the middle")
            .help("something is missing at its end");
    }
    if said.contains("token recognition") {
        let sign = quoted.and_then(|quoted| quoted.chars().next()).unwrap_or_default();
        return Flaw::new(start..start + sign.len_utf8().max(1), format!("'{sign}' has no meaning here"));
    }
    if said.contains("ecursion") {
        return Flaw::new(0..source.len(), "this expression nests too deep").help("write several rules");
    }
    if said.contains("unsupported syntax") {
        return Flaw::new(at, format!("'{token}' has no meaning here"));
    }
    let before = source[..start].trim_end().chars().next_back();
    let ends_value = before.is_some_and(|c| c.is_alphanumeric() || "\"')]_".contains(c));
    let begins_value = token.starts_with(|c: char| c.is_alphanumeric() || "\"'([_!".contains(c));
    if ends_value && begins_value {
        return Flaw::new(at, format!("an operator is missing before '{token}'")).help("join conditions by && or ||");
    }
    let help = match over {
        Over::Facts => "as in: cases >= 10 && !title.startsWith(\"Smoke\")",
        Over::Webhook => "as in: body.status == \"failed\" ? \"critical\" : \"normal\"",
    };
    Flaw::new(at, format!("'{token}' cannot stand here")).help(help)
}

/// The byte at a line and column of the parser, both from 1.
fn offset((line, column): (isize, isize), source: &str) -> usize {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let column = usize::try_from(column - 1).unwrap_or(0);
    let first: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = source.get(first..).unwrap_or_default();
    rest.char_indices().nth(column).map_or(source.len(), |(at, _)| first + at)
}
