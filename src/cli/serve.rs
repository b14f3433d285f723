//! `relaybell serve`: the relay itself.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Secrets, Snapshot, load};
use crate::ports::Clock;
use crate::ports::http::HttpExchange;
use crate::ports::system::{SystemClock, ThreadDice};
use crate::relay::reload::log_warnings;
use crate::relay::{Parts, Relay};
use crate::store::sqlite::SqliteStore;
use crate::telemetry::{LogFormat, start_logging};
use crate::web::server::Patience;
use crate::web::{router, server};

use super::Failure;
use super::manager;
use super::output::Output;

/// `relaybell serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How logs are written to stderr; by default text on a terminal, JSON otherwise.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<Format>,
    /// What is logged: a level, or levels by module.
    #[arg(long, value_name = "FILTER", env = "RELAYBELL_LOG", default_value = "info")]
    log: String,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let format = match args.log_format {
        Some(Format::Text) => LogFormat::Text,
        Some(Format::Json) => LogFormat::Json,
        None if std::io::stderr().is_terminal() => LogFormat::Text,
        None => LogFormat::Json,
    };
    start_logging(format, &args.log).map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))?;
    let snapshot = match load(config, Secrets::Resolve) {
        Ok(snapshot) => snapshot,
        Err(findings) => {
            output.talk(&findings.render(output.talk_color()));
            output.talk("error: the configuration is not in order; nothing was started");
            return Err(Failure::Finding);
        }
    };
    log_warnings(&snapshot.warnings.0);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, snapshot))
}

async fn serve(config: &Path, snapshot: Snapshot) -> Result<(), Failure> {
    let wanted = snapshot.server.listen;
    let clock = SystemClock::start();
    let store = SqliteStore::open(&snapshot.storage.sqlite, clock.now())?;
    let listener = manager::listen(wanted).await?;
    let address = listener.local_addr()?;
    store.announce(&address.to_string())?;
    let mut stops = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let mut hangups = signal(SignalKind::hangup())?;
    let relay = Relay::start(Parts {
        store: store.clone(),
        ledger: store.clone(),
        clock: Arc::new(clock),
        dice: Arc::new(ThreadDice),
        exchange: Arc::new(HttpExchange::new()?),
        snapshot,
        config_path: config.to_owned(),
    })
    .await?;
    let stop = CancellationToken::new();
    let served = server::serve(listener, router(relay.clone()), Patience::default(), stop.clone());
    let mut web = TaskTracker::new().spawn(served);
    tracing::info!(address = %address, version = env!("CARGO_PKG_VERSION"), "relaybell is ready");
    manager::ready();
    let mut reloads = relay.reloads();
    loop {
        let [terminate, interrupt] = &mut stops;
        tokio::select! {
            ended = &mut web => return Err(anyhow::anyhow!("the server ended by itself: {ended:?}").into()),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            Ok(()) = reloads.changed() => manager::shows(reloads.borrow_and_update().rejected.is_none()),
            _ = hangups.recv() => {
                manager::reloading();
                // What is wrong is logged, counted and shown by the reload itself.
                if relay.reload().await.is_ok() {
                    tracing::info!("the configuration was read again on SIGHUP");
                }
                manager::reloaded();
            }
        }
    }
    tracing::info!("stopping: nothing more is sent, what is in flight may end");
    manager::stopping();
    // Webhooks are taken until the last moment: who comes after it waits for the next relay
    // if the socket is handed over, and is refused otherwise.
    relay.drain().await;
    stop.cancel();
    web.await?;
    relay.close().await?;
    tracing::info!("stopped");
    Ok(())
}
