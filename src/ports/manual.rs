//! A clock that moves only when told, and dice that always fall the same way: for tests
//! and drills, where hours must pass in no time and every run must be the same.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::{Clock, Dice};
use crate::domain::time::Timestamp;

/// A clock that moves only by [`ManualClock::advance`].
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    passed: watch::Sender<Duration>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self { start, passed: watch::Sender::new(Duration::ZERO) }
    }

    /// Lets `time` pass and wakes whoever slept until then.
    pub fn advance(&self, time: Duration) {
        self.passed.send_modify(|passed| *passed += time);
    }

    /// How many sleepers wait on this clock.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.passed.receiver_count()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.start.plus(*self.passed.borrow())
    }

    fn elapsed(&self) -> Duration {
        *self.passed.borrow()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let until = self.elapsed().saturating_add(time);
        let mut passed = self.passed.subscribe();
        Box::pin(async move {
            // Fails only when the sender is gone; `self` holds it as long as we wait.
            if passed.wait_for(|passed| *passed >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Dice that count: every roll is the same, every id is the next.
#[derive(Debug, Default)]
pub struct CountingDice {
    count: AtomicU64,
}

impl Dice for CountingDice {
    fn roll(&self) -> f64 {
        0.5
    }

    fn bytes(&self) -> [u8; 10] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let [.., high, low] = count.to_be_bytes();
        [0, 0, 0, high, low, 0, 0, 0, 0, 0]
    }
}
