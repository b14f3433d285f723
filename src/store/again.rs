//! Sending a delivery again: what the new one is, whatever the store.

use crate::domain::delivery::State;
use crate::domain::ids::{DeliveryId, EventId, delivery_key};
use crate::domain::time::Timestamp;

/// What sets a delivery apart from the finished one that it sends again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Again {
    /// Its id.
    pub(super) id: DeliveryId,
    /// The key it is recognised by at the far side.
    pub(super) key: String,
    /// Whether the far side may have it already.
    pub(super) unsure: bool,
}

/// What is known of the finished delivery.
#[derive(Debug)]
pub(super) struct Finished<'a> {
    pub(super) id: DeliveryId,
    pub(super) event: EventId,
    pub(super) state: State,
    pub(super) action: &'a str,
    pub(super) destination: &'a str,
    pub(super) key: &'a str,
    pub(super) unsure: bool,
}

impl Finished<'_> {
    /// The delivery that sends this one again. After a failure it keeps the key, so that
    /// what did arrive is found; after a success somebody wants it twice, under a key of its own.
    pub(super) fn again(&self, now: Timestamp) -> Again {
        let id = DeliveryId::new(now, &format!("again:{}", self.id));
        if self.state == State::Delivered {
            let key = delivery_key(self.event, &id.to_string(), self.action, self.destination);
            return Again { id, key, unsure: false };
        }
        Again { id, key: self.key.to_owned(), unsure: self.unsure }
    }
}
