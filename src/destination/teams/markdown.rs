//! Literal text within Adaptive Cards.

use crate::destination::text::within_word;

/// Text for a place without Markdown (a `TextRun`): only what Teams replaces everywhere is
/// disarmed, mentions and `{{DATE(…)}}`.
#[must_use]
pub fn run(text: &str) -> String {
    disarm(text)
}

/// Text for a place with Markdown (a `TextBlock`, a fact), so that it shows literally.
/// Marks that cannot format stay bare, because mobile clients show some backslashes.
#[must_use]
pub fn literal(text: &str) -> String {
    let chars: Vec<char> = disarm(text).chars().collect();
    let mut literal = String::with_capacity(text.len() + 16);
    let mut line_start = true;
    let mut number = false;
    for (at, character) in chars.iter().copied().enumerate() {
        let next = chars.get(at + 1).copied();
        let at_gap = next.is_none_or(char::is_whitespace);
        let escaped = match character {
            '\\' | '[' | ']' | '`' => true,
            '*' | '_' | '~' => !within_word(&chars, at) || character == '*',
            '#' | '>' => line_start,
            // `<https://…>` would be a link.
            '<' => next.is_some_and(|c| c.is_ascii_alphabetic()),
            '-' | '+' => line_start && at_gap,
            '.' | ')' => number && at_gap,
            '&' => next.is_some_and(|c| c == '#' || c.is_ascii_alphabetic()),
            _ => false,
        };
        if escaped && character == '&' {
            literal.push_str("&amp;");
        } else {
            if escaped {
                literal.push('\\');
            }
            literal.push(character);
        }
        number = (line_start || number) && character.is_ascii_digit();
        line_start = character == '\n' || (line_start && character.is_whitespace());
    }
    literal
}

/// Markdown's own line breaks for the lines of `literal` text.
#[must_use]
pub fn lines(literal: &str) -> String {
    literal.split('\n').filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn disarm(text: &str) -> String {
    let mut disarmed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '{']) {
        disarmed.push_str(&rest[..at]);
        rest = &rest[at..];
        let tag = rest.strip_prefix('<').map(|after| after.strip_prefix('/').unwrap_or(after));
        let shown = if tag.is_some_and(|tag| starts_with_ignoring_case(tag, "at")) {
            "‹"
        } else if rest.strip_prefix("{{").is_some_and(|call| ["DATE", "TIME"].iter().any(|f| call.starts_with(f))) {
            "{\u{2060}"
        } else {
            &rest[..1]
        };
        disarmed.push_str(shown);
        rest = &rest[1..];
    }
    disarmed.push_str(rest);
    disarmed
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_literal() {
        let cases = [
            ("<at>QA</at> <AT>all</AT> a < b", "‹at>QA‹/at> ‹AT>all‹/AT> a < b"),
            ("<https://evil>", "\\<https://evil>"),
            ("[click](https://evil)", "\\[click\\](https://evil)"),
            ("*b* _i_ test_a_b", "\\*b\\* \\_i\\_ test_a_b"),
            ("# h\n- item\n1. one\n1.5", "\\# h\n\\- item\n1\\. one\n1.5"),
            ("&lt;b&gt; R&D & co", "&amp;lt;b&amp;gt; R&amp;D & co"),
            ("{{DATE(2020)}} {{x}}", "{\u{2060}{DATE(2020)}} {{x}}"),
            ("C:\\temp", "C:\\\\temp"),
        ];
        for (text, shown) in cases {
            assert_eq!(literal(text), shown, "{text}");
        }
    }
}
