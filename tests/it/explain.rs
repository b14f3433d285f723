//! `explain`, `read` and `facts`, as a person reads them; and the explanation held to the
//! verdict.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::LazyLock;

use proptest::prelude::*;
use relaybell::domain::condition::{Bound, Condition, Folded, Join, Limit, Line, Presence, Silent, Test, Wanted};
use relaybell::domain::expression::Expression;
use relaybell::domain::facts::{FactPath, Facts};
use relaybell::domain::handling::Handling;
use relaybell::domain::rule::{Judgement, Rule, RuleSet};
use relaybell::domain::time::Timestamp;
use relaybell::domain::trace::Trace;
use serde_json::{Value, json};

use crate::support::expressions::compile;
use crate::support::files::Folder;
use crate::support::http::{ask, json as body_of};
use crate::support::process::{Serving, command, run, stderr, stdout};

/// The shipped configuration in a folder of its own, without a store.
fn shipped() -> Folder {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Folder::new(&fs::read_to_string(root.join("relaybell.yaml")).unwrap(), "rules: []\n");
    for part in ["rules", "templates", "fixtures"] {
        for entry in fs::read_dir(root.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{part}/{}", path.file_name().unwrap().to_str().unwrap());
            folder.write(&name, &fs::read_to_string(&path).unwrap());
        }
    }
    folder
}

