//! What Qase can report: its event names and facts.

use super::vocabulary;

/// What rules and templates may know of one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactInfo {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub kind: FactKind,
    /// What it means, in one line for people.
    pub meaning: &'static str,
}

impl FactInfo {
    /// The values that Qase names, at whichever event; empty where any value is possible.
    #[must_use]
    pub fn values(&self) -> Vec<&'static str> {
        vocabulary::words_anywhere(self.name)
    }
}

/// What the value of a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// A list of texts.
    List,
    /// A moment, RFC 3339 in UTC.
    Time,
    /// A span of time, in seconds.
    Duration,
    /// Something with parts, reached by a path.
    Object,
}

/// Facts of one event alone: not remembered of its subject.
pub const PASSING: [&str; 8] =
    ["actor", "actor_id", "actor_email", "comment", "visible", "cases_added", "reviewer", "from_id"];

impl FactKind {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Flag => "true or false",
            Self::List => "list",
            Self::Time => "time",
            Self::Duration => "duration in seconds",
            Self::Object => "object",
        }
    }
}

const fn fact(name: &'static str, kind: FactKind, meaning: &'static str) -> FactInfo {
    FactInfo { name, kind, meaning }
}

/// Every fact that an event of Qase can have.
pub const FACTS: &[FactInfo] = &[
    fact("event", FactKind::Text, "the event's name, such as defect.created"),
    fact("source", FactKind::Text, "the source it came from, as relaybell.yaml names it"),
    fact("project", FactKind::Text, "the project's code"),
    fact("subject", FactKind::Text, "what the event is about, such as defect/58"),
    fact("time", FactKind::Time, "when it happened, by the sender's clock"),
    fact("age", FactKind::Duration, "how long ago the subject was first seen; 0 when that is now"),
    fact("changed", FactKind::List, "the names of the facts that differ from what was remembered of the subject"),
    fact("payload", FactKind::Object, "the sender's payload, untouched: payload.custom_fields[0].title"),
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
pub const EVENTS: &[&str] = &[
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
