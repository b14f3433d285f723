//! What Qase can report: its event names and facts.

use std::sync::{Arc, LazyLock};

use crate::source::catalogue::{Catalogue, Description, FactInfo, FactKind, fact};

use super::{carried, vocabulary};

/// Facts of one event alone: not remembered of its subject.
pub const PASSING: [&str; 8] =
    ["actor", "actor_id", "actor_email", "comment", "visible", "cases_added", "reviewer", "from_id"];

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    Arc::new(Catalogue::of(Description {
        facts: FACTS.to_vec(),
        passing: PASSING.to_vec(),
        events: EVENTS.to_vec(),
        payloads: carried::payloads(),
        words: vocabulary::words(),
        begins: super::begins,
        ..Description::new("qase")
    }))
});

/// What Qase can report.
#[must_use]
pub fn catalogue() -> &'static Arc<Catalogue> {
    &CATALOGUE
}

/// The facts of Qase's events beside those of every event.
const FACTS: &[FactInfo] = &[
    fact("id", FactKind::Number, "the subject's id; a hash for shared steps and results"),
    fact("title", FactKind::Text, "the subject's title"),
    fact("severity", FactKind::Text, "blocker, critical, major, normal, minor, trivial or undefined"),
    fact("priority", FactKind::Text, "high, medium or low; absent when not set"),
    fact(
        "status",
        FactKind::Text,
        "a case's actual, draft, deprecated; a review's unapproved, approved, changes_requested; a result's outcome",
    ),
    fact("description", FactKind::Text, "the subject's description"),
    fact("actual_result", FactKind::Text, "what happened instead, of a defect"),
    fact("comment", FactKind::Text, "the comment on a review"),
    fact("actor", FactKind::Text, "who did it: a name, 'member 112', or 'automation' for an API token"),
    fact("actor_id", FactKind::Number, "the team member's id; 0 for an API token"),
    fact("actor_email", FactKind::Text, "the e-mail address of who did it, in events of reviews"),
    fact("assignee", FactKind::Text, "who it is assigned to, where the sender says so"),
    fact("assignee_id", FactKind::Number, "the team member it is assigned to, where the sender says so"),
    fact("reviewer", FactKind::Text, "the reviewer added or removed"),
    fact("cases", FactKind::Number, "how many cases the run or plan has"),
    fact("cases_added", FactKind::Number, "how many cases were added to the run"),
    fact("passed", FactKind::Number, "how many cases passed"),
    fact("failed", FactKind::Number, "how many cases failed"),
    fact("blocked", FactKind::Number, "how many cases are blocked"),
    fact("skipped", FactKind::Number, "how many cases were skipped"),
    fact("untested", FactKind::Number, "how many cases were not run"),
    fact("pass_rate", FactKind::Number, "passed / cases, from 0 to 1; absent when there are no cases"),
    fact("duration", FactKind::Number, "how long the run took, as sent: Qase sends seconds or milliseconds"),
    fact("environment", FactKind::Text, "the environment of the run"),
    fact("plan", FactKind::Text, "the title of the run's plan"),
    fact("plan_id", FactKind::Number, "the id of the run's plan"),
    fact("visible", FactKind::Flag, "whether the run's public report can be seen"),
    fact("behavior", FactKind::Text, "a case's behaviour: positive, negative, destructive, undefined"),
    fact("type", FactKind::Text, "a case's type: functional, smoke, regression …; a custom field's type"),
    fact("automation", FactKind::Text, "manual, to be automated or automated"),
    fact("tags", FactKind::List, "the tags of a case"),
    fact("attachments", FactKind::Number, "how many attachments there are"),
    fact("suite_id", FactKind::Number, "the suite the case is in"),
    fact("milestone_id", FactKind::Number, "the milestone of the case"),
    fact("parent_id", FactKind::Number, "the suite that a suite is in"),
    fact("case_id", FactKind::Number, "the case that a review, result or defect is about"),
    fact("run_id", FactKind::Number, "the run that a result is part of"),
    fact("from_id", FactKind::Number, "what a clone was made from"),
    fact("ticket", FactKind::Text, "the issue of a tracker that the sender has linked: its address or its key"),
    fact("url", FactKind::Text, "where to look at it in Qase"),
];

/// The events that Qase documents. Others are accepted as well.
const EVENTS: &[&str] = &[
    "case.created",
    "case.updated",
    "case.deleted",
    "case.cloned",
    "suite.created",
    "suite.updated",
    "suite.deleted",
    "suite.cloned",
    "plan.created",
    "plan.updated",
    "plan.deleted",
    "shared_step.created",
    "shared_step.updated",
    "shared_step.deleted",
    "milestone.created",
    "milestone.updated",
    "milestone.deleted",
    "custom_field.created",
    "custom_field.updated",
    "custom_field.deleted",
    "run.started",
    "run.updated",
    "run.aborted",
    "run.completed",
    "run.deleted",
    "run.report_changed",
    "defect.created",
    "defect.updated",
    "defect.resolved",
    "defect.deleted",
    "review.created",
    "review.updated",
    "review.approval_status_changed",
    "review.reviewer_added",
    "review.reviewer_removed",
    "review.merged",
    "review.reopened",
    "review.commented",
    "review.declined",
    "review.deleted",
];
