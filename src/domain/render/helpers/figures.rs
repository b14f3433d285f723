//! Helpers for numbers.

use serde_json::Value;

use super::{Args, number};

/// A number with its thousands apart: `12,345.6`.
pub(super) fn number_of(args: &Args<'_>) -> Result<Value, String> {
    let value = args.number(0, "a number")?;
    let text = args.text(0).unwrap_or_default();
    // Beyond this, digits are not exact and exponents may be printed.
    if value.abs() >= 1e15 {
        return Ok(text.into());
    }
    let text = format!("{value}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(rest) = rest {
        grouped.push('.');
        grouped.push_str(rest);
    }
    Ok(grouped.into())
}

/// A share as a percentage, with one decimal where it tells something. Less than all is
/// never shown as `100 %`, more than nothing never as `0 %`.
pub(super) fn percent(args: &Args<'_>) -> Result<Value, String> {
    let share = args.number(0, "a number such as 0.86")?;
    let mut tenths = (share * 1000.0).round();
    if share < 1.0 && tenths >= 1000.0 {
        tenths = 999.0;
    } else if share > 0.0 && tenths <= 0.0 {
        tenths = 1.0;
    }
    Ok(format!("{} %", tenths / 10.0).into())
}

/// A number with its noun: `1 case`, `5 cases`. Without a second form `s` is added.
pub(super) fn plural(args: &Args<'_>) -> Result<Value, String> {
    let count = args.number(0, "a number")?;
    let one = args.text(1).ok_or("the noun is missing: plural failed \"case\" \"cases\"")?;
    let noun = if count == 1.0 { one } else { args.text(2).unwrap_or_else(|| format!("{one}s")) };
    let shown = number_of(args)?;
    let shown = shown.as_str().unwrap_or_default();
    Ok(format!("{shown} {noun}").into())
}

/// A whole number of seconds or milliseconds.
pub(super) fn whole(value: &Value) -> Option<i64> {
    let value = number(value)?.round();
    (value.abs() < 1e15).then(|| format!("{value:.0}").parse().ok()).flatten()
}
