//! What an answer means, by its status and by what the description says of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::super::address::Address;
use super::super::reply::{advise, lost, throttled};
use super::super::{Answer, Reply};
use super::{Call, Rest};
use crate::domain::delivery::{Extent, Outcome, Receipt};
use crate::domain::time::Timestamp;

/// The wait for a limit that names none: GitHub asks for a minute at least.
const LIMIT_WAIT: Duration = Duration::from_secs(60);

/// The longest value that is remembered, in characters.
const REMEMBERED_CHARS_MAX: usize = 512;

/// A JSON Pointer (RFC 6901): empty, or beginning with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    /// Reads `text`; `None` when it is no pointer.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let escapes = text.match_indices('~').all(|(at, _)| matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1')));
        (escapes && (text.is_empty() || text.starts_with('/'))).then(|| Self(text.to_owned()))
    }

    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.pointer(&self.0).filter(|found| !found.is_null())
    }

    /// What it leads to, as text; a list as its texts.
    fn text(&self, value: &Value) -> Option<String> {
        let text = match self.of(value)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Array(items) => {
                let texts: Vec<String> =
                    items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
                texts.join("; ")
            }
            other => other.to_string(),
        };
        (!text.is_empty()).then_some(text)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How answers are read.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// The statuses of success; empty: 200 to 299.
    pub success: Vec<u16>,
    /// Further statuses that may pass later.
    pub retryable: Vec<u16>,
    /// Further statuses that refuse this message for good.
    pub permanent: Vec<u16>,
    /// Where the receiver's own words about an error are.
    pub error: Vec<Pointer>,
    /// What a successful answer holds; null: nothing is there.
    pub ok: Vec<(Pointer, Value)>,
    /// What an answer holds that asks to slow down, whatever its status.
    pub busy: Vec<(Pointer, Value)>,
}

fn holds((pointer, wanted): &(Pointer, Value), body: &Value) -> bool {
    match pointer.of(body) {
        None => wanted.is_null(),
        Some(found) => found == wanted,
    }
}

impl Answers {
    fn is_success(&self, status: u16) -> bool {
        if self.success.is_empty() { (200..300).contains(&status) } else { self.success.contains(&status) }
    }

    fn is_ok(&self, body: &Value) -> bool {
        self.ok.iter().all(|wanted| holds(wanted, body))
    }

    fn is_busy(&self, body: &Value) -> bool {
        self.busy.iter().any(|sign| holds(sign, body))
    }
}

/// What is remembered of an answer, by name.
#[derive(Debug, Clone, Default)]
pub struct Remembered(pub Vec<(String, Pointer)>);

impl Remembered {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the key is.
    #[must_use]
    pub fn key(&self) -> Option<&Pointer> {
        self.0.iter().find(|(name, _)| name == "key").map(|(_, pointer)| pointer)
    }

    /// The receipt that `body` gives.
    pub(super) fn receipt(&self, body: &Value) -> Receipt {
        let mut receipt = Receipt::default();
        let mut values = BTreeMap::new();
        for (name, pointer) in &self.0 {
            let text = pointer.text(body).filter(|text| text.chars().count() <= REMEMBERED_CHARS_MAX);
            let Some(text) = text.filter(|text| !text.contains(char::is_control)) else { continue };
            match name.as_str() {
                "key" => receipt.key = Some(text),
                "url" => receipt.link = Address::parse(&text).map(|address| address.as_str().to_owned()),
                _ => drop(values.insert(name.clone(), text)),
            }
        }
        Receipt { values, ..receipt }
    }
}

/// Whether a server's own failure leaves open what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is done again in any case.
    None,
    /// It is looked for first.
    OfServerErrors,
}

/// What an answer means for what was asked.
pub(super) enum Said {
    /// It is done; the answer's body.
    Yes(Value),
    /// What the thread remembers is not there any more; what was said.
    Gone(String),
    /// It is not done.
    No(Outcome),
}

