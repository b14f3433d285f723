//! Accepting a webhook: authenticate, normalise, recall, plan, commit.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;

use crate::config::{Snapshot, SourceSpec};
use crate::domain::Name;
use crate::domain::delivery::NewDelivery;
use crate::domain::event::Report;
use crate::domain::ids::EventId;
use crate::domain::memory::Known;
use crate::domain::message::Mention;
use crate::domain::plan::{Arrival, Decision, Plan, plan_broken, plan_event};
use crate::source::{Malformed, RawHook, Refusal, Verified, prove};
use crate::store::{Committed, StoreError};
use crate::telemetry::{OfDestination, OfRule, OfSource, OfTemplate, Refused};

use super::Relay;

/// How often an event is planned again because its memory changed meanwhile.
const REPLANS_MAX: u32 = 100;

/// How long a commit may still take after its sender has hung up: soon, and at the latest.
const COMMIT_TAKES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// An event that is on stable storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its id; for a repetition, that of the first.
    pub event: EventId,
    /// Whether it repeats an event accepted before.
    pub duplicate: bool,
}

/// Why a webhook is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Its sender is not who it must be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is right, and no event: a ping, or what the source's mapping leaves out.
    #[error("the webhook reports no event")]
    NoEvent,
    /// Too many are being accepted already.
    #[error("too many webhooks at once")]
    Busy,
    /// It cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IngestError {
    /// The reason in one word, for the metric.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason.word(),
            Self::Malformed(_) => "malformed",
            Self::NoEvent => "no_event",
            Self::Busy => "busy",
            Self::Store(_) => "store",
        }
    }
}

impl Relay {
    /// Accepts `hook` from `source`: when this returns, the event and all it causes are on
    /// stable storage.
    ///
    /// # Errors
    /// When it does not; then nothing is stored.
    pub async fn ingest(&self, source: &SourceSpec, hook: RawHook) -> Result<Accepted, IngestError> {
        let began = self.shared.clock.elapsed();
        let outcome = self.accept(source, hook).await;
        let metrics = &self.shared.metrics;
        let name = source.name.to_string();
        match &outcome {
            Ok(Accepted { duplicate: false, .. }) => {
                self.shared.books.accepted(&source.name, false, self.shared.clock.now());
                metrics.accepted.get_or_create_owned(&OfSource { source: name }).inc();
            }
            Ok(Accepted { duplicate: true, .. }) => {
                self.shared.books.accepted(&source.name, true, self.shared.clock.now());
                metrics.duplicates.get_or_create_owned(&OfSource { source: name }).inc();
            }
            Err(IngestError::NoEvent) => {
                metrics.no_events.get_or_create_owned(&OfSource { source: name }).inc();
            }
            Err(error) => {
                metrics.refused.get_or_create_owned(&Refused { source: name, reason: error.reason() }).inc();
            }
        }
        metrics.accept_seconds.observe((self.shared.clock.elapsed() - began).as_secs_f64());
        outcome
    }

    async fn accept(&self, source: &SourceSpec, hook: RawHook) -> Result<Accepted, IngestError> {
        let received = self.shared.clock.now();
        let verified = prove(source.adapter.as_ref(), hook, received)?;
        let _permit = self.shared.intake.try_acquire().map_err(|_| IngestError::Busy)?;
        let reports = source.adapter.normalise(&verified)?;
        self.take_in(&source.name, reports, &verified).await
    }

    async fn take_in(&self, source: &Name, reports: Vec<Report>, verified: &Verified) -> Result<Accepted, IngestError> {
        let mut all: Option<Accepted> = None;
        for report in reports {
            let project = report.project.clone();
            let one = self.plan_and_commit(source, report, &verified.hook().body).await?;
            if let Some(project) = project {
                self.shared.books.about(source, &project, self.shared.clock.now());
            }
            all = Some(match all {
                None => one,
                Some(first) => Accepted { event: first.event, duplicate: first.duplicate && one.duplicate },
            });
        }
        all.ok_or(IngestError::NoEvent)
    }

