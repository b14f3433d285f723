//! `/hooks/{source}` and below: where senders' webhooks arrive, and the questions that they ask.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Path, Request, State};
use axum::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::Serialize;

use crate::config::{Snapshot, SourceSpec, Unread, did_you_mean};
use crate::relay::Relay;
use crate::relay::capture::Became;
use crate::relay::ingest::{Accepted, IngestError};
use crate::source::{Greeting, Purpose, RawHook, media_type};
use crate::store::StoreError;
use crate::telemetry::{Refused, UNKNOWN_SOURCE};

use super::onlook::Onlooker;
use super::problem::Problem;
use super::{Caller, exchange, figures};

/// The largest webhook, in bytes.
pub const HOOK_BYTES_MAX: usize = 1 << 20;
/// How long a sender may take to send the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The most characters that are logged of a name that is no source.
const SOURCE_CHARS_SHOWN: usize = 64;
/// When a sender may come back after the store failed, in seconds.
const STORE_RETRY_SECONDS: u32 = 5;
/// When a sender may come back after too many webhooks at once, in seconds.
const BUSY_RETRY_SECONDS: u32 = 1;

/// The answer to an accepted webhook.
#[derive(Debug, Serialize)]
struct Receipt {
    /// None where the webhook is no event.
    event_id: Option<String>,
    duplicate: bool,
}

/// Accepts one webhook at the address of its source itself.
pub(super) async fn receive(
    State(relay): State<Relay>,
    Path(source): Path<String>,
    Extension(Caller(caller)): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    answer(&relay, &source, "", caller, request).await
}

/// Accepts one webhook at an address below that of its source.
pub(super) async fn receive_below(
    State(relay): State<Relay>,
    Path((source, path)): Path<(String, String)>,
    Extension(Caller(caller)): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    answer(&relay, &source, path.trim_matches('/'), caller, request).await
}

async fn answer(relay: &Relay, source: &str, path: &str, caller: SocketAddr, request: Request) -> Response<Body> {
    let snapshot = relay.shared.current.load_full();
    let Some(spec) = snapshot.sources.get(source).filter(|spec| !spec.adapter.is_own()) else {
        count(relay, UNKNOWN_SOURCE, "unknown_source");
        stranger(relay, &snapshot, source, caller);
        return Problem::new(
            StatusCode::NOT_FOUND,
            "unknown source",
            "No source of this name is configured; check the address in the sender's webhook settings.",
        )
        .into_response();
    };
    let (head, body) = request.into_parts();
    let onlooker = Onlooker::of(relay, &snapshot, spec, caller, &head, path);
    let mut seen = Bytes::new();
    let response = respond(relay, spec, path, caller, head, body, &mut seen).await;
    onlooker.note(&response, seen);
    response
}

/// Answers a request at the address `path` of `spec`; what was read of its body is `seen`.
async fn respond(
    relay: &Relay,
    spec: &SourceSpec,
    path: &str,
    caller: SocketAddr,
    head: Parts,
    body: Body,
    seen: &mut Bytes,
) -> Response<Body> {
    let source = &*spec.name;
    let refuse = |reason: &'static str, problem: Problem| {
        count(relay, &spec.name, reason);
        tracing::warn!(source, %caller, why = problem.detail, "a webhook was refused");
        problem.because(reason).into_response()
    };
    match spec.adapter.purpose(&head.method, path) {
        None => {
            let (reason, problem, allowed) = elsewhere(spec, path);
            let mut response = refuse(reason, problem);
            response.headers_mut().extend(allowed.map(|allowed| (ALLOW, allowed)));
            return response;
        }
        Some(Purpose::Handshake) => {
            let response = match spec.adapter.greet(&head.headers) {
                Greeting::Welcome(headers) => (StatusCode::OK, headers).into_response(),
                Greeting::Unwelcome(why) => {
                    refuse("unwelcome", Problem::new(StatusCode::FORBIDDEN, "not welcome", format!("{why}.")))
                }
            };
            return about(response, Became::Handshake);
        }
        Some(Purpose::DefectCounts { project }) => {
            // Its body, if it has one, says nothing.
            let hook =
                RawHook { method: head.method, path: path.to_owned(), headers: head.headers, body: Bytes::new() };
            let response = match relay.authenticate(spec, hook) {
                Ok(()) => figures::answer(relay, spec, &project).await,
                Err(error) => refusal(&spec.name, caller, &error).into_response(),
            };
            return about(response, Became::Question);
        }
        Some(Purpose::Event) => {}
    }
    let body = match read(spec, &head.headers, body).await {
        Ok(body) => body,
        Err((reason, problem)) => return refuse(reason, problem),
    };
    seen.clone_from(&body);
    let hook = RawHook { method: head.method, path: path.to_owned(), headers: head.headers, body };
    if let Some(wanted) = &spec.exchanges.create_defect {
        return exchange::answer(relay, spec, wanted, hook, caller).await;
    }
    match relay.ingest(spec, hook).await {
        Ok(Accepted { event, duplicate }) => {
            let receipt = Receipt { event_id: Some(event.to_string()), duplicate };
            about((StatusCode::ACCEPTED, Json(receipt)).into_response(), Became::Event(event))
        }
        Err(IngestError::NoEvent) => {
            let receipt = Receipt { event_id: None, duplicate: false };
            about((StatusCode::OK, Json(receipt)).into_response(), Became::NoEvent)
        }
        Err(error) => refusal(&spec.name, caller, &error).into_response(),
    }
}

