//! Rules in the short form in which events are held against them.
//!
//! Thousands of rules say much the same: the same line stands in many of them. So each
//! line is kept once and decided once for an event, and a rule is a few numbers that stand
//! beside those of the next. What a line means is said in one place, [`Line::holds`].

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::FixedState;
use serde_json::Value;

use super::Found;
use super::asked::{Answers, Asked};
use super::spell;
use crate::domain::condition::{Condition, Join, Line, Sight};
use crate::domain::facts::FactPath;
use crate::domain::look::{Look, Lookup};
use crate::domain::rule::{Judgement, Rule};

/// All rules in short form.
#[derive(Debug, Clone, Default)]
pub(super) struct Shorthand {
    /// The lines of all rules, each once.
    lines: Vec<Kept>,
    /// The steps of all rules, those of rules that are met together beside each other.
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
struct Kept {
    line: Line,
    fact: u32,
    asks_for_change: bool,
}

/// One step of the way through a rule.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The line at this place must hold.
    Line(u32),
    /// The next so many steps are the parts of a nest.
    Nest(Join, u32),
    /// The rule's `where` must hold besides.
    Where,
}

/// Writes rules in short form.
#[derive(Default)]
struct Writer {
    made: Shorthand,
    places: HashMap<Box<[u8]>, u32, FixedState>,
    /// What the line at hand says.
    says: Vec<u8>,
}

impl Shorthand {
    /// Writes those of `rules` that are among `leaves`, in their order, and tells each where
    /// its steps begin.
    pub(super) fn of(rules: &[Rule], leaves: &mut [Found], asked: &mut Asked) -> Self {
        let mut writer = Writer::default();
        let mut starts: Vec<Option<u32>> = vec![None; rules.len()];
        for found in leaves {
            let place = found.rule as usize;
            let (Some(rule), Some(start)) = (rules.get(place), starts.get_mut(place)) else { continue };
            found.start = *start.get_or_insert_with(|| writer.rule(rule, asked));
        }
        writer.made
    }

    /// Asks for the steps of all of `found` before the first is needed, as for leaves.
    pub(super) fn fetch(&self, found: &[Found]) {
        let first = |found: &Found| matches!(self.steps.get(found.start as usize), Some(Step::Where));
        std::hint::black_box(found.iter().filter(|found| first(found)).count());
    }
}

impl Writer {
    /// `when` and not `unless`, as one nest. The `where` is asked when it holds. Says where
    /// the steps begin.
    fn rule(&mut self, rule: &Rule, asked: &mut Asked) -> u32 {
        let whole = self.open(Join::All);
        match &rule.when {
            // What is joined in the same way needs no nest of its own.
            Condition::All(parts) => parts.iter().for_each(|part| self.condition(part, asked)),
            other => self.condition(other, asked),
        }
        if let Some(unless) = &rule.unless {
            let none = self.open(Join::None);
            self.condition(unless, asked);
            self.close(none);
        }
        self.close(whole);
        if let Some(expression) = &rule.expression {
            self.made.steps.push(Step::Where);
            for path in expression.reads() {
                asked.place(path);
            }
        }
        number(whole)
    }

    fn condition(&mut self, condition: &Condition, asked: &mut Asked) {
        let (join, parts) = match condition {
            Condition::All(parts) => (Join::All, parts),
            Condition::Any(parts) => (Join::Any, parts),
            Condition::None(parts) => (Join::None, parts),
            Condition::Line(line) => {
                let line = self.line(line, asked);
                return self.made.steps.push(Step::Line(line));
            }
        };
        if let (Join::All | Join::Any, [only]) = (join, parts.as_slice()) {
            return self.condition(only, asked);
        }
        let nest = self.open(join);
        parts.iter().for_each(|part| self.condition(part, asked));
        self.close(nest);
    }

    fn open(&mut self, join: Join) -> usize {
        self.made.steps.push(Step::Nest(join, 0));
        self.made.steps.len() - 1
    }

    fn close(&mut self, nest: usize) {
        let length = number(self.made.steps.len() - nest - 1);
        if let Some(Step::Nest(_, steps)) = self.made.steps.get_mut(nest) {
            *steps = length;
        }
    }

