//! The gate of a lane: whether, and how much, may be sent to a destination now.
//!
//! It joins the rate limit (a governor cell), the pause a destination asked for, the
//! circuit breaker, holds, the retry budget and the slow start after an outage. All
//! moments are times of `Clock::elapsed`.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::config::RateLimit;
use crate::domain::breaker::{Breaker, Health, Pass, Phase};
use crate::ports::Clock;

mod pace;

pub use pace::Pace;
use pace::{Cell, Tick, cell};

/// The first pause between probes of a held destination; doubles up to [`PROBE_MAX`].
const PROBE_FIRST: Duration = Duration::from_secs(60);
/// The longest pause between probes of a held destination.
const PROBE_MAX: Duration = Duration::from_secs(1800);
/// How long the slow start stays at one rate before it doubles.
const RAMP_STEP: Duration = Duration::from_secs(5);
/// How often the slow start doubles before it is over.
const RAMP_DOUBLINGS: u32 = 4;
/// How many retries may be made beyond the share of first sends, so that a quiet lane
/// retries at all.
const RETRY_FLOOR: f64 = 10.0;
/// The retries that one first send pays for.
const RETRY_SHARE: f64 = 0.2;
/// How fast the floor refills, in retries a second.
const RETRY_REFILL: f64 = 10.0 / 60.0;
/// The longest pause a destination can ask for.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 3600);

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Up to so many may be taken now. Each one taken must be [`Gate::passed`].
    Take(usize),
    /// None may before this moment.
    NotBefore(Duration),
    /// None may until an attempt in flight has landed.
    WhenLanded,
}

/// Why nothing goes through, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// What the destination said.
    pub why: String,
    /// When it is probed next.
    probe_at: Duration,
    /// The pause before the probe after that.
    pause: Duration,
}

/// The gate of one lane.
pub struct Gate {
    clock: Arc<dyn Clock>,
    limit: Option<(RateLimit, Cell)>,
    permits: usize,
    paused_until: Duration,
    breaker: Breaker,
    closed: Option<Closed>,
    ramp_since: Option<Duration>,
    last_take: Duration,
    retry_tokens: f64,
    retry_refilled: Duration,
}

