//! Helpers that make text of values.

use serde_json::Value;

use super::{Args, plain};
use crate::domain::characters;

/// How many characters `truncate` leaves when it is not told.
const TRUNCATE_DEFAULT_CHARS: usize = 80;

pub(super) fn upper(args: &Args<'_>) -> Result<Value, String> {
    Ok(args.text(0).unwrap_or_default().to_uppercase().into())
}

pub(super) fn lower(args: &Args<'_>) -> Result<Value, String> {
    Ok(args.text(0).unwrap_or_default().to_lowercase().into())
}

/// Cuts at a word, with `…` in place of the rest.
pub(super) fn truncate(args: &Args<'_>) -> Result<Value, String> {
    let text = args.text(0).unwrap_or_default();
    let most = match args.get(1) {
        None => TRUNCATE_DEFAULT_CHARS,
        Some(value) => value
            .as_u64()
            .and_then(|most| usize::try_from(most).ok())
            .filter(|most| *most > 0)
            .ok_or_else(|| format!("the number of characters must be 1 or more, not {value}"))?,
    };
    if text.chars().count() <= most {
        return Ok(text.into());
    }
    let end = text.char_indices().nth(most - 1).map_or(text.len(), |(at, _)| characters::floor(&text, at));
    let (kept, rest) = text.split_at(end);
    let at_word = match kept.rfind(char::is_whitespace) {
        // A word longer than half of what is left is cut.
        Some(end) if !rest.starts_with(char::is_whitespace) && end >= kept.len() / 2 => &kept[..end],
        _ => kept,
    };
    Ok(format!("{}…", at_word.trim_end()).into())
}

/// The first value that is there and not empty.
pub(super) fn default(args: &Args<'_>) -> Result<Value, String> {
    let filled = |value: &&Value| match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
        _ => true,
    };
    Ok((0..args.values.len()).filter_map(|at| args.get(at)).find(filled).cloned().unwrap_or_default())
}

pub(super) fn join(args: &Args<'_>) -> Result<Value, String> {
    let between = args.text(1).unwrap_or_else(|| ", ".to_owned());
    Ok(match args.get(0) {
        Some(Value::Array(items)) => items.iter().map(plain).collect::<Vec<_>>().join(&between).into(),
        Some(value) => plain(value).into(),
        None => Value::Null,
    })
}

pub(super) fn json(args: &Args<'_>) -> Result<Value, String> {
    let value = args.get(0).unwrap_or(&Value::Null);
    serde_json::to_string_pretty(value).map(Value::from).map_err(|error| error.to_string())
}
