//! Floor 1: the languages of destinations. Pure: no client, no clock, no async.
//!
//! A destination is a conversation: given the job and the answers so far it says what to
//! ask next, or what became of the job. The relay performs the asks.

mod address;
mod finding;
mod flat;
pub mod jira;
mod reply;
pub mod rest;
mod sheet;
pub mod slack;
pub mod teams;
mod text;
mod threads;

use std::fmt;

use bytes::Bytes;
use serde_json::Value;

pub use finding::{DefectQueries, Finding};

pub use crate::domain::ask::{Answer, Ask, Reply};
use crate::domain::delivery::{Action, Job, Outcome};
use crate::domain::message::{Block, Message};
use crate::domain::reads::Reads;

/// What `body` says, in plain text: the words alone, in their order, in lines.
#[must_use]
pub fn plain_body(body: &[Block]) -> String {
    flat::plain(&flat::flatten(body))
}

/// Speaks one destination's language.
pub trait Destination: fmt::Debug + Send + Sync {
    /// The actions it can do, the default first.
    fn actions(&self) -> &[Action];

    /// The next step of the conversation about `job`, given the `answers` to all asks so
    /// far, in order. Called anew with each answer; keeps nothing between calls. Asks at
    /// most [`ASKS_MAX`] times.
    fn step(&self, job: &Job, answers: &[Answer]) -> Step;

    /// The next step of a conversation that tells whether this destination would take
    /// something, and leaves nothing behind; `None` where there is no such question.
    fn question(&self, _answers: &[Answer]) -> Option<Step> {
        None
    }

    /// The next step of a conversation that counts what `query`, in its own query language,
    /// finds; `None` where it cannot count.
    fn count(&self, _query: &str, _answers: &[Answer]) -> Option<Finding<u64>> {
        None
    }

    /// The next step of a conversation that tells the status, in its own words, of the issue
    /// with this key; `None` where it cannot tell.
    fn status(&self, _key: &str, _answers: &[Answer]) -> Option<Finding<String>> {
        None
    }

    /// What finds the defects there; `None` where it cannot count.
    fn defect_queries(&self) -> Option<DefectQueries> {
        None
    }

    /// The facts that it needs beside the message, kept with each delivery.
    fn reads(&self) -> Reads {
        Reads::default()
    }

    /// Whether it looks for what an unclear failure of `action` may have left behind,
    /// before it does it again.
    fn looks_first(&self, action: Action) -> bool {
        action.is_once()
    }
}

/// The most asks one attempt makes.
pub const ASKS_MAX: usize = 6;

/// The most of an answer's body that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Ask this.
    Ask(Ask),
    /// The conversation is over.
    Done(Outcome),
}

/// `body` as it is sent. Writing bytes is cheaper than writing text.
fn json_bytes(body: &Value) -> Bytes {
    serde_json::to_vec(body).map_or_else(|_| body.to_string().into(), Bytes::from)
}

/// `message` as plain text: what a person reads where there is neither style nor colour.
#[must_use]
pub fn plain_text(message: &Message) -> String {
    let mut lines = vec![message.title.clone()];
    lines.extend(plain_body(&message.body).lines().map(str::to_owned));
    lines.extend(message.fields.iter().map(|field| format!("{}: {}", field.name, field.value)));
    lines.extend(message.link.clone());
    lines.extend(message.remark.clone());
    lines.join("\n")
}
