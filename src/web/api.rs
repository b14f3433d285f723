//! What commands ask of a running relay.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::delivery::State as DeliveryState;
use crate::domain::stage::Stage;
use crate::domain::time::Timestamp;
use crate::relay::Relay;
use crate::relay::ingest::IngestError;
use crate::relay::manage::{Deed, Managed, Selection};
use crate::relay::reload::Reloaded;
use crate::relay::replan::{Chosen, Replanned};
use crate::store::{DeliveryFilter, StoreError};

use super::problem::Problem;
use super::{Caller, guard};

/// Which deliveries a request is about: one by `id`, or all that fit the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selected {
    /// One delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Those in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<DeliveryState>,
    /// Those of this destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Those of this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Those of this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Those made since then, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why they are dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Selected {
    /// The selection, checked.
    ///
    /// # Errors
    /// When an id is none, or nothing at all is named.
    pub fn selection(&self) -> Result<Selection, String> {
        if let Some(id) = &self.id {
            return id.parse().map(Selection::One).map_err(|_| format!("'{id}' is no delivery id"));
        }
        let event = match &self.event {
            Some(id) => Some(id.parse().map_err(|_| format!("'{id}' is no event id"))?),
            None => None,
        };
        let filter = DeliveryFilter {
            state: self.state,
            destination: self.destination.clone(),
            rule: self.rule.clone(),
            event,
            since: self.since,
        };
        if filter == DeliveryFilter::default() {
            return Err("name a delivery or a filter".to_owned());
        }
        Ok(Selection::All(filter))
    }
}

/// Which events a request is about: one by `id`, or all that are quarantined or broken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectedEvents {
    /// One event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Those that could not be read.
    #[serde(default)]
    pub quarantined: bool,
    /// Those whose planning failed.
    #[serde(default)]
    pub broken: bool,
    /// Of those, only those of this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl SelectedEvents {
    /// The selection, checked.
    ///
    /// # Errors
    /// When the id is none, or not exactly one kind of selection is named.
    pub fn chosen(&self) -> Result<Chosen, String> {
        let all = |stage| Ok(Chosen::All { stage, source: self.source.clone() });
        match (&self.id, self.quarantined, self.broken) {
            (Some(id), false, false) if self.source.is_none() => {
                id.parse().map(Chosen::One).map_err(|_| format!("'{id}' is no event id"))
            }
            (None, true, false) => all(Stage::Quarantined),
            (None, false, true) => all(Stage::Broken),
            (None, false, false) => Err("name an event, or all that are quarantined or broken".to_owned()),
            _ => Err("name one event, or all that are quarantined, or all that are broken".to_owned()),
        }
    }
}

/// `POST /api/v1/events/replan`.
pub(super) async fn replan(
    State(relay): State<Relay>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let selected: SelectedEvents = guard::asked(&relay, &headers, caller, &body)?;
    let chosen = selected.chosen().map_err(malformed)?;
    let replanned = relay.replan(&chosen).await.map_err(store_problem)?;
    Ok(Json(replanned_json(&replanned)))
}

/// A webhook that never came.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Injected {
    source: String,
    /// How a repetition is recognised.
    key: String,
    body: String,
}

/// `POST /api/v1/events/inject`.
pub(super) async fn inject(
    State(relay): State<Relay>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let injected: Injected = guard::asked(&relay, &headers, caller, &body)?;
    let snapshot = relay.shared.current.load_full();
    let Some(spec) = snapshot.senders().find(|spec| *spec.name == *injected.source) else {
        let detail = format!("there is no source '{}'", injected.source);
        return Err(Problem::new(StatusCode::NOT_FOUND, "unknown source", detail));
    };
    match relay.inject(spec, &injected.key, injected.body.into()).await {
        Ok(accepted) => Ok(Json(json!({ "event_id": accepted.event.to_string(), "duplicate": accepted.duplicate }))),
        Err(IngestError::Store(error)) => Err(store_problem(error)),
        Err(error) => Err(malformed(error.to_string())),
    }
}

/// What was planned again, as commands and the API show it.
#[must_use]
pub fn replanned_json(replanned: &Replanned) -> Value {
    let ids = |ids: &[crate::domain::ids::EventId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "done": ids(&replanned.done),
        "awaiting": ids(&replanned.awaiting),
        "refused": replanned.refused.iter()
            .map(|(id, why)| json!({ "id": id.to_string(), "why": why })).collect::<Vec<_>>(),
    })
}

fn malformed(why: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", why)
}

fn store_problem(error: StoreError) -> Problem {
    match error {
        StoreError::Refused(why) => Problem::new(StatusCode::CONFLICT, "refused", why),
        other => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store unavailable", other.to_string()).retry_after(5),
    }
}

/// `POST /-/reload`.
pub(super) async fn reload(
    State(relay): State<Relay>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    guard::admin(&relay.shared.current.load().server.admin_tokens, &headers, caller)?;
    match relay.reload().await {
        Ok(done) => {
            let revision = relay.shared.current.load().revision.to_string();
            Ok(Json(json!({ "changed": done == Reloaded::Changed, "revision": revision })))
        }
        Err(diagnostics) => {
            let detail = "The last good configuration stays in force.";
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "configuration rejected", detail);
            Err(problem.errors(diagnostics.to_json()))
        }
    }
}

/// `POST /api/v1/deliveries/retry`.
pub(super) async fn retry(
    State(relay): State<Relay>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    act(&relay, &guard::asked(&relay, &headers, caller, &body)?, &Deed::Retry).await
}

/// `POST /api/v1/deliveries/drop`.
pub(super) async fn drop_deliveries(
    State(relay): State<Relay>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let selected: Selected = guard::asked(&relay, &headers, caller, &body)?;
    let why = selected.reason.clone().unwrap_or_else(|| "dropped by hand".to_owned());
    act(&relay, &selected, &Deed::Drop { why }).await
}

async fn act(relay: &Relay, selected: &Selected, deed: &Deed) -> Result<Json<Value>, Problem> {
    let selection = selected.selection().map_err(malformed)?;
    let managed = relay.manage(&selection, deed).await.map_err(store_problem)?;
    Ok(Json(as_json(&managed)))
}

/// What was done, as commands and the API show it.
#[must_use]
pub fn as_json(managed: &Managed) -> Value {
    json!({
        "done": managed.done.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "refused": managed.refused.iter()
            .map(|(id, why)| json!({ "id": id.to_string(), "why": why })).collect::<Vec<_>>(),
    })
}
