//! Which event of Qase carries which fact, in which form of its payload. What is not here
//! can still be there: Qase adds fields, and memory fills in what an event lacks.

use crate::source::catalogue::{Form, Payload};

/// One form of one event and the facts that its payload has.
#[derive(Debug, Clone, Copy)]
struct Carried {
    event: &'static str,
    form: Form,
    facts: &'static [&'static str],
}

/// Facts that the envelope brings; the oldest has no project and no member.
const ENVELOPE: [&str; 4] = ["project", "actor", "actor_id", "url"];

const fn full(event: &'static str, facts: &'static [&'static str]) -> Carried {
    Carried { event, form: Form::Full, facts }
}

const fn short(event: &'static str, facts: &'static [&'static str]) -> Carried {
    Carried { event, form: Form::Short, facts }
}

const fn oldest(event: &'static str, facts: &'static [&'static str]) -> Carried {
    Carried { event, form: Form::Oldest, facts }
}

const CASE: &[&str] = &[
    "id",
    "title",
    "description",
    "severity",
    "priority",
    "status",
    "behavior",
    "type",
    "automation",
    "tags",
    "attachments",
    "suite_id",
    "milestone_id",
];

/// A review shows the case as it would become.
const REVIEWED_CASE: &[&str] = &[
    "id",
    "title",
    "description",
    "severity",
    "priority",
    "automation",
    "tags",
    "suite_id",
    "milestone_id",
    "case_id",
    "actor_email",
];

const ID: &[&str] = &["id"];
const DONE_BY: &[&str] = &["id", "actor_email"];
const RESULT: &[&str] = &["id", "status", "case_id", "run_id"];

/// Every form of every event. Forms that add no fact to another are left out.
const PAYLOADS: &[Carried] = &[
    full("case.created", CASE),
    full("case.updated", CASE),
    full("case.deleted", CASE),
    full("case.cloned", CASE),
    short("case.updated", ID),
    short("case.deleted", ID),
    short("case.cloned", &["id", "from_id"]),
    oldest("case.created", CASE),
    full("suite.created", &["id", "title", "description", "parent_id"]),
    full("suite.updated", ID),
    full("suite.deleted", ID),
    full("suite.cloned", &["id", "from_id"]),
    full("plan.created", &["id", "title", "description", "cases"]),
    full("plan.updated", &["id", "cases"]),
    full("plan.deleted", ID),
    oldest("plan.deleted", &["id", "cases"]),
    full("shared_step.created", &["id", "title"]),
    full("shared_step.updated", ID),
    full("shared_step.deleted", ID),
    full("milestone.created", &["id", "title", "description"]),
    full("milestone.updated", ID),
    full("milestone.deleted", ID),
    full("custom_field.created", &["id", "title", "type"]),
    full("custom_field.updated", &["id", "title", "type"]),
    full("custom_field.deleted", &["id", "title", "type"]),
    oldest("custom_field.updated", ID),
    oldest("custom_field.deleted", ID),
    full("run.started", &["id", "title", "description", "plan", "plan_id", "cases", "environment"]),
    oldest("run.started", &["id", "title", "description", "plan_id", "cases", "environment"]),
    full("run.updated", &["id", "cases_added"]),
    full(
        "run.aborted",
        &["id", "cases", "passed", "failed", "blocked", "skipped", "untested", "pass_rate", "duration"],
    ),
    oldest("run.aborted", &["id", "cases", "passed", "failed", "blocked", "untested", "pass_rate", "duration"]),
    full("run.completed", &["id", "cases", "passed", "failed", "blocked", "pass_rate", "duration"]),
    full("run.deleted", ID),
    full("run.report_changed", &["id", "visible"]),
    full(
        "defect.created",
        &["id", "title", "severity", "actual_result", "attachments", "ticket", "assignee", "assignee_id"],
    ),
    oldest("defect.created", &["id", "title", "actual_result", "attachments", "case_id"]),
    full("defect.updated", ID),
    full("defect.resolved", ID),
    full("defect.deleted", ID),
    full("review.created", &["id", "title", "case_id", "actor_email"]),
    oldest("review.created", &["id", "title", "case_id", "actor_email", "type", "status"]),
    full("review.updated", REVIEWED_CASE),
    full("review.approval_status_changed", &["id", "status", "actor_email"]),
    full("review.reviewer_added", &["id", "reviewer"]),
    full("review.reviewer_removed", &["id", "reviewer"]),
    full("review.merged", DONE_BY),
    full("review.reopened", REVIEWED_CASE),
    full("review.commented", &["id", "comment", "actor_email"]),
    full("review.declined", DONE_BY),
    full("review.deleted", DONE_BY),
    full("result.created", RESULT),
    full("result.updated", RESULT),
    full("result.deleted", RESULT),
];

/// Facts that no sample of the events that begin so shows, and why they are here all the same.
pub const UNSEEN: &[(&str, &str, &str)] = &[
    (
        "tags",
        "case.",
        "Qase's page of the full case breaks off before its last fields; reviews show that a case has tags",
    ),
    ("cases", "plan.deleted", "Qase's example of the oldest form has them"),
    ("assignee", "defect.created", "no page of webhooks has one; it is read where it comes"),
    ("assignee_id", "defect.created", "no page of webhooks has one; it is read where it comes"),
    (
        "ticket",
        "defect.created",
        "Qase's API has external_data and external issues; its pages of webhooks are silent about them",
    ),
    ("milestone_id", "", "Qase documents it as a number or null, and most samples have null"),
];

/// Every form of every event, with what the envelope brings.
pub(super) fn payloads() -> Vec<Payload> {
    let with_envelope = |carried: &Carried| {
        let envelope = if carried.form == Form::Oldest { &[][..] } else { &ENVELOPE[..] };
        let facts = envelope.iter().chain(carried.facts).copied().collect();
        Payload { event: carried.event, form: carried.form, facts }
    };
    PAYLOADS.iter().map(with_envelope).collect()
}
