//! `kind: json`: what a mapping makes of a webhook.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use relaybell::domain::event::Dedup;
use relaybell::source::RawHook;
use serde_json::{Value, json};

use crate::presets::{read, source, told};

/// What the fact `x` is, mapped by `value`; or why the webhook is refused.
fn fact(value: &str, body: &Value) -> Value {
    let source = source(&format!("kind: json\nmap:\n  event: '\"a.b\"'\n  facts:\n    x: {value}\n"));
    match read(&source, &json!({ "X-Branch": "main", "Authorization": "Bearer hush-hush" }), body.to_string()) {
        Ok(mut reports) => match reports.remove(0).facts.remove("x") {
            Some(Value::Null) => "said to be nothing".into(),
            Some(value) => value,
            None => "missing".into(),
        },
        Err(malformed) => malformed.why.into(),
    }
}

fn a_build() -> Value {
    json!({
        "id": 9_007_199_254_740_993_u64, "status": "Failed", "branch": "refs/heads/feature/cards", "title": "  ", "none": null,
        "priority": "P1", "level": 2, "score": "7.5", "ok": "true", "ended": 1_789_380_000, "ended_ms": 1_789_380_000_500_u64,
        "started": "2026-09-14T09:00:00+02:00", "never": "0001-01-01T00:00:00Z", "tags": ["a", 1, { "name": "b" }, null],
        "jobs": [{ "name": "unit", "ok": true }, { "name": "e2e", "ok": false }], "deep": { "x": { "y": 1 } },
    })
}

#[test]
fn expressions_give_values() {
    for (value, wanted) in [
        ("body.level", json!(2)),
        ("body.id", json!(9_007_199_254_740_993_u64)),
        ("'string(body.id)'", json!("9007199254740993")),
        ("body.deep", json!({ "x": { "y": 1 } })),
        ("body.deep.x.y + 0.5", json!(1.5)),
        ("'{\"P1\": \"blocker\", \"P2\": \"critical\"}[body.priority]'", json!("blocker")),
        ("'{1: \"high\", 2: \"medium\"}[body.level]'", json!("medium")),
        ("'{\"P7\": \"minor\"}[body.priority]'", json!("missing")),
        ("'first({\"P7\": \"minor\"}[body.priority], \"normal\")'", json!("normal")),
        ("first(body.nothing.at.all, body.none, body.title, body.status)", json!("Failed")),
        ("first(body.nothing, body.none)", json!("said to be nothing")),
        ("first(body.nothing, body.title)", json!("missing")),
        ("body.branch.split(\"/\")[2]", json!("feature")),
        ("body.branch.split(\"/\")[9]", json!("missing")),
        ("body.branch.split(\"/\").map(part, upper(part)).join(\"-\")", json!("REFS-HEADS-FEATURE-CARDS")),
        ("body.branch.replace(\"refs/heads/\", \"\")", json!("feature/cards")),
        ("'extract(body.branch, \"^refs/heads/(.+)$\")'", json!("feature/cards")),
        ("'body.branch.extract(\"[a-z]+$\")'", json!("cards")),
        ("'extract(body.branch, \"^refs/tags/(.+)$\")'", json!("missing")),
        ("body.branch.substring(5)", json!("heads/feature/cards")),
        ("body.branch.substring(5, 10)", json!("heads")),
        ("body.branch.substring(90)", json!("missing")),
        ("'trim(\" x \") + lower(body.status)'", json!("xfailed")),
        ("'timestamp(body.ended_ms) - timestamp(body.started)'", json!(10_800.5)),
        ("body.jobs.filter(job, !job.ok).map(job, job.name)", json!(["e2e"])),
        ("body.jobs[1].name", json!("e2e")),
        ("headers[\"x-branch\"]", json!("main")),
        ("headers.authorization", json!("missing")),
        ("'has(body.branch) ? size(body.jobs) : 0'", json!(2)),
        ("body.nothing", json!("missing")),
        ("body.none", json!("said to be nothing")),
        ("body.none.at.all", json!("said to be nothing")),
        ("7", json!(7)),
        ("true", json!(true)),
        ("'\"core\"'", json!("core")),
    ] {
        assert_eq!(fact(value, &a_build()), wanted, "{value}");
    }
}

