//! What schemas are made of.

use serde_json::{Map, Value, json};

/// What a duration looks like.
pub(super) const DURATION: &str = r"^\s*[0-9]+\s*(ms|s|m|min|h|d)\s*$";

/// One key of a map.
pub(super) struct Key {
    name: &'static str,
    required: bool,
    schema: Value,
}

/// A key that can be left out.
pub(super) fn key(name: &'static str, schema: Value) -> Key {
    Key { name, required: false, schema }
}

/// A key that must be there.
pub(super) fn must(name: &'static str, schema: Value) -> Key {
    Key { name, required: true, schema }
}

/// A map with these keys and no others.
pub(super) fn map(about: &str, keys: Vec<Key>) -> Value {
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let properties: Map<String, Value> = keys.into_iter().map(|key| (key.name.to_owned(), key.schema)).collect();
    // Nothing after the colon is a map without keys.
    let kind = if required.is_empty() { json!(["object", "null"]) } else { json!("object") };
    let mut schema =
        json!({ "type": kind, "description": about, "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A map whose keys are names that people choose.
pub(super) fn named(about: &str, each: &Value) -> Value {
    json!({
        "type": ["object", "null"],
        "description": about,
        "propertyNames": { "pattern": "^[a-z0-9_-]{1,64}$" },
        "additionalProperties": each,
    })
}

/// Text.
pub(super) fn text(about: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "description": about })
}

/// Text with a default.
pub(super) fn text_or(about: &str, default: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "description": about, "default": default })
}

/// A list.
pub(super) fn list(about: &str, items: &Value) -> Value {
    json!({ "type": ["array", "null"], "description": about, "items": items })
}

/// One of these words.
pub(super) fn one_of(about: &str, words: &[&str]) -> Value {
    json!({ "enum": words, "description": about })
}

/// A duration of a rule or a test.
pub(super) fn duration_of(about: &str) -> Value {
    json!({ "type": "string", "pattern": DURATION, "description": about })
}

/// A duration, or a reference to one.
pub(super) fn duration(about: &str, default: &str) -> Value {
    json!({
        "type": "string",
        "pattern": r"^(\s*[0-9]+\s*(ms|s|m|min|h|d)\s*|.*\$\{.*)$",
        "description": format!("{about} A whole number and a unit: 500ms, 30s, 10m, 4h, 30d."),
        "default": default,
    })
}

/// A pattern that fits `word` whatever its case.
pub(super) fn any_case(word: &str) -> String {
    word.chars()
        .map(|c| match (c.to_ascii_lowercase(), c.to_ascii_uppercase()) {
            (lower, upper) if lower != upper => format!("[{upper}{lower}]"),
            _ => c.to_string(),
        })
        .collect()
}
