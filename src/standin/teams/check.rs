//! What Teams refuses, at the workflow's door and when it posts.

use serde_json::{Map, Value};

use crate::standin::shape::{Shape, kind};

/// The most that Teams takes, measured as it stores it: the card as a string within JSON.
const CARD_BYTES_MAX: usize = 28_672;

/// Checks what the workflow's trigger checks.
///
/// # Errors
/// Everything that is wrong with the message around the card.
pub fn check_message(body: &Value) -> Result<(), Vec<String>> {
    let mut shape = Shape::default();
    if let Some(message) = shape.object(body, "", &["type", "attachments", "summary"]) {
        if kind(body) != "message" {
            shape.wrong("/type", "must be 'message'");
        }
        for (at, attachment) in shape.list(message, "", "attachments", 1..=10).iter().enumerate() {
            let at = format!("/attachments/{at}");
            let known = ["contentType", "contentUrl", "content"];
            let Some(attachment) = shape.object(attachment, &at, &known) else { continue };
            if attachment.get("contentType").and_then(Value::as_str) != Some("application/vnd.microsoft.card.adaptive")
            {
                shape.wrong(&format!("{at}/contentType"), "must be 'application/vnd.microsoft.card.adaptive'");
            }
            if attachment.get("contentUrl").is_some_and(|url| !url.is_null()) {
                shape.wrong(&format!("{at}/contentUrl"), "must be null");
            }
        }
    }
    done(shape)
}

/// Checks what Teams checks when the workflow posts: the cards and their size.
///
/// # Errors
/// Everything because of which the message is not shown.
pub fn check_cards(body: &Value) -> Result<(), Vec<String>> {
    let mut shape = Shape::default();
    let size = Value::String(body.to_string()).to_string().len();
    if size > CARD_BYTES_MAX {
        shape.wrong("", format!("MessageSizeExceeded: {size} bytes, max allowed {CARD_BYTES_MAX}"));
    }
    let attachments = body.get("attachments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (at, attachment) in attachments.iter().enumerate() {
        card(&mut shape, attachment.get("content").unwrap_or(&Value::Null), &format!("/attachments/{at}/content"));
    }
    done(shape)
}

fn done(shape: Shape) -> Result<(), Vec<String>> {
    let problems = shape.problems();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn card(shape: &mut Shape, value: &Value, at: &str) {
    let known = ["$schema", "type", "version", "msteams", "body", "actions"];
    let Some(card) = shape.object(value, at, &known) else { return };
    if kind(value) != "AdaptiveCard" {
        shape.wrong(at, "Property 'type' must be 'AdaptiveCard'");
    }
    if !matches!(card.get("version").and_then(Value::as_str), Some("1.0" | "1.1" | "1.2" | "1.3" | "1.4" | "1.5")) {
        shape.wrong(&format!("{at}/version"), "must be 1.0 to 1.5");
    }
    for (place, element) in shape.list(card, at, "body", 1..=1000).iter().enumerate() {
        self::element(shape, element, &format!("{at}/body/{place}"));
    }
    if card.contains_key("actions") {
        for (place, one) in shape.list(card, at, "actions", 1..=6).iter().enumerate() {
            action(shape, one, &format!("{at}/actions/{place}"));
        }
    }
    if let Some(msteams) = card.get("msteams") {
        let at = format!("{at}/msteams");
        if let Some(msteams) = shape.object(msteams, &at, &["width", "entities"]) {
            if msteams.get("width").is_some_and(|width| width != "Full") {
                shape.wrong(&format!("{at}/width"), "must be 'Full'");
            }
            if msteams.contains_key("entities") {
                let entities = shape.list(msteams, &at, "entities", 0..=100);
                self::entities(shape, entities, card, &at);
            }
        }
    }
}

fn entities(shape: &mut Shape, entities: &[Value], card: &Map<String, Value>, at: &str) {
    let mut texts = Vec::new();
    tagged_texts(card.get("body").unwrap_or(&Value::Null), &mut texts);
    for (place, entity) in entities.iter().enumerate() {
        let at = format!("{at}/entities/{place}");
        let Some(map) = shape.object(entity, &at, &["type", "text", "mentioned"]) else { continue };
        if let Some(text) = shape.text(map, &at, "text", 10..=500) {
            let tag = text.strip_prefix("<at>").and_then(|rest| rest.strip_suffix("</at>"));
            if tag.is_none() || !texts.iter().any(|shown| shown.contains(text)) {
                shape.wrong(&format!("{at}/text"), "must be an <at> tag that stands in a text of the card");
            }
        }
        let mentioned = map.get("mentioned").unwrap_or(&Value::Null);
        let at = format!("{at}/mentioned");
        if let Some(mentioned) = shape.object(mentioned, &at, &["id", "name"]) {
            shape.text(mentioned, &at, "id", 1..=200);
            shape.text(mentioned, &at, "name", 1..=200);
        }
    }
}

/// The texts in which Teams looks for mentions.
fn tagged_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| tagged_texts(item, texts)),
        Value::Object(map) => {
            if kind(value) == "TextBlock" {
                texts.extend(map.get("text").and_then(Value::as_str));
            }
            map.values().for_each(|value| tagged_texts(value, texts));
        }
        _ => {}
    }
}

