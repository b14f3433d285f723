//! Helpers for time. There is no clock here: `ago` counts back from when the event
//! happened, so that every rendering of one event says the same.

use jiff::fmt::strtime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::Value;

use super::figures::whole;
use super::{Args, shown};
use crate::domain::time::{DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS, Timestamp, spoken};

/// Numbers from here on are milliseconds: as seconds this is the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// `date time "%d %b %H:%M" "Europe/Kyiv"`: the format is strftime's, the zone UTC if none
/// is named.
pub(super) fn date(args: &Args<'_>) -> Result<Value, String> {
    let moment = moment(args, 0)?;
    let zone = match args.text(2) {
        None => TimeZone::UTC,
        Some(name) => TimeZoneDatabase::bundled().get(&name).map_err(|_| format!("there is no time zone '{name}'"))?,
    };
    let moment = jiff::Timestamp::from_millisecond(moment.as_ms()).map_err(|error| error.to_string())?;
    let format = args.text(1).unwrap_or_else(|| "%Y-%m-%d %H:%M %Z".to_owned());
    strtime::format(&format, &moment.to_zoned(zone))
        .map(Value::from)
        .map_err(|error| format!("'{format}' is no date format: {error}"))
}

/// How long before the event a moment was: `3 hours ago`.
pub(super) fn ago(args: &Args<'_>) -> Result<Value, String> {
    let moment = moment(args, 0)?;
    let event = args.time.ok_or("the event has no time to count from")?;
    let seconds = (event.as_ms() - moment.as_ms()) / 1000;
    Ok(match seconds.abs() {
        0..MINUTE_SECONDS => "just now".to_owned(),
        _ if seconds < 0 => format!("in {}", largest(-seconds)),
        _ => format!("{} ago", largest(seconds)),
    }
    .into())
}

/// Seconds (or milliseconds: `duration x "ms"`) as `57 min 1 s`.
pub(super) fn duration(args: &Args<'_>) -> Result<Value, String> {
    let value = args.get(0).unwrap_or(&Value::Null);
    let sent = whole(value).ok_or_else(|| format!("a number of seconds is needed, not {}", shown(value)))?;
    let seconds = match args.text(1).as_deref() {
        None | Some("s") => sent,
        Some("ms") => sent / 1000,
        Some(unit) => return Err(format!("the unit must be \"s\" or \"ms\", not \"{unit}\"")),
    };
    Ok(spoken(seconds).into())
}

fn largest(seconds: i64) -> String {
    let (count, unit) = match seconds {
        DAY_SECONDS.. => (seconds / DAY_SECONDS, "day"),
        HOUR_SECONDS.. => (seconds / HOUR_SECONDS, "hour"),
        _ => (seconds / MINUTE_SECONDS, "minute"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A moment as RFC 3339, without zone, or in seconds or milliseconds since 1970.
fn moment(args: &Args<'_>, at: usize) -> Result<Timestamp, String> {
    let value = args.get(at).ok_or("a time is missing")?;
    read(value).ok_or_else(|| format!("a time is needed, not {}", shown(value)))
}

/// The moment that `value` is, if it is one.
pub(super) fn read(value: &Value) -> Option<Timestamp> {
    let counted = whole(value).map(|number| {
        if number.abs() >= MILLISECONDS_FROM { Timestamp::from_ms(number) } else { Timestamp::from_seconds(number) }
    });
    counted.or_else(|| value.as_str().and_then(Timestamp::parse))
}
