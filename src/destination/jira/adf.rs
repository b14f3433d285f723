//! Messages as Atlassian Document Format, the text of Jira Cloud.

use serde_json::{Map, Value, json};

use crate::destination::address::Address;
use crate::destination::flat::{Marker, Piece, Run, Style, plain};
use crate::destination::sheet::Sheet;
use crate::destination::text::{clean, units};
use crate::domain::message::{Field, Mention, Message};

use super::{DESCRIPTION_UNITS_MAX, PLAIN_UNITS_MAX, SUMMARY_UNITS_MAX};

/// The description of the whole message.
pub fn rich(message: &Message) -> Value {
    Sheet::new(message, SUMMARY_UNITS_MAX).fit(encode, |doc| units(&doc.to_string()) < DESCRIPTION_UNITS_MAX)
}

/// The description as paragraphs of text alone.
pub fn text_only(message: &Message) -> Value {
    Sheet::new(message, SUMMARY_UNITS_MAX)
        .fit(|sheet| plain_doc(&plain_text(sheet)), |doc| units(&doc.to_string()) < PLAIN_UNITS_MAX)
}

/// `text` as a document of paragraphs.
pub fn plain_doc(text: &str) -> Value {
    doc(&paragraphs(text))
}

fn paragraphs(text: &str) -> Vec<Value> {
    let text = clean(text);
    let parts = text.split("\n\n").map(|part| part.trim_matches('\n')).filter(|part| !part.trim().is_empty());
    parts.map(|part| paragraph(&[Run::plain(part)])).collect()
}

/// The message as plain text, fields included, without its link.
pub(super) fn plain_text(sheet: &Sheet) -> String {
    let mut parts = vec![plain(&sheet.pieces)];
    parts.extend(sheet.fields.iter().map(|field| format!("{}: {}", field.name, field.value)));
    parts.extend(sheet.remark.clone());
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn encode(sheet: &Sheet) -> Value {
    let mut content = Vec::new();
    content.extend(mentions(&sheet.mentions));
    blocks(&sheet.pieces, &mut content);
    content.extend(fields(&sheet.fields));
    content.extend(sheet.link.as_ref().map(link));
    if let Some(remark) = &sheet.remark {
        content.push(json!({
            "type": "panel", "attrs": {"panelType": "note"}, "content": [paragraph(&[Run::plain(remark)])],
        }));
    }
    doc(&content)
}

fn doc(content: &[Value]) -> Value {
    json!({"type": "doc", "version": 1, "content": content})
}

fn paragraph(runs: &[Run]) -> Value {
    json!({"type": "paragraph", "content": inlines(runs)})
}

fn link(address: &Address) -> Value {
    paragraph(&[Run { link: Some(address.clone()), ..Run::plain(&address.label()) }])
}

fn mentions(mentions: &[Mention]) -> Option<Value> {
    let mut content: Vec<Value> = Vec::new();
    for mention in mentions {
        if !content.is_empty() {
            content.push(text(" ", Map::new()));
        }
        let name = format!("@{}", mention.name);
        let id = mention.jira.as_deref().unwrap_or_default().trim();
        let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_'));
        content.push(if is_id {
            json!({"type": "mention", "attrs": {"id": id, "text": name}})
        } else {
            text(&name, Map::new())
        });
    }
    (!content.is_empty()).then(|| json!({"type": "paragraph", "content": content}))
}

fn fields(fields: &[Field]) -> Option<Value> {
    let cell = |kind: &str, content: Value| json!({"type": kind, "attrs": {}, "content": [content]});
    let row = |field: &Field| {
        let name = cell("tableHeader", paragraph(&[Run::plain(&field.name)]));
        let value = cell("tableCell", paragraph(&[Run::plain(&field.value)]));
        json!({"type": "tableRow", "content": [name, value]})
    };
    (!fields.is_empty()).then(|| table_of(&fields.iter().map(row).collect::<Vec<_>>()))
}

fn table_of(rows: &[Value]) -> Value {
    json!({"type": "table", "attrs": {"isNumberColumnEnabled": false, "layout": "default"}, "content": rows})
}

fn blocks(pieces: &[Piece], content: &mut Vec<Value>) {
    let mut rest = pieces;
    while let Some((piece, after)) = rest.split_first() {
        match piece {
            Piece::Text(runs) => content.push(paragraph(runs)),
            Piece::Heading(level, runs) => {
                content.push(json!({"type": "heading", "attrs": {"level": level}, "content": inlines(runs)}));
            }
            Piece::Entry { depth, .. } => {
                let length = rest.iter().take_while(|piece| is_entry(piece, *depth)).count();
                let entries = &rest[..length];
                if entries.iter().all(is_task) {
                    let number = content.len();
                    content.push(tasks(entries, &mut format!("{number}")));
                } else {
                    lists(entries, content);
                }
                rest = &rest[length..];
                continue;
            }
            Piece::Code { language, text } => content.push(code(language.as_deref(), text)),
            Piece::Quote(runs) => content.push(json!({"type": "blockquote", "content": [paragraph(runs)]})),
            Piece::Rule => content.push(json!({"type": "rule"})),
            Piece::Table { head, rows } => content.push(table(head, rows)),
        }
        rest = after;
    }
}

fn is_entry(piece: &Piece, least: usize) -> bool {
    matches!(piece, Piece::Entry { depth, .. } if *depth >= least)
}

fn is_task(piece: &Piece) -> bool {
    matches!(piece, Piece::Entry { marker: Marker::Open | Marker::Done, .. })
}

/// The task list that these entries make: deeper ones are a list of their own behind the
/// task above them. `id` is unique in the document, as Jira demands of each list and task.
fn tasks(entries: &[Piece], id: &mut String) -> Value {
    let list_id = id.clone();
    let mut content = Vec::new();
    let mut rest = entries;
    while let Some((Piece::Entry { depth, marker, runs }, after)) = rest.split_first() {
        id.truncate(list_id.len());
        id.push_str(&format!("-{}", content.len()));
        let state = if matches!(marker, Marker::Done) { "DONE" } else { "TODO" };
        content.push(json!({"type": "taskItem", "attrs": {"localId": *id, "state": state}, "content": inlines(runs)}));
        let nested = after.iter().take_while(|piece| is_entry(piece, depth + 1)).count();
        if nested > 0 {
            content.push(tasks(&after[..nested], &mut format!("{id}-s")));
        }
        rest = &after[nested..];
    }
    json!({"type": "taskList", "attrs": {"localId": list_id}, "content": content})
}

/// The lists that these entries make: the first has the smallest depth, deeper ones are
/// nested under the entry before them.
fn lists(entries: &[Piece], content: &mut Vec<Value>) {
    let mut items: Vec<Value> = Vec::new();
    let mut first: Option<Marker> = None;
    let mut rest = entries;
    while let Some((Piece::Entry { depth, marker, runs }, after)) = rest.split_first() {
        if first.is_some_and(|first| is_ordered(first) != is_ordered(*marker)) {
            content.extend(first.map(|first| list(first, &std::mem::take(&mut items))));
            first = None;
        }
        first = first.or(Some(*marker));
        let mut lead = Vec::new();
        if matches!(marker, Marker::Open | Marker::Done) {
            lead.push(Run::plain(&marker.text()));
        }
        lead.extend(runs.iter().cloned());
        let mut item = vec![paragraph(&lead)];
        let nested = after.iter().take_while(|piece| is_entry(piece, depth + 1)).count();
        lists(&after[..nested], &mut item);
        items.push(json!({"type": "listItem", "content": item}));
        rest = &after[nested..];
    }
    content.extend(first.map(|first| list(first, &items)));
}

fn is_ordered(marker: Marker) -> bool {
    matches!(marker, Marker::Number(_))
}

fn list(first: Marker, items: &[Value]) -> Value {
    match first {
        Marker::Number(start) => json!({"type": "orderedList", "attrs": {"order": start}, "content": items}),
        _ => json!({"type": "bulletList", "content": items}),
    }
}

fn code(language: Option<&str>, text: &str) -> Value {
    let language = language.filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || "+#-".contains(c)));
    let attrs = language.map_or_else(|| json!({}), |language| json!({"language": language}));
    json!({"type": "codeBlock", "attrs": attrs, "content": [{"type": "text", "text": text}]})
}

