//! Writing all that one event causes.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::stored::{self, KeptFacts};
use super::super::{Committed, StoreError};
use super::fault::Fault;
use super::row;
use crate::domain::Name;
use crate::domain::delivery::{NewDelivery, State};
use crate::domain::event::{DEDUP_WINDOW, Dedup, Event};
use crate::domain::ids::EventId;
use crate::domain::memory::{MemoryChange, MemoryVersion};
use crate::domain::plan::Plan;
use crate::domain::stage::Stage;
use crate::domain::time::Timestamp;

/// A plan in its stored forms, made by the caller so that the writer only writes.
pub(super) struct Rows {
    pub(super) event: Event,
    pub(super) facts: String,
    pub(super) verdicts: String,
    body: Bytes,
    pub(super) stage: Stage,
    headers: Option<String>,
    pub(super) dedup: String,
    /// When an equal key that was received no later than this is no repetition.
    fresh_after: Option<Timestamp>,
    pub(super) revision: Name,
    pub(super) memory: Option<(MemoryChange, String)>,
    pub(super) deliveries: Vec<(NewDelivery, String)>,
}

impl Rows {
    /// The rows of `plan`.
    pub(super) fn of(plan: Plan) -> Result<Self, StoreError> {
        let refused = |error: serde_json::Error| StoreError::Refused(format!("the plan cannot be stored: {error}"));
        let (dedup, fresh_after) = match &plan.dedup {
            Dedup::SenderId(id) => (format!("id:{id}"), None),
            Dedup::BodyHash(hash) => (format!("hash:{hash}"), Some(plan.event.received.minus(DEDUP_WINDOW))),
        };
        let memory = plan.memory.map(|change| stored::write(&change.to).map(|text| (change, text)));
        let deliveries =
            plan.deliveries.into_iter().map(|new| stored::write_content(&new.content).map(|text| (new, text)));
        Ok(Self {
            facts: stored::write(&KeptFacts::of(&plan.event.facts)).map_err(refused)?,
            verdicts: stored::write(&plan.verdicts).map_err(refused)?,
            memory: memory.transpose().map_err(refused)?,
            deliveries: deliveries.collect::<Result<_, _>>().map_err(refused)?,
            event: plan.event,
            body: plan.body,
            stage: plan.stage,
            headers: (!plan.headers.is_empty())
                .then(|| serde_json::to_string(&plan.headers))
                .transpose()
                .map_err(refused)?,
            dedup,
            fresh_after,
            revision: plan.revision,
        })
    }
}

/// Writes `rows`, or finds out why not, before anything is written.
pub(super) fn commit(db: &Connection, rows: &Rows) -> Result<Committed, Fault> {
    if let Some(first) = repeated(db, rows, None)? {
        return Ok(Committed::Duplicate(first));
    }
    if is_stale(db, rows)? {
        return Ok(Committed::Stale);
    }
    let Some(event) = add_event(db, rows)? else { return Ok(Committed::Duplicate(rows.event.id)) };
    effect(db, event, rows, rows.event.received)?;
    Ok(Committed::Stored)
}

/// Whether the memory that `rows` were planned from has changed since.
pub(super) fn is_stale(db: &Connection, rows: &Rows) -> rusqlite::Result<bool> {
    match &rows.memory {
        Some((change, _)) => Ok(version(db, &change.key.0)? != change.from),
        None => Ok(false),
    }
}

/// Writes memory and deliveries of `rows`, made at `now` for the event at the place `event`.
pub(super) fn effect(db: &Connection, event: i64, rows: &Rows, now: Timestamp) -> rusqlite::Result<()> {
    if let Some((change, text)) = &rows.memory {
        remember(db, change, text, now)?;
    }
    for (new, content) in &rows.deliveries {
        add_delivery(db, event, new, content, now)?;
    }
    Ok(())
}

/// The event that `rows` repeat, not counting the event `but`.
pub(super) fn repeated(db: &Connection, rows: &Rows, but: Option<EventId>) -> rusqlite::Result<Option<EventId>> {
    let mut find = db.prepare_cached(
        "SELECT id, received FROM events WHERE source = ?1 AND dedup = ?2 AND id IS NOT ?3 ORDER BY seq DESC LIMIT 1",
    )?;
    let first: Option<(EventId, Timestamp)> =
        find.query_row((&*rows.event.source, &rows.dedup, but), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let counts = |received| rows.fresh_after.is_none_or(|fresh_after| received > fresh_after);
    Ok(first.filter(|(_, received)| counts(*received)).map(|(id, _)| id))
}

fn version(db: &Connection, key: &str) -> rusqlite::Result<Option<MemoryVersion>> {
    db.prepare_cached("SELECT version FROM memory WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
}

/// The place of the new event; `None` when its id is known.
fn add_event(db: &Connection, rows: &Rows) -> rusqlite::Result<Option<i64>> {
    let event = &rows.event;
    let mut insert = db.prepare_cached(
        "INSERT INTO events (id, received, time, source, dedup, name, project, subject, revision, facts, verdicts, body,
             state, headers)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (id) DO NOTHING",
    )?;
    let added = insert.execute(params![
        event.id,
        event.received,
        event.time,
        &*event.source,
        rows.dedup,
        event.name,
        event.project,
        event.subject,
        &*rows.revision,
        rows.facts,
        rows.verdicts,
        &*rows.body,
        rows.stage,
        rows.headers,
    ])?;
    Ok((added == 1).then(|| db.last_insert_rowid()))
}

fn remember(db: &Connection, change: &MemoryChange, text: &str, at: Timestamp) -> rusqlite::Result<()> {
    let mut upsert = db.prepare_cached(
        "INSERT INTO memory (key, version, touched, memory) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (key) DO UPDATE SET version = excluded.version, touched = excluded.touched, memory = excluded.memory",
    )?;
    upsert.execute((&change.key.0, change.from.unwrap_or(0) + 1, at, text)).map(drop)
}

fn add_delivery(
    db: &Connection,
    event: i64,
    new: &NewDelivery,
    content: &str,
    created: Timestamp,
) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO deliveries (id, event, state, head, at, attempts, failures, unsure, created, destination,
             conversation, rule, action, key, parent, priority, expires)
         VALUES (?1, ?2, ?3, NOT EXISTS (
                 SELECT 1 FROM deliveries WHERE conversation = ?6 AND destination = ?5 AND state < 2),
             ?4, 0, 0, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    insert.execute(params![
        new.id,
        event,
        State::Queued,
        created,
        &*new.destination,
        new.conversation,
        &*new.rule,
        new.action.word(),
        new.key,
        new.parent,
        new.priority,
        new.expires,
    ])?;
    let mut keep = db.prepare_cached("INSERT INTO contents (delivery, content) VALUES (?1, ?2)")?;
    let seq = db.last_insert_rowid();
    keep.execute((seq, content))?;
    row::hurry_those_before(db, seq, new.priority)
}
