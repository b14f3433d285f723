//! The hand of Test Manager: presses *Create Defect* and looks at the dashboard.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use serde_json::Value;

use crate::domain::delivery::Lost;
use crate::ports::{Exchange, Route};

/// How long Test Manager waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most of an answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Sends what Test Manager sends to a connection with this address.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The address that was pasted into the connection.
    pub url: String,
    /// The header with the secret.
    pub secret: Option<(String, String)>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answered {
    /// The link that Test Manager would add to the test case log: the first of the names
    /// that were seen in use.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        ["externalLink", "url"].iter().find_map(|key| self.body[*key].as_str()).filter(|_| self.status == 200)
    }
}

impl Sender {
    /// Wants a defect for the result that `body` names.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn create_defect(&self, exchange: &dyn Exchange, body: &Value) -> Result<Answered, Lost> {
        self.send(exchange, "POST", "/api/defects", Some(body)).await
    }

    /// Asks how many defects `project` has.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn defect_status(&self, exchange: &dyn Exchange, project: &str) -> Result<Answered, Lost> {
        self.send(exchange, "GET", &format!("/api/kpis/project/{project}/defectstatus"), None).await
    }

    async fn send(
        &self,
        exchange: &dyn Exchange,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answered, Lost> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some((name, value)) = &self.secret {
            request = request.header(name, value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json; charset=utf-8");
        }
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(bytes).map_err(|error| Lost::NotSent(error.to_string()))?;
        let route = Route { timeout: PATIENCE, proxy: None, answer_bytes_max: ANSWER_BYTES_MAX };
        let (parts, body) = exchange.exchange(request, &route).await?.into_parts();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answered { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}
