//! What is remembered of subjects, page by page, and the figures that were counted last.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension};

use super::super::{Figures, StoreError, stored};
use super::desk::Desk;
use super::fault::{Fault, unreadable};
use crate::domain::event::SubjectKey;
use crate::domain::memory::Memory;
use crate::domain::time::Timestamp;

/// The first `limit` memories whose keys begin with `beginning` and come after `after`.
pub(super) async fn memories(
    desk: &Desk,
    file: &Path,
    beginning: &str,
    after: Option<&SubjectKey>,
    limit: usize,
) -> Result<Vec<(SubjectKey, Memory)>, StoreError> {
    // Bytes are greater than any text.
    let end = following(beginning).map_or(Value::Blob(Vec::new()), Value::Text);
    let after = after.map(|after| after.0.clone());
    let wanted = (beginning.to_owned(), end, after, i64::try_from(limit).unwrap_or(i64::MAX));
    let texts: Vec<(String, String)> = desk.ask(move |db| Ok(page(db, &wanted)?)).await?;
    let read = |(key, text): (String, String)| {
        let memory = stored::read(&text).map_err(|why| unreadable(file, &format!("the memory of {key}"), &why))?;
        Ok((SubjectKey(key), memory))
    };
    texts.into_iter().map(read).collect()
}

/// A range of the primary key, so that each page costs what it holds, and no more.
fn page(db: &Connection, wanted: &(String, Value, Option<String>, i64)) -> rusqlite::Result<Vec<(String, String)>> {
    let (beginning, end, after, limit) = wanted;
    let mut find = db.prepare_cached(
        "SELECT key, memory FROM memory WHERE key >= max(?1, coalesce(?3, '')) AND key < ?2 AND key IS NOT ?3
         ORDER BY key LIMIT ?4",
    )?;
    let rows = find.query_map((beginning, end, after, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// The first text after all those that begin with `beginning`; `None` when there is none.
fn following(beginning: &str) -> Option<String> {
    let mut text = beginning.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// The figures kept for `question`, in their stored form.
pub(super) async fn figures(desk: &Desk, file: &Path, question: &str) -> Result<Option<Figures>, StoreError> {
    let wanted = question.to_owned();
    let found: Option<(Timestamp, String)> = desk
        .ask(move |db| {
            let mut find = db.prepare_cached("SELECT at, counts FROM figures WHERE question = ?1")?;
            Ok(find.query_row([&wanted], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
        })
        .await?;
    let read = |(at, text): (Timestamp, String)| {
        let counts = stored::read(&text).map_err(|why| unreadable(file, &format!("the figures {question}"), &why))?;
        Ok(Figures { counts, at })
    };
    found.map(read).transpose()
}

/// Keeps the figures, whose counts are in their stored form.
pub(super) fn keep(db: &Connection, question: &str, at: Timestamp, counts: &str) -> Result<(), Fault> {
    let mut keep = db.prepare_cached("INSERT OR REPLACE INTO figures (question, at, counts) VALUES (?1, ?2, ?3)")?;
    keep.execute((question, at, counts))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_range_is_the_next_letter() {
        assert_eq!(following("qase/PAY/defect/").as_deref(), Some("qase/PAY/defect0"));
        assert_eq!(following("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(following("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(following(""), None);
    }
}
