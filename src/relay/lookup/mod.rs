//! Look-ups: what an event lacks is asked of its sender's API, after the sender was answered.
//!
//! An event that lacks something is kept as awaiting. Each subject whose events wait has one
//! task that decides them in the order in which they came, so none overtakes another; after
//! a restart they are taken up again. Whatever the API does, every event is decided in the end.

mod desk;
mod inquiry;
mod queue;
mod wanted;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::config::{ApiSpec, Snapshot, SourceSpec};
use crate::domain::Name;
use crate::domain::event::{Report, SubjectKey};
use crate::domain::ids::EventId;
use crate::domain::memory::Known;
use crate::domain::plan::{Arrival, LookedUp};
use crate::domain::stage::Stage;
use crate::source::{Found, Wanted};
use crate::store::{Committed, EventRecord, StoreError};
use crate::telemetry::LookedUp as Label;

use super::ingest::Effects;
use super::{Relay, Shared, again};
use desk::Desk;
use inquiry::{Heard, Talk};
use queue::{Care, Queues};

/// The most subjects whose events wait; beyond that, events are decided with what is known.
const SUBJECTS_MAX: usize = 10_000;
/// The waits after each failed try: five tries in about two minutes.
const WAITS: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(30), Duration::from_secs(80)];
/// The longest that an event waits, pauses that the API asks for included.
const TIME_MAX: Duration = Duration::from_secs(600);
/// The shortest pause that an API can ask for.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The pause after the store could not be used.
const STORE_PAUSE: Duration = Duration::from_secs(2);
/// How often an event that should be there and is not is looked for.
const MISSING_LOOKS: u32 = 3;
/// How often an event is planned again because its memory changed meanwhile.
const REPLANS_MAX: u32 = 100;
/// How many awaiting events are read from the store at once.
const PAGE: usize = 100;

/// What is being looked up.
#[derive(Default)]
pub(crate) struct LookUps {
    queues: Queues,
    desks: Mutex<HashMap<Name, Arc<Desk>>>,
    wants: wanted::Wants,
    /// The configuration has changed, or an API is said to be mended: try now.
    again: Notify,
}

/// What is to be done about an event before rules judge it.
#[expect(clippy::large_enum_variant, reason = "one at a time, and gone at once")]
pub(super) enum Before {
    /// Nothing: all that can be known is known.
    Nothing,
    /// This was found out without asking, or why it cannot be.
    Known(LookedUp),
    /// It waits for a look-up, or for an earlier event of its subject.
    Wait,
}

/// What came of one try.
enum Try {
    /// The event is decided, or is not there to be.
    Over,
    /// Not yet: once more after this time.
    After(Duration),
    /// Not yet, and that counts as a failed try.
    Failed { why: String, wait: Option<Duration> },
}

impl LookUps {
    fn desk(&self, shared: &Shared, source: &Name, api: &ApiSpec) -> Arc<Desk> {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.entry(source.clone()).or_insert_with(|| Arc::new(Desk::new(shared, api))).clone()
    }

    /// Obeys a changed configuration.
    pub(super) fn renew(&self, snapshot: &Snapshot) {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.retain(|source, desk| {
            let api = snapshot.sources.get(source).and_then(|spec| spec.api.as_ref());
            api.inspect(|api| desk.renew(api)).is_some()
        });
        drop(desks);
        self.again.notify_waiters();
    }
}

/// The subject under which an event waits: events without one wait for nobody.
pub(super) fn place_of(source: &str, project: Option<&str>, subject: Option<&str>, id: EventId) -> SubjectKey {
    match subject {
        Some(subject) => SubjectKey::new(source, project, subject),
        None => SubjectKey(format!("{source}/{id}")),
    }
}

impl Relay {
    /// What is to be done about `arrival` before rules judge it.
    pub(super) fn before(&self, snapshot: &Snapshot, spec: &SourceSpec, arrival: &Arrival, known: &Known) -> Before {
        let lookups = &self.shared.lookups;
        let some_wait = lookups.queues.subjects() > 0;
        if some_wait && arrival.subject_key().is_some_and(|key| lookups.queues.has(&key)) {
            return Before::Wait;
        }
        let Some(api) = &spec.api else { return Before::Nothing };
        let wanted = lookups.wants.of(snapshot, &spec.name, &arrival.report);
        if !spec.adapter.is_thin(&arrival.report, known, &wanted) {
            return Before::Nothing;
        }
        let now = self.shared.clock.now();
        let desk = lookups.desk(&self.shared, &spec.name, api);
        let wanted = lacking(&wanted, known);
        if let Some(found) = self.talk(spec, api, &desk, arrival, &wanted).known() {
            return Before::Known(told(found, now));
        }
        if lookups.queues.subjects() >= SUBJECTS_MAX {
            return Before::Known(LookedUp::failed(now, "too many events wait for look-ups already".to_owned()));
        }
        Before::Wait
    }

