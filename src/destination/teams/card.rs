//! Messages as Adaptive Cards.

use serde_json::{Map, Value, json};

use crate::destination::flat::{Piece, Run, Style, plain};
use crate::destination::sheet::Sheet;
use crate::destination::text::{CUT_MARK, clean, cut};
use crate::domain::message::{Color, Mention, Message};
use crate::domain::time::Timestamp;

use super::markdown::{lines, literal, run};

/// The most that Teams takes, measured as it stores it: the card as a string within JSON.
const CARD_BYTES_MAX: usize = 28_672;

/// The longest title shown large.
const TITLE_UNITS_MAX: usize = 255;

/// The most of a plain card's text.
const PLAIN_UNITS_MAX: usize = 4_000;

/// The most columns of a table that a card shows readably.
const COLUMNS_MAX: usize = 8;

/// The whole message.
pub fn rich(message: &Message) -> Value {
    Sheet::new(message, TITLE_UNITS_MAX).fit(encode, fits)
}

/// Title, text and link alone, for when Teams refuses the card.
pub fn plain_card(message: &Message) -> Value {
    Sheet::new(message, TITLE_UNITS_MAX).fit(
        |sheet| {
            let mut text = plain(&sheet.pieces);
            for field in &sheet.fields {
                text.push_str(&format!("\n{}: {}", field.name, field.value));
            }
            if let Some(link) = &sheet.link {
                text.push_str(&format!("\n{link}"));
            }
            let text = cut(&text, PLAIN_UNITS_MAX);
            let lines = text.lines().filter(|line| !line.is_empty()).map(|line| line_of(&[Run::plain(line)], "Small"));
            let body: Vec<Value> = std::iter::once(title(&sheet.title)).chain(lines).collect();
            message_of(&card(&body))
        },
        fits,
    )
}

/// `own`, a template's own message or card, as a message that mentions whom the rule mentions.
pub fn own_body(own: Map<String, Value>, message: &Message) -> Value {
    let mut body = match own.get("type").and_then(Value::as_str) {
        Some("AdaptiveCard") => message_of(&Value::Object(own)),
        _ => Value::Object(own),
    };
    let mentions = Mentions::new(&Sheet::new(message, TITLE_UNITS_MAX).mentions);
    if let (Some(line), Some(card)) = (mentions.line(), body.pointer_mut("/attachments/0/content")) {
        if let Some(elements) = card.get_mut("body").and_then(Value::as_array_mut) {
            elements.push(line);
        }
        if !mentions.entities.is_empty() && card.is_object() {
            if !card["msteams"].is_object() {
                card["msteams"] = json!({});
            }
            match card["msteams"].get_mut("entities").and_then(Value::as_array_mut) {
                Some(entities) => entities.extend(mentions.entities),
                None => card["msteams"]["entities"] = Value::Array(mentions.entities),
            }
        }
    }
    body
}

/// Whether Teams takes a message of this size.
fn fits(body: &Value) -> bool {
    let once = body.to_string();
    Value::String(once).to_string().len() <= CARD_BYTES_MAX
}

fn encode(sheet: &Sheet) -> Value {
    let heading = json!({
        "type": "Container",
        "style": style(sheet.color),
        "bleed": true,
        "items": [title(&sheet.title)],
    });
    let mut body = vec![heading];
    let mentions = Mentions::new(&sheet.mentions);
    body.extend(mentions.line());
    for (at, piece) in sheet.pieces.iter().enumerate() {
        let in_list = matches!(
            (at.checked_sub(1).map(|before| &sheet.pieces[before]), piece),
            (Some(Piece::Entry { .. }), Piece::Entry { .. })
        );
        elements(piece, if in_list { "Small" } else { "Default" }, &mut body);
    }
    if !sheet.fields.is_empty() {
        let fact = |name: &str, value: &str| json!({"title": literal(name), "value": lines(&literal(value))});
        let facts: Vec<Value> = sheet.fields.iter().map(|field| fact(&field.name, &field.value)).collect();
        body.push(json!({"type": "FactSet", "facts": facts, "spacing": "Medium"}));
    }
    if let Some(remark) = &sheet.remark {
        body.push(json!({
            "type": "TextBlock", "text": literal(remark), "wrap": true, "isSubtle": true, "size": "Small",
        }));
    }
    let mut card = card(&body);
    if let Some(link) = &sheet.link {
        card["actions"] = json!([{"type": "Action.OpenUrl", "title": link.label(), "url": link.as_str()}]);
    }
    if !mentions.entities.is_empty() {
        card["msteams"]["entities"] = Value::Array(mentions.entities);
    }
    message_of(&card)
}

