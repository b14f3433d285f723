//! Floor 1: what must survive, as verbs. Each verb is one transaction with one meaning.
//!
//! [`Store`] is what the relay does; [`Ledger`] is what people read. The in-memory store
//! is the executable specification of both; one conformance suite runs on every store.
//! Several nodes may share a store: a lane is held by one of them at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::domain::Name;
use crate::domain::defects::Counts;
use crate::domain::delivery::{Action, Job, Receipt, State, Transition};
use crate::domain::event::{Dedup, SubjectKey};
use crate::domain::ids::{DeliveryId, EventId};
use crate::domain::memory::{Known, Memory};
use crate::domain::message::Content;
use crate::domain::plan::{Plan, Verdict};
use crate::domain::priority::Priority;
use crate::domain::stage::Stage;
use crate::domain::thread::Thread;
use crate::domain::time::Timestamp;

mod again;
pub mod memory;
mod refusal;
pub mod sqlite;
mod stored;

/// Why a verb could not be done. Nothing of it has happened, unless `Unknown`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be used now (disk full, I/O error, closed); later it may.
    #[error("the store cannot be used: {0}")]
    Unavailable(String),
    /// It cannot be told whether the verb was done.
    #[error("the store did not answer: {0}")]
    Unknown(String),
    /// What is stored cannot be read: made by a newer release, or damaged.
    #[error("stored data cannot be read: {0}")]
    Unreadable(String),
    /// The request makes no sense: no such delivery, or it is finished already.
    #[error("{0}")]
    Refused(String),
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// Event, facts, memory, verdicts and deliveries are on stable storage.
    Stored,
    /// The event had been accepted before, under this id; nothing was changed.
    Duplicate(EventId),
    /// The memory it was planned from has changed since; nothing was changed. Plan again.
    Stale,
}

/// The right to send to one destination, until it is given up or lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The lane's destination.
    pub destination: Name,
    /// Fences: grows whenever the lane changes hands. Verbs of an older epoch are refused.
    pub epoch: i64,
}

/// The end of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The number of the attempt; a settlement of an older attempt changes nothing.
    pub attempt: u32,
    /// What follows.
    pub transition: Transition,
    /// When the attempt began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What was asked and answered, without secrets, for people:
    /// `POST hooks.slack.com → 200 ok`.
    pub account: String,
    /// What the destination remembers of the conversation from now on; `None`: as before.
    pub thread: Option<Thread>,
}

/// What was taken from a lane.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Taken {
    /// To be attempted now.
    pub jobs: Vec<Job>,
    /// How many were dropped because they had expired.
    pub expired: usize,
}

/// Whether a settlement was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was.
    Done,
    /// The delivery has moved on (another attempt, another node): nothing was changed.
    TooLate,
}

/// Which finished or unfinished deliveries to act on; every part given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only this state.
    pub state: Option<State>,
    /// Only this destination.
    pub destination: Option<String>,
    /// Only this rule.
    pub rule: Option<String>,
    /// Only of this event.
    pub event: Option<EventId>,
    /// Only made at or after this moment.
    pub since: Option<Timestamp>,
}

/// A destination that is held: nothing is sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The destination.
    pub destination: Name,
    /// Since when.
    pub since: Timestamp,
    /// Why, for people.
    pub why: String,
}

/// Defect figures, as they were counted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The counts.
    pub counts: Counts,
    /// When they were counted.
    pub at: Timestamp,
}

/// How many relays may work on one store at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nodes {
    /// One: a lane once held is held until it is given back or the process ends.
    One,
    /// Several: a lane must be held anew before its time runs out.
    Many,
}

/// What the relay does with what must survive.
#[async_trait]
pub trait Store: Send + Sync {
    /// How many relays may work on it at a time.
    fn nodes(&self) -> Nodes;

    /// What is known of `subject`, read before planning.
    async fn recall(&self, subject: &SubjectKey) -> Result<Known, StoreError>;

    /// Writes all that one event causes, or nothing. Durable when it returns `Stored`.
    /// A repetition is recognised before the memory's version is compared. The deliveries
    /// are due at once, each behind the unfinished ones of its conversation, which get its
    /// priority where that is higher.
    async fn commit(&self, plan: Plan) -> Result<Committed, StoreError>;