/// `response`, with a note beside it of what the request was.
fn about(mut response: Response<Body>, became: Became) -> Response<Body> {
    response.extensions_mut().insert(became);
    response
}

/// The answer to a request that the sender of `spec` never makes: another method, or another
/// address, with the methods that the address takes.
fn elsewhere(spec: &SourceSpec, path: &str) -> (&'static str, Problem, Option<HeaderValue>) {
    let methods = [Method::POST, Method::GET, Method::PUT, Method::OPTIONS];
    let taken = methods.iter().filter(|method| spec.adapter.purpose(method, path).is_some());
    let taken: Vec<&str> = taken.map(Method::as_str).collect();
    if taken.is_empty() {
        let detail = format!("Nothing is received here; webhooks of this source go to /hooks/{}.", spec.name);
        return ("no_such_path", Problem::new(StatusCode::NOT_FOUND, "no such address", detail), None);
    }
    let detail = format!("Webhooks are sent with {}.", taken.first().copied().unwrap_or("POST"));
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong method", detail);
    ("wrong_method", problem, HeaderValue::from_str(&taken.join(", ")).ok())
}

/// Says that a webhook came for `name`, which is no source: once in a while, as anybody can
/// send any number of them.
fn stranger(relay: &Relay, snapshot: &Snapshot, name: &str, caller: SocketAddr) {
    let name: String = name.chars().take(SOURCE_CHARS_SHOWN).collect();
    let meant = did_you_mean(&name, snapshot.senders().map(|spec| spec.name.as_ref()));
    let why = format!("there is no such source{meant}");
    if relay.shared.strangers.is_news(&name, relay.shared.clock.elapsed()) {
        tracing::warn!(source = name, %caller, why, "a webhook was refused");
    } else {
        tracing::debug!(source = name, %caller, why, "a webhook was refused");
    }
}

fn count(relay: &Relay, source: &str, reason: &'static str) {
    relay.shared.metrics.refused.get_or_create_owned(&Refused { source: source.to_owned(), reason }).inc();
}

/// Reads the body within its limits.
async fn read(spec: &SourceSpec, headers: &HeaderMap, body: Body) -> Result<Bytes, (&'static str, Problem)> {
    let unsupported = |reason, title, detail| (reason, Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, title, detail));
    // What a source never refuses is kept as it came, to be looked at.
    let refuses = spec.unread == Unread::Refused;
    if refuses && !is_plain(headers) {
        return Err(unsupported("compressed", "compressed", "Send the body as it is, without Content-Encoding."));
    }
    if refuses && !spec.adapter.reads(media_type(headers).as_deref()) {
        let detail = "This source reads JSON: send Content-Type: application/json.";
        return Err(unsupported("not_json", "not JSON", detail));
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
        Ok(Ok(body)) => Ok(body),
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

/// Whether the body is not compressed.
fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// What the sender learns of a refusal: nothing about other sources, nothing of the inside.
pub(super) fn refusal(source: &str, caller: SocketAddr, error: &IngestError) -> Problem {
    let problem = match error {
        IngestError::Refused(refusal) => {
            tracing::warn!(source, %caller, why = %refusal, "a webhook was refused");
            let detail = format!("{refusal}; {}.", refusal.reason.help());
            Problem::new(StatusCode::UNAUTHORIZED, "not authenticated", detail).challenge(refusal.challenge)
        }
        IngestError::Malformed(malformed) => {
            tracing::warn!(source, %caller, why = malformed.why, "a webhook was refused");
            Problem::new(StatusCode::BAD_REQUEST, "malformed", malformed.why.clone())
        }
        IngestError::NoEvent => Problem::new(StatusCode::OK, "no event", error.to_string()),
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
    };
    problem.because(error.reason())
}
