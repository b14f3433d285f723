//! `rules/*.yaml`.

use serde_json::{Value, json};

use super::conditions;
use super::parts::{duration_of, key, list, map, must, one_of, text};
use super::trials;
use crate::config::vocabulary::Vocabulary;
use crate::domain::delivery::Action;
use crate::domain::expression::SOURCE_BYTES_MAX;
use crate::domain::how::Category;
use crate::domain::priority::Priority;

pub(super) fn schema(vocabulary: &Vocabulary) -> Value {
    let mut schema = map(
        "When these facts hold, send these messages.",
        vec![
            key(
                "rules",
                list("The rules of this file. Their order does not matter: every rule that matches acts.", &rule()),
            ),
            key("tests", trials::tests()),
        ],
    );
    // An empty rule file is a mistake.
    schema["type"] = json!("object");
    schema["$defs"] = conditions::definitions(vocabulary);
    schema
}

fn rule() -> Value {
    let fact = json!({ "type": "string", "minLength": 1, "examples": ["subject", "project", "run_id", "case_id"] });
    map(
        "One rule.",
        vec![
            must(
                "name",
                json!({
                    "type": "string",
                    "pattern": "^[a-z0-9_-]{1,64}$",
                    "description": "Unique over all files; it appears in lists, logs and metrics.",
                }),
            ),
            must("when", json!({ "$ref": "#/$defs/when", "description": "What must hold: all of these lines." })),
            key("unless", json!({ "$ref": "#/$defs/lines", "description": "What must not hold." })),
            key(
                "where",
                json!({
                    "type": "string", "minLength": 1, "maxLength": SOURCE_BYTES_MAX,
                    "description": "What must hold besides, as one CEL expression over the facts: cases >= 10 && failed > 0.",
                }),
            ),
            must(
                "send",
                json!({
                    "type": "array", "minItems": 1, "maxItems": 50, "items": send(),
                    "description": "The messages, one '- to: …' for each.",
                }),
            ),
            key(
                "about",
                json!({
                    "description": "One fact or a list: events with the same values are one conversation. Default: the subject.",
                    "anyOf": [fact, { "type": "array", "minItems": 1, "maxItems": 8, "items": fact }],
                }),
            ),
            key(
                "priority",
                json!({
                    "enum": Priority::WORDS.map(|(word, _)| word), "default": Priority::default().word(),
                    "description": "Who goes first when messages queue.",
                }),
            ),
            key("expires", duration_of("What could not be sent within that time of its event is dropped: 3h.")),
            key("mute_until", text("Until this date (2026-12-01) or moment the rule sends nothing.")),
        ],
    )
}

fn send() -> Value {
    let name = json!({ "type": "string", "description": "A name of 'people', in quotes: \"@qa-oncall\"." });
    let actions = Action::WORDS.map(|(word, _)| word);
    map(
        "One message.",
        vec![
            must("to", text("A destination of relaybell.yaml.")),
            key("template", text("A template without .md.hbs. Without this key the built-in message is sent.")),
            key("action", one_of("What is done there: a chat posts, a tracker creates. The default fits.", &actions)),
            key(
                "mention",
                json!({ "description": "Whom the message notifies.", "anyOf": [name, { "type": ["array", "null"], "maxItems": 20, "items": name }] }),
            ),
            key(
                "react",
                text("An emoji by its name, added to the first message of the conversation (slack with a bot)."),
            ),
            key(
                "broadcast",
                json!({ "type": "boolean", "default": false, "description": "A reply is shown in the channel too (slack)." }),
            ),
            key(
                "if_missing",
                one_of(
                    "What is done where there is nothing to reply to or act on: a new message or issue, or nothing.",
                    &["post", "create", "request", "skip"],
                ),
            ),
            key("status", text("Where a transition leads: the name of a status.")),
            key(
                "to_category",
                one_of(
                    "Where a transition leads: whatever status means that there.",
                    &Category::WORDS.map(|(word, _)| word),
                ),
            ),
            key(
                "fields",
                json!({ "type": "object", "description": "Fields of the issue (jira), or what a described destination names (rest); their texts are templates." }),
            ),
        ],
    )
}
