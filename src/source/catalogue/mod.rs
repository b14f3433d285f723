//! What sources can report: their events, the facts of each, and the values these have.
//!
//! Each kind of source describes itself in one [`Catalogue`]; a source whose facts are
//! declared in the configuration makes its own. [`Catalogues`] are several, asked as one.

mod all;
mod one;

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

pub use all::Catalogues;
pub use one::{Catalogue, Description, KnownWords, Payload};

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

/// A fact of a catalogue.
#[must_use]
pub const fn fact(name: &'static str, kind: FactKind, meaning: &'static str) -> FactInfo {
    FactInfo { name, kind, meaning }
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
    /// Whatever the sender sends.
    Any,
}

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
            Self::Any => "anything",
        }
    }
}

/// The facts of every event, whoever sends it.
pub const COMMON: [FactInfo; 8] = [
    fact("event", FactKind::Text, "the event's name, such as defect.created"),
    fact("source", FactKind::Text, "the source it came from, as relaybell.yaml names it"),
    fact("project", FactKind::Text, "the project's code"),
    fact("subject", FactKind::Text, "what the event is about, such as defect/58"),
    fact("time", FactKind::Time, "when it happened, by the sender's clock"),
    fact("age", FactKind::Duration, "how long ago the subject was first seen; 0 when that is now"),
    fact("changed", FactKind::List, "the names of the facts that differ from what was remembered of the subject"),
    fact("payload", FactKind::Object, "the sender's payload, untouched: payload.custom_fields[0].title"),
];

/// The form in which a sender sends the payload of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// All that the sender documents today.
    Full,
    /// Ids only, as Qase documented until its newest form, and still sends.
    Short,
    /// The oldest, of 2019 to 2022, when Qase called `event_name` `event`.
    Oldest,
}

impl Form {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Short => "short",
            Self::Oldest => "oldest",
        }
    }
}

/// How an event comes by a fact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Supply {
    /// The forms of the event whose payload has it.
    pub forms: Vec<Form>,
    /// The forms of the event whose payload lacks it.
    pub forms_without: Vec<Form>,
    /// The events of the same subject from which it is remembered.
    pub remembered_from: Vec<&'static str>,
}

impl Supply {
    /// Whether the event can have the fact at all.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        !self.forms.is_empty() || !self.remembered_from.is_empty()
    }
}

/// The values of a fact at some events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The values, in Relaybell's spelling.
    pub words: Vec<&'static str>,
    /// Whether there are no others. Otherwise the sender may have more.
    pub closed: bool,
}

/// What an event is about: the part before the dot.
#[must_use]
pub fn entity(event: &str) -> &str {
    event.split_once('.').map_or(event, |(entity, _)| entity)
}

/// `text` for as long as the program runs, so that a name declared in a configuration is
/// handled as those built in are. The same text is kept once, however often it is declared.
#[must_use]
pub fn lasting(text: &str) -> &'static str {
    static KEPT: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(text) {
        return known;
    }
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    kept.insert(text);
    text
}
