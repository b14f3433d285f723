//! `/healthz`, `/readyz` and `/metrics`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::relay::Relay;
use crate::telemetry::OfDestination;

/// The content type of the OpenMetrics text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The process is alive.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether webhooks should come here: the store is reachable, rules are loaded, and the
/// relay is not about to stop. A rejected configuration on disk is shown, but the last good
/// one serves, so it is no reason to be unready.
pub(super) async fn ready(State(relay): State<Relay>) -> Response<Body> {
    let snapshot = relay.shared.current.load_full();
    let last = relay.last_reload();
    let store = relay.shared.store.probe().await;
    let held = relay.shared.ledger.held().await.unwrap_or_default();
    let mut config = json!({
        "ok": last.rejected.is_none(),
        "revision": &*snapshot.revision,
        "loaded": last.loaded.to_string(),
        "warnings": relay.warnings().to_json(),
    });
    if let Some((since, diagnostics)) = &last.rejected {
        config["rejected_since"] = since.to_string().into();
        config["errors"] = json!(diagnostics.errors().collect::<Vec<_>>());
    }
    let stopping = relay.shared.stop.is_cancelled();
    let ready = store.is_ok() && !stopping;
    let body = json!({
        "ready": ready,
        "stopping": stopping,
        "store": store.err().map_or_else(|| json!({ "ok": true }), |error| json!({ "ok": false, "error": error.to_string() })),
        "config": config,
        "rules": snapshot.rules.rules().len(),
        "destinations_held": held.iter().map(|hold| json!({
            "destination": &*hold.destination, "since": hold.since.to_string(), "why": hold.why,
        })).collect::<Vec<Value>>(),
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

/// All metrics.
pub(super) async fn metrics(State(relay): State<Relay>) -> Response<Body> {
    let metrics = &relay.shared.metrics;
    match relay.shared.ledger.depths().await {
        Ok(depths) => {
            let now = relay.shared.clock.now();
            metrics.queue_depth.clear();
            metrics.queue_oldest_seconds.clear();
            metrics.dead_letters.clear();
            let snapshot = relay.shared.current.load_full();
            let empty = snapshot.destinations.keys().map(|name| (name.to_string(), 0, 0, None));
            let known = depths.into_iter().map(|depth| (depth.destination, depth.unfinished, depth.dead, depth.oldest));
            for (destination, unfinished, dead, oldest) in empty.chain(known) {
                let label = OfDestination { destination };
                let age = oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
                metrics.queue_depth.get_or_create_owned(&label).set(i64::try_from(unfinished).unwrap_or(i64::MAX));
                metrics.dead_letters.get_or_create_owned(&label).set(i64::try_from(dead).unwrap_or(i64::MAX));
                metrics.queue_oldest_seconds.get_or_create_owned(&label).set(age);
            }
        }
        Err(error) => tracing::warn!(%error, "queue depths could not be read for /metrics"),
    }
    ([(CONTENT_TYPE, OPEN_METRICS)], metrics.text()).into_response()
}
