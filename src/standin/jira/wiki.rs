//! How wiki markup reads.

use crate::standin::picture::Picture;

/// Draws `markup` as it is read: escapes, marks and macros undone.
pub(super) fn draw(markup: &str, picture: &mut Picture) {
    let mut fields: Vec<(String, String)> = Vec::new();
    // Inside a macro that shows its text as it is: the line that ends it.
    let mut literal_until: Option<&str> = None;
    let mut numbers: Vec<u64> = Vec::new();
    for line in markup.lines() {
        if let Some(end) = literal_until {
            if line == end {
                literal_until = None;
            } else {
                picture.text(&format!("  {line}"));
            }
            continue;
        }
        if let Some((name, value)) = labelled(line) {
            fields.push((name, value));
            continue;
        }
        picture.fields(&std::mem::take(&mut fields));
        match line {
            "" => picture.gap(),
            "{noformat}" => literal_until = Some("{noformat}"),
            "{quote}" => {}
            "----" => picture.text("────────"),
            _ if line.starts_with("{code:") => literal_until = Some("{code}"),
            _ if line.starts_with('|') => picture.text(&row(line)),
            _ => match entry(line, &mut numbers) {
                Some((lead, text)) => picture.hanging(&lead, &inline(text)),
                None => picture.text(&inline(heading(line).unwrap_or(line))),
            },
        }
    }
    picture.fields(&fields);
}

/// A row of one header and one cell: a labelled value.
fn labelled(line: &str) -> Option<(String, String)> {
    let cells = cells(line.strip_prefix("||")?.strip_suffix('|')?);
    match cells.as_slice() {
        [name, value] => Some((inline(name), inline(value))),
        _ => None,
    }
}

fn row(line: &str) -> String {
    let cells = cells(line.replace("||", "|").trim_matches('|'));
    cells.iter().map(|cell| inline(cell)).collect::<Vec<_>>().join(" │ ")
}

/// The marker and the text of a list's line; counts the numbered ones.
fn entry<'a>(line: &'a str, numbers: &mut Vec<u64>) -> Option<(String, &'a str)> {
    let (markers, text) = line.split_once(' ')?;
    if markers.is_empty() || !markers.chars().all(|c| matches!(c, '*' | '#')) {
        numbers.clear();
        return None;
    }
    numbers.resize(markers.len(), 0);
    let number = numbers.last_mut()?;
    *number += 1;
    let marker = if markers.ends_with('#') { format!("{number}. ") } else { "• ".to_owned() };
    Some((format!("{}{marker}", "   ".repeat(markers.len() - 1)), text))
}

fn heading(line: &str) -> Option<&str> {
    let (level, text) = line.strip_prefix('h')?.split_once(". ")?;
    level.parse::<u8>().is_ok().then_some(text)
}

fn cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let (mut escaped, mut in_link) = (false, false);
    for character in row.chars() {
        match character {
            '[' if !escaped => in_link = true,
            ']' if !escaped => in_link = false,
            _ => {}
        }
        if character == '|' && !escaped && !in_link {
            cells.push(String::new());
        } else if let Some(cell) = cells.last_mut() {
            cell.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    cells
}

/// Links by their text, mentions by their name, without marks and the backslashes of escapes.
fn inline(text: &str) -> String {
    let text = ["{*}", "{_}", "{-}"].iter().fold(text.to_owned(), |text, mark| text.replace(mark, ""));
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.replace(" \\\\ ", "\n").chars().collect::<Vec<_>>().into_iter().peekable();
    let (mut in_link, mut hidden) = (false, false);
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                let escaped = rest.next();
                shown.extend(escaped.filter(|_| !hidden));
            }
            '[' => {
                in_link = true;
                if rest.next_if_eq(&'~').is_some() {
                    shown.push('@');
                }
            }
            '|' if in_link => hidden = true,
            ']' if in_link => (in_link, hidden) = (false, false),
            '{' | '}' => {}
            _ if hidden => {}
            other => shown.push(other),
        }
    }
    shown.replace("&#92;", "\\").replace("&amp;", "&")
}
