//! The first look at a template's text, before the library's parser sees it.
//!
//! It keeps from the parser what would recurse without bound, and finds the usual slips
//! itself, because it can say in plain words what a grammar can only list.

use super::syntax::{Problem, problem};

/// How deep blocks and brackets nest.
const NESTING_MAX: usize = 32;

/// What a template may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raw {
    /// `{{{x}}}` is the sender's own Markdown.
    Allowed,
    /// `{{{x}}}` is refused: it would break out of JSON.
    Refused,
}

/// An open block.
struct Open<'t> {
    name: &'t str,
    at: usize,
    /// Where its `{{else}}` is.
    otherwise: Option<usize>,
    /// How many levels it counts for: one, and one for each `{{else if}}`.
    levels: usize,
}

struct Scanner<'t> {
    text: &'t str,
    raw: Raw,
    open: Vec<Open<'t>>,
}

/// Looks through `text`.
pub(super) fn scan(text: &str, raw: Raw) -> Result<(), Problem> {
    let mut scanner = Scanner { text, raw, open: Vec::new() };
    let mut at = 0;
    while let Some(found) = text[at..].find(['\\', '{']) {
        at += found;
        let rest = &text[at..];
        if rest.starts_with('\\') {
            at += escaped(rest);
        } else if rest.starts_with("{{{{") {
            let message = "raw blocks (`{{{{…}}}}`) are not supported";
            return Err(scanner.problem(at, message.to_owned(), "to show two braces write `\\{{`"));
        } else if rest.starts_with("{{!") {
            at += comment(rest).ok_or_else(|| {
                scanner.problem(at, "this comment is not closed".to_owned(), "end it with `--}}` or `}}`")
            })?;
        } else if rest.starts_with("{{") {
            at = scanner.expression(at)?;
        } else {
            at += 1;
        }
    }
    match scanner.open.first() {
        None => Ok(()),
        Some(open) => {
            let help = format!("end it with `{{{{/{}}}}}`", open.name);
            Err(scanner.problem(open.at, format!("`{{{{#{}}}}}` is never closed", open.name), &help))
        }
    }
}

/// How much of `rest`, which begins with a backslash, is text.
fn escaped(rest: &str) -> usize {
    let backslashes = rest.len() - rest.trim_start_matches('\\').len();
    match &rest[backslashes..] {
        braces if backslashes == 1 && braces.starts_with("{{{{") => 5,
        braces if backslashes == 1 && braces.starts_with("{{") => 3,
        _ => backslashes,
    }
}

/// The length of the comment at the start of `rest`.
fn comment(rest: &str) -> Option<usize> {
    let inner = &rest[3..];
    if inner.trim_start().starts_with("--")
        && let Some(end) = inner.find("--}}")
    {
        return Some(3 + end + 4);
    }
    inner.find("}}").map(|end| 3 + end + 2)
}

impl<'t> Scanner<'t> {
    fn problem(&self, at: usize, message: String, help: &str) -> Problem {
        problem(self.text, at, message, Some(help.to_owned()))
    }

    /// Takes the expression at `at`; gives where it ends.
    fn expression(&mut self, at: usize) -> Result<usize, Problem> {
        let mut start = at + 2;
        let mut skip = |sign: char| {
            let there = self.text[start..].starts_with(sign);
            start += usize::from(there);
            there
        };
        skip('~');
        let triple = skip('{');
        skip('~');
        let end = self.end_of(at, start)?;
        let inner = self.text[start..end].trim_end_matches(['~', '}']).trim();
        if (triple || inner.starts_with('&')) && self.raw == Raw::Refused {
            let message = "`{{{…}}}` and `{{&…}}` are not allowed here".to_owned();
            return Err(self.problem(at, message, "write `{{…}}`: it is escaped for this place"));
        }
        if !triple {
            self.block(at, inner)?;
        }
        if inner.is_empty() {
            return Err(self.problem(at, "these braces are empty".to_owned(), "name a fact between them: `{{title}}`"));
        }
        let braces = self.text[end..].bytes().take_while(|byte| matches!(byte, b'}' | b'~')).take(5).count();
        Ok(end + if triple { braces.min(4) } else { 2 })
    }

    /// Where the content of the expression that begins at `at` ends.
    fn end_of(&self, at: usize, start: usize) -> Result<usize, Problem> {
        let unclosed = || {
            self.problem(
                at,
                "`{{` is not closed".to_owned(),
                "end the expression with `}}`, or write `\\{{` for plain braces",
            )
        };
        let bytes = self.text.as_bytes();
        let (mut here, mut depth) = (start, 0_usize);
        loop {
            let Some(byte) = bytes.get(here) else { return Err(unclosed()) };
            match byte {
                b'"' | b'\'' => here = self.end_of_text(here, *byte)?,
                b'[' => here = self.end_of_key(here)?,
                b'(' if depth == NESTING_MAX => return Err(self.too_deep(here)),
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                b'{' if bytes.get(here + 1) == Some(&b'{') => return Err(unclosed()),
                b'{' => {
                    let message = "a single `{` has no place in an expression".to_owned();
                    return Err(self.problem(here, message, "objects cannot be written in templates"));
                }
                b'}' if bytes.get(here + 1) == Some(&b'}') => break,
                b'}' => {
                    // `{{~{x}~}}` has a `~` between its closing braces.
                    if bytes.get(here + 1) == Some(&b'~') {
                        break;
                    }
                    return Err(self.problem(here, "a `}` is missing here".to_owned(), "an expression ends with `}}`"));
                }
                _ => {}
            }
            here += 1;
        }
        if depth > 0 {
            return Err(self.problem(at, "a `(` in this expression is not closed".to_owned(), "add the missing `)`"));
        }
        Ok(here)
    }

