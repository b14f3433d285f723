//! Deliveries: their states, what a destination answered, and what follows from it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Name;
use super::ids::{DeliveryId, EventId};
use super::message::Content;
use super::priority::Priority;
use super::thread::Thread;
use super::time::Timestamp;

pub use super::lost::Lost;

/// What is done at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Post a message to a chat.
    Post,
    /// Reply to the first message of the conversation.
    Reply,
    /// Edit the first message of a conversation, or the issue.
    Update,
    /// Add an emoji to the first message of the conversation.
    React,
    /// Create an issue in a tracker.
    Create,
    /// Comment on the issue.
    Comment,
    /// Move the issue to another status.
    Transition,
    /// Send a described request.
    Request,
}

impl Action {
    /// All actions with the word rules use for each.
    pub const WORDS: [(&'static str, Self); 8] = [
        ("post", Self::Post),
        ("reply", Self::Reply),
        ("update", Self::Update),
        ("react", Self::React),
        ("create", Self::Create),
        ("comment", Self::Comment),
        ("transition", Self::Transition),
        ("request", Self::Request),
    ];

    /// The word rules use for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Reply => "reply",
            Self::Update => "update",
            Self::React => "react",
            Self::Create => "create",
            Self::Comment => "comment",
            Self::Transition => "transition",
            Self::Request => "request",
        }
    }

    /// Whether doing it twice leaves something behind that somebody must clean up.
    /// Such an action is looked for before it is repeated after an unclear failure.
    #[must_use]
    pub fn is_once(self) -> bool {
        matches!(self, Self::Create | Self::Comment)
    }

    /// Whether it is about an issue of a tracker.
    #[must_use]
    pub fn is_about_an_issue(self) -> bool {
        matches!(self, Self::Create | Self::Comment | Self::Transition | Self::Update)
    }

    /// Whether it acts on a thread that is there already.
    #[must_use]
    pub fn needs_thread(self) -> bool {
        matches!(self, Self::Reply | Self::Update | Self::React | Self::Comment | Self::Transition)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The state of a delivery. `delivered`, `dead` and `dropped` never change again, save
/// that a person may drop a dead one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Will be sent when due and when its conversation and destination are free.
    Queued,
    /// An attempt is being made.
    Sending,
    /// The destination has it.
    Delivered,
    /// It failed for good; kept, shown, and sent again on demand.
    Dead,
    /// Given up on purpose, with a reason.
    Dropped,
}

impl State {
    /// All states with their word.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("queued", Self::Queued),
        ("sending", Self::Sending),
        ("delivered", Self::Delivered),
        ("dead", Self::Dead),
        ("dropped", Self::Dropped),
    ];

    /// Its word, as shown and stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }

    /// The state called `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, state)| *state)
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Dead | Self::Dropped)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A delivery as a plan makes it: not yet stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The event that caused it.
    pub event: EventId,
    /// The rule that caused it.
    pub rule: Name,
    /// Where it goes.
    pub destination: Name,
    /// The conversation within which it keeps its order.
    pub conversation: String,
    /// What is done.
    pub action: Action,
    /// The key it is recognised by at the far side (`ids::delivery_key`).
    pub key: String,
    /// Its place in the destination's queue.
    pub priority: Priority,
    /// When it is of no use any more; `None`: never.
    pub expires: Option<Timestamp>,
    /// What is sent.
    pub content: Content,
    /// The finished delivery that this one sends again.
    pub parent: Option<DeliveryId>,
}

/// A delivery taken from the store to be attempted now.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: DeliveryId,
    /// The event that caused it.
    pub event: EventId,
    /// The rule that caused it.
    pub rule: Name,
    /// Where it goes.
    pub destination: Name,
    /// Its conversation.
    pub conversation: String,
    /// What is done.
    pub action: Action,
    /// The key it is recognised by at the far side.
    pub key: String,
    /// What is sent.
    pub content: Content,
    /// When its event was accepted, or when it was asked to be sent again.
    pub accepted: Timestamp,
    /// When it is of no use any more; `None`: never.
    pub expires: Option<Timestamp>,
    /// When this attempt began.
    pub began: Timestamp,
    /// The number of this attempt, from 1. A late settle of an older attempt is refused.
    pub attempt: u32,
    /// How many failed attempts count against it (pauses, holds and 429 do not).
    pub failures: u32,
    /// Whether an earlier attempt ended without an answer, so that the far side may have it.
    pub unsure: bool,
    /// How often it was looked for at the far side, in vain, since then.
    pub looks: u32,
    /// What the destination remembers of the conversation.
    pub thread: Option<Thread>,
}

