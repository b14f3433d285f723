//! What every vendor's answers have in common.

use std::time::Duration;

use crate::domain::delivery::{Extent, Lost, Outcome};

use super::Reply;
use super::text::{cut, one_line};

/// The longest quotation of a vendor's answer.
const QUOTE_UNITS_MAX: usize = 500;

impl Reply {
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
