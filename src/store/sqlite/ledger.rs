//! What people read of the file.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::{
    AttemptRecord, DeliveryFilter, DeliveryRecord, EventRecord, Figures, Hold, Ledger, QueueDepth, StoreError, Tally,
    stored,
};
use super::SqliteStore;
use super::defects;
use super::desk::Desk;
use super::fault::{Fault, unreadable};
use super::query::{Query, ids_like};
use super::row::stage_code;
use crate::domain::event::{Dedup, SubjectKey};
use crate::domain::ids::{DeliveryId, EventId};
use crate::domain::memory::{Known, Memory, MemoryVersion};
use crate::domain::stage::Stage;
use crate::domain::time::Timestamp;

/// Reads a store's file, beside whoever serves from it.
#[derive(Debug)]
pub struct SqliteLedger {
    desk: Desk,
    file: Arc<Path>,
}

impl SqliteLedger {
    pub(super) fn over(desk: Desk, file: Arc<Path>) -> Self {
        Self { desk, file }
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        self.desk.close().await
    }

    async fn find_events(&self, query: Query) -> Result<Vec<EventRecord>, StoreError> {
        let file = Arc::clone(&self.file);
        self.desk.ask(move |db| query.rows(db, EVENTS, |row| event(row, &file))).await
    }

    async fn find_deliveries(&self, query: Query) -> Result<Vec<DeliveryRecord>, StoreError> {
        const SELECT: &str = "SELECT d.id, e.id, d.rule, d.destination, d.conversation, d.action, d.key, d.state,
                 d.attempts, d.created, d.at, d.why, d.unsure, d.parent, d.receipt, c.content, d.priority, d.expires
             FROM deliveries AS d {index}
             CROSS JOIN events AS e ON e.seq = d.event CROSS JOIN contents AS c ON c.delivery = d.seq";
        let file = Arc::clone(&self.file);
        self.desk.ask(move |db| query.rows(db, SELECT, |row| delivery(row, &file))).await
    }
}

const EVENTS: &str = "SELECT id, source, name, project, subject, time, received, revision, facts, body, verdicts,
         state, headers, dedup
     FROM events";

