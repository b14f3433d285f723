//! What Qase's API says happened lately: for finding webhooks that never came.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::told::{Told, read};
use super::{Api, text};
use crate::domain::ask::Answer;
use crate::domain::time::Timestamp;
use crate::source::{Happened, Inquiry, Review};

/// How many entities are asked for at once: as many as Qase gives.
const PAGE: usize = 100;

/// What is listed of a project.
const LISTED: [&str; 2] = ["defect", "run"];

/// The next step of a conversation that lists what happened in `project` since `since`.
pub(super) fn review(api: &Api, project: &str, since: Timestamp, answers: &[Answer]) -> Review {
    let mut answers = answers.iter();
    let mut happened = Vec::new();
    for entity in LISTED {
        let mut offset = 0;
        loop {
            let Some(answer) = answers.next() else {
                let query = format!("limit={PAGE}&offset={offset}");
                let why = "api.url or api.token cannot be used in a request".to_owned();
                return api.get(&[entity, project], &query).map_or(Review::Failed { why }, Review::Ask);
            };
            let list = match read(answer) {
                Ok(Told::This(list)) => list,
                Ok(Told::NotThere) => return Review::Failed { why: format!("Qase has no project {project}") },
                Ok(Told::Refused(why)) => {
                    return Review::Failed { why: format!("Qase does not list {project}: {why}") };
                }
                Err(inquiry) => match *inquiry {
                    Inquiry::Later { why, after } => return Review::Later { why, after },
                    Inquiry::Failed { why } => return Review::Failed { why },
                    Inquiry::Ask(_) | Inquiry::Done(_) => return Review::Failed { why: "no answer".to_owned() },
                },
            };
            let items = list.get("entities").and_then(Value::as_array).cloned().unwrap_or_default();
            for item in &items {
                let found = if entity == "defect" { defect(item) } else { run(item) };
                let recent = found.into_iter().filter(|(_, at, _)| *at >= since);
                happened.extend(recent.map(|(event, at, payload)| told(event, project, at, item, &payload)));
            }
            offset += items.len();
            let total = list.get("total").and_then(Value::as_u64).unwrap_or_default();
            if items.len() < PAGE || offset as u64 >= total {
                break;
            }
        }
    }
    happened.sort_by_key(|one| one.at);
    Review::Done(happened)
}

type Found = Vec<(&'static str, Timestamp, Map<String, Value>)>;

/// What happened to a defect, with the payload that its webhook would have had.
fn defect(item: &Value) -> Found {
    let mut found = Vec::new();
    if let Some(at) = moment(item, "created_at") {
        let hashes = item.get("attachments").and_then(Value::as_array).map(|all| all.iter().filter_map(hash).collect());
        let mut payload = picked(item, &["id", "title", "actual_result", "severity"]);
        payload.insert("attachments".to_owned(), hashes.unwrap_or_else(|| json!([])));
        found.push(("defect.created", at, payload));
    }
    let resolved = item.get("status").and_then(Value::as_str) == Some("resolved");
    if let Some(at) = moment(item, "resolved_at").filter(|_| resolved) {
        found.push(("defect.resolved", at, picked(item, &["id"])));
    }
    found
}

/// The hash by which webhooks name an attachment.
fn hash(attachment: &Value) -> Option<Value> {
    let url = attachment.get("url")?.as_str()?;
    url.rsplit('/').nth(1).map(Value::from)
}

/// What happened to a run.
fn run(item: &Value) -> Found {
    let mut found = Vec::new();
    let stats = item.get("stats").cloned().unwrap_or_default();
    let count = |name: &str| {
        let by_slug = stats.get("statuses").and_then(|statuses| statuses.get(name));
        by_slug.or_else(|| stats.get(name)).cloned().unwrap_or_else(|| 0.into())
    };
    if let Some(at) = moment(item, "start_time") {
        let mut payload = picked(item, &["id", "title", "description"]);
        payload.insert("plan".to_owned(), Value::Null);
        payload.insert("cases_count".to_owned(), count("total"));
        let slug = item.get("environment").and_then(|environment| environment.get("slug")).cloned();
        payload.insert("environment".to_owned(), slug.unwrap_or_default());
        found.push(("run.started", at, payload));
    }
    if let Some(at) = moment(item, "end_time") {
        let aborted = text(item, "status_text").is_some_and(|word| word.eq_ignore_ascii_case("aborted"));
        let mut payload = picked(item, &["id"]);
        payload.insert("cases".to_owned(), count("total"));
        for name in ["passed", "failed", "blocked"] {
            payload.insert(name.to_owned(), count(name));
        }
        if aborted {
            for name in ["untested", "skipped"] {
                payload.insert(name.to_owned(), count(name));
            }
        }
        payload.insert("duration".to_owned(), item.get("time_spent").cloned().unwrap_or_else(|| 0.into()));
        found.push((if aborted { "run.aborted" } else { "run.completed" }, at, payload));
    }
    found
}

fn moment(item: &Value, name: &str) -> Option<Timestamp> {
    Timestamp::parse(item.get(name)?.as_str()?)
}

fn picked(item: &Value, names: &[&str]) -> Map<String, Value> {
    let value = |name: &&str| ((*name).to_owned(), item.get(*name).cloned().unwrap_or_default());
    names.iter().map(value).collect()
}

/// The webhook that Qase would have sent.
fn told(event: &str, project: &str, at: Timestamp, item: &Value, payload: &Map<String, Value>) -> Happened {
    let id = item.get("id").map(ToString::to_string).unwrap_or_default();
    let entity = event.split('.').next().unwrap_or_default();
    let member = item.get("member_id").and_then(Value::as_i64).unwrap_or_default();
    let body = json!({
        "event_name": event, "timestamp": at.as_seconds(), "payload": payload, "team_member_id": member,
        "project_code": project,
    });
    Happened {
        event: event.to_owned(),
        project: project.to_owned(),
        subject: format!("{entity}/{id}"),
        at,
        body: Bytes::from(body.to_string()),
    }
}
