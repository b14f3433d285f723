//! What a message says, as one text: what `contains` and `lacks` look into.

use serde_json::Value;

use crate::destination::plain_body;
use crate::domain::delivery::Action;
use crate::domain::how::Target;
use crate::domain::message::Content;

/// Whether the delivery has a message at all: an emoji has none, and a transition only
/// where its rule names a template.
#[must_use]
pub fn has_message(action: Action, content: &Content) -> bool {
    match action {
        Action::React => false,
        Action::Transition => !content.how.silent,
        _ => true,
    }
}

/// Where a transition leads: the name of a status, or of a category of them.
#[must_use]
pub fn status_of(content: &Content) -> Option<&str> {
    match content.how.target.as_ref()? {
        Target::Status(name) => Some(name),
        Target::Category(category) => Some(category.word()),
    }
}

/// All that a delivery says: title, body, labelled values, the fields of a ticket and the
/// link. Where the vendor's own body replaces the message, its texts.
#[must_use]
pub fn text_of(action: Action, content: &Content) -> String {
    let mut lines = Vec::new();
    match &content.body {
        Some(body) => texts(body, &mut lines),
        None if !has_message(action, content) => {}
        None => {
            let message = &content.message;
            lines.push(message.title.clone());
            if !message.body.is_empty() {
                lines.push(plain_body(&message.body));
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
