//! What must be so of a fact for a condition to hold, as far as an index can look it up.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

use crate::domain::condition::{Bound, Condition, Limit, Test, Wanted};
use crate::domain::facts::FactPath;
use crate::domain::rank;

/// A rule that is content with more alternatives than this is not indexed by them.
const ALTERNATIVES_MAX: usize = 32;

/// One thing that a fact may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Want<'a> {
    /// Exactly something, or text that begins so.
    Key(Key<'a>),
    /// A number from the first to the second, both included.
    Between(f64, f64),
}

/// What is looked up by hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, std::hash::Hash)]
pub(super) enum Key<'a> {
    /// This text, in lower case; numbers and truth values count as they are written.
    Text(&'a str),
    /// The number with these bits (see [`bits`]), also written as text.
    Number(u64),
    /// Text that begins with this, in lower case.
    Begins(&'a str),
}

/// The hash of a key.
pub(super) type Hash = u32;

impl Key<'_> {
    /// Its hash, the same in every run.
    #[expect(clippy::cast_possible_truncation, reason = "half of the hash is enough")]
    pub(super) fn hashed(&self) -> Hash {
        FixedState::default().hash_one(self) as Hash
    }
}

/// A fact, and what it must be: one of these.
pub(super) type Wants<'a> = (&'a FactPath, Vec<Want<'a>>);

/// The bits of a number; zero has one sign only.
pub(super) fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

/// What must be so for `condition` to hold; each fact at most once. Less may be said than
/// is known, never more.
pub(super) fn wants(condition: &Condition) -> Vec<Wants<'_>> {
    match condition {
        Condition::All(parts) => {
            let mut all = Vec::new();
            parts.iter().flat_map(wants).for_each(|more| add(&mut all, more));
            all
        }
        Condition::Any(parts) => {
            let mut parts = parts.iter().map(wants);
            let mut shared = parts.next().unwrap_or_default();
            for part in parts {
                shared.retain_mut(|(fact, any)| {
                    let Some((_, more)) = part.iter().find(|(other, _)| other == fact) else { return false };
                    any.extend(more);
                    any.len() <= ALTERNATIVES_MAX
                });
            }
            shared
        }
        Condition::None(_) => Vec::new(),
        Condition::Line(line) => {
            let mut all = Vec::new();
            for test in &line.tests {
                if let Some(any) = alternatives(line.fact.name(), test).filter(|any| any.len() <= ALTERNATIVES_MAX) {
                    add(&mut all, (&line.fact, any));
                }
            }
            all
        }
    }
}

/// Adds what must hold besides. Of two demands on one fact the narrower stays: a list can
/// meet both by different elements, so only ranges, which lists never meet, are combined.
fn add<'a>(all: &mut Vec<Wants<'a>>, more: Wants<'a>) {
    let Some((_, any)) = all.iter_mut().find(|(fact, _)| *fact == more.0) else { return all.push(more) };
    if let ([Want::Between(from, to)], [Want::Between(other_from, other_to)]) = (any.as_mut_slice(), more.1.as_slice())
    {
        (*from, *to) = (from.max(*other_from), to.min(*other_to));
    } else if width(&more.1) < width(any) {
        *any = more.1;
    }
}

/// How much the alternatives let through, roughly.
fn width(any: &[Want<'_>]) -> usize {
    let one = |want: &Want<'_>| match want {
        Want::Key(Key::Text(_) | Key::Number(_)) => 1,
        Want::Key(Key::Begins(_)) => 3,
        Want::Between(..) => 100,
    };
    any.iter().map(one).sum()
}

/// What the fact must be for `test` to hold; `None` when an index cannot tell.
fn alternatives<'a>(fact: &str, test: &'a Test) -> Option<Vec<Want<'a>>> {
    match test {
        Test::OneOf(wanted) | Test::HasAny(wanted) => wanted.iter().map(equal).collect(),
        Test::HasAll(wanted) => Some(vec![wanted.iter().find_map(equal)?]),
        Test::Order(bound, limit) => ordered(fact, *bound, *limit),
        Test::StartsWith(part) => Some(vec![begins(part.as_str())?]),
        Test::Like(pattern) => Some(vec![pattern_of(pattern.as_str())?]),
        Test::Not(_)
        | Test::EndsWith(_)
        | Test::Contains(_)
        | Test::Matches(_)
        | Test::Present(_)
        | Test::HasNone(_)
        | Test::Changed(_) => None,
    }
}

fn equal(wanted: &Wanted) -> Option<Want<'_>> {
    match wanted {
        Wanted::Text(text) => Some(Want::Key(Key::Text(text.as_str()))),
        Wanted::Glob(pattern) => pattern_of(pattern.as_str()),
        Wanted::Number(number) => Some(Want::Key(Key::Number(bits(*number)))),
        Wanted::Flag(flag) => Some(Want::Key(Key::Text(if *flag { "true" } else { "false" }))),
    }
}

fn begins(part: &str) -> Option<Want<'_>> {
    (!part.is_empty()).then_some(Want::Key(Key::Begins(part)))
}

/// A pattern without `*` and `?` is a text; any other covers texts that begin as it does.
fn pattern_of(pattern: &str) -> Option<Want<'_>> {
    match pattern.find(['*', '?']) {
        None => Some(Want::Key(Key::Text(pattern))),
        Some(wild) => begins(&pattern[..wild]),
    }
}

fn ordered(fact: &str, bound: Bound, limit: Limit) -> Option<Vec<Want<'static>>> {
    let limit = match limit {
        Limit::Number(limit) => limit,
        Limit::Seconds(limit) => f64::from(limit),
        Limit::Rank(limit) => {
            let fits = |word: &&&str| {
                rank::rank(fact, word).is_some_and(|rank| match bound {
                    Bound::AtLeast => rank >= limit,
                    Bound::AtMost => rank <= limit,
                    Bound::Above => rank > limit,
                    Bound::Below => rank < limit,
                })
            };
            let words = rank::words(fact)?.iter().filter(fits);
            return Some(words.map(|word| Want::Key(Key::Text(word))).collect());
        }
    };
    let range = match bound {
        Bound::AtLeast | Bound::Above => (limit, f64::INFINITY),
        Bound::AtMost | Bound::Below => (f64::NEG_INFINITY, limit),
    };
    (!limit.is_nan()).then(|| vec![Want::Between(range.0, range.1)])
}
