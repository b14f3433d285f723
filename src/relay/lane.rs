//! A lane: all sending to one destination, one loop, one holder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::config::DestinationSpec;
use crate::domain::Name;
use crate::domain::breaker::Phase;
use crate::domain::delivery::Job;
use crate::source::own::Notice;
use crate::store::{Hold, Lease, Nodes, Settled, StoreError, Taken};
use crate::telemetry::OfDestination;

use super::flight::{Landing, fly};
use super::gate::{Gate, Leave};
use super::holding::{Held, Holding};
use super::{STOP_GRACE, Shared};

/// How long a lane is held at a time when several nodes share the store.
const LEASE: Duration = Duration::from_secs(15);
/// When a held lane is renewed before it runs out.
const RENEW_BEFORE: Duration = Duration::from_secs(10);
/// The longest a lane sleeps without looking, whatever it expects: wall clocks jump.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// How long a lane waits after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How long a retry is put off when the retry budget is spent.
const BUDGET_PAUSE: Duration = Duration::from_secs(5);
/// The least pause when nothing could be taken though something is due, as when it became
/// due just now.
const BREATH: Duration = Duration::from_millis(2);
/// The most deliveries taken at once.
const TAKE_MAX: usize = 256;

/// Wakes a lane from outside.
#[derive(Debug, Default)]
pub(super) struct Wake {
    notify: Notify,
    nudged: AtomicBool,
    holding: Holding,
}

impl Wake {
    /// Something new may be due.
    pub(super) fn wake(&self) {
        self.notify.notify_one();
    }

    /// Somebody says that the destination is mended.
    pub(super) fn nudge(&self) {
        self.nudged.store(true, Ordering::Relaxed);
        self.notify.notify_one();
    }

    /// Why nothing is sent at `now` to the destination defined as `fingerprint`, if it is
    /// held and is not being tried.
    pub(super) fn held(&self, now: Duration, fingerprint: u64) -> Option<String> {
        if self.nudged.load(Ordering::Relaxed) { None } else { self.holding.held(now, fingerprint) }
    }
}

/// One lane's loop.
pub(super) struct Lane {
    shared: Arc<Shared>,
    name: Name,
    owner: Arc<str>,
    wake: Arc<Wake>,
    stop: CancellationToken,
    gate: Gate,
    fingerprint: u64,
    lease: Option<(Lease, Duration)>,
    flights: JoinSet<Landing>,
}

impl Lane {
    pub(super) fn new(
        shared: Arc<Shared>,
        spec: &DestinationSpec,
        owner: Arc<str>,
        wake: Arc<Wake>,
        stop: CancellationToken,
        hold: Option<&str>,
    ) -> Self {
        let mut gate = Gate::new(shared.clock.clone(), spec.limit);
        if let Some(why) = hold {
            // Held when the relay stopped: a start is a reason to try again, with one probe.
            gate.close(why);
            gate.nudge();
        }
        Self {
            name: spec.name.clone(),
            fingerprint: spec.fingerprint,
            shared,
            owner,
            wake,
            stop,
            gate,
            lease: None,
            flights: JoinSet::new(),
        }
    }

