//! The stand-in of Jira: issues, their comments and their way to done, in both versions of the API.

pub mod adf;
pub mod check;
mod count;
mod issue;
mod jql;
mod wiki;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use base64::Engine as _;
use serde_json::{Value, json};

use self::check::Version;
use super::picture::Picture;
use super::shared::{Shared, is_json};
use super::{EMAIL, Received, TOKEN};
use crate::ports::Clock;
use crate::ports::system::SystemClock;

/// What Jira says about a body that it cannot read.
const BAD_PAYLOAD: &str = "Invalid request payload. Refer to the REST API documentation and try again.";

/// What the handlers share.
#[derive(Debug)]
struct Site {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// What became of the issues since they were created, by key.
    issues: Mutex<BTreeMap<String, issue::Course>>,
}

/// The addresses of the stand-in.
pub(super) fn router(shared: Arc<Shared>, address: SocketAddr) -> Router {
    Router::new()
        .route("/rest/api/3/issue", post(|site, headers, body| create(Version::V3, site, headers, body)))
        .route("/rest/api/2/issue", post(|site, headers, body| create(Version::V2, site, headers, body)))
        .route("/rest/api/{version}/issue/{key}", get(issue::read).put(issue::edit))
        .route("/rest/api/{version}/issue/{key}/comment", get(issue::comments).post(issue::comment))
        .route("/rest/api/{version}/issue/{key}/transitions", get(issue::transitions).post(issue::transition))
        .route("/rest/api/3/search/jql", post(|site, headers, body| search(Version::V3, site, headers, body)))
        .route("/rest/api/2/search", post(|site, headers, body| search(Version::V2, site, headers, body)))
        .route("/rest/api/3/search/approximate-count", post(count::approximate))
        .route("/rest/api/3/search", any(removed))
        .route(
            "/rest/api/3/issue/createmeta/{project}/issuetypes",
            get(|site, at, headers| types(Version::V3, site, at, headers)),
        )
        .route(
            "/rest/api/2/issue/createmeta/{project}/issuetypes",
            get(|site, at, headers| types(Version::V2, site, at, headers)),
        )
        .with_state(Arc::new(Site { shared, address, issues: Mutex::default() }))
}

impl Site {
    fn issues(&self) -> MutexGuard<'_, BTreeMap<String, issue::Course>> {
        self.issues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, status: StatusCode, answer: &Value) -> Response {
        self.shared.refuse((status, Json(answer.clone())).into_response(), &format!("{status}: {answer}"))
    }

    /// The answer to who writes faster than the burst limit allows.
    fn slow(&self, wait: Duration) -> Response {
        let seconds = wait.as_secs().max(1);
        let reset = SystemClock::start().now().plus(Duration::from_secs(seconds));
        let answer = json!({"errorMessages": ["Rate limit exceeded."], "errors": {}});
        let headers = [
            ("retry-after", seconds.to_string()),
            ("x-ratelimit-limit", "100".to_owned()),
            ("x-ratelimit-remaining", "0".to_owned()),
            ("x-ratelimit-reset", reset.to_string()),
            ("ratelimit-reason", "jira-burst-based".to_owned()),
        ];
        (headers, self.refuse(StatusCode::TOO_MANY_REQUESTS, &answer)).into_response()
    }

    /// The body of a request by somebody who may make it.
    fn body(&self, headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Box<Response>> {
        self.admit(headers)?;
        if let Some(wait) = self.shared.too_fast() {
            return Err(Box::new(self.slow(wait)));
        }
        if !is_json(headers) {
            let answer = json!({"errorMessages": ["Unsupported Media Type"], "errors": {}});
            return Err(Box::new(self.refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, &answer)));
        }
        serde_json::from_slice(bytes).map_err(|_| {
            let answer = json!({"errorMessages": [BAD_PAYLOAD], "errors": {}});
            Box::new(self.refuse(StatusCode::BAD_REQUEST, &answer))
        })
    }

    /// Whether somebody asks who may.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Box<Response>> {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{EMAIL}:{TOKEN}"));
        let credential = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if credential != format!("Basic {basic}") && credential != format!("Bearer {TOKEN}") {
            let answer =
                json!({"errorMessages": ["Client must be authenticated to access this resource."], "errors": {}});
            return Err(Box::new(self.refuse(StatusCode::UNAUTHORIZED, &answer)));
        }
        Ok(())
    }
}

/// Which issue types may be created in a project; every key that can be one is one.
async fn types(
    version: Version,
    State(site): State<Arc<Site>>,
    Path(project): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(answer) = site.admit(&headers) {
        return *answer;
    }
    if !check::is_key(&project) {
        let answer = json!({"errorMessages": ["No project could be found with key or id."], "errors": {}});
        return site.refuse(StatusCode::NOT_FOUND, &answer);
    }
    let all: Vec<Value> =
        (10_001..).zip(check::ISSUE_TYPES).map(|(id, name)| json!({"id": format!("{id}"), "name": name})).collect();
    let list = if version == Version::V3 { "issueTypes" } else { "values" };
    Json(json!({"startAt": 0, "maxResults": 50, "total": all.len(), list: all})).into_response()
}

