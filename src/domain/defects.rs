//! How many defects there are, and how that looks.

use serde::{Deserialize, Serialize};

/// How many defects a project has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All of them.
    pub total: u64,
    /// Those not done.
    pub open: u64,
    /// Those done.
    pub closed: u64,
    /// The worst of those not done.
    pub critical: u64,
    /// Those not done that are less bad, yet matter.
    pub moderate: u64,
}

/// The counts by their word, in the order they are asked.
pub const COUNTED: [&str; 5] = ["total", "open", "closed", "critical", "moderate"];

impl Counts {
    /// The count called `word`.
    #[must_use]
    pub fn of(&self, word: &str) -> Option<u64> {
        match word {
            "total" => Some(self.total),
            "open" => Some(self.open),
            "closed" => Some(self.closed),
            "critical" => Some(self.critical),
            "moderate" => Some(self.moderate),
            _ => None,
        }
    }
}

/// From how many defects on it looks how bad, and the words for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// The words for good, middling and bad.
    pub words: [String; 3],
    /// From which counts on it is middling.
    pub warning: Vec<(&'static str, u64)>,
    /// From which counts on it is bad.
    pub critical: Vec<(&'static str, u64)>,
}

impl Default for Scale {
    fn default() -> Self {
        Self {
            words: ["Good", "Warning", "Critical"].map(str::to_owned),
            warning: vec![("moderate", 1)],
            critical: vec![("critical", 1)],
        }
    }
}

impl Scale {
    /// The word for `counts`.
    #[must_use]
    pub fn word(&self, counts: &Counts) -> &str {
        let reached = |limits: &[(&'static str, u64)]| {
            limits.iter().any(|(word, from)| counts.of(word).is_some_and(|count| count >= *from))
        };
        let [good, warning, critical] = &self.words;
        match () {
            () if reached(&self.critical) => critical,
            () if reached(&self.warning) => warning,
            () => good,
        }
    }
}
