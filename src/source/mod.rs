//! Floor 1: the languages of sources. Pure: from bytes to reports.

mod by_hand;
pub mod qase;

use std::fmt;

use bytes::Bytes;
use http::HeaderMap;

use crate::domain::event::Report;
use crate::domain::time::Timestamp;
pub use by_hand::ByHand;

/// A webhook as it came in, within the size limit, not yet trusted.
#[derive(Debug, Clone)]
pub struct RawHook {
    /// The headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
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
}

/// Proves the sender of `hook`.
///
/// # Errors
/// When `source` does not trust it.
pub fn prove(source: &dyn Source, hook: RawHook, now: Timestamp) -> Result<Verified, Refusal> {
    source.authentic(&hook, now)?;
    Ok(Verified(hook))
}
