//! The values that facts of Qase can have, where Qase names them.

use crate::domain::rank;
use crate::source::catalogue::KnownWords;

/// The values of one fact at events whose name begins so.
struct Known {
    fact: &'static str,
    events: &'static str,
    words: &'static [&'static str],
    closed: bool,
}

const SEVERITY: &[&str] = &["blocker", "critical", "major", "normal", "minor", "trivial", rank::UNDEFINED];
const CASE_TYPE: &[&str] =
    &["other", "functional", "smoke", "regression", "security", "usability", "performance", "acceptance"];
const FIELD_TYPE: &[&str] =
    &["number", "string", "text", "selectbox", "checkbox", "radio", "multiselect", "url", "user", "datetime"];

/// Facts whose values Qase names. An event that a longer beginning fits is meant by that one.
const KNOWN: &[Known] = &[
    known("severity", "", SEVERITY, true),
    known("priority", "", &rank::PRIORITIES, true),
    known("automation", "", &["manual", "to be automated", "automated"], true),
    known("status", "case.", &["actual", "draft", "deprecated"], false),
    known("status", "review.approval_status_changed", &["unapproved", "approved", "changes_requested"], false),
    known("status", "review.", &["open", "merged", "declined", "unapproved", "approved", "changes_requested"], false),
    known("behavior", "", &["undefined", "positive", "negative", "destructive"], false),
    known("type", "case.", CASE_TYPE, false),
    known("type", "custom_field.", FIELD_TYPE, false),
];

const fn known(fact: &'static str, events: &'static str, words: &'static [&'static str], closed: bool) -> Known {
    Known { fact, events, words, closed }
}

/// All of them.
pub(super) fn words() -> Vec<KnownWords> {
    let of = |known: &Known| KnownWords {
        fact: known.fact,
        events: known.events,
        words: known.words.to_vec(),
        closed: known.closed,
    };
    KNOWN.iter().map(of).collect()
}
