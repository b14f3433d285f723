//! One request to a far side, and what came back: the same for destinations and for the
//! APIs of senders.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::delivery::Lost;
use super::time::Timestamp;

/// The longest wait a vendor may ask for.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// One request.
#[derive(Debug)]
pub struct Ask {
    /// What it is, without secrets, for people: `POST chat.postMessage`.
    pub what: String,
    /// The request, complete, with absolute address, credentials and content type.
    pub request: http::Request<Bytes>,
}

/// What came back for one ask.
#[derive(Debug, Clone)]
pub enum Answer {
    /// An HTTP response of any status.
    Replied(Reply),
    /// None.
    Lost(Lost),
}

/// An HTTP response.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most as much of it as the asker allows.
    pub body: Bytes,
    /// When it came, for `Retry-After` dates.
    pub at: Timestamp,
}

impl Reply {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
    }

    /// The wait that `Retry-After` asks for, in seconds or as a date. What cannot be read
    /// is ignored, and no wait is longer than a day.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?;
        if let Ok(seconds) = value.parse::<f64>() {
            let sane = seconds.is_finite() && seconds >= 0.0;
            return sane.then(|| Duration::from_secs_f64(seconds.ceil().min(WAIT_MAX.as_secs_f64())));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        let ms = date.duration_since(UNIX_EPOCH).ok()?.as_millis();
        Some(self.until(Timestamp::from_ms(i64::try_from(ms).ok()?)))
    }

    /// The wait until the moment that `X-RateLimit-Reset` names in RFC 3339.
    #[must_use]
    pub fn rate_limit_reset(&self) -> Option<Duration> {
        self.header("x-ratelimit-reset").and_then(Timestamp::parse).map(|at| self.until(at))
    }

    fn until(&self, at: Timestamp) -> Duration {
        at.since(self.at).min(WAIT_MAX)
    }
}
