//! Which delivery of a destination's queue goes first.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a delivery matters: a higher one overtakes lower ones in the queue of its
/// destination, never within its conversation. What waits in a conversation before an
/// urgent delivery becomes as urgent as that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before everything else.
    Urgent,
    /// As it comes.
    #[default]
    Normal,
    /// When nothing else waits.
    Low,
}

impl Priority {
    /// All priorities with their word, the highest first.
    pub const WORDS: [(&'static str, Self); 3] =
        [("urgent", Self::Urgent), ("normal", Self::Normal), ("low", Self::Low)];

    /// Its word, as rules write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
