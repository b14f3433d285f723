//! Floor 1: the languages of sources. Pure: from bytes to reports.

mod by_hand;
pub mod catalogue;
pub mod cloudevents;
pub mod form;
pub mod json;
mod kept;
mod look_up;
mod media;
pub mod orchestrator;
pub mod own;
pub mod proof;
pub mod qase;
mod repetition;
mod sample;
pub mod uipath;
mod words;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

use self::catalogue::Catalogue;
use crate::domain::ask::{Answer, Ask};
use crate::domain::event::{Dedup, Report};
use crate::domain::memory::Known;
use crate::domain::time::Timestamp;
pub use by_hand::ByHand;
pub use kept::kept_headers;
pub use look_up::{Found, Happened, Inquiry, Lasting, Review, Wanted};
pub use media::{is_json, media_type};
use proof::Proof;
pub use proof::{Reason, Refusal};
pub use repetition::body_hash;
pub use sample::Sample;

/// A webhook as it came in, within the size limit, not yet trusted.
#[derive(Debug, Clone)]
pub struct RawHook {
    /// The method.
    pub method: Method,
    /// The path below `/hooks/{source}`, without a slash at its ends; empty for that address itself.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl RawHook {
    /// A webhook sent with `POST` to `/hooks/{source}` itself.
    #[must_use]
    pub fn posted(headers: HeaderMap, body: Bytes) -> Self {
        Self { method: Method::POST, path: String::new(), headers, body }
    }
}

/// What a request at a source's address is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// It reports what happened.
    Event,
    /// It asks how many defects a project has.
    DefectCounts {
        /// The project, as the sender names it.
        project: String,
    },
    /// It asks whether webhooks may be sent here.
    Handshake,
}

/// The answer to a sender that asks whether it may send webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Greeting {
    /// It may; the answer has these headers.
    Welcome(HeaderMap),
    /// It may not, for this reason.
    Unwelcome(String),
}

/// A webhook whose sender is proven. Only [`prove`] makes one.
#[derive(Debug, Clone)]
pub struct Verified {
    hook: RawHook,
    delivery: Option<String>,
}

impl Verified {
    /// The webhook.
    #[must_use]
    pub fn hook(&self) -> &RawHook {
        &self.hook
    }

    /// How a repetition of it is recognised where its body has no id of its own: by the id of
    /// the delivery if that is signed, else by the hash of `source` and body.
    #[must_use]
    pub fn dedup(&self, source: &str) -> Dedup {
        match &self.delivery {
            Some(id) => Dedup::SenderId(id.clone()),
            None => Dedup::BodyHash(body_hash(source, &self.hook.body)),
        }
    }
}

/// Why a webhook of a proven sender cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Malformed {
    /// What is wrong with it and where, for the person who looks at the sender's log.
    pub why: String,
    /// Whether it is kept all the same, to be read again later, because the fault is not
    /// the sender's: `never_refuse` keeps it anyway.
    pub keep: bool,
}

impl Malformed {
    /// The sender's own fault: refused, unless the source never refuses.
    #[must_use]
    pub fn refused(why: impl Into<String>) -> Self {
        Self { why: why.into(), keep: false }
    }

    /// A fault of how it is read here (a mapping, a bug): kept, and read again on demand.
    #[must_use]
    pub fn kept(why: impl Into<String>) -> Self {
        Self { why: why.into(), keep: true }
    }
}

/// Reads one kind of sender.
pub trait Source: fmt::Debug + Send + Sync {
    /// What it asks of its sender before anything is read.
    fn proof(&self) -> &Proof;

    /// What a request is for, by its method and the path below the source's address; `None`
    /// when this sender makes no such request.
    fn purpose(&self, method: &Method, path: &str) -> Option<Purpose> {
        (*method == Method::POST && path.is_empty()).then_some(Purpose::Event)
    }

    /// Whether it reads bodies of this content type (in small letters, without parameters);
    /// `None` when the sender names none.
    fn reads(&self, media: Option<&str>) -> bool {
        media.is_none_or(is_json)
    }

    /// The answer to a request for [`Purpose::Handshake`] with these headers.
    fn greet(&self, _headers: &HeaderMap) -> Greeting {
        Greeting::Unwelcome("this source shakes no hands".to_owned())
    }

    /// What the webhook reports.
    ///
    /// # Errors
    /// When the body cannot be read as this sender's.
    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed>;

    /// What it can report.
    fn catalogue(&self) -> Arc<Catalogue>;
    /// Whether reading a webhook again later needs its header `name` (in lower case). Such
    /// headers are kept with the event, so it must be no credential.
    fn keeps_header(&self, _name: &str) -> bool {
        false
    }

    /// Webhooks as it gets them, for trying rules and templates on; sorted by `variant`.
    fn samples(&self) -> &'static [Sample] {
        &[]
    }

    /// What its API would tell of `sample`, as facts; nothing where it is not asked.
    fn told_of(&self, _sample: &Sample) -> Map<String, Value> {
        Map::new()
    }

    /// Whether it is the relay itself, to which nobody can send.
    fn is_own(&self) -> bool {
        false
    }

    /// Whether the sender's API should be asked about `report` before rules judge it: it, and
    /// what is known of its subject, lack something `wanted` that the API can tell.
    fn is_thin(&self, _report: &Report, _known: &Known, _wanted: &Wanted) -> bool {
        false
    }

    /// The next step of the conversation with the sender's API about `report`, given the
    /// `answers` to all asks so far, in order. Called anew with each answer; keeps nothing
    /// between calls.
    fn inquire(&self, _report: &Report, _wanted: &Wanted, _answers: &[Answer]) -> Inquiry {
        Inquiry::Done(Found::default())
    }

    /// The next step of a conversation that lists what happened in `project` since `since`,
    /// given the `answers` so far, as [`inquire`](Source::inquire) is one about an event.
    fn review(&self, _project: &str, _since: Timestamp, _answers: &[Answer]) -> Review {
        Review::Unable
    }

    /// Asks for an access token (OAuth 2.0 client credentials), where the API wants one: the
    /// relay keeps it while it lives, renews it, and adds it to each ask as
    /// `Authorization: Bearer`. `None` where asks carry their own credentials.
    fn sign_in(&self) -> Option<Ask> {
        None
    }
}

/// Proves the sender of `hook`.
///
/// # Errors
/// When `source` does not trust it.
pub fn prove(source: &dyn Source, hook: RawHook, now: Timestamp) -> Result<Verified, Refusal> {
    let proof = source.proof();
    proof.check(&hook, now)?;
    let delivery = proof.delivery_id(&hook).map(str::to_owned);
    Ok(Verified { hook, delivery })
}
