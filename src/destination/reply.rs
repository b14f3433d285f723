//! What every vendor's answers have in common.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use crate::domain::delivery::{Extent, Lost, Outcome};
use crate::domain::time::Timestamp;

use super::Reply;
use super::text::{cut, one_line};

/// The longest quotation of a vendor's answer.
const QUOTE_UNITS_MAX: usize = 500;

/// The longest wait a vendor may ask for.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

impl Reply {
    /// The body as text.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON; null when it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
    }

    /// The wait that `Retry-After` asks for, in seconds or as a date. What cannot be read
    /// is ignored, and no wait is longer than a day.
    pub(super) fn retry_after(&self) -> Option<Duration> {
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
    pub(super) fn rate_limit_reset(&self) -> Option<Duration> {
        self.header("x-ratelimit-reset").and_then(Timestamp::parse).map(|at| self.until(at))
    }

    fn until(&self, at: Timestamp) -> Duration {
        at.since(self.at).min(WAIT_MAX)
    }

    /// `vendor answered 503: <the beginning of the body>`, without what is in `secrets`.
    pub(super) fn said(&self, vendor: &str, secrets: &[&str]) -> String {
        let body = quote(&self.text(), secrets);
        if body.is_empty() {
            return format!("{vendor} answered {}", self.status);
        }
        format!("{vendor} answered {}: {body}", self.status)
    }

    /// What the status alone says, where it means the same for every vendor: redirects,
    /// time-outs, throttling, server errors.
    pub(super) fn by_status(&self, vendor: &str, secrets: &[&str]) -> Option<Outcome> {
        match self.status {
            300..=399 => {
                let place = self.header("location").map(|place| quote(place, secrets));
                let to = place.map(|place| format!(" to {place}")).unwrap_or_default();
                let said = format!("{vendor} answered {} and redirects{to}", self.status);
                let advice = "Redirects are never followed: put the final address into the configuration.";
                Some(Outcome::Closed { why: advise(&said, advice) })
            }
            429 => Some(throttled(self.said(vendor, secrets), self.retry_after())),
            408 | 425 | 500..=599 => Some(Outcome::Later {
                why: self.said(vendor, secrets),
                after: self.retry_after(),
                extent: Extent::Failing,
            }),
            _ => None,
        }
    }
}

/// What a vendor said, as one sentence, and what to do about it.
pub(super) fn advise(said: &str, advice: &str) -> String {
    format!("{}. {advice}", said.trim_end_matches('.'))
}

/// The destination asks everybody to slow down.
pub(super) fn throttled(why: String, after: Option<Duration>) -> Outcome {
    Outcome::Later { why, after, extent: Extent::Throttled }
}

/// What follows when no answer came.
pub(super) fn lost(lost: &Lost, secrets: &[&str]) -> Outcome {
    let why = quote(&lost.to_string(), secrets);
    match lost {
        Lost::NotSent(_) => Outcome::Later { why, after: None, extent: Extent::Failing },
        Lost::Unknown(_) => Outcome::Unclear { why },
    }
}

/// `text` on one line, cut, without control characters and without what is in `secrets`.
pub(super) fn quote(text: &str, secrets: &[&str]) -> String {
    let mut text = one_line(text);
    for secret in secrets.iter().filter(|secret| secret.len() >= 6) {
        text = text.replace(secret, "(secret)");
    }
    cut(&text, QUOTE_UNITS_MAX).into_owned()
}

/// Everything of a secret address that must not be shown: the whole, its path and its query values.
pub(super) fn secret_parts(address: &str) -> Vec<&str> {
    let mut parts = vec![address];
    if let Some(after_scheme) = address.find("://").map(|at| &address[at + 3..]) {
        parts.extend(after_scheme.find('/').map(|at| &after_scheme[at..]));
    }
    if let Some((before, query)) = address.split_once('?') {
        parts.push(before);
        parts.extend(query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value));
    }
    parts.extend(address.rsplit('/').next());
    parts
}
