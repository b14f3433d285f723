//! Asks Jira something that leaves nothing behind.

use http::Method;
use serde_json::Value;

use super::Jira;
use crate::destination::finding::Finding;
use crate::destination::reply::{advise, quote};
use crate::destination::{Answer, Step};
use crate::domain::delivery::Outcome;

/// One question: how it is asked, and what is said when it makes no sense to Jira.
pub(super) struct Question<'a> {
    pub(super) method: Method,
    pub(super) what: &'a str,
    pub(super) path: &'a str,
    pub(super) body: Option<Value>,
    /// What to do about a refusal of the question itself.
    pub(super) advice: &'a str,
    /// What Jira's answer lacks when there is nothing to be found in it.
    pub(super) lacks: &'a str,
}

/// The next step: asks, then finds with `find` what the answer tells.
pub(super) fn step<T>(
    jira: &Jira,
    question: &Question<'_>,
    answers: &[Answer],
    find: impl Fn(&Value) -> Option<T>,
) -> Finding<T> {
    let Some(answer) = answers.first() else {
        return match jira.ask(&question.method, question.what, question.path, question.body.as_ref()) {
            Step::Ask(ask) => Finding::Ask(ask),
            Step::Done(outcome) => failed(outcome),
        };
    };
    let reply = match answer {
        Answer::Replied(reply) => reply,
        Answer::Lost(lost) => {
            return Finding::Failed { why: quote(&format!("Jira: {lost}"), &jira.secrets()), after: None };
        }
    };
    if reply.status == 400 {
        return Finding::Failed { why: advise(&jira.said(reply), question.advice), after: None };
    }
    if !(200..300).contains(&reply.status) {
        let outcome = jira.by_status(reply).unwrap_or_else(|| Outcome::Refused { why: jira.said(reply) });
        return failed(outcome);
    }
    match find(&reply.json()) {
        Some(found) => Finding::Found(found),
        None => {
            let why = format!("Jira's answer has no {}; something in between may have answered", question.lacks);
            Finding::Failed { why: advise(&why, "Check `url`."), after: None }
        }
    }
}

fn failed<T>(outcome: Outcome) -> Finding<T> {
    match outcome {
        Outcome::Later { why, after, .. } => Finding::Failed { why, after },
        mut other => {
            let why = other.why_mut().map(std::mem::take).unwrap_or_default();
            Finding::Failed { why, after: None }
        }
    }
}
