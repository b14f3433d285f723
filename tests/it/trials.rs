//! Tests in rule files: what `relaybell test` runs, tells and makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;
use relaybell::config::Secrets;
use relaybell::config::diagnostic::Color;
use relaybell::config::trials::Receive;
use relaybell::domain::delivery::{Action, NewDelivery};
use relaybell::domain::message::Content;
use relaybell::ports::Clock;
use relaybell::ports::http::HttpExchange;
use relaybell::relay::trial::{self, Bench};
use relaybell::source::qase::samples;
use relaybell::source::{ByHand, RawHook};
use relaybell::store::DeliveryRecord;
use serde_json::{Value, json};

use crate::diagnose::{Memory, load};
use crate::support::files::Folder;
use crate::support::http::{ask, json as body_of};
use crate::support::process::{Serving, run, stderr, stdout};
use crate::support::rig::{RED_AND_BLUE, Rig, TWO_CHATS};

/// What a run told on stdout and stderr, with times made the same.
pub fn told(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(folder, arguments);
    let steady = |text: String| {
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            let line = match (line.find('['), line.find(" ms]")) {
                (Some(from), Some(to)) if from < to => format!("{}[TIME{}", &line[..from], &line[to + 3..]),
                _ => match line.rfind(", in ") {
                    Some(at) if line.ends_with(" ms") => line[..at].to_owned(),
                    _ => line.to_owned(),
                },
            };
            lines.push(line);
        }
        lines.join("\n")
    };
    (output.status.code(), steady(stdout(&output)), steady(stderr(&output)))
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_shipped_rules_pass_their_tests_and_all_of_them_are_reached() {
    let (code, out, err) = told(&root(), &["test"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(!out.contains("FAIL") && !out.contains("not reached") && !out.contains("never sent"), "{out}");
    assert!(err.ends_with("0 failed"), "{err}");
    insta::assert_snapshot!("test.shipped", out);
}

const CONFIG: &str = r#"
sources: { qase: { kind: qase, secrets: ["${QASE_WEBHOOK_SECRET}"] } }
destinations:
  chat: { kind: slack, webhook_url: "${CHAT_URL}" }
  feed: { kind: slack, webhook_url: "${FEED_URL}" }
  room: { kind: teams, webhook_url: "${ROOM_URL}" }
  jira: { kind: jira, url: https://acme.atlassian.net, email: bot@acme.example, token: "${JIRA_TOKEN}", project: PAY }
people: { qa-oncall: { slack: S0QAONCALL } }
"#;

const RULES: &str = r#"
rules:
  - name: blocker
    when: { event: defect.created, severity: { at_least: critical } }
    unless: { title: { starts_with: "[draft]" } }
    send:
      - { to: chat, mention: ["@qa-oncall"] }
      - { to: jira, fields: { priority: Highest, labels: [qase, "{{project}}"] } }
  - name: everything
    when: { event: defect.created }
    send: [{ to: chat }, { to: feed }]
  - name: paused
    mute_until: 2030-01-01
    when: { event: defect.resolved }
    send: [{ to: room }]
  - name: bad-run
    when: { event: run.completed, any_of: [{ failed: { above: 0 } }, { pass_rate: { below: 0.9 } }] }
    send: [{ to: room }]
  - name: never
    when: { event: suite.deleted }
    send: [{ to: feed }]
tests:
  - name: all is well
    steps:
      - receive: { source: qase, sample: defect.created }
      - expect: [{ to: jira }, { to: feed }, { to: chat, rule: blocker }]
"#;

/// A test whose every `expect` is wrong in another way.
const WRONG: &str = r#"
  - name: all kinds of wrong
    steps:
      - receive:
          source: qase
          body: { event_name: defect.created, payload: { id: 7, title: Checkout fails, severity: normal }, project_code: SHOP }
      - expect:
          - { to: chat, action: post, rule: blocker, contains: [Checkout fails] }
          - { to: jira, action: create }
          - { to: room, rule: blocker }
      - after: 1m
      - receive: { source: qase, sample: defect.created }
      - expect:
          - { to: chat, contains: [Checkout, Voucher], lacks: [blocker], title: "no", link: "https://x.example/", mention: [] }
          - { to: jira, action: create, fields: { priority: High, labels: [a], due: soon } }
          - { to: feed }
          - { to: feed }
      - receive: { source: qase, sample: defect.created }
      - expect: [{ to: chat }]
      - after: 1h
      - expect: [{ to: chat }]
      - receive: { source: qase, sample: run.completed.variant-green-seconds }
      - receive: { source: qase, sample: defect.resolved }
      - expect: [{ to: room, rule: bad-run }, { to: room, rule: paused }]
      - receive:
          source: qase
          body: { event_name: defect.created, payload: { id: 8, title: "[draft] x", severity: blocker }, project_code: SHOP }
      - expect: [{ to: jira }]
"#;

#[test]
fn a_failure_says_what_was_expected_what_came_and_why() {
    let folder = Folder::new(CONFIG, &format!("{RULES}{WRONG}"));
    let (code, out, err) = told(folder.path(), &["test"]);
    assert_eq!(code, Some(1), "{err}");
    insta::assert_snapshot!("test.wrong", format!("{out}\n\n{err}"));
    assert!(!out.contains('\u{1b}'), "colour where there is no terminal");
}

#[test]
fn programs_get_the_results_as_json_and_junit() {
    let folder = Folder::new(CONFIG, &format!("{RULES}{WRONG}"));
    let output = run(folder.path(), &["test", "--json", "--junit", "results.xml"]);
    assert_eq!(output.status.code(), Some(1));
    let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&json!(1), &json!(1)));
    assert_eq!(json["coverage"]["not_reached"][1]["rule"], "never");
    assert_eq!(json["tests"][1]["failures"][0]["missing"][1]["to"], "jira");
    let differs = &json["tests"][1]["failures"][1]["different"][1]["differences"][0];
    assert_eq!(*differs, json!({ "part": "field priority", "expected": "\"High\"", "got": "\"Highest\"" }));
    let xml = fs::read_to_string(folder.path().join("results.xml")).unwrap();
    assert!(xml.contains(r#"tests="2""#) && xml.contains(r#"failures="1""#), "{xml}");
    assert!(xml.contains(r#"<testsuite name="rules/rules.yaml""#) && xml.contains("all kinds of wrong"), "{xml}");
    assert!(xml.contains("severity is critical or worse; seen: normal"), "{xml}");
}

#[test]
fn a_filter_takes_names_of_tests_and_of_files_and_must_find_one() {
    let folder = Folder::new(CONFIG, &format!("{RULES}{WRONG}"));
    let (code, out, err) = told(folder.path(), &["test", "--filter", "IS WELL"]);
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{out}{err}");
    let (code, out, _) = told(folder.path(), &["test", "--filter", "rules.yaml"]);
    assert!(code == Some(1) && out.contains("all is well") && out.contains("all kinds of wrong"), "{out}");
    let (code, out, err) = told(folder.path(), &["test", "--filter", "nowhere"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert_eq!(err, "error: no test and no file with tests is called 'nowhere'");
}

#[test]
fn without_tests_there_is_a_remark() {
    let rules = RULES.split("tests:").next().unwrap();
    let folder = Folder::new(CONFIG, rules);
    let (code, out, err) = told(folder.path(), &["test"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(err.starts_with("no tests yet for 5 rules: write them below 'tests:' in a rule file"), "{err}");
}

#[test]
fn a_template_that_fails_on_a_webhook_fails_the_test() {
    let rules = RULES.replace("send: [{ to: chat }, { to: feed }]", "send: [{ to: chat }, { to: feed, template: t }]");
    let folder = Folder::new(CONFIG, &rules);
    folder.write("templates/t.md.hbs", "---\ntitle: \"{{environment}}\"\n---\n");
    let (code, out, _) = told(folder.path(), &["test"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("receive: the message of 't' was not rendered as written"), "{out}");
}

/// The outcome of the first test of these rules.
fn outcome(files: &Memory) -> trial::Outcome {
    let snapshot = load(files, Secrets::Leave).unwrap_or_else(|found| panic!("{}", found.render(Color::Never)));
    futures_util::FutureExt::now_or_never(trial::run(&snapshot, &snapshot.trials[0])).unwrap().unwrap()
}

fn passes(steps: &str) -> bool {
    let rules = RULES.split("tests:").next().unwrap();
    let files = Memory::default()
        .with("relaybell.yaml", CONFIG)
        .with(
            "rules/fixtures/near.json",
            json!({ "event_name": "defect.created", "payload": { "title": "near" } }).to_string(),
        )
        .with(
            "fixtures/near.json",
            json!({ "event_name": "defect.created", "payload": { "title": "far" } }).to_string(),
        )
        .with("rules/a.yaml", format!("{rules}tests:\n  - name: it\n    steps: [{steps}]\n"));
    outcome(&files).failures.is_empty()
}

/// Steps and whether a test of them passes.
#[test]
fn steps_mean_what_they_say() {
    let created = |id: u64, severity: &str| {
        format!(
            "receive: {{ source: qase, body: {{ event_name: defect.created, payload: {{ id: {id}, title: T{id}, severity: {severity} }}, project_code: PAY }} }}"
        )
    };
    let (one, two) = (created(1, "minor"), created(2, "minor"));
    let cases = [
        // Exactly these, in any order.
        (format!("{{ {one} }}, {{ expect: [{{ to: chat }}, {{ to: feed }}] }}"), true),
        (format!("{{ {one} }}, {{ expect: [{{ to: feed }}, {{ to: chat }}] }}"), true),
        (format!("{{ {one} }}, {{ expect: [{{ to: chat }}] }}"), false),
        (format!("{{ {one} }}, {{ expect: [{{ to: chat }}, {{ to: feed }}, {{ to: room }}] }}"), false),
        (format!("{{ {one} }}, {{ expect: [] }}"), false),
        // Those that fit are put together, whatever comes first.
        (format!("{{ {one} }}, {{ {two} }}, {{ expect: [{{ to: chat }}, {{ to: chat, contains: T1 }}, {{ to: feed }}, {{ to: feed }}] }}"), true),
        (format!("{{ {one} }}, {{ {two} }}, {{ expect: [{{ to: chat, contains: T1 }}, {{ to: chat, contains: T1 }}, {{ to: feed }}, {{ to: feed }}] }}"), false),
        // Each `expect` begins anew.
        (format!("{{ {one} }}, {{ expect: [{{ to: chat }}, {{ to: feed }}] }}, {{ {two} }}, {{ expect: [{{ to: chat }}, {{ to: feed }}] }}"), true),
        (format!("{{ {one} }}, {{ expect: [{{ to: chat }}, {{ to: feed }}] }}, {{ after: 1s }}, {{ expect: [] }}"), true),
        // A repetition within 10 minutes does nothing; later it is news.
        (format!("{{ {one} }}, {{ after: 9m }}, {{ {one} }}, {{ expect: [{{ to: chat }}, {{ to: feed }}] }}"), true),
        (format!("{{ {one} }}, {{ expect: [{{ to: chat }}, {{ to: feed }}] }}, {{ after: 10m }}, {{ {one} }}, {{ expect: [{{ to: chat }}, {{ to: feed }}] }}"), true),
        // Texts compare exactly.
        (format!("{{ {one} }}, {{ expect: [{{ to: chat, contains: T1 }}, {{ to: feed, contains: 'severity: minor' }}] }}"), false),
        (format!("{{ {one} }}, {{ expect: [{{ to: chat, contains: t1 }}, {{ to: feed }}] }}"), false),
        (format!("{{ {one} }}, {{ expect: [{{ to: chat, lacks: t1 }}, {{ to: feed, lacks: [T2, T3] }}] }}"), true),
        (format!("{{ {one} }}, {{ expect: [{{ to: chat, lacks: T1 }}, {{ to: feed }}] }}"), false),
        (format!("{{ {one} }}, {{ expect: [{{ to: chat, mention: [] }}, {{ to: feed, rule: everything }}] }}"), true),
        (format!("{{ {one} }}, {{ expect: [{{ to: chat, mention: '@qa-oncall' }}, {{ to: feed }}] }}"), false),
        // A file beside the rules goes before one beside relaybell.yaml.
        ("{ receive: { source: qase, file: fixtures/near.json } }, { expect: [{ to: chat, contains: near }, { to: feed }] }".to_owned(), true),
        ("{ receive: { source: qase, file: fixtures/near.json } }, { expect: [{ to: chat, contains: far }, { to: feed }] }".to_owned(), false),
    ];
    for (steps, wanted) in cases {
        assert_eq!(passes(&steps), wanted, "{steps}");
    }
}

#[test]
fn what_is_not_said_is_not_found() {
    let rules = r#"
rules:
  - name: done
    when: { event: defect.resolved }
    send:
      - { to: jira, action: transition, status: Done }
      - { to: jira, action: comment, template: t }
      - { to: chat, action: post, template: t }
"#;
    let passes = |expected: &str| {
        let tests = format!(
            "tests:\n  - name: it\n    steps:\n      - receive: {{ source: qase, sample: defect.resolved }}\n      - expect: [{expected}]\n"
        );
        let files = Memory::default()
            .with("relaybell.yaml", CONFIG)
            .with("rules/a.yaml", format!("{rules}{tests}"))
            .with("templates/t.md.hbs", "---\ntitle: T {{id}}\nfields:\n  By: \"{{actor}}\"\n---\n**Bold** text\n")
            .with("templates/t.slack.json.hbs", r#"{ "text": "own words", "blocks": [{ "n": 17 }] }"#);
        outcome(&files).failures.is_empty()
    };
    let (moved, told) = (
        "{ to: jira, action: transition, status: Done, lacks: defect }",
        "{ to: chat, contains: [own words, '17'], lacks: T 58 }",
    );
    let noted = "{ to: jira, action: comment, title: T 58, contains: [Bold text, 'By: member 118'] }";
    assert!(passes(&format!("{moved}, {told}, {noted}")));
    for (part, wrong) in [
        (moved, "{ to: jira, action: transition, status: Closed }"),
        (moved, "{ to: jira, action: transition, title: defect.resolved }"),
        (moved, "{ to: jira, action: transition, contains: defect }"),
        (told, "{ to: chat, contains: T 58 }"),
        (noted, "{ to: jira, action: comment, contains: '**Bold**' }"),
    ] {
        let steps = format!("{moved}, {told}, {noted}").replace(part, wrong);
        assert!(!passes(&steps), "{steps}");
    }
}

#[test]
fn the_clock_is_the_test_s() {
    let muted = |at: &str| {
        let rules = RULES.split("tests:").next().unwrap();
        let tests = format!(
            "tests:\n  - name: it\n    at: {at}\n    steps:\n      - receive: {{ source: qase, sample: defect.resolved }}\n      - expect: [{{ to: room, rule: paused }}]\n"
        );
        let files = Memory::default().with("relaybell.yaml", CONFIG).with("rules/a.yaml", format!("{rules}{tests}"));
        !outcome(&files).failures.is_empty()
    };
    assert!(muted("2029-12-31T23:59:59Z"));
    assert!(!muted("2030-01-01T00:00:00Z"));
}

/// What was sent, without ids and times.
fn sent(rule: &str, destination: &str, action: Action, content: &Content) -> String {
    format!("{rule} {action} {destination} {content:?}")
}

#[tokio::test]
async fn a_test_causes_what_the_live_relay_causes() {
    let rules = format!(
        "{RED_AND_BLUE}  - name: bad\n    when: {{ severity: {{ at_least: critical }} }}\n    unless: {{ event: '*.deleted' }}\n    \
         send: [{{ to: red, mention: ['@here'] }}, {{ to: blue }}]\n    about: [project, event]\n"
    );
    let rig = Rig::start(TWO_CHATS, &rules).await;
    let snapshot = rig.relay.shared.current.load_full();
    let spec = &snapshot.sources["qase"];
    let mut bench = Bench::new(&snapshot, rig.clock.now());
    let (mut tried, mut repeated) = (Vec::new(), 0);
    // The second round comes within 10 minutes, the third does not.
    for pause in [Duration::from_secs(60), Duration::from_secs(660), Duration::ZERO] {
        for sample in samples() {
            let live = rig.hook(&serde_json::from_str(sample.body).unwrap()).await.unwrap();
            let body: Value = serde_json::from_str(sample.body).unwrap();
            let body = Bytes::from(body.to_string());
            let hook = RawHook::posted(HeaderMap::new(), body.clone());
            let reports = ByHand(spec.adapter.as_ref()).read(hook).unwrap();
            let receive = Receive { source: spec.name.clone(), body, reports };
            for happening in bench.receive(&receive, 1).await.unwrap() {
                assert_eq!(happening.repeated, live.duplicate, "{}", sample.variant);
                repeated += usize::from(happening.repeated);
                let of = |new: &NewDelivery| sent(&new.rule, &new.destination, new.action, &new.content);
                tried.extend(happening.deliveries.iter().map(of));
            }
        }
        rig.clock.advance(pause);
        bench.pass(pause);
    }
    let of = |record: &DeliveryRecord| sent(&record.rule, &record.destination, record.action, &record.content);
    let mut lived: Vec<String> = rig.deliveries().await.iter().map(of).collect();
    assert!(lived.len() > 30 && lived.len() < 1000 && repeated >= samples().len(), "{} {repeated}", lived.len());
    tried.sort();
    lived.sort();
    assert_eq!(tried, lived);
}

/// The shipped configuration, serving on a free port, with a store.
fn serving_shipped() -> Folder {
    let config = fs::read_to_string(root().join("relaybell.yaml")).unwrap();
    let folder = Folder::new(&config.replace("listen: 127.0.0.1:8480", "listen: 127.0.0.1:0"), "rules: []\n");
    for part in ["rules", "templates", "fixtures"] {
        for entry in fs::read_dir(root().join(part)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{part}/{}", path.file_name().unwrap().to_str().unwrap());
            folder.write(&name, &fs::read_to_string(&path).unwrap());
        }
    }
    folder
}

/// What serving needs; nothing is reached at these addresses.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("QASE_WEBHOOK_SECRET", "a-secret-of-the-tests"),
    ("SLACK_QA_BLOCKERS_URL", "https://127.0.0.1:9/services/T/B/1"),
    ("SLACK_QA_FEED_URL", "https://127.0.0.1:9/services/T/B/2"),
    ("SLACK_BOT_TOKEN", "xoxb-1"),
    ("TEAMS_RELEASE_URL", "https://127.0.0.1:9/teams"),
    ("JIRA_TOKEN", "a-token-of-the-tests"),
];

async fn send(serving: &Serving, body: &Value) -> String {
    let client = Arc::new(HttpExchange::new().unwrap());
    let headers = [("content-type", "application/json"), ("x-qase-secret", "a-secret-of-the-tests")];
    let answer = ask(&client, serving.address, "POST", "/hooks/qase", &headers, body.to_string().as_bytes()).await;
    assert_eq!(answer.status(), 202, "{answer:?}");
    body_of(&answer)["event_id"].as_str().unwrap().to_owned()
}

/// A body with everything that YAML could misread.
fn odd_defect() -> Value {
    json!({
        "event_name": "defect.created", "timestamp": 1_789_382_400, "team_member_id": 112, "project_code": "PAY",
        "payload": {
            "id": 7, "title": "no: \"yes\" # 'on' \u{7f}\u{2028}\u{feff}\u{85} \\n ü 🚨 007", "severity": "blocker",
            "actual_result": "one\n\ttwo\r\n---\n- three: {{title}} & *x", "attachments": [],
            "odd key": null, "~": { "null": [1, { "a": 1.5, "b": [] }, "~", {}], "no": false, "-": "-" }, "": "22:00",
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_made_of_a_stored_event_passes_when_pasted() {
    let folder = serving_shipped();
    let serving = Serving::start_with(folder.path(), "info", &ENVIRONMENT);
    let created = send(&serving, &odd_defect()).await;
    send(&serving, &json!({ "event_name": "defect.updated", "payload": { "id": 7 }, "project_code": "PAY" })).await;
    // Another subject of the same number is no part of it.
    send(&serving, &json!({ "event_name": "defect.updated", "payload": { "id": 7 }, "project_code": "SHOP" })).await;
    let resolved =
        send(&serving, &json!({ "event_name": "defect.resolved", "payload": { "id": 7 }, "project_code": "PAY" }))
            .await;
    let minor = json!({ "event_name": "defect.created", "payload": { "id": 8, "title": "x", "severity": "minor" } });
    let minor = send(&serving, &minor).await;
    drop(serving);

    let rules = fs::read_to_string(root().join("rules/defects.yaml")).unwrap();
    let mut pasted = rules;
    for (id, name, steps, sends) in [
        (&created, "defect.created of defect/7", 2, 3),
        (&resolved, "defect.resolved of defect/7", 6, 6),
        (&minor, "third", 2, 1),
    ] {
        let mut arguments = vec!["test", "--from", id.as_str()];
        if name == "third" {
            arguments.extend(["--name", name]);
        }
        let (code, out, err) = told(folder.path(), &arguments);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        assert!(out.starts_with(&format!("  - name: \"{name}\"\n    at: 20")), "{out}");
        let steps_of = |word: &str| out.matches(&format!("\n      - {word}")).count();
        assert_eq!(steps_of("receive") + steps_of("expect"), steps, "{out}");
        assert_eq!(out.matches("- { to: ").count(), sends, "{out}");
        pasted = format!("{pasted}\n{out}\n");
    }
    folder.write("rules/defects.yaml", &pasted);
    let (code, out, err) = told(folder.path(), &["test"]);
    assert_eq!(code, Some(0), "{pasted}\n{out}{err}");
    assert_eq!(out.matches("PASS").count(), 14, "{out}");
    // The next one has another name.
    let (_, out, _) = told(folder.path(), &["test", "--from", &created]);
    assert!(out.starts_with("  - name: \"defect.created of defect/7 (2)\""), "{out}");

    // What today's rules do otherwise is said.
    folder.write("rules/defects.yaml", "rules: []\n");
    let (code, out, err) = told(folder.path(), &["test", "--from", &resolved]);
    assert!(code == Some(0) && out.contains("expect: []"), "{out}");
    assert_eq!(
        err,
        "the test expects what today's rules send (no rule); when it was received it was: blocker-resolved, payment-resolved"
    );
    let (code, _, err) = told(folder.path(), &["test", "--from", "ffffffff"]);
    assert_eq!((code, err.as_str()), (Some(1), "error: there is no event ffffffff"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever order the expected deliveries stand in, the outcome is the same.
    #[test]
    fn the_order_of_what_is_expected_does_not_matter(order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(), wrong in 0..8_usize) {
        let entries = [
            "{ to: chat }", "{ to: chat, contains: T1 }", "{ to: feed, contains: T2 }", "{ to: feed }",
            "{ to: feed, contains: T3 }", "{ to: chat, contains: [T3, minor] }",
        ];
        let expected: Vec<String> = order
            .iter()
            .map(|at| if *at == wrong { entries[*at].replace(" }", ", lacks: minor }") } else { entries[*at].to_owned() })
            .collect();
        let received: Vec<String> = (1..=3)
            .map(|id| format!("{{ receive: {{ source: qase, body: {{ event_name: defect.created, payload: {{ id: {id}, title: T{id}, severity: minor }} }} }} }}"))
            .collect();
        let steps = format!("{}, {{ expect: [{}] }}", received.join(", "), expected.join(", "));
        prop_assert_eq!(passes(&steps), wrong >= 6, "{}", steps);
    }
}
