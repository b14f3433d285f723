//! What Slack refuses.

use serde_json::{Map, Value};

use crate::standin::shape::{Shape, kind};

/// A refusal: Slack's name for it, and what it says about the place.
pub type Refusal = (&'static str, Vec<String>);

/// All text of all blocks: 9,597 characters were accepted, 11,341 refused.
const BLOCKS_UNITS_MAX: usize = 9_600;

/// The text of all markdown blocks of a message.
const MARKDOWN_UNITS_MAX: usize = 12_000;

/// The keys of a message; `channel` and `reply_broadcast` belong to the Web API alone.
const POST: &[&str] = &[
    "text",
    "blocks",
    "attachments",
    "thread_ts",
    "unfurl_links",
    "unfurl_media",
    "metadata",
    "channel",
    "reply_broadcast",
];

/// The keys of an edit by `chat.update`.
const UPDATE: &[&str] = &["text", "blocks", "attachments", "metadata", "channel", "ts"];

/// Checks a message of a webhook or of `chat.postMessage`.
///
/// # Errors
/// The name under which Slack refuses it.
pub fn check(body: &Value) -> Result<(), Refusal> {
    check_keys(body, POST)
}

/// Checks an edit by `chat.update`.
///
/// # Errors
/// The name under which Slack refuses it.
pub fn check_update(body: &Value) -> Result<(), Refusal> {
    check_keys(body, UPDATE)
}

fn check_keys(body: &Value, keys: &[&str]) -> Result<(), Refusal> {
    let Some(message) = body.as_object() else {
        return Err(("invalid_payload", Vec::new()));
    };
    if let Some(key) = message.keys().find(|key| !keys.contains(&key.as_str())) {
        return Err(("invalid_arg_name", vec![format!("unknown argument '{key}'")]));
    }
    let text = message.get("text").and_then(Value::as_str).unwrap_or_default();
    let blocks = message.get("blocks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let attachments = message.get("attachments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if text.trim().is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err(("no_text", Vec::new()));
    }
    if text.encode_utf16().count() > 4_000 {
        return Err(("msg_too_long", Vec::new()));
    }
    if message.get("blocks").is_some_and(|blocks| !blocks.is_array()) {
        return Err(("invalid_blocks_format", Vec::new()));
    }
    if attachments.len() > 100 {
        return Err(("too_many_attachments", Vec::new()));
    }
    refuse("invalid_blocks", |shape| all_blocks(shape, blocks, "/blocks"))?;
    refuse("invalid_attachments", |shape| attachments_of(shape, attachments))?;
    if units(body.get("blocks")) + units(body.get("attachments")) > BLOCKS_UNITS_MAX {
        return Err(("msg_blocks_too_long", Vec::new()));
    }
    Ok(())
}

fn refuse(name: &'static str, check: impl Fn(&mut Shape)) -> Result<(), Refusal> {
    let mut shape = Shape::default();
    check(&mut shape);
    let problems = shape.problems();
    if problems.is_empty() { Ok(()) } else { Err((name, problems)) }
}

fn attachments_of(shape: &mut Shape, attachments: &[Value]) {
    for (at, attachment) in attachments.iter().enumerate() {
        let at = format!("/attachments/{at}");
        // Beside blocks Slack takes none of the older keys.
        let Some(attachment) = shape.object(attachment, &at, &["color", "blocks"]) else { continue };
        if let Some(color) = attachment.get("color") {
            let hex = |c: &str| c.len() == 7 && c.starts_with('#') && c[1..].chars().all(|c| c.is_ascii_hexdigit());
            if !color.as_str().is_some_and(hex) {
                shape.wrong(&format!("{at}/color"), "must be a colour like #d1242f");
            }
        }
        let blocks = shape.list(attachment, &at, "blocks", 1..=50);
        all_blocks(shape, blocks, &format!("{at}/blocks"));
    }
}

fn all_blocks(shape: &mut Shape, blocks: &[Value], at: &str) {
    if blocks.len() > 50 {
        shape.wrong(at, "no more than 50 items allowed");
    }
    let mut ids: Vec<&str> = Vec::new();
    let mut markdown_units = 0;
    for (place, one) in blocks.iter().enumerate() {
        let at = format!("{at}/{place}");
        block(shape, one, &at);
        if let Some(id) = one.get("block_id") {
            match id.as_str() {
                Some(id) if id.encode_utf16().count() <= 255 && !ids.contains(&id) => ids.push(id),
                Some(id) if ids.contains(&id) => shape.wrong(&format!("{at}/block_id"), "must be unique"),
                _ => shape.wrong(&format!("{at}/block_id"), "must be less than 256 characters"),
            }
        }
        if kind(one) == "markdown" {
            markdown_units += one["text"].as_str().map_or(0, |text| text.encode_utf16().count());
        }
    }
    if markdown_units > MARKDOWN_UNITS_MAX {
        shape
            .wrong(at, format!("all markdown blocks together must be less than {} characters", MARKDOWN_UNITS_MAX + 1));
    }
}

fn block(shape: &mut Shape, block: &Value, at: &str) {
    let known: &[&str] = match kind(block) {
        "header" => &["type", "block_id", "text"],
        "section" => &["type", "block_id", "text", "fields", "accessory"],
        "image" => &["type", "block_id", "image_url", "alt_text", "title"],
        "markdown" => &["type", "block_id", "text"],
        "divider" => &["type", "block_id"],
        "context" | "actions" | "rich_text" => &["type", "block_id", "elements"],
        other => {
            shape.wrong(at, format!("unsupported type: {other}"));
            return;
        }
    };
    let Some(map) = shape.object(block, at, known) else { return };
    match kind(block) {
        "header" => text_object(shape, map.get("text"), &format!("{at}/text"), 150, &["plain_text"]),
        "section" => section(shape, map, at),
        "image" => image(shape, map, at),
        "markdown" => {
            shape.text(map, at, "text", 1..=MARKDOWN_UNITS_MAX);
        }
        "context" => {
            for (place, element) in shape.list(map, at, "elements", 1..=10).iter().enumerate() {
                let at = format!("{at}/elements/{place}");
                text_object(shape, Some(element), &at, 3000, &["plain_text", "mrkdwn"]);
            }
        }
        "actions" => {
            for (place, element) in shape.list(map, at, "elements", 1..=25).iter().enumerate() {
                button(shape, element, &format!("{at}/elements/{place}"));
            }
        }
        "rich_text" => {
            for (place, element) in shape.list(map, at, "elements", 1..=1000).iter().enumerate() {
                rich_text(shape, element, &format!("{at}/elements/{place}"));
            }
        }
        _ => {}
    }
}

fn section(shape: &mut Shape, map: &Map<String, Value>, at: &str) {
    if map.contains_key("text") {
        text_object(shape, map.get("text"), &format!("{at}/text"), 3000, &["plain_text", "mrkdwn"]);
    } else if !map.contains_key("fields") {
        shape.wrong(at, "missing text or fields");
    }
    if let Some(value) = map.get("accessory") {
        accessory(shape, value, &format!("{at}/accessory"));
    }
    if map.contains_key("fields") {
        for (place, field) in shape.list(map, at, "fields", 1..=10).iter().enumerate() {
            let at = format!("{at}/fields/{place}");
            text_object(shape, Some(field), &at, 2000, &["plain_text", "mrkdwn"]);
        }
    }
}

fn image(shape: &mut Shape, map: &Map<String, Value>, at: &str) {
    shape.address(map, at, "image_url");
    shape.text(map, at, "alt_text", 1..=2000);
    if map.contains_key("title") {
        text_object(shape, map.get("title"), &format!("{at}/title"), 2000, &["plain_text"]);
    }
}

fn accessory(shape: &mut Shape, value: &Value, at: &str) {
    if kind(value) != "image" {
        return button(shape, value, at);
    }
    if let Some(map) = shape.object(value, at, &["type", "image_url", "alt_text"]) {
        image(shape, map, at);
    }
}

fn text_object(shape: &mut Shape, value: Option<&Value>, at: &str, max: usize, kinds: &[&str]) {
    let Some(value) = value else {
        shape.wrong(at, "missing required text object");
        return;
    };
    let known: &[&str] = match kind(value) {
        "plain_text" if kinds.contains(&"plain_text") => &["type", "text", "emoji"],
        "mrkdwn" if kinds.contains(&"mrkdwn") => &["type", "text", "verbatim"],
        other => {
            shape.wrong(at, format!("unsupported type: {other}"));
            return;
        }
    };
    if let Some(map) = shape.object(value, at, known) {
        shape.text(map, at, "text", 1..=max);
    }
}

fn button(shape: &mut Shape, value: &Value, at: &str) {
    if kind(value) != "button" {
        shape.wrong(at, format!("unsupported type: {}", kind(value)));
        return;
    }
    if let Some(map) = shape.object(value, at, &["type", "text", "url", "action_id", "value", "style"]) {
        text_object(shape, map.get("text"), &format!("{at}/text"), 75, &["plain_text"]);
        shape.address(map, at, "url");
        if map.contains_key("value") {
            shape.text(map, at, "value", 1..=2000);
        }
        if map.get("style").is_some_and(|style| style != "primary" && style != "danger") {
            shape.wrong(&format!("{at}/style"), "must be primary or danger");
        }
    }
}

fn rich_text(shape: &mut Shape, value: &Value, at: &str) {
    let known: &[&str] = match kind(value) {
        "rich_text_section" => &["type", "elements"],
        "rich_text_preformatted" | "rich_text_quote" => &["type", "elements", "border"],
        "rich_text_list" => &["type", "elements", "style", "indent", "offset", "border"],
        other => {
            shape.wrong(at, format!("unsupported type: {other}"));
            return;
        }
    };
    let Some(map) = shape.object(value, at, known) else { return };
    if kind(value) == "rich_text_list" {
        if !matches!(map.get("style").and_then(Value::as_str), Some("bullet" | "ordered")) {
            shape.wrong(&format!("{at}/style"), "must be bullet or ordered");
        }
        if map.get("indent").is_some_and(|indent| indent.as_u64().is_none_or(|indent| indent > 8)) {
            shape.wrong(&format!("{at}/indent"), "must be 0 to 8");
        }
    }
    for (place, element) in shape.list(map, at, "elements", 1..=5000).iter().enumerate() {
        let at = format!("{at}/elements/{place}");
        match (kind(value), kind(element)) {
            ("rich_text_list", "rich_text_section") => rich_text(shape, element, &at),
            ("rich_text_list", other) => shape.wrong(&at, format!("unsupported type: {other}")),
            _ => inline(shape, element, &at),
        }
    }
}

fn inline(shape: &mut Shape, value: &Value, at: &str) {
    let known: &[&str] = match kind(value) {
        "text" => &["type", "text", "style"],
        "link" => &["type", "url", "text", "style", "unsafe"],
        "user" => &["type", "user_id", "style"],
        "date" => &["type", "timestamp", "format", "fallback", "url", "style"],
        other => {
            shape.wrong(at, format!("unsupported type: {other}"));
            return;
        }
    };
    let Some(map) = shape.object(value, at, known) else { return };
    if map.get("text").is_some_and(|text| text.as_str().is_none_or(str::is_empty)) {
        shape.wrong(&format!("{at}/text"), "must be more than 0 characters");
    }
    if kind(value) == "date" {
        if !map.get("timestamp").is_some_and(Value::is_i64) {
            shape.wrong(&format!("{at}/timestamp"), "must provide an integer");
        }
        let format = shape.text(map, at, "format", 1..=500).unwrap_or_default();
        if !format.contains("{date") && !format.contains("{time") {
            shape.wrong(&format!("{at}/format"), "must have a token of a date");
        }
    }
    if kind(value) == "link" || (kind(value) == "date" && map.contains_key("url")) {
        shape.address(map, at, "url");
    }
    if let Some(style) = map.get("style")
        && let Some(style) = shape.object(style, &format!("{at}/style"), &["bold", "italic", "strike", "code"])
        && (style.is_empty() || style.values().any(|on| !on.is_boolean()))
    {
        shape.wrong(&format!("{at}/style"), "must be looks that are true or false");
    }
}

fn units(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Array(items)) => items.iter().map(|item| units(Some(item))).sum(),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) if matches!(key.as_str(), "text" | "fallback") => text.encode_utf16().count(),
                other => units(Some(other)),
            })
            .sum(),
        _ => 0,
    }
}
