//! What a plan meets in the in-memory store, and what it leaves there.

use super::super::{StoreError, refusal};
use super::{Shelf, Touched};
use crate::domain::event::{DEDUP_WINDOW, Dedup};
use crate::domain::ids::EventId;
use crate::domain::plan::Plan;
use crate::domain::time::Timestamp;

impl Shelf {
    /// The event that `plan` repeats, not counting the event `but`.
    pub(super) fn repeated(&self, plan: &Plan, but: Option<EventId>) -> Option<EventId> {
        let same =
            |old: &&Plan| old.event.source == plan.event.source && old.dedup == plan.dedup && Some(old.event.id) != but;
        let first = self.events.iter().rev().find(same)?;
        let lasting = matches!(plan.dedup, Dedup::SenderId(_));
        (lasting || plan.event.received.since(first.event.received) < DEDUP_WINDOW).then_some(first.event.id)
    }

    pub(super) fn is_stale(&self, plan: &Plan) -> bool {
        let change = plan.memory.as_ref();
        change.is_some_and(|change| self.memory.get(&change.key).map(|known| known.version) != change.from)
    }

    /// Memory and deliveries of `plan`, made at `now`.
    pub(super) fn effect(&mut self, plan: &mut Plan, now: Timestamp) -> Result<(), StoreError> {
        let mut ids = std::collections::HashSet::new();
        if plan.deliveries.iter().any(|new| !ids.insert(new.id) || self.delivery(new.id).is_ok()) {
            return Err(refusal::id_taken());
        }
        if let Some(change) = plan.memory.take() {
            let version = change.from.unwrap_or(0) + 1;
            self.memory.insert(change.key, Touched { memory: change.to, version, at: now });
        }
        for new in std::mem::take(&mut plan.deliveries) {
            self.add(new, now, false);
        }
        Ok(())
    }
}
