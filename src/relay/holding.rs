//! Whether a lane is held, for those who wait for one of its deliveries.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Whether a lane is held, as it said last.
#[derive(Debug, Default)]
pub(super) struct Holding(Mutex<Option<Held>>);

/// Why nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// What the destination said, for people.
    pub(super) why: String,
    /// When it is tried again, by the clock that never jumps.
    pub(super) until: Duration,
    /// The definition of the destination that this is about: another one is tried at once.
    pub(super) fingerprint: u64,
}

impl Holding {
    /// The lane says how it stands.
    pub(super) fn say(&self, held: Option<Held>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Why nothing is sent at `now` to the destination defined as `fingerprint`. None also
    /// while it is tried whether it is mended.
    pub(super) fn held(&self, now: Duration, fingerprint: u64) -> Option<String> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|held| held.until > now && held.fingerprint == fingerprint).map(|held| held.why.clone())
    }
}