fn told(folder: &Folder, arguments: &[&str]) -> String {
    let output = run(folder.path(), arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

fn refused(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(folder.path(), arguments);
    assert!(output.stdout.is_empty(), "{arguments:?} told something: {}", stdout(&output));
    (output.status.code(), stderr(&output))
}

#[test]
fn samples_are_explained_by_the_shipped_rules() {
    let folder = shipped();
    for sample in [
        "defect.created",
        "defect.created.variant-gen0",
        "defect.resolved",
        "run.completed",
        "run.completed.variant-green-seconds",
        "review.approval_status_changed.variant-request-changes",
        "case.updated.sparse",
    ] {
        insta::assert_snapshot!(format!("explain.{sample}"), told(&folder, &["explain", sample]));
    }
    insta::assert_snapshot!("explain.rule", told(&folder, &["explain", "run.completed", "--rule", "blocker-defect"]));
    insta::assert_snapshot!(
        "explain.json",
        told(&folder, &["explain", "defect.resolved", "--rule", "blocker-resolved", "--json"])
    );
}

/// Rules whose every part can be seen in an explanation.
const NESTED: &str = r#"
rules:
  - name: nested
    when:
      event: [defect.*, run.started]
      any_of:
        - severity: blocker
        - all_of:
            - severity: critical
            - project: [PAY, Shop]
      none_of:
        - title: { contains: "card" }
        - environment: { present: true }
    send: [{ to: chat }, { to: issues, fields: { labels: [qase] } }]
  - name: excluded
    when: { event: defect.created }
    unless: { title: { starts_with: VOUCHER, not: { ends_with: "(known)" } } }
    send: [{ to: chat }]
  - name: second
    when: { event: defect.created, payload.attachments: { present: true } }
    send: [{ to: chat }]
  - name: first-comes-first
    when: { event: defect.created, id: { above: 50, at_most: 58 } }
    send: [{ to: chat }]
  - name: another
    when:
      any_of:
        - all_of: [{ failed: { above: 0 } }, { cases: { present: true } }]
        - { pass_rate: { below: 0.9 }, cases: { above: 9 } }
        - { severity: trivial, id: 7 }
    send: [{ to: chat }]
"#;

fn nested() -> Folder {
    let config = "sources: { qase: { kind: qase, secrets: [\"${S}\"] } }\n\
        destinations:\n  chat: { kind: slack, webhook_url: \"${C}\" }\n  \
        issues: { kind: jira, url: \"https://acme.atlassian.net\", email: a@b.c, token: \"${J}\", project: PAY, issue_type: Bug }\n";
    Folder::new(config, NESTED)
}

#[test]
fn nests_exclusions_and_repetitions_are_explained() {
    insta::assert_snapshot!("explain.nested", told(&nested(), &["explain", "defect.created"]));
}

/// Rules with a `where` that holds, does not hold and fails.
const WITH_WHERE: &str = r#"
rules:
  - name: holds
    when: { event: run.completed, age: { below: 4h } }
    where: |
      passed / cases > 0.5
        && !title.startsWith("Smoke")
    send: [{ to: chat }]
  - name: does-not-hold
    when: { event: run.completed }
    unless: { changed: { has_any: [title] } }
    where: cases >= 1000 || failed > 100
    send: [{ to: chat }]
  - name: fails
    when: { event: run.completed, title: { present: true } }
    where: payload.owner.name == "me" && age < duration("1h")
    send: [{ to: chat }]
  - name: far
    when: { event: run.completed, title: { changed: true }, severity: blocker }
    where: payload.owner.name == "me"
    send: [{ to: chat }]
"#;

#[test]
fn a_where_is_explained_as_one_line_with_the_facts_it_names() {
    let folder = nested();
    folder.write("rules/rules.yaml", WITH_WHERE);
    folder.write(
        "run.json",
        r#"{"event_name":"run.completed","timestamp":1789387200,"project_code":"SHOP",
        "payload":{"id":9,"title":"Nightly","cases":20,"passed":15,"failed":5,"blocked":0}}"#,
    );
    insta::assert_snapshot!("explain.where", told(&folder, &["explain", "run.json"]));
    insta::assert_snapshot!(
        "explain.where.json",
        told(&folder, &["explain", "run.json", "--rule", "fails", "--json"])
            .lines()
            .filter(|line| !line.contains("\"time\"") && !line.contains("\"revision\""))
            .collect::<Vec<_>>()
            .join("\n")
    );
    insta::assert_snapshot!("read.where", told(&folder, &["read"]));
}

#[test]
fn of_many_rules_that_nearly_match_the_first_are_told_in_full() {
    let folder = nested();
    let rule = |n: u32| {
        format!("  - {{ name: of-{n}, when: {{ event: defect.created, project: P{n} }}, send: [{{ to: chat }}] }}\n")
    };
    let rules: String = (0..30).map(rule).collect();
    folder.write("rules/rules.yaml", &format!("rules:\n{rules}"));
    let text = told(&folder, &["explain", "defect.created"]);
    assert_eq!(text.matches("when: does not hold").count(), 20, "{text}");
    assert_eq!(text.matches("needs: project is P").count(), 10, "{text}");
}

#[test]
fn event_text_cannot_move_the_cursor() {
    let folder = nested();
    let body = json!({ "event_name": "defect.created", "timestamp": 1, "project_code": "SHOP",
        "payload": { "id": 58, "title": "Voucher \u{1b}[2J\u{202e}\n\n  matched", "severity": "critical" } });
    folder.write("hostile.json", &body.to_string());
    let text = told(&folder, &["explain", "hostile.json"]);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    assert_eq!(text.lines().filter(|line| line.trim() == "matched").count(), 1, "{text}");
}

#[test]
fn what_cannot_be_explained_is_refused_with_the_nearest_name() {
    let folder = shipped();
    assert_eq!(
        refused(&folder, &["explain", "defect.creatd"]),
        (
            Some(2),
            "error: 'defect.creatd' is no id of an event, no file and no sample, did you mean 'defect.created'?\n"
                .to_owned()
        )
    );
    let (code, why) = refused(&folder, &["explain", "defect.created", "--rule", "blocker-defct"]);
    assert_eq!(
        (code, why.trim()),
        (Some(2), "error: there is no rule 'blocker-defct', did you mean 'blocker-defect'?")
    );
    let (code, why) = refused(&folder, &["explain", "defect.created", "--source", "qasee"]);
    assert_eq!((code, why.trim()), (Some(2), "error: there is no source 'qasee', did you mean 'qase'?"));
    let (code, why) = refused(&folder, &["explain", "01a1fc77"]);
    assert_eq!(code, Some(1));
    assert!(why.contains("there is no store at"), "{why}");
    folder.write("half.json", "{\"event_name\":");
    let (code, why) = refused(&folder, &["explain", "half.json"]);
    assert_eq!(code, Some(1));
    assert!(why.contains("half.json is no webhook of 'qase'"), "{why}");
    folder.write("rules/broken.yaml", "rules: 7\n");
    let (code, why) = refused(&folder, &["explain", "defect.created"]);
    assert_eq!(code, Some(1));
    assert!(why.contains("rules/broken.yaml:1:"), "{why}");
}

/// Explains a body given on standard input.
fn explain_piped(folder: &Folder, body: &str) -> String {
    let mut child =
        command(folder.path(), &["explain", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    stdout(&output)
}

const RESOLVED_RULE: &str = "rules:\n  - name: resolved\n    when: { event: defect.resolved, severity: blocker }\n    \
    send: [{ to: chat }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_event_is_explained_as_it_was_seen() {
    let config = "server: { listen: 127.0.0.1:0 }\nstorage: { url: \"sqlite:explain.db\" }\n\
        sources: { qase: { kind: qase } }\n\
        destinations: { chat: { kind: slack, webhook_url: \"http://127.0.0.1:9/services/T0/B0/x\" } }\n";
    let folder = Folder::new(config, RESOLVED_RULE);
    let relay = Serving::start(folder.path());
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    let mut ids = Vec::new();
    let resolved =
        r#"{"event_name":"defect.resolved","timestamp":1789387200,"payload":{"id":58},"project_code":"SHOP"}"#;
    let samples = relaybell::source::qase::samples();
    let created = samples.iter().find(|sample| sample.variant == "defect.created").unwrap().body;
    for body in [created, resolved] {
        let answer = ask(&client, relay.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
        ids.push(body_of(&answer)["event_id"].as_str().unwrap().to_owned());
    }

    // Beside the running relay, by the rules that judged it.
    let text = told(&folder, &["explain", &ids[1]]);
    assert!(text.contains("blocker (remembered since 20"), "{text}");
    assert!(text.contains("judged it; the files are the same now"), "{text}");
    assert!(text.contains("as they were seen when it was received") && text.contains("post the built-in message"));
    // A body that is not stored, with what the store remembers.
    let text = explain_piped(&folder, resolved);
    assert!(text.contains("standard input, with what is remembered of defect/58"), "{text}");
    assert!(text.contains("\nmatched\n  resolved "), "{text}");
    let text = explain_piped(&folder, &resolved.replace("58", "59"));
    assert!(text.contains("standard input, and nothing is remembered of defect/59"), "{text}");
    assert!(text.contains("one line away from matching\n  resolved "), "{text}");
    relay.kill();

    // By other rules: what was decided then is told too.
    folder.write("rules/rules.yaml", &RESOLVED_RULE.replace("blocker", "trivial"));
    let text = told(&folder, &["explain", &ids[1]]);
    assert!(text.contains("decided then\n  resolved: 1 sent"), "{text}");
    assert!(text.contains("one line away from matching\n  resolved "), "{text}");
    let machine: Value = serde_json::from_str(&told(&folder, &["explain", &ids[1], "--json"])).unwrap();
    assert_eq!(machine["rules"][0]["matched"], false);
    assert_eq!(machine["rules"][0]["lines_away"], 1);
    assert!(machine["rules"][0]["obstacle"]["lines"][0]["origin"]["memory"]["since"].is_i64(), "{machine}");
    assert_eq!(machine["judged"]["verdicts"][0]["rule"], "resolved");
    assert_ne!(machine["judged"]["revision"], machine["revision"]);
    // The payload is read again from the body that was kept.
    folder.write("rules/rules.yaml", &RESOLVED_RULE.replace("severity: blocker", "payload.id: 58"));
    assert!(told(&folder, &["explain", &ids[1]]).contains("58 (this event)"));
}

#[test]
fn outputs_in_the_documentation_are_real() {
    let folder = shipped();
    let mut seen = 0;
    for page in [include_str!("../../README.md"), include_str!("../../docs/rules.md")] {
        for block in page.split("```console\n$ relaybell ").skip(1) {
            let (line, expected) = block.split_once("\n```").unwrap().0.split_once('\n').unwrap();
            let arguments: Vec<&str> = line.split(' ').collect();
            assert_eq!(told(&folder, &arguments).trim_end(), expected, "{line}");
            seen += 1;
        }
    }
    assert_eq!(seen, 2);
}

#[test]
fn rules_are_read_aloud() {
    let folder = shipped();
    insta::assert_snapshot!("read.shipped", told(&folder, &["read"]));
    let machine: Value = serde_json::from_str(&told(&folder, &["read", "--json"])).unwrap();
    assert_eq!(
        machine[1]["sentence"].as_str().unwrap(),
        "When a defect is created in PAY, unless title starts with \"[draft]\", post defect-opened to payments."
    );

    // Every operator: the examples, made active as their file says.
    let examples = fs::read_to_string(folder.path().join("rules/examples.yaml")).unwrap();
    let active = examples.split_once("rules: []\n").unwrap().1;
    let active: Vec<&str> = active.lines().map(|line| line.trim_start_matches('#')).collect();
    let active: Vec<&str> = active.into_iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    folder.write("rules/examples.yaml", &active.join("\n"));
    let all = told(&folder, &["read"]);
    let examples = all.split_once("rules/examples.yaml\n").unwrap().1.split_once("\nrules/").unwrap().0.to_owned();
    insta::assert_snapshot!("read.examples", examples);
}

#[test]
fn facts_are_listed_with_the_events_that_carry_them() {
    let folder = Folder::new("", "");
    insta::assert_snapshot!("facts.all", told(&folder, &["facts"]));
    insta::assert_snapshot!("facts.defect.created", told(&folder, &["facts", "defect.created"]));
    insta::assert_snapshot!("facts.case.updated", told(&folder, &["facts", "case.updated"]));
    let machine: Value = serde_json::from_str(&told(&folder, &["facts", "--json"])).unwrap();
    let severity = machine.as_array().unwrap().iter().find(|fact| fact["name"] == "severity").unwrap();
    assert_eq!(severity["values"].as_array().unwrap().len(), 7);
    assert!(severity["carried_by"].as_array().unwrap().contains(&json!("defect.created")));
    assert!(severity["remembered_for"].as_array().unwrap().contains(&json!("defect.resolved")));
    let machine: Value = serde_json::from_str(&told(&folder, &["facts", "defect.resolved", "--json"])).unwrap();
    let severity = machine.as_array().unwrap().iter().find(|fact| fact["name"] == "severity").unwrap();
    assert_eq!((&severity["forms"], &severity["remembered_from"]), (&json!([]), &json!(["defect.created"])));
    assert!(machine.as_array().unwrap().iter().all(|fact| fact["name"] != "environment"), "{machine}");
    let (code, why) = refused(&folder, &["facts", "defect.resolvd"]);
    assert_eq!((code, why.trim()), (Some(2), "error: unknown event 'defect.resolvd', did you mean 'defect.resolved'?"));
}

fn a_test() -> impl Strategy<Value = Test> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["a", "b", "blocker", "7"])
            .prop_map(|word| Test::OneOf(vec![Wanted::Text(Folded::new(word))])),
        prop::bool::ANY.prop_map(|there| Test::Present(if there { Presence::There } else { Presence::Absent })),
        (-1..9_i32).prop_map(|limit| Test::Order(Bound::Above, Limit::Number(limit.into()))),
        (1..7_usize).prop_map(|rank| Test::Order(Bound::AtMost, Limit::Rank(rank))),
        Just(Test::Contains(Folded::new("A"))),
        Just(Test::HasNone(vec![Wanted::Text(Folded::new("b"))])),
        prop::bool::ANY.prop_map(Test::Changed),
        (0..9_u32).prop_map(|seconds| Test::Order(Bound::AtLeast, Limit::Seconds(seconds))),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| prop::collection::vec(inner, 1..3).prop_map(Test::Not))
}

