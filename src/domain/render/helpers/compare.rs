//! Comparisons: text without regard to case, severities and priorities by rank, as in rules.

use std::cmp::Ordering;

use handlebars::JsonTruthy;
use serde_json::Value;

use super::{Args, number, plain};
use crate::domain::rank;

pub(super) fn eq(args: &Args<'_>) -> Result<Value, String> {
    let first = args.get(0);
    Ok((1..args.values.len().max(2)).any(|at| equal(first, args.get(at))).into())
}

pub(super) fn ne(args: &Args<'_>) -> Result<Value, String> {
    Ok((!equal(args.get(0), args.get(1))).into())
}

pub(super) fn lt(args: &Args<'_>) -> Result<Value, String> {
    holds(args, Ordering::is_lt)
}

pub(super) fn le(args: &Args<'_>) -> Result<Value, String> {
    holds(args, Ordering::is_le)
}

pub(super) fn gt(args: &Args<'_>) -> Result<Value, String> {
    holds(args, Ordering::is_gt)
}

pub(super) fn ge(args: &Args<'_>) -> Result<Value, String> {
    holds(args, Ordering::is_ge)
}

pub(super) fn not(args: &Args<'_>) -> Result<Value, String> {
    Ok((!args.get(0).is_some_and(|value| value.is_truthy(false))).into())
}

fn equal(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => match (number(one), number(other)) {
            (Some(one), Some(other)) => one == other,
            _ if one.is_object() || other.is_object() => one == other,
            _ => plain(one).to_lowercase() == plain(other).to_lowercase(),
        },
        _ => false,
    }
}

/// What is missing or cannot be ordered holds no comparison.
fn holds(args: &Args<'_>, holds: fn(Ordering) -> bool) -> Result<Value, String> {
    let order = args.get(0).zip(args.get(1)).and_then(|(one, other)| order(one, other));
    Ok(order.is_some_and(holds).into())
}

fn order(one: &Value, other: &Value) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (number(one), number(other)) {
        return one.partial_cmp(&other);
    }
    let (one, other) = (one.as_str()?, other.as_str()?);
    for fact in ["severity", "priority"] {
        if let (Some(one), Some(other)) = (rank::rank(fact, one), rank::rank(fact, other)) {
            return Some(one.cmp(&other));
        }
    }
    // `undefined` has no rank: it is above and below nothing.
    let ranked = |word| ["severity", "priority"].iter().any(|fact| rank::rank(fact, word).is_some());
    if ranked(one) || ranked(other) {
        return None;
    }
    Some(one.to_lowercase().cmp(&other.to_lowercase()))
}
