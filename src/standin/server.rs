//! Serves a router below HTTP, where connections can be cut.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::Fault;
use super::shared::Shared;

/// Accepts connections until dropped. A connection carries one request, so that every
/// fault of the script meets exactly one.
pub async fn serve(listener: TcpListener, router: Router, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(connection(stream, router.clone(), Arc::clone(&shared)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, router: Router, shared: Arc<Shared>) {
    if shared.cut_at_once() {
        // Unread and without lingering: the far side sees a reset.
        if let Err(error) = stream.set_zero_linger() {
            tracing::debug!(%error, "the connection ends instead of being reset");
        }
        return;
    }
    let service = service_fn(|request: Request<Incoming>| {
        let (router, shared) = (router.clone(), Arc::clone(&shared));
        async move { answer(request, router, &shared).await }
    });
    let served = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the stand-in ended early");
    }
}

async fn answer(request: Request<Incoming>, router: Router, shared: &Shared) -> Result<Response<Body>, io::Error> {
    let dealt_with = |request: Request<Incoming>| async {
        let answer: Result<_, Infallible> = router.oneshot(request).await;
        answer.unwrap_or_else(|never| match never {})
    };
    match shared.next_fault() {
        None => Ok(dealt_with(request).await),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            Ok(dealt_with(request).await)
        }
        Some(Fault::Status { code, headers, body }) => {
            let mut answer = Response::new(Body::from(body));
            *answer.status_mut() = StatusCode::from_u16(code).map_err(io::Error::other)?;
            for (name, value) in headers {
                let name = HeaderName::try_from(name).map_err(io::Error::other)?;
                answer.headers_mut().append(name, HeaderValue::try_from(value).map_err(io::Error::other)?);
            }
            Ok(answer)
        }
        Some(Fault::ResetAfterRequest) => {
            dealt_with(request).await;
            Err(io::Error::other("cut by the script"))
        }
        Some(Fault::ResetBeforeRead) => Err(io::Error::other("cut by the script")),
    }
}
