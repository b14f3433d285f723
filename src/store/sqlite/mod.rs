//! The SQLite store: one file, one process that writes, one thread that commits.
//!
//! `open` takes the file's lock, proves that the log can be emptied onto the disk, and
//! starts three threads: `writer` commits many verbs at once; one `reader` recalls for
//! webhooks, and the other reads for people, so that a long list never delays an answer.

mod commit;
mod defects;
mod desk;
mod fault;
mod file;
mod forget;
mod lanes;
mod ledger;
mod lock;
mod query;
mod reader;
mod remedy;
mod replan;
mod row;
mod settle;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use rusqlite::Connection;
use serde_json::{Map, Value};

use self::commit::Rows;
use self::desk::{Desk, Message};
pub use self::fault::OpenError;
use self::fault::account;
pub use self::ledger::SqliteLedger;
use self::lock::Lock;
pub use self::lock::{Holder, announcement};
use self::settle::Ending;
use self::writer::Writer;
use super::{Committed, Figures, Hold, Lease, Nodes, Settled, Settlement, Store, StoreError, Taken, stored};
use crate::domain::Name;
use crate::domain::event::SubjectKey;
use crate::domain::ids::DeliveryId;
use crate::domain::memory::Known;
use crate::domain::plan::Plan;
use crate::domain::time::Timestamp;

/// The most verbs that wait or are done at a time, for each thread.
const WAITING_MAX: usize = 4096;

/// Keeps everything in one SQLite file, for this process alone.
#[derive(Debug)]
pub struct SqliteStore {
    file: Arc<Path>,
    lock: Arc<Lock>,
    writer: Desk,
    recall: Desk,
    ledger: SqliteLedger,
    _threads: Threads,
}

/// Waits for its threads when dropped, so that the file is free once the store is gone.
/// Comes last in its owner: the desks must go first, or the threads would wait for ever.
#[derive(Debug)]
struct Threads(Vec<JoinHandle<()>>);

impl Drop for Threads {
    fn drop(&mut self) {
        for handle in self.0.drain(..) {
            if handle.join().is_err() {
                tracing::error!("a thread of the store has panicked");
            }
        }
    }
}

impl SqliteStore {
    /// Opens `file`, making or migrating it, for this process alone. Returns once nothing
    /// acknowledged earlier can be lost any more.
    ///
    /// # Errors
    /// When another process has it, or it cannot be used; the error says what to do.
    pub fn open(file: &Path, now: Timestamp) -> Result<Arc<Self>, OpenError> {
        let lock = Arc::new(Lock::take(file, now)?);
        let db = file::writer(file)?;
        let failed = |error: rusqlite::Error| OpenError::Unusable(account(file, &error));
        lanes::free_all(&db).and_then(|()| file::truncate(&db, file::BUSY_TIMEOUT)).map_err(failed)?;
        let file: Arc<Path> = file.into();
        let readers = (file::reader(&file)?, file::reader(&file)?);

        let (writer, waiting) = Desk::new(Arc::clone(&file), WAITING_MAX);
        let thread = Writer::new(db, waiting, Arc::clone(&file), Arc::clone(&lock));
        let mut threads = Threads(vec![start("store-writer", &file, move || thread.run())?]);
        let (recall, waiting) = Desk::new(Arc::clone(&file), WAITING_MAX);
        threads.0.push(start_reader("store-recall", &file, readers.0, waiting)?);
        let (people, waiting) = Desk::new(Arc::clone(&file), WAITING_MAX);
        threads.0.push(start_reader("store-ledger", &file, readers.1, waiting)?);
        let ledger = SqliteLedger::over(people, Arc::clone(&file));
        Ok(Arc::new(Self { file, lock, writer, recall, ledger, _threads: threads }))
    }

    /// Opens `file` to read, also beside a process that serves from it.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read; the error says what to do.
    pub fn open_read_only(file: &Path) -> Result<SqliteLedger, OpenError> {
        let db = file::reader(file)?;
        let file: Arc<Path> = file.into();
        let (people, waiting) = Desk::new(Arc::clone(&file), WAITING_MAX);
        start_reader("store-ledger", &file, db, waiting)?;
        Ok(SqliteLedger::over(people, file))
    }

    /// Tells whoever finds the file taken where this process answers ([`announcement`]).
    ///
    /// # Errors
    /// When the lock file cannot be written.
    pub fn announce(&self, address: &str) -> std::io::Result<()> {
        self.lock.announce(address)
    }
}

fn start(name: &str, file: &Path, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let failed = |error| OpenError::Unusable(format!("{}: no thread could be started: {error}", file.display()));
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(failed)
}

fn start_reader(
    name: &str,
    file: &Arc<Path>,
    db: Connection,
    waiting: Receiver<Message>,
) -> Result<JoinHandle<()>, OpenError> {
    let path = Arc::clone(file);
    start(name, file, move || reader::run(db, &waiting, &path))
}

