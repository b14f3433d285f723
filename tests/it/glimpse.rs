//! What rules see of a webhook through a lens is what they would see of the whole event.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use relaybell::domain::condition::{Bound, Condition, Folded, Limit, Line, Presence, Silent, Test, Wanted};
use relaybell::domain::event::Event;
use relaybell::domain::expression::Expression;
use relaybell::domain::facts::FactPath;
use relaybell::domain::handling::Handling;
use relaybell::domain::ids::EventId;
use relaybell::domain::look::Look;
use relaybell::domain::memory::Known;
use relaybell::domain::plan::{Arrival, see};
use relaybell::domain::rule::{Judgement, Rule, RuleSet};
use relaybell::domain::time::Timestamp;
use relaybell::source::qase::{Qase, catalogue, samples};
use relaybell::source::{RawHook, Source, Verified, prove};
use serde_json::{Map, Value, json};

use crate::support::expressions::compile;

const NOW: Timestamp = Timestamp::from_seconds(1_789_400_000);

/// Ways into the payload, beside the facts.
const PATHS: [&str; 9] = [
    "payload",
    "payload.severity",
    "payload.id",
    "payload.custom_fields[0].title",
    "payload.custom_fields",
    "payload.nothing.here",
    "payload.\"odd.key\"",
    "payload[0]",
    "tags[0]",
];

fn qase() -> Qase {
    Qase {
        name: "qase".to_owned(),
        proof: relaybell::source::proof::Proof::Nothing,
        app_url: "https://app.qase.io".parse().unwrap(),
    }
}

fn hook(source: &Qase, body: &[u8]) -> Verified {
    let hook = RawHook::posted(HeaderMap::new(), Bytes::copy_from_slice(body));
    prove(source, hook, NOW).unwrap()
}

/// The event as it is stored, or why the body cannot be read.
fn whole(source: &Qase, body: &[u8]) -> Result<Event, String> {
    let report = source.normalise(&hook(source, body)).map_err(|malformed| malformed.why)?.remove(0);
    let id = EventId::new(NOW, [7; 10]);
    let body = Bytes::copy_from_slice(body);
    let arrival = Arrival { id, source: "qase".into(), report, body, received: NOW, revision: "r1".into() };
    Ok(see(arrival, &Known::default()))
}

fn path(text: &str) -> FactPath {
    FactPath::parse(text).unwrap()
}

fn all_paths() -> Vec<FactPath> {
    catalogue().facts().iter().map(|fact| fact.name).chain(PATHS).map(path).collect()
}

/// All of them for which the payload need not be read as a whole.
fn all_but_the_whole_payload() -> Vec<FactPath> {
    let is_part = |path: &FactPath| path.name() != "payload" || path.part().is_some();
    all_paths().into_iter().filter(is_part).collect()
}

/// Whether a lens for `asked` shows of `body` what the event has.
fn same(asked: &[FactPath], body: &[u8]) -> Result<(), TestCaseError> {
    let source = qase();
    let lens = source.lens(asked);
    let seen = lens.glimpse(&hook(&source, body), NOW).map_err(|malformed| malformed.why);
    let whole = whole(&source, body);
    match (seen, whole) {
        (Ok(seen), Ok(event)) => {
            for path in asked {
                let (shown, expected) = (seen.value(path), event.facts.get(path));
                prop_assert_eq!(shown.as_deref(), expected, "{}", path);
                prop_assert!(!seen.has_changed(path.name()) && !event.facts.is_changed(path.name()));
            }
        }
        (seen, whole) => prop_assert_eq!(seen.map(|_| ()), whole.map(|_| ())),
    }
    Ok(())
}

#[test]
fn every_fact_of_every_sample_is_seen_through_a_lens_of_its_own() {
    for sample in samples() {
        let paths = all_paths();
        same(&paths, sample.body.as_bytes()).unwrap();
        same(&all_but_the_whole_payload(), sample.body.as_bytes()).unwrap();
        for path in paths {
            same(&[path], sample.body.as_bytes()).unwrap();
        }
    }
}

