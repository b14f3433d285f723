//! How what two sets of rules send differs, event by event.

use std::collections::{BTreeMap, BTreeSet};

use crate::destination::plain_text;
use crate::domain::Name;
use crate::domain::delivery::NewDelivery;
use crate::domain::ids::EventId;
use crate::domain::message::Content;
use crate::domain::plan::Plan;
use crate::domain::time::Timestamp;

use super::sides::Side;

/// The most lines of a rewording that are shown.
const DIFF_LINES_MAX: usize = 12;

/// The difference found so far.
pub(super) struct Difference {
    /// How many events were looked at.
    pub(super) events: u64,
    /// How many of them have no payload any more, because their source is gone.
    pub(super) without_payload: u64,
    /// By destination and the word of the action.
    pub(super) flows: BTreeMap<(Name, &'static str), Flow>,
    /// By rule: only those that match other events.
    pub(super) rules: BTreeMap<Name, Matches>,
    present_rules: BTreeSet<Name>,
    candidate_rules: BTreeSet<Name>,
    examples_max: usize,
}

/// What goes one way.
#[derive(Default)]
pub(super) struct Flow {
    /// How many the present rules send.
    pub(super) present: u64,
    /// How many the candidate sends.
    pub(super) candidate: u64,
    /// What differs, with examples.
    pub(super) changes: BTreeMap<Change, (u64, Vec<Example>)>,
}

/// In which way one thing that is sent differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// Only the candidate sends it.
    More,
    /// Only the present rules send it.
    Fewer,
    /// Both send it, with other words.
    Reworded,
}

/// One event where something differs.
pub(super) struct Example {
    /// The event.
    pub(super) event: EventId,
    /// When it was received.
    pub(super) received: Timestamp,
    /// What it is about.
    pub(super) subject: Option<String>,
    /// Its title, or its name where it has none.
    pub(super) title: String,
    /// The rule that sends or sent it.
    pub(super) rule: Name,
    /// What is worded differently: lines that begin with `-` or `+`.
    pub(super) lines: Vec<String>,
}

/// How many events only one side's rule matches.
#[derive(Default)]
pub(super) struct Matches {
    /// Only the candidate's.
    pub(super) more: u64,
    /// Only the present one.
    pub(super) fewer: u64,
    /// Whether it is among the present rules, and in the candidate.
    pub(super) known: [bool; 2],
}

impl Difference {
    /// No difference yet between `present` and `candidate`.
    pub(super) fn new(present: &Side, candidate: &Side, examples_max: usize) -> Self {
        let names = |side: &Side| side.snapshot.rules.rules().iter().map(|rule| rule.name.clone()).collect();
        Self {
            events: 0,
            without_payload: 0,
            flows: BTreeMap::new(),
            rules: BTreeMap::new(),
            present_rules: names(present),
            candidate_rules: names(candidate),
            examples_max,
        }
    }

    /// Whether nothing differs.
    pub(super) fn is_none(&self) -> bool {
        self.rules.is_empty() && self.flows.values().all(|flow| flow.changes.is_empty())
    }

    /// Adds what the two sides decided about one event.
    pub(super) fn take(&mut self, present: &Plan, candidate: &Plan) {
        self.events += 1;
        self.take_rules(present, candidate);
        // What is done at a destination for one conversation happens once for an event.
        let mut both: BTreeMap<_, [Option<&NewDelivery>; 2]> = BTreeMap::new();
        for (side, plan) in [present, candidate].into_iter().enumerate() {
            for new in &plan.deliveries {
                let key = (&new.destination, new.action.word(), &new.conversation);
                both.entry(key).or_default()[side] = Some(new);
            }
        }
        for ((destination, action, _), pair) in both {
            let flow = self.flows.entry((destination.clone(), action)).or_default();
            flow.present += u64::from(pair[0].is_some());
            flow.candidate += u64::from(pair[1].is_some());
            let (change, new, lines) = match pair {
                [None, Some(new)] => (Change::More, new, Vec::new()),
                [Some(old), None] => (Change::Fewer, old, Vec::new()),
                [Some(old), Some(new)] if old.content != new.content => {
                    (Change::Reworded, new, reworded(&old.content, &new.content))
                }
                _ => continue,
            };
            let (count, examples) = flow.changes.entry(change).or_default();
            *count += 1;
            if examples.len() < self.examples_max {
                let event = &present.event;
                examples.push(Example {
                    event: event.id,
                    received: event.received,
                    subject: event.subject.clone(),
                    title: event.facts.text("title").unwrap_or(&event.name).to_owned(),
                    rule: new.rule.clone(),
                    lines,
                });
            }
        }
    }

    fn take_rules(&mut self, present: &Plan, candidate: &Plan) {
        let matched = |plan: &Plan| plan.verdicts.iter().map(|verdict| verdict.rule.clone()).collect::<BTreeSet<_>>();
        let (old, new) = (matched(present), matched(candidate));
        for rule in old.symmetric_difference(&new) {
            let known = [self.present_rules.contains(rule), self.candidate_rules.contains(rule)];
            let matches = self.rules.entry(rule.clone()).or_default();
            matches.known = known;
            if new.contains(rule) {
                matches.more += 1;
            } else {
                matches.fewer += 1;
            }
        }
    }
}

/// The lines in which two contents differ; what comes before and after is left out.
fn reworded(old: &Content, new: &Content) -> Vec<String> {
    let (old, new) = (lines(old), lines(new));
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[same..], &new[same..]);
    let same = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - same], &new[..new.len() - same]);
    let signed = old.iter().map(|line| format!("- {line}")).chain(new.iter().map(|line| format!("+ {line}")));
    let mut shown: Vec<String> = signed.take(DIFF_LINES_MAX + 1).collect();
    if shown.len() > DIFF_LINES_MAX {
        shown.truncate(DIFF_LINES_MAX);
        shown.push("…".to_owned());
    }
    if shown.is_empty() {
        shown.push("the words are the same; style or colour differs".to_owned());
    }
    shown
}

/// A content as lines that people can compare.
fn lines(content: &Content) -> Vec<String> {
    let mut lines: Vec<String> = plain_text(&content.message).lines().map(str::to_owned).collect();
    lines.extend(content.message.mentions.iter().map(|mention| format!("mentions @{}", mention.name)));
    lines.extend(content.fields.iter().map(|(name, value)| format!("{name}: {value}")));
    if let Some(body) = &content.body {
        let text = serde_json::to_string_pretty(body).unwrap_or_default();
        lines.extend(text.lines().map(str::to_owned));
    }
    lines
}
