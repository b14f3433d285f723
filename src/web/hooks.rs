//! `POST /hooks/{source}`: where senders' webhooks arrive.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Path, State};
use axum::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;

use crate::relay::Relay;
use crate::relay::ingest::{Accepted, IngestError};
use crate::source::RawHook;
use crate::store::StoreError;
use crate::telemetry::{Refused, UNKNOWN_SOURCE};

use super::Caller;
use super::problem::Problem;

/// The largest webhook, in bytes.
pub const HOOK_BYTES_MAX: usize = 1 << 20;
/// How long a sender may take to send the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// When a sender may come back after the store failed, in seconds.
const STORE_RETRY_SECONDS: u32 = 5;
/// When a sender may come back after too many webhooks at once, in seconds.
const BUSY_RETRY_SECONDS: u32 = 1;

/// The answer to an accepted webhook.
#[derive(Debug, Serialize)]
struct Receipt {
    event_id: String,
    duplicate: bool,
}

/// Accepts one webhook.
pub(super) async fn receive(
    State(relay): State<Relay>,
    Path(source): Path<String>,
    Extension(Caller(caller)): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let snapshot = relay.shared.current.load_full();
    let Some(spec) = snapshot.sources.get(source.as_str()).filter(|spec| !spec.adapter.is_own()) else {
        count(&relay, UNKNOWN_SOURCE, "unknown_source");
        tracing::warn!(source, %caller, why = "there is no such source", "a webhook was refused");
        return Problem::new(
            StatusCode::NOT_FOUND,
            "unknown source",
            "No source of this name is configured; check the address in the sender's webhook settings.",
        )
        .into_response();
    };
    let hook = match read(headers, body).await {
        Ok(hook) => hook,
        Err((reason, problem)) => {
            count(&relay, &spec.name, reason);
            tracing::warn!(source, %caller, why = problem.detail, "a webhook was refused");
            return problem.into_response();
        }
    };
    match relay.ingest(spec, hook).await {
        Ok(Accepted { event, duplicate }) => {
            (StatusCode::ACCEPTED, Json(Receipt { event_id: event.to_string(), duplicate })).into_response()
        }
        Err(error) => refusal(&spec.name, caller, &error).into_response(),
    }
}

/// The answer to other methods.
pub(super) async fn only_post() -> Response<Body> {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong method", "Webhooks are sent with POST.");
    let mut response = problem.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

fn count(relay: &Relay, source: &str, reason: &'static str) {
    relay.shared.metrics.refused.get_or_create_owned(&Refused { source: source.to_owned(), reason }).inc();
}

/// Reads the body within its limits.
async fn read(headers: HeaderMap, body: Body) -> Result<RawHook, (&'static str, Problem)> {
    if !is_json(&headers) {
        let detail = "Send application/json, not compressed.";
        return Err(("not_json", Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not JSON", detail)));
    }
    let too_large = || {
        let detail = format!("A webhook may have at most {HOOK_BYTES_MAX} bytes.");
        ("too_large", Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too large", detail))
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > HOOK_BYTES_MAX as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, HOOK_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(RawHook::posted(headers, body)),
        Ok(Err(error)) if is_over_limit(&error) => Err(too_large()),
        Ok(Err(_)) => {
            let detail = "The body ended before its announced length.";
            Err(("cut_off", Problem::new(StatusCode::BAD_REQUEST, "incomplete body", detail)))
        }
        Err(_) => {
            let detail = format!("The body did not arrive within {} s.", BODY_TIMEOUT.as_secs());
            Err(("too_slow", Problem::new(StatusCode::REQUEST_TIMEOUT, "too slow", detail)))
        }
    }
}

fn is_over_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// JSON by its content type, or no type at all: Qase does not say which type it sends.
fn is_json(headers: &HeaderMap) -> bool {
    let plain =
        headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let Some(kind) = headers.get(CONTENT_TYPE) else { return plain };
    let Ok(kind) = kind.to_str() else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    plain && (kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json"))
}

/// What the sender learns of a refusal: nothing about other sources, nothing of the inside.
fn refusal(source: &str, caller: SocketAddr, error: &IngestError) -> Problem {
    match error {
        IngestError::Refused(refusal) => {
            tracing::warn!(source, %caller, why = %refusal, "a webhook was refused");
            let detail = format!("{refusal}; set the secret that is configured for this source.");
            Problem::new(StatusCode::UNAUTHORIZED, "not authenticated", detail)
        }
        IngestError::Malformed(malformed) => {
            tracing::warn!(source, %caller, why = malformed.why, "a webhook was refused");
            Problem::new(StatusCode::BAD_REQUEST, "malformed", malformed.why.clone())
        }
        IngestError::Busy => {
            tracing::warn!(source, %caller, why = "too many at once", "a webhook was refused");
            let detail = "Too many webhooks at once; this one was not accepted.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(BUSY_RETRY_SECONDS)
        }
        IngestError::Store(error) => {
            tracing::error!(source, %error, "a webhook could not be written down and was not accepted");
            let detail = match error {
                StoreError::Unknown(_) => "It is not known whether the event was written; send it again.",
                _ => "The event could not be written and was not accepted; send it again.",
            };
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store unavailable", detail).retry_after(STORE_RETRY_SECONDS)
        }
    }
}
