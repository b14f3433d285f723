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
const FACTS: [&str; 6] = ["event", "project", "severity", "tags", "cases", "payload.kind"];
const TEXTS: [&str; 8] = ["a", "B", "7", "true", "Σ", "ς", "ΟΔΟΣ", "run.x"];

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![
        6 => select(&TEXTS[..]).prop_map(|text| Wanted::Text(Folded::new(text))),
        1 => select(&["*", "r*", "?", "run.*", "b"][..]).prop_map(|text| Wanted::Glob(Folded::new(text))),
        1 => (0_i32..9).prop_map(|number| Wanted::Number(f64::from(number))),
        1 => any::<bool>().prop_map(Wanted::Flag),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let leaf = prop_oneof![
        6 => vec(wanted(), 1..4).prop_map(Test::OneOf),
        1 => select(&TEXTS[..]).prop_map(|text| Test::Contains(Folded::new(text))),
        3 => order(),
        2 => select(&["a", "R", "run", "run.x", "7", "σ", "t"][..]).prop_map(|text| Test::StartsWith(Folded::new(text))),
        1 => select(&["X", "ς", "e"][..]).prop_map(|text| Test::EndsWith(Folded::new(text))),
        1 => select(&["r*x", "?", "true", "1?", "*"][..]).prop_map(|text| Test::Like(Folded::new(text))),
        1 => vec(wanted(), 0..3).prop_map(Test::HasAny),
        1 => vec(wanted(), 0..3).prop_map(Test::HasAll),
        1 => select(&[Presence::There, Presence::Absent][..]).prop_map(Test::Present),
        1 => vec(wanted(), 1..3).prop_map(Test::HasNone),
        1 => any::<bool>().prop_map(Test::Changed),
    ];
    prop_oneof![4 => leaf.clone(), 1 => leaf.prop_map(|test| Test::Not(vec![test]))]
}

fn order() -> impl Strategy<Value = Test> {
    let bound = select(&[Bound::AtLeast, Bound::AtMost, Bound::Above, Bound::Below][..]);
    let limit = prop_oneof![
        3 => (-2_i32..20).prop_map(|number| Limit::Number(f64::from(number) / 2.0)),
        2 => (1_usize..7).prop_map(Limit::Rank),
        1 => (0_u32..9).prop_map(Limit::Seconds),
    ];
    (bound, limit).prop_map(|(bound, limit)| Test::Order(bound, limit))
}

fn line() -> impl Strategy<Value = Condition> {
    (select(&FACTS[..]), vec(test(), 1..3))
        .prop_map(|(fact, tests)| Condition::Line(Line { fact: FactPath::parse(fact).unwrap(), tests, line: 0 }))
}

fn condition() -> impl Strategy<Value = Condition> {
    let inner = prop_oneof![
        5 => line(),
        2 => vec(line(), 0..3).prop_map(Condition::Any),
        1 => vec(line(), 0..3).prop_map(Condition::None),
        1 => vec(line(), 0..3).prop_map(Condition::All),
    ];
    vec(inner, 0..5).prop_map(Condition::All)
}

fn value() -> impl Strategy<Value = Value> {
    let one = || {
        prop_oneof![
            6 => select(&TEXTS[..]).prop_map(Value::from),
            2 => (0_i64..9).prop_map(Value::from),
            1 => select(&["0", " 7 ", "-0", "7.0", "1e0", "nan", "inf", "Blocker", "minor", "run.xyz"][..]).prop_map(Value::from),
            1 => (-2_i32..20).prop_map(|number| Value::from(f64::from(number) / 2.0)),
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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn the_index_skips_only_what_would_not_match(
        conditions in vec((condition(), proptest::option::weighted(0.2, condition())), 0..200),
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

/// However rules that name no project are told apart, few are looked at.
#[test]
fn the_way_to_a_rule_without_a_project_leads_past_all_others_too() {
    let line =
        |fact: &str, tests: Vec<Test>| Condition::Line(Line { fact: FactPath::parse(fact).unwrap(), tests, line: 0 });
    let number = |n: usize| f64::from(u32::try_from(n).unwrap());
    let within = |n: usize| {
        let ends = [(Bound::AtLeast, n * 10), (Bound::Below, n * 10 + 10)];
        ends.map(|(bound, end)| Test::Order(bound, Limit::Number(number(end)))).to_vec()
    };
    let text = |text: &str| Wanted::Text(Folded::new(text));
    type Lines<'a> = &'a dyn Fn(usize) -> Condition;
    let ways: [(&str, Lines<'_>); 6] = [
        ("a number", &|n| line("suite_id", vec![Test::OneOf(vec![Wanted::Number(number(n))])])),
        ("a beginning", &|n| line("title", vec![Test::StartsWith(Folded::new(&format!("Area {n}:")))])),
        ("a pattern", &|n| line("title", vec![Test::Like(Folded::new(&format!("area {n}:*")))])),
        ("an element", &|n| line("tags", vec![Test::HasAny(vec![text(&format!("t{n}"))])])),
        ("alternatives", &|n| {
            let one = |word: &str| line("payload.team", vec![Test::OneOf(vec![text(&format!("{word}{n}"))])]);
            Condition::Any(vec![one("x"), one("y")])
        }),
        ("a range", &|n| line("cases", within(n))),
    ];
    let values = json!({
        "suite_id": "777", "title": "AREA 777: the basket", "tags": ["other", "T777"], "cases": 7775,
        "payload": { "team": "Y777" },
    });
    let facts = Facts { values: values.as_object().unwrap().clone(), ..Facts::default() };
    for (what, way) in ways {
        let set = rules((0..2_000).map(|n| (way(n), None)).collect());
        let found = relaybell::domain::index::Index::new(&set).candidates(&facts);
        assert!(found.contains(&777), "{what}: the rule is not found");
        // Numbers are divided into a bounded number of ranges.
        let most = if what == "a range" { 100 } else { 2 };
        assert!(found.len() <= most, "{what}: {} of 2,000 are looked at", found.len());
    }
}