fn a_condition() -> impl Strategy<Value = Condition> {
    let fact =
        prop::sample::select(vec!["event", "severity", "title", "failed", "tags", "age", "changed", "payload.x"]);
    let line = (fact, prop::collection::vec(a_test(), 1..3))
        .prop_map(|(fact, tests)| Condition::Line(Line { fact: FactPath::parse(fact).unwrap(), tests, line: 0 }));
    line.prop_recursive(3, 10, 3, |inner| {
        let parts = prop::collection::vec(inner, 0..4);
        prop_oneof![
            parts.clone().prop_map(Condition::All),
            parts.clone().prop_map(Condition::Any),
            parts.prop_map(Condition::None),
        ]
    })
}

fn some_facts() -> impl Strategy<Value = Facts> {
    let value = prop::sample::select(vec![
        json!("a"),
        json!("A b"),
        json!("blocker"),
        json!("trivial"),
        json!(7),
        json!("7"),
        json!(["a", "b"]),
        json!(["severity", "title"]),
        json!({ "x": "a" }),
        json!(true),
        json!(null),
    ]);
    let name = prop::sample::select(vec!["event", "severity", "title", "failed", "tags", "age", "changed", "payload"]);
    prop::collection::btree_map(name, value, 0..6).prop_map(|values| Facts {
        values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Facts::default()
    })
}

