//! Having stored events read and planned again, on demand: those that could not be read,
//! and those whose planning broke.
//!
//! All that a webhook reports is put among the awaiting events first, in order, and decided
//! from there like any event that was looked up: so nothing of it is lost, whatever happens
//! in between.

use std::time::Duration;

use crate::config::{Snapshot, SourceSpec};
use crate::domain::event::Report;
use crate::domain::ids::EventId;
use crate::domain::memory::Known;
use crate::domain::plan::{Arrival, plan_awaiting, plan_nothing};
use crate::domain::stage::Stage;
use crate::ports::{Clock, Dice};
use crate::store::{Committed, EventRecord, Ledger, Store, StoreError};

use super::Relay;
use super::again;
use super::lookup::place_of;

/// The most events that one request plans again.
pub const REPLAN_MAX: usize = 1000;

/// How long a request waits until what it has had planned again is decided.
const DECIDED_WITHIN: Duration = Duration::from_secs(15);

/// Which events to plan again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// This one.
    One(EventId),
    /// All at this stage, at most [`REPLAN_MAX`], of this source if given.
    All {
        /// The stage: quarantined or broken.
        stage: Stage,
        /// The source.
        source: Option<String>,
    },
}

/// What became of the events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replanned {
    /// Decided, or about to be: their own ids, and those of further events that a webhook reports.
    pub done: Vec<EventId>,
    /// Of those, the ones that are not decided yet.
    pub awaiting: Vec<EventId>,
    /// Not planned again, each with the reason.
    pub refused: Vec<(EventId, String)>,
}

/// What replanning goes through.
pub struct Doors<'a> {
    /// Where events are kept.
    pub store: &'a dyn Store,
    /// Where they are read.
    pub ledger: &'a dyn Ledger,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Chance, for the ids of further events.
    pub dice: &'a dyn Dice,
    /// The configuration they are read with.
    pub snapshot: &'a Snapshot,
}

/// Puts the `chosen` events among those that await their decision; a relay makes it, this
/// one or the next that is started.
///
/// # Errors
/// When the store cannot be used, or a single event refuses.
pub async fn replan(doors: &Doors<'_>, relay: Option<&Relay>, chosen: &Chosen) -> Result<Replanned, StoreError> {
    let records = match chosen {
        Chosen::One(id) => match doors.ledger.event(*id).await? {
            Some(record) => vec![record],
            None => return Err(StoreError::Refused(format!("there is no event {id}"))),
        },
        Chosen::All { stage, source } => doors.ledger.events_at(*stage, source.as_deref(), None, REPLAN_MAX).await?,
    };
    let mut replanned = Replanned::default();
    for record in records {
        match open_again(doors, relay, &record).await {
            Ok(ids) => replanned.done.extend(ids),
            Err(StoreError::Refused(why)) if matches!(chosen, Chosen::All { .. }) => {
                replanned.refused.push((record.id, why));
            }
            Err(error) => return Err(error),
        }
    }
    replanned.awaiting.clone_from(&replanned.done);
    Ok(replanned)
}

