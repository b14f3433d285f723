//! Messages as wiki markup, the text of Jira Data Center.

use crate::destination::address::Address;
use crate::destination::flat::{Marker, Piece, Run};
use crate::destination::sheet::Sheet;
use crate::destination::text::{units, within_word};
use crate::domain::message::{Mention, Message};

use super::adf::plain_text;
use super::{DESCRIPTION_UNITS_MAX, PLAIN_UNITS_MAX, SUMMARY_UNITS_MAX};

/// Languages that the code macro of every Jira knows; another name is shown as an error.
const LANGUAGES: [&str; 14] =
    ["bash", "c", "css", "go", "html", "java", "javascript", "json", "php", "python", "ruby", "sql", "xml", "yaml"];

/// The description of the whole message.
pub fn rich(message: &Message) -> String {
    Sheet::new(message, SUMMARY_UNITS_MAX).fit(encode, |text| units(text) < DESCRIPTION_UNITS_MAX)
}

/// The description as text alone, of characters that old databases take.
pub fn text_only(message: &Message) -> String {
    let encode = |sheet: &Sheet| {
        let text = literal(&basic(&plain_text(sheet)));
        sheet.link.as_ref().map_or_else(|| text.clone(), |address| format!("{text}\n\n{}", link(address)))
    };
    Sheet::new(message, SUMMARY_UNITS_MAX).fit(encode, |text| units(text) < PLAIN_UNITS_MAX)
}

/// `text` without the characters (emoji, mostly) that databases of old installations refuse.
pub fn basic(text: &str) -> String {
    text.chars().filter(|c| u32::from(*c) <= 0xFFFF).collect()
}

/// `text` so that wiki markup shows it literally.
pub fn literal(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut literal = String::with_capacity(text.len() + 16);
    for (at, character) in chars.iter().copied().enumerate() {
        let next = chars.get(at + 1).copied();
        let escaped = match character {
            // A doubled backslash is a line break, so it has no escape of its own.
            '\\' => {
                literal.push_str("&#92;");
                continue;
            }
            '&' if next.is_some_and(|c| c == '#' || c.is_ascii_alphabetic()) => {
                literal.push_str("&amp;");
                continue;
            }
            '{' | '}' | '[' | ']' | '|' | '(' | ')' | '!' => true,
            '*' | '_' | '-' | '+' | '^' | '~' | '?' => !within_word(&chars, at),
            '#' => next.is_none_or(|c| !c.is_ascii_digit()),
            // Addresses and `:D`.
            ':' => next.is_some_and(|c| matches!(c, '/' | 'D' | 'P' | 'p')) || is_mailto(&chars[..at]),
            // `h1. ` and `bq. `.
            '.' => next.is_none_or(|c| c == ' ') && at >= 2 && opens_line(&chars[..at]),
            _ => false,
        };
        if escaped {
            literal.push('\\');
        }
        literal.push(character);
    }
    literal
}

fn is_mailto(before: &[char]) -> bool {
    let word: String = before.iter().rev().take(6).rev().collect();
    word.eq_ignore_ascii_case("mailto")
}

/// Whether these end in the beginning of a heading or quotation.
fn opens_line(before: &[char]) -> bool {
    let line: String = before.rsplit(|c| *c == '\n').next().unwrap_or_default().iter().collect();
    matches!(line.trim(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "bq")
}

fn encode(sheet: &Sheet) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mentions: Vec<String> = sheet.mentions.iter().map(mention).collect();
    if !mentions.is_empty() {
        parts.push(mentions.join(" "));
    }
    parts.extend(blocks(&sheet.pieces));
    if !sheet.fields.is_empty() {
        let row = |name: &str, value: &str| format!("||{}|{}|", cell(&literal(name)), cell(&literal(value)));
        let rows: Vec<String> = sheet.fields.iter().map(|field| row(&field.name, &field.value)).collect();
        parts.push(rows.join("\n"));
    }
    parts.extend(sheet.link.as_ref().map(link));
    if let Some(remark) = &sheet.remark {
        parts.push(format!("{{_}}{}{{_}}", literal(remark)));
    }
    parts.join("\n\n")
}

fn link(address: &Address) -> String {
    format!("[{}|{address}]", literal(&address.label()))
}

fn mention(mention: &Mention) -> String {
    let name = mention.jira.as_deref().unwrap_or_default().trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "._-@:+".contains(c));
    if is_name { format!("[~{name}]") } else { format!("@{}", literal(&mention.name)) }
}

