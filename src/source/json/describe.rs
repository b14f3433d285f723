//! What a mapping says of its source: facts, their values, events.

use super::mapping::{Mapping, PASSING};
use crate::domain::rank;
use crate::source::catalogue::{Description, FactInfo, FactKind, KnownWords, lasting};
use crate::source::qase;

/// The facts that a mapping can give beside those that it names.
const COMPUTED: [&str; 2] = ["passed", "cases"];

/// What the source `name` can report by `mapping`.
pub(super) fn description(name: &str, mapping: &Mapping) -> Description {
    let mut all = Description::new(lasting(name));
    if mapping.actor.is_some() {
        all.facts.push(standard("actor").unwrap_or(FactInfo {
            name: "actor",
            kind: FactKind::Text,
            meaning: "who did it",
        }));
    }
    for fact in &mapping.facts {
        let name = lasting(&fact.name);
        let known = standard(name).map(|known| known.meaning);
        let meaning = match (fact.meaning.as_str(), known) {
            ("", Some(known)) => known,
            ("", None) => lasting(&format!("as relaybell.yaml maps it: {}", fact.formula.source())),
            (told, _) => lasting(told),
        };
        all.facts.push(FactInfo { name, kind: fact.kind, meaning });
        if let Some(words) = words(fact.name.as_str(), &fact.values) {
            all.words.push(KnownWords { fact: name, events: "", words, closed: !fact.values.is_empty() });
        }
    }
    let has = |name: &str| all.facts.iter().any(|fact| fact.name == name);
    if COMPUTED.iter().all(|name| has(name)) && !has("pass_rate") {
        all.facts.extend(standard("pass_rate"));
    }
    all.passing = PASSING.to_vec();
    let facts: Vec<&'static str> = all.facts.iter().map(|fact| fact.name).collect();
    let facts = if mapping.project.is_some() { [facts, vec!["project"]].concat() } else { facts };
    all.is_open = mapping.events.is_empty();
    mapping.events.iter().fold(all, |all, event| all.event(lasting(event), &facts))
}

/// The fact as other sources have it.
fn standard(name: &str) -> Option<FactInfo> {
    qase::catalogue().fact(name).copied()
}

fn words(fact: &str, declared: &[String]) -> Option<Vec<&'static str>> {
    if !declared.is_empty() {
        return Some(declared.iter().map(|word| lasting(word)).collect());
    }
    let ranked = rank::words(fact)?;
    let undefined = (fact == "severity").then_some(rank::UNDEFINED);
    Some(ranked.iter().copied().chain(undefined).collect())
}
