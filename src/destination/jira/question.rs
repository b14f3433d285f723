//! Whether an issue could be created, asked without creating one.

use http::Method;
use serde_json::Value;

use super::Jira;
use crate::destination::reply::{advise, lost, quote};
use crate::destination::{Answer, Step};
use crate::domain::delivery::{Outcome, Receipt};

/// The next step: which issue types may this user create in the project?
pub fn step(jira: &Jira, answers: &[Answer]) -> Step {
    match answers.first() {
        None => ask(jira),
        Some(Answer::Lost(how)) => Step::Done(lost(how, &jira.secrets())),
        Some(Answer::Replied(reply)) => Step::Done(match reply.status {
            200..=299 => read(jira, &reply.json()),
            400 | 404 => {
                let advice = format!(
                    "Check `url` and `project`: there is no project '{}', or this user may not see it or not create \
                     issues in it.",
                    jira.project
                );
                Outcome::Closed { why: advise(&jira.said(reply), &advice) }
            }
            _ => jira.by_status(reply).unwrap_or_else(|| Outcome::Refused { why: jira.said(reply) }),
        }),
    }
}

fn ask(jira: &Jira) -> Step {
    let path = format!("issue/createmeta/{}/issuetypes", jira.project);
    jira.ask(&Method::GET, "which issues may be created", &path, None)
}

fn read(jira: &Jira, answer: &Value) -> Outcome {
    // Cloud and Data Center name the list differently.
    let types = ["issueTypes", "values"].iter().find_map(|list| answer.get(list)).and_then(Value::as_array);
    let Some(types) = types else {
        let why = "Jira's answer has no list of issue types; something in between may have answered";
        return Outcome::Closed { why: advise(why, "Check `url` and `api`.") };
    };
    let names: Vec<&str> = types.iter().filter_map(|kind| kind.get("name").and_then(Value::as_str)).collect();
    let (kind, project) = (&jira.issue_type, &jira.project);
    if names.iter().any(|name| name.eq_ignore_ascii_case(kind)) {
        let note = format!("this user may create issues of type {kind} in {project}");
        return Outcome::Delivered(Receipt { note: Some(note), ..Receipt::default() });
    }
    let known = quote(&names.join(", "), &jira.secrets());
    let why = format!("{project} has no issue type '{kind}' that this user may create; it has: {known}");
    Outcome::Closed { why: advise(&why, "Check `issue_type`: capitals and language count.") }
}
