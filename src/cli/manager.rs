//! What a service manager such as systemd hands over and is told.

use std::net::SocketAddr;

use anyhow::{Context, anyhow, bail};
use listenfd::ListenFd;
use sd_notify::NotifyState;
use socket2::SockRef;
use tokio::net::TcpListener;

/// The socket that webhooks come in by: the one handed over (systemd's `LISTEN_FDS`), which
/// outlives a restart so that senders are kept waiting instead of refused, else a new one
/// on `wanted`.
///
/// # Errors
/// When the address is taken or not of this machine, or when something else than one TCP
/// socket was handed over.
pub(super) async fn listen(wanted: SocketAddr) -> anyhow::Result<TcpListener> {
    let mut handed = ListenFd::from_env();
    if handed.len() > 1 {
        bail!("{} sockets were handed over, but relaybell listens on one: write one ListenStream=", handed.len());
    }
    let listener = handed.take_tcp_listener(0).map_err(|error| {
        anyhow!("what was handed over is no listening TCP socket ({error}): write ListenStream=ADDRESS:PORT")
    })?;
    if let Some(listener) = &listener
        && !SockRef::from(listener).is_listener()?
    {
        bail!("a single connection was handed over, not the socket that listens: write Accept=no");
    }
    let Some(listener) = listener else {
        return TcpListener::bind(wanted).await.with_context(|| format!("cannot listen on {wanted} (server.listen)"));
    };
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    tracing::info!(address = %listener.local_addr()?, "listening on the socket handed over; server.listen is not used");
    Ok(listener)
}

/// Webhooks are accepted.
pub(super) fn ready() {
    tell(&[NotifyState::Ready, IN_FORCE]);
}

/// The configuration is being read again, because the manager asked for it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "the service manager is not told of the reload"),
    }
}

/// It was read.
pub(super) fn reloaded() {
    tell(&[NotifyState::Ready]);
}

/// Whether the configuration on disk is in force, whoever had it read.
pub(super) fn shows(in_force: bool) {
    tell(&[if in_force { IN_FORCE } else { REJECTED }]);
}

const IN_FORCE: NotifyState<'_> = NotifyState::Status("the configuration on disk is in force");
const REJECTED: NotifyState<'_> =
    NotifyState::Status("the configuration on disk was rejected; the last good one is in force");

/// Nothing more is sent; soon nothing more is accepted.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells the service manager, if there is one (`NOTIFY_SOCKET`).
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
