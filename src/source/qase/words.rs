//! Qase's own words: the states of its cases and reviews, and how far a case is automated.

use serde_json::Value;

pub(super) use crate::source::words::{id, integer, number, option, priority, severity, text, title, word};

/// How far a case is automated.
pub(super) fn automation(value: &Value) -> Option<String> {
    const WORDS: [&str; 3] = ["manual", "to be automated", "automated"];
    option(value, &|word| WORDS.iter().find(|known| **known == word).copied(), &|id| {
        WORDS.get(usize::try_from(id).ok()?).copied()
    })
}

/// The state of a test case.
pub(super) fn case_status(value: &Value) -> Option<String> {
    const WORDS: [&str; 3] = ["actual", "draft", "deprecated"];
    option(value, &|word| WORDS.iter().find(|known| **known == word).copied(), &|id| {
        WORDS.get(usize::try_from(id).ok()?).copied()
    })
}

/// The state of a review: `unapproved`, `approved`, `changes_requested`, `open`, …
pub(super) fn review_status(value: &Value) -> Option<String> {
    let word = word(value)?;
    let joined = word.replace([' ', '-'], "_");
    Some(match joined.as_str() {
        "request_changes" | "requested_changes" | "changes_requested" => "changes_requested".to_owned(),
        _ => word,
    })
}
