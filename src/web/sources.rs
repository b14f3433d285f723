//! What people ask of the sources: what came, what was refused, what arrives now.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::relay::Relay;
use crate::relay::capture::{Became, Captured};

use super::problem::Problem;
use super::{Caller, guard};

/// What a capture asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// The source.
    pub source: String,
    /// The number of the last arrival that is known; without it, only what arrives from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// `GET /api/v1/sources`.
pub(super) async fn list(
    State(relay): State<Relay>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let snapshot = relay.shared.current.load_full();
    guard::admin(&snapshot.server.admin_tokens, &headers, caller)?;
    let sources: Vec<Value> = snapshot
        .senders()
        .map(|spec| {
            let book = relay.shared.books.of(&spec.name);
            let refusal = book
                .last_refusal
                .as_ref()
                .map(|last| json!({ "at": last.at.to_string(), "why": last.why, "caller": last.caller }));
            json!({
                "name": &*spec.name, "kind": spec.kind, "accepted": book.accepted, "duplicates": book.duplicates,
                "no_event": book.no_events, "last_no_event": book.last_no_event.map(|at| at.to_string()),
                "refused": book.refused, "last_refusal": refusal, "last": book.last.map(|at| at.to_string()),
            })
        })
        .collect();
    Ok(Json(json!({ "since": relay.shared.began.to_string(), "sources": sources })))
}

/// `POST /api/v1/sources/capture`.
pub(super) async fn capture(
    State(relay): State<Relay>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let look: Look = guard::asked(&relay, &headers, caller, &body)?;
    let snapshot = relay.shared.current.load_full();
    if !snapshot.senders().any(|spec| *spec.name == *look.source) {
        let detail = format!("There is no source '{}'.", look.source);
        return Err(Problem::new(StatusCode::NOT_FOUND, "unknown source", detail));
    }
    let shared = &relay.shared;
    let (next, found) = shared.captures.look(&look.source, look.after, shared.clock.as_ref()).await;
    let mut webhooks = Vec::new();
    for one in &found {
        webhooks.push(told(&relay, one).await);
    }
    Ok(Json(json!({ "next": next, "webhooks": webhooks })))
}

/// One arrival, with the facts that its event has by now.
async fn told(relay: &Relay, one: &Captured) -> Value {
    let scrubber = &relay.shared.current.load_full().scrubber;
    let record = match one.event() {
        Some(event) => relay.shared.ledger.event(event).await.unwrap_or_default(),
        None => None,
    };
    let facts = record.as_ref().map(|record| json!({ "event": record.name, "facts": record.facts["values"] }));
    json!({
        "at": one.at.to_string(), "caller": one.caller, "method": one.line.0, "path": one.line.1,
        "headers": one.headers, "body": scrubber.scrub(&String::from_utf8_lossy(&one.body)),
        "status": one.status, "refused": one.refused, "event_id": one.event().map(|event| event.to_string()),
        "was": one.became.map(Became::word), "read": facts,
    })
}
