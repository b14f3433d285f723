//! `tests:` in `rules/*.yaml`.

use serde_json::{Value, json};

use super::parts::{duration_of, key, list, map, must, one_of, text};
use crate::domain::delivery::Action;

/// The tests of a file.
pub(super) fn tests() -> Value {
    let trial = map(
        "One test.",
        vec![
            must("name", text("What it shows, in a few words; unique over all files.")),
            key("at", text("When it begins, with the offset: 2026-10-05T10:00:00+03:00. Default: a Monday morning.")),
            must(
                "steps",
                json!({
                    "type": "array", "minItems": 1, "items": step(),
                    "description": "What happens, step by step. The last one expects something, or nothing: [].",
                }),
            ),
        ],
    );
    list("Tests of the rules, which 'relaybell test' runs. Nothing is sent.", &trial)
}

fn step() -> Value {
    let mut step = map(
        "One step: a webhook comes in, time passes, or messages are expected.",
        vec![
            key("receive", receive()),
            key("after", duration_of("Time passes: 4h.")),
            key(
                "expect",
                list("Exactly what is sent since the last 'expect', in any order; [] for nothing.", &delivery()),
            ),
        ],
    );
    step["type"] = json!("object");
    step["minProperties"] = json!(1);
    step["maxProperties"] = json!(1);
    step
}

fn receive() -> Value {
    map(
        "A webhook comes in. One of body, file and sample says which.",
        vec![
            must("source", text("The source it comes from.")),
            key("body", json!({ "type": "object", "description": "The body, as the sender would send it." })),
            key("file", text("A file with the body, beside this file or beside relaybell.yaml.")),
            key("sample", text("A webhook as its sender documents it: defect.created.")),
            key(
                "headers",
                json!({
                    "type": ["object", "null"], "additionalProperties": { "type": "string" },
                    "description": "Headers that come with it.",
                }),
            ),
        ],
    )
}

fn delivery() -> Value {
    let words = |about: &str| {
        json!({
            "description": about,
            "anyOf": [
                { "type": "string", "minLength": 1 },
                { "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1 } },
            ],
        })
    };
    map(
        "One message, by what must be true of it.",
        vec![
            must("to", text("The destination it goes to.")),
            key("action", one_of("What is done there.", &Action::WORDS.map(|(word, _)| word))),
            key("rule", text("The rule that sends it.")),
            key("title", text("Its title, to the letter.")),
            key("contains", words("What it says.")),
            key("lacks", words("What it does not say.")),
            key(
                "mention",
                json!({
                    "description": "Exactly whom it notifies: names of 'people', in quotes.",
                    "anyOf": [{ "type": "string" }, { "type": ["array", "null"], "items": { "type": "string" } }],
                }),
            ),
            key(
                "fields",
                json!({ "type": "object", "description": "Fields of the issue, as they are sent (jira only)." }),
            ),
            key("link", text("Where it leads.")),
            key("status", text("The status that the issue is moved to (jira only).")),
            key("react", text("The emoji that is added (slack only).")),
        ],
    )
}