/// A `where`, of those that hold, do not hold and fail on [`some_facts`].
fn an_expression() -> impl Strategy<Value = Option<Expression>> {
    static ALL: LazyLock<Vec<Expression>> = LazyLock::new(|| {
        let sources = [
            "age > 5",
            "title == \"a\" || failed > 3",
            "has(payload.x) && payload.x == \"a\"",
            "\"severity\" in changed",
            "tags.exists(t, t == \"b\") && !(title == \"a\")",
            "severity == \"blocker\"",
        ];
        sources.map(compile).into()
    });
    prop::option::of(prop::sample::select(ALL.as_slice()))
}

/// What a trace would have given with other outcomes of its lines, taken in order.
fn replay(trace: &Trace, outcomes: &mut impl Iterator<Item = bool>) -> bool {
    match trace {
        Trace::Line(_) => outcomes.next().unwrap(),
        Trace::Nest { join, parts, .. } => {
            let held: Vec<bool> = parts.iter().map(|part| replay(part, outcomes)).collect();
            match join {
                Join::All => held.iter().all(|held| *held),
                Join::Any => held.iter().any(|held| *held),
                Join::None => !held.iter().any(|held| *held),
            }
        }
    }
}

fn outcomes(trace: &Trace) -> Vec<bool> {
    match trace {
        Trace::Line(seen) => vec![seen.held],
        Trace::Nest { parts, .. } => parts.iter().flat_map(outcomes).collect(),
    }
}

