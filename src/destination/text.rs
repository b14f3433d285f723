//! Text in the measure of the vendors: cleaned, counted, and cut at a word.

use std::borrow::Cow;

use crate::domain::characters;

/// What stands where text was cut.
pub const CUT_MARK: char = '…';

/// The length of `text` in UTF-16 units. No vendor counts more than these, and Jira counts exactly these.
#[must_use]
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// `text` in at most `max` units: whole, or cut at a word and ended by [`CUT_MARK`].
#[must_use]
pub fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if units(text) <= max {
        return Cow::Borrowed(text);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut kept = prefix(text, max - 1);
    let word = kept.rfind(char::is_whitespace).unwrap_or(0);
    // A long word without a space near its end is cut inside.
    if units(&kept[..word]) * 2 > max {
        kept = &kept[..word];
    }
    Cow::Owned(format!("{}{CUT_MARK}", kept.trim_end()))
}

/// The longest beginning of `text` with at most `max` units that cuts no character in two,
/// as people see characters.
fn prefix(text: &str, max: usize) -> &str {
    let mut left = max;
    for (at, character) in text.char_indices() {
        match left.checked_sub(character.len_utf16()) {
            Some(rest) => left = rest,
            None => return &text[..characters::floor(text, at)],
        }
    }
    text
}

/// `text` as it can be shown: see [`characters::shown`].
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    characters::shown(text)
}

/// `text` on one line, as it can be shown, without runs of white space.
#[must_use]
pub fn one_line(text: &str) -> String {
    let text = clean(text);
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Whether the character at `at` stands inside a word, where no vendor sees a formatting mark.
#[must_use]
pub fn within_word(chars: &[char], at: usize) -> bool {
    let inner = |place: Option<&char>| place.is_some_and(|c| c.is_alphanumeric());
    inner(at.checked_sub(1).and_then(|before| chars.get(before))) && inner(chars.get(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_a_word_and_marks_the_place() {
        assert_eq!(cut("checkout fails on payment", 17), "checkout fails…");
        assert_eq!(cut("checkout", 8), "checkout");
        assert_eq!(cut("verylongtestname", 8), "verylon…");
        assert_eq!(cut("🦀🦀🦀", 4), "🦀…");
        assert_eq!(cut("👩\u{200d}👩\u{200d}👧 and on", 7), "…");
        assert_eq!(cut("cafe\u{301}s", 5), "caf…");
        assert_eq!(cut("anything", 0), "");
    }

    #[test]
    fn cleans_control_characters() {
        assert_eq!(clean("a\u{0}b\r\nc\td\u{1b}[0m"), "ab\nc\td[0m");
        assert_eq!(one_line("  a\n b\u{7}\tc\u{202e} "), "a b c");
    }
}
