//! The catalogue of Qase says what its samples show, and nothing without a reason.

use std::collections::{BTreeMap, BTreeSet};

use relaybell::config::samples_of;
use relaybell::domain::rank;
use relaybell::source::catalogue::{Catalogues, FactKind, Form};
use relaybell::source::proof::Proof;
use relaybell::source::qase::{Qase, UNSEEN, catalogue};
use serde_json::Value;

/// What the envelope brings, which may be newer than the payload.
const ENVELOPE: [&str; 4] = ["project", "actor", "actor_id", "url"];

/// The catalogue of Qase alone.
fn sources() -> Catalogues {
    Catalogues::of([catalogue().clone()])
}

/// The samples of events that Relaybell knows.
fn samples() -> Vec<(&'static str, relaybell::domain::event::Event)> {
    let qase = Qase { name: "qase".to_owned(), proof: Proof::Nothing, app_url: "https://app.qase.io".parse().unwrap() };
    samples_of(&"qase".into(), &qase).into_iter().filter(|(variant, _)| !variant.starts_with("unknown.")).collect()
}

#[test]
fn every_fact_of_a_sample_is_in_the_catalogue_of_its_form() {
    for (variant, event) in samples() {
        let short = variant.ends_with(".sparse");
        let oldest = variant.contains("gen0");
        let has = |form| catalogue().supply(&event.name, "id").unwrap().forms.contains(&form);
        let form = match () {
            () if short && has(Form::Short) => Form::Short,
            () if oldest && has(Form::Oldest) => Form::Oldest,
            () => Form::Full,
        };
        for fact in event.facts.values.keys() {
            let forms = catalogue().supply(&event.name, fact).unwrap().forms;
            let fits = forms.contains(&form) || ENVELOPE.contains(&fact.as_str());
            assert!(fits, "{variant}: '{fact}' is not in the {} form", form.word());
        }
    }
}

#[test]
fn every_entry_is_seen_in_a_sample_or_has_a_reason() {
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    for (_, event) in samples() {
        seen.extend(event.facts.values.keys().map(|fact| (event.name.clone(), fact.clone())));
    }
    let mut reasons_used = BTreeSet::new();
    for fact in catalogue().facts() {
        for event in catalogue().carriers(fact.name) {
            if seen.contains(&(event.to_owned(), fact.name.to_owned())) {
                continue;
            }
            let reason = UNSEEN
                .iter()
                .position(|(name, events, why)| *name == fact.name && event.starts_with(events) && !why.is_empty());
            reasons_used.insert(reason.unwrap_or_else(|| panic!("no sample of {event} has '{}'", fact.name)));
        }
    }
    assert_eq!(reasons_used.len(), UNSEEN.len(), "a reason is of no use any more");
}

#[test]
fn every_documented_event_is_described() {
    let described: BTreeSet<&str> = catalogue().described().collect();
    let documented: BTreeSet<&str> = catalogue().events().iter().copied().collect();
    let others: Vec<&str> = described.difference(&documented).copied().collect();
    assert_eq!(others, ["result.created", "result.deleted", "result.updated"]);
    assert!(documented.is_subset(&described));
    for fact in catalogue().facts() {
        assert!(catalogue().carriers(fact.name).next().is_some(), "no event carries '{}'", fact.name);
    }
}

#[test]
fn facts_are_what_the_catalogue_says() {
    let mut wrong = BTreeMap::new();
    for (variant, event) in samples() {
        for (name, value) in &event.facts.values {
            let fact = *catalogue().fact(name).unwrap();
            let fits = match (fact.kind, value) {
                // A hash at shared steps and results.
                (FactKind::Number, Value::String(_)) => name == "id" || name.ends_with("_id"),
                (FactKind::Number | FactKind::Duration, Value::Number(_))
                | (FactKind::Text | FactKind::Time, Value::String(_))
                | (FactKind::Flag, Value::Bool(_))
                | (FactKind::List, Value::Array(_))
                | (FactKind::Object, Value::Object(_)) => true,
                _ => value.is_null(),
            };
            let words = catalogue().words_at(name, event.name.as_str());
            let known = words
                .is_none_or(|words| value.as_str().is_none_or(|word| !words.closed || words.words.contains(&word)));
            if !fits || !known {
                wrong.insert(format!("{variant}.{name}"), value.clone());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn memory_supplies_what_an_earlier_event_of_the_subject_said() {
    let from = |event, fact| sources().supply(event, fact).unwrap().remembered_from;
    assert_eq!(from("defect.resolved", "severity"), ["defect.created"]);
    assert_eq!(from("run.completed", "environment"), ["run.started"]);
    // Of this event alone, of another entity, of a subject that only begins, of every event its own.
    assert!(from("review.merged", "comment").is_empty());
    assert!(!sources().can_have("defect.resolved", "environment"));
    assert!(!sources().can_have("run.started", "failed"));
    assert!(from("defect.resolved", "project").is_empty());
    // Nothing is denied of events that nobody describes.
    assert!(sources().can_have("defect.exploded", "environment"));
    assert!(sources().supply("defect.exploded", "severity").is_none());
}

#[test]
fn the_words_of_severity_and_priority_are_the_ranked_ones() {
    let words = |fact| sources().words_of(fact, ["case.created"]).unwrap();
    let ranked: Vec<&str> = rank::SEVERITIES.iter().copied().chain([rank::UNDEFINED]).collect();
    assert_eq!(words("severity").words, ranked);
    assert_eq!(words("priority").words, rank::PRIORITIES);
    assert!(words("severity").closed && !words("status").closed);
    assert_eq!(sources().words_of("status", ["case.created", "review.merged"]).unwrap().words.len(), 9);
    assert!(sources().words_of("status", ["case.created", "result.created"]).is_none());
    assert!(sources().words_of("title", ["case.created"]).is_none());
}
