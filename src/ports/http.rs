//! HTTP out, by reqwest on rustls: no redirects, no proxy variables, one deadline for the
//! whole exchange, and never more of an answer than asked for.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use reqwest::redirect::Policy;

use super::{Exchange, Route};
use crate::domain::delivery::Lost;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept. Short, because a connection the far side closes
/// just as we write makes an unclear failure.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// How many idle connections are kept for one host.
const IDLE_PER_HOST_MAX: usize = 256;
/// How we introduce ourselves.
const USER_AGENT: &str = concat!("relaybell/", env!("CARGO_PKG_VERSION"));

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare HTTP: {0}")]
pub struct ClientError(String);

/// Makes HTTP requests over the network.
#[derive(Debug)]
pub struct HttpExchange {
    direct: reqwest::Client,
    proxied: Mutex<HashMap<String, reqwest::Client>>,
}

impl HttpExchange {
    /// Prepares connections. Trusts Mozilla's root certificates, whatever the machine has.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, ClientError> {
        Ok(Self { direct: client(None)?, proxied: Mutex::default() })
    }

    fn client_for(&self, route: &Route) -> Result<reqwest::Client, ClientError> {
        let Some(proxy) = &route.proxy else { return Ok(self.direct.clone()) };
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = proxied.get(proxy) {
            return Ok(client.clone());
        }
        let made = client(Some(proxy))?;
        proxied.insert(proxy.clone(), made.clone());
        Ok(made)
    }
}

fn client(proxy: Option<&str>) -> Result<reqwest::Client, ClientError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .tcp_nodelay(true);
    if let Some(proxy) = proxy {
        let proxy = reqwest::Proxy::all(proxy).map_err(|error| ClientError(error.to_string()))?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| ClientError(chain(&error)))
}

#[async_trait]
impl Exchange for HttpExchange {
    async fn exchange(&self, request: Request<Bytes>, route: &Route) -> Result<Response<Bytes>, Lost> {
        let client = self.client_for(route).map_err(|error| Lost::NotSent(error.to_string()))?;
        let (parts, body) = request.into_parts();
        let request = client
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .timeout(route.timeout)
            .body(body)
            .build()
            .map_err(|error| Lost::NotSent(chain(&error.without_url())))?;
        let mut answer = client.execute(request).await.map_err(lost)?;
        let mut body = BytesMut::new();
        while body.len() < route.answer_bytes_max {
            match answer.chunk().await {
                Ok(Some(chunk)) => {
                    let room = route.answer_bytes_max - body.len();
                    body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                }
                Ok(None) => break,
                Err(error) => return Err(lost(error)),
            }
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

/// Whether the far side can have seen the request. Only a failed connect is sure not to
/// have been seen; a reused connection that breaks may have been read from.
fn lost(error: reqwest::Error) -> Lost {
    let never_sent = error.is_connect() || error.is_builder();
    let timed_out = error.is_timeout();
    let error = error.without_url();
    let text = if timed_out { format!("timed out: {}", chain(&error)) } else { chain(&error) };
    if never_sent { Lost::NotSent(text) } else { Lost::Unknown(text) }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
