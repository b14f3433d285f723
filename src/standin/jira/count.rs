//! How many issues a query finds: Cloud's `approximate-count`, Data Center's search for nothing.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::jql::{self, Seen};
use super::{BAD_PAYLOAD, Site, issue, key, project_of};

/// The priority of an issue that names none.
pub(super) const PRIORITY: &str = "Medium";

/// `POST /rest/api/3/search/approximate-count`: its body is the query and nothing else.
pub(super) async fn approximate(State(site): State<Arc<Site>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = match site.body(&headers, &bytes) {
        Ok(body) => body,
        Err(answer) => return *answer,
    };
    let jql = match (body.as_object(), body["jql"].as_str()) {
        (Some(map), Some(jql)) if map.len() == 1 => jql,
        _ => {
            let answer = json!({"errorMessages": [BAD_PAYLOAD], "errors": {}});
            return site.refuse(StatusCode::BAD_REQUEST, &answer);
        }
    };
    match of(&site, jql) {
        Ok(count) => Json(json!({"count": count})).into_response(),
        Err(answer) => *answer,
    }
}

/// How many issues `jql` finds, or the refusal of it.
pub(super) fn of(site: &Site, jql: &str) -> Result<usize, Box<Response>> {
    let query = jql::read(jql).map_err(|what| {
        let answer = json!({"errorMessages": [what], "errors": {}});
        Box::new(site.refuse(StatusCode::BAD_REQUEST, &answer))
    })?;
    let courses = site.issues();
    let name = |value: &Value| value["name"].as_str().map(str::to_owned);
    Ok(site
        .shared
        .received()
        .iter()
        .filter(|received| received.kind == "issue")
        .filter(|received| {
            let fields = &received.body["fields"];
            let project = project_of(received);
            let category = courses.get(&key(project, received.at_order)).map_or("new", issue::Course::category);
            let priority = name(&fields["priority"]).unwrap_or_else(|| PRIORITY.to_owned());
            let issue_type = name(&fields["issuetype"]).unwrap_or_default();
            let labels = fields["labels"].as_array().map(Vec::as_slice).unwrap_or_default();
            let labels = labels.iter().filter_map(Value::as_str).collect();
            jql::finds(&query, &Seen { project, issue_type: &issue_type, priority: &priority, category, labels })
        })
        .count())
}