fn message_of(card: &Value) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn card(body: &[Value]) -> Value {
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "msteams": {"width": "Full"},
        "body": body,
    })
}

fn title(title: &str) -> Value {
    json!({
        "type": "TextBlock", "text": literal(title), "wrap": true,
        "size": "Large", "weight": "Bolder", "style": "heading",
    })
}

fn style(color: Option<Color>) -> &'static str {
    match color {
        Some(Color::Danger) => "attention",
        Some(Color::Warning) => "warning",
        Some(Color::Good) => "good",
        Some(Color::Info) => "accent",
        Some(Color::Neutral) => "emphasis",
        None => "default",
    }
}

/// The people mentioned: their words in the text, and what makes Teams notify them.
struct Mentions {
    words: Vec<String>,
    entities: Vec<Value>,
}

impl Mentions {
    fn new(mentions: &[Mention]) -> Self {
        let mut all = Self { words: Vec::new(), entities: Vec::new() };
        for mention in mentions {
            let id = mention.teams.as_deref().map(clean).unwrap_or_default();
            let id = id.trim();
            if id.is_empty() || id.len() > 200 {
                all.words.push(format!("@{}", literal(&mention.name)));
                continue;
            }
            // The name stands within a tag and within Markdown.
            let name: String = mention.name.chars().map(|c| if "<>*_[]`\\~#&".contains(c) { ' ' } else { c }).collect();
            let mut name = name.trim().to_owned();
            if name.is_empty() {
                name = "mentioned".to_owned();
            }
            let mut tag = format!("<at>{name}</at>");
            let taken = |tag: &str, all: &Self| all.entities.iter().any(|entity| entity["text"] == tag);
            let mut number = 2;
            while taken(&tag, &all) {
                tag = format!("<at>{name} {number}</at>");
                number += 1;
            }
            all.entities.push(json!({"type": "mention", "text": tag, "mentioned": {"id": id, "name": name}}));
            all.words.push(tag);
        }
        all
    }

    fn line(&self) -> Option<Value> {
        let text = self.words.join(" ");
        (!text.is_empty()).then(|| json!({"type": "TextBlock", "text": text, "wrap": true}))
    }
}

/// Adds the elements that show `piece`, the first of them at `spacing` from what is above.
fn elements(piece: &Piece, spacing: &str, body: &mut Vec<Value>) {
    match piece {
        Piece::Text(runs) => text_lines(runs, spacing, body),
        Piece::Heading(level, runs) => {
            let size = if *level <= 2 { "Medium" } else { "Default" };
            let from = body.len();
            text_lines(&styled(runs, |style| style.bold = true), "Medium", body);
            for inline in body[from..].iter_mut().filter_map(|line| line["inlines"].as_array_mut()).flatten() {
                inline["size"] = size.into();
            }
        }
        Piece::Entry { depth, marker, runs } => {
            let lead = format!("{}{}", "\u{2003}".repeat(*depth), marker.text());
            let mut line = vec![Run::plain(&lead)];
            line.extend(runs.iter().cloned());
            text_lines(&line, spacing, body);
        }
        Piece::Code { text, .. } => {
            let items = text.lines().map(|line| {
                // Leading spaces would be lost.
                let indent = line.chars().take_while(|c| *c == ' ' || *c == '\t').count();
                let indent = indent.max(usize::from(line.is_empty()));
                let shown = format!("{}{}", "\u{a0}".repeat(indent), line.trim_start_matches([' ', '\t']));
                line_of(&styled(&[Run::plain(&shown)], |style| style.code = true), "None")
            });
            let items: Vec<Value> = items.collect();
            body.push(json!({"type": "Container", "style": "emphasis", "items": items}));
        }
        Piece::Quote(runs) => {
            let mut items = Vec::new();
            text_lines(&styled(runs, |style| style.italic = true), "Default", &mut items);
            body.push(json!({"type": "Container", "style": "emphasis", "items": items}));
        }
        Piece::Rule => {
            let line = json!({"type": "TextBlock", "text": "\u{a0}", "separator": true, "size": "Small"});
            body.push(line);
        }
        Piece::Table { head, rows } => body.push(table(head, rows)),
    }
}

fn styled(runs: &[Run], look: impl Fn(&mut Style)) -> Vec<Run> {
    let mut runs = runs.to_vec();
    runs.iter_mut().for_each(|run| look(&mut run.style));
    runs
}

