//! The stand-in of Slack: incoming webhooks and `chat.postMessage`.

pub mod check;
mod draw;

pub(super) use draw::draw;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use super::shared::{Shared, is_json};
use super::{TOKEN, WEBHOOK_SECRET};

/// The addresses of the stand-in.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/services/{team}/{app}/{secret}", post(webhook))
        .route("/api/chat.postMessage", post(post_message))
        .route("/api/{method}", post(unknown_method))
        .with_state(shared)
}

/// Answers like a webhook: a status and the name of an error as plain text.
async fn webhook(
    State(shared): State<Arc<Shared>>,
    Path((_team, app, secret)): Path<(String, String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    if secret != WEBHOOK_SECRET {
        return shared.refuse((StatusCode::NOT_FOUND, "no_service").into_response(), "no_service");
    }
    if let Some(wait) = shared.too_fast() {
        return shared.refuse(slow(wait, "rate_limited".into_response()), "rate_limited");
    }
    let body = match body(&headers, &bytes) {
        Ok(body) => body,
        Err(name) => return shared.refuse((StatusCode::BAD_REQUEST, name).into_response(), name),
    };
    let checked =
        if body.get("channel").is_some() { Err(("invalid_payload", Vec::new())) } else { check::check(&body) };
    if let Err((name, problems)) = checked {
        let why = format!("{name}: {}", problems.join("; "));
        return shared.refuse((StatusCode::BAD_REQUEST, name).into_response(), &why);
    }
    shared.accept("incoming webhook", body, headers, |_, body| draw(&format!("Slack · webhook {app}"), body));
    "ok".into_response()
}

/// Answers like the Web API: JSON with status 200 whatever happened, but for the rate limit.
async fn post_message(State(shared): State<Arc<Shared>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok());
    let refuse = |name: &str, problems: &[String]| {
        let mut answer = json!({"ok": false, "error": name});
        if !problems.is_empty() {
            answer["errors"] = problems.into();
            answer["response_metadata"] = json!({"messages": problems});
        }
        shared.refuse(axum::Json(answer).into_response(), &format!("{name}: {}", problems.join("; ")))
    };
    match token.map(|token| token.strip_prefix("Bearer ").unwrap_or_default()) {
        None => return refuse("not_authed", &[]),
        Some(token) if token != TOKEN => return refuse("invalid_auth", &[]),
        Some(_) => {}
    }
    if let Some(wait) = shared.too_fast() {
        let answer = axum::Json(json!({"ok": false, "error": "ratelimited"})).into_response();
        return shared.refuse(slow(wait, answer), "ratelimited");
    }
    let body = match body(&headers, &bytes) {
        Ok(body) => body,
        Err(_) => return refuse("invalid_post_type", &[]),
    };
    let channel = body.get("channel").and_then(Value::as_str).unwrap_or_default().to_owned();
    let named = channel.strip_prefix('#').is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() && !c.is_uppercase() || matches!(c, '-' | '_'))
    });
    let by_id = channel.len() > 8 && channel.starts_with(['C', 'G', 'D']);
    if !named && !by_id {
        return refuse("channel_not_found", &[]);
    }
    if let Err((name, problems)) = check::check(&body) {
        return refuse(name, &problems);
    }
    let id = if by_id { channel.clone() } else { format!("C{:08}", channel.len()) };
    let text = body["text"].clone();
    let head = format!("Slack · {channel}");
    let order = shared.accept("chat.postMessage", body, headers, |_, body| draw(&head, body));
    let ts = format!("1790000000.{order:06}");
    axum::Json(json!({"ok": true, "channel": id, "ts": ts, "message": {"text": text, "ts": ts}})).into_response()
}

async fn unknown_method(State(shared): State<Arc<Shared>>) -> Response {
    shared.refuse(axum::Json(json!({"ok": false, "error": "unknown_method"})).into_response(), "unknown_method")
}

fn body(headers: &HeaderMap, bytes: &Bytes) -> Result<Value, &'static str> {
    if !is_json(headers) {
        return Err("invalid_payload");
    }
    serde_json::from_slice(bytes).map_err(|_| "invalid_payload")
}

fn slow(wait: std::time::Duration, answer: Response) -> Response {
    let seconds = wait.as_secs().max(1).to_string();
    (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds)], answer).into_response()
}
