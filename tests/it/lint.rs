//! `check` never calls a rule impossible that some event matches, and finds most that none does.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use regex::Regex;
use relaybell::config::lint::{example, is_impossible};
use relaybell::config::{Secrets, Snapshot};
use relaybell::domain::condition::{Bound, Condition, Folded, Limit, Line, Presence, Silent, Test, Wanted};
use relaybell::domain::facts::{FactPath, Facts};
use relaybell::domain::handling::Handling;
use relaybell::domain::rank;
use relaybell::domain::rule::Rule;
use serde_json::{Map, Value, json};

use crate::diagnose::{base, load};

/// Facts of every shape, with values that are near one another.
const TEXTS: [&str; 10] = ["pay", "PAY", "pay now", "shop", "5", "true", "Σ", "payback", "x pay", "7.0"];
const EVENTS: [&str; 4] = ["defect.created", "defect.resolved", "run.completed", "later.event"];
const NUMBERS: [f64; 7] = [-1.0, 0.0, 2.0, 2.5, 3.0, 5.0, 7.0];

fn text() -> impl Strategy<Value = Folded> {
    select(&TEXTS[..]).prop_map(Folded::new)
}

fn number() -> impl Strategy<Value = f64> {
    select(&NUMBERS[..])
}

fn presence() -> impl Strategy<Value = Test> {
    select(&[Presence::There, Presence::Absent][..]).prop_map(Test::Present)
}

fn bound() -> impl Strategy<Value = Bound> {
    select(&[Bound::AtLeast, Bound::AtMost, Bound::Above, Bound::Below][..])
}

/// A test of a text, number, list or whatever, as `fact` has them.
fn test(fact: &'static str) -> BoxedStrategy<Test> {
    let texts = || vec(text().prop_map(Wanted::Text), 1..3);
    let words = select(&["blocker", "critical", "Minor", "undefined"][..]);
    let order = || (bound(), number()).prop_map(|(bound, number)| Test::Order(bound, Limit::Number(number)));
    let leaf = match fact {
        "event" => prop_oneof![
            vec(select(&EVENTS[..]).prop_map(|event| Wanted::Text(Folded::new(event))), 1..3).prop_map(Test::OneOf),
            select(&["defect.*", "*.c*", "?un.*"][..])
                .prop_map(|glob| Test::OneOf(vec![Wanted::Glob(Folded::new(glob))])),
            presence(),
        ]
        .boxed(),
        "severity" => prop_oneof![
            vec(words.prop_map(|word| Wanted::Text(Folded::new(word))), 1..3).prop_map(Test::OneOf),
            (bound(), 1..7_usize).prop_map(|(bound, rank)| Test::Order(bound, Limit::Rank(rank))),
            select(&["b", "cri", "al"][..]).prop_map(|part| Test::StartsWith(Folded::new(part))),
            presence(),
        ]
        .boxed(),
        "failed" => prop_oneof![
            3 => order(),
            1 => vec(number().prop_map(Wanted::Number), 1..3).prop_map(Test::OneOf),
            1 => texts().prop_map(Test::OneOf),
            1 => presence(),
            1 => text().prop_map(Test::Contains),
        ]
        .boxed(),
        "visible" => {
            prop_oneof![any::<bool>().prop_map(|flag| Test::OneOf(vec![Wanted::Flag(flag)])), presence()].boxed()
        }
        "tags" => prop_oneof![
            texts().prop_map(Test::HasAny),
            texts().prop_map(Test::HasAll),
            texts().prop_map(Test::HasNone),
            texts().prop_map(Test::OneOf),
            text().prop_map(Test::Contains),
        ]
        .boxed(),
        _ => prop_oneof![
            texts().prop_map(Test::OneOf),
            vec(number().prop_map(Wanted::Number), 1..3).prop_map(Test::OneOf),
            order(),
            text().prop_map(Test::StartsWith),
            text().prop_map(Test::EndsWith),
            text().prop_map(Test::Contains),
            select(&["pay*", "*pay", "p?y", "pay"][..]).prop_map(|glob| Test::Like(Folded::new(glob))),
            select(&["(?i)^pay$", "PAY", "o"][..]).prop_map(|pattern| Test::Matches(Regex::new(pattern).unwrap())),
            texts().prop_map(Test::HasAny),
            presence(),
        ]
        .boxed(),
    };
    prop_oneof![4 => leaf.clone(), 1 => vec(leaf, 1..3).prop_map(Test::Not)].boxed()
}

