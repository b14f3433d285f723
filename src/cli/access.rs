//! How commands reach the store: beside a running relay for reading, through it for
//! changes, and directly where none runs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{Request, header};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::config::{Secrets, Snapshot, Storage, Whereabouts, load, whereabouts};
use crate::ports::http::HttpExchange;
use crate::ports::system::SystemClock;
use crate::ports::{Clock, Exchange, Route};
use crate::store::sqlite::{OpenError, SqliteLedger, SqliteStore};

use super::Failure;
use super::output::Output;

/// How long a running relay may take to answer a command.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The most of its answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Where the relay and its store are. Rules and templates may be broken meanwhile.
pub(super) fn configuration(config: &Path, output: &mut Output) -> Result<Whereabouts, Failure> {
    whereabouts(config).map_err(|findings| {
        output.talk(&findings.render(output.talk_color()));
        Failure::Finding
    })
}

/// The whole configuration; secrets need not be set.
pub(super) fn snapshot(config: &Path, output: &mut Output) -> Result<Snapshot, Failure> {
    load(config, Secrets::Leave).map_err(|findings| {
        output.talk(&findings.render(output.talk_color()));
        Failure::Finding
    })
}

/// The whole configuration with its secrets, which must be set.
pub(super) fn resolved(config: &Path, output: &mut Output) -> Result<Snapshot, Failure> {
    load(config, Secrets::Resolve).map_err(|findings| {
        output.talk(&findings.render(output.talk_color()));
        Failure::Finding
    })
}

/// The store for reading; works beside a running relay.
pub(super) fn reader(storage: &Storage) -> Result<SqliteLedger, Failure> {
    let missing = || anyhow!("there is no store at {} yet; `relaybell serve` makes it", storage.sqlite.display());
    Ok(reader_if_any(storage)?.ok_or_else(missing)?)
}

/// The same where the store may not be there yet.
pub(super) fn reader_if_any(storage: &Storage) -> Result<Option<SqliteLedger>, Failure> {
    let file = &storage.sqlite;
    Ok(if file.exists() { Some(SqliteStore::open_read_only(file)?) } else { None })
}

/// The way to change something.
pub(super) enum Changer {
    /// Nobody serves: directly.
    Store(Arc<SqliteStore>),
    /// A relay serves at this address: through it.
    Relay(String),
}

/// Finds the way to change something.
pub(super) fn changer(place: &Whereabouts) -> Result<Changer, Failure> {
    let file = &place.storage.sqlite;
    if !file.exists() {
        return Err(anyhow!("there is no store at {} yet; `relaybell serve` makes it", file.display()).into());
    }
    match SqliteStore::open(file, SystemClock::start().now()) {
        Ok(store) => Ok(Changer::Store(store)),
        Err(OpenError::Held { holder, .. }) => match holder.address {
            Some(address) => Ok(Changer::Relay(address)),
            None => {
                Err(anyhow!("a relay that is starting or another command holds {}; try again", file.display()).into())
            }
        },
        Err(error) => Err(error.into()),
    }
}

/// Posts `body` to `path` of the running relay at `address` and gives its answer.
pub(super) async fn ask_relay(place: &Whereabouts, address: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
    let request = Request::post(format!("http://{}{path}", reachable(address)?));
    let body = Bytes::from(serde_json::to_vec(body)?);
    answer_of(place, address, request.header(header::CONTENT_TYPE, "application/json"), body).await
}

/// What the running relay at `address` says at `path`.
pub(super) async fn look_at_relay(place: &Whereabouts, address: &str, path: &str) -> anyhow::Result<Value> {
    let request = Request::get(format!("http://{}{path}", reachable(address)?));
    answer_of(place, address, request, Bytes::new()).await
}

async fn answer_of(
    place: &Whereabouts,
    address: &str,
    mut request: http::request::Builder,
    body: Bytes,
) -> anyhow::Result<Value> {
    if let Some(token) = place.server.admin_tokens.first() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()));
    }
    let request = request.body(body)?;
    let route = Route { timeout: ANSWER_TIMEOUT, proxy: None, answer_bytes_max: ANSWER_BYTES_MAX };
    let answer = HttpExchange::new()?
        .exchange(request, &route)
        .await
        .with_context(|| format!("the relay at {address} cannot be reached"))?;
    let status = answer.status();
    let body: Value = serde_json::from_slice(answer.body())
        .with_context(|| format!("the relay at {address} answered {status} without JSON"))?;
    if status.is_success() || status == http::StatusCode::UNPROCESSABLE_ENTITY {
        return Ok(body);
    }
    let detail = body.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
    bail!("the relay answered {status}: {detail}")
}

/// The address to reach a relay at that listens on `listening`: `0.0.0.0` means here.
pub(super) fn reachable(listening: &str) -> anyhow::Result<String> {
    let mut address: std::net::SocketAddr =
        listening.parse().with_context(|| format!("'{listening}' is no address"))?;
    if address.ip().is_unspecified() {
        let here: std::net::IpAddr = match address {
            std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(here);
    }
    Ok(address.to_string())
}
