//! Lanes: who may send to a destination, and what is to be sent there.

use std::fmt::Display;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::stored;
use super::super::{Lease, StoreError};
use super::fault::{Fault, unreadable};
use super::row;
use crate::domain::Name;
use crate::domain::delivery::{Action, Job, State, expired};
use crate::domain::ids::{DeliveryId, EventId};
use crate::domain::priority::Priority;
use crate::domain::time::Timestamp;

/// Frees every lane: at start nobody else can hold one, the file's lock says so.
pub(super) fn free_all(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "BEGIN IMMEDIATE;
         UPDATE lanes SET owner = NULL, epoch = epoch + 1 WHERE owner IS NOT NULL;
         UPDATE deliveries INDEXED BY deliveries_unfinished SET state = 0, unsure = 1, looks = 0
             WHERE state = 1 AND state < 2;
         COMMIT;",
    )
}

pub(super) fn hold(
    db: &Connection,
    destination: &Name,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Lease>, Fault> {
    let mut find = db.prepare_cached("SELECT epoch, owner, until FROM lanes WHERE destination = ?1")?;
    let lane = find.query_row([&**destination], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let (epoch, holder, held_until): (i64, Option<String>, Timestamp) = lane.unwrap_or_default();
    let renewed = holder.as_deref() == Some(owner);
    if holder.is_some() && !renewed && now < held_until {
        return Ok(None);
    }
    let epoch = if renewed { epoch } else { epoch + 1 };
    let mut write = db.prepare_cached(
        "INSERT INTO lanes (destination, epoch, owner, until) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (destination) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner, until = excluded.until",
    )?;
    write.execute((&**destination, epoch, owner, until))?;
    if !renewed {
        requeue(db, destination)?;
    }
    Ok(Some(Lease { destination: destination.clone(), epoch }))
}

pub(super) fn release(db: &Connection, lease: &Lease) -> Result<(), Fault> {
    let mut free = db.prepare_cached(
        "UPDATE lanes SET epoch = epoch + 1, owner = NULL, until = 0 WHERE destination = ?1 AND epoch = ?2",
    )?;
    if free.execute((&*lease.destination, lease.epoch))? == 1 {
        requeue(db, &lease.destination)?;
    }
    Ok(())
}

/// What a lost holder was sending may have arrived.
fn requeue(db: &Connection, destination: &str) -> rusqlite::Result<()> {
    let mut back = db.prepare_cached(
        "UPDATE deliveries INDEXED BY deliveries_unfinished SET state = 0, unsure = 1, looks = 0
         WHERE destination = ?1 AND state = 1 AND state < 2",
    )?;
    back.execute([destination]).map(drop)
}

/// A delivery as it was taken, its content not yet read.
pub(super) struct Unread {
    pub(super) seq: i64,
    job: Half,
    content: String,
}

/// A job but for its content.
struct Half {
    id: DeliveryId,
    event: EventId,
    rule: Name,
    conversation: String,
    action: rusqlite::Result<Action>,
    key: String,
    accepted: Timestamp,
    expires: Option<Timestamp>,
    began: Timestamp,
    attempt: u32,
    failures: u32,
    unsure: bool,
    looks: u32,
    /// In its stored form.
    thread: Option<String>,
}

impl Unread {
    /// The job, unless its stored form cannot be read.
    pub(super) fn read(self, destination: &Name, file: &Path) -> Result<Job, StoreError> {
        let half = self.job;
        let bad = |what: &str, why: &dyn Display| unreadable(file, &format!("the {what} of delivery {}", half.id), why);
        let content = stored::read_content(&self.content).map_err(|why| bad("content", &why))?;
        let action = half.action.map_err(|why| bad("action", &why))?;
        let thread = half.thread.as_deref().map(stored::read).transpose().map_err(|why| bad("thread", &why))?;
        Ok(Job {
            id: half.id,
            event: half.event,
            action,
            rule: half.rule,
            destination: destination.clone(),
            conversation: half.conversation,
            key: half.key,
            content,
            accepted: half.accepted,
            expires: half.expires,
            began: half.began,
            attempt: half.attempt,
            failures: half.failures,
            unsure: half.unsure,
            looks: half.looks,
            thread,
        })
    }
}

/// How many expired deliveries one verb drops at most.
const EXPIRED_MAX: usize = 1000;

/// What is to be attempted, and how many had expired.
pub(super) fn take(
    db: &Connection,
    lease: &Lease,
    now: Timestamp,
    limit: usize,
) -> Result<(Vec<Unread>, usize), Fault> {
    row::current(db, &lease.destination, lease.epoch)?;
    let expired = drop_expired(db, &lease.destination, now)?;
    let mut taken = Vec::new();
    for (_, priority) in Priority::WORDS {
        if taken.len() < limit {
            taken.extend(due(db, &lease.destination, priority, now, limit - taken.len())?);
        }
    }
    let mut mark = db.prepare_cached("UPDATE deliveries SET state = 1, attempts = attempts + 1 WHERE seq = ?1")?;
    for one in &taken {
        mark.execute([one.seq])?;
    }
    Ok((taken, expired))
}

/// Drops what has expired, so that it takes nobody's turn. Whatever is over the limit is
/// dropped by the next verb: the lane asks again while something expires.
fn drop_expired(db: &Connection, destination: &str, now: Timestamp) -> Result<usize, Fault> {
    let mut find = db.prepare_cached(
        "SELECT seq, expires FROM deliveries INDEXED BY deliveries_expiring
         WHERE destination = ?1 AND state = 0 AND expires IS NOT NULL AND expires <= ?2 LIMIT ?3",
    )?;
    let limit = i64::try_from(EXPIRED_MAX).unwrap_or(i64::MAX);
    let rows = find.query_map(params![destination, now, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let old: Vec<(i64, Timestamp)> = rows.collect::<Result<_, _>>()?;
    for (seq, at) in &old {
        row::finish(db, *seq, State::Dropped, now, Some(&expired(*at)))?;
    }
    Ok(old.len())
}

/// The heads of one priority that are due, not yet marked.
fn due(
    db: &Connection,
    destination: &str,
    priority: Priority,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Unread>, Fault> {
    let mut find = db.prepare_cached(
        "SELECT d.seq, d.id, e.id, d.rule, d.conversation, d.action, d.key, d.created, d.attempts + 1, d.failures,
             d.unsure, c.content, d.expires, d.looks, t.thread
         FROM deliveries AS d INDEXED BY deliveries_due
         CROSS JOIN events AS e ON e.seq = d.event
         CROSS JOIN contents AS c ON c.delivery = d.seq
         LEFT JOIN threads AS t ON t.destination = d.destination AND t.conversation = d.conversation
         WHERE d.destination = ?1 AND d.priority = ?4 AND d.state = 0 AND d.head = 1 AND d.at <= ?2
         ORDER BY d.at, d.seq LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = find.query_map(params![destination, now, limit, priority], |row| {
        Ok(Unread {
            seq: row.get(0)?,
            job: Half {
                id: row.get(1)?,
                event: row.get(2)?,
                rule: row.get::<_, String>(3)?.into(),
                conversation: row.get(4)?,
                action: row.get(5),
                key: row.get(6)?,
                accepted: row.get(7)?,
                expires: row.get(12)?,
                began: now,
                attempt: row.get(8)?,
                failures: row.get(9)?,
                unsure: row.get(10)?,
                looks: row.get(13)?,
                thread: row.get(14)?,
            },
            content: row.get(11)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ends a delivery that was taken and cannot be read: it would never be sent, and the
/// rest of its conversation waits.
pub(super) fn bury(db: &Connection, seq: i64, why: &str, now: Timestamp) -> Result<(), Fault> {
    Ok(row::finish(db, seq, State::Dead, now, Some(why))?)
}

pub(super) fn next_due(db: &Connection, destination: &str) -> Result<Option<Timestamp>, Fault> {
    let mut find = db.prepare_cached(
        "SELECT min(at) FROM deliveries INDEXED BY deliveries_due
         WHERE destination = ?1 AND priority = ?2 AND state = 0 AND head = 1",
    )?;
    let mut first = None;
    for (_, priority) in Priority::WORDS {
        let at: Option<Timestamp> = find.query_row(params![destination, priority], |row| row.get(0))?;
        first = first.into_iter().chain(at).min();
    }
    Ok(first)
}