/// The first events at a stage, in the order in which they came in.
fn events_at(
    db: &Connection,
    (stage, source, after, limit): &(Stage, Option<String>, Option<EventId>, i64),
    file: &Path,
) -> Result<Vec<EventRecord>, Fault> {
    // The stage stands in the text, not as a parameter, so that the partial index applies.
    let sql = format!(
        "{EVENTS} INDEXED BY events_open WHERE state = {} AND state > 0 AND (?1 IS NULL OR source = ?1)
             AND (?2 IS NULL OR seq > (SELECT seq FROM events WHERE id = ?2)) ORDER BY seq LIMIT ?3",
        stage_code(*stage)
    );
    let mut find = db.prepare(&sql)?;
    let mut rows = find.query((source, after, limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(event(row, file)?);
    }
    Ok(found)
}

fn event(row: &Row<'_>, file: &Path) -> Result<EventRecord, Fault> {
    let id: EventId = row.get(0)?;
    Ok(EventRecord {
        id,
        source: row.get(1)?,
        name: row.get(2)?,
        project: row.get(3)?,
        subject: row.get(4)?,
        time: row.get(5)?,
        received: row.get(6)?,
        revision: row.get(7)?,
        facts: read(&row.get::<_, String>(8)?, file, "facts of event", &id)?,
        body: row.get(9)?,
        verdicts: read(&row.get::<_, String>(10)?, file, "verdicts of event", &id)?,
        stage: row.get(11)?,
        headers: headers(row.get(12)?).map_err(|why| unreadable(file, &format!("the headers of event {id}"), &why))?,
        dedup: dedup(&row.get::<_, String>(13)?),
    })
}

fn headers(text: Option<String>) -> Result<BTreeMap<String, String>, serde_json::Error> {
    text.map_or_else(|| Ok(BTreeMap::new()), |text| serde_json::from_str(&text))
}

fn dedup(text: &str) -> Dedup {
    match text.split_once(':') {
        Some(("id", id)) => Dedup::SenderId(id.to_owned()),
        Some((_, hash)) => Dedup::BodyHash(hash.to_owned()),
        None => Dedup::BodyHash(text.to_owned()),
    }
}

fn delivery(row: &Row<'_>, file: &Path) -> Result<DeliveryRecord, Fault> {
    let id: DeliveryId = row.get(0)?;
    let receipt: Option<String> = row.get(14)?;
    let content: String = row.get(15)?;
    Ok(DeliveryRecord {
        id,
        event: row.get(1)?,
        rule: row.get(2)?,
        destination: row.get(3)?,
        conversation: row.get(4)?,
        action: row.get(5)?,
        key: row.get(6)?,
        state: row.get(7)?,
        attempts: row.get(8)?,
        created: row.get(9)?,
        at: row.get(10)?,
        why: row.get(11)?,
        unsure: row.get(12)?,
        priority: row.get(16)?,
        expires: row.get(17)?,
        parent: row.get(13)?,
        receipt: receipt.map(|text| read(&text, file, "receipt of delivery", &id)).transpose()?,
        content: stored::read_content(&content)
            .map_err(|why| unreadable(file, &format!("the content of delivery {id}"), &why))?,
    })
}

fn read<T: DeserializeOwned>(text: &str, file: &Path, what: &str, id: &dyn Display) -> Result<T, StoreError> {
    stored::read(text).map_err(|why| unreadable(file, &format!("the {what} {id}"), &why))
}

/// What is remembered of `subject`, asked at `desk`.
pub(super) async fn recall(desk: &Desk, file: &Path, subject: &SubjectKey) -> Result<Known, StoreError> {
    let key = subject.0.clone();
    let found: Option<(String, MemoryVersion)> = desk
        .ask(move |db| {
            let mut find = db.prepare_cached("SELECT memory, version FROM memory WHERE key = ?1")?;
            Ok(find.query_row([&key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
        })
        .await?;
    let Some((text, version)) = found else { return Ok(Known::default()) };
    let memory = stored::read(&text).map_err(|why| unreadable(file, &format!("the memory of {}", subject.0), &why))?;
    Ok(Known { memory: Some((memory, version)) })
}

fn attempts(db: &Connection, id: DeliveryId) -> Result<Vec<AttemptRecord>, Fault> {
    let mut find = db.prepare_cached(
        "SELECT a.number, a.began, a.ended, a.account FROM deliveries AS d
         JOIN attempts AS a ON a.delivery = d.seq WHERE d.id = ?1 ORDER BY a.number",
    )?;
    let rows = find.query_map([id], |row| {
        let (began, ended): (Timestamp, Timestamp) = (row.get(1)?, row.get(2)?);
        Ok(AttemptRecord { number: row.get(0)?, began, took: ended.since(began), account: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn tallies(db: &Connection) -> Result<Vec<Tally>, Fault> {
    let mut count = db.prepare_cached(
        "SELECT source, project, COUNT(*), MAX(received) FROM events GROUP BY source, project ORDER BY source, project",
    )?;
    let rows = count.query_map([], |row| {
        Ok(Tally {
            source: row.get(0)?,
            project: row.get(1)?,
            events: row.get::<_, i64>(2)?.unsigned_abs(),
            last: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn depths(db: &Connection) -> Result<Vec<QueueDepth>, Fault> {
    let mut find = db.prepare_cached(
        "SELECT destination, sum(unfinished), sum(dead), min(oldest) FROM (
             SELECT destination, count(*) AS unfinished, 0 AS dead, min(created) AS oldest
             FROM deliveries INDEXED BY deliveries_unfinished WHERE state < 2 GROUP BY destination
             UNION ALL
             SELECT destination, 0, count(*), NULL
             FROM deliveries AS dead INDEXED BY deliveries_dead
             WHERE state = 3 AND NOT EXISTS (SELECT 1 FROM deliveries AS again WHERE again.parent = dead.id)
             GROUP BY destination
         ) GROUP BY destination ORDER BY destination",
    )?;
    let rows = find.query_map([], |row| {
        let (unfinished, dead): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(QueueDepth {
            destination: row.get(0)?,
            unfinished: unfinished.unsigned_abs(),
            dead: dead.unsigned_abs(),
            oldest: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn holds(db: &Connection) -> Result<Vec<Hold>, Fault> {
    let mut find = db.prepare_cached("SELECT destination, since, why FROM holds ORDER BY destination")?;
    let rows = find.query_map([], |row| {
        Ok(Hold { destination: row.get::<_, String>(0)?.into(), since: row.get(1)?, why: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn events(
        &self,
        source: Option<&str>,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventRecord>, StoreError> {
        let query = Query::up_to(limit).and("source =", source.map(str::to_owned)).and("id <", before);
        self.find_events(query).await
    }

    async fn events_after(&self, after: EventId, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.find_events(Query::up_to(limit).oldest_first().and("id >", Some(after))).await
    }

    async fn events_at(
        &self,
        stage: Stage,
        source: Option<&str>,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventRecord>, StoreError> {
        let wanted = (stage, source.map(str::to_owned), after, i64::try_from(limit).unwrap_or(i64::MAX));
        let file = Arc::clone(&self.file);
        self.desk.ask(move |db| events_at(db, &wanted, &file)).await
    }

    async fn revision_files(&self, revision: &str) -> Result<Option<Map<String, Value>>, StoreError> {
        let wanted = revision.to_owned();
        let found: Option<String> = self
            .desk
            .ask(move |db| {
                let mut find = db.prepare_cached("SELECT files FROM revisions WHERE revision = ?1")?;
                Ok(find.query_row([&wanted], |row| row.get(0)).optional()?)
            })
            .await?;
        found.map(|text| read(&text, &self.file, "files of revision", &revision)).transpose()
    }

    async fn event(&self, id: EventId) -> Result<Option<EventRecord>, StoreError> {
        Ok(self.find_events(Query::up_to(1).and("id =", Some(id))).await?.pop())
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.find_deliveries(Query::of(filter, before, limit)).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<(DeliveryRecord, Vec<AttemptRecord>)>, StoreError> {
        let found = self.find_deliveries(Query::up_to(1).and("d.id =", Some(id))).await?.pop();
        let Some(found) = found else { return Ok(None) };
        Ok(Some((found, self.desk.ask(move |db| attempts(db, id)).await?)))
    }

    async fn ids_like(&self, prefix: &str, limit: usize) -> Result<(Vec<EventId>, Vec<DeliveryId>), StoreError> {
        let prefix = prefix.to_owned();
        self.desk.ask(move |db| ids_like(db, &prefix, limit)).await
    }

    async fn memories(
        &self,
        beginning: &str,
        after: Option<&SubjectKey>,
        limit: usize,
    ) -> Result<Vec<(SubjectKey, Memory)>, StoreError> {
        defects::memories(&self.desk, &self.file, beginning, after, limit).await
    }

    async fn figures(&self, question: &str) -> Result<Option<Figures>, StoreError> {
        defects::figures(&self.desk, &self.file, question).await
    }

    async fn remembered(&self, subject: &SubjectKey) -> Result<Known, StoreError> {
        recall(&self.desk, &self.file, subject).await
    }

    async fn tallies(&self) -> Result<Vec<Tally>, StoreError> {
        self.desk.ask(tallies).await
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        self.desk.ask(depths).await
    }

    async fn held(&self) -> Result<Vec<Hold>, StoreError> {
        self.desk.ask(holds).await
    }
}

#[async_trait]
impl Ledger for SqliteStore {
    async fn events(
        &self,
        source: Option<&str>,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventRecord>, StoreError> {
        self.ledger.events(source, before, limit).await
    }

    async fn events_after(&self, after: EventId, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
        self.ledger.events_after(after, limit).await
    }

    async fn events_at(
        &self,
        stage: Stage,
        source: Option<&str>,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<Vec<EventRecord>, StoreError> {
        self.ledger.events_at(stage, source, after, limit).await
    }

    async fn revision_files(&self, revision: &str) -> Result<Option<Map<String, Value>>, StoreError> {
        self.ledger.revision_files(revision).await
    }

    async fn event(&self, id: EventId) -> Result<Option<EventRecord>, StoreError> {
        self.ledger.event(id).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.ledger.deliveries(filter, before, limit).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<(DeliveryRecord, Vec<AttemptRecord>)>, StoreError> {
        self.ledger.delivery(id).await
    }

    async fn ids_like(&self, prefix: &str, limit: usize) -> Result<(Vec<EventId>, Vec<DeliveryId>), StoreError> {
        self.ledger.ids_like(prefix, limit).await
    }

    async fn memories(
        &self,
        beginning: &str,
        after: Option<&SubjectKey>,
        limit: usize,
    ) -> Result<Vec<(SubjectKey, Memory)>, StoreError> {
        self.ledger.memories(beginning, after, limit).await
    }

    async fn figures(&self, question: &str) -> Result<Option<Figures>, StoreError> {
        self.ledger.figures(question).await
    }

    async fn remembered(&self, subject: &SubjectKey) -> Result<Known, StoreError> {
        self.ledger.remembered(subject).await
    }

    async fn tallies(&self) -> Result<Vec<Tally>, StoreError> {
        self.ledger.tallies().await
    }

    async fn depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        self.ledger.depths().await
    }

    async fn held(&self) -> Result<Vec<Hold>, StoreError> {
        self.ledger.held().await
    }
}