#[async_trait]
impl Store for SqliteStore {
    fn nodes(&self) -> Nodes {
        Nodes::One
    }

    async fn recall(&self, subject: &SubjectKey) -> Result<Known, StoreError> {
        ledger::recall(&self.recall, &self.file, subject).await
    }

    async fn commit(&self, plan: Plan) -> Result<Committed, StoreError> {
        let rows = Rows::of(plan)?;
        self.writer.ask(move |db| commit::commit(db, &rows)).await
    }

    async fn replan(&self, plan: Plan, now: Timestamp) -> Result<Committed, StoreError> {
        let rows = Rows::of(plan)?;
        self.writer.ask(move |db| replan::replan(db, &rows, now)).await
    }

    async fn hold_lane(
        &self,
        destination: &Name,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        let (destination, owner) = (destination.clone(), owner.to_owned());
        self.writer.ask(move |db| lanes::hold(db, &destination, &owner, now, until)).await
    }

    async fn release_lane(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.writer.ask(move |db| lanes::release(db, &lease)).await
    }

    async fn take(&self, lease: &Lease, now: Timestamp, limit: usize) -> Result<Taken, StoreError> {
        let (destination, lease) = (lease.destination.clone(), lease.clone());
        let (taken, expired) = self.writer.ask(move |db| lanes::take(db, &lease, now, limit)).await?;
        let mut jobs = Vec::with_capacity(taken.len());
        for one in taken {
            let seq = one.seq;
            match one.read(&destination, &self.file) {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    let why = error.to_string();
                    tracing::error!(destination = %destination, error = %why, "a delivery cannot be sent");
                    self.writer.ask(move |db| lanes::bury(db, seq, &why, now)).await?;
                }
            }
        }
        Ok(Taken { jobs, expired })
    }

    async fn next_due(&self, destination: &Name) -> Result<Option<Timestamp>, StoreError> {
        let destination = destination.clone();
        self.recall.ask(move |db| lanes::next_due(db, &destination)).await
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        let (lease, ending) = (lease.clone(), Ending::of(settlement)?);
        self.writer.ask(move |db| settle::settle(db, &lease, &ending)).await
    }

    async fn put_back(
        &self,
        lease: &Lease,
        delivery: DeliveryId,
        attempt: u32,
        due: Timestamp,
    ) -> Result<Settled, StoreError> {
        let lease = lease.clone();
        self.writer.ask(move |db| settle::put_back(db, &lease, delivery, attempt, due)).await
    }

    async fn set_hold(&self, destination: &Name, hold: Option<Hold>) -> Result<(), StoreError> {
        let destination = destination.clone();
        self.writer
            .ask(move |db| {
                match &hold {
                    Some(hold) => {
                        let mut keep = db.prepare_cached("INSERT OR REPLACE INTO holds VALUES (?1, ?2, ?3)")?;
                        keep.execute((&*destination, hold.since, &hold.why))?
                    }
                    None => db.prepare_cached("DELETE FROM holds WHERE destination = ?1")?.execute([&*destination])?,
                };
                Ok(())
            })
            .await
    }

    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        self.recall.ask(ledger::holds).await
    }

    async fn retry(&self, delivery: DeliveryId, now: Timestamp) -> Result<DeliveryId, StoreError> {
        self.writer.ask(move |db| remedy::retry(db, delivery, now)).await
    }

    async fn drop_delivery(&self, delivery: DeliveryId, why: &str, now: Timestamp) -> Result<(), StoreError> {
        let why = why.to_owned();
        self.writer.ask(move |db| remedy::drop_delivery(db, delivery, &why, now)).await
    }

    async fn keep_revision(&self, revision: &str, at: Timestamp, files: &Map<String, Value>) -> Result<(), StoreError> {
        let refused = |error| StoreError::Refused(format!("the revision cannot be stored: {error}"));
        let (revision, files) = (revision.to_owned(), stored::write(files).map_err(refused)?);
        self.writer
            .ask(move |db| {
                let mut keep = db.prepare_cached("INSERT INTO revisions VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
                keep.execute((&revision, at, &files))?;
                Ok(())
            })
            .await
    }

    async fn keep_figures(&self, question: &str, figures: &Figures) -> Result<(), StoreError> {
        let refused = |error| StoreError::Refused(format!("the figures cannot be stored: {error}"));
        let (question, at) = (question.to_owned(), figures.at);
        let counts = stored::write(&figures.counts).map_err(refused)?;
        self.writer.ask(move |db| defects::keep(db, &question, at, &counts)).await
    }

    async fn forget_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.writer.ask(move |db| forget::forget(db, before, limit)).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.writer.ask(|db| Ok(writer::touch(db)?)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        // The readers first: while one of them has the file open, the log cannot be removed.
        let reading = self.recall.close().await.and(self.ledger.close().await);
        self.writer.close().await.and(reading)
    }
}
