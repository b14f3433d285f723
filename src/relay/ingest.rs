//! Accepting a webhook: authenticate, normalise, recall, plan, commit.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::config::{Snapshot, SourceSpec, Unread};
use crate::domain::Name;
use crate::domain::delivery::{Action, NewDelivery};
use crate::domain::event::{Dedup, Report, SubjectKey};
use crate::domain::ids::EventId;
use crate::domain::memory::Known;
use crate::domain::message::Mention;
use crate::domain::plan::{Arrival, Decision, Plan, UNREAD, plan_awaiting, plan_broken, plan_event, plan_quarantined};
use crate::domain::priority::Priority;
use crate::source::{ByHand, Malformed, RawHook, Refusal, Verified, body_hash, kept_headers, prove};
use crate::store::{Committed, StoreError};
use crate::telemetry::{OfDestination, OfRule, OfSource, OfTemplate, Refused};

use super::Relay;
use super::again;
use super::lookup::{Before, place_of};

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
        let outcome = self.accept(source, hook, None).await;
        let metrics = &self.shared.metrics;
        let name = source.name.to_string();
        match &outcome {
            Ok(accepted) => self.shared.books.accepted(&source.name, accepted.duplicate, self.shared.clock.now()),
            Err(IngestError::NoEvent) => {
                self.shared.books.no_event(&source.name, self.shared.clock.now());
                metrics.no_events.get_or_create_owned(&OfSource { source: name }).inc();
            }
            Err(error) => {
                metrics.refused.get_or_create_owned(&Refused { source: name, reason: error.reason() }).inc();
            }
        }
        metrics.accept_seconds.observe((self.shared.clock.elapsed() - began).as_secs_f64());
        outcome
    }

    /// Whether `hook`, which reports nothing, comes from the sender of `source`.
    ///
    /// # Errors
    /// When it does not.
    pub fn authenticate(&self, source: &SourceSpec, hook: RawHook) -> Result<(), IngestError> {
        let proven = prove(source.adapter.as_ref(), hook, self.shared.clock.now()).map_err(IngestError::from);
        if let Err(error) = &proven {
            let label = Refused { source: source.name.to_string(), reason: error.reason() };
            self.shared.metrics.refused.get_or_create_owned(&label).inc();
        }
        proven.map(drop)
    }

    /// Accepts `hook`, which repeats the event `after` that came to nothing, as an event of its
    /// own; the same again is a repetition of that.
    pub(super) async fn ingest_after(
        &self,
        source: &SourceSpec,
        hook: RawHook,
        after: EventId,
    ) -> Result<Accepted, IngestError> {
        self.accept(source, hook, Some(after)).await
    }

    async fn accept(
        &self,
        source: &SourceSpec,
        hook: RawHook,
        after: Option<EventId>,
    ) -> Result<Accepted, IngestError> {
        let received = self.shared.clock.now();
        let verified = prove(source.adapter.as_ref(), hook, received)?;
        let _permit = self.shared.intake.try_acquire().map_err(|_| IngestError::Busy)?;
        let reports = match read(source, &verified) {
            Ok(reports) => reports,
            Err(malformed) if malformed.keep || source.unread == Unread::Kept => {
                let kept = self.quarantine(source, &verified, malformed.why).await?;
                self.count_event(source, kept);
                return Ok(kept);
            }
            Err(malformed) => return Err(malformed.into()),
        };
        let mut all: Option<Accepted> = None;
        for mut report in reports {
            if let Some(after) = after {
                report.dedup = Dedup::SenderId(format!("after {after}"));
            }
            let project = report.project.clone();
            let one = self.plan_and_commit(source, report, &verified).await?;
            // Of a webhook that is taken once more, the repetition is counted already.
            if after.is_none() || !one.duplicate {
                self.count_event(source, one);
            }
            if let Some(project) = project {
                self.shared.books.about(&source.name, &project, self.shared.clock.now());
            }
            all = Some(match all {
                None => one,
                Some(first) => Accepted { event: first.event, duplicate: first.duplicate && one.duplicate },
            });
        }
        all.ok_or(IngestError::NoEvent)
    }

    /// Takes in a webhook that never came, as if it had: `body` is what `source` would have
    /// got. `key` is how a repetition of it is recognised.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub async fn inject(&self, source: &SourceSpec, key: &str, body: Bytes) -> Result<Accepted, IngestError> {
        let (hook, now) = (RawHook::posted(HeaderMap::new(), body), self.shared.clock.now());
        let verified = prove(&ByHand(source.adapter.as_ref()), hook, now)?;
        let mut reports = read(source, &verified)?;
        if reports.len() != 1 {
            return Err(Malformed::refused(format!("it reports {} events; one is wanted", reports.len())).into());
        }
        let mut report = reports.remove(0);
        report.dedup = Dedup::SenderId(key.to_owned());
        let accepted = self.plan_and_commit(source, report, &verified).await?;
        self.shared.books.accepted(&source.name, accepted.duplicate, now);
        self.count_event(source, accepted);
        Ok(accepted)
    }

    /// Counts an event of `source`; a webhook may report several.
    fn count_event(&self, source: &SourceSpec, accepted: Accepted) {
        let metrics = &self.shared.metrics;
        let family = if accepted.duplicate { &metrics.duplicates } else { &metrics.accepted };
        family.get_or_create_owned(&OfSource { source: source.name.to_string() }).inc();
    }

    /// Plans `report` of `source`, which came with `verified`, and commits the plan.
    pub(super) async fn plan_and_commit(
        &self,
        source: &SourceSpec,
        mut report: Report,
        verified: &Verified,
    ) -> Result<Accepted, IngestError> {
        let body = report.alone.take().unwrap_or_else(|| verified.hook().body.clone());
        let snapshot = self.shared.current.load_full();
        let mut arrival = self.arrival(source, report, verified, &snapshot);
        arrival.body = body;
        let headers = kept_headers(source.adapter.as_ref(), verified.hook());
        for round in 0..REPLANS_MAX {
            let known = match arrival.subject_key() {
                // Planned as if nothing were known; if that is wrong, the commit says so.
                Some(_) if arrival.report.begins && round == 0 && source.api.is_none() => Known::default(),
                Some(key) => self.shared.store.recall(&key).await?,
                None => Known::default(),
            };
            let mut plan = match self.before(&snapshot, source, &arrival, &known) {
                Before::Nothing => guarded_plan(&arrival, &known, &snapshot),
                Before::Known(found) => again::guarded_plan(&arrival, &found, &known, &snapshot),
                Before::Wait => {
                    let mut plan = plan_awaiting(&arrival, &known);
                    plan.headers = headers;
                    return self.commit_awaiting(&arrival, plan).await;
                }
            };
            plan.headers.clone_from(&headers);
            if let Some(accepted) = self.commit(plan, &snapshot).await? {
                return Ok(accepted);
            }
        }
        Err(IngestError::Busy)
    }

    fn arrival(&self, source: &SourceSpec, report: Report, verified: &Verified, snapshot: &Snapshot) -> Arrival {
        let received = self.shared.clock.now();
        Arrival {
            id: EventId::new(received, self.shared.dice.bytes()),
            source: source.name.clone(),
            report,
            body: verified.hook().body.clone(),
            received,
            revision: snapshot.revision.clone(),
        }
    }

    /// Writes `plan` and tells who is concerned; `None` when it must be planned again.
    async fn commit(&self, plan: Plan, snapshot: &Snapshot) -> Result<Option<Accepted>, StoreError> {
        let event = plan.event.id;
        let effects = Effects::of(&plan, snapshot);
        let hung_up = HungUp { relay: self, destinations: &effects.destinations, answered: false };
        let committed = self.shared.store.commit(plan).await;
        hung_up.did_not();
        match committed? {
            Committed::Stored => {
                effects.announce(self);
                Ok(Some(Accepted { event, duplicate: false }))
            }
            Committed::Duplicate(first) => Ok(Some(Accepted { event: first, duplicate: true })),
            Committed::Stale => Ok(None),
        }
    }

    /// Writes an event that waits, behind those of its subject that wait already.
    async fn commit_awaiting(&self, arrival: &Arrival, plan: Plan) -> Result<Accepted, IngestError> {
        let report = &arrival.report;
        let place = place_of(&arrival.source, report.project.as_deref(), report.subject.as_deref(), arrival.id);
        self.will_wait(&place, arrival.id);
        let mut standing = Standing { relay: self, place: &place, event: arrival.id, written: true };
        let committed = self.shared.store.commit(plan).await;
        // It may be there although no answer said so.
        standing.written = matches!(committed, Ok(Committed::Stored) | Err(StoreError::Unknown(_)));
        drop(standing);
        match committed? {
            Committed::Duplicate(first) => Ok(Accepted { event: first, duplicate: true }),
            Committed::Stored => Ok(Accepted { event: arrival.id, duplicate: false }),
            Committed::Stale => Err(IngestError::Busy),
        }
    }

    /// Keeps a webhook that cannot be read because of `why`.
    async fn quarantine(&self, source: &SourceSpec, verified: &Verified, why: String) -> Result<Accepted, IngestError> {
        let snapshot = self.shared.current.load_full();
        let headers = kept_headers(source.adapter.as_ref(), verified.hook());
        let mut hashed = source.name.to_string();
        headers.iter().for_each(|(name, value)| hashed.push_str(&format!("\n{name}: {value}")));
        let report = Report {
            event: UNREAD.to_owned(),
            project: None,
            subject: None,
            time: None,
            facts: serde_json::Map::new(),
            derived: Vec::new(),
            passing: Vec::new(),
            payload: serde_json::Value::Null,
            dedup: Dedup::BodyHash(body_hash(&hashed, &verified.hook().body)),
            begins: false,
            alone: None,
        };
        let arrival = self.arrival(source, report, verified, &snapshot);
        let mut plan = plan_quarantined(&arrival, snapshot.scrubber.scrub(&why));
        plan.headers = headers;
        // It remembers nothing, so it is never planned from something that has changed.
        self.commit(plan, &snapshot).await?.ok_or(IngestError::Busy)
    }
}

