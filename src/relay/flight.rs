//! One attempt: the conversation with the destination, then the settlement.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{DestinationSpec, Snapshot};
use crate::domain::breaker::Health;
use crate::domain::delivery::{Extent, Job, Outcome, Transition, settle};
use crate::domain::thread::thread_after;
use crate::store::{Lease, Settled, Settlement, StoreError};
use crate::telemetry::{Ended, OfDestination};

use super::Shared;
use super::account::Account;
use super::converse::{Doors, Reach, converse};

/// The first pause before a settlement is tried again that the store could not take.
const SETTLE_PAUSE_FIRST: Duration = Duration::from_millis(200);
/// The longest such pause.
const SETTLE_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What the lane learns from an attempt.
#[derive(Debug)]
pub(super) struct Landing {
    /// What it says about the destination's health; `None` when nothing.
    pub(super) health: Option<Health>,
    /// The pause the destination asked for.
    pub(super) pause: Option<Duration>,
    /// Why the destination is not usable, if it is not.
    pub(super) closed: Option<String>,
    /// Whether it was a retry.
    pub(super) retry: bool,
    /// Whether there was nothing to act on.
    pub(super) skipped: bool,
}

/// Makes one attempt for `job` and settles it.
pub(super) async fn fly(shared: Arc<Shared>, spec: Arc<DestinationSpec>, lease: Lease, job: Job) -> Landing {
    let snapshot = shared.current.load_full();
    let began = shared.clock.now();
    if job.unsure && !spec.adapter.looks_first(job.action) {
        let label = OfDestination { destination: spec.name.to_string() };
        shared.metrics.possible_duplicates.get_or_create_owned(&label).inc();
    }
    let mut account = Account::default();
    let doors = Doors { exchange: shared.exchange.as_ref(), clock: shared.clock.as_ref() };
    let (outcome, reach) = converse(doors, &spec, |answers| spec.adapter.step(&job, answers), &mut account).await;
    let outcome = scrubbed(outcome, &snapshot);
    let ended = shared.clock.now();
    let landing = landing(&outcome, reach, &job);
    let transition = settle(&job, outcome, &spec.retry, ended, shared.dice.roll());
    report(&shared, &job, &transition, &landing);
    if let Transition::Dead { why, .. } = &transition {
        shared.notices.dead(&job, why);
    }
    let thread = match &transition {
        // A post that changes nothing of the thread needs no writing.
        Transition::Sent(receipt) => Some(thread_after(&job, receipt, ended))
            .filter(|thread| job.action.needs_thread() || job.thread.as_ref() != Some(thread)),
        _ => None,
    };
    let account = account.finish(&snapshot.scrubber);
    let settlement = Settlement { delivery: job.id, attempt: job.attempt, transition, began, ended, account, thread };
    put_down(&shared, &lease, settlement).await;
    landing
}

/// The outcome without secrets in its words: vendors and errors may quote an address.
fn scrubbed(mut outcome: Outcome, snapshot: &Snapshot) -> Outcome {
    if let Some(why) = outcome.why_mut() {
        *why = snapshot.scrubber.scrub(why);
    }
    outcome
}

fn landing(outcome: &Outcome, reach: Reach, job: &Job) -> Landing {
    let mut landing = Landing { health: None, pause: None, closed: None, retry: job.failures > 0, skipped: false };
    match outcome {
        // Nothing was asked.
        Outcome::Skipped { .. } => landing.skipped = true,
        Outcome::Delivered(_) | Outcome::Refused { .. } | Outcome::NotFound { .. } => {
            landing.health = Some(Health::Answered);
        }
        Outcome::Unclear { .. } => landing.health = Some(Health::Unreachable),
        Outcome::Closed { why } => landing.closed = Some(why.clone()),
        Outcome::Later { after, extent, .. } => match extent {
            Extent::Throttled => landing.pause = Some(after.unwrap_or(Duration::from_secs(1))),
            Extent::Single => landing.health = Some(Health::Answered),
            Extent::Failing => {
                landing.pause = *after;
                landing.health = Some(if reach == Reach::Lost { Health::Unreachable } else { Health::Failing });
            }
        },
    }
    landing
}

/// Counts and logs what became of the attempt, once.
fn report(shared: &Shared, job: &Job, transition: &Transition, landing: &Landing) {
    let outcome = match transition {
        Transition::Sent(receipt) => {
            let waited = shared.clock.now().since(job.accepted);
            let label = OfDestination { destination: job.destination.to_string() };
            shared.metrics.delivery_seconds.get_or_create_owned(&label).observe(waited.as_secs_f64());
            if let Some(note) = &receipt.note {
                tracing::warn!(delivery.id = %job.id, destination = &*job.destination, note, "delivered with a remark");
            }
            tracing::debug!(delivery.id = %job.id, destination = &*job.destination, rule = &*job.rule, "delivered");
            "delivered"
        }
        Transition::Dead { why, .. } => {
            tracing::error!(
                delivery.id = %job.id, destination = &*job.destination, rule = &*job.rule, why,
                "a delivery is dead; see it with `relaybell deliveries show`, send it again with `relaybell deliveries retry`"
            );
            "dead"
        }
        Transition::Dropped { why, .. } => {
            tracing::warn!(
                delivery.id = %job.id, destination = &*job.destination, rule = &*job.rule, why, "a delivery is dropped"
            );
            if landing.skipped {
                "skipped"
            } else {
                let label = OfDestination { destination: job.destination.to_string() };
                shared.metrics.expired.get_or_create_owned(&label).inc();
                "expired"
            }
        }
        Transition::Retry { .. } if landing.closed.is_some() => "held",
        Transition::Retry { why, at, .. } => {
            tracing::info!(
                delivery.id = %job.id, destination = &*job.destination, attempt = job.attempt, why, next = %at,
                "a delivery will be tried again"
            );
            if landing.health.is_none() { "throttled" } else { "retried" }
        }
    };
    let label = Ended { destination: job.destination.to_string(), outcome };
    shared.metrics.attempts.get_or_create_owned(&label).inc();
}

/// Writes the settlement, however long the store needs; gives up only when it is too late
/// or the settlement makes no sense. What is not written is found `sending` and unsure by
/// the next holder of the lane.
async fn put_down(shared: &Shared, lease: &Lease, settlement: Settlement) {
    let mut pause = SETTLE_PAUSE_FIRST;
    loop {
        match shared.store.settle(lease, settlement.clone()).await {
            Ok(Settled::Done) => {
                shared.waiters.tell(settlement.delivery.0);
                return;
            }
            Ok(Settled::TooLate) => {
                tracing::warn!(delivery.id = %settlement.delivery, "an attempt ended after its delivery had moved on");
                return;
            }
            Err(StoreError::Unavailable(why) | StoreError::Unknown(why)) => {
                tracing::error!(delivery.id = %settlement.delivery, why, "an attempt cannot be written down yet");
            }
            Err(error) => {
                tracing::error!(delivery.id = %settlement.delivery, %error, "an attempt cannot be written down");
                return;
            }
        }
        tokio::select! {
            () = shared.clock.sleep(pause) => pause = (pause * 2).min(SETTLE_PAUSE_MAX),
            () = shared.stop.cancelled() => return,
        }
    }
}
