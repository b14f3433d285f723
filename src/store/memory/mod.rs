//! The in-memory store: the executable specification of every other. Plain, not fast.

mod kept;
mod ledger;
mod planned;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{
    AttemptRecord, Committed, Figures, Hold, Lease, Nodes, Settled, Settlement, Store, StoreError, Taken, refusal,
};
use crate::domain::Name;
use crate::domain::delivery::{self, Counts, NewDelivery, Receipt, State, Transition};
use crate::domain::event::SubjectKey;
use crate::domain::ids::DeliveryId;
use crate::domain::memory::{Known, Memory, MemoryVersion};
use crate::domain::plan::Plan;
use crate::domain::priority::Priority;
use crate::domain::stage::Stage;
use crate::domain::thread::{THREAD_KEPT, Thread};
use crate::domain::time::Timestamp;

/// Keeps everything until the process ends.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Shelf>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The shelf, unless the store is closed. No verb can leave it half changed by a
    /// panic that would matter more than going on.
    fn open(&self) -> Result<MutexGuard<'_, Shelf>, StoreError> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.closed { Err(refusal::closed()) } else { Ok(shelf) }
    }
}

#[derive(Debug, Default)]
struct Shelf {
    closed: bool,
    /// In the order they were committed. What they cause is in `deliveries`.
    events: Vec<Plan>,
    /// By order of arrival.
    deliveries: BTreeMap<u64, Kept>,
    memory: BTreeMap<SubjectKey, Touched>,
    lanes: HashMap<Name, Lane>,
    holds: BTreeMap<Name, Hold>,
    revisions: BTreeMap<String, (Timestamp, Map<String, Value>)>,
    /// By destination and conversation, with when they were touched last.
    threads: BTreeMap<(Name, String), (Timestamp, Thread)>,
    /// By question.
    figures: BTreeMap<String, Figures>,
}

#[derive(Debug)]
struct Kept {
    what: NewDelivery,
    /// Its own, or that of what waits behind it.
    priority: Priority,
    state: State,
    /// When it is due, or was finished.
    at: Timestamp,
    created: Timestamp,
    attempts: u32,
    failures: u32,
    unsure: bool,
    looks: u32,
    why: Option<String>,
    receipt: Option<Receipt>,
    log: Vec<AttemptRecord>,
}

#[derive(Debug)]
struct Touched {
    memory: Memory,
    version: MemoryVersion,
    at: Timestamp,
}

#[derive(Debug, Default)]
struct Lane {
    epoch: i64,
    owner: Option<String>,
    until: Timestamp,
}

impl Shelf {
    fn add(&mut self, what: NewDelivery, created: Timestamp, unsure: bool) {
        let seq = self.deliveries.last_key_value().map_or(0, |(last, _)| last + 1);
        let before = self.deliveries.values_mut().filter(|kept| !kept.state.is_final());
        for kept in before.filter(|kept| kept.is_in_conversation_of(&what)) {
            kept.priority = kept.priority.min(what.priority);
        }
        let kept = Kept {
            priority: what.priority,
            what,
            state: State::Queued,
            at: created,
            created,
            attempts: 0,
            failures: 0,
            unsure,
            looks: 0,
            why: None,
            receipt: None,
            log: Vec::new(),
        };
        self.deliveries.insert(seq, kept);
    }

    fn delivery(&self, id: DeliveryId) -> Result<&Kept, StoreError> {
        self.deliveries.values().find(|kept| kept.what.id == id).ok_or_else(|| refusal::no_delivery(id))
    }

    fn delivery_mut(&mut self, id: DeliveryId) -> Result<&mut Kept, StoreError> {
        self.deliveries.values_mut().find(|kept| kept.what.id == id).ok_or_else(|| refusal::no_delivery(id))
    }

    /// The delivery that `lease` may end: being sent, in this lane, in this attempt.
    fn in_flight(&mut self, lease: &Lease, id: DeliveryId, attempt: u32) -> Option<&mut Kept> {
        let current = self.lanes.get(&lease.destination)?.epoch == lease.epoch;
        let kept = self.delivery_mut(id).ok()?;
        let same = kept.state == State::Sending && kept.attempts == attempt;
        (current && same && kept.what.destination == lease.destination).then_some(kept)
    }