    fn line(&mut self, line: &Line, asked: &mut Asked) -> u32 {
        let fact = asked.place(&line.fact);
        self.says.clear();
        self.says.extend_from_slice(&fact.to_ne_bytes());
        spell::tests(&line.tests, &mut self.says);
        if let Some(place) = self.places.get(self.says.as_slice()) {
            return *place;
        }
        let place = number(self.made.lines.len());
        self.made.lines.push(Kept { line: line.clone(), fact, asks_for_change: line.asks_for_change() });
        self.places.insert(self.says.as_slice().into(), place);
        place
    }
}

/// A place or a length. No machine holds so many rules that it does not fit.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// How many decided lines are kept in mind for an event; two lines that share a place are
/// decided again. A power of two.
const KEPT_IN_MIND: usize = 512;

/// One event on its way through rules.
pub(super) struct Hearing<'h, 'i, 'f, L> {
    shorthand: &'i Shorthand,
    answers: &'h Answers<'i, 'f, L>,
    /// Twice the place of a line, and one more if it holds.
    decided: [u32; KEPT_IN_MIND],
}

impl<'h, 'i, 'f, L: Look> Hearing<'h, 'i, 'f, L> {
    pub(super) fn of(shorthand: &'i Shorthand, answers: &'h Answers<'i, 'f, L>) -> Self {
        Self { shorthand, answers, decided: [u32::MAX; KEPT_IN_MIND] }
    }

    /// What a rule found among `rules` makes of the event: what [`Rule::judge`] does.
    pub(super) fn judge(&mut self, rules: &[Rule], found: Found) -> Judgement {
        let start = found.start as usize;
        if !self.holds(start) {
            return Judgement::Refuses;
        }
        // Most rules have no `where`: they need not be fetched to be decided.
        let Some(Step::Where) = self.shorthand.steps.get(start + self.length(start)) else {
            return Judgement::Matches;
        };
        let Some(expression) = rules.get(found.rule as usize).and_then(|rule| rule.expression.as_ref()) else {
            return Judgement::Matches;
        };
        let values = expression.reads().iter().map(|path| (path, self.answers.event.value(path)));
        match expression.eval(&Read(values.collect())) {
            Ok(true) => Judgement::Matches,
            Ok(false) => Judgement::Refuses,
            Err(fault) => Judgement::Failed(fault),
        }
    }

    /// Whether the part of a rule that begins at `at` holds.
    fn holds(&mut self, at: usize) -> bool {
        let (join, length) = match self.shorthand.steps.get(at) {
            Some(Step::Line(line)) => return self.line(*line),
            Some(Step::Nest(join, length)) => (*join, *length as usize),
            Some(Step::Where) | None => return false,
        };
        let (mut part, end) = (at + 1, at + 1 + length);
        while part < end {
            if self.holds(part) != (join == Join::All) {
                return join == Join::Any;
            }
            part += self.length(part);
        }
        join != Join::Any
    }

    /// How many steps the part that begins at `at` has.
    fn length(&self, at: usize) -> usize {
        match self.shorthand.steps.get(at) {
            Some(Step::Nest(_, length)) => *length as usize + 1,
            _ => 1,
        }
    }

    fn line(&mut self, place: u32) -> bool {
        let decided = self.decided.get(place as usize % KEPT_IN_MIND).copied().unwrap_or(u32::MAX);
        if decided >> 1 == place {
            return decided & 1 == 1;
        }
        let Some(kept) = self.shorthand.lines.get(place as usize) else { return false };
        let value = self.answers.value(kept.fact);
        let changed = kept.asks_for_change
            && value.is_some()
            && kept.line.fact.is_plain()
            && self.answers.event.has_changed(kept.line.fact.name());
        let held = kept.line.holds(Sight { value, changed });
        if let Some(decided) = self.decided.get_mut(place as usize % KEPT_IN_MIND) {
            *decided = (place << 1) | u32::from(held);
        }
        held
    }
}

/// What an expression reads of an event.
struct Read<'r>(Vec<(&'r FactPath, Option<Cow<'r, Value>>)>);

impl Lookup for Read<'_> {
    fn get(&self, path: &FactPath) -> Option<&Value> {
        self.0.iter().find(|(read, _)| *read == path)?.1.as_deref()
    }
}
