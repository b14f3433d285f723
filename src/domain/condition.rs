//! Conditions over facts: the one evaluator of rules.

use std::borrow::Cow;
use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value;

use super::expression::{Expression, Fault};
use super::facts::{FactPath, Facts};
use super::rank;

/// What must hold of an event's facts.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Every one holds; an empty list holds.
    All(Vec<Condition>),
    /// At least one holds; an empty list does not.
    Any(Vec<Condition>),
    /// None holds; an empty list holds.
    None(Vec<Condition>),
    /// One line of a rule.
    Line(Line),
}

/// One line of a rule: a fact and what must hold of it.
#[derive(Debug, Clone)]
pub struct Line {
    /// The fact.
    pub fact: FactPath,
    /// What must hold, all of it.
    pub tests: Vec<Test>,
    /// The line of the rule file it stands on, from 1; 0 when made without a file.
    pub line: u32,
}

/// One test of a fact's value. Every test but `Present(Presence::Absent)` fails on a missing fact.
#[derive(Debug, Clone)]
pub enum Test {
    /// Equal to one of these.
    OneOf(Vec<Wanted>),
    /// The other tests do not hold, though the fact is there.
    Not(Vec<Test>),
    /// Compares by number or rank.
    Order(Bound, Limit),
    /// Text that begins with this.
    StartsWith(Folded),
    /// Text that ends with this.
    EndsWith(Folded),
    /// Text that contains this, or a list with this element.
    Contains(Folded),
    /// Text that this pattern covers entirely: `*` is any run, `?` any character.
    Like(Folded),
    /// Text in which this regular expression is found.
    Matches(Regex),
    /// The fact is there, or is not.
    Present(Presence),
    /// A list with at least one of these elements.
    HasAny(Vec<Wanted>),
    /// A list with all of these elements.
    HasAll(Vec<Wanted>),
    /// A list with none of these elements.
    HasNone(Vec<Wanted>),
    /// The fact differs, or does not differ, from what was remembered of it.
    Changed(bool),
}

/// What a line sees of its fact.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The value; `None` when the fact is missing.
    pub value: Option<&'a Value>,
    /// Whether it differs from what was remembered of it.
    pub changed: bool,
}

impl<'a> Sight<'a> {
    /// A value of which nothing else was remembered.
    #[must_use]
    pub fn unchanged(value: Option<&'a Value>) -> Self {
        Self { value, changed: false }
    }
}

/// Whether a fact must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    There,
    /// It must not.
    Absent,
}

/// Which side of a limit a value must be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Equal or greater.
    AtLeast,
    /// Equal or less.
    AtMost,
    /// Greater.
    Above,
    /// Less.
    Below,
}

/// What a value is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// A number.
    Number(f64),
    /// A rank of severity or priority (see [`rank::rank`]).
    Rank(usize),
    /// A duration, in seconds.
    Seconds(u32),
}

/// Text in lower case, for comparison without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    folded: String,
    /// As it was written, where that differs.
    written: Option<Box<str>>,
}

/// `text` in lower case, letter by letter: the same letter is always the same, wherever it
/// stands (unlike the Greek sigma at the end of a word in `str::to_lowercase`).
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        return if upper { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

impl Folded {
    /// Folds `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let folded = fold(text).into_owned();
        let written = (folded != text).then(|| text.into());
        Self { folded, written }
    }

    /// The folded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.folded
    }

    /// The text as it was written, for people.
    #[must_use]
    pub fn written(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.folded)
    }

    /// Whether `text` is this, whatever its case.
    fn is(&self, text: &str) -> bool {
        if self.folded.is_ascii() && text.is_ascii() {
            return self.folded.eq_ignore_ascii_case(text);
        }
        text.chars().flat_map(char::to_lowercase).eq(self.folded.chars())
    }

    /// Whether `text` begins with this, whatever its case.
    fn begins(&self, text: &str) -> bool {
        let head = text.as_bytes().get(..self.folded.len()).filter(|head| head.is_ascii());
        if let (true, Some(head)) = (self.folded.is_ascii(), head) {
            return self.folded.as_bytes().eq_ignore_ascii_case(head);
        }
        let mut letters = text.chars().flat_map(char::to_lowercase);
        self.folded.chars().all(|letter| letters.next() == Some(letter))
    }

    /// Whether `text` ends with this, whatever its case.
    fn ends(&self, text: &str) -> bool {
        let from = text.len().checked_sub(self.folded.len());
        let tail = from.and_then(|from| text.as_bytes().get(from..)).filter(|tail| tail.is_ascii());
        if let (true, Some(tail)) = (self.folded.is_ascii(), tail) {
            return self.folded.as_bytes().eq_ignore_ascii_case(tail);
        }
        fold(text).ends_with(self.as_str())
    }

    /// Whether `seen` equals this. A list does when one of its elements does.
    fn equals(&self, seen: &Value) -> bool {
        match seen {
            Value::String(seen) => self.is(seen),
            Value::Number(_) | Value::Bool(_) => self.is(&seen.to_string()),
            Value::Array(items) => items.iter().any(|item| self.equals(item)),
            Value::Null | Value::Object(_) => false,
        }
    }
}

