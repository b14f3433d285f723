//! How what a rule sends is handled: its conversation, its place in the queue, and until
//! when it is of use.

use std::time::Duration;

use serde_json::Value;

use super::delivery::Span;
use super::event::{Event, SubjectKey};
use super::facts::{FactPath, Facts};
use super::priority::Priority;
use super::time::Timestamp;

/// How what a rule sends is handled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handling {
    /// The facts whose values name the conversation; empty: the subject does.
    pub about: Vec<FactPath>,
    /// Its place in the destination's queue.
    pub priority: Priority,
    /// How long after its event it is of use; `None`: for as long as it can be tried.
    pub expires: Option<Duration>,
    /// Until when the rule is paused.
    pub mute_until: Option<Timestamp>,
}

impl Handling {
    /// The conversation in which what is sent because of `event` keeps its order.
    #[must_use]
    pub fn conversation(&self, event: &Event) -> String {
        self.named(&event.facts).unwrap_or_else(|| match &event.subject {
            Some(subject) => SubjectKey::new(&event.source, event.project.as_deref(), subject).0,
            None => format!("{}/{}", event.source, event.id),
        })
    }

    /// The conversation that `about` names, as in `project=SHOP, run_id=87`; `None` when it
    /// names none or the event has none of these facts.
    #[must_use]
    pub fn named(&self, facts: &Facts) -> Option<String> {
        if self.about.iter().all(|path| facts.get(path).is_none()) {
            return None;
        }
        let part = |path: &FactPath| match facts.get(path) {
            Some(Value::String(text)) => format!("{path}={text}"),
            Some(value) => format!("{path}={value}"),
            None => format!("{path}=-"),
        };
        Some(self.about.iter().map(part).collect::<Vec<_>>().join(", "))
    }

    /// Why the rule sends nothing at `now`, if it is paused then.
    #[must_use]
    pub fn muted(&self, now: Timestamp) -> Option<String> {
        let until = self.mute_until.filter(|until| now < *until)?;
        Some(format!("the rule is muted until {until}"))
    }

    /// What differs from what every rule does, in words: `as urgent`, `if that can be done
    /// within 3 h`, `muted until …`.
    #[must_use]
    pub fn phrases(&self) -> Vec<String> {
        let mut phrases = Vec::new();
        if self.priority != Priority::Normal {
            phrases.push(format!("with {} priority", self.priority));
        }
        if let Some(expires) = self.expires {
            phrases.push(format!("if that can be done within {}", Span(expires)));
        }
        if !self.about.is_empty() {
            let names: Vec<String> = self.about.iter().map(ToString::to_string).collect();
            phrases.push(format!("in one conversation per {}", names.join(" and ")));
        }
        phrases
    }
}
