//! How many issues a query finds.

use http::Method;
use serde_json::{Value, json};

use super::tell::{self, Question};
use super::{Api, Jira};
use crate::destination::Answer;
use crate::destination::finding::{DefectQueries, Finding};

/// The next step: Cloud has a question of its own, Data Center tells it of a search for
/// nothing.
pub(super) fn step(jira: &Jira, jql: &str, answers: &[Answer]) -> Finding<u64> {
    let (path, body) = match jira.api {
        Api::V3 => ("search/approximate-count", json!({"jql": jql})),
        Api::V2 => ("search", json!({"jql": jql, "maxResults": 0, "fields": ["key"]})),
    };
    let question = Question {
        method: Method::POST,
        what: "count issues",
        path,
        body: Some(body),
        advice: "Check `jql` of 'defect_kpis': each query must hold in Jira's own search.",
        lacks: "count",
    };
    let count = |answer: &Value| ["count", "total"].iter().find_map(|key| answer.get(key).and_then(Value::as_u64));
    tell::step(jira, &question, answers, count)
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
