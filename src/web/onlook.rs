//! What came of a webhook, noted for people: refusals of each source, and arrivals for
//! whoever looks on.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::Response;
use axum::http::request::Parts;
use bytes::Bytes;

use crate::config::{Snapshot, SourceSpec};
use crate::relay::Relay;
use crate::relay::books::LastRefusal;
use crate::relay::capture::{Became, Captured, shown};

/// What a response says, for people; beside the response, never in it.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// Why it is refused, by the metric's word where it counts it; otherwise what it is.
    pub(super) reason: &'static str,
    /// What happened this time.
    pub(super) detail: String,
}

/// A request while it is answered.
pub(super) struct Onlooker<'a> {
    relay: &'a Relay,
    spec: &'a SourceSpec,
    caller: SocketAddr,
    /// What arrived, where somebody looks on.
    arrived: Option<Captured>,
}

impl<'a> Onlooker<'a> {
    /// Looks on at a request whose head is `head`, for the address `path` of `spec`.
    pub(super) fn of(
        relay: &'a Relay,
        snapshot: &Snapshot,
        spec: &'a SourceSpec,
        caller: SocketAddr,
        head: &Parts,
        path: &str,
    ) -> Self {
        let shared = &relay.shared;
        let arrived = shared.captures.is_watched(&spec.name, shared.clock.as_ref()).then(|| Captured {
            number: 0,
            source: spec.name.to_string(),
            at: shared.clock.now(),
            caller: caller.ip().to_string(),
            line: (head.method.to_string(), path.to_owned()),
            headers: shown(&head.headers, &snapshot.scrubber),
            body: Bytes::new(),
            status: 0,
            refused: None,
            became: None,
        });
        Self { relay, spec, caller, arrived }
    }

    /// Notes what came of it: `response`, to a request with `body`.
    pub(super) fn note(self, response: &Response<Body>, body: Bytes) {
        let status = response.status();
        let told = response.extensions().get::<Told>().filter(|_| status.is_client_error() || status.is_server_error());
        let shared = &self.relay.shared;
        let became = response.extensions().get::<Became>().copied();
        // What became an event was taken, whatever its sender is told of it.
        if let Some(told) = told.filter(|_| !matches!(became, Some(Became::Event(_)))) {
            let caller = Some(self.caller.ip().to_string());
            let refusal = LastRefusal { at: shared.clock.now(), why: told.detail.clone(), caller };
            shared.books.refused(&self.spec.name, told.reason, refusal);
        }
        if let Some(mut arrived) = self.arrived {
            arrived.body = body;
            arrived.status = status.as_u16();
            arrived.refused = told.map(|told| told.detail.clone());
            arrived.became = became;
            shared.captures.keep(arrived);
        }
    }
}