/// What became of one attempt, in the destination's own terms.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The destination has it.
    Delivered(Receipt),
    /// It may pass later.
    Later {
        /// What the destination said, for people.
        why: String,
        /// The time it asked us to wait (`Retry-After`), in full.
        after: Option<Duration>,
        /// What the answer says about the destination as a whole.
        extent: Extent,
    },
    /// It may have passed: the request was written and no answer came.
    Unclear {
        /// What happened, for people.
        why: String,
    },
    /// It was looked for at the far side, which does not show it (yet).
    NotFound {
        /// What was looked for, for people.
        why: String,
    },
    /// There is nothing to act on, and the rule wants nothing then.
    Skipped {
        /// Why, for people.
        why: String,
    },
    /// This delivery will never pass as it is.
    Refused {
        /// What the destination said and what to do about it, for people.
        why: String,
    },
    /// The destination itself is not usable (credential refused, address gone):
    /// everything for it waits until somebody mends it.
    Closed {
        /// What the destination said and what to do about it, for people.
        why: String,
    },
}

impl Outcome {
    /// Its words for people; `None` when it arrived.
    pub fn why_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Delivered(_) => None,
            Self::Later { why, .. }
            | Self::Unclear { why }
            | Self::NotFound { why }
            | Self::Skipped { why }
            | Self::Refused { why }
            | Self::Closed { why } => Some(why),
        }
    }
}

/// How far a temporary failure reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The destination asks everybody to slow down: pause it, count no failure.
    Throttled,
    /// The destination fails (5xx, no connection): counts as a failure and for the breaker.
    Failing,
    /// Only this delivery is affected: counts as a failure, not for the breaker.
    Single,
}

/// What a destination gave for a delivered message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// How the destination names it: an issue key, a Slack `ts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its address for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The Slack channel id it went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What a described tracker remembers, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// Whether the conversation goes on with this message, because its first one is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begins_anew: bool,
    /// What else should be known: fields left out, sent as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether the destination has only taken it, to show it by itself (a Teams workflow).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted_only: bool,
}

/// How patiently a destination's deliveries are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait after the first failure; doubles with each further one.
    pub first: Duration,
    /// The longest wait.
    pub max: Duration,
    /// How long after its event a delivery is given up.
    pub give_up_after: Duration,
}

impl RetryPolicy {
    /// For chats: a day (DESIGN.md section 7).
    pub const CHAT: Self = Self {
        first: Duration::from_secs(1),
        max: Duration::from_secs(600),
        give_up_after: Duration::from_secs(24 * 3600),
    };
    /// For trackers: three days.
    pub const TRACKER: Self = Self { give_up_after: Duration::from_secs(72 * 3600), ..Self::CHAT };

    /// The wait after failure number `failures` (from 1), with jitter: between half of
    /// and the whole exponential step. `roll` is a random number in `0.0..1.0`.
    #[must_use]
    pub fn backoff(&self, failures: u32, roll: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let step = self.first.saturating_mul(1 << doublings).min(self.max);
        step.mul_f64(0.5 + roll.clamp(0.0, 1.0) / 2.0)
    }
}

/// What follows from an outcome for the delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Transition {
    /// It is delivered.
    Sent(Receipt),
    /// It goes back to the queue.
    Retry {
        /// When it is due again.
        at: Timestamp,
        /// Why, for people.
        why: String,
        /// Whether the attempt counts against it.
        counts: Counts,
        /// Whether the far side may have it already.
        unsure: bool,
        /// How often it was looked for there, in vain.
        looks: u32,
    },
    /// It is dead.
    Dead {
        /// Why, for people.
        why: String,
        /// Whether the far side may have it all the same: who sends it again looks first.
        unsure: bool,
    },
    /// It is given up, because it is of no use by the time it could be tried again.
    Dropped {
        /// Why, for people.
        why: String,
        /// Whether the far side may have it all the same.
        unsure: bool,
    },
}

