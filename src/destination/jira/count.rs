//! How many issues a query finds.

use http::Method;
use serde_json::{Value, json};

use super::{Api, Jira};
use crate::destination::count::{Counting, DefectQueries};
use crate::destination::reply::{advise, quote};
use crate::destination::{Answer, Step};
use crate::domain::delivery::Outcome;

/// The next step: Cloud has a question of its own, Data Center tells it of a search for
/// nothing.
pub(super) fn step(jira: &Jira, jql: &str, answers: &[Answer]) -> Counting {
    let Some(answer) = answers.first() else {
        let (path, body) = match jira.api {
            Api::V3 => ("search/approximate-count", json!({"jql": jql})),
            Api::V2 => ("search", json!({"jql": jql, "maxResults": 0, "fields": ["key"]})),
        };
        return match jira.ask(&Method::POST, "count issues", path, Some(&body)) {
            Step::Ask(ask) => Counting::Ask(ask),
            Step::Done(outcome) => failed(outcome),
        };
    };
    let reply = match answer {
        Answer::Replied(reply) => reply,
        Answer::Lost(lost) => {
            return Counting::Failed { why: quote(&format!("Jira: {lost}"), &jira.secrets()), after: None };
        }
    };
    if reply.status == 400 {
        let why = advise(&jira.said(reply), "Check `jql` of 'defect_kpis': each query must hold in Jira's own search.");
        return Counting::Failed { why, after: None };
    }
    if !(200..300).contains(&reply.status) {
        let outcome = jira.by_status(reply).unwrap_or_else(|| Outcome::Refused { why: jira.said(reply) });
        return failed(outcome);
    }
    let answer = reply.json();
    match ["count", "total"].iter().find_map(|key| answer.get(key).and_then(Value::as_u64)) {
        Some(count) => Counting::Counted(count),
        None => {
            let why = advise("Jira's answer has no count; something in between may have answered", "Check `url`.");
            Counting::Failed { why, after: None }
        }
    }
}

fn failed(outcome: Outcome) -> Counting {
    match outcome {
        Outcome::Later { why, after, .. } => Counting::Failed { why, after },
        mut other => {
            let why = other.why_mut().map(std::mem::take).unwrap_or_default();
            Counting::Failed { why, after: None }
        }
    }
}

/// The queries for the issues of the destination's own type in its project. The default
/// priorities of Jira are taken: Highest is critical, High and Medium are moderate.
pub(super) fn queries(jira: &Jira) -> DefectQueries {
    let all = format!("project = {} AND issuetype = {}", text(&jira.project), text(&jira.issue_type));
    let open = format!("{all} AND statusCategory != Done");
    DefectQueries {
        queries: [
            all.clone(),
            open.clone(),
            format!("{all} AND statusCategory = Done"),
            format!("{open} AND priority = Highest"),
            format!("{open} AND priority in (High, Medium)"),
        ],
        page: jira.has_pages().then(|| jira.address("/issues/?jql=")),
    }
}

/// `value` as a text of JQL.
fn text(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
