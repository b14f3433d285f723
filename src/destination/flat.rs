//! The body of a message laid flat: runs of text instead of nested markup.
//!
//! No vendor nests as freely as Markdown does. Laid flat, every body is within what all of
//! them can show, and every run of text is literal.

use crate::domain::characters::{is_blank, width};
use crate::domain::message::{Block, Inline, Item};
use crate::domain::time::Timestamp;

use super::address::Address;
use super::text::{clean, cut, units};

/// How deep a list shows its nesting.
const LIST_DEPTH_MAX: usize = 4;

/// The widest a column of a table becomes where it is shown as text.
const COLUMN_CHARS_MAX: usize = 40;

/// How a run of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Struck through.
    pub strike: bool,
    /// Code.
    pub code: bool,
}

/// Literal text of one look. Never empty within a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The text, without control characters but `\n` and tab.
    pub text: String,
    /// Its look.
    pub style: Style,
    /// Where it leads.
    pub link: Option<Address>,
    /// The moment that the text says, for vendors that show it in the reader's zone.
    pub moment: Option<Timestamp>,
}

impl Run {
    /// Text of no special look.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self::styled(text, Style::default())
    }

    /// Text of one look.
    #[must_use]
    pub fn styled(text: &str, style: Style) -> Self {
        Self { text: clean(text).into_owned(), style, link: None, moment: None }
    }
}

/// What a list item begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// A bullet.
    Bullet,
    /// A number.
    Number(u64),
    /// An open box.
    Open,
    /// A ticked box.
    Done,
}

impl Marker {
    /// The marker as text, with the space after it.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Bullet => "• ".to_owned(),
            Self::Number(number) => format!("{number}. "),
            Self::Open => "☐ ".to_owned(),
            Self::Done => "☑ ".to_owned(),
        }
    }
}

/// One piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A paragraph.
    Text(Vec<Run>),
    /// A heading of level 1 to 6.
    Heading(u8, Vec<Run>),
    /// One item of a list.
    Entry {
        /// How deep it is nested, from 0.
        depth: usize,
        /// What it begins with.
        marker: Marker,
        /// Its text.
        runs: Vec<Run>,
    },
    /// Preformatted text.
    Code {
        /// Its language, if named.
        language: Option<String>,
        /// The text, never empty.
        text: String,
    },
    /// A quotation.
    Quote(Vec<Run>),
    /// A horizontal rule.
    Rule,
    /// A table; every row has as many cells as the head.
    Table {
        /// The header cells.
        head: Vec<Vec<Run>>,
        /// The rows of cells.
        rows: Vec<Vec<Vec<Run>>>,
    },
}

impl Piece {
    /// The length of its text.
    #[must_use]
    pub fn units(&self) -> usize {
        match self {
            Self::Text(runs) | Self::Heading(_, runs) | Self::Quote(runs) => runs_units(runs),
            Self::Entry { runs, .. } => runs_units(runs) + 4,
            Self::Code { text, .. } => units(text),
            Self::Rule => 4,
            Self::Table { head, rows } => {
                head.iter().chain(rows.iter().flatten()).map(|cell| runs_units(cell) + 4).sum()
            }
        }
    }

    /// The piece in at most about `max` units, cut at a word; `None` when nothing worth showing is left.
    #[must_use]
    pub fn cut(&self, max: usize) -> Option<Self> {
        if self.units() <= max {
            return Some(self.clone());
        }
        match self {
            Self::Text(runs) => Some(Self::Text(runs_cut(runs, max)?)),
            Self::Heading(level, runs) => Some(Self::Heading(*level, runs_cut(runs, max)?)),
            Self::Quote(runs) => Some(Self::Quote(runs_cut(runs, max)?)),
            Self::Entry { depth, marker, runs } => {
                let runs = runs_cut(runs, max.saturating_sub(4))?;
                Some(Self::Entry { depth: *depth, marker: *marker, runs })
            }
            Self::Code { language, text } => {
                let text = cut(text, max).into_owned();
                (!text.is_empty()).then(|| Self::Code { language: language.clone(), text })
            }
            Self::Rule => None,
            Self::Table { head, rows } => {
                let mut left = max.checked_sub(Self::Table { head: head.clone(), rows: Vec::new() }.units())?;
                let fits = |row: &&Vec<Vec<Run>>| {
                    let size = row.iter().map(|cell| runs_units(cell) + 4).sum();
                    left.checked_sub(size).map(|rest| left = rest).is_some()
                };
                let rows: Vec<_> = rows.iter().take_while(fits).cloned().collect();
                (!rows.is_empty()).then(|| Self::Table { head: head.clone(), rows })
            }
        }
    }

