//! The keys of a source of kind `uipath`.

use serde_json::{Value, json};

use super::parts::{Key, duration, key, list, map, must, text};
use super::settings::limit_of;
use crate::domain::defects::COUNTED;
use crate::source::uipath::CLOUD_SCOPE;

pub(super) fn keys() -> Vec<Key> {
    vec![
        key(
            "projects",
            json!({
                "type": ["object", "null"],
                "description": "The codes of projects by their ids in Test Manager. Figures are given for these only.",
                "propertyNames": { "pattern": "^[0-9A-Fa-f-]{36}$" },
                "additionalProperties": { "type": "string", "minLength": 1 },
            }),
        ),
        key("api", api()),
        key("create_defect", create_defect()),
        key("defect_kpis", defect_kpis()),
    ]
}

fn api() -> Value {
    map(
        "Test Manager's API, which knows what the request does not say: the case, the error, the robot.",
        vec![
            must("url", text("Test Manager's address: https://cloud.uipath.com/acme/Prod/testmanager_.")),
            key("token_url", text("Where tokens are given; in the cloud it is known without.")),
            must("client_id", text("The id of the external application.")),
            must("client_secret", text("Its secret, by reference: ${NAME}.")),
            key(
                "scope",
                json!({
                    "description": "What the application asks for: a list, or one text with blanks between.",
                    "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "array", "items": { "type": "string" } }],
                    "default": CLOUD_SCOPE,
                }),
            ),
            key("limit", limit_of("How fast it is asked.", "20/s")),
            key("proxy", text("http://, https://, socks5:// or socks5h://.")),
        ],
    )
}

fn create_defect() -> Value {
    map(
        "Create Defect is answered with the issue that a rule creates.",
        vec![
            must("rule", text("The rule that creates the issue.")),
            key("wait", duration("How long Test Manager is kept waiting for it, 1s to 60s.", "10s")),
            key(
                "late",
                json!({
                    "enum": [202, 504, "202", "504"], "default": 202,
                    "description": "The answer when that is not long enough. The issue is created all the same.",
                }),
            ),
            key(
                "response",
                json!({
                    "description": "The answer's body. Texts are templates over facts and the issue: {{issue.key}}, \
                                    {{issue.url}}. Without it: the names that were seen in use.",
                }),
            ),
        ],
    )
}

fn defect_kpis() -> Value {
    let query = |word: &str| json!({ "type": "string", "description": format!("What counts as {word}.") });
    let counted: Vec<Key> = COUNTED.into_iter().map(|word| key(word, query(word))).collect();
    let lines = |word: &str| {
        let about = format!("The lines, as in a rule's 'when', that hold of a defect that counts as {word}.");
        json!({ "type": "object", "minProperties": 1, "description": about })
    };
    let sorts: Vec<Key> = COUNTED.into_iter().map(|word| key(word, lines(word))).collect();
    let limit = |word: &str| {
        let about = format!("So many {word} defects.");
        json!({ "type": "integer", "minimum": 1, "description": about })
    };
    let limits = |about: &str| {
        let limits = COUNTED.into_iter().map(|word| key(word, limit(word))).collect();
        map(about, limits)
    };
    map(
        "The defect figures of Test Manager's dashboard, counted in a tracker or from Relaybell's own memory.",
        vec![
            must(
                "from",
                text("The destination, of kind jira, whose issues are counted; memory: what Relaybell remembers."),
            ),
            key("jql", map("Queries in place of the tracker's own; {{project}} is the project's code.", counted)),
            key("count", map("What counts as what, from memory. Without it what happened and severity tell.", sorts)),
            key(
                "sources",
                list(
                    "The sources whose defects are counted from memory. Without it: all.",
                    &json!({ "type": "string" }),
                ),
            ),
            key(
                "subjects",
                list(
                    "What is counted from memory: what stands before the slash in subjects. Without it: [defect].",
                    &json!({ "type": "string" }),
                ),
            ),
            key("link", text("The page of the critical defects; {{project}} is the project's code.")),
            key("fresh", duration("How long a count is as good as new, 5s to 1h.", "60s")),
            key(
                "status",
                map(
                    "The dashboard's word for the figures.",
                    vec![
                        key("words", list("Three words, from good to bad.", &json!({ "type": "string" }))),
                        key("warning", limits("From how many on the second word holds; { moderate: 1 }.")),
                        key("critical", limits("From how many on the third word holds; { critical: 1 }.")),
                    ],
                ),
            ),
        ],
    )
}
