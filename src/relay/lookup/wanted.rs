//! Which facts rules and templates may read of an event: what is worth asking for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::config::Snapshot;
use crate::domain::Name;
use crate::domain::condition::{Condition, Silent};
use crate::domain::event::Report;
use crate::domain::facts::Facts;
use crate::domain::people;
use crate::domain::render::Templates;
use crate::domain::rule::{Rule, Send};
use crate::source::Wanted;

/// The most kinds of event that are remembered.
const KINDS_MAX: usize = 1000;

/// The fact that names the issue the sender has linked.
const TICKET: &str = "ticket";

/// A kind of event: rules that name another source, event or project cannot match it.
type Kind = (Name, String, Option<String>);

/// What is wanted of each kind of event, found out once for each configuration.
#[derive(Debug, Default)]
pub(super) struct Wants(Mutex<Known>);

/// The configuration that it was found out for, and what was found.
type Known = (Option<Name>, HashMap<Kind, Arc<Wanted>>);

impl Wants {
    /// What the rules of `snapshot` may read of an event like `report` of `source`.
    pub(super) fn of(&self, snapshot: &Snapshot, source: &Name, report: &Report) -> Arc<Wanted> {
        let kind = (source.clone(), report.event.clone(), report.project.clone());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0.as_ref() != Some(&snapshot.revision) || known.1.len() >= KINDS_MAX {
            *known = (Some(snapshot.revision.clone()), HashMap::new());
        }
        let found = known.1.entry(kind).or_insert_with(|| Arc::new(wanted(snapshot, source, report)));
        found.clone()
    }
}

/// What rules that can match an event like `report` read of it.
fn wanted(snapshot: &Snapshot, source: &Name, report: &Report) -> Wanted {
    let mut facts = Facts::default();
    let mut sure = |name: &str, value: &str| facts.values.insert(name.to_owned(), Value::from(value));
    sure("event", &report.event);
    sure("source", source);
    if let Some(project) = &report.project {
        sure("project", project);
    }
    let mut wanted = Wanted::default();
    for rule in snapshot.rules.rules() {
        let excluded = rule.unless.as_ref().and_then(|unless| outlook(unless, &facts)) == Some(true);
        if outlook(&rule.when, &facts) != Some(false) && !excluded {
            of_rule(rule, &snapshot.templates, &mut wanted);
        }
    }
    wanted
}

/// Whether `condition` holds of an event of which no more than `sure` is known; `None` when
/// that depends on the rest.
fn outlook(condition: &Condition, sure: &Facts) -> Option<bool> {
    let outlooks = |parts: &[Condition]| parts.iter().map(|part| outlook(part, sure)).collect::<Vec<_>>();
    let any = |outlooks: &[Option<bool>]| {
        if outlooks.contains(&Some(true)) {
            return Some(true);
        }
        if outlooks.contains(&None) { None } else { Some(false) }
    };
    match condition {
        Condition::Line(line) if line.fact.is_plain() && sure.values.contains_key(line.fact.name()) => {
            Some(condition.eval(sure, &mut Silent))
        }
        Condition::Line(_) => None,
        Condition::Any(parts) => any(&outlooks(parts)),
        Condition::None(parts) => any(&outlooks(parts)).map(|any| !any),
        Condition::All(parts) => {
            let outlooks = outlooks(parts);
            if outlooks.contains(&Some(false)) {
                return Some(false);
            }
            if outlooks.contains(&None) { None } else { Some(true) }
        }
    }
}

fn of_rule(rule: &Rule, templates: &Templates, wanted: &mut Wanted) {
    of_condition(&rule.when, wanted);
    if let Some(unless) = &rule.unless {
        of_condition(unless, wanted);
    }
    let reads = rule.expression.iter().flat_map(crate::domain::expression::Expression::reads);
    for path in reads.chain(&rule.handling.about) {
        wanted.0.insert(path.name().to_owned());
    }
    for send in &rule.send {
        of_send(send, templates, wanted);
    }
}

fn of_condition(condition: &Condition, wanted: &mut Wanted) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => {
            parts.iter().for_each(|part| of_condition(part, wanted));
        }
        Condition::Line(line) => {
            wanted.0.insert(line.fact.name().to_owned());
        }
    }
}

fn of_send(send: &Send, templates: &Templates, wanted: &mut Wanted) {
    let mut add = |path: &str| {
        let name = path.split(['.', '[']).next().unwrap_or_default();
        if !name.is_empty() {
            wanted.0.insert(name.to_owned());
        }
    };
    match &send.template {
        Some(name) => templates.facts_used(name).iter().for_each(|(fact, ..)| add(fact)),
        None => Templates::built_in_reads().for_each(&mut add),
    }
    send.fields.facts_used().iter().for_each(|(fact, _)| add(fact));
    send.reads.heads().for_each(&mut add);
    if send.action.is_about_an_issue() {
        add(TICKET);
    }
    for mention in send.mention.wanted() {
        if let people::Wanted::Named { tree, .. } = mention {
            for (fact, _) in tree.facts_used() {
                people::sisters(&fact).iter().for_each(|sister| add(sister));
            }
        }
    }
}
