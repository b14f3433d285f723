//! Messages as HTML, as trackers such as Azure DevOps keep their texts.

use super::super::flat::{Piece, Run, table_text};
use super::super::sheet::Sheet;
use super::words::names;
use crate::domain::render::Flavor;

/// The whole of `sheet` but its title.
pub(super) fn encode(sheet: &Sheet) -> String {
    let mut parts = Vec::new();
    let mentions = names(Flavor::Html, sheet.mentions.iter().map(|mention| mention.name.as_str()));
    if !mentions.is_empty() {
        parts.push(paragraph(&mentions));
    }
    let mut entries: Vec<String> = Vec::new();
    for piece in &sheet.pieces {
        if let Piece::Entry { depth, marker, runs } = piece {
            entries.push(format!("{}{}{}", "&nbsp;".repeat(depth * 3), marker.text(), text(runs)));
            continue;
        }
        flush(&mut entries, &mut parts);
        parts.push(block(piece));
    }
    flush(&mut entries, &mut parts);
    let field = |name: &str, value: &str| format!("<b>{}:</b> {}", literal(name), literal(value));
    entries = sheet.fields.iter().map(|one| field(&one.name, &one.value)).collect();
    flush(&mut entries, &mut parts);
    let link = |link: &super::super::address::Address| {
        paragraph(&format!("<a href=\"{}\">{}</a>", attribute(link.as_str()), literal(&link.label())))
    };
    parts.extend(sheet.link.as_ref().map(link));
    parts.extend(sheet.remark.as_deref().map(|remark| paragraph(&format!("<i>{}</i>", literal(remark)))));
    parts.concat()
}

/// Lines of a list or of fields become one paragraph.
fn flush(entries: &mut Vec<String>, parts: &mut Vec<String>) {
    if !entries.is_empty() {
        parts.push(paragraph(&std::mem::take(entries).join("<br>")));
    }
}

fn paragraph(inner: &str) -> String {
    format!("<p>{inner}</p>")
}

fn literal(text: &str) -> String {
    Flavor::Html.literal(text)
}

/// An address within quotes; it has no quotes and no angle brackets of its own.
fn attribute(address: &str) -> String {
    address.replace('&', "&amp;")
}

fn preformatted(text: &str) -> String {
    format!("<pre>{}</pre>", literal(text).replace("<br>", "\n"))
}

fn block(piece: &Piece) -> String {
    match piece {
        Piece::Text(runs) | Piece::Entry { runs, .. } => paragraph(&text(runs)),
        Piece::Heading(level, runs) => {
            let level = (*level).clamp(1, 6);
            format!("<h{level}>{}</h{level}>", text(runs))
        }
        Piece::Code { text, .. } => preformatted(text),
        Piece::Quote(runs) => format!("<blockquote>{}</blockquote>", text(runs)),
        Piece::Rule => "<hr>".to_owned(),
        Piece::Table { head, rows } => preformatted(&table_text(head, rows)),
    }
}

fn text(runs: &[Run]) -> String {
    runs.iter().map(shown).collect()
}

fn shown(run: &Run) -> String {
    let mut shown = literal(&run.text);
    let style = run.style;
    for (is, tag) in [(style.code, "code"), (style.bold, "b"), (style.italic, "i"), (style.strike, "s")] {
        if is {
            shown = format!("<{tag}>{shown}</{tag}>");
        }
    }
    match &run.link {
        Some(link) => format!("<a href=\"{}\">{shown}</a>", attribute(link.as_str())),
        None => shown,
    }
}
