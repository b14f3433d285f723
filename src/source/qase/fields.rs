//! The fields of a payload, and which of them no fact is read from.

use serde_json::{Map, Value};

use super::envelope::Envelope;
use super::reading::ACTOR_KEYS;

/// The fields of a payload that facts are read from, and all below them; those that name
/// who did it are beside them, in [`ACTOR_KEYS`].
const READ: [&str; 49] = [
    "assignee",
    "assignee_id",
    "assigned_to",
    "external_issue",
    "external_issues",
    "external_data",
    "external_link",
    "id",
    "hash",
    "title",
    "data",
    "severity",
    "priority",
    "status",
    "description",
    "actual_result",
    "comment",
    "behavior",
    "type",
    "automation",
    "tags",
    "attachments",
    "suite_id",
    "milestone_id",
    "case_id",
    "run_id",
    "plan_id",
    "parent_id",
    "from_id",
    "case",
    "run",
    "project",
    "cases",
    "cases_count",
    "cases_added",
    "passed",
    "failed",
    "blocked",
    "skipped",
    "skiped",
    "untested",
    "duration",
    "environment",
    "plan",
    "visible",
    "reviewer",
    "created",
    "updated",
    "approves",
];

/// Up to so many fields a look through them is faster than their hash table.
const LOOKED_THROUGH_MAX: usize = 24;

/// A payload that is asked for many fields it may not have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Payload<'a> {
    /// The field called `name`.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        if self.0.len() > LOOKED_THROUGH_MAX {
            return self.0.get(name);
        }
        self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

/// The payload of a webhook's body, whoever sent it; `None` when it is no webhook of Qase.
#[must_use]
pub fn payload_of(body: &[u8]) -> Option<Value> {
    Envelope::read(body).ok().map(|envelope| envelope.payload.into())
}

/// Whether Relaybell reads a fact from the field `name` of a payload, or knows it to say nothing.
#[must_use]
pub fn is_read(name: &str) -> bool {
    READ.contains(&name) || ACTOR_KEYS.contains(&name)
}
