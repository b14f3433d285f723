//! Characters as people see them: which are shown, where text may be cut, how wide it is.

use std::borrow::Cow;

use unicode_segmentation::GraphemeCursor;
use unicode_width::UnicodeWidthStr;

/// The longest character that is kept whole, in bytes, however many marks and joiners it
/// is made of: a longer one is no writing but a prank, and is cut.
const WHOLE_BYTES_MAX: usize = 128;

/// `text` as it can be shown: each end of a line as `\n`, and without characters that act
/// instead of being seen: control characters but the tab, the embeddings, overrides and
/// isolates that reorder what follows them (U+202A–202E, U+2066–2069), and numbers that
/// are no characters. Letters written from right to left order themselves.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    // Nearly all text is like that.
    if text.chars().all(|c| !acts(c) && !ends_line(c)) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(clean(text).collect())
    }
}

/// The characters of [`shown`].
pub fn clean(text: &str) -> impl Iterator<Item = char> {
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        loop {
            let c = chars.next()?;
            if c == '\r' {
                chars.next_if_eq(&'\n');
            }
            if ends_line(c) {
                return Some('\n');
            }
            if !acts(c) {
                return Some(c);
            }
        }
    })
}

/// Whether a line ends here, other than by `\n`.
fn ends_line(c: char) -> bool {
    matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether it acts instead of being seen.
fn acts(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

/// Whether nothing of `text` can be seen: blanks, joiners and characters without width.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    let unseen = |c: char| {
        matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{3164}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}')
            || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().all(|c| c.is_whitespace() || unseen(c) || acts(c))
}

/// The greatest place at or before `at` where `text` can be cut without cutting a
/// character that people see as one: a letter with its marks, an emoji with its parts.
#[must_use]
pub fn floor(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    if cursor.is_boundary(text, 0).unwrap_or(true) {
        return at;
    }
    match cursor.prev_boundary(text, 0) {
        Ok(Some(before)) if at - before <= WHOLE_BYTES_MAX => before,
        _ => at,
    }
}

/// How many columns `text` takes where every letter has the same width.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_left_out_and_what_is_seen_stays() {
        let cases = [
            ("a\u{0}b\r\nc\rd\u{85}e\u{2028}f\u{2029}g\th", "ab\nc\nd\ne\nf\ng\th"),
            ("invoice\u{202e}gnp.exe \u{2067}x\u{2069}", "invoicegnp.exe x"),
            ("שלום \u{200f}مرحبا", "שלום \u{200f}مرحبا"),
            ("👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} é", "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} é"),
            ("\u{ffff}\u{1fffe}\u{fdd0}x", "x"),
        ];
        for (text, seen) in cases {
            assert_eq!(shown(text), seen, "{text:?}");
        }
        assert!(is_blank(" \u{200b}\u{2060}\u{feff}\u{202e}\t") && is_blank("") && !is_blank("\u{200b}x"));
    }

    #[test]
    fn a_cut_keeps_together_what_people_see_as_one() {
        let family = "👩\u{200d}👩\u{200d}👧";
        let cases = [("ab", 1, 1), ("e\u{301}x", 1, 0), (family, 5, 0), ("🇺🇦🇺🇦", 12, 8), ("a\r\nb", 2, 1)];
        for (text, at, cut) in cases {
            assert_eq!(floor(text, at), cut, "{text:?} at {at}");
        }
        let pile = format!("a{}", "\u{301}".repeat(500));
        assert_eq!(floor(&pile, 801), 801, "a prank is cut inside");
        assert_eq!((width("漢字"), width("é"), width("ab")), (4, 1, 2));
    }
}