const FACTS: [&str; 7] = ["event", "severity", "failed", "visible", "tags", "title", "payload.x"];

fn line() -> impl Strategy<Value = Condition> {
    select(&FACTS[..]).prop_flat_map(|fact| {
        vec(test(fact), 1..3)
            .prop_map(move |tests| Condition::Line(Line { fact: FactPath::parse(fact).unwrap(), tests, line: 0 }))
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let tree = line().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Condition::Any),
            vec(inner.clone(), 0..3).prop_map(Condition::None),
            vec(inner, 0..3).prop_map(Condition::All),
        ]
    });
    vec(tree, 1..5).prop_map(Condition::All)
}

fn one_of_texts() -> impl Strategy<Value = Value> {
    select(&TEXTS[..]).prop_map(Value::from)
}

fn a_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        number().prop_map(Value::from),
        (-2..9_i64).prop_map(Value::from),
        (0..8_i64).prop_map(|n| json!(n as f64 + 0.25))
    ]
}

fn facts() -> impl Strategy<Value = Facts> {
    let severities: Vec<&str> = rank::SEVERITIES.iter().copied().chain(["undefined", "own word"]).collect();
    let anything = prop_oneof![
        one_of_texts(),
        a_number(),
        any::<bool>().prop_map(Value::from),
        vec(one_of_texts(), 0..3).prop_map(Value::from),
        Just(Value::Null),
    ];
    let maybe = proptest::option::weighted::<BoxedStrategy<Value>>;
    (
        select(&EVENTS[..]),
        maybe(0.8, select(severities).prop_map(Value::from).boxed()),
        maybe(0.8, a_number().boxed()),
        maybe(0.8, any::<bool>().prop_map(Value::from).boxed()),
        maybe(0.8, vec(one_of_texts(), 0..4).prop_map(Value::from).boxed()),
        maybe(0.8, one_of_texts().boxed()),
        maybe(0.8, anything.boxed()),
    )
        .prop_map(|(event, severity, failed, visible, tags, title, x)| {
            let mut values = Map::new();
            values.insert("event".to_owned(), event.into());
            let named =
                [("severity", severity), ("failed", failed), ("visible", visible), ("tags", tags), ("title", title)];
            values.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            values.insert("payload".to_owned(), x.map_or_else(|| json!({}), |x| json!({ "x": x })));
            Facts { values, ..Facts::default() }
        })
}

fn rule(when: Condition, unless: Option<Condition>) -> Rule {
    Rule {
        name: "r".into(),
        place: ("rules.yaml".into(), 1),
        when,
        unless,
        send: Vec::new(),
        expression: None,
        handling: Handling::default(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn no_event_matches_a_rule_that_is_called_impossible(
        when in condition(),
        unless in proptest::option::weighted(0.4, condition()),
        events in vec(facts(), 1..60),
    ) {
        let rule = rule(when, unless);
        if is_impossible(&rule) {
            for facts in &events {
                prop_assert!(!rule.matches(facts, &mut Silent), "matched by {:?}", facts.values);
            }
        }
        if let Some(facts) = example(&rule) {
            let mut facts = facts;
            facts.values.entry("event").or_insert_with(|| "defect.created".into());
            // Whatever an example leaves open does not matter, but for the event's name.
            let free = !format!("{:?}", rule.when).contains("\"event\"")
                && !format!("{:?}", rule.unless).contains("\"event\"");
            prop_assert!(!free || rule.matches(&facts, &mut Silent), "no example: {:?}", facts.values);
            prop_assert!(!is_impossible(&rule));
        }
    }
}

/// Every value that the lines about `fact` can tell from others, and many more.
fn values_of(fact: &str) -> Vec<Value> {
    let texts = TEXTS.iter().flat_map(|one| {
        TEXTS.iter().flat_map(move |other| [format!("{one}{other}"), format!("{one} {other}"), (*one).to_owned()])
    });
    let texts: Vec<Value> = texts.chain(["po".to_owned(), String::new()]).map(Value::from).collect();
    let numbers = (-8..40_i32).map(|n| json!(f64::from(n) / 4.0)).chain((-3..9_i64).map(Value::from));
    let lists = (0..64_usize)
        .map(|bits| TEXTS.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, text)| *text).collect());
    match fact {
        "event" => EVENTS.iter().map(|event| Value::from(*event)).collect(),
        "severity" => {
            rank::SEVERITIES.iter().chain(&["undefined", "own word"]).map(|word| Value::from(*word)).collect()
        }
        "failed" => numbers.collect(),
        "visible" => vec![true.into(), false.into()],
        "tags" => lists.collect(),
        "title" => texts,
        _ => texts.into_iter().chain(numbers).chain(lists).chain([true.into(), false.into(), json!({})]).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6000) })]

    /// The same for lines about one fact, where all its values can be tried.
    #[test]
    fn no_value_pleases_lines_that_are_called_impossible(
        (fact, when, unless) in select(&FACTS[..]).prop_flat_map(|fact| {
            let line = move || vec(test(fact), 1..3).prop_map(move |tests| {
                Condition::Line(Line { fact: FactPath::parse(fact).unwrap(), tests, line: 0 })
            });
            let none = vec(line(), 1..2).prop_map(Condition::None);
            let when = vec(prop_oneof![4 => line(), 1 => none], 1..3).prop_map(Condition::All);
            (Just(fact), when, proptest::option::weighted(0.4, line()))
        }),
    ) {
        let rule = rule(when, unless);
        if is_impossible(&rule) {
            let absent = (fact != "event").then_some(None);
            for value in values_of(fact).into_iter().map(Some).chain(absent) {
                let mut values = Map::new();
                match (value, fact) {
                    (Some(value), "payload.x") => values.insert("payload".to_owned(), json!({ "x": value })),
                    (Some(value), fact) => values.insert(fact.to_owned(), value),
                    (None, _) => None,
                };
                let facts = Facts { values, ..Facts::default() };
                prop_assert!(!rule.matches(&facts, &mut Silent), "matched by {:?}", facts.values);
            }
        }
    }
}

