//! What Jira accepts as an Atlassian document, and how it reads.

use serde_json::Value;

use crate::standin::picture::Picture;
use crate::standin::shape::{Shape, kind};

/// The blocks that stand anywhere in a document.
const BLOCKS: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "taskList",
    "codeBlock",
    "blockquote",
    "panel",
    "rule",
    "table",
    "expand",
    "decisionList",
    "blockCard",
];

/// The inline nodes.
const INLINE: &[&str] = &["text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard"];

/// What may stand in a node of this kind; `None` for a kind that is not known.
fn children(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "doc" => BLOCKS,
        "paragraph" | "heading" | "taskItem" => INLINE,
        "taskList" => &["taskItem", "taskList"],
        "codeBlock" => &["text"],
        "bulletList" | "orderedList" => &["listItem"],
        "listItem" => &["paragraph", "bulletList", "orderedList", "codeBlock"],
        "blockquote" => &["paragraph", "bulletList", "orderedList", "codeBlock"],
        "panel" => &["paragraph", "heading", "bulletList", "orderedList", "codeBlock", "rule"],
        "expand" => {
            &["paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "panel", "rule", "table"]
        }
        "decisionList" => &["decisionItem"],
        "decisionItem" => INLINE,
        "table" => &["tableRow"],
        "tableRow" => &["tableHeader", "tableCell"],
        "tableHeader" | "tableCell" => {
            &["paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "panel", "rule"]
        }
        "text" | "hardBreak" | "mention" | "emoji" | "rule" | "date" | "status" | "inlineCard" | "blockCard" => &[],
        _ => return None,
    })
}

/// Checks `value`, which should be a document.
pub fn check(shape: &mut Shape, value: &Value) {
    if kind(value) != "doc" || value["version"] != 1 {
        shape.wrong("", "must be a doc of version 1");
        return;
    }
    node(shape, value, "");
}

fn node(shape: &mut Shape, value: &Value, at: &str) {
    let kind = kind(value);
    let Some(allowed) = children(kind) else {
        shape.wrong(at, format!("unknown node '{kind}'"));
        return;
    };
    let known: &[&str] = match kind {
        "doc" => &["type", "version", "content"],
        "text" => &["type", "text", "marks"],
        "hardBreak" | "rule" => &["type"],
        "mention" | "emoji" | "date" | "status" | "inlineCard" | "blockCard" => &["type", "attrs"],
        "paragraph" | "bulletList" | "listItem" | "blockquote" | "tableRow" => &["type", "content"],
        _ => &["type", "attrs", "content"],
    };
    let Some(map) = shape.object(value, at, known) else { return };
    attributes(shape, value, kind, at);
    let content = map.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if kind == "taskList" && content.first().is_some_and(|first| self::kind(first) != "taskItem") {
        shape.wrong(at, "a taskList must begin with a taskItem");
    }
    let needs =
        matches!(kind, "taskList" | "bulletList" | "orderedList" | "listItem" | "blockquote" | "panel" | "table")
            || matches!(kind, "tableRow" | "tableHeader" | "tableCell");
    if needs && content.is_empty() {
        shape.wrong(at, format!("'{kind}' must not be empty"));
    }
    for (place, child) in content.iter().enumerate() {
        let at = format!("{at}/content/{place}");
        let child_kind = self::kind(child);
        if !allowed.contains(&child_kind) {
            shape.wrong(&at, format!("'{child_kind}' must not stand in '{kind}'"));
        }
        if kind == "listItem" && place == 0 && !matches!(child_kind, "paragraph" | "codeBlock") {
            shape.wrong(&at, "a listItem must begin with a paragraph");
        }
        if kind == "codeBlock" && child.get("marks").is_some() {
            shape.wrong(&at, "text in a codeBlock has no marks");
        }
        node(shape, child, &at);
    }
}

fn attributes(shape: &mut Shape, value: &Value, kind: &str, at: &str) {
    let attrs = &value["attrs"];
    match kind {
        "text" => {
            if value["text"].as_str().is_none_or(str::is_empty) {
                shape.wrong(&format!("{at}/text"), "must have at least 1 character");
            }
            marks(shape, value, at);
        }
        "heading" if !attrs["level"].as_u64().is_some_and(|level| (1..=6).contains(&level)) => {
            shape.wrong(&format!("{at}/attrs/level"), "must be 1 to 6");
        }
        "mention" if attrs["id"].as_str().is_none_or(str::is_empty) => {
            shape.wrong(&format!("{at}/attrs/id"), "must be an account id");
        }
        "inlineCard" | "blockCard" => match attrs.as_object() {
            Some(map) => shape.address(map, &format!("{at}/attrs"), "url"),
            None => shape.wrong(at, "a card needs url"),
        },
        "date" if attrs["timestamp"].as_str().is_none_or(|ms| ms.parse::<i64>().is_err()) => {
            shape.wrong(&format!("{at}/attrs/timestamp"), "must be milliseconds, as text");
        }
        "status" if attrs["text"].as_str().is_none_or(str::is_empty) => {
            shape.wrong(&format!("{at}/attrs/text"), "must have at least 1 character");
        }
        "decisionList" | "decisionItem" if attrs["localId"].as_str().is_none_or(str::is_empty) => {
            shape.wrong(&format!("{at}/attrs/localId"), "must be an id");
        }
        "taskList" | "taskItem" if attrs["localId"].as_str().is_none_or(str::is_empty) => {
            shape.wrong(&format!("{at}/attrs/localId"), "must be an id");
        }
        "taskItem" if !matches!(attrs["state"].as_str(), Some("TODO" | "DONE")) => {
            shape.wrong(&format!("{at}/attrs/state"), "must be TODO or DONE");
        }
        "panel" => {
            let kinds = ["info", "note", "tip", "warning", "error", "success", "custom"];
            if !attrs["panelType"].as_str().is_some_and(|kind| kinds.contains(&kind)) {
                shape.wrong(&format!("{at}/attrs/panelType"), "unknown panel");
            }
        }
        _ => {}
    }
}

