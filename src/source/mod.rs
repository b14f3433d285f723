//! Floor 1: the languages of sources. Pure: from bytes to reports.

mod by_hand;
pub mod catalogue;
mod look_up;
pub mod own;
pub mod qase;
mod sample;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};

use self::catalogue::Catalogue;
use crate::domain::ask::{Answer, Ask};
use crate::domain::event::Report;
use crate::domain::memory::Known;
use crate::domain::time::Timestamp;
pub use by_hand::ByHand;
pub use look_up::{Found, Inquiry, Wanted};
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

/// A webhook whose sender is proven. Only [`prove`] makes one.
#[derive(Debug, Clone)]
pub struct Verified(RawHook);

impl Verified {
    /// The webhook.
    #[must_use]
    pub fn hook(&self) -> &RawHook {
        &self.0
    }
}

/// Why a webhook is refused before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The header with the secret is missing.
    #[error("the header {0} is missing")]
    NoSecret(&'static str),
    /// The secret is none of those configured.
    #[error("the secret in {0} is wrong")]
    WrongSecret(&'static str),
}

/// Why a webhook of a proven sender cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Malformed {
    /// What is wrong with it and where, for the person who looks at the sender's log.
    pub why: String,
}

/// Reads one kind of sender.
pub trait Source: fmt::Debug + Send + Sync {
    /// Whether the sender of `hook` is who it must be. In constant time over all secrets.
    ///
    /// # Errors
    /// When it is not, with the reason.
    fn authentic(&self, hook: &RawHook, now: Timestamp) -> Result<(), Refusal>;

    /// What the webhook reports.
    ///
    /// # Errors
    /// When the body cannot be read as this sender's.
    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed>;

    /// What it can report.
    fn catalogue(&self) -> Arc<Catalogue>;

    /// Webhooks as it gets them, for trying rules and templates on; sorted by `variant`.
    fn samples(&self) -> &'static [Sample] {
        &[]
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
    source.authentic(&hook, now)?;
    Ok(Verified(hook))
}
