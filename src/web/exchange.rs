//! The request for a defect, answered while its sender waits.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;

use crate::config::{CreateDefect, Late, SourceSpec};
use crate::relay::Relay;
use crate::relay::answering::Answered;
use crate::relay::capture::Became;
use crate::source::RawHook;

use super::hooks::refusal;
use super::problem::Problem;

/// When to ask again for an issue that is not there yet, in seconds.
const RETRY_SECONDS: u32 = 15;

/// The answer to who asks for an issue that is not there yet.
#[derive(Debug, Serialize)]
struct Pending {
    event_id: String,
    status: &'static str,
    detail: String,
}

/// Accepts the request `hook` and answers it as `wanted` says.
pub(super) async fn answer(
    relay: &Relay,
    source: &SourceSpec,
    wanted: &CreateDefect,
    hook: RawHook,
    caller: SocketAddr,
) -> Response<Body> {
    let answered = match relay.create_defect(source, wanted, hook).await {
        Ok(answered) => answered,
        Err(error) => return refusal(&source.name, caller, &error).into_response(),
    };
    let event = match &answered {
        Answered::Issue(_) => None,
        Answered::Late { event, .. }
        | Answered::Held { event, .. }
        | Answered::Declined { event, .. }
        | Answered::Failed { event, .. }
        | Answered::Unread { event } => Some(*event),
    };
    let mut response = said(source, wanted, answered);
    if let Some(event) = event {
        response.extensions_mut().insert(Became::Event(event));
    }
    response
}

/// The answer in words.
fn said(source: &SourceSpec, wanted: &CreateDefect, answered: Answered) -> Response<Body> {
    match answered {
        Answered::Issue(body) => Json(body).into_response(),
        Answered::Late { event, why } => {
            let reason = why.map(|why| format!(" It waits because {}.", why.trim_end_matches('.'))).unwrap_or_default();
            let detail =
                format!("The issue is being created.{reason} Ask again to get its key; there will be only one.");
            match wanted.late {
                Late::Accepted => {
                    let pending = Pending { event_id: event.to_string(), status: "pending", detail };
                    (StatusCode::ACCEPTED, Json(pending)).into_response()
                }
                Late::TimedOut => Problem::new(StatusCode::GATEWAY_TIMEOUT, "not created yet", detail)
                    .retry_after(RETRY_SECONDS)
                    .into_response(),
            }
        }
        Answered::Held { event, why } => {
            tracing::warn!(source = &*source.name, event.id = %event, why, "a defect was asked for while its tracker is held");
            let why = why.trim_end_matches('.');
            let detail = format!(
                "The issue is not created yet: {why}. An administrator must mend that; then the issue is created, and \
                 there will be only one. Ask again then to get its key."
            );
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the tracker cannot be used", detail).into_response()
        }
        Answered::Declined { event, why } => {
            tracing::warn!(source = &*source.name, event.id = %event, why, "a defect was asked for and the rules decline it");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no issue by the rules", why).into_response()
        }
        Answered::Failed { event, why } => {
            tracing::warn!(source = &*source.name, event.id = %event, why, "a defect was asked for and could not be created");
            let detail = format!("{}. Once that is mended, ask again.", why.trim_end_matches('.'));
            Problem::new(StatusCode::BAD_GATEWAY, "not created", detail).into_response()
        }
        Answered::Unread { event } => {
            let detail = "The request was kept, but it could not be read; see `relaybell events show` of this event.";
            let pending = Pending { event_id: event.to_string(), status: "unread", detail: detail.to_owned() };
            (StatusCode::ACCEPTED, Json(pending)).into_response()
        }
    }
}
