//! Templates: from facts to messages.

use serde_json::{Map, Value};

use super::facts::Facts;
use super::message::Message;
use super::rule::Kind;

/// Why a template could not be rendered on an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    /// What went wrong, with template, line and column, for people.
    pub message: String,
}

/// One template file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFile {
    /// The file as the user names it, `templates/defect-opened.md.hbs`.
    pub file: String,
    /// The template's name, `defect-opened`.
    pub name: String,
    /// The kind whose body it replaces; `None` for the Markdown template.
    pub kind: Option<Kind>,
    /// The text.
    pub text: String,
}

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The file; empty for a string within a rule.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong, for people.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// All templates of one configuration.
#[derive(Debug, Default)]
pub struct Templates {}

/// A tree of JSON whose strings are templates.
#[derive(Debug, Clone, Default)]
pub struct FieldTree {}

impl FieldTree {
    /// Compiles every string of `tree`.
    ///
    /// # Errors
    /// All strings that are no templates, each with its place inside the string and a
    /// JSON Pointer to it in `file`.
    pub fn compile(_tree: &Map<String, Value>) -> Result<Self, Vec<TemplateProblem>> {
        Ok(Self::default())
    }

    /// Renders every string of the tree.
    ///
    /// # Errors
    /// When a string's template fails on these facts.
    pub fn render(&self, _templates: &Templates, _facts: &Facts) -> Result<Map<String, Value>, RenderError> {
        Ok(Map::new())
    }
}

impl Templates {
    /// Compiles `files`.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn compile(_files: &[TemplateFile]) -> Result<Self, Vec<TemplateProblem>> {
        Ok(Self::default())
    }

    /// The names of all templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// Renders the template `name`.
    ///
    /// # Errors
    /// When there is no such template or it fails on these facts.
    pub fn message(&self, name: &str, _facts: &Facts) -> Result<Message, RenderError> {
        Err(RenderError { message: format!("no template '{name}'") })
    }

    /// Renders the vendor's own body that replaces the template `name` for `kind`;
    /// `None` when there is none.
    #[must_use]
    pub fn own_body(&self, _name: &str, _kind: Kind, _facts: &Facts) -> Option<Result<Value, RenderError>> {
        None
    }

    /// The message for an event without a (working) template. Never fails.
    #[must_use]
    pub fn built_in(_facts: &Facts) -> Message {
        Message::default()
    }
}
