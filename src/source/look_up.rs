//! What a sender's API is asked about an event that says little.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::domain::ask::Ask;
use crate::domain::time::Timestamp;

/// Marks an ask, as an extension of its request, whose answer stays true for a while (a
/// person's name). Other answers serve only events that came before they were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting;

/// The names of the facts that rules and templates may read of an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted(pub BTreeSet<String>);

/// What to do next about an event that is looked up.
#[derive(Debug)]
pub enum Inquiry {
    /// Ask this.
    Ask(Ask),
    /// The conversation is over: this was found, or nothing.
    Done(Found),
    /// It cannot be found out now; later it may.
    Later {
        /// Why, for people.
        why: String,
        /// The wait that the API asks for, whatever is asked; `None`: as the relay likes.
        after: Option<Duration>,
    },
    /// It cannot be found out as things are configured: the credentials are refused, the
    /// address is wrong.
    Failed {
        /// Why, for people.
        why: String,
    },
}

/// What a look-up has found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The project, where the event did not name it.
    pub project: Option<String>,
    /// Facts in the one vocabulary. The event's own come first.
    pub facts: Map<String, Value>,
    /// Facts that take the place of the event's own stand-ins: a name for `member 112`.
    pub instead: Map<String, Value>,
    /// Remarks for people: what could not be found.
    pub notes: Vec<String>,
}

/// What to do next to learn what happened at a sender lately.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and gone at once")]
pub enum Review {
    /// Ask this.
    Ask(Ask),
    /// All of this happened, the oldest first.
    Done(Vec<Happened>),
    /// The last question must be put again later.
    Later {
        /// Why, for people.
        why: String,
        /// The wait that the API asks for; `None`: as the asker likes.
        after: Option<Duration>,
    },
    /// It cannot be learnt.
    Failed {
        /// Why, for people.
        why: String,
    },
    /// No sender of this kind can be asked.
    Unable,
}

/// Something that happened at a sender, as its API tells it afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// The event's name.
    pub event: String,
    /// The project.
    pub project: String,
    /// The subject.
    pub subject: String,
    /// When it happened.
    pub at: Timestamp,
    /// The body of the webhook that told it, or would have.
    pub body: Bytes,
}