/// A value that a fact may equal.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Text, whatever its case.
    Text(Folded),
    /// Text with `*` and `?`; only for event names.
    Glob(Folded),
    /// A number, equal across integer and decimal.
    Number(f64),
    /// A truth value.
    Flag(bool),
}

/// How the parts of a condition are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// Every part must hold.
    All,
    /// At least one part must hold.
    Any,
    /// No part may hold.
    None,
}

impl Join {
    /// The word rules use for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all_of",
            Self::Any => "any_of",
            Self::None => "none_of",
        }
    }
}

/// Learns of each line as it is evaluated. Nothing is recorded on the live path.
pub trait Recorder {
    /// Whether lines are evaluated that cannot change the result any more. The result is
    /// the same either way.
    const THOROUGH: bool = false;

    /// The parts of a nest follow, until [`Recorder::leave`].
    fn enter(&mut self, _join: Join) {}

    /// The parts of the nest entered last are through; `held` is its result.
    fn leave(&mut self, _held: bool) {}

    /// `line` was evaluated, `seen` was the fact's value and `held` the result.
    fn line(&mut self, line: &Line, seen: Option<&Value>, held: bool);

    /// A rule's `where` was evaluated with this outcome.
    fn expression(&mut self, _expression: &Expression, _outcome: &Result<bool, Fault>) {}
}

/// Records nothing, at no cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Recorder for Silent {
    fn line(&mut self, _line: &Line, _seen: Option<&Value>, _held: bool) {}
}

impl Condition {
    /// Whether the condition holds of `facts`. Stops at the first line that decides, unless
    /// the recorder is thorough.
    pub fn eval<R: Recorder>(&self, facts: &Facts, recorder: &mut R) -> bool {
        let (join, parts) = match self {
            Self::All(parts) => (Join::All, parts),
            Self::Any(parts) => (Join::Any, parts),
            Self::None(parts) => (Join::None, parts),
            Self::Line(line) => {
                let sight = if line.asks_for_change() {
                    facts.sight(&line.fact)
                } else {
                    Sight::unchanged(facts.get(&line.fact))
                };
                let held = line.holds(sight);
                recorder.line(line, sight.value, held);
                return held;
            }
        };
        recorder.enter(join);
        let mut held = join != Join::Any;
        for part in parts {
            if part.eval(facts, recorder) != (join == Join::All) {
                held = join == Join::Any;
                if !R::THOROUGH {
                    break;
                }
            }
        }
        recorder.leave(held);
        held
    }
}

impl Condition {
    /// Whether an event of this name can satisfy the condition, whatever its other facts.
    #[must_use]
    pub fn admits(&self, event: &str) -> bool {
        self.can_hold(&[("event", event)])
    }

    /// The same of an event of this name that comes from `source`.
    #[must_use]
    pub fn admits_from(&self, source: &str, event: &str) -> bool {
        self.can_hold(&[("event", event), ("source", source)])
    }

    /// Whether it can be satisfied by an event of which `known` is all that is known.
    fn can_hold(&self, known: &[(&str, &str)]) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.can_hold(known)),
            Self::Any(parts) => parts.iter().any(|part| part.can_hold(known)),
            Self::None(_) => true,
            Self::Line(line) => match known.iter().find(|(fact, _)| *fact == line.fact.name()) {
                Some((_, value)) => line.holds(Sight { value: Some(&Value::from(*value)), changed: false }),
                None => true,
            },
        }
    }
}

impl Line {
    /// Whether it looks at more than the value of its fact.
    pub(super) fn asks_for_change(&self) -> bool {
        self.tests.iter().any(Test::asks_for_change)
    }

    /// Whether every test holds of `sight`.
    #[must_use]
    pub fn holds(&self, sight: Sight<'_>) -> bool {
        self.tests.iter().all(|test| test.holds(self.fact.name(), sight))
    }
}

impl Test {
    /// Whether it looks at more than the value.
    fn asks_for_change(&self) -> bool {
        match self {
            Self::Changed(_) => true,
            Self::Not(tests) => tests.iter().any(Self::asks_for_change),
            _ => false,
        }
    }

