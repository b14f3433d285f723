//! Literals: values that Markdown cannot read as markup, whatever they contain.
//!
//! A value is written into a Markdown text as opaque word characters: each UTF-16 unit `u`
//! becomes the private character `U+F0000 + u`. To the parser it is one long word; where
//! text, code or an address comes out of the parser, [`decode`] brings the value back.
//! Text that holds such private characters of its own is decoded like any other and stays
//! what it was: plain text.

use std::borrow::Cow;

use crate::domain::characters::{self, clean};
use crate::domain::time::Timestamp;

/// The private character of unit 0.
const FIRST: u32 = 0xF_0000;

/// The private character of the last unit.
const LAST: u32 = 0xF_FFFF;

/// Stands for an empty value, so that `**{{x}}**` does not become markup without `x`.
const NOTHING: char = '\u{100000}';

/// Stand before a moment's milliseconds, before its text, and behind it. A template's
/// helper alone prints them: in what an event says they are left out beforehand, see
/// [`without_marks`].
const MOMENT: [char; 3] = ['\u{100001}', '\u{100002}', '\u{100003}'];

/// A moment for the body of a message, which reads `text` where it cannot be shown in the
/// reader's zone.
#[must_use]
pub fn moment(at: Timestamp, text: &str) -> String {
    let [open, middle, close] = MOMENT;
    format!("{open}{}{middle}{}{close}", encode(&at.as_ms().to_string()), encode(text))
}

/// `text` without what would make a moment of it.
#[must_use]
pub fn without_marks(text: &str) -> Cow<'_, str> {
    if text.contains(MOMENT) { Cow::Owned(text.replace(MOMENT, "")) } else { Cow::Borrowed(text) }
}

/// The first moment in `text`: what stands before it, the moment with its text, and what
/// stands behind it.
pub(super) fn first_moment(text: &str) -> Option<(&str, Timestamp, String, &str)> {
    let [open, middle, close] = MOMENT;
    let (before, rest) = text.split_once(open)?;
    let (ms, rest) = rest.split_once(middle)?;
    let (shown, after) = rest.split_once(close)?;
    Some((before, Timestamp::from_ms(decode(ms).parse().ok()?), decode(shown), after))
}

/// `value` as a literal, without what cannot be shown (see [`characters::shown`]).
#[must_use]
pub fn encode(value: &str) -> String {
    let mut literal = String::with_capacity(value.len() * 4);
    let mut units = [0; 2];
    for c in clean(value) {
        for unit in c.encode_utf16(&mut units) {
            literal.push(private(*unit));
        }
    }
    if literal.is_empty() {
        literal.push(NOTHING);
    }
    literal
}

/// The text that `text` stands for: literals decoded, everything else as it is. What
/// cannot be shown is left out here too.
#[must_use]
pub fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    // The first half of a character that takes two units; without the second it is nothing.
    let mut half = None;
    let mut in_number = false;
    for c in text.chars() {
        let Some(unit) = unit(c) else {
            half = None;
            // Of a moment only its text is shown.
            if let Some(part) = MOMENT.iter().position(|mark| *mark == c) {
                in_number = part == 0;
            } else if c != NOTHING {
                decoded.push(c);
            }
            continue;
        };
        if in_number {
            continue;
        }
        let whole = match char::from_u32(unit.into()) {
            Some(whole) => Some(whole),
            None => half.and_then(|half| char::decode_utf16([half, unit]).next()?.ok()),
        };
        half = whole.is_none().then_some(unit);
        decoded.extend(whole);
    }
    match characters::shown(&decoded) {
        Cow::Borrowed(_) => decoded,
        Cow::Owned(shown) => shown,
    }
}

/// `text` as it can be shown; see [`characters::shown`].
#[must_use]
pub fn shown(text: &str) -> String {
    characters::shown(text).into_owned()
}

/// `text` without line breaks, on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

fn private(unit: u16) -> char {
    // Every number up to U+FFFFF beyond U+E000 is a character.
    char::from_u32(FIRST + u32::from(unit)).unwrap_or(NOTHING)
}

fn unit(c: char) -> Option<u16> {
    let c = u32::from(c);
    (FIRST..=LAST).contains(&c).then(|| u16::try_from(c - FIRST).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_two_units_come_back_and_halves_are_nothing() {
        assert_eq!(decode(&encode("a🦀b\r\nc")), "a🦀b\nc");
        let [high, low] = [private(0xD83E), private(0xDD80)];
        let cases = [
            (vec![high, high, low], "🦀"),
            (vec![high, 'x', low], "x"),
            (vec![high, NOTHING, low], ""),
            (vec![low, high, private(0x41)], "A"),
        ];
        for (chars, decoded) in cases {
            assert_eq!(decode(&chars.iter().collect::<String>()), decoded, "{chars:?}");
        }
    }
}