#[test]
fn values_are_brought_to_the_type_of_their_fact() {
    for (value, wanted) in [
        ("{ value: body.level, type: text }", json!("2")),
        ("{ value: body.score, type: number }", json!(7.5)),
        ("{ value: body.ok, type: flag }", json!(true)),
        ("{ value: body.tags, type: list }", json!(["a", "1", "b"])),
        ("{ value: body.status, type: list }", json!(["Failed"])),
        ("{ value: body.ended, type: time }", json!("2026-09-14T10:00:00.000Z")),
        ("{ value: body.ended_ms, type: time }", json!("2026-09-14T10:00:00.500Z")),
        ("{ value: body.started, type: time }", json!("2026-09-14T07:00:00.000Z")),
        ("{ value: body.never, type: time }", json!("missing")),
        ("{ value: body.title, type: text }", json!("missing")),
        ("{ value: body.title, type: number }", json!("missing")),
        ("{ value: body.level, type: duration }", json!(2)),
        ("{ value: body.deep, type: any }", json!({ "x": { "y": 1 } })),
        ("{ value: body.status, type: number }", json!("map.facts.x: must be a number, but this gives 'Failed'")),
        ("{ value: body.deep, type: text }", json!("map.facts.x: must be text, but this gives an object")),
        ("{ value: body.level, type: flag }", json!("map.facts.x: must be true or false, but this gives 2")),
        ("{ value: body.deep, type: list }", json!("map.facts.x: must be a list, but this gives an object")),
        (
            "{ value: body.status, type: time }",
            json!("map.facts.x: must be a moment such as 2026-09-14T12:20:00Z, but this gives 'Failed'"),
        ),
        ("{ value: -5, type: duration }", json!("map.facts.x: must be a number of seconds, but this gives -5")),
        ("body.deep + 1", json!("map.facts.x: '+' cannot take an object and a number")),
        ("body.level.trim()", json!("map.facts.x: 'trim' needs text, not a number")),
        ("timestamp(body.status)", json!("map.facts.x: 'Failed' is no moment such as 2026-09-14T12:20:00Z")),
    ] {
        assert_eq!(fact(value, &a_build()), wanted, "{value}");
    }
}

