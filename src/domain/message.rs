//! A message in no destination's format: what is said, before how.
//!
//! This is the stored form of a queued message; see [`Content`] for its version.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::how::How;
use super::time::Timestamp;

/// What is sent, whatever the destination.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Message {
    /// One line of plain text. Never empty when rendered by `render`.
    pub title: String,
    /// The body: Markdown, already parsed. Every text in it is literal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<Block>,
    /// Labelled values in the order to show them, plain text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Where the reader goes next; an `http` or `https` address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The colour of the message, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Who is to be notified. The only source of mentions: text never mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// A remark of the relay's own about this message, shown small:
    /// that its template failed, or that it is a drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// A labelled value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The label.
    pub name: String,
    /// The value, plain text, may have several lines.
    pub value: String,
}

/// A colour with a meaning, as all three vendors can show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// Something is badly wrong (red).
    Danger,
    /// Something needs attention (orange).
    Warning,
    /// Something is fine again (green).
    Good,
    /// For information (blue).
    Info,
    /// Nothing special (grey).
    Neutral,
}

impl Color {
    /// All colours with the word a template uses for each.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("danger", Self::Danger),
        ("warning", Self::Warning),
        ("good", Self::Good),
        ("info", Self::Info),
        ("neutral", Self::Neutral),
    ];

    /// The colour called `word`, whatever its case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word.trim())).map(|(_, color)| *color)
    }
}

/// Somebody to be notified, with their identity at each vendor where it is known.
/// Where it is not, `name` is shown in plain text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mention {
    /// How they are called in plain text, without `@`.
    pub name: String,
    /// A Slack member id (`U…`, `W…`), user group id (`S…`), or `here`, `channel`, `everyone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<String>,
    /// A Teams user principal name or Entra object id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<String>,
    /// A Jira account id (Cloud) or user name (Data Center).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jira: Option<String>,
}

/// A block of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A heading of level 1 to 6.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Its text.
        text: Vec<Inline>,
    },
    /// A list.
    List {
        /// The number of the first item when the list is numbered.
        start: Option<u64>,
        /// Its items.
        items: Vec<Item>,
    },
    /// Preformatted text.
    Code {
        /// The language named after the fence, if any.
        language: Option<String>,
        /// The text with its line breaks, without the last one.
        text: String,
    },
    /// A quotation.
    Quote(Vec<Block>),
    /// A horizontal rule.
    Rule,
    /// A table.
    Table {
        /// The header cells.
        head: Vec<Vec<Inline>>,
        /// The rows of cells.
        rows: Vec<Vec<Vec<Inline>>>,
    },
}

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// For a task list: whether it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<bool>,
    /// Its content.
    pub blocks: Vec<Block>,
}

/// A run of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inline {
    /// Literal text; may hold line breaks (`\n`), never markup.
    Text(String),
    /// Code.
    Code(String),
    /// Bold.
    Strong(Vec<Inline>),
    /// Italic.
    Emph(Vec<Inline>),
    /// Struck through.
    Strike(Vec<Inline>),
    /// A link to an `http`, `https` or `mailto` address.
    Link {
        /// The address, checked.
        url: String,
        /// What is shown.
        text: Vec<Inline>,
    },
    /// A line break.
    Break,
    /// A moment that the template prints: vendors that can show it in the reader's zone.
    Moment {
        /// The moment.
        at: Timestamp,
        /// How it reads where they cannot.
        text: String,
    },
}

/// What a queued delivery will send: the stored form. `v` is the version of the form;
/// forms of every release stay readable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// [`CONTENT_VERSION`] when written.
    pub v: u32,
    /// The message.
    pub message: Message,
    /// The rule's `fields:` for a tracker, rendered.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// How it is done.
    #[serde(default, skip_serializing_if = "How::is_default")]
    pub how: How,
    /// The vendor's own body, where a template for that kind replaces the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The facts that a described destination names beside the message.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub facts: Map<String, Value>,
}

/// The version of [`Content`] that this release writes.
pub const CONTENT_VERSION: u32 = 1;
