//! What is wrong with a text that is no YAML, in plain words.

use serde_saphyr::granit_parser::ErrorKind;

/// What `kind` at the byte `at` of `text` means, and what to do about it.
pub fn explain(kind: &ErrorKind, text: &str, at: usize) -> (String, Option<String>) {
    let (message, help) = plain(kind, text, at);
    (message, (!help.is_empty()).then(|| help.to_owned()))
}

/// Whether an error of this kind may come from a bracket that was not closed.
pub fn may_be_bracket(kind: &ErrorKind) -> bool {
    use ErrorKind as E;
    matches!(
        kind,
        E::MappingValueNotAllowed
            | E::InvalidColonPlacement
            | E::ExpectedFlowMappingSeparator
            | E::ExpectedFlowSequenceSeparator
            | E::BlockEntryInFlowCollection
            | E::InvalidFlowScalarIndent
            | E::ExpectedNodeContent
    )
}

/// The bracket on the line before `at` that is opened there and not closed.
pub fn open_bracket(text: &str, at: usize) -> Option<usize> {
    let end = text.get(..at)?.rfind('\n')?;
    let start = text[..end].rfind('\n').map_or(0, |end| end + 1);
    let (mut open, mut quote) = (Vec::new(), None);
    for (offset, sign) in text[start..end].char_indices() {
        match sign {
            '"' | '\'' if quote == Some(sign) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(sign),
            '[' | '{' if quote.is_none() => open.push(start + offset),
            ']' | '}' if quote.is_none() => _ = open.pop(),
            _ => {}
        }
    }
    open.pop()
}

/// The byte that is meant, where the parser names the beginning of the value or the line before.
pub fn exact(kind: &ErrorKind, text: &str, at: usize) -> usize {
    use ErrorKind as E;
    let rest = text.get(at..).unwrap_or_default();
    let offset = match kind {
        E::TabNotAllowed | E::TabInBlockIndentation | E::TabInIndentation | E::TabInPlainScalar => rest.find('\t'),
        E::UnknownQuotedScalarEscape => bad_escape(rest),
        _ => None,
    };
    at + offset.unwrap_or(0)
}

/// Where the first backslash of `rest` stands that begins no escape of YAML.
fn bad_escape(rest: &str) -> Option<usize> {
    let mut signs = rest.char_indices();
    while let Some((offset, sign)) = signs.next() {
        if sign == '\\' && !signs.next().is_some_and(|(_, next)| "0abt\tnvfre \"/\\N_LPxuU\n\r".contains(next)) {
            return Some(offset);
        }
    }
    None
}

const TABS: &str = "replace the tab with spaces; most editors can do so for the whole file";
const COLON: &str =
    "put a text that contains ': ' in quotes; otherwise check the indentation of this line and the one above";
const LEVEL: &str = "lines of one list or map begin in the same column";
const ESCAPE: &str = "in double quotes a backslash is written twice; in single quotes it stands for itself";

fn plain(kind: &ErrorKind, text: &str, at: usize) -> (String, &'static str) {
    use ErrorKind as E;
    let here = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
    if here == '\t' || has_tab_before(text, at) {
        return ("a tab stands in the indentation, where YAML wants spaces".to_owned(), TABS);
    }
    match kind {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabAtBlockScalarStart
        | E::TabInPlainScalar => ("a tab stands where YAML wants spaces".to_owned(), TABS),
        E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => {
            ("a quote is opened and not closed".to_owned(), "close it, or double a quote that is part of the text: ''")
        }
        E::InvalidQuotedScalarIndent => {
            ("a text in quotes goes on here with too little indentation".to_owned(), "is the closing quote missing?")
        }
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => {
            ("text goes on after a closing quote".to_owned(), "put the whole value in one pair of quotes")
        }
        E::UnknownQuotedScalarEscape | E::InvalidQuotedScalarHexEscape | E::InvalidUnicodeEscape => {
            ("this backslash begins no known escape".to_owned(), ESCAPE)
        }
        E::MappingValueNotAllowed | E::InvalidColonPlacement => ("a ':' stands where no key can be".to_owned(), COLON),
        E::MappingKeyNotAllowed => ("a key stands where none can be".to_owned(), COLON),
        E::SimpleKeyExpected | E::InvalidSimpleKey => {
            ("this line is neither 'key: value' nor '- item'".to_owned(), "is a ':' missing, or the blank after it?")
        }
        E::InvalidIndentation
        | E::ExpectedBlockMappingKey
        | E::ExpectedBlockSequenceEntry
        | E::InvalidFlowScalarIndent => ("the indentation of this line fits no line above".to_owned(), LEVEL),
        E::BlockSequenceEntryNotAllowed | E::BlockEntryInFlowCollection => {
            ("a '-' item stands where no list can be".to_owned(), "begin the list on its own line, below its key")
        }
        E::UnclosedFlowCollection { open } => (format!("a '{open}' is opened and not closed"), ""),
        E::UnexpectedEofFlowSequence => ("a '[' is opened and not closed".to_owned(), ""),
        E::UnexpectedEofFlowMapping | E::UnexpectedEofImplicitFlowMapping => {
            ("a '{' is opened and not closed".to_owned(), "")
        }
        E::MismatchedFlowCollectionEnd { open, close } => (format!("'{open}' is closed by '{close}'"), ""),
        E::MisplacedFlowCollectionEnd => (format!("'{here}' closes nothing"), ""),
        E::ExpectedFlowMappingSeparator => {
            ("a ',' or '}' is missing here".to_owned(), "text that contains braces or commas must be in quotes")
        }
        E::ExpectedFlowSequenceSeparator => {
            ("a ',' or ']' is missing here".to_owned(), "text that contains brackets or commas must be in quotes")
        }
        E::UnknownAnchor => (
            "'*' refers to an anchor that is not defined above".to_owned(),
            "text that begins with '*' must be in quotes",
        ),
        E::MissingAnchorOrAliasName => (
            format!("'{here}' refers to an anchor, but its name is missing"),
            "text that begins with '*' or '&' must be in quotes",
        ),
        E::RecursionLimitExceeded => ("lists and maps nest too deep here".to_owned(), ""),
        E::UnexpectedCharacter { character } => {
            (format!("a text cannot begin with '{}'", character.escape_default()), "put it in quotes")
        }
        E::DirectiveDisallowed => ("a line cannot begin with '%'".to_owned(), "put the text in quotes"),
        E::CommentNotSeparated => {
            ("a blank is missing before '#'".to_owned(), "text that contains '#' must be in quotes")
        }
        E::InvalidBlockScalarIndent => ("this line of a text block is indented too little".to_owned(), LEVEL),
        E::ExpectedNodeContent => (format!("a value is missing before '{here}'"), ""),
        E::UnexpectedEof => ("the file ends too early".to_owned(), ""),
        other => (format!("this is no YAML: {other}"), ""),
    }
}

/// Whether the indentation of the line of `at`, or of the line before, has a tab.
fn has_tab_before(text: &str, at: usize) -> bool {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(start..).unwrap_or_default();
    line.chars().take_while(|c| c.is_whitespace() && *c != '\n').any(|c| c == '\t')
}