/// One element for each line of `runs`: cards join the lines of one.
fn text_lines(runs: &[Run], spacing: &str, body: &mut Vec<Value>) {
    let mut line: Vec<Run> = Vec::new();
    let mut spacing = spacing;
    let mut end = |line: &mut Vec<Run>| {
        if line.iter().any(|run| !run.text.trim().is_empty()) {
            body.push(line_of(line, spacing));
            spacing = "None";
        }
        line.clear();
    };
    for run in runs {
        for (at, text) in run.text.split('\n').enumerate() {
            if at > 0 {
                end(&mut line);
            }
            if !text.is_empty() {
                line.push(Run { text: text.to_owned(), ..run.clone() });
            }
        }
    }
    end(&mut line);
}

fn line_of(runs: &[Run], spacing: &str) -> Value {
    // Only a text block shows moments in the reader's zone, and it knows fewer looks.
    let moments = runs.iter().any(|run| run.moment.is_some());
    let mut block = if moments && !runs.iter().any(|run| run.style.code || run.style.strike) {
        json!({"type": "TextBlock", "text": markdown_line(runs), "wrap": true})
    } else {
        let inlines: Vec<Value> = runs.iter().map(text_run).collect();
        json!({"type": "RichTextBlock", "inlines": inlines})
    };
    if spacing != "Default" {
        block["spacing"] = spacing.into();
    }
    block
}

/// The runs of one line as Markdown.
fn markdown_line(runs: &[Run]) -> String {
    let mut line = String::new();
    for run in runs {
        let inner = run.text.trim();
        let mut shown = match run.moment.and_then(in_readers_zone) {
            Some(moment) => moment,
            None => literal(inner),
        };
        // Marks stand close to what they mark.
        for (on, mark) in [(run.style.italic, "_"), (run.style.bold, "**")] {
            if on && !inner.is_empty() {
                shown = format!("{mark}{shown}{mark}");
            }
        }
        if let Some(link) = run.link.as_ref().filter(|_| !inner.is_empty()) {
            shown = format!("[{shown}]({})", link.as_str());
        }
        let (start, end) = (run.text.len() - run.text.trim_start().len(), run.text.trim_end().len());
        let after = if inner.is_empty() { "" } else { &run.text[end..] };
        line.push_str(&format!("{}{shown}{after}", &run.text[..start]));
    }
    line
}

/// Teams' own words for a moment; it wants whole seconds and a year of four digits.
fn in_readers_zone(at: Timestamp) -> Option<String> {
    let moment = Timestamp::from_seconds(at.as_seconds()).to_string();
    let moment = moment.replace(".000Z", "Z");
    (moment.len() == "2026-09-14T12:00:00Z".len())
        .then(|| format!("{{{{DATE({moment}, SHORT)}}}} {{{{TIME({moment})}}}}"))
}

/// A run of text; text runs know no Markdown, so their text needs no escaping.
fn text_run(shown: &Run) -> Value {
    let mut element = json!({"type": "TextRun", "text": run(&shown.text)});
    if shown.style.bold {
        element["weight"] = "Bolder".into();
    }
    if shown.style.italic {
        element["italic"] = true.into();
    }
    if shown.style.strike {
        element["strikethrough"] = true.into();
    }
    if shown.style.code {
        element["fontType"] = "Monospace".into();
    }
    if let Some(link) = &shown.link {
        element["color"] = "Accent".into();
        element["underline"] = true.into();
        element["selectAction"] = json!({"type": "Action.OpenUrl", "url": link.as_str()});
    }
    element
}

fn table(head: &[Vec<Run>], rows: &[Vec<Vec<Run>>]) -> Value {
    let cell = |runs: &Vec<Run>| {
        let mut items = Vec::new();
        text_lines(runs, "None", &mut items);
        json!({"type": "TableCell", "items": items})
    };
    let row = |cells: &[Vec<Run>]| {
        let mut shown: Vec<Value> = cells.iter().take(COLUMNS_MAX).map(cell).collect();
        if cells.len() > COLUMNS_MAX {
            shown.push(cell(&vec![Run::plain(&CUT_MARK.to_string())]));
        }
        json!({"type": "TableRow", "cells": shown})
    };
    let bold: Vec<Vec<Run>> = head.iter().map(|cell| styled(cell, |style| style.bold = true)).collect();
    let columns = vec![json!({"width": 1}); head.len().min(COLUMNS_MAX + 1)];
    let rows: Vec<Value> = std::iter::once(row(&bold)).chain(rows.iter().map(|cells| row(cells))).collect();
    json!({"type": "Table", "firstRowAsHeader": true, "columns": columns, "rows": rows})
}
