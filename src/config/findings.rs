//! Collects findings while files are read, and knows the files they are about.

use std::sync::Arc;

use super::diagnostic::{Also, Diagnostic, Diagnostics, Severity};
use super::lint::{Doubt, Unknown};
use super::scrub::Scrubber;
use super::vocabulary::Vocabulary;

/// The longest source line that is shown, in characters.
const SHOWN_LINE_MAX: usize = 400;

/// The most errors, and the most warnings, that are kept; a file that is no configuration at all makes more.
const FINDINGS_MAX: usize = 1000;

/// A place in one of the files: bytes `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which file.
    pub sheet: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last; `start` of 0 and `end` of 0 mean the file as a whole.
    pub end: usize,
}

impl Place {
    /// The file as a whole.
    pub fn file(sheet: usize) -> Self {
        Self { sheet, start: 0, end: 0 }
    }
}

/// A file that was read.
#[derive(Debug)]
pub struct Sheet {
    /// Its name as the user would write it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The byte at which each line begins.
    lines: Vec<usize>,
    /// Whether its lines may hold secrets.
    guarded: bool,
}

impl Sheet {
    /// The line and column (both from 1, in characters) of the byte at `offset`.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let before = self.text.get(self.lines[line - 1]..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// The text of line `line`, from 1, without its end.
    fn line(&self, line: usize) -> &str {
        let start = self.lines.get(line.wrapping_sub(1)).copied().unwrap_or(self.text.len());
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }
}

/// All findings so far and the files they are about.
#[derive(Debug)]
pub struct Findings {
    words: Arc<Vocabulary>,
    sheets: Vec<Sheet>,
    found: Vec<Diagnostic>,
    errors: usize,
    doubts: Vec<Doubt>,
}

impl Default for Findings {
    fn default() -> Self {
        Self { words: Vocabulary::built_in(), sheets: Vec::new(), found: Vec::new(), errors: 0, doubts: Vec::new() }
    }
}

impl Findings {
    /// The words that the files are held against.
    pub fn words(&self) -> Arc<Vocabulary> {
        Arc::clone(&self.words)
    }

    /// From now on files are held against `words`.
    pub fn hold_against(&mut self, words: Arc<Vocabulary>) {
        self.words = words;
    }

    /// Takes a file; the number names it in places.
    pub fn open(&mut self, name: String, text: String) -> usize {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        self.sheets.push(Sheet { name, text, lines, guarded: false });
        self.sheets.len() - 1
    }

    /// From now on lines of `sheet` that look like secrets are not shown.
    pub fn guard_lines(&mut self, sheet: usize) {
        self.sheets[sheet].guarded = true;
    }

    /// The file `sheet`.
    pub fn sheet(&self, sheet: usize) -> &Sheet {
        &self.sheets[sheet]
    }

    /// All files by number and name.
    pub fn names(&self) -> impl Iterator<Item = (usize, &str)> {
        self.sheets.iter().enumerate().map(|(number, sheet)| (number, sheet.name.as_str()))
    }

    /// The text at `place`.
    pub fn text_at(&self, place: Place) -> &str {
        self.sheets[place.sheet].text.get(place.start..place.end).unwrap_or_default()
    }

    /// The line of `place`, from 1.
    pub fn line(&self, place: Place) -> usize {
        self.sheets[place.sheet].position(place.start).0
    }

    /// Whether any error was found.
    pub fn failed(&self) -> bool {
        self.errors > 0
    }

    /// Something is wrong at `at`.
    pub fn error(&mut self, at: Place, message: impl Into<String>) {
        self.add(Severity::Error, at, message.into(), None);
    }