#[test]
fn what_is_unusual_about_a_body_is_seen_and_told_in_the_same_way() {
    let deep = |depth: usize| {
        format!(r#"{{"event_name":"run.started","payload":{{"x":{}1{}}}}}"#, "[".repeat(depth), "]".repeat(depth))
    };
    let bodies = [
        "",
        " ",
        "[]",
        "7",
        "null",
        "{}",
        r#"{"event_name":"a"}"#,
        r#"{"event_name":"a"} x"#,
        r#"{"event_name":null,"event":"b"}"#,
        r#"{"event":"b","payload":null}"#,
        r#"{"event":"b","payload":[]}"#,
        r#"{"event":"b","payload":[1]}"#,
        r#"{"event":"b","payload":"x"}"#,
        r#"{"event":"b","payload":{"id":1},"payload":[]}"#,
        r#"{"event":"b","payload":[1],"payload":{"id":2}}"#,
        r#"{"event":"b","payload":{"id":1,"title":"a"},"payload":{"id":2,"id":3}}"#,
        r#"{"event":"b","event_name":"a","event_name":"c.d","project_code":1,"project_code":null}"#,
        r#"{"event":"b","payload":{"project":"SHOP","id":"\u00e9"}}"#,
        r#"{"ev\u0065nt":"b","payl\u006fad":{"\u0069d":4}}"#,
        r#"{"event":"b","payload":{"x":1e999}}"#,
        r#"{"event":"b","payload":{"x":"\ud800"}}"#,
        r#"{"event":"b","payload":{"x":"\q"}}"#,
        r#"{"event":"b","payload":{"x":01}}"#,
        "{\"event\":\"b\",\"payload\":{\"x\":\"\t\"}}",
        r#"{"event":"b","payload":{"x":{"$serde_json::private::RawValue":"{"}}}"#,
        r#"{"event":"b","payload":{"$serde_json::private::RawValue":"1"}}"#,
        r#"{"event":"b","payload":{"$x":1,"id":2}}"#,
        r#"{"event":"b","payload":{"x":{"$serde_json::private::Number":"x"}}}"#,
        r#"{"event":"b","timestamp":"1789400000","team_member_id":0,"payload":{"hash":"abc","title":7}}"#,
        &deep(125),
        &deep(126),
        &deep(127),
        &deep(500),
    ];
    for body in bodies {
        for asked in [all_paths(), all_but_the_whole_payload(), vec![path("id")], vec![path("payload.x")], Vec::new()] {
            same(&asked, body.as_bytes()).unwrap_or_else(|why| panic!("{body}: {why}"));
        }
    }
    for body in
        [b"{\"event\":\"\xff\"}".as_slice(), b"\xef\xbb\xbf{\"event\":\"a\"}", b"{\"event\":\"a\",\"x\":\"\xc3\"}"]
    {
        same(&[path("id")], body).unwrap();
    }
}

/// Values that senders put where others belong.
fn odd() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(0),
        json!(-7),
        json!(2.5),
        json!("  "),
        json!("Blocker"),
        json!("12"),
        json!(true),
        json!([]),
        json!([1, 2]),
        json!([{ "title": "A" }, { "link": "https://x" }]),
        json!({}),
        json!({ "id": 2, "title": "High" }),
        json!({ "title": "X", "email": "a@b.c", "severity": "minor", "suite_id": 4 }),
    ])
}

/// A body made of the samples: one event's name with fields of several, some of them odd.
fn body() -> impl Strategy<Value = String> {
    let fields = vec((any::<Index>(), any::<Index>(), proptest::option::weighted(0.3, odd())), 0..14);
    let envelope = vec((select(&["project_code", "timestamp", "team_member_id", "event", "other"][..]), odd()), 0..3);
    (any::<Index>(), fields, envelope).prop_map(|(base, fields, envelope)| {
        let parsed = |at: &Index| -> Value { serde_json::from_str(at.get(samples()).body).unwrap() };
        let mut body = parsed(&base);
        let mut payload = body.get("payload").and_then(Value::as_object).cloned().unwrap_or_default();
        for (sample, at, value) in fields {
            let from = parsed(&sample);
            let from = from.get("payload").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
            let all: Vec<_> = from.into_iter().collect();
            if all.is_empty() {
                continue;
            }
            let (name, own) = at.get(&all);
            payload.insert(name.clone(), value.unwrap_or_else(|| own.clone()));
        }
        body["payload"] = payload.into();
        for (name, value) in envelope {
            body[name] = value;
        }
        body.to_string()
    })
}