fn marks(shape: &mut Shape, value: &Value, at: &str) {
    let marks = value.get("marks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let kinds: Vec<&str> = marks.iter().map(kind).collect();
    for (place, mark) in marks.iter().enumerate() {
        let at = format!("{at}/marks/{place}");
        match kind(mark) {
            "strong" | "em" | "strike" | "underline" | "subsup" | "textColor" | "backgroundColor" => {}
            "code" if kinds.iter().all(|kind| matches!(*kind, "code" | "link")) => {}
            "code" => shape.wrong(&at, "code goes with no mark but link"),
            "link" => {
                if let Some(map) = mark["attrs"].as_object() {
                    shape.address(map, &format!("{at}/attrs"), "href");
                } else {
                    shape.wrong(&at, "a link needs href");
                }
            }
            other => shape.wrong(&at, format!("unknown mark '{other}'")),
        }
        if kinds[..place].contains(&kinds[place]) {
            shape.wrong(&at, "the same mark twice");
        }
    }
}

/// Draws a document.
pub(super) fn draw(value: &Value, picture: &mut Picture) {
    let content = value["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (place, block) in content.iter().enumerate() {
        if place > 0 {
            picture.gap();
        }
        draw_block(block, picture);
    }
}

fn draw_block(block: &Value, picture: &mut Picture) {
    let content = block["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    match kind(block) {
        "bulletList" => content.iter().for_each(|item| draw_item("• ", item, picture)),
        "taskList" => content.iter().for_each(|task| match (kind(task), task["attrs"]["state"].as_str()) {
            ("taskList", _) => {
                picture.indent("   ");
                draw_block(task, picture);
                picture.outdent("   ");
            }
            (_, Some("DONE")) => picture.hanging("☑ ", &inline(task)),
            _ => picture.hanging("☐ ", &inline(task)),
        }),
        "orderedList" => {
            for (number, item) in (block["attrs"]["order"].as_u64().unwrap_or(1)..).zip(content) {
                draw_item(&format!("{number}. "), item, picture);
            }
        }
        "blockquote" | "panel" => {
            picture.indent("┃ ");
            content.iter().for_each(|block| draw_block(block, picture));
            picture.outdent("┃ ");
        }
        "rule" => picture.text("────────"),
        "table" => draw_table(content, picture),
        "codeBlock" => {
            picture.indent("  ");
            picture.text(&inline(block));
            picture.outdent("  ");
        }
        _ => picture.text(&inline(block)),
    }
}

fn draw_item(marker: &str, item: &Value, picture: &mut Picture) {
    let content = item["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (first, rest) = match content.split_first() {
        Some((first, rest)) => (inline(first), rest),
        None => (String::new(), content),
    };
    picture.hanging(marker, &first);
    picture.indent("   ");
    rest.iter().for_each(|block| draw_block(block, picture));
    picture.outdent("   ");
}

/// A table of two columns whose first names the second reads as labelled values.
fn draw_table(rows: &[Value], picture: &mut Picture) {
    let cells = |row: &Value| row["content"].as_array().cloned().unwrap_or_default();
    let labelled: Option<Vec<(String, String)>> = rows
        .iter()
        .map(|row| match cells(row).as_slice() {
            [name, value] if kind(name) == "tableHeader" && kind(value) == "tableCell" => {
                Some((inline(name), inline(value)))
            }
            _ => None,
        })
        .collect();
    match labelled {
        Some(fields) => picture.fields(&fields),
        None => rows.iter().for_each(|row| {
            picture.text(&cells(row).iter().map(inline).collect::<Vec<_>>().join(" │ "));
        }),
    }
}

fn inline(value: &Value) -> String {
    match kind(value) {
        "text" => value["text"].as_str().unwrap_or_default().to_owned(),
        "hardBreak" => "\n".to_owned(),
        "mention" => value["attrs"]["text"].as_str().unwrap_or("@somebody").to_owned(),
        _ => value["content"].as_array().map(|all| all.iter().map(inline).collect()).unwrap_or_default(),
    }
}
