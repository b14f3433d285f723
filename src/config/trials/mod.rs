//! `tests:` in rule files: sequences of webhooks, and the deliveries they must cause.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::domain::Name;
use crate::domain::delivery::Action;
use crate::domain::event::Report;
use crate::domain::time::Timestamp;

mod expects;
mod read;
mod receives;

pub use read::{Reader, TRIAL_NAME_CHARS_MAX};

/// When a test begins that does not say it: Monday, 5 January 2026, 09:00 UTC.
pub const TRIAL_BEGINS: Timestamp = Timestamp::from_seconds(1_767_603_600);

/// One test of the rules.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Its unique name, a sentence.
    pub name: Name,
    /// The file it stands in, as the user named it, and the line of its name.
    pub place: (Name, u32),
    /// When it begins, by the relay's clock.
    pub at: Timestamp,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One step of a test.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its line in the file.
    pub line: u32,
    /// What happens.
    pub act: Act,
}

/// What happens in one step.
#[derive(Debug, Clone)]
pub enum Act {
    /// A webhook comes in.
    Receive(Receive),
    /// So much time passes.
    After(Duration),
    /// Exactly these deliveries were caused since the last `expect`, in any order.
    Expect(Vec<Expected>),
}

/// A webhook that comes in, as its source's adapter reads it.
#[derive(Debug, Clone)]
pub struct Receive {
    /// The source.
    pub source: Name,
    /// The body.
    pub body: Bytes,
    /// What it reports.
    pub reports: Vec<Report>,
}

/// One delivery that must have been caused. What is not given may be anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Its line in the file.
    pub line: u32,
    /// The destination.
    pub to: Name,
    /// What is done there.
    pub action: Option<Action>,
    /// The rule that sends it.
    pub rule: Option<Name>,
    /// The whole title of the message.
    pub title: Option<String>,
    /// Texts of which each stands in the message.
    pub contains: Vec<String>,
    /// Texts of which none stands in the message.
    pub lacks: Vec<String>,
    /// Everybody who is mentioned, by the names that rules use, without `@`.
    pub mention: Option<Vec<String>>,
    /// Fields of the ticket, as they are sent.
    pub fields: Map<String, Value>,
    /// Where the message links to.
    pub link: Option<String>,
    /// The status, or the category of statuses, that a ticket moves to.
    pub status: Option<String>,
    /// The emoji that is added.
    pub react: Option<String>,
}