fn a_test() -> impl Strategy<Value = Test> {
    let wanted = || {
        prop_oneof![
            select(&["PAY", "SHOP", "blocker", "High", "1", "true", "defect.created", "12", "X"][..])
                .prop_map(|text| Wanted::Text(Folded::new(text))),
            Just(Wanted::Glob(Folded::new("*.created"))),
            (0_i32..5).prop_map(|number| Wanted::Number(number.into())),
        ]
    };
    prop_oneof![
        4 => vec(wanted(), 1..4).prop_map(Test::OneOf),
        2 => (select(&[Bound::AtLeast, Bound::Below][..]), 0_i32..6)
            .prop_map(|(bound, limit)| Test::Order(bound, Limit::Number(limit.into()))),
        1 => (1_usize..7).prop_map(|rank| Test::Order(Bound::AtLeast, Limit::Rank(rank))),
        1 => select(&["a", "Te", "X"][..]).prop_map(|text| Test::StartsWith(Folded::new(text))),
        1 => select(&["a", "E"][..]).prop_map(|text| Test::Contains(Folded::new(text))),
        1 => select(&[Presence::There, Presence::Absent][..]).prop_map(Test::Present),
        1 => any::<bool>().prop_map(Test::Changed),
        1 => vec(wanted(), 1..3).prop_map(|wanted| Test::Not(vec![Test::OneOf(wanted)])),
        1 => vec(wanted(), 1..3).prop_map(Test::HasAny),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let line = || {
        (select(all_but_the_whole_payload()), vec(a_test(), 1..3))
            .prop_map(|(fact, tests)| Condition::Line(Line { fact, tests, line: 0 }))
    };
    let part = prop_oneof![
        6 => line(),
        1 => vec(line(), 0..3).prop_map(Condition::Any),
        1 => vec(line(), 0..3).prop_map(Condition::None),
    ];
    vec(part, 0..4).prop_map(Condition::All)
}

fn expressions() -> Vec<Expression> {
    [
        "cases >= 10 && !title.startsWith('Smoke')",
        "has(payload.custom_fields) && payload.custom_fields.exists(f, f.title == 'Browser')",
        "rank(severity) >= rank('major')",
        "payload.id == id",
        "payload.nothing == 1",
    ]
    .map(compile)
    .to_vec()
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let one = (
        condition(),
        proptest::option::weighted(0.3, condition()),
        proptest::option::weighted(0.3, select(expressions())),
    );
    vec(one, 1..25).prop_map(|rules| {
        let named = rules.into_iter().enumerate();
        let rule = |(n, (when, unless, expression)): (usize, _)| Rule {
            name: format!("rule-{n}").into(),
            place: ("rules.yaml".into(), 1),
            when,
            unless,
            expression,
            send: Vec::new(),
            handling: Handling::default(),
        };
        named.map(rule).collect()
    })
}

/// What rules decide, but for those that refuse.
fn decided(rules: &RuleSet, event: &impl Look) -> Vec<(String, Judgement)> {
    rules.judged(event).map(|(rule, judgement)| (rule.name.to_string(), judgement)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn rules_decide_the_same_of_a_glimpse_as_of_the_whole_event(rules in rules(), bodies in vec(body(), 1..6)) {
        let source = qase();
        let set = RuleSet::new(rules.clone());
        let lens = source.lens(set.asked());
        for body in &bodies {
            let event = whole(&source, body.as_bytes());
            let seen = lens.glimpse(&hook(&source, body.as_bytes()), NOW).map_err(|malformed| malformed.why);
            let (event, seen) = match (event, seen) {
                (Ok(event), Ok(seen)) => (event, seen),
                (event, seen) => {
                    prop_assert_eq!(event.map(|_| ()), seen.map(|_| ()));
                    continue;
                }
            };
            let one_by_one: Vec<(String, Judgement)> = rules
                .iter()
                .map(|rule| (rule.name.to_string(), rule.judge(&event.facts, &mut Silent)))
                .filter(|(_, judgement)| *judgement != Judgement::Refuses)
                .collect();
            prop_assert_eq!(decided(&set, &event.facts), one_by_one.clone());
            prop_assert_eq!(decided(&set, &seen), one_by_one);
        }
    }

    #[test]
    fn every_fact_of_any_body_is_seen(body in body(), asked in proptest::sample::subsequence(all_paths(), 1..8)) {
        same(&asked, body.as_bytes())?;
        same(&all_but_the_whole_payload(), body.as_bytes())?;
        same(&all_paths(), body.as_bytes())?;
    }

    #[test]
    fn a_body_that_is_cut_or_overwritten_is_read_in_the_same_way(
        body in body(),
        at in any::<Index>(),
        byte in proptest::option::of(any::<u8>()),
    ) {
        let mut body = body.into_bytes();
        let at = at.index(body.len());
        match byte {
            Some(byte) => body[at] = byte,
            None => body.truncate(at),
        }
        same(&[path("severity"), path("payload.title")], &body)?;
    }
}

/// A value need not be owned to be seen: what the payload shows is not copied.
#[test]
fn what_a_path_leads_to_is_borrowed() {
    let source = qase();
    let asked = [path("payload.custom_fields[0].title")];
    let lens = source.lens(&asked);
    let body = r#"{"event_name":"case.created","payload":{"custom_fields":[{"title":"Browser"}]}}"#;
    let seen = lens.glimpse(&hook(&source, body.as_bytes()), NOW).unwrap();
    assert!(matches!(seen.value(&asked[0]), Some(Cow::Borrowed(_))));
}
