//! How many defects there are, for Test Manager's dashboard.

use axum::Json;
use axum::body::Body;
use axum::http::header::AGE;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;

use crate::config::SourceSpec;
use crate::relay::Relay;
use crate::relay::counting::critical_page;

use super::problem::Problem;

/// When to ask again after the defects could not be counted, in seconds.
const RETRY_SECONDS: u32 = 15;

/// Says that a newer answer could not be had (RFC 7234, 5.5.2).
const STALE: &str = "111 relaybell \"Revalidation Failed\"";

/// The answer, as UiPath publishes it: `KPIConnectorDefectsDto`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Defects {
    total_defects: u64,
    critical_defects: u64,
    moderate_defects: u64,
    open_defects: u64,
    closed_defects: u64,
    status: String,
    critical_defects_link: Option<String>,
}

/// Answers how many defects the project with the id `asked` has. Its sender is proven.
pub(super) async fn answer(relay: &Relay, source: &SourceSpec, asked: &str) -> Response<Body> {
    let Some(kpis) = &source.exchanges.defect_kpis else {
        let detail = "This source answers no question for defect figures: add 'defect_kpis' to it.";
        return Problem::new(StatusCode::NOT_FOUND, "no figures", detail).into_response();
    };
    let project = match kpis.projects.get(asked) {
        Some(code) => code.as_str(),
        None if kpis.projects.is_empty() => asked,
        None => {
            let detail = format!(
                "No project has the id '{asked}' here: add that id and the project's code to 'projects' of this source."
            );
            return Problem::new(StatusCode::NOT_FOUND, "unknown project", detail).into_response();
        }
    };
    let figures = match relay.figures(kpis, project).await {
        Ok(figures) => figures,
        Err(why) => {
            let detail = format!("The defects could not be counted, and no earlier figures are known: {why}");
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no figures yet", detail)
                .retry_after(RETRY_SECONDS)
                .into_response();
        }
    };
    let snapshot = relay.shared.current.load();
    let counts = figures.counts;
    let body = Defects {
        total_defects: counts.total,
        critical_defects: counts.critical,
        moderate_defects: counts.moderate,
        open_defects: counts.open,
        closed_defects: counts.closed,
        status: kpis.scale.word(&counts).to_owned(),
        critical_defects_link: critical_page(&snapshot, kpis, project),
    };
    let mut response = Json(body).into_response();
    let headers = response.headers_mut();
    headers.insert(AGE, HeaderValue::from(figures.age.as_secs()));
    if figures.failed.is_some() {
        headers.insert(HeaderName::from_static("warning"), HeaderValue::from_static(STALE));
    }
    response
}