/// Why a delivery that expired at `at` is dropped.
#[must_use]
pub fn expired(at: Timestamp) -> String {
    format!("expired: by the rule's 'expires' it was of no use after {at}")
}

/// Whether an attempt counts against a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// It does.
    Failure,
    /// It does not: the destination paused or is held.
    Nothing,
}

/// The waits before each look for what an unclear failure of an action that must not be
/// done twice may have left behind: 15 seconds, one minute and five minutes after it, since
/// Jira's search lags. Only when the last look is in vain it is done again.
const LOOK_AFTER: [Duration; 3] = [Duration::from_secs(15), Duration::from_secs(45), Duration::from_secs(240)];

/// Whether another look comes before the action is done again, after `looks` in vain.
#[must_use]
pub fn looks_again(looks: u32) -> bool {
    (looks as usize) + 1 < LOOK_AFTER.len()
}

/// Decides what follows from `outcome` of an attempt for `job` that ended at `now`.
/// `roll` is a random number in `0.0..1.0` for the jitter.
#[must_use]
pub fn settle(job: &Job, outcome: Outcome, policy: &RetryPolicy, now: Timestamp, roll: f64) -> Transition {
    let deadline = job.accepted.plus(policy.give_up_after);
    let retry = |why: String, wait: Duration, counts: Counts, doubt: Doubt| {
        let at = now.plus(wait);
        let (unsure, looks) = match doubt {
            Doubt::AsBefore => (job.unsure, job.looks),
            Doubt::New => (true, 0),
            Doubt::Looked => (true, job.looks + 1),
        };
        if counts == Counts::Failure && at > deadline {
            return Transition::Dead {
                why: format!("given up after {} attempts in {}: {why}", job.attempt, Span(policy.give_up_after)),
                unsure,
            };
        }
        if let Some(expires) = job.expires.filter(|expires| *expires <= at) {
            return Transition::Dropped { why: format!("{}; the last attempt: {why}", expired(expires)), unsure };
        }
        Transition::Retry { at, why, counts, unsure, looks }
    };
    match outcome {
        Outcome::Delivered(receipt) => Transition::Sent(receipt),
        Outcome::Refused { why } => Transition::Dead { why, unsure: job.unsure },
        Outcome::Skipped { why } => Transition::Dropped { why, unsure: job.unsure },
        Outcome::Closed { why } => retry(why, Duration::ZERO, Counts::Nothing, Doubt::AsBefore),
        Outcome::Unclear { why } => {
            let least = if job.action.is_once() { LOOK_AFTER[0] } else { Duration::ZERO };
            retry(why, policy.backoff(job.failures + 1, roll).max(least), Counts::Failure, Doubt::New)
        }
        Outcome::NotFound { why } => {
            let next = LOOK_AFTER.get(job.looks as usize + 1).copied().unwrap_or_default();
            retry(why, next, Counts::Nothing, Doubt::Looked)
        }
        Outcome::Later { why, after, extent } => match extent {
            Extent::Throttled => retry(why, after.unwrap_or(policy.first), Counts::Nothing, Doubt::AsBefore),
            Extent::Failing | Extent::Single => {
                let wait = policy.backoff(job.failures + 1, roll).max(after.unwrap_or_default());
                retry(why, wait, Counts::Failure, Doubt::AsBefore)
            }
        },
    }
}

/// Whether the far side may have a delivery.
#[derive(Debug, Clone, Copy)]
enum Doubt {
    /// As it was before the attempt.
    AsBefore,
    /// From this attempt on.
    New,
    /// It was looked for, in vain.
    Looked,
}

/// Shows a duration as people say it: `24 h`, `90 s`, `10 min`.
#[derive(Debug, Clone, Copy)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 => write!(f, "{} ms", self.0.as_millis()),
            s if s >= 3600 && s % 3600 == 0 => write!(f, "{} h", s / 3600),
            s if s >= 120 && s % 60 == 0 => write!(f, "{} min", s / 60),
            s => write!(f, "{s} s"),
        }
    }
}
