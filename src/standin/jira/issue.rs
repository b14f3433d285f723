//! What becomes of an issue: comments, edits, and its way from To Do to Done.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::check::{self, Version};
use super::count::PRIORITY;
use super::{BAD_PAYLOAD, Site, adf, project_of, wiki};
use crate::standin::picture::Picture;

/// The statuses of every project with their category; from each one can go to any other.
const STATUSES: [(&str, &str); 3] = [("To Do", "new"), ("In Progress", "indeterminate"), ("Done", "done")];

/// What the screen of the way to Done asks for.
const RESOLUTIONS: [&str; 2] = ["Fixed", "Won't Do"];

/// The course of one issue since it was created.
#[derive(Debug, Default)]
pub(super) struct Course {
    status: usize,
    comments: Vec<Value>,
}

impl Course {
    /// The key of the category of its status.
    pub(super) fn category(&self) -> &'static str {
        STATUSES.get(self.status).map_or("new", |(_, category)| category)
    }
}

type Place = Path<(String, String)>;

fn version_of(word: &str) -> Version {
    if word == "2" { Version::V2 } else { Version::V3 }
}

fn missing(site: &Site) -> Response {
    let what = "Issue does not exist or you do not have permission to see it.";
    site.refuse(StatusCode::NOT_FOUND, &json!({"errorMessages": [what], "errors": {}}))
}

fn refused(site: &Site, what: &str) -> Response {
    site.refuse(StatusCode::BAD_REQUEST, &json!({"errorMessages": [what], "errors": {}}))
}

fn status(place: usize) -> Value {
    let (name, category) = STATUSES[place.min(STATUSES.len() - 1)];
    json!({"name": name, "id": (10_000 + place).to_string(), "statusCategory": {"key": category}})
}

/// What is to be done to the issue `key`, and the place of its status, by somebody who may.
fn written(site: &Site, key: &str, headers: &HeaderMap, bytes: &Bytes) -> Result<(Value, usize), Box<Response>> {
    let body = site.body(headers, bytes)?;
    Ok((body, status_of(site, key)?))
}

/// The place of the status of the issue `key`.
fn status_of(site: &Site, key: &str) -> Result<usize, Box<Response>> {
    let at = site.issues().get(key).map(|course| course.status);
    at.ok_or_else(|| Box::new(missing(site)))
}

/// "Get issue" of the Jira Cloud platform REST API: `fields` names those that are told, parted by commas, and may be given more
/// than once; `-name` leaves one out of all. Without it all are told.
pub(super) async fn read(
    State(site): State<Arc<Site>>,
    Path((version, key)): Place,
    Query(asked): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let at = match site.admit(&headers).and_then(|()| status_of(&site, &key)) {
        Err(answer) => return *answer,
        Ok(at) => at,
    };
    let created = site.shared.find(|one| {
        let is_it = one.kind == "issue" && super::key(project_of(one), one.at_order) == key;
        is_it.then(|| one.body["fields"].as_object().cloned().unwrap_or_default())
    });
    let mut fields = created.unwrap_or_default();
    fields.entry("priority").or_insert_with(|| json!({"name": PRIORITY}));
    fields.insert("status".to_owned(), status(at));
    let asked: Vec<&str> =
        asked.iter().filter(|(name, _)| name == "fields").flat_map(|(_, names)| names.split(',')).collect();
    let all = asked.iter().all(|name| name.starts_with('-')) || asked.iter().any(|name| name.starts_with('*'));
    fields.retain(|name, _| {
        let without = asked.iter().any(|one| one.strip_prefix('-') == Some(name.as_str()));
        (all || asked.contains(&name.as_str())) && !without
    });
    let number: usize = key.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(1);
    let id = (10_000 + number - 1).to_string();
    let myself = format!("http://{}/rest/api/{version}/issue/{id}", site.address);
    Json(json!({"id": id, "self": myself, "key": key, "fields": fields})).into_response()
}

pub(super) async fn edit(
    State(site): State<Arc<Site>>,
    Path((version, key)): Place,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let (body, _) = match written(&site, &key, &headers, &bytes) {
        Ok(written) => written,
        Err(answer) => return *answer,
    };
    let version = version_of(&version);
    if let Err(refusal) = check::check_edit(&body, version) {
        return site.refuse(StatusCode::BAD_REQUEST, &refusal.answer());
    }
    site.shared.accept("edit", body, headers, |_, body| {
        let mut picture = Picture::default();
        picture.text(body["fields"]["summary"].as_str().unwrap_or_default());
        text(&body["fields"]["description"], version, &mut picture);
        picture.framed(&format!("Jira · {key} is now"))
    });
    StatusCode::NO_CONTENT.into_response()
}

