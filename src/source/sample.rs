//! Webhooks as a sender would send them: what rules and templates are tried on before a
//! real one comes.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::RawHook;

/// One webhook of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The event's name, `defect.created`.
    pub event: &'static str,
    /// Which of the event's shapes it is, `defect.created.variant-gen0`.
    pub variant: &'static str,
    /// The path below the source's address.
    pub path: &'static str,
    /// The headers that say what it is.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: &'static str,
}

impl Sample {
    /// A sample that its body says all about.
    #[must_use]
    pub const fn of(event: &'static str, variant: &'static str, body: &'static str) -> Self {
        Self { event, variant, path: "", headers: &[], body }
    }

    /// The webhook.
    #[must_use]
    pub fn hook(&self) -> RawHook {
        let named = |(name, value): &(&'static str, &'static str)| {
            Some((HeaderName::try_from(*name).ok()?, HeaderValue::from_static(value)))
        };
        let headers: HeaderMap = self.headers.iter().filter_map(named).collect();
        RawHook { path: self.path.to_owned(), ..RawHook::posted(headers, Bytes::from_static(self.body.as_bytes())) }
    }
}
