//! Messages as Slack's blocks.

use serde_json::{Map, Value, json};

use crate::destination::flat::{Marker, Piece, Run, plain, table_columns, table_text};
use crate::destination::sheet::Sheet;
use crate::destination::text::{cut, one_line, units};
use crate::domain::message::{Color, Mention, Message};

use super::mrkdwn::{bold, literal};

/// Slack's limit for the text of a header.
const HEADER_UNITS_MAX: usize = 150;

/// Slack's limit for the text of a field.
const FIELD_UNITS_MAX: usize = 2_000;

/// Slack's limit for the fields of one section.
const SECTION_FIELDS_MAX: usize = 10;

/// Slack's limit is 50 blocks; ours leaves room for one more of ours.
const BLOCKS_MAX: usize = 45;

/// All text of all blocks: 9,597 characters were accepted, 11,341 refused.
const BLOCKS_UNITS_MAX: usize = 9_500;

/// The longest `text` that Slack shows well.
const TEXT_UNITS_MAX: usize = 4_000;

/// The longest address in a message of text alone, ampersands escaped.
const TEXT_LINK_UNITS_MAX: usize = 2_400;

/// How Slack writes a moment: `Sep 14th, 2026 at 3:20 PM`, or `Today at 15:20`, as the reader
/// is used to.
const DATE_FORMAT: &str = "{date_short_pretty} at {time}";

/// The widest table that is shown as one, in columns of letters: Slack wraps wider ones,
/// and nobody can read them.
const TABLE_COLUMNS_MAX: usize = 80;

/// How much of the body the text for notifications repeats.
const PREVIEW_UNITS_MAX: usize = 150;

/// The whole message: title and mentions on top, the rest beside the colour.
pub fn rich(message: &Message) -> Map<String, Value> {
    Sheet::new(message, HEADER_UNITS_MAX).fit(encode, |body| {
        text_units(body.get("blocks")) + text_units(body.get("attachments")) <= BLOCKS_UNITS_MAX
            && blocks_count(body) <= BLOCKS_MAX
            && body.get("text").and_then(Value::as_str).is_some_and(|text| units(text) <= TEXT_UNITS_MAX)
    })
}

/// The message as text alone, for when Slack refuses the blocks.
pub fn text_only(message: &Message) -> Map<String, Value> {
    Sheet::new(message, HEADER_UNITS_MAX).fit(
        |sheet| body(&text_of(sheet, &plain(&sheet.pieces))),
        |body| body.get("text").and_then(Value::as_str).is_some_and(|text| units(text) <= TEXT_UNITS_MAX),
    )
}

/// The text for notifications and screen readers.
pub fn preview(message: &Message) -> String {
    let sheet = Sheet::new(message, HEADER_UNITS_MAX);
    first_lines(&sheet)
}

/// The mentions of `message` as mrkdwn, if any.
pub fn mention_line(message: &Message) -> Option<String> {
    mentions(&Sheet::new(message, HEADER_UNITS_MAX).mentions)
}

fn encode(sheet: &Sheet) -> Map<String, Value> {
    let mut top = vec![header(&sheet.title)];
    if let Some(mentions) = mentions(&sheet.mentions) {
        top.push(block("section", "text", mrkdwn(&mentions)));
    }
    let mut rest = rich_text(&sheet.pieces);
    rest.extend(fields(sheet));
    if let Some(link) = &sheet.link {
        let button = [("type", "button".into()), ("text", plain_text(&link.label())), ("url", link.as_str().into())];
        rest.push(block("actions", "elements", vec![object(button)]));
    }
    if let Some(remark) = &sheet.remark {
        rest.push(block("context", "elements", vec![plain_text(remark)]));
    }
    let mut body = body(&first_lines(sheet));
    match sheet.color {
        Some(color) if !rest.is_empty() => {
            // With blocks an attachment takes no other key than its colour.
            body.insert(
                "attachments".into(),
                vec![object([("color", hex(color).into()), ("blocks", rest.into())])].into(),
            );
        }
        _ => top.append(&mut rest),
    }
    body.insert("blocks".into(), Value::Array(top));
    body
}

fn body(text: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("text".into(), text.into());
    body.insert("unfurl_links".into(), false.into());
    body.insert("unfurl_media".into(), false.into());
    body
}

fn header(title: &str) -> Value {
    block("header", "text", plain_text(title))
}

fn mrkdwn(text: &str) -> Value {
    object([("type", "mrkdwn".into()), ("text", text.into()), ("verbatim", true.into())])
}

fn plain_text(text: &str) -> Value {
    object([("type", "plain_text".into()), ("text", text.into()), ("emoji", false.into())])
}

/// An element that holds one thing.
fn block(kind: &str, holds: &str, what: impl Into<Value>) -> Value {
    object([("type", kind.into()), (holds, what.into())])
}

