//! `map:` of a source of kind `json`, and `preset:`.

use serde_json::{Value, json};

use super::parts::{Key, key, list, map, must, one_of, text};
use crate::config::presets::PRESETS;

/// The keys of a source that says all of its mapping.
pub(super) fn keys() -> Vec<Key> {
    vec![must("map", mapping(Whole::Yes))]
}

/// The keys of a source that changes a preset.
pub(super) fn keys_of_preset() -> Vec<Key> {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    vec![must("preset", one_of("The sender.", &names)), key("map", mapping(Whole::Changes))]
}

/// Whether a mapping says everything itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Yes,
    /// Only what is other than in a preset; a key without a value takes the preset's away.
    Changes,
}

fn mapping(whole: Whole) -> Value {
    let value = |about: &str| expression(about, whole);
    let event = value("The name of the event: '\"build.\" + body.status'.");
    let event = if whole == Whole::Yes { must("event", event) } else { key("event", event) };
    map(
        "Where the parts of an event stand, as CEL expressions over 'body' and 'headers'.",
        vec![
            event,
            key("when", value("Whether a webhook, or an item of it, is an event at all.")),
            key("each", value("A list; each of its items is an event. Expressions name it 'item', its place 'index'.")),
            key("project", value("The project.")),
            key("subject", value("What the event is about: '\"build/\" + string(body.id)'.")),
            key("time", value("When it happened: RFC 3339, or seconds or milliseconds since 1970.")),
            key("id", value("The sender's id of this delivery, by which a repetition is known.")),
            key("actor", value("Who did it.")),
            key("begins", value("Whether the event is the first of its subject.")),
            key("payload", value("What rules and templates reach as 'payload'; by default the item, or the body.")),
            key(
                "facts",
                json!({
                    "type": ["object", "null"],
                    "description": "The facts by name.",
                    "propertyNames": { "pattern": "^[a-z][a-z0-9_]{0,63}$" },
                    "additionalProperties": { "anyOf": [value("Where the fact stands."), fact(whole)] },
                }),
            ),
            key(
                "events",
                list(
                    "The names of events, where the expression does not tell them.",
                    &json!({ "type": "string", "pattern": "^[a-z0-9_.-]{1,100}$" }),
                ),
            ),
        ],
    )
}

fn fact(whole: Whole) -> Value {
    let value = expression("Where the fact stands.", Whole::Yes);
    let types = ["text", "number", "flag", "list", "time", "duration", "any"];
    map(
        "A fact, and what is said about it.",
        vec![
            if whole == Whole::Yes { must("value", value) } else { key("value", value) },
            key("type", one_of("What its value is.", &types)),
            key("values", list("The values that it can have.", &json!({ "type": "string" }))),
            key("meaning", text("What it means, in one line.")),
        ],
    )
}

/// An expression. Numbers, true and false are expressions too.
fn expression(about: &str, whole: Whole) -> Value {
    let types = match whole {
        Whole::Yes => json!(["string", "number", "boolean"]),
        Whole::Changes => json!(["string", "number", "boolean", "null"]),
    };
    json!({ "type": types, "description": about })
}
