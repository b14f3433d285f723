//! Brings what a mapping gives to the type of its fact.

use serde_json::{Number, Value};

use crate::domain::time::Timestamp;
use crate::source::catalogue::FactKind;
use crate::source::words;

/// Moments from here on are milliseconds: as seconds this is the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// The last second that RFC 3339 can write, at the end of the year 9999.
const SECOND_MAX: i64 = 253_402_300_799;

/// The value of the fact `name`, which is of this kind; `None` when there is nothing to say.
///
/// # Errors
/// Why it can be none, in words that go on after the name.
pub(super) fn fit(name: &str, kind: FactKind, value: Value) -> Result<Option<Value>, String> {
    match name {
        "severity" => return Ok(words::severity(&value).map(Value::from)),
        "priority" => return Ok(words::priority(&value).map(Value::from)),
        _ => {}
    }
    let unfit = |value: &Value| Err(format!("must be {}, but this gives {}", wanted(kind), what(value)));
    match kind {
        FactKind::Text => match &value {
            Value::String(_) | Value::Number(_) => Ok(words::text(&value).map(Value::from)),
            Value::Bool(flag) => Ok(Some(flag.to_string().into())),
            other => unfit(other),
        },
        FactKind::Number | FactKind::Duration => match number(&value) {
            Some(number) if kind == FactKind::Duration && number.as_f64().is_some_and(|number| number < 0.0) => {
                Err(format!("must be {}, but this gives {number}", wanted(kind)))
            }
            Some(number) => Ok(Some(Value::Number(number))),
            None if is_blank(&value) => Ok(None),
            None => unfit(&value),
        },
        FactKind::Flag => match &value {
            Value::Bool(_) => Ok(Some(value)),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true.into())),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false.into())),
            other if is_blank(other) => Ok(None),
            other => unfit(other),
        },
        FactKind::List => match value {
            Value::Array(items) => Ok(Some(items.iter().filter_map(element).collect())),
            Value::String(_) if is_blank(&value) => Ok(None),
            Value::String(_) => Ok(Some(Value::Array(vec![value]))),
            other => unfit(&other),
        },
        FactKind::Time => match &value {
            Value::String(_) | Value::Number(_) if is_blank(&value) => Ok(None),
            Value::String(_) | Value::Number(_) => match read(&value) {
                Some(seen) => Ok(moment(seen).map(|moment| moment.to_string().into())),
                None => unfit(&value),
            },
            other => unfit(other),
        },
        FactKind::Object | FactKind::Any => Ok((!is_blank(&value)).then_some(value)),
    }
}

/// A moment: RFC 3339, seconds or milliseconds since 1970, as number or text. `None` for
/// what is none, and for moments before 1970, which senders write for "never".
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    read(value).and_then(moment)
}

fn moment(time: Timestamp) -> Option<Timestamp> {
    (0..=SECOND_MAX).contains(&time.as_seconds()).then_some(time)
}

fn read(value: &Value) -> Option<Timestamp> {
    if let Value::String(text) = value
        && let Some(moment) = Timestamp::parse(text.trim())
    {
        return Some(moment);
    }
    let number = number(value)?.as_f64()?;
    let ms = if number.abs() >= MILLISECONDS_FROM { number } else { number * 1000.0 };
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and what is out of range is refused later")]
    Some(Timestamp::from_ms(ms as i64))
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An element of a list: text, the text of a number, or the name of an object.
fn element(value: &Value) -> Option<Value> {
    words::text(value).or_else(|| words::title(value)).map(Value::from)
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn wanted(kind: FactKind) -> &'static str {
    match kind {
        FactKind::Text => "text",
        FactKind::Number => "a number",
        FactKind::Flag => "true or false",
        FactKind::List => "a list",
        FactKind::Time => "a moment such as 2026-09-14T12:20:00Z",
        FactKind::Duration => "a number of seconds",
        FactKind::Object | FactKind::Any => "anything",
    }
}

/// What `value` is, with its article.
pub(super) fn what(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() <= 40 => format!("'{text}'"),
        Value::String(_) => "a long text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
