//! The stand-in of Qase's API: tells what it was given, to who has the token.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::TOKEN;
use super::shared::Shared;

/// How many entities a page has at most, and unless it is said.
const PAGE: [usize; 2] = [100, 10];

/// What can be asked of one entity, and of the list of them, beside `limit` and `offset`.
const ENTITIES: [(&str, &[&str], &[&str]); 6] = [
    ("defect", &[], &["status"]),
    ("run", &["include"], &["search", "status", "from_start_time", "to_start_time", "include"]),
    ("case", &["include"], &["search", "severity", "priority", "include"]),
    ("project", &[], &[]),
    ("user", &[], &[]),
    ("author", &[], &["search", "type"]),
];

/// The addresses of the stand-in.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/v1/{*path}", get(tell)).with_state(shared)
}

async fn tell(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let refuse = |status: StatusCode, why: &str| {
        let body = json!({ "status": false, "errorMessage": why });
        shared.refuse((status, axum::Json(body)).into_response(), &format!("GET /{path}: {why}"))
    };
    match headers.get("token").map(|token| token.as_bytes() == TOKEN.as_bytes()) {
        Some(true) => {}
        _ => return refuse(StatusCode::UNAUTHORIZED, "Unauthenticated."),
    }
    if let Some(wait) = shared.too_fast() {
        let seconds = wait.as_secs().max(1).to_string();
        let answer = refuse(StatusCode::TOO_MANY_REQUESTS, "API rate limit exceeded.");
        return ([("retry-after", seconds)], answer).into_response();
    }
    let parts: Vec<&str> = path.split('/').collect();
    let query = query.unwrap_or_default();
    let asked: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    let named = |pair: &str| pair.split(['=', '[', '%']).next().unwrap_or_default().to_owned();
    let Some((entity, of_one, of_list)) = ENTITIES.into_iter().find(|(entity, ..)| *entity == parts[0]) else {
        return refuse(StatusCode::NOT_FOUND, "Not Found");
    };
    // Projects, users and authors stand above projects, the rest within one.
    let above = matches!(entity, "project" | "user" | "author");
    let is_list = parts.len() == if above { 1 } else { 2 };
    if !is_list && parts.len() != if above { 2 } else { 3 } {
        return refuse(StatusCode::NOT_FOUND, "Not Found");
    }
    let known = |name: &String| {
        let paging = is_list && matches!(name.as_str(), "limit" | "offset");
        paging || (if is_list { of_list } else { of_one }).contains(&name.as_str())
    };
    if let Some(strange) = asked.iter().map(|pair| named(pair)).find(|name| !known(name)) {
        return refuse(StatusCode::BAD_REQUEST, &format!("Data is invalid: unknown parameter {strange}"));
    }
    let number = |name: &str| asked.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
    let result = if is_list {
        let limit = number("limit").unwrap_or(PAGE[1]);
        if limit == 0 || limit > PAGE[0] {
            return refuse(StatusCode::BAD_REQUEST, "Data is invalid: limit must be from 1 to 100");
        }
        list(&shared.things(&format!("{path}/")), limit, number("offset").unwrap_or(0))
    } else {
        match shared.thing(&path) {
            Some(thing) => thing,
            None => {
                let mut name = entity.to_owned();
                name[..1].make_ascii_uppercase();
                return refuse(StatusCode::NOT_FOUND, &format!("{name} not found"));
            }
        }
    };
    axum::Json(json!({ "status": true, "result": result })).into_response()
}

fn list(all: &[Value], limit: usize, offset: usize) -> Value {
    let page: Vec<&Value> = all.iter().skip(offset).take(limit).collect();
    json!({ "total": all.len(), "filtered": all.len(), "count": page.len(), "entities": page })
}