async fn create(version: Version, State(site): State<Arc<Site>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = match site.body(&headers, &bytes) {
        Ok(body) => body,
        Err(answer) => return *answer,
    };
    if let Err(refusal) = check::check(&body, version) {
        return site.refuse(StatusCode::BAD_REQUEST, &refusal.answer());
    }
    let project = body["fields"]["project"]["key"].as_str().unwrap_or_default().to_owned();
    let order = site.shared.accept("issue", body, headers, |order, body| draw(&key(&project, order), body));
    let key = key(&project, order);
    site.issues().insert(key.clone(), issue::Course::default());
    let id = (10_000 + order).to_string();
    let version = if version == Version::V3 { 3 } else { 2 };
    let myself = format!("http://{}/rest/api/{version}/issue/{id}", site.address);
    (StatusCode::CREATED, Json(json!({"id": id, "key": key, "self": myself}))).into_response()
}

/// The key of the issue that came in this place: numbers rise by one over all projects.
fn key(project: &str, order: usize) -> String {
    format!("{project}-{}", order + 1)
}

fn project_of(issue: &Received) -> &str {
    issue.body["fields"]["project"]["key"].as_str().unwrap_or_default()
}

/// Finds issues by one label, which is all the relay asks for.
async fn search(version: Version, State(site): State<Arc<Site>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = match site.body(&headers, &bytes) {
        Ok(body) => body,
        Err(answer) => return *answer,
    };
    let known: &[&str] = match version {
        Version::V3 => &["jql", "fields", "maxResults", "nextPageToken", "reconcileIssues", "expand", "properties"],
        Version::V2 => &["jql", "fields", "maxResults", "startAt", "validateQuery", "expand"],
    };
    if body.as_object().is_none_or(|map| map.keys().any(|key| !known.contains(&key.as_str()))) {
        let answer = json!({"errorMessages": [BAD_PAYLOAD], "errors": {}});
        return site.refuse(StatusCode::BAD_REQUEST, &answer);
    }
    let jql = body["jql"].as_str().unwrap_or_default();
    if version == Version::V2 && body["maxResults"] == 0 {
        return match count::of(&site, jql) {
            Ok(total) => Json(json!({"startAt": 0, "maxResults": 0, "total": total, "issues": []})).into_response(),
            Err(answer) => *answer,
        };
    }
    let Some(label) = jql.split_once("labels = \"").and_then(|(_, rest)| rest.split_once('"')).map(|(label, _)| label)
    else {
        let what = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.";
        return site.refuse(StatusCode::BAD_REQUEST, &json!({"errorMessages": [what], "errors": {}}));
    };
    let lag = site.shared.search_lag();
    let found = site.shared.find(|issue| {
        if issue.kind != "issue" || issue.at.elapsed() < lag {
            return None;
        }
        let labels = issue.body["fields"]["labels"].as_array()?;
        labels.iter().any(|one| one == label).then(|| (issue.at_order, project_of(issue).to_owned(), labels.clone()))
    });
    let issues: Vec<Value> = found
        .into_iter()
        .map(|(order, project, labels)| {
            let id = (10_000 + order).to_string();
            // Without `fields`, Cloud tells the ids alone.
            if version == Version::V3 && body.get("fields").is_none() {
                return json!({"id": id});
            }
            json!({"id": id, "key": key(&project, order), "fields": {"labels": labels}})
        })
        .collect();
    match version {
        Version::V3 => Json(json!({"issues": issues, "isLast": true})).into_response(),
        Version::V2 => {
            let total = issues.len();
            Json(json!({"startAt": 0, "maxResults": 50, "total": total, "issues": issues})).into_response()
        }
    }
}

async fn removed(State(site): State<Arc<Site>>) -> Response {
    let what = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. \
                A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046";
    site.refuse(StatusCode::GONE, &json!({"errorMessages": [what], "errors": {}}))
}

/// Draws the issue `key` that `body` creates; the form of its description tells the API.
pub(super) fn draw(key: &str, body: &Value) -> String {
    let fields = &body["fields"];
    let mut picture = Picture::default();
    picture.text(fields["summary"].as_str().unwrap_or_default());
    picture.gap();
    match fields["description"].as_str() {
        Some(markup) => wiki::draw(markup, &mut picture),
        None => adf::draw(&fields["description"], &mut picture),
    }
    let labels = fields["labels"].as_array().map(Vec::as_slice).unwrap_or_default();
    let labels: Vec<&str> = labels.iter().filter_map(Value::as_str).collect();
    picture.gap();
    picture.fields(&[("Labels".to_owned(), labels.join(", "))]);
    let head = [&fields["issuetype"]["name"], &fields["priority"]["name"]];
    let head: Vec<&str> = head.into_iter().filter_map(Value::as_str).collect();
    picture.framed(&format!("Jira · {key} · {}", head.join(" · ")))
}
