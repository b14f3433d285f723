//! Why a delivery that was expected was not caused: the rule nearest to it, and what kept
//! it from acting.

use crate::config::Snapshot;
use crate::config::trials::Expected;
use crate::domain::Name;
use crate::domain::explain::{Explained, Part, explain};
use crate::domain::plan::Decision;
use crate::domain::rule::Rule;
use crate::domain::trace::Seen;

use super::bench::Happening;

/// Why a delivery was not caused.
#[derive(Debug, Clone)]
pub enum Why {
    /// Nothing came in since the last `expect`.
    NothingReceived,
    /// All that came in repeats what was accepted before.
    Repeated,
    /// No rule sends that, whatever comes in; or not the one that was named.
    NoRule,
    /// The nearest rule did not match.
    NotMatched {
        /// The rule.
        rule: Name,
        /// Its file, and the line of its name.
        place: (Name, u32),
        /// The event that came nearest.
        event: String,
        /// The part of the rule.
        part: Part,
        /// The first line that failed, or the first of each alternative.
        seen: Vec<Seen>,
    },
    /// The rule sent it once, and it is expected more often.
    SentOnce {
        /// The rule.
        rule: Name,
        /// Its file, and the line of its name.
        place: (Name, u32),
    },
    /// The rule matched, and did not send it.
    HeldBack {
        /// The rule.
        rule: Name,
        /// Its file, and the line of its name.
        place: (Name, u32),
        /// Why.
        why: String,
    },
}

/// Why what is expected was not caused.
pub(super) fn why(snapshot: &Snapshot, expected: &Expected, since: &[Happening]) -> Why {
    if since.is_empty() {
        return Why::NothingReceived;
    }
    if since.iter().all(|happening| happening.repeated) {
        return Why::Repeated;
    }
    let mut nearest: Option<((bool, bool, usize), Why)> = None;
    for happening in since.iter().filter(|happening| !happening.repeated) {
        let rules = explain(&snapshot.rules, &happening.event.facts, happening.event.received);
        for explained in rules.iter().filter(|explained| could_send(explained.rule, expected)) {
            let far = (!explained.matched, explained.is_about_another_event(), explained.away());
            if nearest.as_ref().is_none_or(|(best, _)| far < *best) {
                nearest = Some((far, of(explained, expected, happening)));
            }
        }
    }
    nearest.map_or(Why::NoRule, |(_, why)| why)
}

fn could_send(rule: &Rule, expected: &Expected) -> bool {
    expected.rule.as_ref().is_none_or(|name| *name == rule.name)
        && rule
            .send
            .iter()
            .any(|send| send.to == expected.to && expected.action.is_none_or(|action| action == send.action))
}

fn of(explained: &Explained<'_>, expected: &Expected, happening: &Happening) -> Why {
    let (rule, place) = (explained.rule.name.clone(), explained.rule.place.clone());
    if explained.matched {
        let sends = |to: &Name, action| *to == expected.to && expected.action.is_none_or(|wanted| wanted == action);
        let sent = happening
            .deliveries
            .iter()
            .any(|delivery| delivery.rule == rule && sends(&delivery.destination, delivery.action));
        return match sent {
            true => Why::SentOnce { rule, place },
            false => Why::HeldBack { why: held_back(&rule, happening), rule, place },
        };
    }
    let (part, seen) = match explained.obstacle() {
        Some(obstacle) => (obstacle.part, obstacle.lines.into_iter().cloned().collect()),
        None => (Part::When, Vec::new()),
    };
    Why::NotMatched { rule, place, event: happening.event.name.clone(), part, seen }
}

/// Why a rule that matched did not send what is expected.
fn held_back(rule: &Name, happening: &Happening) -> String {
    let verdict = happening.verdicts.iter().find(|verdict| verdict.rule == *rule);
    match verdict.map(|verdict| (&verdict.decision, verdict.notes.join("; "))) {
        Some((
            Decision::HeldBack { why }
            | Decision::Broken { why }
            | Decision::Quarantined { why }
            | Decision::Lacking { why },
            _,
        )) => why.clone(),
        Some((Decision::Sent(_), notes)) => notes,
        None => "planning has stopped before it".to_owned(),
    }
}
