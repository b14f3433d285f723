//! Plans of events that are not decided when they come in: those that could not be read,
//! and those whose sender's API is asked first.

use serde_json::{Map, Value};

use super::{Arrival, Decision, LOOKING_UP, Plan, READING, Verdict, bare, decide, remember};
use crate::domain::event::Report;
use crate::domain::facts::Origin;
use crate::domain::memory::Known;
use crate::domain::render::Templates;
use crate::domain::rule::RuleSet;
use crate::domain::stage::Stage;
use crate::domain::time::Timestamp;

/// The name of an event that could not be read.
pub const UNREAD: &str = "(unread)";

/// What a look-up came to.
#[derive(Debug, Clone, PartialEq)]
pub struct LookedUp {
    /// When it ended.
    pub at: Timestamp,
    /// The project, where the event did not name it.
    pub project: Option<String>,
    /// What was found. What the event itself says comes first.
    pub facts: Map<String, Value>,
    /// What takes the place of what the event itself says: a name for `member 112`.
    pub instead: Map<String, Value>,
    /// Why less is known than was wanted, if so.
    pub lacking: Option<String>,
    /// Remarks for people.
    pub notes: Vec<String>,
}

impl LookedUp {
    /// Nothing was asked, or there was nothing to find out.
    #[must_use]
    pub fn nothing(at: Timestamp) -> Self {
        Self { at, project: None, facts: Map::new(), instead: Map::new(), lacking: None, notes: Vec::new() }
    }

    /// Nothing could be found out, because of `why`.
    #[must_use]
    pub fn failed(at: Timestamp, why: String) -> Self {
        Self { lacking: Some(why), ..Self::nothing(at) }
    }

    /// Adds what was found to `report`, which says nothing of it, and gives the names.
    fn add_to(&self, report: &mut Report) -> Vec<String> {
        let mut added = Vec::new();
        if report.project.is_none() && self.project.is_some() {
            report.project.clone_from(&self.project);
            added.push("project".to_owned());
        }
        for (name, value) in self.facts.iter().filter(|(_, value)| !value.is_null()) {
            if !report.facts.contains_key(name) {
                report.facts.insert(name.clone(), value.clone());
                added.push(name.clone());
            }
        }
        for (name, value) in &self.instead {
            report.facts.insert(name.clone(), value.clone());
            added.push(name.clone());
        }
        added
    }

    fn verdict(&self) -> Option<Verdict> {
        let mut notes = self.notes.clone();
        let why = match &self.lacking {
            Some(why) => why.clone(),
            None if notes.is_empty() => return None,
            None => notes.remove(0),
        };
        Some(Verdict { rule: LOOKING_UP.into(), decision: Decision::Lacking { why }, notes })
    }
}

/// The plan that keeps `arrival` until its sender's API has been asked: its facts as they
/// are known now, for people to see. Nothing is decided and nothing remembered.
#[must_use]
pub fn plan_awaiting(arrival: &Arrival, known: &Known) -> Plan {
    Plan { stage: Stage::Awaiting, ..bare(arrival, known) }
}

/// Decides all that `arrival` causes, as [`plan_event`](super::plan_event) does, after a look-up.
/// What was found counts and is remembered as if the event had said it.
#[must_use]
pub fn plan_looked_up(
    mut arrival: Arrival,
    found: &LookedUp,
    known: &Known,
    rules: &RuleSet,
    templates: &Templates,
) -> Plan {
    let added = found.add_to(&mut arrival.report);
    let memory = remember(&arrival, known);
    let mut plan = Plan { memory, ..bare(&arrival, known) };
    for name in added {
        plan.event.facts.origins.insert(name, Origin::LookUp { at: found.at });
    }
    plan.verdicts.extend(found.verdict());
    decide(plan, rules, templates)
}

/// The plan that keeps a webhook that cannot be read, because of `why`. `arrival` reports
/// nothing but that it came.
#[must_use]
pub fn plan_quarantined(arrival: &Arrival, why: String) -> Plan {
    let verdict = Verdict { rule: READING.into(), decision: Decision::Quarantined { why }, notes: Vec::new() };
    Plan { stage: Stage::Quarantined, verdicts: vec![verdict], ..bare(arrival, &Known::default()) }
}

/// The plan that ends an open event that turned out to be another one: nothing follows of it.
#[must_use]
pub fn plan_nothing(arrival: &Arrival, why: String) -> Plan {
    let verdict = Verdict { rule: READING.into(), decision: Decision::HeldBack { why }, notes: Vec::new() };
    Plan { verdicts: vec![verdict], ..bare(arrival, &Known::default()) }
}

/// The plan for an event whose facts are known, but whose webhook cannot be read any more
/// (its source is gone): the rules judge the facts as they were seen.
#[must_use]
pub fn plan_as_seen(mut plan: Plan, why: String, rules: &RuleSet, templates: &Templates) -> Plan {
    plan.verdicts.push(Verdict { rule: LOOKING_UP.into(), decision: Decision::Lacking { why }, notes: Vec::new() });
    decide(plan, rules, templates)
}
