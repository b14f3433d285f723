//! Durations and rates as people write them.

use std::num::NonZeroU32;
use std::time::Duration;

use super::RateLimit;

/// The longest duration a configuration may name.
const DURATION_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Reads `500ms`, `30s`, `10m`, `4h` or `30d`.
///
/// # Errors
/// The reason, for people.
pub fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let form = || "write a whole number and a unit: 30s, 10m, 4h, 30d".to_owned();
    let number: u64 = digits.parse().map_err(|_| form())?;
    let ms: u64 = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(form()),
    };
    let duration = Duration::from_millis(number.saturating_mul(ms));
    if duration > DURATION_MAX {
        return Err("that is more than ten years".to_owned());
    }
    Ok(duration)
}

/// Reads `5/s`, `60/min` or `100/h`; bursts are of one.
///
/// # Errors
/// The reason, for people.
pub fn rate(text: &str) -> Result<RateLimit, String> {
    let form = || "write a whole number, '/' and s, min or h: 5/s, 60/min, 100/h".to_owned();
    let (sends, per) = text.split_once('/').ok_or_else(form)?;
    let sends = sends.trim().parse().map_err(|_| form())?;
    let per = match per.trim() {
        "s" => 1,
        "min" | "m" => 60,
        "h" => 3600,
        _ => return Err(form()),
    };
    Ok(RateLimit { sends, per: Duration::from_secs(per), burst: NonZeroU32::MIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_a_bound() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for bad in ["30", "s", "", "1.5h", "-1s", "9999999999999999999d", "4000d", "10 parsecs"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_are_a_number_per_unit() {
        let limit = rate("60/min").unwrap();
        assert_eq!((limit.sends.get(), limit.per, limit.burst.get()), (60, Duration::from_secs(60), 1));
        for bad in ["5", "5/", "0/s", "5/day", "-1/s", "/s", "fast"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