    /// The place of the quote that closes the one at `at`.
    fn end_of_text(&self, at: usize, quote: u8) -> Result<usize, Problem> {
        let bytes = self.text.as_bytes();
        let mut here = at + 1;
        while let Some(byte) = bytes.get(here) {
            match byte {
                b'\\' => here += 1,
                byte if *byte == quote => return Ok(here),
                _ => {}
            }
            here += 1;
        }
        Err(self.problem(at, "this quote is not closed".to_owned(), "end the text with the same quote"))
    }

    /// The place of the `]` that closes the `[` at `at`: a name with odd characters, as in
    /// `payload.[odd name]`.
    fn end_of_key(&self, at: usize) -> Result<usize, Problem> {
        let rest = &self.text[at + 1..];
        match rest.find([']', '[', '{', '"', '\'']) {
            Some(end) if rest[end..].starts_with(']') => Ok(at + 1 + end),
            _ => {
                let message = "`[` begins a name that is not closed by `]`, or holds quotes or brackets".to_owned();
                Err(self.problem(at, message, "write `payload.[odd name]` or `lookup payload \"odd name\"`"))
            }
        }
    }

    fn too_deep(&self, at: usize) -> Problem {
        self.problem(at, format!("this nests deeper than {NESTING_MAX} levels"), "take the template apart")
    }

    /// Keeps count of blocks.
    fn block(&mut self, at: usize, inner: &'t str) -> Result<(), Problem> {
        if let Some(block) = inner.strip_prefix('#') {
            let block = block.trim_start();
            if block.starts_with(['*', '>']) {
                return Err(self.refused(at, "inline partials and partial blocks are not supported"));
            }
            self.open.push(Open { name: word(block), at, otherwise: None, levels: 1 });
            if self.open.iter().map(|open| open.levels).sum::<usize>() > NESTING_MAX {
                return Err(self.too_deep(at));
            }
            return Ok(());
        }
        if let Some(name) = inner.strip_prefix('/') {
            return self.close(at, word(name.trim_start()));
        }
        if inner.starts_with('*') {
            return Err(self.refused(at, "decorators (`{{*…}}`) are not supported"));
        }
        if let Some(name) = inner.strip_prefix('>') {
            let name = word(name.trim_start());
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || !name.chars().all(fits) {
                return Err(self.refused(at, "`{{> …}}` needs the plain name of a template"));
            }
            return Ok(());
        }
        let otherwise = inner.strip_prefix('^').or_else(|| {
            inner.strip_prefix("else").filter(|rest| word(rest).is_empty() || rest.starts_with(char::is_whitespace))
        });
        otherwise.map_or(Ok(()), |condition| self.otherwise(at, condition.trim()))
    }

    fn refused(&self, at: usize, message: &str) -> Problem {
        self.problem(
            at,
            message.to_owned(),
            "put the shared part into a template of its own and include it: `{{> name}}`",
        )
    }

    fn close(&mut self, at: usize, name: &str) -> Result<(), Problem> {
        match self.open.pop() {
            Some(open) if open.name == name => Ok(()),
            Some(open) => {
                let line = self.text[..open.at].matches('\n').count() + 1;
                let message =
                    format!("`{{{{/{name}}}}}` stands where `{{{{#{}}}}}` of line {line} must be closed", open.name);
                Err(self.problem(at, message, &format!("write `{{{{/{}}}}}`", open.name)))
            }
            None => {
                let message = format!("`{{{{/{name}}}}}` closes nothing");
                Err(self.problem(at, message, &format!("remove it, or begin the block with `{{{{#{name} …}}}}`")))
            }
        }
    }

    fn otherwise(&mut self, at: usize, condition: &str) -> Result<(), Problem> {
        let Some(open) = self.open.last_mut() else {
            return Err(self.problem(
                at,
                "`{{else}}` stands outside of any block".to_owned(),
                "it belongs between `{{#if …}}` and `{{/if}}`",
            ));
        };
        if open.otherwise.is_some() {
            let message = format!("`{{{{#{}}}}}` has an `{{{{else}}}}` already", open.name);
            return Err(self.problem(at, message, "write `{{else if …}}` for all but the last"));
        }
        if condition.is_empty() {
            open.otherwise = Some(at);
        } else {
            open.levels += 1;
            if self.open.iter().map(|open| open.levels).sum::<usize>() > NESTING_MAX {
                return Err(self.too_deep(at));
            }
        }
        Ok(())
    }
}

/// The first word of `text`.
fn word(text: &str) -> &str {
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '~' | '"' | '\'' | '|' | '='))
        .unwrap_or(text.len());
    &text[..end]
}
