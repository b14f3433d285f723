//! Floor 4: HTTP in. Webhooks, health, metrics, and the API that commands use.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::relay::Relay;

pub mod api;
mod exchange;
mod figures;
mod guard;
mod health;
mod hooks;
mod onlook;
pub mod problem;
pub mod server;
pub mod sources;

pub use hooks::HOOK_BYTES_MAX;

/// The largest request to the API, in bytes. Webhooks have their own limit.
const API_BYTES_MAX: usize = 64 * 1024;

/// The caller's address.
#[derive(Debug, Clone, Copy)]
pub struct Caller(pub SocketAddr);

/// All addresses of the relay.
pub fn router(relay: Relay) -> Router {
    Router::new()
        .route("/hooks/{source}", any(hooks::receive))
        .route("/hooks/{source}/", any(hooks::receive))
        .route("/hooks/{source}/{*path}", any(hooks::receive_below))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/-/reload", post(api::reload))
        .route("/api/v1/sources", get(sources::list))
        .route("/api/v1/sources/capture", post(sources::capture))
        .route("/api/v1/events/inject", post(api::inject))
        .route("/api/v1/events/replan", post(api::replan))
        .route("/api/v1/deliveries/retry", post(api::retry))
        .route("/api/v1/deliveries/drop", post(api::drop_deliveries))
        .fallback(problem::no_such_address)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(API_BYTES_MAX))
        .layer(CatchPanicLayer::custom(problem::from_panic))
        .layer(SetResponseHeaderLayer::overriding(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(SetResponseHeaderLayer::if_not_present(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ))
        .with_state(relay)
}
