//! Real HTTP on loopback, for tests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use relaybell::ports::http::HttpExchange;
use relaybell::ports::{Exchange, Route};
use relaybell::relay::Relay;
use relaybell::web::server::Patience;
use relaybell::web::{router, server};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The relay's HTTP face on a free port.
pub struct Face {
    pub address: SocketAddr,
    client: Arc<HttpExchange>,
    _stop: DropGuard,
}

impl Face {
    pub async fn open(relay: &Relay) -> Self {
        Self::open_with(relay, Patience::default()).await
    }

    /// The same, as patient as this.
    pub async fn open_with(relay: &Relay, patience: Patience) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::task::spawn(server::serve(listener, router(relay.clone()), patience, stop.clone()));
        Self { address, client: Arc::new(HttpExchange::new().unwrap()), _stop: stop.drop_guard() }
    }

    /// Sends a request and gives the whole answer.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response<Bytes> {
        ask(&self.client, self.address, method, path, headers, body).await
    }
}

/// Sends one request to `address` and gives the whole answer.
pub async fn ask(
    client: &HttpExchange,
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let route = Route { timeout: Duration::from_secs(20), proxy: None, answer_bytes_max: 8 << 20 };
    client.exchange(request.body(Bytes::copy_from_slice(body)).unwrap(), &route).await.expect("an answer")
}

/// The body of an answer as JSON.
pub fn json(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body())
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(answer.body())))
}
