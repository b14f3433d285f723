//! What people ask for, as conditions and parameters.

use rusqlite::Connection;
use rusqlite::types::ToSql;
use uuid::Uuid;

use super::super::DeliveryFilter;
use super::fault::Fault;
use super::row::code;
use crate::domain::delivery::State;
use crate::domain::ids::{DeliveryId, EventId};

/// A condition on a table, with its parameters.
pub(super) struct Query {
    /// The index to use, where SQLite might choose a worse one.
    index: &'static str,
    condition: String,
    wanted: Vec<Box<dyn ToSql + Send>>,
    limit: usize,
    order: &'static str,
}

impl Query {
    /// Up to `limit` of all rows.
    pub(super) fn up_to(limit: usize) -> Self {
        Self { index: "", condition: "1".to_owned(), wanted: Vec::new(), limit, order: "DESC" }
    }

    /// The same, the oldest first.
    pub(super) fn oldest_first(mut self) -> Self {
        self.order = "ASC";
        self
    }

    /// The deliveries that `filter` lets through.
    pub(super) fn of(filter: &DeliveryFilter, before: Option<DeliveryId>, limit: usize) -> Self {
        let mut query = Self::up_to(limit);
        // The rare states have an index of their own; without it their few rows would be
        // looked for among all that were ever delivered.
        query.index = match (filter.state, filter.event) {
            (_, Some(_)) => "INDEXED BY deliveries_event",
            (Some(State::Queued | State::Sending), None) => "INDEXED BY deliveries_unfinished",
            (Some(State::Dead), None) => "INDEXED BY deliveries_dead",
            (Some(State::Delivered | State::Dropped) | None, None) => "",
        };
        if let Some(state) = filter.state {
            // In the text, not as a parameter, so that the partial indexes apply.
            query.condition += &format!(" AND d.state = {}", code(state));
            if !state.is_final() {
                query.condition += " AND d.state < 2";
            }
        }
        query
            .and("d.destination =", filter.destination.clone())
            .and("d.rule =", filter.rule.clone())
            .and("d.created >=", filter.since)
            .and("d.id <", before)
            .and("d.event = (SELECT seq FROM events WHERE id =", filter.event)
    }

    /// Further restricted, when there is a `value`, to rows that pass `test` against it.
    /// A parenthesis that `test` opens is closed.
    pub(super) fn and<T: ToSql + Send + 'static>(mut self, test: &str, value: Option<T>) -> Self {
        if let Some(value) = value {
            self.wanted.push(Box::new(value));
            let close = if test.contains('(') { ")" } else { "" };
            self.condition += &format!(" AND {test} ?{}{close}", self.wanted.len());
        }
        self
    }

    /// What `read` makes of the rows, in order. `select` names the columns and the
    /// tables; `{index}` in it stands for the index to use. The id is column 1.
    pub(super) fn rows<T>(
        &self,
        db: &Connection,
        select: &str,
        read: impl Fn(&rusqlite::Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let select = select.replace("{index}", self.index);
        let sql = format!("{select} WHERE {} ORDER BY 1 {} LIMIT {}", self.condition, self.order, count(self.limit));
        let mut find = db.prepare(&sql)?;
        let wanted: Vec<&dyn ToSql> = self.wanted.iter().map(|one| &**one as &dyn ToSql).collect();
        let mut rows = find.query(&*wanted)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }
}

/// The ids of events and deliveries whose text begins with `prefix`.
pub(super) fn ids_like(db: &Connection, prefix: &str, limit: usize) -> Result<(Vec<EventId>, Vec<DeliveryId>), Fault> {
    let Some((first, last)) = range(prefix) else { return Ok((Vec::new(), Vec::new())) };
    let sql = |table| format!("SELECT id FROM {table} WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3");
    let wanted = (first.as_bytes(), last.as_bytes(), count(limit));
    let mut events = db.prepare_cached(&sql("events"))?;
    let mut deliveries = db.prepare_cached(&sql("deliveries"))?;
    let events = events.query_map(wanted, |row| row.get(0))?.collect::<Result<_, _>>()?;
    let deliveries = deliveries.query_map(wanted, |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok((events, deliveries))
}

/// The first and the last id whose text begins with `prefix`; `None` when none can.
fn range(prefix: &str) -> Option<(Uuid, Uuid)> {
    let digits = prefix.replace('-', "");
    let fill = |with: &str| {
        let missing = 32_usize.checked_sub(digits.len())?;
        Uuid::try_parse(&format!("{digits}{}", with.repeat(missing))).ok()
    };
    Some((fill("0")?, fill("f")?))
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_range_of_ids() {
        let (first, last) = range("019D2c40-00").unwrap();
        assert_eq!(first.to_string(), "019d2c40-0000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "019d2c40-00ff-ffff-ffff-ffffffffffff");
        assert!(range("xyz").is_none());
        assert!(range(&"0".repeat(33)).is_none());
    }
}