fn loaded(rules: &str) -> Snapshot {
    load(&base().with("rules/a.yaml", rules), Secrets::Leave).unwrap_or_else(|found| panic!("{found}"))
}

#[test]
fn every_shipped_rule_has_an_example_that_it_matches() {
    let (rules, _) = include_str!("../../rules/runs.yaml").split_once("tests:").unwrap();
    let rules = rules.replace("run-failed", "defect-opened").replace("run-aborted", "defect-opened");
    for rule in loaded(&rules).rules.rules() {
        let facts = example(rule).unwrap_or_else(|| panic!("no example for {}", rule.name));
        assert!(rule.matches(&facts, &mut Silent), "{}: {:?}", rule.name, facts.values);
    }
}

/// Many rules to one channel, all with different words.
fn many(count: usize, when: impl Fn(usize) -> String) -> String {
    let rule = |n: usize| {
        let template = if n.is_multiple_of(2) { "template: defect-opened" } else { "mention: [\"@qa-oncall\"]" };
        format!("  - name: r{n}\n    when: {}\n    send: [{{ to: qa-blockers, {template} }}]\n", when(n))
    };
    format!("rules:\n{}", (0..count).map(rule).collect::<String>())
}

#[test]
fn ten_thousand_rules_of_their_own_projects_are_all_compared() {
    let rules = many(10_000, |n| format!("{{ event: [defect.created, run.started], project: P{n} }}"));
    let warnings = loaded(&rules).warnings;
    assert!(!warnings.0.iter().any(|one| one.message.contains("held against every other")), "{warnings}");
    assert!(!warnings.0.iter().any(|one| one.message.contains("it happens once")), "{warnings}");
}

#[test]
fn rules_that_all_overlap_are_told_within_bounds() {
    let rules = many(2000, |n| format!("{{ event: defect.created, title: {{ contains: word{n} }} }}"));
    let warnings = loaded(&rules).warnings;
    let told = warnings.0.iter().filter(|one| one.message.contains("it happens once")).count();
    assert!((1..=20).contains(&told), "{told} told");
    assert!(warnings.0.iter().any(|one| one.message.contains("not every rule was held against every other")));
}

#[test]
fn rules_with_very_many_alternatives_do_not_keep_a_reload_waiting() {
    let alternatives = |n: usize| {
        let lists = (0..6).map(|list| {
            let texts: Vec<String> =
                (0..8).map(|k| format!("{{ title: {{ matches: '^a{n}{list}{k}+b$' }} }}")).collect();
            format!("{{ any_of: [{}] }}", texts.join(", "))
        });
        format!(
            "{{ event: defect.created, failed: {{ above: 5 }}, all_of: [{}] }}",
            lists.collect::<Vec<_>>().join(", ")
        )
    };
    let began = std::time::Instant::now();
    let warnings = loaded(&many(120, alternatives)).warnings;
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert!(warnings.0.iter().any(|one| one.message.contains("held against every other")), "{warnings}");
}
