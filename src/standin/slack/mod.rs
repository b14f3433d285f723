//! The stand-in of Slack: incoming webhooks and the Web API.

mod api;
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
use serde_json::Value;

use super::WEBHOOK_SECRET;
use super::shared::{Shared, is_json};

/// The addresses of the stand-in.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/services/{team}/{app}/{secret}", post(webhook))
        .route("/api/chat.postMessage", post(api::post_message))
        .route("/api/chat.update", post(api::update))
        .route("/api/reactions.add", post(api::react))
        .route("/api/{method}", post(api::unknown_method))
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
