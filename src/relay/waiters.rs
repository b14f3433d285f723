//! Waiting until an event is planned or a delivery is finished, whoever does it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use crate::config::SourceSpec;
use crate::domain::ids::{DeliveryId, EventId};
use crate::source::RawHook;
use crate::store::{DeliveryRecord, EventRecord, StoreError};

use super::Relay;
use super::ingest::{Accepted, IngestError};

/// How often the store is looked at although nothing was told: what a person drops, or
/// another relay does, is told to nobody here.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Those who wait for news of an event or a delivery, by its id.
#[derive(Debug, Default)]
pub struct Waiters(Mutex<HashMap<Uuid, Arc<Notify>>>);

impl Waiters {
    /// There is news of `id`: whoever waits for it looks.
    pub(super) fn tell(&self, id: Uuid) {
        if let Some(notify) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            notify.notify_waiters();
        }
    }

    /// There may be news for everybody.
    pub(super) fn tell_all(&self) {
        for notify in self.0.lock().unwrap_or_else(PoisonError::into_inner).values() {
            notify.notify_waiters();
        }
    }

    fn join(&self, id: Uuid) -> Interest<'_> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Interest { waiters: self, id, notify: waiting.entry(id).or_default().clone() }
    }
}

/// One who waits. The last one who leaves takes the entry along.
struct Interest<'a> {
    waiters: &'a Waiters,
    id: Uuid,
    notify: Arc<Notify>,
}

impl Drop for Interest<'_> {
    fn drop(&mut self) {
        let mut waiting = self.waiters.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One is this one's, one is the map's.
        if waiting.get(&self.id).is_some_and(|notify| Arc::strong_count(notify) == 2) {
            waiting.remove(&self.id);
        }
    }
}

impl Relay {
    /// Accepts `hook` as [`Relay::ingest`] does, and waits up to `within` until the event is
    /// planned: after its look-up, if it needs one. `None`: not within that time; it will be.
    ///
    /// # Errors
    /// When it is not accepted; then nothing is stored.
    pub async fn accept_and_decide(
        &self,
        source: &SourceSpec,
        hook: RawHook,
        within: Duration,
    ) -> Result<(Accepted, Option<EventRecord>), IngestError> {
        let accepted = self.ingest(source, hook).await?;
        Ok((accepted, self.planned(accepted.event, within).await?))
    }

    /// Waits up to `within` until the event `id` is decided, also one of an earlier run.
    /// `None`: it is not, or there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn planned(&self, id: EventId, within: Duration) -> Result<Option<EventRecord>, StoreError> {
        let ledger = &self.shared.ledger;
        let look = || async move {
            let record = ledger.event(id).await?;
            Ok(record.filter(|event| !event.stage.is_open()))
        };
        self.until(id.0, within, look).await
    }

    /// Waits up to `within` until the delivery `id` is finished: delivered, dead or dropped,
    /// also one of an earlier run. `None`: it is not, or there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn finished(&self, id: DeliveryId, within: Duration) -> Result<Option<DeliveryRecord>, StoreError> {
        let ledger = &self.shared.ledger;
        let look = || async move {
            let record = ledger.delivery(id).await?;
            Ok(record.map(|(delivery, _)| delivery).filter(|delivery| delivery.state.is_final()))
        };
        self.until(id.0, within, look).await
    }

    /// What `look` gives, once it gives something, waiting for it up to `within` and for news
    /// of `id`; while the relay stops, until what is in flight has ended.
    pub(super) async fn until<T, F>(
        &self,
        id: Uuid,
        within: Duration,
        look: impl Fn() -> F,
    ) -> Result<Option<T>, StoreError>
    where
        F: Future<Output = Result<Option<T>, StoreError>>,
    {
        let shared = &self.shared;
        let end = shared.clock.elapsed() + within;
        let mine = shared.waiters.join(id);
        loop {
            // Registered before the look, so that no news is missed in between.
            let news = mine.notify.notified();
            let mut news = std::pin::pin!(news);
            news.as_mut().enable();
            match look().await {
                Ok(None) => {}
                found => return found,
            }
            let left = end.saturating_sub(shared.clock.elapsed());
            // What is in flight when the relay is told to stop may still end.
            if left.is_zero() || shared.drained.is_cancelled() {
                return Ok(None);
            }
            tokio::select! {
                () = news => {}
                () = shared.clock.sleep(left.min(LOOK_EVERY)) => {}
                () = shared.drained.cancelled() => {}
            }
        }
    }
}
