//! Events: what a source reports, and what is kept of it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Name;
use super::facts::Facts;
use super::ids::EventId;
use super::time::Timestamp;

/// What a source adapter reads from one webhook, before anything is recalled or decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The event's name, `defect.created`.
    pub event: String,
    /// The sender's project code, if the event has one.
    pub project: Option<String>,
    /// The entity the event is about, `defect/17`, if it names one.
    pub subject: Option<String>,
    /// When the sender says it happened; `None` when it does not say.
    pub time: Option<Timestamp>,
    /// The named facts, in the order they are shown. One that is `null` is said to be no
    /// more: it is absent, and what was remembered of it is forgotten. `event`, `source`, `project`,
    /// `subject`, `time` and `payload` are added by the plan.
    pub facts: Map<String, Value>,
    /// Names of `facts` that were computed, not sent (`url`, `pass_rate`).
    pub derived: Vec<&'static str>,
    /// Names of `facts` that belong to this event alone and are not remembered of the
    /// subject (`comment`, `actor`).
    pub passing: Vec<&'static str>,
    /// What the event carries, untouched: the part of the sender's body that the fact
    /// `payload` shows.
    pub payload: Value,
    /// How a repetition of this webhook is recognised.
    pub dedup: Dedup,
    /// Whether the event begins its subject, so that as a rule nothing is known of it yet.
    pub begins: bool,
    /// The body of a webhook that reports this event alone; `None` when the one that came does.
    pub alone: Option<Bytes>,
}

/// How a repetition of a webhook is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dedup {
    /// By the sender's own delivery id, for as long as the event is kept.
    SenderId(String),
    /// By a hash of source and body, within [`DEDUP_WINDOW`].
    BodyHash(String),
}

/// How long an identical body counts as a repetition (DESIGN.md section 4).
pub const DEDUP_WINDOW: std::time::Duration = std::time::Duration::from_secs(600);

/// One accepted event with all its facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The source it came from.
    pub source: Name,
    /// Its name, `defect.created`.
    pub name: String,
    /// The sender's project code.
    pub project: Option<String>,
    /// The entity it is about, `defect/17`.
    pub subject: Option<String>,
    /// When it happened, by the sender's clock; `received` when the sender does not say.
    pub time: Timestamp,
    /// When it was received, by this relay's clock.
    pub received: Timestamp,
    /// Its facts, recalled and derived ones included.
    pub facts: Facts,
}

/// Names a subject across sources and projects: `qase/SHOP/defect/58`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectKey(pub String);

impl SubjectKey {
    /// The key of `subject` in `project` of `source`.
    #[must_use]
    pub fn new(source: &str, project: Option<&str>, subject: &str) -> Self {
        Self(format!("{source}/{}/{subject}", project.unwrap_or("-")))
    }

    /// What the keys of all subjects of `kind` (`defect`) in `project` of `source` begin with.
    #[must_use]
    pub fn beginning(source: &str, project: Option<&str>, kind: &str) -> String {
        Self::new(source, project, &format!("{kind}/")).0
    }
}
