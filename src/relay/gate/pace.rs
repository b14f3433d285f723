//! A pace: so many in a time, by the relay's clock.

use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::config::RateLimit;
use crate::ports::Clock;

/// The relay's clock as governor wants one.
#[derive(Clone)]
pub(super) struct Ticks(pub(super) Arc<dyn Clock>);

/// A moment of `Clock::elapsed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(pub(super) Duration);

impl GovernorClock for Ticks {
    type Instant = Tick;

    fn now(&self) -> Tick {
        Tick(self.0.elapsed())
    }
}

impl Reference for Tick {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.saturating_sub(duration.into()))
    }
}

impl std::ops::Add<Nanos> for Tick {
    type Output = Self;

    fn add(self, other: Nanos) -> Self {
        let other: Duration = other.into();
        Self(self.0 + other)
    }
}

pub(super) type Cell = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Tick>>;

/// The cell that lets `limit` through; `None` for a limit that lets everything through.
pub(super) fn cell(clock: &Arc<dyn Clock>, limit: RateLimit) -> Option<Cell> {
    let quota = Quota::with_period(limit.per / limit.sends.get())?.allow_burst(limit.burst);
    Some(RateLimiter::direct_with_clock(quota, Ticks(clock.clone())))
}

/// Lets so many through in a time.
pub struct Pace {
    clock: Arc<dyn Clock>,
    limit: Option<RateLimit>,
    cell: Option<Cell>,
}

impl Pace {
    /// A pace of `limit`; `None` lets everything through.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, limit: Option<RateLimit>) -> Self {
        let cell = limit.and_then(|limit| cell(&clock, limit));
        Self { clock, limit, cell }
    }

    /// Changes the limit; an unchanged one keeps what it has counted.
    pub fn set(&mut self, limit: Option<RateLimit>) {
        if self.limit != limit {
            *self = Self::new(self.clock.clone(), limit);
        }
    }

    /// Lets one through now and counts it, or says how long it must wait.
    ///
    /// # Errors
    /// With the wait, when it may not go now.
    pub fn step(&self) -> Result<(), Duration> {
        let Some(cell) = &self.cell else { return Ok(()) };
        cell.check().map_err(|not_yet| not_yet.wait_time_from(Tick(self.clock.elapsed())))
    }
}
