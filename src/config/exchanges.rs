//! What a sender is answered with while it waits: the defect it asked for, or how many
//! defects there are.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::Name;
use crate::domain::census::Census;
use crate::domain::defects::Scale;
use crate::domain::render::Tree;

/// How Create Defect is answered.
#[derive(Debug, Clone)]
pub struct CreateDefect {
    /// The rule that creates the issue.
    pub rule: Name,
    /// How long the sender is kept waiting for it.
    pub wait: Duration,
    /// What it is answered when that is not long enough.
    pub late: Late,
    /// The answer's body.
    pub response: Tree,
}

/// The answer to a sender whose issue is not there yet; it is created all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// 202: it is on its way.
    Accepted,
    /// 504: ask again.
    TimedOut,
}

/// How the dashboard's defect figures are answered.
#[derive(Debug, Clone)]
pub struct DefectKpis {
    /// Where they are counted.
    pub from: CountedIn,
    /// The page of the critical defects, in place of the tracker's own.
    pub link: Option<String>,
    /// How long a count is as good as new.
    pub fresh: Duration,
    /// From how many on it looks how bad.
    pub scale: Scale,
    /// The codes of the projects that may be asked for, by their id; empty: any.
    pub projects: std::collections::BTreeMap<String, String>,
}

/// Where defects are counted.
#[derive(Debug, Clone)]
pub enum CountedIn {
    /// In a tracker.
    Tracker {
        /// The destination.
        destination: Name,
        /// The queries that replace the tracker's own, in the order of
        /// [`COUNTED`](crate::domain::defects::COUNTED).
        queries: [Option<String>; 5],
    },
    /// Among the subjects that the relay itself remembers: `from: memory`.
    Memory(Arc<Remembered>),
}

/// Which of the subjects that are remembered are counted as what.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// The sources whose subjects are counted.
    pub sources: Vec<Name>,
    /// The kinds of subjects: `defect` of `defect/17`.
    pub subjects: Vec<String>,
    /// What counts as what.
    pub census: Census,
}

/// Stands for the project's code in queries and links.
pub const PROJECT_MARK: &str = "{{project}}";
