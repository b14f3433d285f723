//! The answers of Qase's API, and how they differ from its webhooks.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::domain::ask::{Answer, Reply};
use crate::source::Inquiry;

/// How long to wait where Qase says only that it was asked too much: its limits are per minute.
const THROTTLED: Duration = Duration::from_secs(60);
/// The most characters of an error that are quoted.
const QUOTE_CHARS_MAX: usize = 200;

/// What one answer tells.
pub(super) enum Told {
    /// This.
    This(Value),
    /// There is no such thing.
    NotThere,
    /// Not to this token, or not in this plan, or not so.
    Refused(String),
}

/// Reads an answer; what ends the conversation is the error.
pub(super) fn read(answer: &Answer) -> Result<Told, Box<Inquiry>> {
    let reply = match answer {
        Answer::Lost(lost) => return later(format!("Qase's API did not answer: {lost}"), None),
        Answer::Replied(reply) => reply,
    };
    match reply.status {
        200..=299 => match reply.json() {
            Value::Object(mut body) if body.get("status") == Some(&Value::Bool(true)) => {
                Ok(Told::This(body.remove("result").unwrap_or_default()))
            }
            _ => later("Qase's API answered with something else than it documents".to_owned(), None),
        },
        401 => {
            let why = "Qase refuses the token (401): check api.token, made at app.qase.io/user/api/token".to_owned();
            Err(Box::new(Inquiry::Failed { why }))
        }
        404 => Ok(Told::NotThere),
        429 => later("Qase was asked too much (429)".to_owned(), Some(wait(reply))),
        500.. => later(format!("Qase's API answered {}{}", reply.status, quoted(reply)), reply.retry_after()),
        status => Ok(Told::Refused(format!("{status}{}", quoted(reply)))),
    }
}

fn later(why: String, after: Option<Duration>) -> Result<Told, Box<Inquiry>> {
    Err(Box::new(Inquiry::Later { why, after }))
}

fn wait(reply: &Reply) -> Duration {
    let reset = reply.header("x-ratelimit-reset").and_then(|text| text.parse::<i64>().ok());
    let until = reset.map(|seconds| crate::domain::time::Timestamp::from_seconds(seconds).since(reply.at));
    reply.retry_after().or(until).unwrap_or(THROTTLED)
}

/// What Qase says about an error.
fn quoted(reply: &Reply) -> String {
    let body = reply.json();
    let text = ["errorMessage", "error"].iter().find_map(|name| body.get(*name)?.as_str());
    text.map(|text| format!(", {}", text.chars().take(QUOTE_CHARS_MAX).collect::<String>())).unwrap_or_default()
}

/// `result` as the webhook that would say the same.
pub(super) fn as_webhook(entity: &str, project: &str, result: Value) -> Value {
    let mut payload = match result {
        Value::Object(payload) => payload,
        _ => Map::new(),
    };
    if entity == "run" {
        run(&mut payload);
    }
    json!({ "event_name": format!("{entity}.known"), "project_code": project, "payload": payload })
}

/// A run counts in `stats`, and has words beside its numbers.
fn run(payload: &mut Map<String, Value>) {
    let stats = payload.remove("stats").unwrap_or_default();
    payload.remove("cases");
    if let Some(total) = stats.get("total") {
        payload.insert("cases".to_owned(), total.clone());
    }
    for name in ["passed", "failed", "blocked", "skipped", "untested"] {
        let count = stats.get("statuses").and_then(|by_slug| by_slug.get(name)).or_else(|| stats.get(name));
        if let Some(count) = count {
            payload.insert(name.to_owned(), count.clone());
        }
    }
    if let Some(word) = payload.remove("status_text") {
        payload.insert("status".to_owned(), word);
    }
    if let Some(time) = payload.remove("time_spent") {
        payload.insert("duration".to_owned(), time);
    }
    // Webhooks name an environment by its slug.
    if let Some(slug) = payload.get("environment").and_then(|environment| environment.get("slug")).cloned() {
        payload.insert("environment".to_owned(), slug);
    }
}