/// As `json!` makes it, but with the values moved: that macro copies what it is given.
fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn hex(color: Color) -> &'static str {
    match color {
        Color::Danger => "#d1242f",
        Color::Warning => "#e8912d",
        Color::Good => "#2da44e",
        Color::Info => "#1d6fdc",
        Color::Neutral => "#8b949e",
    }
}

fn mentions(mentions: &[Mention]) -> Option<String> {
    let words: Vec<String> = mentions.iter().map(mention).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn mention(mention: &Mention) -> String {
    let id = mention.slack.as_deref().unwrap_or_default().trim();
    let plain = || format!("@{}", literal(&mention.name));
    match id {
        "here" | "channel" | "everyone" => format!("<!{id}>"),
        _ if id.len() < 2 || !id.chars().all(|c| c.is_ascii_alphanumeric()) => plain(),
        _ if id.starts_with(['U', 'W']) => format!("<@{id}>"),
        _ if id.starts_with('S') => format!("<!subteam^{id}>"),
        _ => plain(),
    }
}

fn first_lines(sheet: &Sheet) -> String {
    let body = one_line(&plain(&sheet.pieces));
    let text = [sheet.title.as_str(), &cut(&body, PREVIEW_UNITS_MAX)].join(" · ");
    let text = literal(text.trim_end_matches(" · "));
    match mentions(&sheet.mentions) {
        Some(mentions) => format!("{mentions} {text}"),
        None => text,
    }
}

/// The message as mrkdwn text: everything literal but mentions and the link.
fn text_of(sheet: &Sheet, body: &str) -> String {
    let mut literal_part = sheet.title.clone();
    if !body.is_empty() {
        literal_part.push_str("\n\n");
        literal_part.push_str(body);
    }
    let fields: Vec<String> = sheet.fields.iter().map(|field| format!("{}: {}", field.name, field.value)).collect();
    if !fields.is_empty() {
        literal_part.push_str("\n\n");
        literal_part.push_str(&fields.join("\n"));
    }
    if let Some(remark) = &sheet.remark {
        literal_part.push_str("\n\n");
        literal_part.push_str(remark);
    }
    let mut text = literal(&literal_part);
    // A longer one, of nothing but ampersands, would leave no room for the message.
    let link = sheet.link.as_ref().map(|link| (link.as_str().replace('&', "&amp;"), literal(&link.label())));
    if let Some((address, label)) = link.filter(|(address, _)| units(address) <= TEXT_LINK_UNITS_MAX) {
        text.push_str(&format!("\n\n<{address}|{label}>"));
    }
    match mentions(&sheet.mentions) {
        Some(mentions) => format!("{mentions} {text}"),
        None => text,
    }
}

fn fields(sheet: &Sheet) -> Vec<Value> {
    let cells: Vec<Value> = sheet
        .fields
        .iter()
        .map(|field| {
            let label = bold(&field.name);
            let mut room = FIELD_UNITS_MAX - units(&label) - 1;
            let mut value = literal(&field.value);
            // Escapes make text longer: cut what is written, never an escape.
            while units(&value) > FIELD_UNITS_MAX - units(&label) - 1 {
                room = room * 4 / 5;
                value = literal(&cut(&field.value, room));
            }
            mrkdwn(&format!("{label}\n{value}"))
        })
        .collect();
    cells.chunks(SECTION_FIELDS_MAX).map(|cells| block("section", "fields", cells)).collect()
}

/// The body as rich text, whose text needs no escaping; rules divide it into several blocks.
fn rich_text(pieces: &[Piece]) -> Vec<Value> {
    let mut blocks = Vec::new();
    let mut elements: Vec<Value> = Vec::new();
    let mut rest = pieces;
    while let Some((piece, after)) = rest.split_first() {
        rest = after;
        match piece {
            Piece::Text(runs) => paragraph(runs, &mut elements),
            Piece::Heading(_, runs) => {
                let bold: Vec<Run> = runs.iter().cloned().map(bolder).collect();
                paragraph(&bold, &mut elements);
            }
            Piece::Entry { depth, marker, runs } => {
                let (list, used) = list(*depth, *marker, runs, rest);
                elements.push(list);
                rest = &rest[used..];
            }
            Piece::Code { text, .. } => elements.push(preformatted(text)),
            Piece::Table { head, rows } if table_columns(head, rows) <= TABLE_COLUMNS_MAX => {
                elements.push(preformatted(&table_text(head, rows)));
            }
            Piece::Table { head, rows } => rows.iter().for_each(|row| paragraph(&record(head, row), &mut elements)),
            Piece::Quote(runs) => elements.push(block("rich_text_quote", "elements", inlines(runs))),
            Piece::Rule => {
                flush(&mut elements, &mut blocks);
                blocks.push(json!({"type": "divider"}));
            }
        }
    }
    flush(&mut elements, &mut blocks);
    blocks
}

/// A row of a table that is too wide, as lines of `Head: value`.
fn record(head: &[Vec<Run>], row: &[Vec<Run>]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (head, cell) in head.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
        if !runs.is_empty() {
            runs.push(Run::plain("\n"));
        }
        if !head.is_empty() {
            runs.extend(head.iter().cloned().map(bolder));
            runs.push(Run::plain(": "));
        }
        runs.extend(cell.iter().cloned());
    }
    runs
}

