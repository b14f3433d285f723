//! How wiki markup reads.

/// `markup` as it is read: escapes, marks and macros undone.
pub fn readable(markup: &str) -> String {
    let mut text = markup.to_owned();
    for mark in ["{*}", "{_}", "{-}", "{quote}\n", "\n{quote}", "{noformat}\n", "\n{noformat}", "\n{code}"] {
        text = text.replace(mark, "");
    }
    text.lines().map(line).collect::<Vec<_>>().join("\n").replace("&#92;", "\\").replace("&amp;", "&")
}

fn line(line: &str) -> String {
    if line.starts_with("{code:") && line.ends_with('}') {
        return String::new();
    }
    if let Some(row) = line.strip_prefix("||") {
        let row = row.trim_end_matches('|').replace("||", "|");
        return inline(&split_cells(&row).join("  │  "));
    }
    if let Some(row) = line.strip_prefix('|') {
        return inline(&split_cells(row.trim_end_matches('|')).join("  │  "));
    }
    let markers = line.chars().take_while(|c| matches!(c, '*' | '#')).count();
    if markers > 0 && line[markers..].starts_with(' ') {
        return format!("{}• {}", "   ".repeat(markers - 1), inline(&line[markers + 1..]));
    }
    let heading = line.len() > 4 && line.starts_with('h') && line[2..].starts_with(". ");
    inline(if heading { &line[4..] } else { line })
}

fn split_cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for character in row.chars() {
        if character == '|' && !escaped {
            cells.push(String::new());
        } else if let Some(cell) = cells.last_mut() {
            cell.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    cells
}

/// Links by their text, mentions by their name, without the backslashes of escapes.
fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_link = false;
    let mut hidden = false;
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                let next = rest.next();
                if !hidden {
                    shown.push(if next == Some('\\') { '\n' } else { next.unwrap_or('\\') });
                }
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
    shown
}
