//! What is wrong or worth knowing in a file: place, message, help.

/// A list of findings in the order to show them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
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
    /// What is wrong.
    pub message: String,
    /// What to do about it: the nearest known name, the allowed values.
    pub help: Option<String>,
}

impl Diagnostics {
    /// One finding about the whole file at `path`.
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
        }])
    }

    /// The findings as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// The findings that forbid the configuration.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}
