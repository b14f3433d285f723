//! The stand-in of UiPath Test Manager: the API that tells of test results, and the hand
//! that presses *Create Defect*.
//!
//! It refuses what the cloud refuses: a client without a name of its own, a wrong scope, a
//! missing or old token, an address without organisation and tenant.

mod results;
mod sender;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use url::form_urlencoded;

pub use results::{PASSED_CASE, wanted};
pub use sender::{Answered, Sender};

use super::shared::Shared;

/// The id of the external application that the stand-in knows.
pub const CLIENT_ID: &str = "6f1c9d2e-stand-in";

/// Its secret.
pub const CLIENT_SECRET: &str = "stand-in-client-secret";

/// The id of the only project, whose prefix is `SHOP`.
pub const PROJECT_ID: &str = "3dae45a4-6fc3-4a10-8c1e-0b49c244dbb8";

/// The way to Test Manager below the address: organisation and tenant come first.
pub const SERVICE_PATH: &str = "/acme/Prod/testmanager_";

/// How long a token lives, in seconds.
const TOKEN_SECONDS: u32 = 3600;

/// The scopes that the application was given.
const SCOPES: [&str; 5] =
    ["TM.Projects.Read", "TM.TestExecutions.Read", "TM.TestCases.Read", "TM.Defects.Read", "TM.Requirements.Read"];

/// Clients that the cloud's front door does not let in.
const STRANGERS: [&str; 3] = ["python-urllib", "curl/", "java/"];

/// What the handlers share.
#[derive(Debug)]
struct Site {
    shared: Arc<Shared>,
}

/// The addresses of the stand-in.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/projects", get(projects))
        .route("/{project}/testcaselogs/testexecution/{execution}/paged", get(logs))
        .route("/{project}/testexecutions/{execution}/withStats", get(stats))
        .route("/{project}/testcaselogartifacts/{log}/assertions", get(assertions))
        .route("/{project}/orchestrator/testexecution/{execution}/robotlogs/paged", get(robot_logs));
    Router::new()
        .route("/acme/identity_/connect/token", post(token))
        .nest(&format!("{SERVICE_PATH}/api/v2"), api)
        .with_state(Arc::new(Site { shared }))
}

type Asked = Query<BTreeMap<String, String>>;
type Refused = Box<Response>;

impl Site {
    fn refuse(&self, status: StatusCode, answer: &Value) -> Refused {
        Box::new(self.shared.refuse((status, Json(answer.clone())).into_response(), &format!("{status}: {answer}")))
    }

    /// Whether the front door lets this client in.
    fn named(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let agent = headers.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let agent = agent.to_ascii_lowercase();
        if agent.is_empty() || STRANGERS.iter().any(|one| agent.starts_with(one)) {
            return Err(self.refuse(
                StatusCode::FORBIDDEN,
                &json!({"error_code": 1010, "error_name": "browser_signature_banned"}),
            ));
        }
        Ok(())
    }

    /// The token that is good now.
    fn token(&self) -> String {
        format!("stand-in-token-{}", self.shared.generation())
    }

    /// Whether somebody asks who may, and for nothing that there is not.
    fn admit(&self, headers: &HeaderMap, asked: &Asked, known: &[&str]) -> Result<(), Refused> {
        self.named(headers)?;
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if bearer != format!("Bearer {}", self.token()) {
            return Err(self.refuse(StatusCode::UNAUTHORIZED, &json!({"message": "Unauthorized"})));
        }
        if let Some(other) = asked.keys().find(|key| !known.contains(&key.as_str())) {
            let answer = json!({"errors": {other: ["The parameter is not known."]}});
            return Err(self.refuse(StatusCode::BAD_REQUEST, &answer));
        }
        Ok(())
    }

    /// The same of something within a project.
    fn admit_to(&self, project: &str, headers: &HeaderMap, asked: &Asked, known: &[&str]) -> Result<(), Refused> {
        self.admit(headers, asked, known)?;
        if project == PROJECT_ID { Ok(()) } else { Err(self.missing("project")) }
    }

    fn missing(&self, what: &str) -> Refused {
        self.refuse(StatusCode::NOT_FOUND, &json!({"message": format!("The {what} was not found.")}))
    }
}

fn answer(given: Result<Value, Refused>) -> Response {
    match given {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => *refusal,
    }
}

/// Gives a token to the application, for scopes that it has.
async fn token(State(site): State<Arc<Site>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(grant(&site, &headers, &body))
}

fn grant(site: &Site, headers: &HeaderMap, body: &Bytes) -> Result<Value, Refused> {
    site.named(headers)?;
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let refuse = |error: &str| site.refuse(StatusCode::BAD_REQUEST, &json!({"error": error}));
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(refuse("invalid_request"));
    }
    let form: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let is = |key: &str, value: &str| form.get(key).is_some_and(|given| given == value);
    if !is("grant_type", "client_credentials") {
        return Err(refuse("unsupported_grant_type"));
    }
    if !is("client_id", CLIENT_ID) || !is("client_secret", CLIENT_SECRET) {
        return Err(refuse("invalid_client"));
    }
    let scope = form.get("scope").map(String::as_str).unwrap_or_default();
    // One wrong scope rejects them all.
    if scope.is_empty() || scope.split(' ').any(|one| !SCOPES.contains(&one)) {
        return Err(refuse("invalid_scope"));
    }
    site.shared.granted();
    Ok(json!({"access_token": site.token(), "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "scope": scope}))
}

async fn projects(State(site): State<Arc<Site>>, asked: Asked, headers: HeaderMap) -> Response {
    let given =
        site.admit(&headers, &asked, &["search", "top", "skip"]).map(|()| results::projects(asked.get("search")));
    answer(given)
}

async fn logs(
    State(site): State<Arc<Site>>,
    Path((project, execution)): Path<(String, String)>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let only_failed = asked.get("onlyFailed").is_some_and(|word| word == "true");
    let given = site
        .admit_to(&project, &headers, &asked, &["onlyFailed", "top", "skip"])
        .and_then(|()| results::logs(&execution, only_failed).ok_or_else(|| site.missing("test execution")));
    answer(given)
}

async fn stats(
    State(site): State<Arc<Site>>,
    Path((project, execution)): Path<(String, String)>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let given = site
        .admit_to(&project, &headers, &asked, &[])
        .and_then(|()| results::stats(&execution).ok_or_else(|| site.missing("test execution")));
    answer(given)
}

async fn assertions(
    State(site): State<Arc<Site>>,
    Path((project, log)): Path<(String, String)>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let given = site
        .admit_to(&project, &headers, &asked, &[])
        .and_then(|()| results::assertions(&log).ok_or_else(|| site.missing("test case log")));
    answer(given)
}

async fn robot_logs(
    State(site): State<Arc<Site>>,
    Path((project, execution)): Path<(String, String)>,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let given = site.admit_to(&project, &headers, &asked, &["testcaseid", "top", "skip"]).and_then(|()| {
        let case = asked.get("testcaseid").map(String::as_str).unwrap_or_default();
        results::robot_logs(&execution, case).ok_or_else(|| site.missing("test execution"))
    });
    answer(given)
}
