//! A relay in memory that sends nothing: it plans and commits as the live one does.

use std::time::Duration;

use crate::config::Snapshot;
use crate::config::trials::Receive;
use crate::domain::Name;
use crate::domain::delivery::NewDelivery;
use crate::domain::event::Event;
use crate::domain::ids::EventId;
use crate::domain::memory::Known;
use crate::domain::plan::{Arrival, Verdict};
use crate::domain::time::Timestamp;
use crate::store::memory::MemoryStore;
use crate::store::{Committed, Store, StoreError};

use super::super::ingest::guarded_plan;

/// The store, the clock and the configuration of one test.
pub struct Bench<'s> {
    snapshot: &'s Snapshot,
    store: MemoryStore,
    now: Timestamp,
    received: u64,
}

/// What one event has caused.
#[derive(Debug, Clone)]
pub struct Happening {
    /// The line of the step it came in by.
    pub line: u32,
    /// The event with its facts.
    pub event: Event,
    /// Whether it repeats one that was accepted before, and so did nothing.
    pub repeated: bool,
    /// What the rules that matched decided.
    pub verdicts: Vec<Verdict>,
    /// What would be sent.
    pub deliveries: Vec<NewDelivery>,
    /// Templates that failed on it, each with the reason.
    pub template_failures: Vec<(Name, String)>,
}

impl<'s> Bench<'s> {
    /// An empty one, by whose clock it is `at`.
    #[must_use]
    pub fn new(snapshot: &'s Snapshot, at: Timestamp) -> Self {
        Self { snapshot, store: MemoryStore::new(), now: at, received: 0 }
    }

    /// Lets `time` pass. This is the one place where it does.
    pub fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    /// Takes in a webhook that stands at `line`, and gives what each of its events has caused.
    ///
    /// # Errors
    /// When the store refuses the plan, which is a bug.
    pub async fn receive(&mut self, receive: &Receive, line: u32) -> Result<Vec<Happening>, StoreError> {
        let mut happenings = Vec::with_capacity(receive.reports.len());
        for report in &receive.reports {
            let arrival = Arrival {
                id: self.next_id(),
                source: receive.source.clone(),
                report: report.clone(),
                body: receive.body.clone(),
                received: self.now,
                revision: self.snapshot.revision.clone(),
            };
            happenings.push(self.take_in(&arrival, line).await?);
        }
        Ok(happenings)
    }

    async fn take_in(&self, arrival: &Arrival, line: u32) -> Result<Happening, StoreError> {
        let known = match arrival.subject_key() {
            Some(key) => self.store.recall(&key).await?,
            None => Known::default(),
        };
        let plan = guarded_plan(arrival, &known, self.snapshot);
        let mut happening = Happening {
            line,
            event: plan.event.clone(),
            repeated: false,
            verdicts: plan.verdicts.clone(),
            deliveries: plan.deliveries.clone(),
            template_failures: plan.template_failures.clone(),
        };
        if self.store.commit(plan).await? != Committed::Stored {
            happening.repeated = true;
            happening.verdicts.clear();
            happening.deliveries.clear();
            happening.template_failures.clear();
        }
        Ok(happening)
    }

    fn next_id(&mut self) -> EventId {
        self.received += 1;
        let mut chance = [0; 10];
        chance[2..].copy_from_slice(&self.received.to_be_bytes());
        EventId::new(self.now, chance)
    }
}
