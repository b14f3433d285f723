//! Values as senders write them, brought to Relaybell's one spelling: `"blocker"`,
//! `{"id": 1, "title": "Blocker"}` and `1` are all `blocker`.

use serde_json::{Number, Value};

use super::Malformed;
use crate::domain::rank;

/// The longest id that is kept, in characters.
const ID_CHARS_MAX: usize = 100;

/// Text that is not blank; a number counts as its text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The title of a titled object, or plain text.
pub(super) fn title(value: &Value) -> Option<String> {
    match value {
        Value::Object(object) => ["title", "name", "slug"].iter().find_map(|key| object.get(*key).and_then(text)),
        Value::String(_) => text(value),
        _ => None,
    }
}

/// A whole number, also as text or with a fraction of zero.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0)?;
            format!("{whole:.0}").parse().ok()
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number, also as text.
pub(super) fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => text.trim().parse::<Number>().ok().map(Value::Number),
        _ => None,
    }
}

/// An id: a number where it is one, whichever way it is sent, else its text. `None` for
/// what cannot be an id.
pub(super) fn id(value: &Value) -> Option<Value> {
    if let Some(number) = integer(value) {
        return Some(number.into());
    }
    let text = text(value)?.trim().to_owned();
    (text.chars().count() <= ID_CHARS_MAX && !text.contains(char::is_control)).then(|| text.into())
}

/// A severity: one of the ranked words or `undefined`; a word of the workspace's own is
/// kept in lower case. Options can be renamed, so a known id helps where the title does not.
pub(super) fn severity(value: &Value) -> Option<String> {
    option(
        value,
        &|word| rank::SEVERITIES.iter().chain([&rank::UNDEFINED]).find(|known| **known == word).copied(),
        &|id| match id {
            0 => Some(rank::UNDEFINED),
            1..=6 => rank::SEVERITIES.get(usize::try_from(id - 1).ok()?).copied(),
            _ => None,
        },
    )
    .map(|word| if word == "not set" { rank::UNDEFINED.to_owned() } else { word })
}

/// A priority: one of the ranked words, or a word of the workspace's own; `None` when it
/// is not set.
pub(super) fn priority(value: &Value) -> Option<String> {
    option(value, &|word| rank::PRIORITIES.iter().find(|known| **known == word).copied(), &|id| match id {
        0 => Some(rank::UNDEFINED),
        1..=3 => rank::PRIORITIES.get(usize::try_from(id - 1).ok()?).copied(),
        _ => None,
    })
    .filter(|word| word != rank::UNDEFINED && word != "not set")
}

/// A title or text in lower case. Numbers alone say nothing and are left out.
pub(super) fn word(value: &Value) -> Option<String> {
    title(value).map(|title| title.trim().to_lowercase())
}

/// An option of a system field, sent as its word, as its id, or as `{id, title}`.
pub(super) fn option(
    value: &Value,
    known: &dyn Fn(&str) -> Option<&'static str>,
    by_id: &dyn Fn(i64) -> Option<&'static str>,
) -> Option<String> {
    let named = word(value);
    if let Some(word) = named.as_deref().and_then(known) {
        return Some(word.to_owned());
    }
    let id = match value {
        Value::Object(object) => object.get("id").and_then(integer),
        other => integer(other),
    };
    id.and_then(by_id).map(str::to_owned).or(named)
}

/// A word in small letters with `_` between its parts: `in_progress` of `InProgress`.
pub(super) fn snake(word: &str) -> String {
    let mut snake = String::with_capacity(word.len() + 4);
    let mut before_small = false;
    for c in word.trim().chars() {
        if c == ' ' || c == '-' {
            snake.push('_');
            before_small = false;
            continue;
        }
        if c.is_uppercase() && before_small {
            snake.push('_');
        }
        before_small = c.is_lowercase() || c.is_ascii_digit();
        snake.extend(c.to_lowercase());
    }
    snake
}

/// Whether `text` can be the name of an event.
pub(super) fn is_name(text: &str, chars_max: usize) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    !text.is_empty() && text.len() <= chars_max && text.chars().all(fits)
}

/// Why `body` is not JSON.
pub(super) fn not_json(body: &[u8], error: &serde_json::Error) -> Malformed {
    let why = match body.iter().all(u8::is_ascii_whitespace) {
        true => "the body is empty".to_owned(),
        false => format!("the body is not JSON: {error}"),
    };
    Malformed::refused(why)
}

/// What `value` is, with its article.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_brought_to_one_spelling() {
        for (written, read) in [
            ("InProgress", "in_progress"),
            ("Faulted", "faulted"),
            ("ApplicationException", "application_exception"),
            ("API", "api"),
            ("changes requested", "changes_requested"),
            ("already_so", "already_so"),
            ("", ""),
        ] {
            assert_eq!(snake(written), read);
        }
    }
}
