//! The message for an event without a (working) template: the same facts, in plain order.

use serde_json::Value;

use super::helpers;
use crate::domain::characters;
use crate::domain::facts::Facts;
use crate::domain::markdown::literal::{one_line, shown};
use crate::domain::markdown::{address, literal, parse};
use crate::domain::message::{Field, Message};

/// The facts shown as fields, with their labels.
const FIELDS: [(&str, &str); 12] = [
    ("Severity", "severity"),
    ("Priority", "priority"),
    ("Status", "status"),
    ("Project", "project"),
    ("By", "actor"),
    ("Reviewer", "reviewer"),
    ("Environment", "environment"),
    ("Plan", "plan"),
    ("Cases", "cases"),
    ("Passed", "passed"),
    ("Failed", "failed"),
    ("Blocked", "blocked"),
];

/// The facts shown as paragraphs.
const PARAGRAPHS: [&str; 3] = ["description", "actual_result", "comment"];

/// The longest paragraph, in characters; the destination's own limits come later.
const PARAGRAPH_CHARS_MAX: usize = 2_000;

/// The longest part of a title or field, in characters.
const LINE_CHARS_MAX: usize = 300;

/// The facts that the message shows.
pub(super) fn reads() -> impl Iterator<Item = &'static str> {
    let others = ["title", "url", "severity", "status"];
    FIELDS.into_iter().map(|(_, name)| name).chain(PARAGRAPHS).chain(others)
}

/// The message for `facts`. Never fails.
pub(super) fn message(facts: &Facts) -> Message {
    let text = |name: &str| {
        let text = one_line(&shown(&plain(facts.values.get(name)?)));
        (!text.is_empty()).then(|| cut(&text, LINE_CHARS_MAX))
    };
    let body = PARAGRAPHS
        .iter()
        .filter_map(|name| facts.text(name))
        .flat_map(|text| parse(&literal::encode(&cut(text, PARAGRAPH_CHARS_MAX))))
        .collect();
    let color = ["severity", "status", "event"].iter().find_map(|name| helpers::color(facts.text(name)?));
    Message {
        title: title(facts),
        body,
        fields: FIELDS
            .iter()
            .filter_map(|(label, name)| Some(Field { name: (*label).to_owned(), value: text(name)? }))
            .collect(),
        link: facts.text("url").and_then(address),
        color,
        ..Message::default()
    }
}

/// `defect.created · SHOP · Voucher is charged twice`: what happened, where, to what.
pub(super) fn title(facts: &Facts) -> String {
    let part = |name: &str| {
        let part = cut(&one_line(&shown(facts.text(name)?)), LINE_CHARS_MAX);
        (!part.is_empty()).then_some(part)
    };
    let what = part("title").or_else(|| part("subject"));
    let parts: Vec<String> = [part("event"), part("project"), what].into_iter().flatten().collect();
    if parts.is_empty() { "An event".to_owned() } else { parts.join(" · ") }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => String::new(),
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text[..characters::floor(text, end)].trim_end()),
        None => text.to_owned(),
    }
}
