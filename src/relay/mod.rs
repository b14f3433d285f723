//! Floor 3: the engine. It performs what plans decide: accepts, sends, retries, reloads.
//!
//! [`Relay::start`] is used by `serve`, by `demo` and by the tests alike.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Snapshot;
use crate::domain::time::Timestamp;
use crate::ports::{Clock, Dice, Exchange};
use crate::store::{Ledger, Store, StoreError};
use crate::telemetry::Metrics;

pub mod account;
mod again;
pub mod answering;
mod asking;
pub mod books;
pub mod capture;
pub mod converse;
pub mod counting;
mod flight;
pub mod gate;
mod holding;
pub mod ingest;
mod keeper;
mod lane;
pub mod lanes;
mod lookup;
pub mod manage;
mod notices;
pub mod reload;
pub mod replan;
mod silence;
pub mod strangers;
pub mod trial;
pub mod waiters;

use books::Books;
use capture::Captures;
use lanes::Lanes;
use lookup::LookUps;
use notices::Notices;
use reload::ReloadState;
use strangers::Strangers;
use waiters::Waiters;

/// The longest a stopping relay waits for what is in flight.
pub const STOP_GRACE: Duration = Duration::from_secs(15);
/// The most webhooks that are being accepted at once; more are told to come back.
pub const INTAKE_MAX: usize = 2048;

/// What a relay is made of.
pub struct Parts {
    /// What must survive.
    pub store: Arc<dyn Store>,
    /// What people read of it.
    pub ledger: Arc<dyn Ledger>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub dice: Arc<dyn Dice>,
    /// The way out.
    pub exchange: Arc<dyn Exchange>,
    /// The configuration to begin with.
    pub snapshot: Snapshot,
    /// The file it was read from, to be watched and read again.
    pub config_path: PathBuf,
}

/// What every part of the relay shares.
pub struct Shared {
    /// What must survive.
    pub store: Arc<dyn Store>,
    /// What people read of it.
    pub ledger: Arc<dyn Ledger>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub dice: Arc<dyn Dice>,
    /// The way out.
    pub exchange: Arc<dyn Exchange>,
    /// The configuration in force. Load it once, at the top of each step.
    pub current: ArcSwap<Snapshot>,
    /// What operators see.
    pub metrics: Metrics,
    /// When the relay started.
    pub began: Timestamp,
    /// What arrives, for whoever looks on.
    pub captures: Captures,
    /// What came from each source.
    pub books: Books,
    /// What came for sources that are not there.
    pub strangers: Strangers,
    pub(crate) notices: Notices,
    pub(crate) counter: counting::Counter,
    pub(crate) intake: tokio::sync::Semaphore,
    pub(crate) lookups: LookUps,
    pub(crate) waiters: Waiters,
    pub(crate) reload: ReloadState,
    pub(crate) config_path: PathBuf,
    /// Cancelled when nothing more is to be begun.
    pub(crate) stop: CancellationToken,
    /// Cancelled when what was in flight then has ended.
    pub(crate) drained: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// A running relay.
#[derive(Clone)]
pub struct Relay {
    /// What every part of it shares.
    pub shared: Arc<Shared>,
    /// The lanes by destination.
    pub lanes: Arc<Lanes>,
}

impl Relay {
    /// Starts the lanes, the reloader and the keeper.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn start(parts: Parts) -> Result<Self, StoreError> {
        let now = parts.clock.now();
        parts.store.keep_revision(&parts.snapshot.revision, now, &parts.snapshot.files).await?;
        let (notices, told) = Notices::open();
        let shared = Arc::new(Shared {
            store: parts.store,
            ledger: parts.ledger,
            clock: parts.clock,
            dice: parts.dice,
            exchange: parts.exchange,
            lookups: LookUps::default(),
            waiters: Waiters::default(),
            reload: ReloadState::new(now),
            current: ArcSwap::from_pointee(parts.snapshot),
            metrics: Metrics::default(),
            began: now,
            captures: Captures::default(),
            books: Books::default(),
            strangers: Strangers::default(),
            notices,
            counter: counting::Counter::default(),
            intake: tokio::sync::Semaphore::new(INTAKE_MAX),
            config_path: parts.config_path,
            stop: CancellationToken::new(),
            drained: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        shared.metrics.last_reload_successful.set(1);
        shared.metrics.last_reload_success.set(now.as_seconds());
        let relay = Self { lanes: Arc::new(Lanes::new(shared.clone())), shared };
        relay.lanes.sync(&relay.shared.current.load()).await?;
        relay.take_up_awaiting().await?;
        relay.shared.tasks.spawn(keeper::run(relay.shared.clone()));
        relay.shared.tasks.spawn(reload::run(relay.clone()));
        relay.shared.tasks.spawn(notices::run(relay.clone(), told));
        relay.shared.tasks.spawn(silence::run(relay.clone()));
        relay.shared.tasks.spawn(relay.clone().hold_against_traffic());
        Ok(relay)
    }

    /// Takes nothing more from the queue, lets what is in flight end within
    /// [`STOP_GRACE`] and gives the lanes back. What is accepted meanwhile stays queued; who
    /// waits for something in flight is told how it ended.
    pub async fn drain(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.drained.cancel();
    }

    /// Closes the store. Nothing can be accepted any more.
    ///
    /// # Errors
    /// When it cannot be closed in order; nothing acknowledged is lost by that.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.shared.store.close().await
    }

    /// Drains, then closes the store.
    ///
    /// # Errors
    /// As [`Relay::close`].
    pub async fn stop(&self) -> Result<(), StoreError> {
        self.drain().await;
        self.close().await
    }
}
