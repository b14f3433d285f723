//! The machine's own time and chance.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::{Clock, Dice};
use crate::domain::time::Timestamp;

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts the clock.
    #[must_use]
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
        let started = Instant::now();
        Self { started }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
        let now = jiff::Timestamp::now();
        Timestamp::from_ms(now.as_millisecond())
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// The thread's random generator, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadDice;

impl Dice for ThreadDice {
    fn roll(&self) -> f64 {
        rand::rng().random()
    }

    fn bytes(&self) -> [u8; 10] {
        rand::rng().random()
    }
}
