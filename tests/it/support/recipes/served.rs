//! A stand-in of a recipe's vendor on a real socket, for the real program.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{Asked, Vendor};

/// The most of a body that is read.
const BODY_BYTES_MAX: usize = 4 << 20;

/// A vendor that listens until the test ends.
pub struct Served {
    pub address: SocketAddr,
    pub vendor: Arc<Mutex<Box<dyn Vendor>>>,
    /// What was refused.
    pub refused: Arc<Mutex<Vec<String>>>,
}

struct Desk {
    /// The host that requests are meant for.
    host: &'static str,
    vendor: Arc<Mutex<Box<dyn Vendor>>>,
    refused: Arc<Mutex<Vec<String>>>,
}

impl Served {
    /// Serves `vendor` in place of `host`.
    pub async fn start(host: &'static str, vendor: Box<dyn Vendor>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (vendor, refused) = (Arc::new(Mutex::new(vendor)), Arc::new(Mutex::default()));
        let desk = Arc::new(Desk { host, vendor: Arc::clone(&vendor), refused: Arc::clone(&refused) });
        let router = Router::new().fallback(answer).with_state(desk);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, vendor, refused }
    }
}

async fn answer(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = to_bytes(body, BODY_BYTES_MAX).await.unwrap();
    let agent = parts.headers.get("user-agent").map_or("", |value| value.to_str().unwrap());
    if !agent.starts_with("relaybell/") {
        return (http::StatusCode::FORBIDDEN, "Request forbidden: no User-Agent").into_response();
    }
    let uri = format!("https://{}{}", desk.host, parts.uri.path_and_query().unwrap());
    let mut whole = http::Request::builder().method(parts.method).uri(uri).body(body).unwrap();
    *whole.headers_mut() = parts.headers;
    let answered = desk.vendor.lock().unwrap().answer(&Asked::new(&whole));
    let (status, body) = answered.unwrap_or_else(|(status, body)| {
        desk.refused.lock().unwrap().push(format!("{status} {body}"));
        (status, body)
    });
    let text = if body == Value::Null { String::new() } else { body.to_string() };
    (http::StatusCode::from_u16(status).unwrap(), text).into_response()
}
