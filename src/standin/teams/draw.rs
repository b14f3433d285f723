//! A card as it looks in Teams.

use serde_json::Value;

use crate::standin::picture::Picture;
use crate::standin::shape::kind;

/// Draws the cards of `body`.
pub fn draw(body: &Value) -> String {
    let mut picture = Picture::default();
    for attachment in list(body, "attachments") {
        let card = &attachment["content"];
        for (place, one) in list(card, "body").iter().enumerate() {
            if place > 0 && one.get("spacing").is_none() {
                picture.gap();
            }
            element(one, &mut picture);
        }
        let buttons: Vec<String> =
            list(card, "actions").iter().map(|action| format!("[ {} ]", text(action, "title"))).collect();
        if !buttons.is_empty() {
            picture.gap();
            picture.text(&buttons.join("  "));
        }
    }
    picture.framed("Teams · workflow")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn element(element: &Value, picture: &mut Picture) {
    match kind(element) {
        "TextBlock" => picture.text(&markdown(text(element, "text"))),
        "RichTextBlock" => picture.text(&runs(element)),
        "FactSet" => {
            let fact = |fact: &Value| (markdown(text(fact, "title")), markdown(text(fact, "value")));
            picture.gap();
            picture.fields(&list(element, "facts").iter().map(fact).collect::<Vec<_>>());
        }
        "Container" => {
            let mark = match text(element, "style") {
                "default" => "",
                "emphasis" => "░ ",
                _ => "█ ",
            };
            picture.indent(mark);
            list(element, "items").iter().for_each(|item| self::element(item, picture));
            picture.outdent(mark);
        }
        _ => {
            for row in list(element, "rows") {
                let cell = |cell: &Value| list(cell, "items").iter().map(runs).collect::<Vec<_>>().join(" ");
                let cells: Vec<String> = list(row, "cells").iter().map(cell).collect();
                picture.text(&cells.join(" │ "));
            }
        }
    }
}

fn runs(block: &Value) -> String {
    list(block, "inlines").iter().map(|run| text(run, "text")).collect()
}

/// Markdown as it is read: escapes undone, tags as names.
fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut escaped = false;
    for character in text.replace("<at>", "@").replace("</at>", "").replace("\n\n", "\n").chars() {
        if character == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        shown.push(character);
    }
    moments(&shown.replace("&amp;", "&"))
}

/// `{{DATE(…, SHORT)}} {{TIME(…)}}` as the moment it stands for.
fn moments(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{DATE(") {
        let Some((moment, after)) = after.split_once(", SHORT)}} {{TIME(") else { break };
        shown.push_str(before);
        shown.push_str(moment);
        rest = after.split_once(")}}").map_or("", |(_, rest)| rest);
    }
    shown + rest
}
