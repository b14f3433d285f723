//! Whether several conditions can hold of one event.
//!
//! Alternatives are followed one by one, within a bound. Facts are taken to be independent,
//! which can only make more seem possible than is.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::literal::Literal;
use super::value::{Answer, answer};
use crate::config::vocabulary::Vocabulary;
use crate::domain::condition::Condition;
use crate::domain::facts::{FactPath, Facts};
use crate::domain::rule::Rule;

/// How many combinations of alternatives are followed at most for one question.
const STEPS_MAX: usize = 400;

/// How many combinations of alternatives may still be followed for all rules together, so
/// that rules with very many alternatives do not keep a reload waiting.
#[derive(Debug)]
pub struct Budget {
    left: usize,
    words: Arc<Vocabulary>,
}

impl Budget {
    /// A budget of so many combinations of conditions that are about `words`.
    pub fn of(steps: usize, words: Arc<Vocabulary>) -> Self {
        Self { left: steps, words }
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Asks `question` with as many steps as one may have, and takes those it used.
    fn spend<T>(&mut self, question: impl FnOnce(&mut usize) -> T) -> T {
        let given = STEPS_MAX.min(self.left);
        let mut steps = given;
        let answer = question(&mut steps);
        self.left -= given - steps;
        answer
    }
}

/// A condition that must hold, or must not.
pub type Goal<'a> = (&'a Condition, bool);

/// Whether conditions can hold together.
#[derive(Debug)]
pub enum Outlook<'a> {
    /// They cannot. Where a few lines alone forbid it, these are they.
    Never(Vec<Literal<'a>>),
    /// They may, as far as is known.
    Open,
}

/// What a rule asks for.
pub fn goals(rule: &Rule) -> Vec<Goal<'_>> {
    let unless = rule.unless.iter().map(|unless| (unless, false));
    std::iter::once((&rule.when, true)).chain(unless).collect()
}

/// Whether `goals` can hold together.
pub fn outlook<'a>(goals: &[Goal<'a>], budget: &mut Budget) -> Outlook<'a> {
    let state = State::of(goals, budget);
    if let Some(core) = state.clash() {
        return Outlook::Never(core);
    }
    let mut open = false;
    let spent = budget.spend(|steps| {
        follow(state, steps, &mut |_| {
            open = true;
            true
        });
        *steps == 0
    });
    if open || spent { Outlook::Open } else { Outlook::Never(Vec::new()) }
}

/// Facts of which `goals` may hold, tried with `judge` until it takes some.
pub fn witness(goals: &[Goal<'_>], budget: &mut Budget, judge: &mut dyn FnMut(&Facts) -> bool) -> Option<Facts> {
    let state = State::of(goals, budget);
    let mut found = None;
    budget.spend(|steps| {
        follow(state, steps, &mut |state| {
            found = state.facts().filter(|facts| judge(facts));
            found.is_some()
        })
    });
    found
}

/// Lines that must hold or not, and alternatives that are still to be chosen.
#[derive(Clone)]
struct State<'a> {
    words: Arc<Vocabulary>,
    lines: BTreeMap<String, Vec<Literal<'a>>>,
    choices: Vec<Vec<Goal<'a>>>,
}

impl<'a> State<'a> {
    fn of(goals: &[Goal<'a>], budget: &Budget) -> Self {
        let mut state = Self { words: Arc::clone(&budget.words), lines: BTreeMap::new(), choices: Vec::new() };
        state.add(goals);
        state
    }

    fn add(&mut self, goals: &[Goal<'a>]) {
        for (condition, wanted) in goals.iter().copied() {
            let (parts, wanted, all) = match condition {
                Condition::Line(line) => {
                    self.lines.entry(line.fact.to_string()).or_default().push(Literal { line, wanted });
                    continue;
                }
                Condition::All(parts) => (parts, wanted, wanted),
                Condition::Any(parts) => (parts, wanted, !wanted),
                Condition::None(parts) => (parts, !wanted, wanted),
            };
            let parts: Vec<Goal<'a>> = parts.iter().map(|part| (part, wanted)).collect();
            if all || parts.len() == 1 { self.add(&parts) } else { self.choices.push(parts) }
        }
    }

    /// The lines that forbid one another, as few as two where two suffice.
    fn clash(&self) -> Option<Vec<Literal<'a>>> {
        let clashing = self.lines.values().find(|lines| answer(lines, &self.words) == Answer::Never)?;
        let never = |lines: &[Literal<'_>]| answer(lines, &self.words) == Answer::Never;
        if let Some(alone) = clashing.iter().find(|line| never(&[**line])) {
            return Some(vec![*alone]);
        }
        for (n, one) in clashing.iter().enumerate() {
            if let Some(other) = clashing[n + 1..].iter().find(|other| never(&[*one, **other])) {
                return Some(vec![*one, *other]);
            }
        }
        Some(clashing.clone())
    }

    fn is_dead(&self) -> bool {
        self.lines.values().any(|lines| answer(lines, &self.words) == Answer::Never)
    }

    /// Facts that please all lines, as far as such can be made up.
    fn facts(&self) -> Option<Facts> {
        let mut values = Map::new();
        for lines in self.lines.values() {
            match (answer(lines, &self.words), lines.first()) {
                (Answer::With(Some(value)), Some(line)) => put(&mut values, &line.line.fact, value)?,
                (Answer::With(None), _) => {}
                _ => return None,
            }
        }
        Some(Facts { values, ..Facts::default() })
    }
}

/// Puts `value` at a plain name. Paths are not made up.
fn put(values: &mut Map<String, Value>, path: &FactPath, value: Value) -> Option<()> {
    path.is_plain().then(|| {
        values.insert(path.name().to_owned(), value);
    })
}

/// Follows the alternatives until `at_end` takes an end that is not dead. True when it did.
fn follow<'a>(mut state: State<'a>, steps: &mut usize, at_end: &mut dyn FnMut(&State<'a>) -> bool) -> bool {
    if *steps == 0 {
        return true;
    }
    *steps -= 1;
    if state.is_dead() {
        return false;
    }
    let Some(choice) = state.choices.pop() else { return at_end(&state) };
    choice.into_iter().any(|goal| {
        let mut next = state.clone();
        next.add(&[goal]);
        follow(next, steps, at_end)
    })
}
