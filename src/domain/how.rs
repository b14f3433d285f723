//! How an action is done: what a rule says beside the message itself.
//!
//! This is part of the stored form of a queued message.

use serde::{Deserialize, Serialize};

/// How an action is done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct How {
    /// The emoji added to the first message of the thread, by its name without colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub react: Option<String>,
    /// Whether a reply is shown in the channel too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub broadcast: bool,
    /// What happens when there is no thread to act on.
    #[serde(default, skip_serializing_if = "IfMissing::is_begin")]
    pub if_missing: IfMissing,
    /// Where a transition leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The issue that the sender has linked already, by its address or key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<String>,
    /// Whether a transition says nothing: no template is named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
}

impl How {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What happens when there is no thread to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfMissing {
    /// The message begins one: it is posted, or an issue is created.
    #[default]
    Begin,
    /// Nothing.
    Skip,
}

impl IfMissing {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    fn is_begin(&self) -> bool {
        *self == Self::Begin
    }
}

/// Where a transition leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// To the status of this name.
    Status(String),
    /// To any status of this category.
    Category(Category),
}

/// The categories of a tracker's statuses (Jira: `statusCategory`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Not begun.
    ToDo,
    /// Being worked on.
    InProgress,
    /// Done.
    Done,
}

impl Category {
    /// All categories with the word rules use for each.
    pub const WORDS: [(&'static str, Self); 3] =
        [("to_do", Self::ToDo), ("in_progress", Self::InProgress), ("done", Self::Done)];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ToDo => "to_do",
            Self::InProgress => "in_progress",
            Self::Done => "done",
        }
    }
}