    /// The deliveries of a lane that are first in their conversation and queued.
    fn heads(&self, destination: &str) -> Vec<u64> {
        let mut seen = std::collections::HashSet::new();
        let lane = self.deliveries.iter().filter(|(_, kept)| &*kept.what.destination == destination);
        lane.filter(|(_, kept)| !kept.state.is_final())
            .filter(|(_, kept)| seen.insert(&kept.what.conversation))
            .filter(|(_, kept)| kept.state == State::Queued)
            .map(|(seq, _)| *seq)
            .collect()
    }

    /// What a lost holder was sending may have arrived.
    fn requeue(&mut self, destination: &str) {
        let lane = self.deliveries.values_mut().filter(|kept| &*kept.what.destination == destination);
        for kept in lane.filter(|kept| kept.state == State::Sending) {
            kept.state = State::Queued;
            kept.unsure = true;
            kept.looks = 0;
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn nodes(&self) -> Nodes {
        Nodes::One
    }

    async fn recall(&self, subject: &SubjectKey) -> Result<Known, StoreError> {
        let shelf = self.open()?;
        Ok(Known { memory: shelf.memory.get(subject).map(|known| (known.memory.clone(), known.version)) })
    }

    async fn commit(&self, mut plan: Plan) -> Result<Committed, StoreError> {
        let mut shelf = self.open()?;
        let (event, received) = (plan.event.id, plan.event.received);
        if let Some(first) = shelf.repeated(&plan, None) {
            return Ok(Committed::Duplicate(first));
        }
        if shelf.is_stale(&plan) {
            return Ok(Committed::Stale);
        }
        if shelf.events.iter().any(|old| old.event.id == event) {
            return Ok(Committed::Duplicate(event));
        }
        shelf.effect(&mut plan, received)?;
        shelf.events.push(plan);
        Ok(Committed::Stored)
    }

    async fn replan(&self, mut plan: Plan, now: Timestamp) -> Result<Committed, StoreError> {
        let mut shelf = self.open()?;
        let id = plan.event.id;
        let Some(place) = shelf.events.iter().position(|old| old.event.id == id) else {
            return Err(refusal::no_event(id));
        };
        if !shelf.events[place].stage.is_open() {
            return Err(refusal::decided(id));
        }
        if shelf.events[place].dedup != plan.dedup
            && let Some(first) = shelf.repeated(&plan, Some(id))
        {
            return Ok(Committed::Duplicate(first));
        }
        if shelf.is_stale(&plan) {
            return Ok(Committed::Stale);
        }
        shelf.effect(&mut plan, now)?;
        let old = &mut shelf.events[place];
        plan.event.received = old.event.received;
        plan.event.source = old.event.source.clone();
        plan.body = old.body.clone();
        plan.headers = std::mem::take(&mut old.headers);
        *old = plan;
        Ok(Committed::Stored)
    }

    async fn hold_lane(
        &self,
        destination: &Name,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        let mut shelf = self.open()?;
        let lane = shelf.lanes.entry(destination.clone()).or_default();
        match lane.owner.as_deref() {
            Some(holder) if holder == owner => lane.until = until,
            Some(_) if now < lane.until => return Ok(None),
            _ => {
                *lane = Lane { epoch: lane.epoch + 1, owner: Some(owner.to_owned()), until };
                shelf.requeue(destination);
            }
        }
        let epoch = shelf.lanes.get(destination).map_or(0, |lane| lane.epoch);
        Ok(Some(Lease { destination: destination.clone(), epoch }))
    }

    async fn release_lane(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut shelf = self.open()?;
        if let Some(lane) = shelf.lanes.get_mut(&lease.destination)
            && lane.epoch == lease.epoch
        {
            *lane = Lane { epoch: lane.epoch + 1, owner: None, until: Timestamp::default() };
            shelf.requeue(&lease.destination);
        }
        Ok(())
    }

    async fn take(&self, lease: &Lease, now: Timestamp, limit: usize) -> Result<Taken, StoreError> {
        let mut shelf = self.open()?;
        if shelf.lanes.get(&lease.destination).map(|lane| lane.epoch) != Some(lease.epoch) {
            return Err(refusal::lane_lost(&lease.destination));
        }
        let mut expired = 0;
        for kept in shelf.deliveries.values_mut() {
            let over = kept.what.expires.filter(|at| *at <= now && kept.state == State::Queued);
            if let Some(at) = over.filter(|_| kept.what.destination == lease.destination) {
                kept.finish(State::Dropped, now, Some(delivery::expired(at)));
                expired += 1;
            }
        }
        let mut due: Vec<(Priority, Timestamp, u64)> = shelf
            .heads(&lease.destination)
            .into_iter()
            .map(|seq| (shelf.deliveries[&seq].priority, shelf.deliveries[&seq].at, seq))
            .collect();
        due.retain(|(_, at, _)| *at <= now);
        due.sort_unstable();
        due.truncate(limit);
        let mut jobs = Vec::new();
        for (_, _, seq) in due {
            let Shelf { deliveries, threads, .. } = &mut *shelf;
            if let Some(kept) = deliveries.get_mut(&seq) {
                kept.state = State::Sending;
                kept.attempts += 1;
                let thread = threads.get(&kept.place()).map(|(_, thread)| thread.clone());
                jobs.push(kept.job(thread, now));
            }
        }
        Ok(Taken { jobs, expired })
    }

    async fn next_due(&self, destination: &Name) -> Result<Option<Timestamp>, StoreError> {
        let shelf = self.open()?;
        Ok(shelf.heads(destination).into_iter().map(|seq| shelf.deliveries[&seq].at).min())
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        let mut shelf = self.open()?;
        let Some(kept) = shelf.in_flight(lease, settlement.delivery, settlement.attempt) else {
            return Ok(Settled::TooLate);
        };
        kept.log.push(AttemptRecord {
            number: settlement.attempt,
            began: settlement.began,
            took: settlement.ended.since(settlement.began),
            account: settlement.account,
        });
        match settlement.transition {
            Transition::Sent(receipt) => {
                kept.finish(State::Delivered, settlement.ended, None);
                kept.receipt = Some(receipt);
            }
            Transition::Dead { why, unsure } => {
                kept.finish(State::Dead, settlement.ended, Some(why));
                kept.unsure |= unsure;
            }
            Transition::Dropped { why, unsure } => {
                kept.finish(State::Dropped, settlement.ended, Some(why));
                kept.unsure |= unsure;
            }
            Transition::Retry { at, why, counts, unsure, looks } => {
                kept.state = State::Queued;
                kept.at = at;
                kept.why = Some(why);
                kept.failures += u32::from(counts == Counts::Failure);
                kept.unsure |= unsure;
                kept.looks = looks;
            }
        }
        if let Some(thread) = settlement.thread {
            let place = kept.place();
            shelf.threads.insert(place, (settlement.ended, thread));
        }
        Ok(Settled::Done)
    }

    async fn put_back(
        &self,
        lease: &Lease,
        delivery: DeliveryId,
        attempt: u32,
        due: Timestamp,
    ) -> Result<Settled, StoreError> {
        let mut shelf = self.open()?;
        let Some(kept) = shelf.in_flight(lease, delivery, attempt) else { return Ok(Settled::TooLate) };
        kept.state = State::Queued;
        kept.at = due;
        kept.attempts -= 1;
        Ok(Settled::Done)
    }

    async fn set_hold(&self, destination: &Name, hold: Option<Hold>) -> Result<(), StoreError> {
        let mut shelf = self.open()?;
        match hold {
            Some(hold) => shelf.holds.insert(destination.clone(), hold),
            None => shelf.holds.remove(destination),
        };
        Ok(())
    }

    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        Ok(self.open()?.holds.values().cloned().collect())
    }

    async fn retry(&self, delivery: DeliveryId, now: Timestamp) -> Result<DeliveryId, StoreError> {
        let mut shelf = self.open()?;
        let mut last = shelf.delivery(delivery)?;
        while let Some(child) = shelf.deliveries.values().find(|kept| kept.what.parent == Some(last.what.id)) {
            last = child;
        }
        let id = last.what.id;
        if last.state == State::Delivered && id != delivery {
            return Err(refusal::delivered_again(delivery, id));
        }
        if last.state.is_final() {
            let again = last.finished().again(now);
            let (key, priority) = (again.key, last.priority);
            let what =
                NewDelivery { id: again.id, key, parent: Some(id), priority, expires: None, ..last.what.clone() };
            shelf.add(what, now, again.unsure);
            return Ok(again.id);
        }
        let last = shelf.delivery_mut(id)?;
        last.at = last.at.min(now);
        Ok(id)
    }

    async fn drop_delivery(&self, delivery: DeliveryId, why: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut shelf = self.open()?;
        let kept = shelf.delivery_mut(delivery)?;
        match kept.state {
            State::Queued | State::Dead => {
                kept.finish(State::Dropped, now, Some(why.to_owned()));
                Ok(())
            }
            other => Err(refusal::not_to_be_dropped(delivery, other)),
        }
    }

    async fn keep_revision(&self, revision: &str, at: Timestamp, files: &Map<String, Value>) -> Result<(), StoreError> {
        let mut shelf = self.open()?;
        shelf.revisions.entry(revision.to_owned()).or_insert_with(|| (at, files.clone()));
        Ok(())
    }

    async fn keep_figures(&self, question: &str, figures: &Figures) -> Result<(), StoreError> {
        self.open()?.figures.insert(question.to_owned(), *figures);
        Ok(())
    }

    async fn forget_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut shelf = self.open()?;
        let unfinished = |shelf: &Shelf, test: &dyn Fn(&NewDelivery) -> bool| {
            shelf.deliveries.values().any(|kept| !kept.state.is_final() && test(&kept.what))
        };
        let settled = shelf.events.iter().filter(|plan| plan.stage != Stage::Awaiting);
        let mut old: Vec<_> = settled.map(|plan| (plan.event.received, plan.event.id)).collect();
        old.retain(|(received, id)| *received < before && !unfinished(&shelf, &|what| what.event == *id));
        old.sort_by_key(|(received, _)| *received);
        old.truncate(limit);
        let gone = |id| old.iter().any(|(_, old)| *old == id);
        shelf.events.retain(|plan| !gone(plan.event.id));
        shelf.deliveries.retain(|_, kept| !gone(kept.what.event));

        let mut stale: Vec<_> = shelf.memory.iter().map(|(key, known)| (known.at, key.clone())).collect();
        stale.retain(|(at, key)| *at < before && !unfinished(&shelf, &|what| what.conversation == key.0));
        stale.sort();
        stale.truncate(limit);
        shelf.memory.retain(|key, _| !stale.iter().any(|(_, stale)| stale == key));

        let mut past: Vec<_> = shelf.figures.iter().map(|(question, figures)| (figures.at, question.clone())).collect();
        past.retain(|(at, _)| *at < before);
        past.sort();
        past.truncate(limit);
        shelf.figures.retain(|question, _| !past.iter().any(|(_, past)| past == question));

        let before = before.minus(THREAD_KEPT);
        let mut done: Vec<_> = shelf.threads.iter().map(|(place, (at, _))| (*at, place.clone())).collect();
        done.retain(|(at, (destination, conversation))| {
            let open = |what: &NewDelivery| what.destination == *destination && what.conversation == *conversation;
            *at < before && !unfinished(&shelf, &open)
        });
        done.sort();
        done.truncate(limit);
        shelf.threads.retain(|place, _| !done.iter().any(|(_, done)| done == place));
        Ok(old.len())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.open().map(drop)
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.open()?.closed = true;
        Ok(())
    }
}