    fn talk<'a>(
        &'a self,
        spec: &'a SourceSpec,
        api: &'a ApiSpec,
        desk: &'a Desk,
        arrival: &'a Arrival,
        wanted: &'a Wanted,
    ) -> Talk<'a> {
        let (report, received) = (&arrival.report, arrival.received);
        Talk { shared: &self.shared, spec, api, desk, report, wanted, received }
    }

    /// Gives `event` its place among those of its subject that wait, before it is written.
    pub(super) fn will_wait(&self, place: &SubjectKey, event: EventId) {
        self.shared.lookups.queues.enter(place, event);
    }

    /// `event` is written as awaiting, or may be: it is taken care of.
    pub(super) fn waits(&self, place: &SubjectKey, event: EventId) {
        self.tend(self.shared.lookups.queues.written(place, event), place);
    }

    /// `event` was not written.
    pub(super) fn does_not_wait(&self, place: &SubjectKey, event: EventId) {
        self.tend(self.shared.lookups.queues.leave(place, event), place);
    }

    fn tend(&self, care: Care, place: &SubjectKey) {
        if care == Care::Yours {
            self.shared.tasks.spawn(care_for(self.clone(), place.clone()));
        }
    }

    /// Takes up the events that awaited a look-up when the relay ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn take_up_awaiting(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.shared.ledger.events_at(Stage::Awaiting, None, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for record in &page {
                let place = place_of(&record.source, record.project.as_deref(), record.subject.as_deref(), record.id);
                self.will_wait(&place, record.id);
                self.waits(&place, record.id);
            }
        }
    }

    /// Decides the awaiting event `id`, however long that takes.
    async fn decide_awaiting(&self, id: EventId) {
        let began = self.shared.clock.elapsed();
        let (mut failed, mut missing) = (0, 0);
        let mut last: Option<String> = None;
        loop {
            let record = match self.shared.ledger.event(id).await {
                Ok(Some(record)) if record.stage == Stage::Awaiting => record,
                Ok(Some(_)) => return,
                Ok(None) if missing >= MISSING_LOOKS => return,
                Ok(None) => {
                    missing += 1;
                    self.rest(STORE_PAUSE).await;
                    continue;
                }
                Err(error) => {
                    tracing::warn!(event.id = %id, %error, "an event that awaits its look-up cannot be read yet");
                    self.rest(STORE_PAUSE).await;
                    continue;
                }
            };
            let out_of_time = failed > WAITS.len() || self.shared.clock.elapsed() >= began + TIME_MAX;
            let give_up = last.clone().filter(|_| out_of_time);
            match self.try_to_decide(&record, give_up).await {
                Try::Over => return,
                Try::After(wait) => self.rest(wait).await,
                Try::Failed { why, wait } => {
                    let usual = WAITS.get(failed).copied().unwrap_or_default();
                    let roll = 0.9 + 0.2 * self.shared.dice.roll();
                    failed += usize::from(wait.is_none());
                    tracing::info!(event.id = %id, source = record.source, why, "a look-up failed and is tried again");
                    last = Some(why);
                    self.rest(wait.unwrap_or_else(|| usual.mul_f64(roll))).await;
                }
            }
        }
    }

    /// Waits, unless the relay stops or the configuration changes.
    async fn rest(&self, time: Duration) {
        let shared = &self.shared;
        tokio::select! {
            () = shared.clock.sleep(time) => {}
            () = shared.lookups.again.notified() => {}
            () = shared.stop.cancelled() => {}
        }
    }

    /// One try to look `record` up and decide it; with `give_up`, the reason of the last
    /// failure, it is decided with what is known.
    async fn try_to_decide(&self, record: &EventRecord, give_up: Option<String>) -> Try {
        let snapshot = self.shared.current.load_full();
        let Some(spec) = snapshot.sources.get(record.source.as_str()) else {
            let why = format!("relaybell.yaml has no source '{}' any more", record.source);
            return self.decide_as_seen(&snapshot, record, &why).await;
        };
        let report = match again::read(spec, record) {
            Ok(reports) => again::own(reports, record),
            Err(malformed) => return self.decide_as_seen(&snapshot, record, &malformed.why).await,
        };
        let Some(mut report) = report else {
            return self.decide_as_seen(&snapshot, record, "its webhook reads as another event now").await;
        };
        report.dedup.clone_from(&record.dedup);
        let arrival = again::arrival(record, report, &snapshot);
        let found = match self.look_up(&snapshot, spec, &arrival, give_up).await {
            Ok(found) => found,
            Err(not_yet) => return not_yet,
        };
        self.decide(&snapshot, &arrival, found).await
    }

    /// What the sender's API tells of `arrival`, if that is needed and can be.
    async fn look_up(
        &self,
        snapshot: &Snapshot,
        spec: &SourceSpec,
        arrival: &Arrival,
        give_up: Option<String>,
    ) -> Result<LookedUp, Try> {
        let shared = &self.shared;
        let nothing = || LookedUp::nothing(shared.clock.now());
        let Some(api) = &spec.api else { return Ok(nothing()) };
        let wanted = shared.lookups.wants.of(snapshot, &spec.name, &arrival.report);
        let known = self.recall(&arrival.report, arrival).await.map_err(|_| Try::After(STORE_PAUSE))?;
        if !spec.adapter.is_thin(&arrival.report, &known, &wanted) {
            return Ok(nothing());
        }
        let wanted = lacking(&wanted, &known);
        let failed = |why: &str| LookedUp::failed(shared.clock.now(), snapshot.scrubber.scrub(why));
        if let Some(why) = give_up {
            self.count(&spec.name, "gave_up");
            tracing::error!(
                event.id = %arrival.id, source = &*spec.name, why,
                "a look-up was given up; the event is decided with what is known"
            );
            return Ok(failed(&why));
        }
        let desk = shared.lookups.desk(shared, &spec.name, api);
        let Ok(_place) = desk.talks.acquire().await else { return Ok(nothing()) };
        match self.talk(spec, api, &desk, arrival, &wanted).hold().await {
            Heard::Found(found) => {
                let anything = found.project.is_some() || !found.facts.is_empty() || !found.instead.is_empty();
                let outcome = if anything { "found" } else { "nothing" };
                self.count(&spec.name, outcome);
                Ok(told(found, shared.clock.now()))
            }
            Heard::Failed { why } => {
                self.count(&spec.name, "failed");
                if desk.complains(shared.clock.elapsed()) {
                    let why = snapshot.scrubber.scrub(&why);
                    tracing::error!(
                        event.id = %arrival.id, source = &*spec.name, why,
                        "the sender's API cannot be asked; events are decided with what is known"
                    );
                }
                Ok(failed(&why))
            }
            Heard::Later { why, after } => {
                if let Some(time) = after {
                    desk.pause(shared.clock.elapsed(), time.max(PAUSE_MIN));
                }
                let wait = after.map(|_| desk.paused(shared.clock.elapsed()));
                Err(Try::Failed { why: snapshot.scrubber.scrub(&why), wait })
            }
        }
    }

    fn count(&self, source: &str, outcome: &'static str) {
        let label = Label { source: source.to_owned(), outcome };
        self.shared.metrics.lookups.get_or_create_owned(&label).inc();
    }

    async fn recall(&self, report: &Report, arrival: &Arrival) -> Result<Known, StoreError> {
        let subject = report.subject.as_deref();
        let key = subject.map(|subject| SubjectKey::new(&arrival.source, report.project.as_deref(), subject));
        match key {
            Some(key) => self.shared.store.recall(&key).await,
            None => Ok(Known::default()),
        }
    }

    async fn decide(&self, snapshot: &Snapshot, arrival: &Arrival, found: LookedUp) -> Try {
        let shared = &self.shared;
        // The project may be known only now, and with it the subject that memory is about.
        let mut as_found = arrival.clone();
        if as_found.report.project.is_none() {
            as_found.report.project.clone_from(&found.project);
        }
        for _ in 0..REPLANS_MAX {
            let Ok(known) = self.recall(&as_found.report, arrival).await else { return Try::After(STORE_PAUSE) };
            let plan = again::guarded_plan(arrival, &found, &known, snapshot);
            let effects = Effects::of(&plan, snapshot);
            match shared.store.replan(plan, shared.clock.now()).await {
                Ok(Committed::Stored) => {
                    effects.announce(self);
                    return Try::Over;
                }
                Ok(Committed::Stale) => {}
                // Its sender has sent it again, and that one was decided first.
                Ok(Committed::Duplicate(_)) | Err(StoreError::Refused(_)) => return Try::Over,
                Err(error) => {
                    tracing::warn!(event.id = %arrival.id, %error, "an event that was looked up cannot be written yet");
                    return Try::After(STORE_PAUSE);
                }
            }
        }
        Try::After(STORE_PAUSE)
    }

    async fn decide_as_seen(&self, snapshot: &Snapshot, record: &EventRecord, why: &str) -> Try {
        let plan = again::guarded_as_seen(record, snapshot, why);
        let effects = Effects::of(&plan, snapshot);
        match self.shared.store.replan(plan, self.shared.clock.now()).await {
            Ok(Committed::Stored) => {
                effects.announce(self);
                Try::Over
            }
            Ok(_) | Err(StoreError::Refused(_)) => Try::Over,
            Err(_) => Try::After(STORE_PAUSE),
        }
    }
}

/// What an API told, at `at`.
fn told(found: Found, at: crate::domain::time::Timestamp) -> LookedUp {
    let Found { project, facts, instead, notes } = found;
    LookedUp { at, project, facts, instead, lacking: None, notes }
}

/// What of `wanted` is not remembered.
fn lacking(wanted: &Wanted, known: &Known) -> Wanted {
    let Some((memory, _)) = &known.memory else { return wanted.clone() };
    Wanted(wanted.0.iter().filter(|name| !memory.facts.contains_key(*name)).cloned().collect())
}

/// Takes care of the events of one subject until none waits.
async fn care_for(relay: Relay, place: SubjectKey) {
    while let Some(id) = relay.shared.lookups.queues.next(&place) {
        tokio::select! {
            () = relay.decide_awaiting(id) => {}
            () = relay.shared.stop.cancelled() => return,
        }
        relay.shared.waiters.tell(id.0);
        // The care stays with this task, whatever the queue says.
        let _care = relay.shared.lookups.queues.leave(&place, id);
    }
}
