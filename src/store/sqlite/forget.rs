//! Forgetting what is old and done.

use rusqlite::Connection;

use super::fault::Fault;
use crate::domain::thread::THREAD_KEPT;
use crate::domain::time::Timestamp;

/// Forgets events with all that belongs to them, memory, threads and figures; how many events went.
pub(super) fn forget(db: &Connection, before: Timestamp, limit: i64) -> Result<usize, Fault> {
    let mut events = db.prepare_cached(
        "DELETE FROM events WHERE seq IN (
             SELECT e.seq FROM events AS e INDEXED BY events_received
             WHERE e.received < ?1 AND e.state <> 1
               AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.event = e.seq AND d.state < 2)
             ORDER BY e.received, e.seq LIMIT ?2)",
    )?;
    let gone = events.execute((before, limit))?;
    let mut memory = db.prepare_cached(
        "DELETE FROM memory WHERE key IN (
             SELECT m.key FROM memory AS m INDEXED BY memory_touched
             WHERE m.touched < ?1
               AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.conversation = m.key AND d.state < 2)
             ORDER BY m.touched, m.key LIMIT ?2)",
    )?;
    memory.execute((before, limit))?;
    let mut threads = db.prepare_cached(
        "DELETE FROM threads WHERE (destination, conversation) IN (
             SELECT t.destination, t.conversation FROM threads AS t INDEXED BY threads_touched
             WHERE t.touched < ?1
               AND NOT EXISTS (
                   SELECT 1 FROM deliveries AS d
                   WHERE d.conversation = t.conversation AND d.destination = t.destination AND d.state < 2)
             ORDER BY t.touched, t.destination, t.conversation LIMIT ?2)",
    )?;
    threads.execute((before.minus(THREAD_KEPT), limit))?;
    let mut figures = db.prepare_cached(
        "DELETE FROM figures WHERE question IN (
             SELECT question FROM figures WHERE at < ?1 ORDER BY at, question LIMIT ?2)",
    )?;
    figures.execute((before, limit))?;
    Ok(gone)
}
