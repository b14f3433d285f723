//! Runs of text, made neat.

use super::literal::{decode, first_moment, one_line};
use crate::domain::message::Inline;

/// Text of the parser as runs, its literals decoded, each line break a break, each moment
/// a moment.
pub(super) fn text_inlines(text: &str) -> Vec<Inline> {
    let mut inlines = Vec::new();
    let mut rest = text;
    while let Some((before, at, shown, after)) = first_moment(rest) {
        inlines.extend(lines(before));
        inlines.push(Inline::Moment { at, text: shown });
        rest = after;
    }
    inlines.extend(lines(rest));
    inlines
}

fn lines(text: &str) -> Vec<Inline> {
    let decoded = decode(text);
    let mut inlines = Vec::new();
    for (at, line) in decoded.split('\n').enumerate() {
        if at > 0 {
            inlines.push(Inline::Break);
        }
        if !line.is_empty() {
            inlines.push(Inline::Text(line.to_owned()));
        }
    }
    inlines
}

/// Joins neighbouring texts.
pub(super) fn join(inlines: Vec<Inline>) -> Vec<Inline> {
    let mut joined: Vec<Inline> = Vec::with_capacity(inlines.len());
    for inline in inlines {
        match (joined.last_mut(), inline) {
            (Some(Inline::Text(before)), Inline::Text(text)) => before.push_str(&text),
            (_, inline) => joined.push(inline),
        }
    }
    joined
}

/// Joins texts, leaves out breaks at either end and all but one blank line between.
pub(super) fn tidy(inlines: Vec<Inline>) -> Vec<Inline> {
    let joined = join(inlines);
    if joined.iter().all(is_blank) {
        return Vec::new();
    }
    let mut tidied: Vec<Inline> = Vec::with_capacity(joined.len());
    let mut breaks = 0;
    for inline in joined {
        breaks = if inline == Inline::Break { breaks + 1 } else { 0 };
        if breaks <= 2 && !(tidied.is_empty() && inline == Inline::Break) {
            tidied.push(inline);
        }
    }
    while tidied.last() == Some(&Inline::Break) {
        tidied.pop();
    }
    tidied
}

/// Whether nothing of it can be seen.
pub(super) fn is_blank(inline: &Inline) -> bool {
    match inline {
        Inline::Text(text) => text.trim().is_empty(),
        Inline::Break => true,
        _ => false,
    }
}

/// The same on one line, for headings and cells.
pub(super) fn on_one_line(inlines: Vec<Inline>) -> Vec<Inline> {
    inlines
        .into_iter()
        .map(|inline| match inline {
            Inline::Break => Inline::Text(" ".to_owned()),
            Inline::Text(text) if text.contains('\n') => Inline::Text(one_line(&text)),
            other => other,
        })
        .collect()
}
