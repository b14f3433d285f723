//! What people do about deliveries: send again, drop.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::again::Finished;
use super::super::refusal;
use super::fault::Fault;
use super::row;
use crate::domain::delivery::State;
use crate::domain::ids::{DeliveryId, EventId};
use crate::domain::priority::Priority;
use crate::domain::time::Timestamp;

/// A delivery as far as a remedy needs it.
struct Found {
    seq: i64,
    id: DeliveryId,
    event: EventId,
    state: State,
    action: String,
    destination: String,
    key: String,
    unsure: bool,
    priority: Priority,
}

/// The delivery `id` itself, or the last that was made by sending it again.
#[derive(Clone, Copy)]
enum Which {
    Itself,
    Child,
}

fn find(db: &Connection, which: Which, id: DeliveryId) -> rusqlite::Result<Option<Found>> {
    let column = match which {
        Which::Itself => "id",
        Which::Child => "parent",
    };
    let mut find = db.prepare_cached(&format!(
        "SELECT d.seq, d.id, e.id, d.state, d.action, d.destination, d.key, d.unsure, d.priority
         FROM deliveries AS d JOIN events AS e ON e.seq = d.event WHERE d.{column} = ?1 ORDER BY d.seq DESC LIMIT 1"
    ))?;
    let found = find.query_row([id], |row| {
        Ok(Found {
            seq: row.get(0)?,
            id: row.get(1)?,
            event: row.get(2)?,
            state: row.get(3)?,
            action: row.get(4)?,
            destination: row.get(5)?,
            key: row.get(6)?,
            unsure: row.get(7)?,
            priority: row.get(8)?,
        })
    });
    found.optional()
}

pub(super) fn retry(db: &Connection, id: DeliveryId, now: Timestamp) -> Result<DeliveryId, Fault> {
    let mut last = find(db, Which::Itself, id)?.ok_or_else(|| refusal::no_delivery(id))?;
    while let Some(child) = find(db, Which::Child, last.id)? {
        last = child;
    }
    if last.state == State::Delivered && last.id != id {
        return Err(refusal::delivered_again(id, last.id).into());
    }
    if last.state.is_final() {
        return Ok(send_again(db, &last, now)?);
    }
    let mut hurry = db.prepare_cached("UPDATE deliveries SET at = min(at, ?2) WHERE seq = ?1")?;
    hurry.execute((last.seq, now))?;
    Ok(last.id)
}

fn send_again(db: &Connection, last: &Found, now: Timestamp) -> rusqlite::Result<DeliveryId> {
    let again = Finished {
        id: last.id,
        event: last.event,
        state: last.state,
        action: &last.action,
        destination: &last.destination,
        key: &last.key,
        unsure: last.unsure,
    }
    .again(now);
    let mut insert = db.prepare_cached(
        "INSERT INTO deliveries (id, event, state, head, at, attempts, failures, unsure, created, destination,
             conversation, rule, action, key, parent, priority)
         SELECT ?2, old.event, ?3, NOT EXISTS (
                 SELECT 1 FROM deliveries AS open
                 WHERE open.conversation = old.conversation AND open.destination = old.destination AND open.state < 2),
             ?4, 0, 0, ?5, ?4, old.destination, old.conversation, old.rule, old.action, ?6, old.id, old.priority
         FROM deliveries AS old WHERE old.seq = ?1",
    )?;
    insert.execute(params![last.seq, again.id, State::Queued, now, again.unsure, again.key])?;
    let mut copy = db.prepare_cached("INSERT INTO contents SELECT ?2, content FROM contents WHERE delivery = ?1")?;
    let seq = db.last_insert_rowid();
    copy.execute((last.seq, seq))?;
    row::hurry_those_before(db, seq, last.priority)?;
    Ok(again.id)
}

pub(super) fn drop_delivery(db: &Connection, id: DeliveryId, why: &str, now: Timestamp) -> Result<(), Fault> {
    let found = find(db, Which::Itself, id)?.ok_or_else(|| refusal::no_delivery(id))?;
    match found.state {
        State::Queued | State::Dead => Ok(row::finish(db, found.seq, State::Dropped, now, Some(why))?),
        other => Err(refusal::not_to_be_dropped(id, other).into()),
    }
}