fn blocks(pieces: &[Piece]) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    // The markers of the list above, one for each depth.
    let mut markers = String::new();
    let mut in_list = false;
    for piece in pieces {
        let part = match piece {
            Piece::Entry { depth, marker, runs } => {
                markers.truncate(*depth);
                while markers.len() < *depth {
                    markers.push('*');
                }
                markers.push(if matches!(marker, Marker::Number(_)) { '#' } else { '*' });
                let tick = if matches!(marker, Marker::Open | Marker::Done) { marker.text() } else { String::new() };
                let entry = format!("{markers} {tick}{}", cell(&text(runs)));
                match parts.last_mut() {
                    Some(list) if in_list => {
                        list.push('\n');
                        list.push_str(&entry);
                    }
                    _ => parts.push(entry),
                }
                in_list = true;
                continue;
            }
            Piece::Text(runs) => text(runs),
            Piece::Heading(level, runs) => format!("h{level}. {}", cell(&text(runs))),
            Piece::Code { language, text } => code(language.as_deref(), text),
            Piece::Quote(runs) => format!("{{quote}}\n{}\n{{quote}}", text(runs)),
            Piece::Rule => "----".to_owned(),
            Piece::Table { head, rows } => table(head, rows),
        };
        parts.push(part);
        markers.clear();
        in_list = false;
    }
    parts
}

/// Text within one line of markup: its line ends become forced line breaks.
fn cell(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { " ".to_owned() } else { lines.join(" \\\\ ") }
}

/// A macro's text knows no escapes: an end mark in it is broken by an invisible space.
fn code(language: Option<&str>, text: &str) -> String {
    let text = text.replace("{code", "{\u{200b}code").replace("{noformat", "{\u{200b}noformat");
    let language = language.map(str::to_lowercase).filter(|name| LANGUAGES.contains(&name.as_str()));
    match language {
        Some(language) => format!("{{code:{language}}}\n{text}\n{{code}}"),
        None => format!("{{noformat}}\n{text}\n{{noformat}}"),
    }
}

fn table(head: &[Vec<Run>], rows: &[Vec<Vec<Run>>]) -> String {
    let row = |edge: &str, cells: &[Vec<Run>]| {
        let cells: Vec<String> = cells.iter().map(|runs| cell(&text(runs))).collect();
        format!("{edge}{}{edge}", cells.join(edge))
    };
    let rows = rows.iter().map(|cells| row("|", cells));
    std::iter::once(row("||", head)).chain(rows).collect::<Vec<_>>().join("\n")
}

fn text(runs: &[Run]) -> String {
    let mut shown = String::new();
    for run in runs {
        for (at, line) in run.text.split('\n').enumerate() {
            if at > 0 {
                shown.push('\n');
            }
            shown.push_str(&styled(line, run));
        }
    }
    shown
}

/// One line of one look. The marks stand in braces, so that they work within words, and
/// around the text without its outer spaces.
fn styled(line: &str, run: &Run) -> String {
    let inner = line.trim();
    if inner.is_empty() {
        return line.to_owned();
    }
    let (before, after) = (&line[..line.len() - line.trim_start().len()], &line[line.trim_end().len()..]);
    let mut shown = literal(inner);
    if run.style.code {
        shown = format!("{{{{{shown}}}}}");
    }
    for (on, mark) in [(run.style.strike, "{-}"), (run.style.italic, "{_}"), (run.style.bold, "{*}")] {
        if on {
            shown = format!("{mark}{shown}{mark}");
        }
    }
    if let Some(link) = &run.link {
        shown = format!("[{shown}|{link}]");
    }
    format!("{before}{shown}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_literal() {
        let cases = [
            ("[~admin] [x|http://evil]", "\\[\\~admin\\] \\[x\\|http\\://evil\\]"),
            ("{code} !img.png! *b*", "\\{code\\} \\!img.png\\! \\*b\\*"),
            ("test_checkout-flow - dash", "test_checkout-flow \\- dash"),
            ("h1. head\nbq. said\n# one", "h1\\. head\nbq\\. said\n\\# one"),
            ("C:\\dir (y) :D", "C:&#92;dir \\(y\\) \\:D"),
            ("&lt; R & D #12", "&amp;lt; R & D #12"),
        ];
        for (text, shown) in cases {
            assert_eq!(literal(text), shown, "{text}");
        }
    }
}
