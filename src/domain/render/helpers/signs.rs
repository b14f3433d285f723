//! Signs and colours: what a reader sees before reading.

use serde_json::Value;

use super::Args;
use crate::domain::message::Color;

/// What is shown where nothing better is known.
const BELL: &str = "🔔";

/// Words with their sign and colour: severities, then outcomes and states, then what
/// happened to something, then events by their whole name.
const SIGNS: &[(&str, &str, Color)] = &[
    ("blocker", "🚨", Color::Danger),
    ("critical", "🔴", Color::Danger),
    ("major", "🟠", Color::Warning),
    ("normal", "🟡", Color::Info),
    ("minor", "🔵", Color::Info),
    ("trivial", "⚪", Color::Neutral),
    ("undefined", "⚪", Color::Neutral),
    ("high", "🔴", Color::Danger),
    ("medium", "🟡", Color::Info),
    ("low", "🔵", Color::Info),
    ("passed", "✅", Color::Good),
    ("failed", "❌", Color::Danger),
    ("blocked", "⛔", Color::Warning),
    ("skipped", "⏭️", Color::Neutral),
    ("approved", "✅", Color::Good),
    ("unapproved", "↩️", Color::Neutral),
    ("changes_requested", "✏️", Color::Warning),
    ("resolved", "✅", Color::Good),
    ("completed", "🏁", Color::Info),
    ("merged", "✅", Color::Good),
    ("aborted", "🛑", Color::Warning),
    ("declined", "❌", Color::Warning),
    ("deleted", "🗑️", Color::Neutral),
    ("started", "▶️", Color::Info),
    ("commented", "💬", Color::Info),
    ("defect.created", "🐞", Color::Warning),
];

/// `icon severity`, `icon event`, `icon status`: a sign for the first value that has one.
pub(super) fn icon_of(args: &Args<'_>) -> Result<Value, String> {
    Ok(find(args).map_or(BELL, |(_, icon, _)| icon).into())
}

/// `color severity`: the word of a colour, for the first value that has one.
pub(super) fn color_of(args: &Args<'_>) -> Result<Value, String> {
    let color = find(args).map_or(Color::Neutral, |(_, _, color)| *color);
    let word = Color::WORDS.iter().find(|(_, one)| *one == color).map(|(word, _)| *word);
    Ok(word.unwrap_or_default().into())
}

/// The colour that `text` names: its own word, or what has a colour.
pub(in crate::domain::render) fn color(text: &str) -> Option<Color> {
    Color::from_word(text).or_else(|| sign(text).map(|(_, _, color)| *color))
}

fn find(args: &Args<'_>) -> Option<&'static (&'static str, &'static str, Color)> {
    (0..args.values.len()).find_map(|at| sign(args.get(at)?.as_str()?))
}

fn sign(text: &str) -> Option<&'static (&'static str, &'static str, Color)> {
    let word = text.trim().to_lowercase();
    let find = |wanted: &str| SIGNS.iter().find(|(known, ..)| *known == wanted);
    find(&word).or_else(|| word.split_once('.').and_then(|(_, verb)| find(verb)))
}
