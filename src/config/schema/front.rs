//! The front matter of templates.

use serde_json::{Value, json};

use super::parts::{key, map};

pub(super) fn schema() -> Value {
    let text = |about: &str| json!({ "type": ["string", "number", "boolean", "null"], "description": about });
    map(
        "The head of a message, between two lines '---'. Every text is a template: put it in quotes.",
        vec![
            key("title", text("The first line: \"{{icon severity}} {{title}}\".")),
            key("link", text("Where the title and the button lead: \"{{url}}\".")),
            key("color", text("The colour of the bar: \"{{color severity}}\", or #rrggbb.")),
            key(
                "fields",
                json!({
                    "type": ["object", "null"],
                    "description": "Short facts by their labels: Severity: \"{{severity}}\".",
                    "additionalProperties": text("The value. An empty one is left out."),
                }),
            ),
        ],
    )
}
