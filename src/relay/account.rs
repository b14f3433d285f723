//! The account of an attempt: what was asked and answered, for people, without secrets.

use crate::config::Scrubber;
use crate::destination::{Answer, Ask};

/// The most characters an account has.
const ACCOUNT_CHARS_MAX: usize = 2000;
/// The most characters of an answer's body that are quoted.
const QUOTE_CHARS_MAX: usize = 400;

/// Collects the account of one attempt.
#[derive(Debug, Default)]
pub struct Account {
    lines: Vec<String>,
}

impl Account {
    /// Adds what was asked and what came back.
    pub(super) fn add(&mut self, ask: &str, answer: &Answer) {
        let answer = match answer {
            Answer::Replied(reply) => {
                let body = String::from_utf8_lossy(&reply.body);
                let quote = cut(body.trim(), QUOTE_CHARS_MAX);
                if quote.is_empty() { reply.status.to_string() } else { format!("{} {quote}", reply.status) }
            }
            Answer::Lost(lost) => lost.to_string(),
        };
        self.lines.push(format!("{ask} → {answer}"));
    }

    /// What was asked and answered so far, one line each, with secrets removed.
    #[must_use]
    pub fn lines(&self, scrubber: &Scrubber) -> Vec<String> {
        self.lines.iter().map(|line| cut(&scrubber.scrub(line), ACCOUNT_CHARS_MAX)).collect()
    }

    /// Adds a remark.
    pub(super) fn remark(&mut self, text: &str) {
        self.lines.push(text.to_owned());
    }

    /// The whole account with secrets removed and on one line.
    #[must_use]
    pub fn finish(self, scrubber: &Scrubber) -> String {
        let text = self.lines.join("; ");
        cut(&scrubber.scrub(&text), ACCOUNT_CHARS_MAX)
    }
}

/// What an ask is, kept after the request itself is gone.
pub(super) fn name_of(ask: &Ask) -> String {
    ask.what.clone()
}

/// At most `max` characters of `text`, control characters made visible as spaces.
fn cut(text: &str, max: usize) -> String {
    let mut short: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max).collect();
    if text.chars().nth(max).is_some() {
        short.push('…');
    }
    short
}