/// Reads `record` again and puts what it reports among the awaiting events.
async fn open_again(
    doors: &Doors<'_>,
    relay: Option<&Relay>,
    record: &EventRecord,
) -> Result<Vec<EventId>, StoreError> {
    let refused = |why: String| Err(StoreError::Refused(why));
    let id = record.id;
    match record.stage {
        Stage::Decided => return refused(format!("event {id} has been decided already")),
        Stage::Awaiting => return refused(format!("event {id} awaits its look-up; it is planned by itself")),
        Stage::Quarantined | Stage::Broken => {}
    }
    let Some(spec) = doors.snapshot.sources.get(record.source.as_str()) else {
        return refused(format!("event {id} cannot be read: relaybell.yaml has no source '{}'", record.source));
    };
    let reports = match again::read(spec, record) {
        Ok(reports) => reports,
        Err(malformed) => return refused(format!("event {id} still cannot be read: {}", malformed.why)),
    };
    let reports = match record.stage {
        Stage::Broken => again::own(reports, record).into_iter().collect(),
        _ => reports,
    };
    if reports.is_empty() {
        return refused(format!("event {id} still cannot be planned: its webhook does not report it any more"));
    }
    let arrivals = arrivals(doors, spec, record, reports);
    let places: Vec<_> = arrivals
        .iter()
        .map(|arrival| {
            let report = &arrival.report;
            place_of(&arrival.source, report.project.as_deref(), report.subject.as_deref(), arrival.id)
        })
        .collect();
    for (arrival, place) in arrivals.iter().zip(&places) {
        relay.inspect(|relay| relay.will_wait(place, arrival.id));
    }
    let written = write(doors, record, &arrivals).await;
    for (arrival, place) in arrivals.iter().zip(&places) {
        // After an error some may be written; whoever takes care of them looks.
        let waits = written.as_ref().map_or(true, |ids| ids.contains(&arrival.id));
        relay.inspect(
            |relay| if waits { relay.waits(place, arrival.id) } else { relay.does_not_wait(place, arrival.id) },
        );
    }
    written
}

/// The first report takes the place of `record`, the others are events of their own.
fn arrivals(doors: &Doors<'_>, spec: &SourceSpec, record: &EventRecord, reports: Vec<Report>) -> Vec<Arrival> {
    let mut arrivals: Vec<Arrival> =
        reports.into_iter().map(|report| again::arrival(record, report, doors.snapshot)).collect();
    for arrival in arrivals.iter_mut().skip(1) {
        arrival.id = EventId::new(record.received, doors.dice.bytes());
        arrival.source = spec.name.clone();
        if let Some(alone) = arrival.report.alone.take() {
            arrival.body = alone;
        }
    }
    arrivals
}

/// Writes the further events first: until the first one is written, all of it can be done anew.
async fn write(doors: &Doors<'_>, record: &EventRecord, arrivals: &[Arrival]) -> Result<Vec<EventId>, StoreError> {
    let Some((first, others)) = arrivals.split_first() else { return Ok(Vec::new()) };
    let mut ids = vec![first.id];
    let awaiting = |arrival: &Arrival| {
        let mut plan = plan_awaiting(arrival, &Known::default());
        plan.headers.clone_from(&record.headers);
        plan
    };
    for other in others {
        if doors.store.commit(awaiting(other)).await? == Committed::Stored {
            ids.push(other.id);
        }
    }
    let now = doors.clock.now();
    if let Committed::Duplicate(known) = doors.store.replan(awaiting(first), now).await? {
        let mut plan = plan_nothing(first, format!("it repeats event {known}"));
        plan.dedup = record.dedup.clone();
        doors.store.replan(plan, now).await?;
    }
    Ok(ids)
}

impl Relay {
    /// Reads and plans the `chosen` events again, with the configuration in force, and waits
    /// a little for what they cause.
    ///
    /// # Errors
    /// When the store cannot be used, or a single event refuses.
    pub async fn replan(&self, chosen: &Chosen) -> Result<Replanned, StoreError> {
        let shared = &self.shared;
        let snapshot = shared.current.load_full();
        let doors = Doors {
            store: shared.store.as_ref(),
            ledger: shared.ledger.as_ref(),
            clock: shared.clock.as_ref(),
            dice: shared.dice.as_ref(),
            snapshot: &snapshot,
        };
        let mut replanned = replan(&doors, Some(self), chosen).await?;
        let end = shared.clock.elapsed() + DECIDED_WITHIN;
        let mut awaiting = Vec::new();
        for id in &replanned.done {
            let left = end.saturating_sub(shared.clock.elapsed());
            match self.planned(*id, left).await? {
                Some(_) => {}
                None => awaiting.push(*id),
            }
        }
        replanned.awaiting = awaiting;
        Ok(replanned)
    }
}
