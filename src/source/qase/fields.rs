//! The fields of a payload, and which of them no fact is read from.

use serde_json::Value;

use super::envelope::Envelope;

/// The fields of a payload that facts are read from, and all below them.
const READ: [&str; 55] = [
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
    "created_by",
    "updated_by",
    "commented_by",
    "merged_by",
    "declined_by",
    "deleted_by",
    "resolved_by",
    "reopened_by",
    "author",
    "created",
    "updated",
    "approves",
];

/// The payload of a webhook's body, whoever sent it; `None` when it is no webhook of Qase.
#[must_use]
pub fn payload_of(body: &[u8]) -> Option<Value> {
    Envelope::read(body).ok().map(|envelope| envelope.payload.into())
}

/// Whether Relaybell reads a fact from the field `name` of a payload, or knows it to say nothing.
#[must_use]
pub fn is_read(name: &str) -> bool {
    READ.contains(&name)
}
