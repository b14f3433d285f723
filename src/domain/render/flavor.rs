//! In which markup a receiver reads text, and how a value is written so that it stays
//! text there: it mentions nobody, links nowhere and commands nothing.

use crate::domain::markdown::literal::shown;

/// A sign without width that parts what would act if it stood together.
const JOINER: char = '\u{2060}';

/// The markup that a described receiver reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavor {
    /// Markdown.
    #[default]
    Markdown,
    /// Plain text.
    Plain,
    /// HTML.
    Html,
    /// None, for the receiver is a program: values are exactly what they are.
    Exact,
}

impl Flavor {
    /// All flavours with their word.
    pub const WORDS: [(&'static str, Self); 4] =
        [("markdown", Self::Markdown), ("plain", Self::Plain), ("html", Self::Html), ("exact", Self::Exact)];

    /// `text` as literal text within a text of this flavour.
    #[must_use]
    pub fn literal(self, text: &str) -> String {
        match self {
            Self::Markdown => markdown(&shown(text)),
            Self::Plain => inert(text),
            Self::Html => html(&shown(text)),
            Self::Exact => text.to_owned(),
        }
    }

    /// `text` as a value by itself: a title, a label. It stays as it is, but for signs
    /// without width where it would act.
    #[must_use]
    pub fn value(self, text: &str) -> String {
        if self == Self::Exact { text.to_owned() } else { inert(text) }
    }
}

/// `text` that acts nowhere, whatever reads it: no `@name`, no link of Markdown or of a
/// chat, no tag, no command at the start of a line.
fn inert(text: &str) -> String {
    let chars: Vec<char> = shown(text).chars().collect();
    let mut safe = String::with_capacity(text.len() + 8);
    let mut line_start = true;
    for (at, c) in chars.iter().copied().enumerate() {
        let next = chars.get(at + 1).copied();
        let letter = next.is_some_and(char::is_alphabetic);
        let parted = match c {
            '@' => mentions(&chars, at),
            '<' => letter || next.is_some_and(|c| matches!(c, '/' | '!' | '?' | '@' | '#' | '&' | ':')),
            ']' => next.is_some_and(|c| matches!(c, '(' | '[' | ':')),
            _ => false,
        };
        if c == '/' && line_start && letter {
            safe.push(JOINER);
        }
        safe.push(c);
        if parted {
            safe.push(JOINER);
        }
        line_start = c == '\n' || (line_start && c.is_whitespace());
    }
    safe
}

/// Whether the `@` at `at` begins a name: not within an e-mail address.
fn mentions(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| chars.get(before));
    let named = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '&' | '!');
    chars.get(at + 1).is_some_and(named) && !before.is_some_and(|c| c.is_alphanumeric())
}

/// `text` so that Markdown, GitHub's and CommonMark alike, shows it literally.
fn markdown(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut literal = String::with_capacity(text.len() + 16);
    let mut line_start = true;
    let mut number = false;
    for (at, c) in chars.iter().copied().enumerate() {
        let next = chars.get(at + 1).copied();
        if line_start && matches!(c, ' ' | '\t') {
            // Indented text would be code.
            continue;
        }
        let at_gap = next.is_none_or(char::is_whitespace);
        let escaped = match c {
            '\\' | '[' | ']' | '`' | '*' | '|' | '<' => true,
            '_' | '~' => !within_word(&chars, at),
            '$' => next.is_some_and(|c| !c.is_whitespace() && !c.is_ascii_digit()),
            '#' | '>' | '=' => line_start,
            '-' | '+' => line_start && (at_gap || next == Some(c)),
            '.' | ')' => number && at_gap,
            '&' => next.is_some_and(|c| c == '#' || c.is_ascii_alphabetic()),
            // GitLab takes a line that begins with a slash for a command.
            '/' if line_start => {
                literal.push(JOINER);
                false
            }
            _ => false,
        };
        if escaped {
            literal.push('\\');
        }
        literal.push(c);
        if c == '@' && mentions(&chars, at) {
            literal.push(JOINER);
        }
        number = (line_start || number) && c.is_ascii_digit();
        line_start = c == '\n' || (line_start && c.is_whitespace());
    }
    literal
}

fn within_word(chars: &[char], at: usize) -> bool {
    let inner = |place: Option<&char>| place.is_some_and(|c| c.is_alphanumeric());
    inner(at.checked_sub(1).and_then(|before| chars.get(before))) && inner(chars.get(at + 1))
}

fn html(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut safe = String::with_capacity(text.len() + 16);
    for (at, c) in chars.iter().copied().enumerate() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' => safe.push_str("<br>"),
            _ => safe.push(c),
        }
        if c == '@' && mentions(&chars, at) {
            safe.push(JOINER);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_text() {
        let cases = [
            ("@everyone a@b.example _@qa", "@\u{2060}everyone a@b.example _@\u{2060}qa"),
            ("<users/all> <!here> <@123> a < b", "<\u{2060}users/all> <\u{2060}!here> <\u{2060}@\u{2060}123> a < b"),
            ("[x](https://evil) [x]: y", "[x]\u{2060}(https://evil) [x]\u{2060}: y"),
            ("/close\n /assign and/or", "\u{2060}/close\n \u{2060}/assign and/or"),
            ("*bold* # 1", "*bold* # 1"),
        ];
        for (text, safe) in cases {
            assert_eq!(Flavor::Plain.value(text), safe, "{text}");
            assert_eq!(Flavor::Exact.value(text), text);
        }
    }

    #[test]
    fn text_within_markdown_stays_literal() {
        let cases = [
            ("*b* _i_ test_a_b `c`", "\\*b\\* \\_i\\_ test_a_b \\`c\\`"),
            ("[x](https://evil)", "\\[x\\](https://evil)"),
            ("# h\n- item\n---\n1. one\n> q", "\\# h\n\\- item\n\\---\n1\\. one\n\\> q"),
            ("<img src=x> &lt; @here", "\\<img src=x> \\&lt; @\u{2060}here"),
            ("/close", "\u{2060}/close"),
        ];
        for (text, literal) in cases {
            assert_eq!(Flavor::Markdown.literal(text), literal, "{text}");
        }
        assert_eq!(Flavor::Html.literal("<b> & \"@qa\""), "&lt;b&gt; &amp; &quot;@\u{2060}qa&quot;");
    }
}
