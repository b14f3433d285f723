//! Ending attempts.

use rusqlite::{Connection, OptionalExtension};

use super::super::{Lease, Settled, Settlement, StoreError, stored};
use super::fault::Fault;
use super::row;
use crate::domain::delivery::{Counts, State, Transition};
use crate::domain::ids::DeliveryId;
use crate::domain::time::Timestamp;

/// A settlement with its receipt in the stored form.
pub(super) struct Ending {
    settlement: Settlement,
    receipt: Option<String>,
    thread: Option<String>,
}

impl Ending {
    /// The stored forms of `settlement`.
    pub(super) fn of(settlement: Settlement) -> Result<Self, StoreError> {
        let receipt = match &settlement.transition {
            Transition::Sent(receipt) => Some(
                stored::write(receipt)
                    .map_err(|error| StoreError::Refused(format!("the receipt cannot be stored: {error}")))?,
            ),
            Transition::Retry { .. } | Transition::Dead { .. } | Transition::Dropped { .. } => None,
        };
        let thread = settlement.thread.as_ref().map(stored::write).transpose();
        let thread = thread.map_err(|error| StoreError::Refused(format!("the thread cannot be stored: {error}")))?;
        Ok(Self { settlement, receipt, thread })
    }
}

/// The place of a delivery that `lease` may end now.
fn in_flight(db: &Connection, lease: &Lease, id: DeliveryId, attempt: u32) -> rusqlite::Result<Option<i64>> {
    let mut find = db.prepare_cached(
        "SELECT d.seq FROM deliveries AS d JOIN lanes AS l ON l.destination = d.destination
         WHERE d.id = ?1 AND d.state = 1 AND d.attempts = ?2 AND d.destination = ?3 AND l.epoch = ?4",
    )?;
    find.query_row((id, attempt, &*lease.destination, lease.epoch), |row| row.get(0)).optional()
}

pub(super) fn settle(db: &Connection, lease: &Lease, ending: &Ending) -> Result<Settled, Fault> {
    let settlement = &ending.settlement;
    let Some(seq) = in_flight(db, lease, settlement.delivery, settlement.attempt)? else {
        return Ok(Settled::TooLate);
    };
    let ended = settlement.ended;
    match &settlement.transition {
        Transition::Sent(_) => row::arrive(db, seq, ended, ending.receipt.as_deref())?,
        Transition::Dead { why, unsure } => give_up(db, seq, State::Dead, ended, why, *unsure)?,
        Transition::Dropped { why, unsure } => give_up(db, seq, State::Dropped, ended, why, *unsure)?,
        Transition::Retry { at, why, counts, unsure, looks } => {
            let mut back = db.prepare_cached(
                "UPDATE deliveries SET state = 0, at = ?2, why = ?3, failures = failures + ?4, unsure = unsure OR ?5,
                     looks = ?6
                 WHERE seq = ?1",
            )?;
            back.execute((seq, at, why, u32::from(*counts == Counts::Failure), unsure, looks))?;
        }
    }
    if let Some(thread) = &ending.thread {
        let mut keep = db.prepare_cached(
            "INSERT INTO threads (destination, conversation, touched, thread)
             SELECT destination, conversation, ?2, ?3 FROM deliveries WHERE seq = ?1
             ON CONFLICT DO UPDATE SET touched = excluded.touched, thread = excluded.thread",
        )?;
        keep.execute((seq, ended, thread))?;
    }
    let mut record = db
        .prepare_cached("INSERT INTO attempts (delivery, number, began, ended, account) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    record.execute((seq, settlement.attempt, settlement.began, ended, &settlement.account))?;
    Ok(Settled::Done)
}

/// Ends a delivery that is not known to have arrived.
fn give_up(db: &Connection, seq: i64, state: State, at: Timestamp, why: &str, unsure: bool) -> rusqlite::Result<()> {
    row::finish(db, seq, state, at, Some(why))?;
    if unsure {
        db.prepare_cached("UPDATE deliveries SET unsure = 1 WHERE seq = ?1")?.execute([seq])?;
    }
    Ok(())
}

pub(super) fn put_back(
    db: &Connection,
    lease: &Lease,
    id: DeliveryId,
    attempt: u32,
    due: Timestamp,
) -> Result<Settled, Fault> {
    let Some(seq) = in_flight(db, lease, id, attempt)? else { return Ok(Settled::TooLate) };
    let mut back =
        db.prepare_cached("UPDATE deliveries SET state = 0, at = ?2, attempts = attempts - 1 WHERE seq = ?1")?;
    back.execute((seq, due))?;
    Ok(Settled::Done)
}