const CI: &str = "kind: json
map:
  when: has(body.status)
  event: '\"build.\" + body.status'
  project: body.repo
  subject: '\"build/\" + string(body.id)'
  time: body.at
  id: headers[\"x-delivery\"]
  actor: body.by
  begins: body.status == \"started\"
  facts:
    severity: 'body.status == \"failed\" ? \"critical\" : \"normal\"'
    priority: body.prio
    branch: body.branch
    passed: body.passed
    cases: body.cases
";

#[test]
fn a_webhook_is_one_event() {
    let source = source(CI);
    let headers = json!({ "X-Delivery": "d-1" });
    let whole = json!({
        "status": "Timed Out", "repo": " pay ", "id": 7, "at": 1_789_380_000, "by": "ann", "prio": { "id": 1, "title": "High" },
        "branch": "main", "passed": "9", "cases": 10,
    });
    let started = json!({ "status": "started", "id": "x" });
    let read = |headers: &Value, body: &Value| told(&read(&source, headers, body.to_string()));
    insta::assert_snapshot!(
        [read(&headers, &whole), read(&json!({}), &started), read(&headers, &json!({ "zen": "ping" }))].join("\n"),
        @r#"
    build.timed_out  build/7 of pay  2026-09-14T10:00:00.000Z  by id d-1
        actor: "ann"
        severity: "normal"
        priority: "high"
        branch: "main"
        passed: 9
        cases: 10
        pass_rate: 0.9 (computed)

    build.started  build/x of -  no time  by hash, begins
        severity: "normal"

    no event
    "#
    );
}

#[test]
fn what_cannot_be_read_says_where_it_failed() {
    let source = source(CI);
    for (body, why) in [
        ("", "the body is empty"),
        ("{", "the body is not JSON: EOF while parsing an object at line 1 column 1"),
        ("{\"status\": 5}", "map.event: '+' cannot take text and a number"),
        (
            "{\"status\": \"50 %\"}",
            "map.event: it gives 'build.50 %', but a name of 1 to 100 letters, digits, '_', '.' and '-' is expected",
        ),
        ("{\"status\": \"ok\", \"repo\": {}}", "map.project: it gives an object, but text is expected"),
        ("{\"status\": \"ok\", \"cases\": \"many\"}", "map.facts.cases: must be a number, but this gives 'many'"),
    ] {
        let refused = read(&source, &json!({}), body.to_owned()).unwrap_err();
        assert_eq!(refused.why, why, "{body}");
    }
    let no_event = self::source("kind: json\nmap: { event: body.kind }\n");
    let refused = read(&no_event, &json!({}), "{}").unwrap_err();
    assert_eq!(refused.why, "map.event: 'body.kind' is missing");
    let alerts = self::source("kind: json\nmap: { each: body.alerts, event: item.status }\n");
    for (body, why) in [
        ("{}", "map.each: 'body.alerts' is missing"),
        ("{\"alerts\": 5}", "map.each: it gives 5, but a list is expected"),
        ("{\"alerts\": [{ \"status\": \"firing\" }, {}]}", "map.event: 'item.status' is missing"),
    ] {
        assert_eq!(read(&alerts, &json!({}), body).unwrap_err().why, why, "{body}");
    }
    assert!(read(&alerts, &json!({}), "{\"alerts\": []}").unwrap().is_empty());
}

#[test]
fn a_list_is_one_event_for_each_of_its_items() {
    let source = source(
        "kind: json
map:
  each: body.alerts
  when: item.status != \"unknown\"
  event: '\"alert.\" + item.status'
  project: body.group
  subject: '\"alert/\" + string(index)'
  id: headers[\"x-delivery\"]
  facts: { title: 'first(item.title, body.group)' }
",
    );
    let body = json!({ "group": "pay", "alerts": [
        { "status": "firing", "title": "Slow" }, { "status": "unknown" }, { "status": "resolved" },
    ] });
    let reports = read(&source, &json!({ "X-Delivery": "d-1" }), body.to_string());
    insta::assert_snapshot!(told(&reports), @r#"
    alert.firing  alert/0 of pay  no time  by id d-1#0
        title: "Slow"
    alert.resolved  alert/2 of pay  no time  by id d-1#2
        title: "pay"
    "#);
    let payloads: Vec<Value> = reports.unwrap().into_iter().map(|report| report.payload).collect();
    assert_eq!(payloads, [body["alerts"][0].clone(), body["alerts"][2].clone()]);
    // Without an id, each item of the same bytes is the same event again.
    let hashes = |body: &Value| -> Vec<Dedup> {
        read(&source, &json!({}), body.to_string()).unwrap().into_iter().map(|report| report.dedup).collect()
    };
    assert_eq!(hashes(&body), hashes(&body));
    assert_eq!(
        hashes(&body).len(),
        hashes(&body).iter().map(|dedup| format!("{dedup:?}")).collect::<BTreeSet<_>>().len()
    );
}

#[test]
fn a_list_that_is_too_long_says_how_long_it_may_be() {
    let source =
        source("kind: json\nmap: { each: body.tests, event: '\"test.\" + item.status', subject: item.name }\n");
    let long = |count: usize| {
        let test = |number: usize| json!({ "status": "failed", "name": format!("suite/test-{number}") });
        read(&source, &json!({}), json!({ "tests": (0..count).map(test).collect::<Vec<_>>() }).to_string())
    };
    assert_eq!(long(2000).unwrap().len(), 2000);
    let refused = long(2001).unwrap_err();
    assert!(refused.keep, "it is kept and can be read once the limit is another");
    assert_eq!(
        refused.why,
        "map.each: the list has 2001 items, and at most 2000 can be taken: have the sender split it into several webhooks"
    );
}

#[test]
fn the_payload_is_what_the_mapping_says() {
    let source = source("kind: json\nmap: { event: '\"a.b\"', payload: body.data }\n");
    let payload = |body: Value| read(&source, &json!({}), body.to_string()).unwrap().remove(0).payload;
    assert_eq!(payload(json!({ "data": { "x": 1 } })), json!({ "x": 1 }));
    assert_eq!(payload(json!({})), Value::Null);
}

#[test]
fn a_header_that_is_sent_twice_is_joined() {
    let source = source("kind: json\nmap: { event: '\"a.b\"', facts: { x: 'headers[\"x-tag\"]' } }\n");
    let mut headers = HeaderMap::new();
    headers.append("X-Tag", HeaderValue::from_static("one"));
    headers.append("X-Tag", HeaderValue::from_static("two"));
    let hook = RawHook::posted(headers, "{}".into());
    let report = relaybell::source::ByHand(source.adapter.as_ref()).read(hook).unwrap().remove(0);
    assert_eq!(report.facts["x"], "one, two");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Splitting and joining by the same text gives the same text, and a part is where it was.
    #[test]
    fn pieces_of_text_fit_together(text in "\\PC{0,30}", from in 0_usize..20, length in 0_usize..20) {
        let to = from + length;
        let body = json!({ "text": format!("x{text}"), "from": from, "to": to });
        let whole = format!("x{text}");
        let joined = fact("body.text.split(\"a\").join(\"a\")", &body);
        prop_assert_eq!(joined.as_str().unwrap(), &whole);
        let part: String = whole.chars().skip(from).take(length).collect();
        let cut = fact("'\"[\" + body.text.substring(body.from, body.to) + \"]\"'", &body);
        prop_assert_eq!(cut.as_str().unwrap(), &format!("[{part}]"));
    }
}