    /// Decides anew, at `now`, an event that is open (awaiting, quarantined or broken):
    /// replaces its name, subject, facts, verdicts, stage and how a repetition of it is
    /// recognised, writes memory and deliveries as `commit` does, and keeps its id, body and
    /// when it was received. Where it now says otherwise how a repetition is recognised, and
    /// so repeats another event, and where the memory has changed, that is told as by `commit`. Refused when there is no such event, or when it has been decided.
    async fn replan(&self, plan: Plan, now: Timestamp) -> Result<Committed, StoreError>;

    /// Takes or renews the lane of `destination` for `owner` until `until`. `None` while
    /// another owner holds it. What a lost holder left in `sending` becomes `queued`
    /// and unsure again. A store with a clock of its own uses only the span from `now`
    /// to `until`.
    async fn hold_lane(
        &self,
        destination: &Name,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>, StoreError>;

    /// Gives the lane back; what was still `sending` becomes `queued` and unsure.
    /// Nothing happens when the lane is lost already.
    async fn release_lane(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Drops what is queued in the lane and has expired by `now`. Then takes up to `limit`
    /// deliveries that are due at `now` and first in their conversation, the highest
    /// priority first and within it those due longest, and marks them `sending` with the
    /// next attempt number. Each knows the thread of its conversation. Refused when the lane
    /// is lost.
    async fn take(&self, lease: &Lease, now: Timestamp, limit: usize) -> Result<Taken, StoreError>;

    /// When the next delivery of the lane falls due that is first in its conversation and
    /// not being sent; `None` when there is none.
    async fn next_due(&self, destination: &Name) -> Result<Option<Timestamp>, StoreError>;

    /// Ends one attempt: writes the transition, the attempt and the thread, and lets the next
    /// delivery of the conversation go when this one is finished. Unsure stays unsure.
    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError>;

    /// Puts a delivery taken but not sent back to `queued`, as if it had not been taken.
    async fn put_back(
        &self,
        lease: &Lease,
        delivery: DeliveryId,
        attempt: u32,
        due: Timestamp,
    ) -> Result<Settled, StoreError>;

    /// Remembers that a destination is held, or (`None`) no longer.
    async fn set_hold(&self, destination: &Name, hold: Option<Hold>) -> Result<(), StoreError>;

    /// All holds.
    async fn holds(&self) -> Result<Vec<Hold>, StoreError>;

    /// Sends a delivery again and returns the id that will be sent. What counts is the last
    /// of its line (it, or what was made by sending it again): while that is unfinished it
    /// falls due at once; when it is finished, a new delivery at the end of its conversation
    /// names it as parent and never expires. So asking twice sends once. The new one keeps the key, by which
    /// the far side may know it already, unless the old one was delivered. Refused when
    /// there is no such delivery, or when a later one of its line was delivered.
    async fn retry(&self, delivery: DeliveryId, now: Timestamp) -> Result<DeliveryId, StoreError>;

    /// Drops an unfinished or dead delivery with a reason. Refused when it is delivered,
    /// dropped or being sent, or when there is none.
    async fn drop_delivery(&self, delivery: DeliveryId, why: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Keeps the files of a configuration revision, once.
    async fn keep_revision(&self, revision: &str, at: Timestamp, files: &Map<String, Value>) -> Result<(), StoreError>;

    /// Keeps `figures` as the last ones known for `question`, in place of older ones.
    async fn keep_figures(&self, question: &str, figures: &Figures) -> Result<(), StoreError>;

    /// Forgets up to `limit` events received before `before` that await nothing and have no
    /// unfinished delivery, oldest first, with all that belongs to them; and up to `limit` memories
    /// untouched since then whose subject is no unfinished conversation; and up to `limit`
    /// threads untouched for [`THREAD_KEPT`](crate::domain::thread::THREAD_KEPT) before
    /// then whose conversation is finished; and up to `limit` figures counted before `before`.
    /// Returns how many events went.
    async fn forget_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// Whether the store can commit now: writes and syncs something small.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Flushes and closes; later verbs are `Unavailable`.
    async fn close(&self) -> Result<(), StoreError>;
}

/// An event as people read it.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// Its id.
    pub id: EventId,
    /// Its source.
    pub source: String,
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// When it happened, by the sender.
    pub time: Timestamp,
    /// When it was received.
    pub received: Timestamp,
    /// The configuration revision that judged it.
    pub revision: String,
    /// Its facts without `payload`, with origins (the JSON form of `Facts`).
    pub facts: Value,
    /// The sender's body, byte for byte.
    pub body: Vec<u8>,
    /// What the rules that matched decided, and those whose `where` failed.
    pub verdicts: Vec<Verdict>,
    /// How far it has come.
    pub stage: Stage,
    /// What reading its webhook needs beside the body (see [`Plan::headers`]).
    pub headers: BTreeMap<String, String>,
    /// How a repetition is recognised.
    pub dedup: Dedup,
}

/// A delivery as people read it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryRecord {
    /// Its id.
    pub id: DeliveryId,
    /// The event that caused it.
    pub event: EventId,
    /// The rule that caused it.
    pub rule: String,
    /// Where it goes.
    pub destination: String,
    /// Its conversation.
    pub conversation: String,
    /// What is done.
    pub action: Action,
    /// The key it is recognised by at the far side.
    pub key: String,
    /// Its state.
    pub state: State,
    /// Attempts made.
    pub attempts: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it is due (unfinished) or was finished.
    pub at: Timestamp,
    /// The last failure of an unfinished one, or why it is dead or dropped.
    pub why: Option<String>,
    /// Whether the far side may have it twice, or already.
    pub unsure: bool,
    /// Its place in the destination's queue.
    pub priority: Priority,
    /// When it is of no use any more.
    pub expires: Option<Timestamp>,
    /// What the destination gave for it.
    pub receipt: Option<Receipt>,
    /// The delivery this one sends again.
    pub parent: Option<DeliveryId>,
    /// What is sent.
    pub content: Content,
}

/// One attempt as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Its number, from 1.
    pub number: u32,
    /// When it began.
    pub began: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What was asked and answered.
    pub account: String,
}