/// The fewest lines that must come out otherwise, found by trying all of them.
fn fewest(trace: &Trace) -> usize {
    let real = outcomes(trace);
    (0_u32..1 << real.len())
        .filter(|flips| replay(trace, &mut real.iter().enumerate().map(|(at, held)| held ^ (flips >> at & 1 == 1))))
        .map(|flips| flips.count_ones() as usize)
        .min()
        .unwrap_or(usize::MAX)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10_000) })]

    #[test]
    fn the_explanation_is_the_verdict(when in a_condition(), unless in prop::option::of(a_condition()), expression in an_expression(), facts in some_facts()) {
        let rule = Rule { name: "r".into(), place: ("f".into(), 1), when, unless, expression, send: Vec::new(), handling: Handling::default() };
        let judged = rule.judge(&facts, &mut Silent);
        let live = judged == Judgement::Matches;
        let rules = RuleSet::new(vec![rule]);
        let explained = relaybell::domain::explain::explain(&rules, &facts, Timestamp::default());
        let [explained] = explained.as_slice() else { panic!("one rule, one explanation") };
        prop_assert_eq!(explained.matched, live);
        prop_assert_eq!(explained.away() == 0, live);
        let shown = explained.expression.as_ref().map(|trace| match trace {
            Trace::Line(seen) => (seen.held, seen.working.clone().unwrap().failed),
            Trace::Nest { .. } => panic!("a where is one line"),
        });
        let expected = explained.rule.expression.as_ref().map(|expression| expression.eval(&facts));
        prop_assert_eq!(&shown, &expected.map(|outcome| (outcome == Ok(true), outcome.err().map(|why| why.to_string()))));
        if let Judgement::Failed(why) = &judged {
            prop_assert_eq!(shown.unwrap().1.unwrap(), why.to_string());
        }
        prop_assert_eq!(explained.when.held(), explained.rule.when.eval(&facts, &mut Silent));
        prop_assert!(!live || explained.obstacle().is_none());
        let traces = [Some(&explained.when), explained.unless.as_ref()];
        for trace in traces.into_iter().flatten().filter(|trace| outcomes(trace).len() <= 10) {
            prop_assert_eq!(trace.away_from(true), fewest(trace));
            prop_assert!(trace.away_from(true) == 0 || trace.away_from(true) == usize::MAX || !trace.culprits(true).is_empty());
        }
    }
}