impl Gate {
    /// An open gate with `limit`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, limit: Option<RateLimit>) -> Self {
        let now = clock.elapsed();
        let mut gate = Self {
            clock,
            limit: None,
            permits: 0,
            paused_until: Duration::ZERO,
            breaker: Breaker::default(),
            closed: None,
            ramp_since: None,
            last_take: Duration::ZERO,
            retry_tokens: RETRY_FLOOR,
            retry_refilled: now,
        };
        gate.set_limit(limit);
        gate
    }

    /// Changes the rate limit; an unchanged one keeps what it has counted.
    pub fn set_limit(&mut self, limit: Option<RateLimit>) {
        if self.limit.as_ref().map(|(limit, _)| *limit) == limit {
            return;
        }
        self.permits = 0;
        self.limit = limit.and_then(|limit| Some((limit, cell(&self.clock, limit)?)));
    }

    /// How much may be taken now, when `in_flight` are and at most `concurrency` may be.
    pub fn leave(&mut self, in_flight: usize, concurrency: NonZeroU32) -> Leave {
        let now = self.clock.elapsed();
        if let Some(closed) = &self.closed {
            return match in_flight {
                0 if now >= closed.probe_at => Leave::Take(1),
                0 => Leave::NotBefore(closed.probe_at),
                _ => Leave::WhenLanded,
            };
        }
        if now < self.paused_until {
            return Leave::NotBefore(self.paused_until);
        }
        match self.breaker.pass(now) {
            Pass::NotBefore(until) => return Leave::NotBefore(until),
            Pass::OneProbe if in_flight > 0 => return Leave::WhenLanded,
            Pass::OneProbe => return self.permitted(1, now),
            Pass::All => {}
        }
        let mut most = concurrency.get() as usize;
        if let Some(doublings) = self.ramp(now) {
            most = most.min(1 << doublings);
            if let Some((limit, _)) = &self.limit {
                let gap = limit.per / limit.sends.get() * (1 << (RAMP_DOUBLINGS - doublings));
                if now < self.last_take + gap {
                    return Leave::NotBefore(self.last_take + gap);
                }
                most = 1;
            }
        }
        match most.saturating_sub(in_flight) {
            0 => Leave::WhenLanded,
            free => self.permitted(free, now),
        }
    }

    /// How often the slow start has doubled; `None` when there is none (any more).
    fn ramp(&mut self, now: Duration) -> Option<u32> {
        let since = self.ramp_since?;
        let steps = now.saturating_sub(since).as_secs() / RAMP_STEP.as_secs();
        match u32::try_from(steps) {
            Ok(steps) if steps < RAMP_DOUBLINGS => Some(steps),
            _ => {
                self.ramp_since = None;
                None
            }
        }
    }

    /// Up to `free` permits of the rate limit. What is not used stays for the next time,
    /// but never more than a burst.
    fn permitted(&mut self, free: usize, now: Duration) -> Leave {
        let Some((limit, cell)) = &self.limit else { return Leave::Take(free) };
        let period = limit.per / limit.sends.get();
        let idle = now.saturating_sub(self.last_take).as_nanos() / period.as_nanos().max(1);
        self.permits = self.permits.saturating_sub(usize::try_from(idle).unwrap_or(usize::MAX));
        while self.permits < free {
            match cell.check() {
                Ok(()) => self.permits += 1,
                Err(not_yet) if self.permits == 0 => {
                    return Leave::NotBefore(now + not_yet.wait_time_from(Tick(now)));
                }
                Err(_) => break,
            }
        }
        self.last_take = now;
        Leave::Take(free.min(self.permits))
    }

    /// `taken` deliveries were taken and go out.
    pub fn passed(&mut self, taken: usize) {
        self.permits = self.permits.saturating_sub(taken);
        self.last_take = self.clock.elapsed();
    }

    /// Whether one more retry may be made now; if so it is counted.
    pub fn may_retry(&mut self) -> bool {
        let now = self.clock.elapsed();
        let refill = now.saturating_sub(self.retry_refilled).as_secs_f64() * RETRY_REFILL;
        self.retry_refilled = now;
        self.retry_tokens = (self.retry_tokens + refill).min(self.retry_tokens.max(RETRY_FLOOR));
        if self.retry_tokens < 1.0 {
            return false;
        }
        self.retry_tokens -= 1.0;
        true
    }

    /// A first send goes out: it pays for a fifth of a retry.
    pub fn first_send(&mut self) {
        self.retry_tokens = (self.retry_tokens + RETRY_SHARE).min(1000.0);
    }

    /// A retry was delivered: what it cost is given back, so that a mended destination
    /// gets its backlog at full rate.
    pub fn retry_succeeded(&mut self) {
        self.retry_tokens = (self.retry_tokens + 2.0).min(1000.0);
    }

    /// The destination asked for a pause.
    pub fn pause(&mut self, time: Duration) {
        let until = self.clock.elapsed() + time.min(PAUSE_MAX);
        self.paused_until = self.paused_until.max(until);
    }

    /// Learns from an attempt that landed.
    pub fn learn(&mut self, health: Health, roll: f64) {
        let now = self.clock.elapsed();
        if self.breaker.learn(health, now, roll) {
            self.ramp_since = Some(now);
        }
    }

    /// The destination is not usable. Returns whether this is news.
    pub fn close(&mut self, why: &str) -> bool {
        let now = self.clock.elapsed();
        match &mut self.closed {
            Some(closed) => {
                why.clone_into(&mut closed.why);
                closed.probe_at = now + closed.pause;
                closed.pause = (closed.pause * 2).min(PROBE_MAX);
                false
            }
            None => {
                self.closed = Some(Closed { why: why.to_owned(), probe_at: now + PROBE_FIRST, pause: PROBE_FIRST * 2 });
                true
            }
        }
    }

    /// The destination is usable again. Returns whether this is news.
    pub fn reopen(&mut self) -> bool {
        let news = self.closed.take().is_some();
        if news {
            self.ramp_since = Some(self.clock.elapsed());
        }
        news
    }

    /// Somebody says that the destination is mended: probes at once.
    pub fn nudge(&mut self) {
        self.breaker.nudge();
        self.paused_until = Duration::ZERO;
        if let Some(closed) = &mut self.closed {
            closed.probe_at = Duration::ZERO;
        }
    }

    /// The breaker's state.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.breaker.phase(self.clock.elapsed())
    }

    /// Why the destination is held, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<&str> {
        self.closed.as_ref().map(|closed| closed.why.as_str())
    }

    /// Why the destination is held and when it is probed next, if it is held.
    #[must_use]
    pub fn held(&self) -> Option<(&str, Duration)> {
        self.closed.as_ref().map(|closed| (closed.why.as_str(), closed.probe_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::ports::manual::ManualClock;

    fn number(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).unwrap()
    }

    fn gate(limit: Option<RateLimit>) -> (Arc<ManualClock>, Gate) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        clock.advance(Duration::from_secs(100));
        (clock.clone(), Gate::new(clock, limit))
    }

    const ONE_A_SECOND: RateLimit =
        RateLimit { sends: NonZeroU32::MIN, per: Duration::from_secs(1), burst: NonZeroU32::MIN };

    /// Sends as fast as the gate allows for `seconds` and counts.
    fn sent_in(clock: &ManualClock, gate: &mut Gate, seconds: u64) -> usize {
        let end = clock.elapsed() + Duration::from_secs(seconds);
        let mut sent = 0;
        while clock.elapsed() < end {
            match gate.leave(0, number(8)) {
                Leave::Take(n) => {
                    gate.passed(n);
                    sent += n;
                }
                Leave::NotBefore(at) => clock.advance(at.min(end) - clock.elapsed()),
                Leave::WhenLanded => panic!("nothing is in flight"),
            }
        }
        sent
    }

    #[test]
    fn a_rate_limit_is_kept_and_unused_permits_do_not_pile_up() {
        let (clock, mut gate) = gate(Some(ONE_A_SECOND));
        assert_eq!(sent_in(&clock, &mut gate, 10), 10);
        for _ in 0..5 {
            clock.advance(Duration::from_secs(60));
            assert!(matches!(gate.leave(0, number(8)), Leave::Take(1)), "asked, but nothing was there to take");
        }
        clock.advance(Duration::from_secs(60));
        assert!(sent_in(&clock, &mut gate, 2) <= 3, "at most the burst after a long idle time");
    }

    #[test]
    fn a_pause_holds_everything_and_ends() {
        let (clock, mut gate) = gate(None);
        gate.pause(Duration::from_secs(3));
        assert_eq!(gate.leave(0, number(2)), Leave::NotBefore(Duration::from_secs(103)));
        clock.advance(Duration::from_secs(3));
        assert_eq!(gate.leave(0, number(2)), Leave::Take(2));
    }

    #[test]
    fn a_held_destination_is_probed_one_at_a_time_with_growing_pauses() {
        let (clock, mut gate) = gate(None);
        assert!(gate.close("401"));
        assert_eq!(gate.leave(0, number(4)), Leave::NotBefore(Duration::from_secs(160)));
        clock.advance(Duration::from_secs(60));
        assert_eq!(gate.leave(0, number(4)), Leave::Take(1));
        assert_eq!(gate.leave(1, number(4)), Leave::WhenLanded);
        assert!(!gate.close("401"), "no news the second time");
        assert_eq!(gate.leave(0, number(4)), Leave::NotBefore(Duration::from_secs(280)));
        gate.nudge();
        assert_eq!(gate.leave(0, number(4)), Leave::Take(1));
        assert!(gate.reopen());
    }

    #[test]
    fn after_an_outage_the_rate_starts_low_and_doubles() {
        let (clock, mut gate) = gate(None);
        gate.close("404");
        gate.reopen();
        let mut most = Vec::new();
        for _ in 0..5 {
            let Leave::Take(n) = gate.leave(0, number(64)) else { panic!("must let through") };
            most.push(n);
            clock.advance(RAMP_STEP);
        }
        assert_eq!(most, [1, 2, 4, 8, 64]);
    }

    #[test]
    fn retries_are_a_fifth_of_first_sends_beyond_the_floor() {
        let (_clock, mut gate) = gate(None);
        let floor = (0..100).filter(|_| gate.may_retry()).count();
        assert_eq!(floor, 10);
        for _ in 0..50 {
            gate.first_send();
        }
        let paid = (0..100).filter(|_| gate.may_retry()).count();
        assert!((9..=10).contains(&paid), "{paid}");
    }
}