/// What waits at one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    /// The destination.
    pub destination: String,
    /// How many deliveries are queued or being sent.
    pub unfinished: u64,
    /// How many are dead and have not been sent again.
    pub dead: u64,
    /// When the oldest unfinished one was made.
    pub oldest: Option<Timestamp>,
}

/// The events of one source about one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The source.
    pub source: String,
    /// The project; `None`: those that name none.
    pub project: Option<String>,
    /// How many are kept.
    pub events: u64,
    /// When the last was received.
    pub last: Timestamp,
}

/// What people read of the store.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The latest `limit` events, newest first, older than `before` if given, of `source` if given.
    async fn events(
        &self,
        source: Option<&str>,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventRecord>, StoreError>;

    /// The first `limit` events whose ids are greater than `after`, oldest first.
    async fn events_after(&self, after: EventId, limit: usize) -> Result<Vec<EventRecord>, StoreError>;

    /// The first `limit` open events at `stage`, of `source` if given, in the order in which they
    /// came in, after the event `after` if given.
    async fn events_at(
        &self,
        stage: Stage,
        source: Option<&str>,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventRecord>, StoreError>;

    /// The files of a configuration revision, by their names; `None` when it was not kept.
    async fn revision_files(&self, revision: &str) -> Result<Option<Map<String, Value>>, StoreError>;

    /// One event.
    async fn event(&self, id: EventId) -> Result<Option<EventRecord>, StoreError>;

    /// The latest `limit` deliveries that `filter` lets through, newest first, older than
    /// `before` if given.
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>, StoreError>;

    /// One delivery with its attempts, oldest first.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<(DeliveryRecord, Vec<AttemptRecord>)>, StoreError>;

    /// The ids of events and deliveries that begin with `prefix` (their text form, whatever
    /// its case and hyphens), the oldest first, at most `limit` of each.
    async fn ids_like(&self, prefix: &str, limit: usize) -> Result<(Vec<EventId>, Vec<DeliveryId>), StoreError>;

    /// The first `limit` of the memories whose keys begin with `beginning`, by their keys,
    /// after `after` if given.
    async fn memories(
        &self,
        beginning: &str,
        after: Option<&SubjectKey>,
        limit: usize,
    ) -> Result<Vec<(SubjectKey, Memory)>, StoreError>;

    /// The last defect figures kept for `question`.
    async fn figures(&self, question: &str) -> Result<Option<Figures>, StoreError>;

    /// What is remembered of `subject`.
    async fn remembered(&self, subject: &SubjectKey) -> Result<Known, StoreError>;

    /// How many events of each source and project are kept, and when the last was received.
    async fn tallies(&self) -> Result<Vec<Tally>, StoreError>;

    /// What waits at each destination that has any delivery unfinished or dead; `dead` counts
    /// those that have not been sent again.
    async fn depths(&self) -> Result<Vec<QueueDepth>, StoreError>;

    /// All holds.
    async fn held(&self) -> Result<Vec<Hold>, StoreError>;
}
