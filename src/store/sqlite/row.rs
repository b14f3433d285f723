//! How our words stand in columns.

use rusqlite::Connection;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use uuid::Uuid;

use super::super::refusal;
use super::fault::Fault;
use crate::domain::delivery::{Action, State};
use crate::domain::ids::{DeliveryId, EventId};
use crate::domain::time::Timestamp;

/// The column `deliveries.state`. The partial indexes name these numbers.
pub(super) const fn code(state: State) -> i64 {
    match state {
        State::Queued => 0,
        State::Sending => 1,
        State::Delivered => 2,
        State::Dead => 3,
        State::Dropped => 4,
    }
}

impl ToSql for State {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(code(*self).into())
    }
}

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let found = value.as_i64()?;
        let state = Self::WORDS.iter().find(|(_, state)| code(*state) == found);
        state.map(|(_, state)| *state).ok_or(FromSqlError::OutOfRange(found))
    }
}

impl FromSql for Action {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let found = value.as_str()?;
        let action = Self::WORDS.iter().find(|(word, _)| *word == found);
        action.map(|(_, action)| *action).ok_or_else(|| FromSqlError::Other(format!("no action '{found}'").into()))
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_ms().into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self::from_ms)
    }
}

macro_rules! id_column {
    ($id:ident) => {
        impl ToSql for $id {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_bytes())))
            }
        }

        impl FromSql for $id {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <[u8; 16]>::column_result(value).map(|bytes| Self(Uuid::from_bytes(bytes)))
            }
        }
    };
}
id_column!(EventId);
id_column!(DeliveryId);

/// Fails unless `epoch` is the present one of the lane.
pub(super) fn current(db: &Connection, destination: &str, epoch: i64) -> Result<(), Fault> {
    let mut find = db.prepare_cached("SELECT 1 FROM lanes WHERE destination = ?1 AND epoch = ?2")?;
    if find.exists((destination, epoch))? { Ok(()) } else { Err(refusal::lane_lost(destination).into()) }
}

/// Ends a delivery, and lets the next of its conversation go.
pub(super) fn finish(
    db: &Connection,
    seq: i64,
    state: State,
    at: Timestamp,
    why: Option<&str>,
) -> rusqlite::Result<()> {
    let mut end = db.prepare_cached("UPDATE deliveries SET state = ?2, head = 0, at = ?3, why = ?4 WHERE seq = ?1")?;
    end.execute((seq, state, at, why))?;
    next_goes(db, seq)
}

/// The delivery at `seq` has arrived: what the destination gave for it is kept.
pub(super) fn arrive(db: &Connection, seq: i64, at: Timestamp, receipt: Option<&str>) -> rusqlite::Result<()> {
    let mut end = db.prepare_cached(
        "UPDATE deliveries SET state = ?2, head = 0, at = ?3, why = NULL, receipt = ?4 WHERE seq = ?1",
    )?;
    end.execute((seq, State::Delivered, at, receipt))?;
    next_goes(db, seq)
}

/// Lets the next delivery of the conversation go in which the one at `seq` has ended.
fn next_goes(db: &Connection, seq: i64) -> rusqlite::Result<()> {
    let mut next = db.prepare_cached(
        "UPDATE deliveries SET head = 1 WHERE seq = (
             SELECT next.seq FROM deliveries AS done
             JOIN deliveries AS next INDEXED BY deliveries_unfinished
               ON next.conversation = done.conversation AND next.destination = done.destination AND next.state < 2
             WHERE done.seq = ?1 ORDER BY next.seq LIMIT 1)",
    )?;
    next.execute([seq]).map(drop)
}
