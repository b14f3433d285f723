//! What people read of the in-memory store.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::stored::KeptFacts;
use super::super::{
    AttemptRecord, DeliveryFilter, DeliveryRecord, EventRecord, Figures, Hold, Ledger, QueueDepth, Store, StoreError,
    Tally,
};
use super::{Kept, MemoryStore};
use crate::domain::delivery::State;
use crate::domain::event::SubjectKey;
use crate::domain::ids::{DeliveryId, EventId};
use crate::domain::memory::{Known, Memory};
use crate::domain::plan::Plan;
use crate::domain::stage::Stage;
use crate::domain::time::Timestamp;

#[async_trait]
impl Ledger for MemoryStore {
    async fn events(
        &self,
        source: Option<&str>,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventRecord>, StoreError> {
        let shelf = self.open()?;
        let mut found: Vec<&Plan> = shelf.events.iter().collect();
        found.retain(|plan| source.is_none_or(|source| &*plan.event.source == source));
        found.retain(|plan| before.is_none_or(|before| plan.event.id < before));
        found.sort_by_key(|plan| std::cmp::Reverse(plan.event.id));
        found.truncate(limit);
        found.into_iter().map(event_record).collect()
    }

    async fn events_after(&self, after: EventId, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        let shelf = self.open()?;
        let mut found: Vec<&Plan> = shelf.events.iter().filter(|plan| plan.event.id > after).collect();
        found.sort_by_key(|plan| plan.event.id);
        found.truncate(limit);
        found.into_iter().map(event_record).collect()
    }

    async fn events_at(
        &self,
        stage: Stage,
        source: Option<&str>,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventRecord>, StoreError> {
        let shelf = self.open()?;
        let beginning = after.map_or(Some(0), |after| {
            shelf.events.iter().position(|plan| plan.event.id == after).map(|place| place + 1)
        });
        let later = shelf.events.iter().skip(beginning.unwrap_or(usize::MAX));
        let at = later.filter(|plan| plan.stage == stage && stage.is_open());
        at.filter(|plan| source.is_none_or(|source| &*plan.event.source == source))
            .take(limit)
            .map(event_record)
            .collect()
    }

    async fn revision_files(&self, revision: &str) -> Result<Option<Map<String, Value>>, StoreError> {
        Ok(self.open()?.revisions.get(revision).map(|(_, files)| files.clone()))
    }

    async fn event(&self, id: EventId) -> Result<Option<EventRecord>, StoreError> {
        let shelf = self.open()?;
        shelf.events.iter().find(|plan| plan.event.id == id).map(event_record).transpose()
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        let shelf = self.open()?;
        let mut found: Vec<&Kept> = shelf.deliveries.values().filter(|kept| passes(filter, kept)).collect();
        found.retain(|kept| before.is_none_or(|before| kept.what.id < before));
        found.sort_by_key(|kept| std::cmp::Reverse(kept.what.id));
        found.truncate(limit);
        Ok(found.into_iter().map(delivery_record).collect())
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<(DeliveryRecord, Vec<AttemptRecord>)>, StoreError> {
        let shelf = self.open()?;
        Ok(shelf.delivery(id).ok().map(|kept| (delivery_record(kept), kept.log.clone())))
    }

    async fn ids_like(&self, prefix: &str, limit: usize) -> Result<(Vec<EventId>, Vec<DeliveryId>), StoreError> {
        let shelf = self.open()?;
        let prefix = prefix.replace('-', "").to_lowercase();
        let like = |id: &Uuid| id.simple().to_string().starts_with(&prefix);
        let mut events: Vec<EventId> = shelf.events.iter().map(|plan| plan.event.id).collect();
        let mut deliveries: Vec<DeliveryId> = shelf.deliveries.values().map(|kept| kept.what.id).collect();
        events.retain(|id| like(&id.0));
        deliveries.retain(|id| like(&id.0));
        events.sort();
        deliveries.sort();
        events.truncate(limit);
        deliveries.truncate(limit);
        Ok((events, deliveries))
    }

    async fn memories(
        &self,
        beginning: &str,
        after: Option<&SubjectKey>,
        limit: usize,
    ) -> Result<Vec<(SubjectKey, Memory)>, StoreError> {
        let shelf = self.open()?;
        let later = shelf.memory.iter().filter(|(key, _)| after.is_none_or(|after| *key > after));
        let of = later.filter(|(key, _)| key.0.starts_with(beginning)).take(limit);
        Ok(of.map(|(key, known)| (key.clone(), known.memory.clone())).collect())
    }

    async fn figures(&self, question: &str) -> Result<Option<Figures>, StoreError> {
        Ok(self.open()?.figures.get(question).copied())
    }

    async fn remembered(&self, subject: &SubjectKey) -> Result<Known, StoreError> {
        self.recall(subject).await
    }

    async fn tallies(&self) -> Result<Vec<Tally>, StoreError> {
        let shelf = self.open()?;
        let mut tallies: BTreeMap<(String, Option<String>), (u64, Timestamp)> = BTreeMap::new();
        for event in shelf.events.iter().map(|plan| &plan.event) {
            let whose = (event.source.to_string(), event.project.clone());
            let (events, last) = tallies.entry(whose).or_insert((0, event.received));
            *events += 1;
            *last = event.received.max(*last);
        }
        let tally = |((source, project), (events, last))| Tally { source, project, events, last };
        Ok(tallies.into_iter().map(tally).collect())
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        let shelf = self.open()?;
        let mut depths: BTreeMap<&str, QueueDepth> = BTreeMap::new();
        for kept in shelf.deliveries.values() {
            if matches!(kept.state, State::Delivered | State::Dropped) {
                continue;
            }
            let destination = &*kept.what.destination;
            let depth = depths.entry(destination).or_insert_with(|| QueueDepth {
                destination: destination.to_owned(),
                unfinished: 0,
                dead: 0,
                oldest: None,
            });
            if kept.state == State::Dead {
                let again = shelf.deliveries.values().any(|other| other.what.parent == Some(kept.what.id));
                depth.dead += u64::from(!again);
            } else {
                depth.unfinished += 1;
                depth.oldest = Some(depth.oldest.map_or(kept.created, |oldest| oldest.min(kept.created)));
            }
        }
        Ok(depths.into_values().collect())
    }

    async fn held(&self) -> Result<Vec<Hold>, StoreError> {
        self.holds().await
    }
}

fn passes(filter: &DeliveryFilter, kept: &Kept) -> bool {
    filter.state.is_none_or(|state| kept.state == state)
        && filter.destination.as_ref().is_none_or(|destination| **destination == *kept.what.destination)
        && filter.rule.as_ref().is_none_or(|rule| **rule == *kept.what.rule)
        && filter.event.is_none_or(|event| kept.what.event == event)
        && filter.since.is_none_or(|since| kept.created >= since)
}

fn event_record(plan: &Plan) -> Result<EventRecord, StoreError> {
    let event = &plan.event;
    let facts = serde_json::to_value(KeptFacts::of(&event.facts))
        .map_err(|error| StoreError::Unreadable(format!("the facts of event {}: {error}", event.id)))?;
    Ok(EventRecord {
        id: event.id,
        source: event.source.to_string(),
        name: event.name.clone(),
        project: event.project.clone(),
        subject: event.subject.clone(),
        time: event.time,
        received: event.received,
        revision: plan.revision.to_string(),
        facts,
        body: plan.body.to_vec(),
        verdicts: plan.verdicts.clone(),
        stage: plan.stage,
        headers: plan.headers.clone(),
        dedup: plan.dedup.clone(),
    })
}

fn delivery_record(kept: &Kept) -> DeliveryRecord {
    let what = &kept.what;
    DeliveryRecord {
        id: what.id,
        event: what.event,
        rule: what.rule.to_string(),
        destination: what.destination.to_string(),
        conversation: what.conversation.clone(),
        action: what.action,
        key: what.key.clone(),
        state: kept.state,
        attempts: kept.attempts,
        created: kept.created,
        at: kept.at,
        why: kept.why.clone(),
        unsure: kept.unsure,
        priority: kept.priority,
        expires: what.expires,
        receipt: kept.receipt.clone(),
        parent: what.parent,
        content: what.content.clone(),
    }
}
