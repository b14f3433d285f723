//! Messages as Markdown that GitHub, GitLab, chats and CommonMark read alike.

use super::super::flat::{Marker, Piece, Run, runs_plain};
use super::super::sheet::Sheet;
use super::words::names;
use crate::domain::render::Flavor;

/// A sign without width between two looks that would run into one another.
const JOINER: char = '\u{2060}';

/// The whole of `sheet` but its title.
pub(super) fn encode(sheet: &Sheet) -> String {
    let mut parts = vec![names(Flavor::Markdown, sheet.mentions.iter().map(|mention| mention.name.as_str()))];
    parts.extend(blocks(&sheet.pieces));
    let field = |name: &str, value: &str| format!("- **{}:** {}", literal(name), lines(&literal(value), "  "));
    let fields: Vec<String> = sheet.fields.iter().map(|one| field(&one.name, &one.value)).collect();
    parts.push(fields.join("\n"));
    parts.extend(sheet.link.as_ref().map(|link| format!("[{}]({link})", literal(&link.label()))));
    parts.extend(sheet.remark.as_deref().map(|remark| format!("*{}*", literal(remark))));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn literal(text: &str) -> String {
    Flavor::Markdown.literal(text)
}

/// Markdown's own line breaks, with what follows under `indent`.
fn lines(text: &str, indent: &str) -> String {
    let kept: Vec<&str> = text.split('\n').map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
    kept.join(&format!("  \n{indent}"))
}

fn blocks(pieces: &[Piece]) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut in_list = false;
    for piece in pieces {
        let part = match piece {
            Piece::Entry { depth, marker, runs } => {
                let entry = entry(*depth, *marker, runs);
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
            Piece::Text(runs) => lines(&text(runs), ""),
            Piece::Heading(level, runs) => {
                format!("{} {}", "#".repeat(usize::from(*level).clamp(1, 6)), text(runs).replace('\n', " "))
            }
            Piece::Code { language, text } => {
                let fence = fence(text, 3);
                format!("{fence}{}\n{text}\n{fence}", language.as_deref().unwrap_or_default())
            }
            Piece::Quote(runs) => text(runs)
                .lines()
                .map(|line| format!("> {line}  "))
                .collect::<Vec<_>>()
                .join("\n")
                .trim_end()
                .to_owned(),
            Piece::Rule => "---".to_owned(),
            Piece::Table { head, rows } => table(head, rows),
        };
        parts.push(part);
        in_list = false;
    }
    parts
}

fn entry(depth: usize, marker: Marker, runs: &[Run]) -> String {
    let sign = match marker {
        Marker::Bullet => "-".to_owned(),
        Marker::Number(number) => format!("{number}."),
        Marker::Open => "- [ ]".to_owned(),
        Marker::Done => "- [x]".to_owned(),
    };
    // Four columns are inner to both kinds of lists.
    let indent = "    ".repeat(depth);
    format!("{indent}{sign} {}", lines(&text(runs), &format!("{indent}  ")))
}

fn table(head: &[Vec<Run>], rows: &[Vec<Vec<Run>>]) -> String {
    let row = |cells: &[Vec<Run>]| {
        let cells: Vec<String> = cells.iter().map(|runs| text(runs).replace('\n', " ")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let rule = format!("|{}", " --- |".repeat(head.len()));
    std::iter::once(row(head)).chain([rule]).chain(rows.iter().map(|cells| row(cells))).collect::<Vec<_>>().join("\n")
}

/// Runs with their looks.
fn text(runs: &[Run]) -> String {
    let mut text = String::new();
    let mut styled_before = false;
    for run in runs {
        let styled = run.style.bold || run.style.italic || run.style.strike || run.style.code;
        if styled && styled_before {
            text.push(JOINER);
        }
        text.push_str(&shown(run));
        styled_before = styled;
    }
    text
}

/// One run: marks stand close around its text, or they would not be marks.
fn shown(run: &Run) -> String {
    let inner = run.text.trim();
    if inner.is_empty() {
        return run.text.clone();
    }
    let (before, after) = (run.text.len() - run.text.trim_start().len(), run.text.trim_end().len());
    let mut marked = if run.style.code { code(inner) } else { literal(inner) };
    for (is, mark) in [(run.style.bold, "**"), (run.style.italic, "*"), (run.style.strike, "~~")] {
        if is {
            marked = marked.split('\n').map(|line| wrapped(line, mark)).collect::<Vec<_>>().join("\n");
        }
    }
    if let Some(link) = &run.link {
        let label = if run.style.code { code(&runs_plain(std::slice::from_ref(run))) } else { marked };
        marked = format!("[{}]({link})", label.replace('\n', " "));
    }
    format!("{}{marked}{}", &run.text[..before], &run.text[after..])
}

fn wrapped(line: &str, mark: &str) -> String {
    let inner = line.trim();
    if inner.is_empty() { line.to_owned() } else { format!("{mark}{inner}{mark}") }
}

fn code(text: &str) -> String {
    let text = text.replace('\n', " ");
    let fence = fence(&text, 1);
    let gap = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// Backticks, more than stand together in `text` and at least `least`.
fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}
