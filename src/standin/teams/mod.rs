//! The stand-in of a Teams Workflows webhook.

pub mod check;
mod draw;

pub(super) use draw::draw;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use super::WEBHOOK_SECRET;
use super::shared::{Shared, is_json};

/// The addresses of the stand-in.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/workflows/{workflow}/triggers/manual/paths/invoke", post(invoke)).with_state(shared)
}

/// Answers like a workflow: 202 as soon as the trigger has a message, whatever becomes of the card.
async fn invoke(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let query = query.unwrap_or_default();
    let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let refuse = |status: StatusCode, code: &str, message: &str| {
        let answer = json!({"error": {"code": code, "message": message}});
        shared.refuse((status, axum::Json(answer)).into_response(), &format!("{code}: {message}"))
    };
    if parameter("api-version").is_none() {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return refuse(StatusCode::BAD_REQUEST, "MissingApiVersionParameter", message);
    }
    if parameter("sig") != Some(WEBHOOK_SECRET) || parameter("sp").is_none() {
        let message = "The request is not authenticated by a valid signature.";
        return refuse(StatusCode::UNAUTHORIZED, "DirectApiAuthorizationRequired", message);
    }
    if !is_json(&headers) {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", "The body must be JSON.");
    }
    let Ok(body) = serde_json::from_slice::<Value>(&bytes) else {
        return refuse(StatusCode::BAD_REQUEST, "InvalidRequestContent", "The body is not valid JSON.");
    };
    if let Err(problems) = check::check_message(&body) {
        return refuse(StatusCode::BAD_REQUEST, "TriggerInputSchemaMismatch", &problems.join("; "));
    }
    // From here on the workflow has answered; a card that cannot be shown fails in its run history alone.
    let accepted = StatusCode::ACCEPTED.into_response();
    if let Err(problems) = check::check_cards(&body) {
        return shared.refuse(accepted, &format!("not shown: {}", problems.join("; ")));
    }
    shared.accept("workflow", body, headers, |_, body| draw(body));
    accepted
}
