//! The circuit breaker of a destination: spares it while it is down, and finds out when
//! it is back.

use std::collections::VecDeque;
use std::time::Duration;

/// The time over which failures are weighed.
const WINDOW: Duration = Duration::from_secs(300);
/// The fewest outcomes that are weighed.
const SAMPLE_MIN: usize = 10;
/// The share of failures that opens it.
const FAILURE_SHARE: f64 = 0.7;
/// How many transport failures in a row open it.
const TRANSPORT_FAILURES_MAX: u32 = 5;
/// How many successes in a row close it.
const SUCCESSES_TO_CLOSE: u32 = 3;
/// How long it stays open at first; doubles with each failed probe.
const OPEN_FIRST: Duration = Duration::from_secs(30);
/// The longest it stays open between probes.
const OPEN_MAX: Duration = Duration::from_secs(600);
/// The most outcomes that are remembered.
const OUTCOMES_MAX: usize = 1000;

/// What an attempt says about the destination's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answered, whatever it said of this one delivery.
    Answered,
    /// It answered that it is failing (5xx).
    Failing,
    /// It did not answer.
    Unreachable,
}

/// Whether the breaker lets attempts through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// All of them.
    All,
    /// One at a time, to find out.
    OneProbe,
    /// None before this moment.
    NotBefore(Duration),
}

/// The state as shown in metrics and to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Attempts go through.
    Closed,
    /// One attempt at a time goes through.
    HalfOpen,
    /// No attempt goes through.
    Open,
}

impl Phase {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        }
    }
}

/// A circuit breaker. All moments are times since one fixed start.
#[derive(Debug, Default)]
pub struct Breaker {
    outcomes: VecDeque<(Duration, Health)>,
    unreachable_in_row: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Duration,
    lasts: Duration,
    successes: u32,
}

impl Breaker {
    /// What may pass at `now`.
    #[must_use]
    pub fn pass(&self, now: Duration) -> Pass {
        match &self.open {
            None => Pass::All,
            Some(open) if now < open.until => Pass::NotBefore(open.until),
            Some(_) => Pass::OneProbe,
        }
    }

    /// The state at `now`.
    #[must_use]
    pub fn phase(&self, now: Duration) -> Phase {
        match self.pass(now) {
            Pass::All => Phase::Closed,
            Pass::OneProbe => Phase::HalfOpen,
            Pass::NotBefore(_) => Phase::Open,
        }
    }

    /// Learns from an attempt that ended at `now`. `roll` in `0.0..1.0` spreads the
    /// probes of several breakers by ±20 %. Returns whether it closed just now.
    pub fn learn(&mut self, health: Health, now: Duration, roll: f64) -> bool {
        if let Some(open) = &mut self.open {
            if health == Health::Answered {
                open.successes += 1;
                if open.successes >= SUCCESSES_TO_CLOSE {
                    *self = Self::default();
                    return true;
                }
            } else if now >= open.until {
                open.successes = 0;
                open.lasts = (open.lasts * 2).min(OPEN_MAX);
                open.until = now + spread(open.lasts, roll);
            }
            return false;
        }
        self.outcomes.push_back((now, health));
        while self.outcomes.len() > OUTCOMES_MAX || self.outcomes.front().is_some_and(|(at, _)| *at + WINDOW < now) {
            self.outcomes.pop_front();
        }
        self.unreachable_in_row = if health == Health::Unreachable { self.unreachable_in_row + 1 } else { 0 };
        if self.unreachable_in_row >= TRANSPORT_FAILURES_MAX || self.mostly_fails() {
            self.open = Some(Open { until: now + spread(OPEN_FIRST, roll), lasts: OPEN_FIRST, successes: 0 });
        }
        false
    }

    /// Lets a probe through at once, as when somebody says that the destination is mended.
    pub fn nudge(&mut self) {
        if let Some(open) = &mut self.open {
            open.until = Duration::ZERO;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "at most OUTCOMES_MAX outcomes")]
    fn mostly_fails(&self) -> bool {
        let failed = self.outcomes.iter().filter(|(_, health)| *health != Health::Answered).count();
        self.outcomes.len() >= SAMPLE_MIN && failed as f64 >= FAILURE_SHARE * self.outcomes.len() as f64
    }
}

fn spread(time: Duration, roll: f64) -> Duration {
    time.mul_f64(0.8 + 0.4 * roll.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn opens_after_five_transport_failures_in_a_row_and_closes_after_three_successes() {
        let mut breaker = Breaker::default();
        for n in 0..5 {
            assert_eq!(breaker.pass(SECOND * n), Pass::All);
            breaker.learn(Health::Unreachable, SECOND * n, 0.5);
        }
        assert_eq!(breaker.pass(SECOND * 5), Pass::NotBefore(SECOND * 34));
        assert_eq!(breaker.pass(SECOND * 34), Pass::OneProbe);
        assert!(!breaker.learn(Health::Answered, SECOND * 35, 0.5));
        assert!(!breaker.learn(Health::Answered, SECOND * 36, 0.5));
        assert!(breaker.learn(Health::Answered, SECOND * 37, 0.5));
        assert_eq!(breaker.pass(SECOND * 37), Pass::All);
    }

    #[test]
    fn opens_at_seventy_percent_of_at_least_ten_and_forgets_after_five_minutes() {
        let mut breaker = Breaker::default();
        for n in 0..3 {
            breaker.learn(Health::Answered, SECOND * n, 0.5);
        }
        for n in 0..6 {
            breaker.learn(Health::Failing, SECOND * n, 0.5);
        }
        assert_eq!(breaker.phase(SECOND * 9), Phase::Closed, "nine outcomes are too few");
        let mut late = Breaker::default();
        for n in 0..9 {
            late.learn(Health::Failing, SECOND * n, 0.5);
        }
        late.learn(Health::Answered, SECOND * 400, 0.5);
        assert_eq!(late.phase(SECOND * 400), Phase::Closed, "old failures are forgotten");
        breaker.learn(Health::Failing, SECOND * 9, 0.5);
        assert_eq!(breaker.phase(SECOND * 9), Phase::Open);
    }

    #[test]
    fn a_failed_probe_doubles_the_wait_up_to_ten_minutes() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker.learn(Health::Unreachable, Duration::ZERO, 0.5);
        }
        let mut now = Duration::ZERO;
        let mut waits = Vec::new();
        for _ in 0..7 {
            let Pass::NotBefore(until) = breaker.pass(now) else { panic!("must be open") };
            waits.push((until - now).as_secs());
            now = until;
            breaker.learn(Health::Failing, now, 0.5);
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
    }
}