    /// The piece as plain text, without a line end.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::Text(runs) | Self::Heading(_, runs) => runs_plain(runs),
            Self::Entry { depth, marker, runs } => {
                format!("{}{}{}", "   ".repeat(*depth), marker.text(), runs_plain(runs))
            }
            Self::Code { text, .. } => text.clone(),
            Self::Quote(runs) => {
                runs_plain(runs).lines().map(|line| format!("| {line}")).collect::<Vec<_>>().join("\n")
            }
            Self::Rule => "———".to_owned(),
            Self::Table { head, rows } => table_text(head, rows),
        }
    }
}

/// All `pieces` as plain text.
#[must_use]
pub fn plain(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 {
            let in_list = matches!((&pieces[at - 1], piece), (Piece::Entry { .. }, Piece::Entry { .. }));
            text.push_str(if in_list { "\n" } else { "\n\n" });
        }
        text.push_str(&piece.plain());
    }
    text
}

fn runs_units(runs: &[Run]) -> usize {
    runs.iter().map(|run| units(&run.text)).sum()
}

fn runs_cut(runs: &[Run], max: usize) -> Option<Vec<Run>> {
    let mut kept = Vec::new();
    let mut left = max;
    for run in runs {
        let size = units(&run.text);
        if size <= left {
            left -= size;
            kept.push(run.clone());
            continue;
        }
        let text = cut(&run.text, left).into_owned();
        if !text.is_empty() {
            kept.push(Run { text, moment: None, ..run.clone() });
        }
        break;
    }
    (!kept.is_empty()).then_some(kept)
}

/// The text of `runs` without look and links.
#[must_use]
pub fn runs_plain(runs: &[Run]) -> String {
    runs.iter().map(|run| run.text.as_str()).collect()
}

/// How many columns of letters [`table_text`] takes, had it no widest column.
#[must_use]
pub fn table_columns(head: &[Vec<Run>], rows: &[Vec<Vec<Run>>]) -> usize {
    let lines = || std::iter::once(head).chain(rows.iter().map(Vec::as_slice));
    let widest = |column: usize| lines().filter_map(|row| row.get(column)).map(|cell| width(&runs_plain(cell))).max();
    (0..head.len()).map(|column| widest(column).unwrap_or(0) + 3).sum::<usize>().saturating_sub(3)
}

/// A table as lines of aligned text.
#[must_use]
pub fn table_text(head: &[Vec<Run>], rows: &[Vec<Vec<Run>>]) -> String {
    let cell = |runs: &Vec<Run>| cut(&runs_plain(runs).replace('\n', " "), COLUMN_CHARS_MAX).into_owned();
    let lines: Vec<Vec<String>> =
        std::iter::once(head).chain(rows.iter().map(Vec::as_slice)).map(|row| row.iter().map(cell).collect()).collect();
    let widest =
        |column: usize| lines.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(widest).collect();
    let mut text: Vec<String> = Vec::with_capacity(lines.len() + 1);
    for row in &lines {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, widest)| format!("{cell}{}", " ".repeat(widest - width(cell))))
            .collect();
        text.push(cells.join(" | ").trim_end().to_owned());
        if text.len() == 1 {
            text.push(widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("-+-"));
        }
    }
    text.join("\n")
}

/// Lays `blocks` flat.
#[must_use]
pub fn flatten(blocks: &[Block]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for block in blocks {
        flatten_block(block, 0, &mut pieces);
    }
    pieces
}

fn flatten_block(block: &Block, depth: usize, pieces: &mut Vec<Piece>) {
    match block {
        Block::Paragraph(inlines) => pieces.extend(some_runs(inlines).map(Piece::Text)),
        Block::Heading { level, text } => {
            pieces.extend(some_runs(text).map(|runs| Piece::Heading((*level).clamp(1, 6), runs)));
        }
        Block::List { start, items } => {
            for (number, item) in (start.unwrap_or(0)..).zip(items) {
                let marker = match (item.done, start) {
                    (Some(true), _) => Marker::Done,
                    (Some(false), _) => Marker::Open,
                    (None, Some(_)) => Marker::Number(number),
                    (None, None) => Marker::Bullet,
                };
                flatten_item(item, marker, depth, pieces);
            }
        }
        Block::Code { language, text } => {
            let text = clean(text).trim_end_matches('\n').to_owned();
            if !is_blank(&text) {
                pieces.push(Piece::Code { language: language.clone(), text });
            }
        }
        Block::Quote(blocks) => pieces.extend(quote(blocks).map(Piece::Quote)),
        Block::Rule => pieces.push(Piece::Rule),
        Block::Table { head, rows } => pieces.extend(table(head, rows)),
    }
}