fn element(shape: &mut Shape, value: &Value, at: &str) {
    let known: &[&str] = match kind(value) {
        "TextBlock" => &["text", "wrap", "size", "weight", "style", "isSubtle", "fontType", "color"],
        "RichTextBlock" => &["inlines"],
        "FactSet" => &["facts"],
        "Container" => &["items", "style", "bleed"],
        "Table" => &["columns", "rows", "firstRowAsHeader"],
        "ColumnSet" => &["columns", "style"],
        "Image" => &["url", "altText", "size", "width", "height", "selectAction"],
        "ActionSet" => &["actions"],
        other => {
            shape.wrong(at, format!("unknown element '{other}'"));
            return;
        }
    };
    let known = [&["type", "id", "isVisible", "spacing", "separator"], known].concat();
    let Some(map) = shape.object(value, at, &known) else { return };
    match kind(value) {
        "TextBlock" => {
            shape.text(map, at, "text", 0..=30_000);
        }
        "RichTextBlock" => {
            for (place, run) in shape.list(map, at, "inlines", 1..=1000).iter().enumerate() {
                text_run(shape, run, &format!("{at}/inlines/{place}"));
            }
        }
        "FactSet" => {
            for (place, fact) in shape.list(map, at, "facts", 1..=100).iter().enumerate() {
                let at = format!("{at}/facts/{place}");
                if let Some(fact) = shape.object(fact, &at, &["title", "value"]) {
                    shape.text(fact, &at, "title", 1..=30_000);
                    shape.text(fact, &at, "value", 1..=30_000);
                }
            }
        }
        "Container" => {
            let style = map.get("style").and_then(Value::as_str).unwrap_or("default");
            if !["default", "emphasis", "good", "attention", "warning", "accent"].contains(&style) {
                shape.wrong(&format!("{at}/style"), format!("unknown style '{style}'"));
            }
            for (place, item) in shape.list(map, at, "items", 1..=10_000).iter().enumerate() {
                element(shape, item, &format!("{at}/items/{place}"));
            }
        }
        "ColumnSet" => {
            for (place, column) in shape.list(map, at, "columns", 1..=20).iter().enumerate() {
                let at = format!("{at}/columns/{place}");
                let Some(column) = shape.object(column, &at, &["type", "width", "items", "style"]) else { continue };
                for (place, item) in shape.list(column, &at, "items", 0..=1000).iter().enumerate() {
                    element(shape, item, &format!("{at}/items/{place}"));
                }
            }
        }
        "Image" => {
            shape.address(map, at, "url");
            if let Some(select) = map.get("selectAction") {
                action(shape, select, &format!("{at}/selectAction"));
            }
        }
        "ActionSet" => {
            for (place, one) in shape.list(map, at, "actions", 1..=6).iter().enumerate() {
                action(shape, one, &format!("{at}/actions/{place}"));
            }
        }
        _ => table(shape, map, at),
    }
}

fn text_run(shape: &mut Shape, value: &Value, at: &str) {
    let known =
        ["type", "text", "size", "weight", "italic", "strikethrough", "underline", "fontType", "color", "selectAction"];
    let Some(run) = shape.object(value, at, &known) else { return };
    if kind(value) != "TextRun" {
        shape.wrong(at, "must be a TextRun");
    }
    if run.get("text").and_then(Value::as_str).is_none_or(|text| text.is_empty() || text.contains('\n')) {
        shape.wrong(&format!("{at}/text"), "must be text on one line");
    }
    if let Some(select) = run.get("selectAction") {
        action(shape, select, &format!("{at}/selectAction"));
    }
}

fn action(shape: &mut Shape, value: &Value, at: &str) {
    match kind(value) {
        "Action.OpenUrl" => {
            if let Some(action) = shape.object(value, at, &["type", "title", "url"]) {
                shape.address(action, at, "url");
            }
        }
        "Action.ToggleVisibility" => {
            if let Some(action) = shape.object(value, at, &["type", "title", "targetElements"]) {
                shape.list(action, at, "targetElements", 1..=100);
            }
        }
        "Action.ShowCard" => {
            if let Some(action) = shape.object(value, at, &["type", "title", "card"]) {
                card(shape, action.get("card").unwrap_or(&Value::Null), &format!("{at}/card"));
            }
        }
        other => shape.wrong(at, format!("the action '{other}' does nothing in a webhook's card")),
    }
}

fn table(shape: &mut Shape, map: &Map<String, Value>, at: &str) {
    let columns = shape.list(map, at, "columns", 1..=20).len();
    for (place, row) in shape.list(map, at, "rows", 1..=100_000).iter().enumerate() {
        let at = format!("{at}/rows/{place}");
        let Some(row) = shape.object(row, &at, &["type", "cells"]) else { continue };
        for (place, cell) in shape.list(row, &at, "cells", columns..=columns).iter().enumerate() {
            let at = format!("{at}/cells/{place}");
            let Some(cell) = shape.object(cell, &at, &["type", "items"]) else { continue };
            for (place, item) in shape.list(cell, &at, "items", 0..=1000).iter().enumerate() {
                element(shape, item, &format!("{at}/items/{place}"));
            }
        }
    }
}