    fn holds(&self, fact: &str, sight: Sight<'_>) -> bool {
        if let Self::Present(presence) = self {
            return sight.value.is_some() == (*presence == Presence::There);
        }
        let Some(seen) = sight.value else { return false };
        match self {
            Self::OneOf(wanted) => wanted.iter().any(|one| one.is(seen)),
            Self::Not(tests) => !tests.iter().all(|test| test.holds(fact, sight)),
            Self::Order(bound, limit) => in_order(*bound, *limit, fact, seen),
            Self::StartsWith(part) => with_text(seen, |text| part.begins(text)),
            Self::EndsWith(part) => with_text(seen, |text| part.ends(text)),
            Self::Contains(part) => match seen {
                Value::Array(items) => items.iter().any(|item| part.equals(item)),
                other => with_text(other, |text| fold(text).contains(part.as_str())),
            },
            Self::Like(pattern) => with_text(seen, |text| glob(pattern.as_str(), &fold(text))),
            Self::Matches(pattern) => with_text(seen, |text| pattern.is_match(text)),
            Self::HasAny(wanted) => list(seen).is_some_and(|items| wanted.iter().any(|one| has(items, one))),
            Self::HasAll(wanted) => list(seen).is_some_and(|items| wanted.iter().all(|one| has(items, one))),
            Self::HasNone(wanted) => list(seen).is_some_and(|items| !wanted.iter().any(|one| has(items, one))),
            Self::Changed(wanted) => sight.changed == *wanted,
            Self::Present(_) => false,
        }
    }
}

impl Wanted {
    /// Whether `seen` equals this. A list equals it when one of its elements does.
    fn is(&self, seen: &Value) -> bool {
        match (self, seen) {
            (wanted, Value::Array(items)) => items.iter().any(|item| wanted.is(item)),
            (Self::Text(text), seen) => text.equals(seen),
            (Self::Glob(pattern), Value::String(seen)) => glob(pattern.as_str(), &fold(seen)),
            (Self::Number(number), seen) => as_number(seen).is_some_and(|seen| seen == *number),
            (Self::Flag(flag), Value::Bool(seen)) => flag == seen,
            (Self::Flag(flag), Value::String(seen)) => seen.eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
            _ => false,
        }
    }
}

fn list(seen: &Value) -> Option<&[Value]> {
    seen.as_array().map(Vec::as_slice)
}

fn has(items: &[Value], wanted: &Wanted) -> bool {
    items.iter().any(|item| wanted.is(item))
}

/// A number, or text that is one: Qase sends the values of number fields as text.
pub(super) fn as_number(seen: &Value) -> Option<f64> {
    match seen {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn with_text(seen: &Value, test: impl Fn(&str) -> bool) -> bool {
    match seen {
        Value::String(text) => test(text),
        Value::Number(number) => test(&number.to_string()),
        Value::Array(items) => items.iter().any(|item| with_text(item, &test as &dyn Fn(&str) -> bool)),
        _ => false,
    }
}

fn in_order(bound: Bound, limit: Limit, fact: &str, seen: &Value) -> bool {
    let order = match limit {
        Limit::Number(limit) => as_number(seen).and_then(|seen| seen.partial_cmp(&limit)),
        Limit::Seconds(limit) => as_number(seen).and_then(|seen| seen.partial_cmp(&f64::from(limit))),
        Limit::Rank(limit) => seen.as_str().and_then(|word| rank::rank(fact, word)).map(|seen| seen.cmp(&limit)),
    };
    match (bound, order) {
        (_, None) => false,
        (Bound::AtLeast, Some(order)) => order != Ordering::Less,
        (Bound::AtMost, Some(order)) => order != Ordering::Greater,
        (Bound::Above, Some(order)) => order == Ordering::Greater,
        (Bound::Below, Some(order)) => order == Ordering::Less,
    }
}

/// Whether `pattern` covers the whole of `text`; both folded. Linear in their product.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let (mut rest, mut wild) = (text, None);
    let mut pattern = pattern;
    loop {
        let mut next = pattern.chars();
        match next.next() {
            Some('*') => {
                pattern = next.as_str();
                wild = Some((pattern, rest));
                continue;
            }
            None if rest.is_empty() => return true,
            Some(wanted) => {
                let mut seen = rest.chars();
                if seen.next().is_some_and(|c| wanted == '?' || wanted == c) {
                    (pattern, rest) = (next.as_str(), seen.as_str());
                    continue;
                }
            }
            None => {}
        }
        // Dead end: let the last `*` take one character more.
        let Some((after_star, from)) = wild else {
            return false;
        };
        let mut skipped = from.chars();
        if skipped.next().is_none() {
            return false;
        }
        (pattern, rest) = (after_star, skipped.as_str());
        wild = Some((after_star, rest));
    }
}
