//! What people do with deliveries: send again, drop; singly or by filter.

use crate::domain::ids::DeliveryId;
use crate::store::{DeliveryFilter, DeliveryRecord, Ledger, Store, StoreError};

use super::Relay;

/// The most deliveries one command acts on.
pub const BULK_MAX: usize = 10_000;

/// What a command did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Managed {
    /// The deliveries it acted on; for a new one that sends a finished one again, the new id.
    pub done: Vec<DeliveryId>,
    /// Those it could not act on, with the reason.
    pub refused: Vec<(DeliveryId, String)>,
}

/// What to do with deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Send them again.
    Retry,
    /// Drop them.
    Drop {
        /// Why.
        why: String,
    },
}

/// Which deliveries to act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// This one.
    One(DeliveryId),
    /// All that the filter lets through, at most [`BULK_MAX`].
    All(DeliveryFilter),
}

/// Does `deed` to the deliveries of `selection`, in a store that nobody serves.
///
/// # Errors
/// When the store cannot be used, or a single delivery refuses.
pub async fn manage(
    store: &dyn Store,
    ledger: &dyn Ledger,
    selection: &Selection,
    deed: &Deed,
    now: crate::domain::time::Timestamp,
) -> Result<(Managed, Vec<String>), StoreError> {
    let chosen: Vec<DeliveryRecord> = match selection {
        Selection::One(id) => match ledger.delivery(*id).await? {
            Some((delivery, _)) => vec![delivery],
            None => return Err(StoreError::Refused(format!("there is no delivery {id}"))),
        },
        Selection::All(filter) => ledger.deliveries(filter, None, BULK_MAX).await?,
    };
    let mut managed = Managed::default();
    let mut destinations = Vec::new();
    // Oldest first, so that what is sent again keeps its order.
    for delivery in chosen.iter().rev() {
        let outcome = match deed {
            Deed::Retry => store.retry(delivery.id, now).await,
            Deed::Drop { why } => store.drop_delivery(delivery.id, why, now).await.map(|()| delivery.id),
        };
        match outcome {
            Ok(id) => {
                managed.done.push(id);
                destinations.push(delivery.destination.clone());
            }
            Err(StoreError::Refused(why)) if matches!(selection, Selection::All(_)) => {
                managed.refused.push((delivery.id, why));
            }
            Err(error) => return Err(error),
        }
    }
    destinations.sort_unstable();
    destinations.dedup();
    Ok((managed, destinations))
}

impl Relay {
    /// Does `deed` to the deliveries of `selection` and lets their lanes know.
    ///
    /// # Errors
    /// When the store cannot be used, or a single delivery refuses.
    pub async fn manage(&self, selection: &Selection, deed: &Deed) -> Result<Managed, StoreError> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let (managed, destinations) =
            manage(shared.store.as_ref(), shared.ledger.as_ref(), selection, deed, now).await?;
        for destination in destinations {
            match deed {
                Deed::Retry => self.lanes.nudge(&destination),
                Deed::Drop { .. } => self.lanes.wake(&destination),
            }
        }
        Ok(managed)
    }
}
