//! The values that facts of Qase can have, where Qase names them.

use crate::domain::rank;

use super::carried::carriers;
use super::catalogue::{FACTS, FactKind};

/// The values of a fact at some events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The values, in Relaybell's spelling.
    pub words: Vec<&'static str>,
    /// Whether there are no others. Otherwise workspaces or Qase may have more.
    pub closed: bool,
}

/// The values of one fact at events whose name begins so.
struct Known {
    fact: &'static str,
    events: &'static str,
    words: &'static [&'static str],
    closed: bool,
}

const FLAG: &[&str] = &["true", "false"];
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

/// The values that `fact` has at the events `events`, where all of them are known.
#[must_use]
pub fn words_of<'e>(fact: &str, events: impl IntoIterator<Item = &'e str>) -> Option<Words> {
    if FACTS.iter().any(|known| known.name == fact && known.kind == FactKind::Flag) {
        return Some(Words { words: FLAG.to_vec(), closed: true });
    }
    let mut all: Option<Words> = None;
    for event in events {
        let here = KNOWN
            .iter()
            .filter(|known| known.fact == fact && event.starts_with(known.events))
            .max_by_key(|known| known.events.len())?;
        let all = all.get_or_insert(Words { words: Vec::new(), closed: true });
        all.closed &= here.closed;
        for word in here.words {
            if !all.words.contains(word) {
                all.words.push(word);
            }
        }
    }
    all
}

/// The values that `fact` has at all the events that carry it, where they are known.
#[must_use]
pub(super) fn words_anywhere(fact: &str) -> Vec<&'static str> {
    let events: Vec<&str> = KNOWN
        .iter()
        .filter(|known| known.fact == fact)
        .flat_map(|known| carriers(fact).filter(|event| event.starts_with(known.events)))
        .collect();
    words_of(fact, events).map(|words| words.words).unwrap_or_default()
}
