//! Deciding an open event anew.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::{Committed, refusal};
use super::commit::{Rows, effect, is_stale, repeated};
use super::fault::Fault;
use crate::domain::stage::Stage;
use crate::domain::time::Timestamp;

/// Replaces what the open event of `rows` was, or finds out why not, before anything is written.
pub(super) fn replan(db: &Connection, rows: &Rows, now: Timestamp) -> Result<Committed, Fault> {
    let id = rows.event.id;
    let found: Option<(i64, Stage, String)> = db
        .prepare_cached("SELECT seq, state, dedup FROM events WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((seq, stage, dedup)) = found else { return Err(refusal::no_event(id).into()) };
    if !stage.is_open() {
        return Err(refusal::decided(id).into());
    }
    if dedup != rows.dedup
        && let Some(first) = repeated(db, rows, Some(id))?
    {
        return Ok(Committed::Duplicate(first));
    }
    if is_stale(db, rows)? {
        return Ok(Committed::Stale);
    }
    let event = &rows.event;
    let mut update = db.prepare_cached(
        "UPDATE events SET time = ?2, dedup = ?3, name = ?4, project = ?5, subject = ?6, revision = ?7, facts = ?8,
             verdicts = ?9, state = ?10 WHERE seq = ?1",
    )?;
    update.execute(params![
        seq,
        event.time,
        rows.dedup,
        event.name,
        event.project,
        event.subject,
        &*rows.revision,
        rows.facts,
        rows.verdicts,
        rows.stage,
    ])?;
    effect(db, seq, rows, now)?;
    Ok(Committed::Stored)
}
