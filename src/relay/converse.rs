//! The conversation with a destination: what its adapter wants asked, asked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::config::DestinationSpec;
use crate::destination::{ANSWER_BYTES_MAX, ASKS_MAX, Answer, Reply, Step};
use crate::domain::delivery::Outcome;
use crate::ports::{Clock, Exchange, Route};

use super::account::{Account, name_of};
use super::ingest::panic_text;

/// Whether the last request of an attempt got an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It did.
    Answered,
    /// It did not.
    Lost,
}

/// The doors a conversation goes through.
#[derive(Clone, Copy)]
pub struct Doors<'a> {
    /// The way to the network.
    pub exchange: &'a dyn Exchange,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// Asks what `step`, of the adapter of `spec`, wants asked until it knows the outcome, and
/// keeps the account of it.
pub async fn converse(
    doors: Doors<'_>,
    spec: &DestinationSpec,
    step: impl Fn(&[Answer]) -> Step,
    account: &mut Account,
) -> (Outcome, Reach) {
    let route = Route { timeout: spec.timeout, proxy: spec.proxy.clone(), answer_bytes_max: ANSWER_BYTES_MAX };
    let mut answers = Vec::new();
    loop {
        let next = catch_unwind(AssertUnwindSafe(|| step(&answers)));
        let ask = match next {
            Ok(Step::Done(outcome)) => {
                let lost = matches!(answers.last(), Some(Answer::Lost(_)));
                return (outcome, if lost { Reach::Lost } else { Reach::Answered });
            }
            Ok(Step::Ask(ask)) => ask,
            Err(panic) => {
                let why = format!("the message could not be made: {}", panic_text(panic.as_ref()));
                account.remark(&why);
                return (Outcome::Refused { why }, Reach::Answered);
            }
        };
        if answers.len() >= ASKS_MAX {
            return (Outcome::Refused { why: format!("no end after {ASKS_MAX} requests") }, Reach::Answered);
        }
        let what = name_of(&ask);
        let answer = match doors.exchange.exchange(ask.request, &route).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let at = doors.clock.now();
                Answer::Replied(Reply { status: parts.status.as_u16(), headers: parts.headers, body, at })
            }
            Err(lost) => Answer::Lost(lost),
        };
        account.add(&what, &answer);
        answers.push(answer);
    }
}

impl std::fmt::Debug for Doors<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doors").finish_non_exhaustive()
    }
}