fn flush(elements: &mut Vec<Value>, blocks: &mut Vec<Value>) {
    if !elements.is_empty() {
        blocks.push(block("rich_text", "elements", std::mem::take(elements)));
    }
}

fn bolder(mut run: Run) -> Run {
    run.style.bold = true;
    run
}

fn preformatted(text: &str) -> Value {
    block("rich_text_preformatted", "elements", vec![block("text", "text", text)])
}

/// Adds a paragraph; paragraphs in a row share one section with a blank line between.
fn paragraph(runs: &[Run], elements: &mut Vec<Value>) {
    let last = elements.last_mut().filter(|element| element["type"] == "rich_text_section");
    match last.and_then(|section| section.get_mut("elements")).and_then(Value::as_array_mut) {
        _ if runs.is_empty() => {}
        Some(section) => {
            section.push(block("text", "text", "\n\n"));
            section.extend(inlines(runs));
        }
        None => elements.push(block("rich_text_section", "elements", inlines(runs))),
    }
}

/// The list that begins with this entry, and how many of the pieces after it belong to it:
/// one element of rich text has one depth and one kind of marker.
fn list(depth: usize, marker: Marker, runs: &[Run], rest: &[Piece]) -> (Value, usize) {
    let ordered = matches!(marker, Marker::Number(_));
    let mut items = vec![item(marker, runs)];
    for piece in rest {
        match piece {
            Piece::Entry { depth: d, marker, runs }
                if *d == depth && matches!(marker, Marker::Number(_)) == ordered =>
            {
                items.push(item(*marker, runs));
            }
            _ => break,
        }
    }
    let used = items.len() - 1;
    let mut list = json!({
        "type": "rich_text_list",
        "style": if ordered { "ordered" } else { "bullet" },
        "indent": depth,
        "elements": items,
    });
    if let Marker::Number(first @ 2..) = marker {
        list["offset"] = json!(first - 1);
    }
    (list, used)
}

fn item(marker: Marker, runs: &[Run]) -> Value {
    let mut elements = inlines(runs);
    if matches!(marker, Marker::Open | Marker::Done) {
        elements.insert(0, block("text", "text", marker.text()));
    }
    block("rich_text_section", "elements", elements)
}

fn inlines(runs: &[Run]) -> Vec<Value> {
    runs.iter().map(inline).collect()
}

fn inline(run: &Run) -> Value {
    let mut element = match &run.link {
        _ if run.moment.is_some() => date(run),
        Some(link) => {
            object([("type", "link".into()), ("url", link.as_str().into()), ("text", run.text.as_str().into())])
        }
        None => block("text", "text", run.text.as_str()),
    };
    let looks = [
        ("bold", run.style.bold),
        ("italic", run.style.italic),
        ("strike", run.style.strike),
        // A date knows no such look.
        ("code", run.style.code && run.moment.is_none()),
    ];
    let style: Map<String, Value> =
        looks.into_iter().filter(|(_, on)| *on).map(|(look, _)| (look.to_owned(), true.into())).collect();
    if !style.is_empty() {
        element["style"] = Value::Object(style);
    }
    element
}

/// A moment in the reader's zone.
fn date(run: &Run) -> Value {
    let mut element = object([
        ("type", "date".into()),
        ("timestamp", run.moment.unwrap_or_default().as_seconds().into()),
        ("format", DATE_FORMAT.into()),
        ("fallback", run.text.as_str().into()),
    ]);
    if let Some(link) = &run.link {
        element["url"] = link.as_str().into();
    }
    element
}

/// The length of all text under `value`, addresses included.
fn text_units(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Array(items)) => items.iter().map(|item| text_units(Some(item))).sum(),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) if matches!(key.as_str(), "text" | "url" | "fallback" | "format") => units(text),
                other => text_units(Some(other)),
            })
            .sum(),
        _ => 0,
    }
}

fn blocks_count(body: &Map<String, Value>) -> usize {
    let count = |blocks: Option<&Value>| blocks.and_then(Value::as_array).map_or(0, Vec::len);
    let attached = body.get("attachments").and_then(|all| all.get(0)).and_then(|one| one.get("blocks"));
    count(body.get("blocks")) + count(attached)
}
