//! The question of a sender whether it may send, and its answer (the Web Hook specification
//! of CloudEvents, section 4).

use std::num::NonZeroU32;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::source::Greeting;

/// The sender, as it names itself.
const ASKS: HeaderName = HeaderName::from_static("webhook-request-origin");
/// The sender that may send, or `*`.
const MAY: HeaderName = HeaderName::from_static("webhook-allowed-origin");
/// How many webhooks a minute it may send, or `*`.
const RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// Who may send. It keeps senders from being turned against an address that never asked for
/// webhooks; who they are is proven by each webhook.
#[derive(Debug, Clone, Default)]
pub struct Welcome {
    /// The senders, by the names they give themselves; empty: whoever asks.
    pub origins: Vec<String>,
    /// How many webhooks a minute one may send; `None`: as many as it likes.
    pub rate: Option<NonZeroU32>,
}

impl Welcome {
    /// The answer to a question with these headers.
    pub(super) fn greet(&self, headers: &HeaderMap) -> Greeting {
        let Some(origin) = headers.get(&ASKS) else {
            return Greeting::Unwelcome("the header WebHook-Request-Origin is missing".to_owned());
        };
        let named = origin.to_str().unwrap_or_default().trim();
        let known = self.origins.iter().any(|one| one.eq_ignore_ascii_case(named));
        if !known && !self.origins.is_empty() {
            return Greeting::Unwelcome("this sender is not among the 'allowed_origins' of the source".to_owned());
        }
        let rate = match self.rate {
            Some(rate) => HeaderValue::from(rate.get()),
            None => HeaderValue::from_static("*"),
        };
        let post = (header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        Greeting::Welcome([post, (MAY, origin.clone()), (RATE, rate)].into_iter().collect())
    }
}
