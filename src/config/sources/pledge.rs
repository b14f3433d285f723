//! Names in sources that are looked up when destinations and rules are read.

use super::memories::Memories;
use crate::config::findings::{Findings, Place};
use crate::config::nearest::did_you_mean;
use crate::config::settings::Settings;
use crate::domain::Name;
use crate::domain::delivery::Action;
use crate::domain::rule::Rule;

/// What a source relies on.
#[derive(Debug, Clone)]
pub enum Pledge {
    /// The rule creates an issue.
    Creates {
        /// Its name.
        rule: Name,
        /// Where it stands.
        at: Place,
    },
    /// The destination can count.
    Counts {
        /// Its name.
        destination: Name,
        /// Where it stands.
        at: Place,
    },
    /// What is remembered of subjects is counted.
    Remembers(Box<Memories>),
}

/// Reports every name that does not keep what a source relies on. `names` are those of all
/// rules, the broken ones too.
pub fn check(settings: &Settings, rules: &[Rule], names: &[&str], findings: &mut Findings) {
    for pledge in &settings.pledges {
        match pledge {
            Pledge::Creates { rule, at } => creates(rule, *at, rules, names, findings),
            Pledge::Counts { destination, at } => counts(destination, *at, settings, findings),
            // Read already, when all sources were known.
            Pledge::Remembers(_) => {}
        }
    }
}

fn creates(rule: &Name, at: Place, rules: &[Rule], names: &[&str], findings: &mut Findings) {
    if !names.contains(&rule.as_ref()) {
        let message = format!("there is no rule '{rule}'{}", did_you_mean(rule, names.iter().copied()));
        findings.error_help(at, message, "name the rule that creates the issue: one that sends to a tracker");
        return;
    }
    let Some(found) = rules.iter().find(|one| one.name == *rule) else { return };
    if !found.send.iter().any(|send| send.action == Action::Create) {
        let message = format!("the rule '{rule}' creates no issue");
        let help = "Create Defect is answered with an issue: let the rule send to a tracker with action: create";
        findings.error_help(at, message, help);
    }
}

fn counts(destination: &Name, at: Place, settings: &Settings, findings: &mut Findings) {
    let all = || settings.destinations.keys().map(AsRef::as_ref);
    match settings.destinations.get(destination) {
        None => {
            let message = format!("there is no destination '{destination}'{}", did_you_mean(destination, all()));
            findings.error_help(
                at,
                message,
                "name the tracker whose issues are counted, of kind jira, or memory for what Relaybell remembers",
            );
        }
        // It is broken, and that has been said.
        Some((_, None)) => {}
        Some((_, Some(spec))) if spec.adapter.defect_queries().is_none() => {
            let message = format!("issues at '{destination}' cannot be counted");
            findings.error_help(at, message, "only destinations of kind jira can be asked how many issues they have;  from: memory  counts what Relaybell \
                        remembers");
        }
        Some(_) => {}
    }
}
