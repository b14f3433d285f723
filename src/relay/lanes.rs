//! All lanes: one for each destination of the configuration in force.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::config::Snapshot;
use crate::domain::Name;
use crate::store::StoreError;
use crate::telemetry::OfDestination;

use super::Shared;
use super::lane::{Lane, Wake};

/// The running lanes by destination.
pub struct Lanes {
    shared: Arc<Shared>,
    owner: Arc<str>,
    running: Mutex<BTreeMap<Name, Running>>,
}

struct Running {
    wake: Arc<Wake>,
    stop: CancellationToken,
}

impl Lanes {
    /// No lanes yet.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        let owner = shared.dice.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { shared, owner: owner.into(), running: Mutex::default() }
    }

    /// Starts a lane for each new destination, ends those of destinations that are gone,
    /// and wakes the rest, so that they see what has changed. Deliveries for a destination
    /// that is gone stay in the queue until it comes back or they are dropped.
    ///
    /// # Errors
    /// When the store cannot tell what waits for destinations that are gone.
    pub async fn sync(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let holds = self.shared.store.holds().await?;
        let hold_of = |name: &Name| holds.iter().find(|hold| hold.destination == *name).map(|hold| hold.why.as_str());
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.retain(|name, lane| {
                let stays = snapshot.destinations.contains_key(name);
                if stays {
                    lane.wake.wake();
                } else {
                    lane.stop.cancel();
                    self.forget_metrics(name);
                }
                stays
            });
            for (name, spec) in &snapshot.destinations {
                running.entry(name.clone()).or_insert_with(|| {
                    let wake = Arc::new(Wake::default());
                    let stop = self.shared.stop.child_token();
                    let (shared, owner) = (self.shared.clone(), self.owner.clone());
                    let lane = Lane::new(shared, spec, owner, wake.clone(), stop.clone(), hold_of(name));
                    self.shared.tasks.spawn(lane.run());
                    Running { wake, stop }
                });
            }
        }
        for depth in self.shared.ledger.depths().await? {
            if depth.unfinished > 0 && !snapshot.destinations.contains_key(depth.destination.as_str()) {
                tracing::warn!(
                    destination = depth.destination,
                    waiting = depth.unfinished,
                    "deliveries wait for a destination that is not in the configuration; add it again or drop them"
                );
            }
        }
        Ok(())
    }

    /// Something new may be due for `destination`.
    pub fn wake(&self, destination: &str) {
        if let Some(lane) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(destination) {
            lane.wake.wake();
        }
    }

    /// Somebody says that `destination` is mended: it is tried at once.
    pub fn nudge(&self, destination: &str) {
        if let Some(lane) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(destination) {
            lane.wake.nudge();
        }
    }

    /// Why nothing is sent to `destination` until somebody mends it, if that is so. None also
    /// while it is tried whether it is mended.
    #[must_use]
    pub fn held(&self, destination: &str) -> Option<String> {
        let fingerprint = self.shared.current.load().destinations.get(destination)?.fingerprint;
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(destination)?.wake.held(self.shared.clock.elapsed(), fingerprint)
    }

    fn forget_metrics(&self, name: &str) {
        let label = OfDestination { destination: name.to_owned() };
        self.shared.metrics.breaker_state.remove(&label);
        self.shared.metrics.destination_held.remove(&label);
    }
}
