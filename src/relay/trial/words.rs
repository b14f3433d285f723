//! What a message says, as one text: what `contains` and `lacks` look into.

use serde_json::Value;

use crate::destination::plain_text;
use crate::domain::message::Content;

/// All that `content` says: title, body, labelled values, the fields of a ticket and the
/// link. Where the vendor's own body replaces the message, its texts.
#[must_use]
pub fn text_of(content: &Content) -> String {
    let mut lines = Vec::new();
    match &content.body {
        Some(body) => texts(body, &mut lines),
        None => {
            let message = &content.message;
            lines.push(message.title.clone());
            if !message.body.is_empty() {
                lines.push(plain_text(&message.body));
            }
            lines.extend(message.fields.iter().map(|field| format!("{}: {}", field.name, field.value)));
            lines.extend(message.link.clone());
        }
    }
    for (name, value) in &content.fields {
        let mut values = Vec::new();
        texts(value, &mut values);
        lines.push(format!("{name}: {}", values.join(", ")));
    }
    lines.join("\n")
}

/// Every text and number in `value`, in its order.
fn texts(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::String(text) => lines.push(text.clone()),
        Value::Bool(_) | Value::Number(_) => lines.push(value.to_string()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, lines)),
        Value::Object(entries) => entries.values().for_each(|value| texts(value, lines)),
    }
}
