//! A signature of the body.

use std::time::Duration;

use subtle::{Choice, ConstantTimeEq};

use super::{Encoding, Header, Key, RawHook, Refusal, Signed, Stamp};
use crate::domain::time::Timestamp;

/// The most signatures of one webhook that are tried: senders that change a secret send two.
const SIGNATURES_MAX: usize = 8;

/// The longest id of a delivery that is kept, in characters.
const ID_CHARS_MAX: usize = 200;

/// An HMAC of the body, and of what else the sender signs.
#[derive(Debug)]
pub struct Signature {
    /// The keys; several while one is being changed.
    pub keys: Vec<Key>,
    /// The header with the signature, or with several.
    pub header: Header,
    /// How it is written.
    pub encoding: Encoding,
    /// What may stand before it: `sha256=`.
    pub prefix: String,
    /// What is signed.
    pub signed: Signed,
    /// The signed time.
    pub stamp: Option<Stamp>,
    /// The header with the signed id of the delivery.
    pub id: Option<Header>,
}

impl Signature {
    /// A signature of the body alone.
    #[must_use]
    pub fn of_body(keys: Vec<Key>, header: Header, encoding: Encoding, prefix: &str) -> Self {
        Self { keys, header, encoding, prefix: prefix.to_owned(), signed: Signed::body(), stamp: None, id: None }
    }

    /// A signature by Standard Webhooks.
    #[must_use]
    pub fn standard(keys: Vec<Key>, tolerance: Duration) -> Self {
        let header = |name: &'static str| Header::from(http::HeaderName::from_static(name));
        let id = header("webhook-id");
        Self {
            keys,
            header: header("webhook-signature"),
            encoding: Encoding::Base64,
            prefix: "v1,".to_owned(),
            signed: Signed::standard(id.clone()),
            stamp: Some(Stamp { header: header("webhook-timestamp"), tolerance }),
            id: Some(id),
        }
    }

    /// The time is judged last, so that only who knows the secret learns of it.
    pub(super) fn check(&self, hook: &RawHook, now: Timestamp) -> Result<(), Refusal> {
        let sent = self.header.of(hook).ok_or_else(|| Refusal::no_signature(&self.header))?;
        let time = self.stamp.as_ref().map(|stamp| stamp.sent(hook)).transpose()?;
        let parts = self.signed.of(hook, time)?;
        let sent = self.candidates(sent);
        let mut fits = Choice::from(0);
        for key in &self.keys {
            let right = key.sign(&parts);
            for candidate in &sent {
                fits |= right.ct_eq(candidate);
            }
        }
        if !bool::from(fits) {
            return Err(Refusal::bad_signature(&self.header));
        }
        match (&self.stamp, time) {
            (Some(stamp), Some(time)) => stamp.check(time, now),
            _ => Ok(()),
        }
    }

    /// The signed id of the delivery.
    pub(super) fn delivery_id<'h>(&self, hook: &'h RawHook) -> Option<&'h str> {
        let id = std::str::from_utf8(self.id.as_ref()?.of(hook)?).ok()?;
        Some(id).filter(|id| !id.is_empty() && id.chars().count() <= ID_CHARS_MAX)
    }

    /// The signatures in the header's value: one, or several between blanks or commas.
    fn candidates(&self, sent: &[u8]) -> Vec<Vec<u8>> {
        let text = std::str::from_utf8(sent).unwrap_or_default();
        let within = |c: char| c.is_ascii_whitespace() || c == ',' && !self.prefix.contains(',');
        let written = text.split(within).filter(|one| !one.is_empty()).take(SIGNATURES_MAX);
        written.flat_map(|one| self.encoding.decode(one.strip_prefix(&*self.prefix).unwrap_or(one))).collect()
    }
}
