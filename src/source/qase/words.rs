//! Qase's spellings of one value, brought to one: `"blocker"`, `{"id": 1, "title": "Blocker"}`
//! and `1` are all `blocker`.

use serde_json::{Number, Value};

use crate::domain::rank;

/// Text that is not blank; a number counts as its text.
pub(in crate::source) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.trim().is_empty()).then(|| text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The title of a titled object, or plain text.
pub(in crate::source) fn title(value: &Value) -> Option<String> {
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

/// The longest id that is kept, in characters. Qase's own hashes have 40.
const ID_CHARS_MAX: usize = 100;

/// A severity: one of the ranked words or `undefined`; a word of the workspace's own is
/// kept in lower case. Options can be renamed, so a known id helps where the title does not.
pub(in crate::source) fn severity(value: &Value) -> Option<String> {
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
pub(in crate::source) fn priority(value: &Value) -> Option<String> {
    option(value, &|word| rank::PRIORITIES.iter().find(|known| **known == word).copied(), &|id| match id {
        0 => Some(rank::UNDEFINED),
        1..=3 => rank::PRIORITIES.get(usize::try_from(id - 1).ok()?).copied(),
        _ => None,
    })
    .filter(|word| word != rank::UNDEFINED && word != "not set")
}

/// How far a case is automated.
pub(super) fn automation(value: &Value) -> Option<String> {
    const WORDS: [&str; 3] = ["manual", "to be automated", "automated"];
    option(value, &|word| WORDS.iter().find(|known| **known == word).copied(), &|id| {
        WORDS.get(usize::try_from(id).ok()?).copied()
    })
}

/// The state of a test case.
pub(super) fn case_status(value: &Value) -> Option<String> {
    const WORDS: [&str; 3] = ["actual", "draft", "deprecated"];
    option(value, &|word| WORDS.iter().find(|known| **known == word).copied(), &|id| {
        WORDS.get(usize::try_from(id).ok()?).copied()
    })
}

/// A title or text in lower case. Numbers alone say nothing and are left out.
pub(super) fn word(value: &Value) -> Option<String> {
    title(value).map(|title| title.trim().to_lowercase())
}

/// The state of a review: `unapproved`, `approved`, `changes_requested`, `open`, …
pub(super) fn review_status(value: &Value) -> Option<String> {
    let word = word(value)?;
    let joined = word.replace([' ', '-'], "_");
    Some(match joined.as_str() {
        "request_changes" | "requested_changes" | "changes_requested" => "changes_requested".to_owned(),
        _ => word,
    })
}

/// An option of a system field, sent as its word, as its id, or as `{id, title}`.
fn option(
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
