//! How a value is written within a vendor's own JSON body, so that it stays text there.

use serde_json::Value;

use crate::domain::markdown::literal::shown;
use crate::domain::rule::Kind;

/// `text` for the inside of a JSON string in a body for `kind`.
pub(super) fn in_json(kind: Kind, text: &str) -> String {
    let safe = for_vendor(kind, text);
    // A template may write `<{{url}}|…>`: no text makes a mention (`<!channel|…>`) of that.
    let mentions = kind == Kind::Slack && safe.starts_with(['!', '@', '#']);
    let safe = if mentions { format!("\u{2060}{safe}") } else { safe };
    let quoted = Value::from(safe).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// `value` as JSON whose strings are text for `kind`.
pub(super) fn json(kind: Kind, value: &Value) -> Value {
    match value {
        Value::String(text) => for_vendor(kind, text).into(),
        Value::Array(items) => items.iter().map(|item| json(kind, item)).collect(),
        Value::Object(items) => {
            Value::Object(items.iter().map(|(key, item)| (for_vendor(kind, key), json(kind, item))).collect())
        }
        other => other.clone(),
    }
}

/// `text` so that the vendor reads no markup and no mention in it, without control
/// characters.
fn for_vendor(kind: Kind, text: &str) -> String {
    let text = shown(text);
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        match (kind, c) {
            (Kind::Slack, '&') => safe.push_str("&amp;"),
            (Kind::Slack, '<') => safe.push_str("&lt;"),
            (Kind::Slack, '>') => safe.push_str("&gt;"),
            (Kind::Teams, '<') if opens_mention(rest) => safe.push('‹'),
            (Kind::Teams, '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '(' | ')' | '<' | '>' | '#' | '!') => {
                safe.push('\\');
                safe.push(c);
            }
            // Wiki markup mentions with `[~name]`: a word joiner, which has no width, parts it.
            (Kind::Jira, '[') if rest.starts_with('~') => safe.push_str("[\u{2060}"),
            _ => safe.push(c),
        }
    }
    safe
}

/// Whether this, behind `<`, is one of the tags by which Teams mentions.
fn opens_mention(rest: &str) -> bool {
    let tag = rest.strip_prefix('/').unwrap_or(rest);
    tag.get(..2).is_some_and(|name| name.eq_ignore_ascii_case("at"))
}
