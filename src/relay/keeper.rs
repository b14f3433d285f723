//! The keeper: forgets what is older than `storage.keep`, a little at a time.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(300);
/// How many events go in one transaction.
const BATCH: usize = 500;
/// The rest between two batches, so that webhooks never wait for it.
const REST: Duration = Duration::from_millis(50);

/// Forgets until the relay stops.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let pause = step(&shared).await;
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.clock.sleep(pause) => {}
        }
    }
}

/// Forgets one batch; returns how long to rest.
async fn step(shared: &Shared) -> Duration {
    let keep = shared.current.load().storage.keep;
    let before = shared.clock.now().minus(keep);
    match shared.store.forget_before(before, BATCH).await {
        Ok(BATCH) => REST,
        Ok(_) => EVERY,
        Err(error) => {
            tracing::warn!(%error, "old events could not be forgotten yet");
            EVERY
        }
    }
}
