//! Errors as `application/problem+json` (RFC 9457).

use std::any::Any;

use axum::Json;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::Value;

use super::onlook::Told;

/// One error as the caller sees it.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// The status code.
    #[serde(serialize_with = "as_number")]
    pub status: StatusCode,
    /// What it is, the same for every occurrence.
    pub title: &'static str,
    /// What happened this time and what to do about it.
    pub detail: String,
    /// The findings behind it, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Box<Value>>,
    /// After how many seconds it is worth trying again.
    #[serde(skip)]
    pub retry_after: Option<u32>,
    /// How to sign in.
    #[serde(skip)]
    pub challenge: Option<&'static str>,
    /// The word by which refused webhooks are counted, where it is one.
    #[serde(skip)]
    pub reason: Option<&'static str>,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem without a time to come back.
    #[must_use]
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), errors: None, retry_after: None, challenge: None, reason: None }
    }

    /// The same, with the findings behind it.
    #[must_use]
    pub fn errors(mut self, errors: Value) -> Self {
        self.errors = Some(Box::new(errors));
        self
    }

    /// The same, which asks for credentials of this scheme.
    #[must_use]
    pub fn challenge(mut self, challenge: Option<&'static str>) -> Self {
        self.challenge = challenge;
        self
    }

    /// The same, counted among refused webhooks as `reason`.
    #[must_use]
    pub fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// The same, worth trying again after `seconds`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = (self.status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(Told { reason: self.reason.unwrap_or(self.title), detail: self.detail });
        response
    }
}

/// The answer to an address that is none of ours.
pub async fn no_such_address() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no such address", "Webhooks go to POST /hooks/{source}.")
}

/// The answer to a method that an address does not take.
pub async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong method", "This address does not take that method.")
}

/// The answer when handling a request panicked (a bug). Says nothing of the inside.
pub fn from_panic(_panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    tracing::error!("handling a request ended by a bug");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error", "The relay failed on this request.")
        .into_response()
}
