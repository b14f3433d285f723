//! How our words stand in columns.

use rusqlite::Connection;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use uuid::Uuid;

use super::super::refusal;
use super::fault::Fault;
use crate::domain::delivery::{Action, State};
use crate::domain::ids::{DeliveryId, EventId};
use crate::domain::priority::Priority;
use crate::domain::stage::Stage;
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

/// The column `events.state`. The partial index names these numbers.
pub(super) const fn stage_code(stage: Stage) -> i64 {
    match stage {
        Stage::Decided => 0,
        Stage::Awaiting => 1,
        Stage::Quarantined => 2,
        Stage::Broken => 3,
    }
}

impl ToSql for Stage {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(stage_code(*self).into())
    }
}

impl FromSql for Stage {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let found = value.as_i64()?;
        let stage = Self::WORDS.iter().find(|(_, stage)| stage_code(*stage) == found);
        stage.map(|(_, stage)| *stage).ok_or(FromSqlError::OutOfRange(found))
    }
}

/// The column `deliveries.priority`: the lower, the sooner.
pub(super) const fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::Urgent => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}

impl ToSql for Priority {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(rank(*self).into())
    }
}

impl FromSql for Priority {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let found = value.as_i64()?;
        let priority = Self::WORDS.iter().find(|(_, priority)| rank(*priority) == found);
        priority.map(|(_, priority)| *priority).ok_or(FromSqlError::OutOfRange(found))
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

/// What waits in the conversation before the delivery at `seq` of `priority` must go
/// first, so it becomes at least as urgent.
pub(super) fn hurry_those_before(db: &Connection, seq: i64, priority: Priority) -> rusqlite::Result<()> {
    if priority == Priority::Low {
        return Ok(());
    }
    let mut hurry = db.prepare_cached(
        "UPDATE deliveries INDEXED BY deliveries_unfinished SET priority = ?2
         FROM deliveries AS new
         WHERE new.seq = ?1 AND deliveries.conversation = new.conversation
             AND deliveries.destination = new.destination AND deliveries.seq < ?1
             AND deliveries.state < 2 AND deliveries.priority > ?2",
    )?;
    hurry.execute((seq, priority)).map(drop)
}