/// What a webhook reports; a panic in reading (a bug) is no reason to lose it.
fn read(source: &SourceSpec, verified: &Verified) -> Result<Vec<Report>, Malformed> {
    catch_unwind(AssertUnwindSafe(|| source.adapter.normalise(verified)))
        .unwrap_or_else(|panic| Err(Malformed::kept(format!("reading failed: {}", panic_text(panic.as_ref())))))
}

/// Stands by while an event is being written that will wait. When its sender hangs up
/// meanwhile, it may be in the store, and is taken care of as if it were.
struct Standing<'a> {
    relay: &'a Relay,
    place: &'a SubjectKey,
    event: EventId,
    written: bool,
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        if self.written {
            self.relay.waits(self.place, self.event);
        } else {
            self.relay.does_not_wait(self.place, self.event);
        }
    }
}

/// A plan of `snapshot`: what a sender waits for goes before everything else.
pub(super) fn hastened(mut plan: Plan, snapshot: &Snapshot) -> Plan {
    let source = snapshot.sources.get(&plan.event.source);
    if let Some(wanted) = source.and_then(|source| source.exchanges.create_defect.as_ref()) {
        let awaited = plan.deliveries.iter_mut().filter(|delivery| delivery.rule == wanted.rule);
        awaited.filter(|delivery| delivery.action == Action::Create).for_each(|delivery| {
            delivery.priority = Priority::Urgent;
        });
    }
    plan
}

