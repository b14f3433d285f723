//! The words rules may use: facts, events, operators, and those of later releases.

/// What a fact's values are.
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
    /// A moment.
    Time,
    /// Whatever the sender sent.
    Any,
}

/// All facts that rules may name, in the order they are shown.
pub fn known_facts() -> &'static [(&'static str, FactKind)] {
    use FactKind::{Any, Flag, List, Number, Text, Time};
    &[
        ("event", Text),
        ("source", Text),
        ("project", Text),
        ("subject", Text),
        ("time", Time),
        ("id", Any),
        ("title", Text),
        ("description", Text),
        ("severity", Text),
        ("priority", Text),
        ("status", Text),
        ("actual_result", Text),
        ("cases", Number),
        ("passed", Number),
        ("failed", Number),
        ("blocked", Number),
        ("skipped", Number),
        ("untested", Number),
        ("pass_rate", Number),
        ("duration", Number),
        ("cases_added", Number),
        ("environment", Text),
        ("plan", Text),
        ("plan_id", Any),
        ("suite_id", Any),
        ("milestone_id", Any),
        ("parent_id", Any),
        ("case_id", Any),
        ("run_id", Any),
        ("from_id", Any),
        ("behavior", Text),
        ("type", Text),
        ("automation", Text),
        ("tags", List),
        ("attachments", Number),
        ("comment", Text),
        ("actor", Text),
        ("actor_id", Any),
        ("actor_email", Text),
        ("reviewer", Text),
        ("visible", Flag),
        ("url", Text),
        ("payload", Any),
    ]
}

/// Facts that later releases have.
pub const FACTS_LATER: [&str; 2] = ["age", "changed"];

/// All event names that the sources document.
pub fn known_events() -> &'static [&'static str] {
    &[
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
    ]
}

/// The operators that have a word; equality and lists have none.
pub const OPERATORS: [&str; 14] = [
    "not",
    "at_least",
    "at_most",
    "above",
    "below",
    "starts_with",
    "ends_with",
    "contains",
    "like",
    "matches",
    "present",
    "has_any",
    "has_all",
    "has_none",
];

/// What other rule languages call the operators.
pub const SYNONYMS: [(&str, &str); 15] = [
    (">", "above"),
    (">=", "at_least"),
    ("<", "below"),
    ("<=", "at_most"),
    ("gt", "above"),
    ("gte", "at_least"),
    ("lt", "below"),
    ("lte", "at_most"),
    ("!=", "not"),
    ("ne", "not"),
    ("exists", "present"),
    ("regex", "matches"),
    ("regexp", "matches"),
    ("glob", "like"),
    ("includes", "contains"),
];

/// The words that nest conditions.
pub const NESTS: [&str; 3] = ["any_of", "all_of", "none_of"];

/// Keys of a rule that later releases have.
pub const RULE_LATER: &[&str] =
    &["where", "wait", "until", "again", "collect", "once_per", "about", "priority", "expires", "mute_until"];

/// Keys of a rule file that later releases have.
pub const FILE_LATER: &[&str] = &["tests", "calendars", "quiet_hours"];

/// Keys of one message that later releases have.
pub const SEND_LATER: &[&str] = &["react", "status", "request", "body", "json"];

/// Actions that later releases have.
pub const ACTIONS_LATER: [&str; 5] = ["reply", "update", "comment", "transition", "request"];