    /// Sends until told to stop, then lets what is in flight land.
    pub(super) async fn run(mut self) {
        loop {
            // Registered before the store is asked, so that nothing new is missed.
            let wake = self.wake.clone();
            let woken = wake.notify.notified();
            let pause = match self.step().await {
                Ok(pause) => pause.min(SLEEP_MAX),
                Err(error) => {
                    tracing::error!(destination = &*self.name, %error, "a lane waits for the store");
                    STORE_PAUSE
                }
            };
            self.show();
            let shared = self.shared.clone();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(landed) = self.flights.join_next() => self.land(landed).await,
                () = woken => {}
                () = shared.clock.sleep(pause) => {}
            }
        }
        self.wind_up().await;
    }

    /// Takes and sends what may go now. Returns how long there is nothing to do unless
    /// something happens.
    async fn step(&mut self) -> Result<Duration, StoreError> {
        while let Some(landed) = self.flights.try_join_next() {
            self.land(landed).await;
        }
        let snapshot = self.shared.current.load_full();
        let Some(spec) = snapshot.destinations.get(&self.name).cloned() else { return Ok(SLEEP_MAX) };
        self.adopt(&spec).await?;
        if self.wake.nudged.load(Ordering::Relaxed) {
            self.gate.nudge();
            self.say_holding();
            self.wake.nudged.store(false, Ordering::Relaxed);
        }
        let Some((lease, renew_in)) = self.held_lane().await? else { return Ok(LEASE / 3) };
        let most = match self.gate.leave(self.flights.len(), spec.concurrency) {
            Leave::Take(most) => most.min(TAKE_MAX),
            Leave::WhenLanded => return Ok(renew_in),
            Leave::NotBefore(at) => return Ok(at.saturating_sub(self.shared.clock.elapsed()).min(renew_in)),
        };
        let now = self.shared.clock.now();
        let Taken { jobs, expired } = match self.shared.store.take(&lease, now, most).await {
            Ok(taken) => taken,
            Err(StoreError::Refused(why)) => {
                tracing::warn!(destination = &*self.name, why, "the lane was lost and is taken anew");
                self.lease = None;
                return Ok(Duration::ZERO);
            }
            Err(StoreError::Unknown(why)) => {
                // What may have been taken goes back to the queue with the lane.
                tracing::error!(destination = &*self.name, why, "the lane is given back and taken anew");
                self.shared.store.release_lane(&lease).await?;
                self.lease = None;
                return Ok(STORE_PAUSE);
            }
            Err(error) => return Err(error),
        };
        if expired > 0 {
            tracing::warn!(destination = &*self.name, expired, "deliveries were dropped: they were of no use any more");
            let label = OfDestination { destination: self.name.to_string() };
            self.shared.metrics.expired.get_or_create_owned(&label).inc_by(expired as u64);
        }
        let taken = jobs.len();
        self.gate.passed(taken);
        for job in jobs {
            self.send(job, &spec, &lease).await;
        }
        if taken == most || expired > 0 {
            // More may wait, or have expired; the gate knows whether it may go.
            return Ok(Duration::ZERO);
        }
        match self.shared.store.next_due(&self.name).await? {
            None => Ok(renew_in),
            Some(due) => Ok(due.since(now).max(BREATH).min(renew_in)),
        }
    }

    /// Sends `job`, or puts it off when the retry budget is spent.
    async fn send(&mut self, job: Job, spec: &Arc<DestinationSpec>, lease: &Lease) {
        if job.failures == 0 {
            self.gate.first_send();
        } else if self.gate.closed().is_none() && self.gate.phase() == Phase::Closed && !self.gate.may_retry() {
            let due = self.shared.clock.now().plus(BUDGET_PAUSE);
            match self.shared.store.put_back(lease, job.id, job.attempt, due).await {
                Ok(Settled::Done) => return,
                Ok(Settled::TooLate) => {
                    tracing::warn!(delivery.id = %job.id, "a delivery moved on while it was being put off");
                    return;
                }
                // It has been taken, so it must go.
                Err(error) => tracing::warn!(delivery.id = %job.id, %error, "a retry could not be put off"),
            }
        }
        self.flights.spawn(fly(self.shared.clone(), spec.clone(), lease.clone(), job));
    }

    /// Takes over a changed definition of the destination: an edit ends a hold.
    async fn adopt(&mut self, spec: &DestinationSpec) -> Result<(), StoreError> {
        self.gate.set_limit(spec.limit);
        if spec.fingerprint != self.fingerprint {
            self.fingerprint = spec.fingerprint;
            if self.gate.reopen() {
                tracing::info!(destination = &*self.name, "the destination was edited and is tried again");
                self.shared.store.set_hold(&self.name, None).await?;
            }
            self.gate.nudge();
        }
        Ok(())
    }

    /// The lane's lease, taken or renewed when needed, and how long it needs no renewal.
    async fn held_lane(&mut self) -> Result<Option<(Lease, Duration)>, StoreError> {
        let elapsed = self.shared.clock.elapsed();
        if let Some((lease, until)) = &self.lease {
            if self.shared.store.nodes() == Nodes::One {
                return Ok(Some((lease.clone(), SLEEP_MAX)));
            }
            if elapsed + RENEW_BEFORE < *until {
                return Ok(Some((lease.clone(), *until - RENEW_BEFORE - elapsed)));
            }
        }
        let now = self.shared.clock.now();
        let until = now.plus(LEASE);
        let lease = self.shared.store.hold_lane(&self.name, &self.owner, now, until).await?;
        self.lease = lease.map(|lease| (lease, elapsed + LEASE));
        Ok(self.lease.as_ref().map(|(lease, _)| (lease.clone(), LEASE - RENEW_BEFORE)))
    }

    /// Learns from an attempt that landed.
    async fn land(&mut self, landed: Result<Landing, JoinError>) {
        let landing = match landed {
            Ok(landing) => landing,
            Err(error) => {
                if error.is_panic() {
                    tracing::error!(destination = &*self.name, %error, "an attempt ended by a bug");
                }
                return;
            }
        };
        if let Some(pause) = landing.pause {
            self.gate.pause(pause);
        }
        if let Some(why) = &landing.closed {
            let news = self.gate.close(why);
            self.say_holding();
            self.shared.waiters.tell_all();
            if news {
                tracing::error!(
                    destination = &*self.name,
                    why,
                    "the destination is held: nothing is sent to it until it is mended; nothing is lost"
                );
                let hold = Hold { destination: self.name.clone(), since: self.shared.clock.now(), why: why.clone() };
                self.remember_hold(Some(hold)).await;
                let (destination, why) = (self.name.to_string(), why.clone());
                self.shared.notices.tell(Notice::DestinationHeld { destination, why });
            }
            return;
        }
        let Some(health) = landing.health else { return };
        self.gate.learn(health, self.shared.dice.roll());
        if health == crate::domain::breaker::Health::Answered {
            if landing.retry {
                self.gate.retry_succeeded();
            }
            if self.gate.reopen() {
                tracing::info!(destination = &*self.name, "the destination takes messages again");
                self.remember_hold(None).await;
            }
        }
    }

    async fn remember_hold(&self, hold: Option<Hold>) {
        if let Err(error) = self.shared.store.set_hold(&self.name, hold).await {
            tracing::error!(destination = &*self.name, %error, "a hold could not be written down");
        }
    }

    /// Says to who waits whether the destination is held.
    fn say_holding(&self) {
        let held =
            self.gate.held().map(|(why, until)| Held { why: why.to_owned(), until, fingerprint: self.fingerprint });
        self.wake.holding.say(held);
    }

    /// Shows the gate's state in the metrics and to who waits.
    fn show(&self) {
        self.say_holding();
        let label = OfDestination { destination: self.name.to_string() };
        let state = match self.gate.phase() {
            Phase::Closed => 0,
            Phase::HalfOpen => 1,
            Phase::Open => 2,
        };
        let metrics = &self.shared.metrics;
        metrics.breaker_state.get_or_create_owned(&label).set(state);
        metrics.destination_held.get_or_create_owned(&label).set(i64::from(self.gate.closed().is_some()));
    }

    /// Lets what is in flight land, then gives the lane back. What has not landed in time
    /// stays in the queue, marked as possibly sent.
    async fn wind_up(mut self) {
        let shared = self.shared.clone();
        let mut grace = shared.clock.sleep(STOP_GRACE);
        loop {
            tokio::select! {
                landed = self.flights.join_next() => match landed {
                    Some(landed) => self.land(landed).await,
                    None => break,
                },
                () = &mut grace => {
                    tracing::warn!(destination = &*self.name, cut = self.flights.len(), "attempts were cut off by the stop");
                    self.flights.shutdown().await;
                    break;
                }
            }
        }
        if let Some((lease, _)) = &self.lease
            && let Err(error) = self.shared.store.release_lane(lease).await
        {
            tracing::warn!(destination = &*self.name, %error, "a lane could not be given back");
        }
    }
}