impl Rest {
    /// Reads the answer to `call`, which the description calls `word`.
    pub(super) fn read(&self, call: &Call, answer: &Answer, word: &str, doubt: Doubt) -> Said {
        let reply = match answer {
            Answer::Replied(reply) => reply,
            Answer::Lost(how) => return Said::No(self.hiding(lost(how, &[]))),
        };
        let (answers, body) = (&call.answers, reply.json());
        let said = self.said(answers, reply, &body);
        let status = reply.status;
        if answers.is_busy(&body) {
            return Said::No(throttled(said, reply.retry_after().or(Some(LIMIT_WAIT))));
        }
        if answers.is_success(status) {
            if answers.is_ok(&body) {
                return Said::Yes(body);
            }
            return Said::No(self.refused(&said, word));
        }
        if answers.permanent.contains(&status) {
            return Said::No(self.refused(&said, word));
        }
        if answers.retryable.contains(&status) {
            return Said::No(Outcome::Later { why: said, after: reply.retry_after(), extent: Extent::Failing });
        }
        match status {
            403 if is_limit(reply) => Said::No(throttled(said, limit_wait(reply))),
            404 | 410 if call.needs_thread => Said::Gone(said),
            401 | 403 | 404 | 407 | 410 => Said::No(self.closed(&said, status)),
            200..=299 => {
                let listed: Vec<String> = answers.success.iter().map(ToString::to_string).collect();
                let why = format!("{said}, and '{word}' counts only {} as success", listed.join(", "));
                Said::No(Outcome::Refused { why })
            }
            // It may be made although a proxy or something behind it failed.
            500 | 502 | 504 if doubt == Doubt::OfServerErrors => Said::No(Outcome::Unclear { why: said }),
            _ => match reply.by_status(self.shown(), &[]) {
                Some(outcome) => Said::No(self.hiding(outcome)),
                None => Said::No(self.refused(&said, word)),
            },
        }
    }

    /// `outcome` without secrets in its words.
    fn hiding(&self, mut outcome: Outcome) -> Outcome {
        if let Some(why) = outcome.why_mut() {
            *why = self.quote(why);
        }
        outcome
    }

    /// What the receiver said: in its own words where the description says where they are,
    /// else the beginning of the answer.
    fn said(&self, answers: &Answers, reply: &Reply, body: &Value) -> String {
        let words: Vec<String> = answers.error.iter().filter_map(|pointer| pointer.text(body)).collect();
        let words = if words.is_empty() { reply.text().into_owned() } else { words.join("; ") };
        let words = self.quote(&words);
        let (host, status) = (self.shown(), reply.status);
        if words.is_empty() {
            format!("{host} answered {status}")
        } else {
            format!("{host} answered {status}: {words}")
        }
    }

    fn refused(&self, said: &str, word: &str) -> Outcome {
        let advice = format!("Check '{word}' of this destination, the template and 'fields' of the rule.");
        Outcome::Refused { why: advise(said, &advice) }
    }

    /// The destination itself is not usable.
    pub(super) fn closed(&self, said: &str, status: u16) -> Outcome {
        let advice = match status {
            401 | 407 => "Check 'auth' and 'headers' of this destination: the credential may be revoked or expired.",
            403 => "Check 'auth' and 'headers' of this destination, and what this user may do there.",
            _ => "Check 'url' of this destination and the path after it.",
        };
        Outcome::Closed { why: advise(said, advice) }
    }
}

/// Whether a 403 is about a limit, as GitHub's secondary limits are.
fn is_limit(reply: &Reply) -> bool {
    reply.header("retry-after").is_some() || reply.header("x-ratelimit-remaining") == Some("0")
}

/// The wait that the headers of a limit ask for: `Retry-After`, or the second since 1970
/// at which the limit ends.
fn limit_wait(reply: &Reply) -> Option<Duration> {
    let reset = reply.header("x-ratelimit-reset").and_then(|text| text.parse::<i64>().ok());
    let until = reset.map(|seconds| Timestamp::from_seconds(seconds).since(reply.at).min(Duration::from_secs(86_400)));
    reply.retry_after().or(until).or(Some(LIMIT_WAIT))
}