/// Plans; a panic in planning (a bug) becomes a broken plan that keeps the bare event.
pub(super) fn guarded_plan(arrival: &Arrival, known: &Known, snapshot: &Snapshot) -> Plan {
    let plan = || plan_event(arrival.clone(), known, &snapshot.rules, &snapshot.templates);
    catch_unwind(AssertUnwindSafe(|| hastened(plan(), snapshot)))
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
pub(super) struct Effects {
    event: EventId,
    source: Name,
    quarantined: Option<String>,
    rules: Vec<String>,
    broken: Option<String>,
    template_failures: Vec<(String, String)>,
    /// Where somebody is only named, because nobody knows how the vendor calls them.
    unmentioned: Vec<crate::domain::Name>,
    destinations: Vec<crate::domain::Name>,
}

impl Effects {
    pub(super) fn of(plan: &Plan, snapshot: &Snapshot) -> Self {
        let mut destinations: Vec<_> = plan.deliveries.iter().map(|delivery| delivery.destination.clone()).collect();
        destinations.sort_unstable();
        destinations.dedup();
        let mut rules = Vec::new();
        let (mut broken, mut quarantined) = (None, None);
        for verdict in plan.verdicts.iter().filter(|verdict| verdict.where_failed().is_none()) {
            match &verdict.decision {
                Decision::Broken { why } => broken = Some(why.clone()),
                Decision::Sent(_) | Decision::HeldBack { .. } if verdict.is_of_rule() => {
                    rules.push(verdict.rule.to_string());
                }
                Decision::Quarantined { why } => quarantined = Some(why.clone()),
                Decision::Sent(_) | Decision::HeldBack { .. } | Decision::Lacking { .. } => {}
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
        Self {
            event: plan.event.id,
            source: plan.event.source.clone(),
            quarantined,
            rules,
            broken,
            template_failures,
            unmentioned,
            destinations,
        }
    }

    pub(super) fn announce(self, relay: &Relay) {
        let metrics = &relay.shared.metrics;
        for rule in self.rules {
            metrics.matched.get_or_create_owned(&OfRule { rule }).inc();
        }
        if let Some(why) = self.broken {
            metrics.broken.inc();
            tracing::error!(event.id = %self.event, why, "an event was kept but not planned");
            relay.shared.notices.quarantined(&self.source, self.event, why);
        }
        if let Some(why) = self.quarantined {
            let source = self.source.to_string();
            tracing::error!(
                event.id = %self.event, source, why,
                "a webhook was kept that could not be read; mend the source, then plan it with `relaybell events replan`"
            );
            metrics.quarantined.get_or_create_owned(&OfSource { source }).inc();
            relay.shared.notices.quarantined(&self.source, self.event, why);
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
