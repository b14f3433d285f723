//! The Web API: `chat.postMessage`, `chat.update`, `reactions.add`.
//!
//! Answers JSON with status 200 whatever happened, but for the rate limit.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{body, check, draw, slow};
use crate::standin::TOKEN;
use crate::standin::shared::Shared;

/// The first part of every `ts`; the order of arrival is the second.
const EPOCH: u64 = 1_790_000_000;

/// The method that makes messages.
const POST: &str = "chat.postMessage";

/// A refusal by its name, with what it says about the place.
type Refusal = (String, Vec<String>);

/// One call.
struct Call {
    body: Value,
    /// The id of the channel, and how the sender called it.
    channel: (String, String),
}

fn refuse(shared: &Shared, (name, problems): &Refusal) -> Response {
    let mut answer = json!({"ok": false, "error": name});
    if !problems.is_empty() {
        answer["errors"] = problems.clone().into();
        answer["response_metadata"] = json!({"messages": problems});
    }
    shared.refuse(axum::Json(answer).into_response(), &format!("{name}: {}", problems.join("; ")))
}

fn named(name: &str) -> Refusal {
    (name.to_owned(), Vec::new())
}

/// The call, of somebody who may make it and not too often.
fn call(shared: &Shared, headers: &HeaderMap, bytes: &Bytes) -> Result<Call, Box<Response>> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok());
    let refused = |name: &str| Box::new(refuse(shared, &named(name)));
    match token.map(|token| token.strip_prefix("Bearer ").unwrap_or_default()) {
        None => return Err(refused("not_authed")),
        Some(token) if token != TOKEN => return Err(refused("invalid_auth")),
        Some(_) => {}
    }
    if let Some(wait) = shared.too_fast() {
        let answer = axum::Json(json!({"ok": false, "error": "ratelimited"})).into_response();
        return Err(Box::new(shared.refuse(slow(wait, answer), "ratelimited")));
    }
    let body = body(headers, bytes).map_err(|_| refused("invalid_post_type"))?;
    let called = body.get("channel").and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = channel_id(&called).ok_or_else(|| refused("channel_not_found"))?;
    Ok(Call { body, channel: (id, called) })
}

/// The id of the channel called `called`; its own id is taken as it is.
fn channel_id(called: &str) -> Option<String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() && !c.is_uppercase() || matches!(c, '-' | '_'))
    };
    match called.strip_prefix('#') {
        Some(name) if is_name(name) => {
            let sum = name.bytes().fold(5381_u32, |sum, byte| sum.wrapping_mul(33) ^ u32::from(byte));
            Some(format!("C{sum:08X}"))
        }
        _ => (called.len() > 8 && called.starts_with(['C', 'G', 'D'])).then(|| called.to_owned()),
    }
}

fn ts(order: usize) -> String {
    format!("{EPOCH}.{order:06}")
}

/// Whether there is a message `ts` in the channel `id`.
fn is_there(shared: &Shared, id: &str, wanted: &str) -> bool {
    let posted = shared.find(|one| {
        let here = one.body.get("channel").and_then(Value::as_str).and_then(channel_id);
        (one.kind == POST && ts(one.at_order) == wanted && here.as_deref() == Some(id)).then_some(())
    });
    posted.is_some()
}

fn text_at<'b>(body: &'b Value, key: &str) -> &'b str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The names of channels are taken here alone.
fn only_id(call: &Call) -> Result<(), Refusal> {
    if call.channel.0 == call.channel.1 { Ok(()) } else { Err(named("channel_not_found")) }
}

pub(super) async fn post_message(State(shared): State<Arc<Shared>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let call = match call(&shared, &headers, &bytes) {
        Ok(call) => call,
        Err(answer) => return *answer,
    };
    let (id, called) = call.channel;
    let thread = call.body.get("thread_ts").and_then(Value::as_str).map(str::to_owned);
    if let Err((name, problems)) = check::check(&call.body) {
        return refuse(&shared, &(name.to_owned(), problems));
    }
    if thread.is_none() && call.body.get("reply_broadcast").is_some() {
        return refuse(&shared, &("invalid_arg_name".to_owned(), vec!["reply_broadcast without thread_ts".to_owned()]));
    }
    if thread.as_ref().is_some_and(|thread| !is_there(&shared, &id, thread)) {
        return refuse(&shared, &named("thread_not_found"));
    }
    let text = call.body["text"].clone();
    let head = match &thread {
        None => format!("Slack · {called}"),
        Some(thread) if call.body["reply_broadcast"] == true => {
            format!("Slack · {called} · reply to {thread} and channel")
        }
        Some(thread) => format!("Slack · {called} · reply to {thread}"),
    };
    let order = shared.accept(POST, call.body, headers, |_, body| draw(&head, body));
    let ts = ts(order);
    axum::Json(json!({"ok": true, "channel": id, "ts": ts, "message": {"text": text, "ts": ts}})).into_response()
}

pub(super) async fn update(State(shared): State<Arc<Shared>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let call = match call(&shared, &headers, &bytes) {
        Ok(call) => call,
        Err(answer) => return *answer,
    };
    if let Err(refusal) = only_id(&call) {
        return refuse(&shared, &refusal);
    }
    if let Err((name, problems)) = check::check_update(&call.body) {
        return refuse(&shared, &(name.to_owned(), problems));
    }
    let (id, _) = call.channel;
    let ts = text_at(&call.body, "ts").to_owned();
    if !is_there(&shared, &id, &ts) {
        return refuse(&shared, &named("message_not_found"));
    }
    let text = call.body["text"].clone();
    let head = format!("Slack · {id} · {ts} is now");
    shared.accept("chat.update", call.body, headers, |_, body| draw(&head, body));
    axum::Json(json!({"ok": true, "channel": id, "ts": ts, "text": text})).into_response()
}

pub(super) async fn react(State(shared): State<Arc<Shared>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let call = match call(&shared, &headers, &bytes) {
        Ok(call) => call,
        Err(answer) => return *answer,
    };
    if let Err(refusal) = only_id(&call) {
        return refuse(&shared, &refusal);
    }
    let body = &call.body;
    let known = ["channel", "name", "timestamp"];
    if body.as_object().is_none_or(|map| map.keys().any(|key| !known.contains(&key.as_str()))) {
        return refuse(&shared, &named("invalid_arg_name"));
    }
    let (name, stamp) = (text_at(body, "name").to_owned(), text_at(body, "timestamp").to_owned());
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "_-+'".contains(c)) {
        return refuse(&shared, &named("invalid_name"));
    }
    if !is_there(&shared, &call.channel.0, &stamp) {
        return refuse(&shared, &named("message_not_found"));
    }
    let same = |one: &crate::standin::Received| {
        (one.kind == "reactions.add" && text_at(&one.body, "name") == name && text_at(&one.body, "timestamp") == stamp)
            .then_some(())
    };
    if shared.find(same).is_some() {
        return refuse(&shared, &named("already_reacted"));
    }
    let picture = format!("Slack · {} · :{name}: on {stamp}", call.channel.0);
    shared.accept("reactions.add", call.body, headers, |_, _| picture);
    axum::Json(json!({"ok": true})).into_response()
}

pub(super) async fn unknown_method(State(shared): State<Arc<Shared>>) -> Response {
    refuse(&shared, &named("unknown_method"))
}
