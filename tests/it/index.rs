//! The index finds what the evaluator finds: it may only skip what would not match.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use relaybell::domain::condition::{Bound, Condition, Folded, Limit, Line, Presence, Silent, Test, Wanted};
use relaybell::domain::facts::{FactPath, Facts};
use relaybell::domain::handling::Handling;
use relaybell::domain::rule::{Rule, RuleSet};
use serde_json::{Map, Value, json};

/// Few facts and few values, so that rules and events meet.
const FACTS: [&str; 5] = ["event", "project", "severity", "tags", "payload.kind"];
const TEXTS: [&str; 8] = ["a", "B", "7", "true", "Σ", "ς", "ΟΔΟΣ", "run.x"];

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![
        6 => select(&TEXTS[..]).prop_map(|text| Wanted::Text(Folded::new(text))),
        1 => select(&["*", "r*", "?"][..]).prop_map(|text| Wanted::Glob(Folded::new(text))),
        1 => (0_i32..9).prop_map(|number| Wanted::Number(f64::from(number))),
        1 => any::<bool>().prop_map(Wanted::Flag),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let leaf = prop_oneof![
        6 => vec(wanted(), 1..4).prop_map(Test::OneOf),
        1 => select(&TEXTS[..]).prop_map(|text| Test::Contains(Folded::new(text))),
        1 => (0_i32..9).prop_map(|number| Test::Order(Bound::AtLeast, Limit::Number(f64::from(number)))),
        1 => select(&[Presence::There, Presence::Absent][..]).prop_map(Test::Present),
        1 => vec(wanted(), 1..3).prop_map(Test::HasNone),
        1 => any::<bool>().prop_map(Test::Changed),
    ];
    prop_oneof![4 => leaf.clone(), 1 => leaf.prop_map(|test| Test::Not(vec![test]))]
}

fn line() -> impl Strategy<Value = Condition> {
    (select(&FACTS[..]), vec(test(), 1..3))
        .prop_map(|(fact, tests)| Condition::Line(Line { fact: FactPath::parse(fact).unwrap(), tests, line: 0 }))
}

fn condition() -> impl Strategy<Value = Condition> {
    let inner = prop_oneof![
        5 => line(),
        1 => vec(line(), 0..3).prop_map(Condition::Any),
        1 => vec(line(), 0..3).prop_map(Condition::None),
        1 => vec(line(), 0..3).prop_map(Condition::All),
    ];
    vec(inner, 0..5).prop_map(Condition::All)
}

fn value() -> impl Strategy<Value = Value> {
    let one = || {
        prop_oneof![
            6 => select(&TEXTS[..]).prop_map(Value::from),
            1 => (0_i64..9).prop_map(Value::from),
            1 => any::<bool>().prop_map(Value::from),
            1 => Just(Value::Null),
        ]
    };
    prop_oneof![5 => one(), 1 => vec(one(), 0..4).prop_map(Value::from)]
}

fn facts() -> impl Strategy<Value = Facts> {
    vec(proptest::option::of(value()), FACTS.len()).prop_map(|values| {
        let mut map = Map::new();
        for (name, value) in FACTS.iter().zip(values) {
            let Some(value) = value else { continue };
            match name.split_once('.') {
                None => map.insert((*name).to_owned(), value),
                Some((outer, inner)) => map.insert(outer.to_owned(), json!({ inner: value })),
            };
        }
        Facts { values: map, ..Facts::default() }
    })
}

fn rules(conditions: Vec<(Condition, Option<Condition>)>) -> Vec<Rule> {
    conditions
        .into_iter()
        .enumerate()
        .map(|(n, (when, unless))| Rule {
            name: format!("rule-{n}").into(),
            place: ("rules.yaml".into(), 1),
            when,
            unless,
            expression: None,
            send: Vec::new(),
            handling: Handling::default(),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn the_index_skips_only_what_would_not_match(
        conditions in vec((condition(), proptest::option::weighted(0.2, condition())), 0..120),
        events in vec(facts(), 1..12),
    ) {
        let rules = rules(conditions);
        let set = RuleSet::new(rules.clone());
        for facts in &events {
            let all: Vec<&str> =
                rules.iter().filter(|rule| rule.matches(facts, &mut Silent)).map(|rule| &*rule.name).collect();
            let found: Vec<&str> = set.matching(facts).map(|rule| &*rule.name).collect();
            prop_assert_eq!(found, all);
        }
    }
}

#[test]
fn the_way_to_the_rules_of_one_project_leads_past_all_others() {
    let one = |fact: &str, text: String| {
        let tests = vec![Test::OneOf(vec![Wanted::Text(Folded::new(&text))])];
        Condition::Line(Line { fact: FactPath::parse(fact).unwrap(), tests, line: 0 })
    };
    let conditions = (0..10_000).map(|n| {
        let event = one("event", format!("run.event-{}", n % 40));
        (Condition::All(vec![event, one("project", format!("P{}", n / 40))]), None)
    });
    let rules = rules(conditions.collect());
    let index = relaybell::domain::index::Index::new(&rules);
    let values = json!({ "event": "run.event-3", "project": "P7" });
    let facts = Facts { values: values.as_object().unwrap().clone(), ..Facts::default() };
    assert!(index.candidates(&facts).len() <= 8, "{} of 10,000 are looked at", index.candidates(&facts).len());
}