    /// Something is wrong at `at`, and this is what to do.
    pub fn error_help(&mut self, at: Place, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Error, at, message.into(), Some(help.into()));
    }

    /// Something is wrong at `at`, and has to do with another place.
    pub fn error_also(&mut self, at: Place, message: impl Into<String>, also: Place, label: &str) {
        let before = self.found.len();
        self.add(Severity::Error, at, message.into(), None);
        self.also(before, also, label);
    }

    /// Something is worth knowing at `at`, and has to do with another place.
    pub fn warning_also(&mut self, at: Place, message: String, help: String, also: Place, label: &str) {
        let before = self.found.len();
        self.add(Severity::Warning, at, message, Some(help));
        self.also(before, also, label);
    }

    /// Adds another place to the finding at `index`, if it was kept.
    fn also(&mut self, index: usize, also: Place, label: &str) {
        let (line, column, width, source_line) = self.extent(also);
        let file = self.sheets[also.sheet].name.clone();
        if let Some(last) = self.found.get_mut(index) {
            last.also = Some(Also { file, line, column, width, source_line, label: label.to_owned() });
        }
    }

    /// Something is worth knowing at `at`.
    pub fn warning(&mut self, at: Place, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Warning, at, message.into(), Some(help.into()));
    }

    /// The same, but the events that came may prove it wrong: they may have had what is unknown.
    pub fn doubt(&mut self, at: Place, message: impl Into<String>, help: impl Into<String>, of: Unknown) {
        let (line, column, ..) = self.extent(at);
        self.doubts.push(Doubt { at: (self.sheets[at.sheet].name.clone(), line, column), of });
        self.warning(at, message, help);
    }

    /// The warnings that the events that came may prove wrong.
    pub fn take_doubts(&mut self) -> Vec<Doubt> {
        std::mem::take(&mut self.doubts)
    }

    /// Something is wrong at a line and column (both from 1) of the file `sheet`.
    pub fn error_at_line(&mut self, sheet: usize, line: usize, column: usize, message: String, help: Option<String>) {
        let text = self.sheets[sheet].line(line);
        let start = text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
        let offset = self.sheets[sheet].lines.get(line.wrapping_sub(1)).map_or(0, |first| first + start);
        self.add(Severity::Error, Place { sheet, start: offset, end: offset + 1 }, message, help);
    }

    /// The place of `word` on line `line` (from 1) of a sheet; of the whole line without it.
    pub fn place_of(&self, sheet: usize, line: usize, word: &str) -> Place {
        let page = &self.sheets[sheet];
        let text = page.line(line);
        let first = page.lines.get(line.wrapping_sub(1)).copied().unwrap_or_default();
        match text.find(word) {
            Some(at) => Place { sheet, start: first + at, end: first + at + word.len() },
            None => Place { sheet, start: first, end: first + text.len().max(1) },
        }
    }

    fn add(&mut self, severity: Severity, at: Place, message: String, help: Option<String>) {
        let errors = self.errors;
        match severity {
            // Never crowded out by warnings: a file with an error must not pass.
            Severity::Error if errors < FINDINGS_MAX => self.errors += 1,
            Severity::Warning if self.found.len() - errors < FINDINGS_MAX => {}
            Severity::Error | Severity::Warning => return,
        }
        let (line, column, width, source_line) = self.extent(at);
        let file = self.sheets[at.sheet].name.clone();
        self.found.push(Diagnostic { severity, file, line, column, width, source_line, message, help, also: None });
    }

    /// Line, column, width and source line of a place; a place of several lines is shown by its first.
    fn extent(&self, at: Place) -> (usize, usize, usize, String) {
        let sheet = &self.sheets[at.sheet];
        if at.end == 0 {
            return (1, 1, 0, String::new());
        }
        let (line, column) = sheet.position(at.start);
        let text = &if sheet.guarded { guarded(sheet.line(line)) } else { sheet.line(line).to_owned() };
        let length = text.chars().count();
        let whole = sheet.text.get(at.start..at.end).unwrap_or_default();
        let first = whole.lines().next().unwrap_or_default().trim_end();
        let width = first.chars().count().max(1);
        if column > SHOWN_LINE_MAX {
            return (line, column, width, String::new());
        }
        let shown: String = if length > SHOWN_LINE_MAX {
            text.chars().take(SHOWN_LINE_MAX).chain(" …".chars()).collect()
        } else if column > length {
            // A place after the end of the line needs something to stand under.
            text.chars().chain(" ".repeat(column - length).chars()).collect()
        } else {
            text.clone()
        };
        (line, column, width, shown)
    }

    /// All findings, sorted by place, with the secrets of `scrubber` made unreadable.
    pub fn finish(self, scrubber: &Scrubber) -> Diagnostics {
        let mut found = self.found;
        for one in &mut found {
            one.source_line = scrubber.mask(&one.source_line);
            if let Some(also) = &mut one.also {
                also.source_line = scrubber.mask(&also.source_line);
            }
        }
        found.sort_by(|a, b| (a.severity, &a.file, a.line, a.column).cmp(&(b.severity, &b.file, b.line, b.column)));
        found.dedup();
        Diagnostics(found)
    }
}

/// Keys whose values are secrets.
const SECRET_KEYS: [&str; 7] = ["webhook_url", "token", "tokens", "secret", "secrets", "password", "bearer"];

/// `line` with the secrets that stand in it literally made unreadable, of the same length.
/// This is for files that cannot be read far enough to know their secrets.
fn guarded(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(end) =
        SECRET_KEYS.iter().filter_map(|key| Some(rest.find(&format!("{key}:"))? + key.len() + 1)).min()
    {
        let (before, after) = rest.split_at(end);
        shown.push_str(before);
        let value = after.trim_start();
        shown.push_str(&after[..after.len() - value.len()]);
        let length = match value.chars().next() {
            Some(open @ ('"' | '\'' | '[')) => {
                let close = if open == '[' { ']' } else { open };
                value[1..].find(close).map_or(value.len(), |at| at + 2)
            }
            _ => value.find([',', '}']).unwrap_or(value.len()),
        };
        let (value, after) = value.split_at(length);
        if value.contains("${") {
            shown.push_str(value);
        } else {
            shown.extend(value.chars().map(|c| if " \"'[]".contains(c) { c } else { '*' }));
        }
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_a_broken_file_are_guarded() {
        assert_eq!(guarded("a: { token: abc, channel: x }"), "a: { token: ***, channel: x }");
        assert_eq!(guarded("secrets: [abc, \"d e\"] # x"), "secrets: [**** \"* *\"] # x");
        assert_eq!(guarded("  token: 'a: b'"), "  token: '** *'");
        assert_eq!(guarded("  token: ab: c"), "  token: *** *");
        assert_eq!(guarded("  token: \"abc"), "  token: \"***");
        assert_eq!(guarded("  token: ${NAME}"), "  token: ${NAME}");
        assert_eq!(guarded("  token:"), "  token:");
        assert_eq!(guarded("auth: { bearer: abc }"), "auth: { bearer: *** }");
        assert_eq!(guarded("  webhook_url: https://é/☃"), "  webhook_url: ***********");
    }
}
