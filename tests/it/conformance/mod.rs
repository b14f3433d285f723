//! One suite for every store: each scenario quotes the sentence it holds a verb to.

#![cfg(test)]

mod commit;
mod defects;
mod lanes;
mod model;
mod people;
pub mod sketch;

use std::sync::Arc;

use relaybell::domain::delivery::{Job, Receipt, Transition};
use relaybell::domain::ids::DeliveryId;
use relaybell::domain::thread::thread_after;
use relaybell::store::memory::MemoryStore;
use relaybell::store::sqlite::SqliteStore;
use relaybell::store::{DeliveryRecord, Lease, Ledger, Settled, Settlement, Store};
use sketch::{at, name};

/// Runs each scenario on every store.
macro_rules! on_every_store {
    ($($scenario:ident),* $(,)?) => {
        mod on_memory {
            $(#[tokio::test] async fn $scenario() { super::$scenario($crate::conformance::Bench::memory()).await; })*
        }
        mod on_sqlite {
            $(#[tokio::test] async fn $scenario() { super::$scenario($crate::conformance::Bench::sqlite()).await; })*
        }
    };
}
pub(crate) use on_every_store;

/// A store as the relay and as people see it.
pub trait Both: Store + Ledger {}
impl<T: Store + Ledger> Both for T {}

/// A store under test.
pub struct Bench {
    /// The store.
    pub store: Arc<dyn Both>,
    folder: Option<tempfile::TempDir>,
}

impl Bench {
    /// The in-memory store.
    pub fn memory() -> Self {
        Self { store: Arc::new(MemoryStore::new()), folder: None }
    }

    /// A SQLite store in a folder of its own.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("relaybell.db"), at(0)).unwrap();
        Self { store, folder: Some(folder) }
    }

    /// What a restart leaves. The in-memory store is not asked to survive one.
    pub async fn reopen(&mut self) {
        let Some(folder) = &self.folder else { return };
        self.store.close().await.unwrap();
        self.store = SqliteStore::open(&folder.path().join("relaybell.db"), at(0)).unwrap();
    }

    /// Holds the lane of `destination` as owner `a`.
    pub async fn lane(&self, destination: &str) -> Lease {
        self.store.hold_lane(&name(destination), "a", at(0), at(60_000)).await.unwrap().unwrap()
    }

    /// Takes what is due `now`.
    pub async fn take(&self, lease: &Lease, now: i64) -> Vec<Job> {
        self.store.take(lease, at(now), 100).await.unwrap().jobs
    }

    /// Ends the attempt of `job` at `ended`.
    pub async fn settle(&self, lease: &Lease, job: &Job, ended: i64, transition: Transition) -> Settled {
        let thread = match &transition {
            Transition::Sent(receipt) => Some(thread_after(job, receipt, at(ended))),
            _ => None,
        };
        let settlement = Settlement {
            delivery: job.id,
            attempt: job.attempt,
            transition,
            began: at(ended - 20),
            ended: at(ended),
            account: "POST chat.example → 200 ok".to_owned(),
            thread,
        };
        self.store.settle(lease, settlement).await.unwrap()
    }

    /// The delivery as people see it.
    pub async fn see(&self, id: DeliveryId) -> DeliveryRecord {
        self.store.delivery(id).await.unwrap().unwrap().0
    }
}

/// A delivery that arrived.
pub fn sent() -> Transition {
    Transition::Sent(Receipt { key: Some("PAY-1".to_owned()), ..Receipt::default() })
}

/// A delivery that never will.
pub fn dead() -> Transition {
    Transition::Dead { why: "no such channel".to_owned(), unsure: false }
}

/// The events' numbers in the order of `jobs`, by their ids' last byte.
pub fn numbers(jobs: &[Job]) -> Vec<u8> {
    jobs.iter().map(|job| job.event.0.as_bytes()[15]).collect()
}
