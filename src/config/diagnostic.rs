//! What is wrong or worth knowing in a file: place, message, help.

use std::fmt;

use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use serde::Serialize;

/// A list of findings in the order to show them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether the configuration can be used nevertheless.
    pub severity: Severity,
    /// The file as the user names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// How many characters it spans; 0 when the file as a whole is meant.
    pub width: usize,
    /// The line itself; empty when the file as a whole is meant or the line is too long to show.
    pub source_line: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it: the nearest known name, the allowed values.
    pub help: Option<String>,
    /// Another place that has to do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<Also>,
}

/// Another place that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Also {
    /// The file as the user names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// How many characters it spans.
    pub width: usize,
    /// The line itself.
    pub source_line: String,
    /// What is there.
    pub label: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, and this is worth knowing.
    Warning,
}

/// Whether rendered findings carry terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// They do.
    Always,
    /// They do not.
    Never,
}

impl Severity {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Diagnostics {
    /// One error about the whole file at `path`.
    #[must_use]
    pub fn of_file(path: &std::path::Path, message: &str) -> Self {
        Self(vec![Diagnostic {
            file: path.display().to_string(),
            line: 1,
            column: 1,
            width: 0,
            source_line: String::new(),
            message: message.to_owned(),
            help: None,
            severity: Severity::Error,
            also: None,
        }])
    }

    /// The findings that forbid the configuration.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter().filter(|one| one.severity == Severity::Error)
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|one| one.severity == severity).count()
    }

    /// All findings as a person reads them, with their source lines, and a last line that counts them.
    #[must_use]
    pub fn render(&self, color: Color) -> String {
        let mut text = String::new();
        for one in &self.0 {
            text.push_str(&one.render(color));
            text.push_str("\n\n");
        }
        text.push_str(&self.summary());
        text.push('\n');
        text
    }

    /// How many errors and warnings there are: `2 errors, 1 warning`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts: Vec<String> = [Severity::Error, Severity::Warning]
            .into_iter()
            .filter_map(|severity| match self.count(severity) {
                0 => None,
                1 => Some(format!("1 {}", severity.word())),
                n => Some(format!("{n} {}s", severity.word())),
            })
            .collect();
        if counts.is_empty() { "no errors, no warnings".to_owned() } else { counts.join(", ") }
    }

    /// All findings for programs: a list of objects with the fields of [`Diagnostic`].
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl fmt::Display for Diagnostics {
    /// One line a finding, for logs and editors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, one) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            one.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: error: message`, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, severity, message, .. } = self;
        write!(f, "{file}:{line}:{column}: {}: {message}", severity.word())
    }
}

impl Diagnostic {
    /// The finding with its source line, as compilers show it. Without a line break at the end.
    #[must_use]
    pub fn render(&self, color: Color) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = level.primary_title(self.message.as_str()).elements(self.places());
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = match color {
            Color::Always => Renderer::styled(),
            Color::Never => Renderer::plain(),
        };
        renderer.render(&[group]).trim_end().to_owned()
    }

    /// The source lines to show, or the place alone.
    fn places(&self) -> Vec<Element<'_>> {
        let Some(here) = byte_span(&self.source_line, self.column, self.width) else {
            let origin = Origin::path(self.file.as_str());
            let origin = if self.width == 0 { origin } else { origin.line(self.line).char_column(self.column) };
            return vec![origin.into()];
        };
        let mut snippet = Snippet::source(self.source_line.as_str())
            .path(self.file.as_str())
            .line_start(self.line)
            .annotation(AnnotationKind::Primary.span(here));
        let mut apart = None;
        if let Some(also) = &self.also
            && let Some(there) = byte_span(&also.source_line, also.column, also.width)
        {
            let mark = AnnotationKind::Context.span(there).label(also.label.as_str());
            if (&also.file, also.line) == (&self.file, self.line) {
                snippet = snippet.annotation(mark);
            } else {
                let source = Snippet::source(also.source_line.as_str());
                apart = Some(source.path(also.file.as_str()).line_start(also.line).annotation(mark));
            }
        }
        std::iter::once(snippet.into()).chain(apart.map(Into::into)).collect()
    }
}

/// The bytes of `line` that `width` characters from `column` on cover; `None` when they are not in it.
fn byte_span(line: &str, column: usize, width: usize) -> Option<std::ops::Range<usize>> {
    if line.is_empty() || width == 0 {
        return None;
    }
    let mut starts = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    let start = starts.by_ref().nth(column.checked_sub(1)?)?;
    let end = starts.nth(width - 1).unwrap_or(line.len());
    Some(start..end)
}
