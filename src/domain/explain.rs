//! Why each rule did or did not match.

use std::collections::HashMap;

use super::Name;
use super::delivery::Action;
use super::facts::Facts;
use super::rule::{Rule, RuleSet, Send};
use super::time::Timestamp;
use super::trace::{Seen, Trace, Tracer};

/// Why one rule did or did not match.
#[derive(Debug, Clone)]
pub struct Explained<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// Whether it matched.
    pub matched: bool,
    /// Its `when`, line by line.
    pub when: Trace,
    /// Its `unless`, line by line.
    pub unless: Option<Trace>,
    /// Its `where`, as one line.
    pub expression: Option<Trace>,
    /// Why it sends nothing although it matched, if it is paused.
    pub muted: Option<String>,
    /// What it sends, when it matched and is not paused.
    pub sends: Vec<Sending<'r>>,
}

/// One message that a rule sends, or would have sent.
#[derive(Debug, Clone)]
pub struct Sending<'r> {
    /// The message.
    pub send: &'r Send,
    /// The rule that does the same already; then this one does not.
    pub already: Option<Name>,
}

/// What kept a rule from matching.
#[derive(Debug, Clone, PartialEq)]
pub struct Obstacle<'t> {
    /// The part of the rule.
    pub part: Part,
    /// The first line, or the first of each alternative.
    pub lines: Vec<&'t Seen>,
}

/// A part of a rule that can keep it from matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `when` did not hold.
    When,
    /// `unless` held.
    Unless,
    /// `where` did not hold.
    Where,
}

impl Part {
    /// The word rules use for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::When => "when",
            Self::Unless => "unless",
            Self::Where => "where",
        }
    }
}

impl Explained<'_> {
    /// How many lines at least would have had to come out otherwise for the rule to match.
    #[must_use]
    pub fn away(&self) -> usize {
        let excluded = self.unless.as_ref().map_or(0, |unless| unless.away_from(false));
        let held_off = self.expression.as_ref().map_or(0, |expression| expression.away_from(true));
        self.when.away_from(true).saturating_add(excluded).saturating_add(held_off)
    }

    /// What kept the rule from matching, `when` before `unless` before
    /// `where`.
    #[must_use]
    pub fn obstacle(&self) -> Option<Obstacle<'_>> {
        let parts = [
            (Part::When, self.when.culprits(true)),
            (Part::Unless, self.unless.as_ref().map(|unless| unless.culprits(false)).unwrap_or_default()),
            (Part::Where, self.expression.as_ref().map(|expression| expression.culprits(true)).unwrap_or_default()),
        ];
        parts.into_iter().find(|(_, lines)| !lines.is_empty()).map(|(part, lines)| Obstacle { part, lines })
    }

    /// Whether it was kept from matching by the event's name.
    #[must_use]
    pub fn is_about_another_event(&self) -> bool {
        self.obstacle().is_some_and(|obstacle| obstacle.lines.iter().all(|seen| seen.fact == "event"))
    }

    /// Where it stands in the list: matched, one line away, one line away but about another
    /// event, the rest.
    fn order(&self) -> usize {
        match (self.matched, self.away()) {
            (true, _) => 0,
            (false, 1) if self.is_about_another_event() => 2,
            (false, 1) => 1,
            (false, _) => 3,
        }
    }
}

/// Explains every rule: first those that match `facts`, then those one line away from it,
/// then the rest; within each in the order of the files. `at` is when the event was received.
#[must_use]
pub fn explain<'r>(rules: &'r RuleSet, facts: &Facts, at: Timestamp) -> Vec<Explained<'r>> {
    let mut done = Done::new();
    let mut all: Vec<Explained<'r>> = rules.rules().iter().filter_map(|rule| one(rule, facts, at, &mut done)).collect();
    all.sort_by_key(Explained::order);
    all
}

/// Which rule does something first: an action at a destination in a conversation.
type Done<'r> = HashMap<(&'r Name, Action, Option<String>), &'r Name>;

fn one<'r>(rule: &'r Rule, facts: &Facts, at: Timestamp, done: &mut Done<'r>) -> Option<Explained<'r>> {
    let mut tracer = Tracer::new(facts);
    let matched = rule.matches(facts, &mut tracer);
    let mut traces = tracer.finish().into_iter();
    let muted = rule.handling.muted(at).filter(|_| matched);
    let conversation = rule.handling.named(facts);
    let mut sends = Vec::new();
    for send in rule.send.iter().filter(|_| matched && muted.is_none()) {
        let what = (&send.to, send.action, conversation.clone());
        let already = done.get(&what).map(|first| Name::clone(first));
        done.entry(what).or_insert(&rule.name);
        sends.push(Sending { send, already });
    }
    let when = traces.next()?;
    let unless = rule.unless.as_ref().and_then(|_| traces.next());
    Some(Explained { rule, matched, when, unless, expression: traces.next(), muted, sends })
}
