//! The one representation of a moment: UTC milliseconds.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment in UTC, in milliseconds since 1970-01-01. This is also the stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `ms` milliseconds after (or before, if negative) the epoch.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// The moment `seconds` after the epoch; saturates instead of overflowing.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment moved `by` into the future; saturates at the end of time.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment moved `by` into the past; saturates at the beginning of time.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339 with its zone, `2026-09-14T12:20:00+03:00`. `None` for anything else.
    #[must_use]
    pub fn parse_zoned(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|moment| Self(moment.as_millisecond()))
    }

    /// The beginning, in UTC, of the day that `text` names as `2026-09-14`; `None` when it
    /// names none.
    #[must_use]
    pub fn of_date(text: &str) -> Option<Self> {
        let ten = text.len() == "2026-09-14".len();
        let date = text.parse::<jiff::civil::Date>().ok().filter(|_| ten)?;
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }

    /// Reads RFC 3339 (`2026-09-14T12:20:00Z`), or Qase's zone-less
    /// `2026-09-14 12:20:00`, which is taken as UTC. `None` when it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(moment) = Self::parse_zoned(text) {
            return Some(moment);
        }
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds, `2026-09-14T12:20:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// The seconds of a minute.
pub const MINUTE_SECONDS: i64 = 60;

/// The seconds of an hour.
pub const HOUR_SECONDS: i64 = 60 * MINUTE_SECONDS;

/// The seconds of a day.
pub const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

/// Seconds as people say them: `57 min 1 s`. The two largest parts say enough.
#[must_use]
pub fn spoken(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.saturating_abs();
    let parts = [
        (seconds / DAY_SECONDS, "d"),
        (seconds % DAY_SECONDS / HOUR_SECONDS, "h"),
        (seconds % HOUR_SECONDS / MINUTE_SECONDS, "min"),
        (seconds % MINUTE_SECONDS, "s"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if parts.is_empty() { "0 s".to_owned() } else { format!("{sign}{}", parts.join(" ")) }
}
