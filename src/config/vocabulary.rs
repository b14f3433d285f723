//! The words rules may use: facts, events, operators, and those of later releases.

use std::sync::LazyLock;

use crate::source::{qase, uipath};

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
    /// A span of time.
    Duration,
    /// Whatever the sender sent.
    Any,
}

/// All facts that rules may name, in the order they are shown.
pub fn known_facts() -> impl Iterator<Item = (&'static str, FactKind)> {
    let of_others = uipath::FACTS.iter().filter(|fact| !qase::FACTS.iter().any(|known| known.name == fact.name));
    qase::FACTS.iter().chain(of_others).map(|fact| {
        // An id is a number at most of Qase's entities, and a hash at the others.
        let kind = match fact.kind {
            _ if fact.name == "id" || fact.name.ends_with("_id") => FactKind::Any,
            qase::FactKind::Text => FactKind::Text,
            qase::FactKind::Number => FactKind::Number,
            qase::FactKind::Flag => FactKind::Flag,
            qase::FactKind::List => FactKind::List,
            qase::FactKind::Time => FactKind::Time,
            qase::FactKind::Duration => FactKind::Duration,
            qase::FactKind::Object => FactKind::Any,
        };
        (fact.name, kind)
    })
}

/// Whether the fact is remembered of a subject, so that it can differ from memory.
pub fn is_remembered(fact: &str) -> bool {
    !OF_EVERY_EVENT.contains(&fact) && !qase::PASSING.contains(&fact)
}

/// The facts that each event brings along or that are computed of it anew.
const OF_EVERY_EVENT: [&str; 8] = ["event", "source", "project", "subject", "time", "age", "changed", "payload"];

/// All event names that the sources document.
pub fn known_events() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&'static str>> = LazyLock::new(|| [qase::EVENTS, uipath::EVENTS].concat());
    &ALL
}

/// The operators that have a word; equality and lists have none.
pub const OPERATORS: [&str; 15] = [
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
    "changed",
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
pub const RULE_LATER: &[&str] = &["wait", "until", "again", "collect", "once_per"];

/// Keys of a rule file that later releases have.
pub const FILE_LATER: &[&str] = &["calendars", "quiet_hours"];

/// Keys of one message that later releases have.
pub const SEND_LATER: &[&str] = &["request", "body", "json"];
