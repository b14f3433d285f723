//! The accept loop: HTTP/1.1 with limits that plain `axum::serve` does not set (a header
//! timeout from the first moment of a connection, a cap on connections, a drain with an
//! end).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::Caller;

/// How patient the server is with slow senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long a connection may take to send the head of a request, the first included;
    /// then it is closed.
    pub head: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(10) }
    }
}

/// The most connections at once; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 4096;
/// The most header lines of a request.
const HEADERS_MAX: usize = 100;
/// The most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long a stopping server still answers those that keep their connection open, and
/// asks them with each answer to open another: who has just sent something is not cut off.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long a stopping server waits for requests under way.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait after `accept` failed, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves `router` on `listener` until `stop`. Then nothing more is accepted, and requests
/// under way may end.
pub async fn serve(listener: TcpListener, router: Router, patience: Patience, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Ok((stream, caller, permit)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    handle(stream, caller, router, patience, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "requests were cut off by the stop");
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, caller) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, caller, permit))
}

async fn handle(stream: TcpStream, caller: SocketAddr, router: Router, patience: Patience, stop: CancellationToken) {
    let stopping = stop.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Caller(caller));
        let answer = router.clone().oneshot(request.map(axum::body::Body::new));
        let stopping = stopping.clone();
        async move {
            let mut answer = answer.await;
            if let (Ok(answer), true) = (&mut answer, stopping.is_cancelled()) {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let farewell = async {
        stop.cancelled().await;
        tokio::time::sleep(FAREWELL).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = farewell => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