    /// Plans `report` of `source`, which came in `body`, and commits the plan.
    pub(super) async fn plan_and_commit(
        &self,
        source: &Name,
        mut report: Report,
        body: &Bytes,
    ) -> Result<Accepted, IngestError> {
        let body = report.alone.take().unwrap_or_else(|| body.clone());
        let snapshot = self.shared.current.load_full();
        let received = self.shared.clock.now();
        let arrival = Arrival {
            id: EventId::new(received, self.shared.dice.bytes()),
            source: source.clone(),
            report,
            body,
            received,
            revision: snapshot.revision.clone(),
        };
        for round in 0..REPLANS_MAX {
            let known = match arrival.subject_key() {
                // Planned as if nothing were known; if that is wrong, the commit says so.
                Some(_) if arrival.report.begins && round == 0 => Known::default(),
                Some(key) => self.shared.store.recall(&key).await?,
                None => Known::default(),
            };
            let plan = guarded_plan(&arrival, &known, &snapshot);
            let effects = Effects::of(&plan, &snapshot);
            let hung_up = HungUp { relay: self, destinations: &effects.destinations, answered: false };
            let committed = self.shared.store.commit(plan).await;
            hung_up.did_not();
            match committed? {
                Committed::Stored => {
                    effects.announce(self);
                    return Ok(Accepted { event: arrival.id, duplicate: false });
                }
                Committed::Duplicate(first) => return Ok(Accepted { event: first, duplicate: true }),
                Committed::Stale => {}
            }
        }
        Err(IngestError::Busy)
    }
}

/// Plans; a panic in planning (a bug) becomes a broken plan that keeps the bare event.
pub(super) fn guarded_plan(arrival: &Arrival, known: &Known, snapshot: &Snapshot) -> Plan {
    catch_unwind(AssertUnwindSafe(|| plan_event(arrival.clone(), known, &snapshot.rules, &snapshot.templates)))
        .unwrap_or_else(|panic| plan_broken(arrival, format!("planning failed: {}", panic_text(panic.as_ref()))))
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

/// Stands by while a plan is being committed. When the sender hangs up meanwhile, nobody
/// waits for the commit any more, so the lanes are told a little later that it may be there.
struct HungUp<'a> {
    relay: &'a Relay,
    destinations: &'a [Name],
    answered: bool,
}

impl HungUp<'_> {
    fn did_not(mut self) {
        self.answered = true;
    }
}

impl Drop for HungUp<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let (relay, destinations) = (self.relay.clone(), self.destinations.to_vec());
        self.relay.shared.tasks.spawn(async move {
            for pause in COMMIT_TAKES {
                tokio::select! {
                    () = relay.shared.clock.sleep(pause) => {}
                    () = relay.shared.stop.cancelled() => return,
                }
                destinations.iter().for_each(|destination| relay.lanes.wake(destination));
            }
        });
    }
}

/// What is to be told once a plan is committed.
struct Effects {
    event: EventId,
    rules: Vec<String>,
    broken: Option<String>,
    template_failures: Vec<(String, String)>,
    /// Where somebody is only named, because nobody knows how the vendor calls them.
    unmentioned: Vec<crate::domain::Name>,
    destinations: Vec<crate::domain::Name>,
}

impl Effects {
    fn of(plan: &Plan, snapshot: &Snapshot) -> Self {
        let mut destinations: Vec<_> = plan.deliveries.iter().map(|delivery| delivery.destination.clone()).collect();
        destinations.sort_unstable();
        destinations.dedup();
        let mut rules = Vec::new();
        let mut broken = None;
        for verdict in plan.verdicts.iter().filter(|verdict| verdict.where_failed().is_none()) {
            match &verdict.decision {
                Decision::Broken { why } => broken = Some(why.clone()),
                Decision::Sent(_) | Decision::HeldBack { .. } => rules.push(verdict.rule.to_string()),
            }
        }
        let template_failures =
            plan.template_failures.iter().map(|(template, why)| (template.to_string(), why.clone())).collect();
        let without_id = |delivery: &&NewDelivery| {
            let kind = snapshot.destinations.get(&delivery.destination).map(|spec| spec.kind);
            let unknown = |mention: &Mention| kind.is_some_and(|kind| mention.id(kind).is_none());
            delivery.content.message.mentions.iter().any(unknown)
        };
        let unmentioned =
            plan.deliveries.iter().filter(without_id).map(|delivery| delivery.destination.clone()).collect();
        Self { event: plan.event.id, rules, broken, template_failures, unmentioned, destinations }
    }

    fn announce(self, relay: &Relay) {
        let metrics = &relay.shared.metrics;
        for rule in self.rules {
            metrics.matched.get_or_create_owned(&OfRule { rule }).inc();
        }
        if let Some(why) = self.broken {
            metrics.broken.inc();
            tracing::error!(event.id = %self.event, why, "an event was kept but not planned");
        }
        for (template, why) in self.template_failures {
            tracing::warn!(event.id = %self.event, template, why, "a template failed; the built-in message goes out");
            metrics.template_failures.get_or_create_owned(&OfTemplate { template }).inc();
        }
        for destination in self.unmentioned {
            let label = OfDestination { destination: destination.to_string() };
            metrics.mentions_without_id.get_or_create_owned(&label).inc();
        }
        for destination in self.destinations {
            relay.lanes.wake(&destination);
        }
    }
}