pub(super) async fn comments(State(site): State<Arc<Site>>, Path((_, key)): Place, headers: HeaderMap) -> Response {
    if let Err(answer) = site.admit(&headers) {
        return *answer;
    }
    let comments = site.issues().get(&key).map(|course| course.comments.clone());
    match comments {
        None => missing(&site),
        Some(comments) => {
            let latest: Vec<Value> = comments.into_iter().rev().collect();
            Json(json!({"startAt": 0, "total": latest.len(), "comments": latest})).into_response()
        }
    }
}

pub(super) async fn comment(
    State(site): State<Arc<Site>>,
    Path((version, key)): Place,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let (body, _) = match written(&site, &key, &headers, &bytes) {
        Ok(written) => written,
        Err(answer) => return *answer,
    };
    let version = version_of(&version);
    if let Err(refusal) = check::check_comment(&body, version) {
        return site.refuse(StatusCode::BAD_REQUEST, &refusal.answer());
    }
    if let Some(course) = site.issues().get_mut(&key) {
        course.comments.push(body.clone());
    }
    let order = site.shared.accept("comment", body, headers, |_, body| {
        let mut picture = Picture::default();
        text(&body["body"], version, &mut picture);
        picture.framed(&format!("Jira · {key} · comment"))
    });
    (StatusCode::CREATED, Json(json!({"id": (20_000 + order).to_string()}))).into_response()
}

fn text(body: &Value, version: Version, picture: &mut Picture) {
    match version {
        Version::V3 => adf::draw(body, picture),
        Version::V2 => wiki::draw(body.as_str().unwrap_or_default(), picture),
    }
}

/// The id of the transition to the status in this place.
fn id(place: usize) -> String {
    (11 + 10 * place).to_string()
}

pub(super) async fn transitions(State(site): State<Arc<Site>>, Path((_, key)): Place, headers: HeaderMap) -> Response {
    let at = match site.admit(&headers).and_then(|()| status_of(&site, &key)) {
        Ok(at) => at,
        Err(answer) => return *answer,
    };
    let offered: Vec<Value> = (0..STATUSES.len())
        .filter(|place| *place != at)
        .map(|place| {
            let allowed: Vec<Value> = RESOLUTIONS.iter().map(|name| json!({"name": name})).collect();
            let fields = match STATUSES[place].1 {
                "done" => json!({"resolution": {"required": true, "name": "Resolution", "allowedValues": allowed}}),
                _ => json!({}),
            };
            json!({"id": id(place), "name": format!("Move to {}", STATUSES[place].0), "to": status(place), "fields": fields})
        })
        .collect();
    Json(json!({"transitions": offered})).into_response()
}

pub(super) async fn transition(
    State(site): State<Arc<Site>>,
    Path((_, key)): Place,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let (body, at) = match written(&site, &key, &headers, &bytes) {
        Ok(written) => written,
        Err(answer) => return *answer,
    };
    let known = ["transition", "fields", "update"];
    if body.as_object().is_none_or(|map| map.keys().any(|key| !known.contains(&key.as_str()))) {
        return refused(&site, BAD_PAYLOAD);
    }
    // An id is text: a number is refused.
    let wanted = body["transition"]["id"].as_str();
    let Some(place) = (0..STATUSES.len()).find(|place| Some(id(*place).as_str()) == wanted && *place != at) else {
        return refused(&site, "It is not possible to transition the issue with this transition id.");
    };
    let resolution = body["fields"]["resolution"]["name"].as_str();
    let is_done = STATUSES[place].1 == "done";
    if is_done && !resolution.is_some_and(|name| RESOLUTIONS.contains(&name)) {
        let answer = json!({"errorMessages": [], "errors": {"resolution": "Resolution is required."}});
        return site.refuse(StatusCode::BAD_REQUEST, &answer);
    }
    let off_screen = |name: &str| !(is_done && name == "resolution");
    if let Some(name) = body["fields"].as_object().into_iter().flat_map(|map| map.keys()).find(|name| off_screen(name))
    {
        let what = format!("Field '{name}' cannot be set. It is not on the appropriate screen, or unknown.");
        return site.refuse(StatusCode::BAD_REQUEST, &json!({"errorMessages": [], "errors": {name: what}}));
    }
    if let Some(course) = site.issues().get_mut(&key) {
        course.status = place;
    }
    let (from, to) = (STATUSES[at].0, STATUSES[place].0);
    let solved = resolution.map(|name| format!(" ({name})")).unwrap_or_default();
    let picture = format!("Jira · {key} · {from} → {to}{solved}");
    site.shared.accept("transition", body, headers, |_, _| picture);
    StatusCode::NO_CONTENT.into_response()
}
