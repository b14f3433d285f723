//! Values as senders write them, read into Relaybell's spelling.

use serde_json::Value;

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

/// A whole number, also as text.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
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

/// A priority in the one vocabulary; a word of the sender's own is kept in small letters.
pub(super) fn priority(word: &str) -> String {
    let word = snake(word);
    match word.as_str() {
        "normal" => rank::PRIORITIES[1].to_owned(),
        _ => word,
    }
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
        assert_eq!((&*priority("Normal"), &*priority("High"), &*priority("Later")), ("medium", "high", "later"));
    }
}