/// An item: its leading paragraphs are the entry, everything else follows it.
fn flatten_item(item: &Item, marker: Marker, depth: usize, pieces: &mut Vec<Piece>) {
    let mut runs: Vec<Run> = Vec::new();
    let mut rest = item.blocks.as_slice();
    while let Some((Block::Paragraph(inlines) | Block::Heading { text: inlines, .. }, after)) = rest.split_first() {
        if let Some(more) = some_runs(inlines) {
            if !runs.is_empty() {
                push(&mut runs, Run::plain("\n"));
            }
            more.into_iter().for_each(|run| push(&mut runs, run));
        }
        rest = after;
    }
    if !runs.is_empty() {
        pieces.push(Piece::Entry { depth: depth.min(LIST_DEPTH_MAX), marker, runs });
    }
    for block in rest {
        flatten_block(block, depth + 1, pieces);
    }
}

fn quote(blocks: &[Block]) -> Option<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for piece in flatten(blocks) {
        if !runs.is_empty() {
            push(&mut runs, Run::plain("\n"));
        }
        match piece {
            Piece::Text(more) | Piece::Quote(more) => more.into_iter().for_each(|run| push(&mut runs, run)),
            Piece::Heading(_, more) => {
                for run in more {
                    push(&mut runs, Run { style: Style { bold: true, ..run.style }, ..run });
                }
            }
            Piece::Entry { depth, marker, runs: more } => {
                push(&mut runs, Run::plain(&format!("{}{}", "   ".repeat(depth), marker.text())));
                more.into_iter().for_each(|run| push(&mut runs, run));
            }
            other => push(&mut runs, Run::plain(&other.plain())),
        }
    }
    (!runs.is_empty()).then_some(runs)
}

fn table(head: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> Option<Piece> {
    let width = rows.iter().map(Vec::len).chain([head.len()]).max().unwrap_or(0);
    let line = |cells: &[Vec<Inline>]| -> Vec<Vec<Run>> {
        (0..width).map(|at| cells.get(at).and_then(|cell| some_runs(cell)).unwrap_or_default()).collect()
    };
    let rows: Vec<_> = rows.iter().map(|row| line(row)).collect();
    let head = line(head);
    let empty = head.iter().chain(rows.iter().flatten()).all(Vec::is_empty);
    (!empty).then_some(Piece::Table { head, rows })
}

/// The runs of `inlines` without white space around them; `None` when nothing is to be seen.
fn some_runs(inlines: &[Inline]) -> Option<Vec<Run>> {
    let mut runs = Vec::new();
    collect(inlines, Style::default(), None, &mut runs);
    while let Some(first) = runs.first_mut() {
        first.text = first.text.trim_start().to_owned();
        if !first.text.is_empty() {
            break;
        }
        runs.remove(0);
    }
    while let Some(last) = runs.last_mut() {
        last.text = last.text.trim_end().to_owned();
        if !last.text.is_empty() {
            break;
        }
        runs.pop();
    }
    (!runs.iter().all(|run| is_blank(&run.text))).then_some(runs)
}

fn collect(inlines: &[Inline], style: Style, link: Option<&Address>, runs: &mut Vec<Run>) {
    for inline in inlines {
        let add = |text: &str, style: Style, runs: &mut Vec<Run>| {
            push(runs, Run { link: link.cloned(), ..Run::styled(text, style) });
        };
        match inline {
            Inline::Text(text) => add(text, style, runs),
            Inline::Break => add("\n", style, runs),
            Inline::Moment { at, text } => {
                push(runs, Run { link: link.cloned(), moment: Some(*at), ..Run::styled(text, style) });
            }
            Inline::Code(text) => add(text, Style { code: true, ..style }, runs),
            Inline::Strong(inner) => collect(inner, Style { bold: true, ..style }, link, runs),
            Inline::Emph(inner) => collect(inner, Style { italic: true, ..style }, link, runs),
            Inline::Strike(inner) => collect(inner, Style { strike: true, ..style }, link, runs),
            Inline::Link { url, text } => collect(text, style, link.or(Address::parse(url).as_ref()), runs),
        }
    }
}

/// Adds `run`, joined to the last one when they look the same.
fn push(runs: &mut Vec<Run>, run: Run) {
    match runs.last_mut() {
        _ if run.text.is_empty() => {}
        Some(last) if last.style == run.style && last.link == run.link && last.moment.or(run.moment).is_none() => {
            last.text.push_str(&run.text);
        }
        _ => runs.push(run),
    }
}
