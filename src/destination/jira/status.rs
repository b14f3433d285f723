//! Where an issue stands, in the words of its project.

use http::Method;
use serde_json::Value;

use super::Jira;
use super::tell::{self, Question};
use crate::destination::Answer;
use crate::destination::finding::Finding;
use crate::destination::reply::advise;

/// The next step: reads the issue, and of it the status alone.
pub(super) fn step(jira: &Jira, key: &str, answers: &[Answer]) -> Finding<String> {
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return Finding::Failed { why: format!("'{key}' is no key of an issue"), after: None };
    }
    if let Some(Answer::Replied(reply)) = answers.first()
        && reply.status == 404
        && reply.json().is_object()
    {
        let advice = "It was deleted, or this user may not see it any more.";
        return Finding::Failed { why: advise(&jira.said(reply), advice), after: None };
    }
    let question = Question {
        method: Method::GET,
        what: "read the status",
        path: &format!("issue/{key}?fields=status"),
        body: None,
        advice: "Check `url` and `api`.",
        lacks: "status",
    };
    let status = |answer: &Value| answer["fields"]["status"]["name"].as_str().map(str::to_owned);
    tell::step(jira, &question, answers, status)
}
