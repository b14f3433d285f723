//! The signed time of a webhook.

use std::time::Duration;

use super::{Header, RawHook, Refusal};
use crate::domain::time::{Timestamp, spoken};

/// Numbers from here on are milliseconds: as seconds this is the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// A signed time, and how far from now it may be: what was overheard cannot be sent again later.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The header that holds it.
    pub header: Header,
    /// How far from now it may be, before or after.
    pub tolerance: Duration,
}

impl Stamp {
    /// The time as it was sent.
    pub(super) fn sent<'h>(&self, hook: &'h RawHook) -> Result<&'h [u8], Refusal> {
        self.header.of(hook).ok_or_else(|| Refusal::no_timestamp(&self.header))
    }

    /// Whether the time that was sent is near `now`.
    pub(super) fn check(&self, sent: &[u8], now: Timestamp) -> Result<(), Refusal> {
        let time = read(sent).ok_or_else(|| Refusal::bad_timestamp(&self.header))?;
        let (past, future) = (now.since(time), time.since(now));
        let off = past.max(future);
        if off <= self.tolerance {
            return Ok(());
        }
        let side = if past > future { "in the past" } else { "in the future" };
        let off = format!("{} {side}", spoken(seconds(off)));
        Err(Refusal::stale_timestamp(&self.header, off, spoken(seconds(self.tolerance))))
    }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

/// Unix seconds or milliseconds, or RFC 3339.
fn read(sent: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(sent).ok()?.trim();
    match text.parse::<i64>() {
        Ok(number) if number.abs() >= MILLISECONDS_FROM => Some(Timestamp::from_ms(number)),
        Ok(number) => Some(Timestamp::from_seconds(number)),
        Err(_) => Timestamp::parse_zoned(text),
    }
}