fn table(head: &[Vec<Run>], rows: &[Vec<Vec<Run>>]) -> Value {
    let row = |kind: &str, cells: &[Vec<Run>]| {
        let cells: Vec<Value> =
            cells.iter().map(|runs| json!({"type": kind, "attrs": {}, "content": [paragraph(runs)]})).collect();
        json!({"type": "tableRow", "content": cells})
    };
    let rows = rows.iter().map(|cells| row("tableCell", cells));
    table_of(&std::iter::once(row("tableHeader", head)).chain(rows).collect::<Vec<_>>())
}

/// Typed text: nothing in it can become markup.
fn inlines(runs: &[Run]) -> Vec<Value> {
    let mut content = Vec::new();
    for run in runs {
        for (at, line) in run.text.split('\n').enumerate() {
            if at > 0 {
                content.push(json!({"type": "hardBreak"}));
            }
            if !line.is_empty() {
                content.push(text_run(line, run));
            }
        }
    }
    content
}

fn text_run(line: &str, run: &Run) -> Value {
    let Style { bold, italic, strike, code } = run.style;
    // Jira allows code no other look.
    let looks = [("strong", bold && !code), ("em", italic && !code), ("strike", strike && !code), ("code", code)];
    let mut marks: Vec<Value> = looks.iter().filter(|(_, on)| *on).map(|(look, _)| json!({"type": look})).collect();
    if let Some(link) = &run.link {
        marks.push(json!({"type": "link", "attrs": {"href": link.as_str()}}));
    }
    let mut extra = Map::new();
    if !marks.is_empty() {
        extra.insert("marks".into(), Value::Array(marks));
    }
    text(line, extra)
}

fn text(text: &str, extra: Map<String, Value>) -> Value {
    let mut node = Map::new();
    node.insert("type".into(), "text".into());
    node.insert("text".into(), text.into());
    node.extend(extra);
    Value::Object(node)
}
