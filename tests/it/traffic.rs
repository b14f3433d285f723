//! What the events that came have taught: shown by `facts --seen`, and used by `check` and the relay.

use std::collections::BTreeSet;

use relaybell::config::lint::with_traffic;
use relaybell::config::traffic::Traffic;
use relaybell::config::{Secrets, load};
use relaybell::source::qase::{is_read, payload_of, samples};
use relaybell::store::Ledger;
use serde_json::{Value, json};

use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::{Serving, run, stderr, stdout};
use crate::support::rig::{Rig, TWO_CHATS};

fn created(project: &str, id: usize, severity: &str) -> Value {
    json!({
        "event_name": "defect.created", "timestamp": 1_789_382_400, "team_member_id": 1, "project_code": project,
        "payload": {
            "id": id, "title": format!("Defect number {id}"), "severity": severity,
            "custom_fields": [{ "title": "Team", "value": "cart" }], "preconditions": null,
        },
    })
}

fn later(id: usize) -> Value {
    json!({
        "event_name": "defect.reassigned", "timestamp": 1_789_382_400, "team_member_id": 1, "project_code": "PAY",
        "payload": { "id": id, "environment": "staging" },
    })
}

/// Thirty defects of two projects, and five events that Qase does not document.
fn traffic() -> Vec<Value> {
    let projects = ["PAY", "SHOP", "PAY"];
    let defects = (0..30).map(|n| created(projects[n % 3], n, if n % 10 == 0 { "blocker" } else { "minor" }));
    defects.chain((0..5).map(later)).collect()
}

const RULES: &str = "
rules:
  - name: wrong-project
    when: { event: defect.created, project: PYA }
    send: [{ to: red }]
  - name: right-project
    when: { event: defect.created, project: [pay, shop], severity: critical }
    send: [{ to: red }]
  - name: event-that-came
    when: { event: defect.reassigned }
    send: [{ to: blue }]
  - name: event-that-did-not
    when: { event: defect.vanished }
    send: [{ to: blue }]
  - name: field-that-came
    when: { event: defect.created, 'payload.custom_fields[0].title': team }
    send: [{ to: blue }]
  - name: field-that-did-not
    when: { event: defect.created, payload.custom_field.title: team }
    send: [{ to: blue }]
  - name: fact-never-there
    when: { event: defect.created, attachments: { above: 0 } }
    unless: { project: NEVER }
    send: [{ to: blue }]
";

/// The messages of warnings about rules.
fn about_rules(warnings: &relaybell::config::diagnostic::Diagnostics) -> Vec<String> {
    let rules = warnings.0.iter().filter(|one| one.file.ends_with("rules.yaml"));
    rules.map(|one| format!("{}: {}", one.line, one.message)).collect()
}

#[tokio::test]
async fn what_came_is_no_mistake_and_what_never_came_may_be_one() {
    let rig = Rig::start(TWO_CHATS, RULES).await;
    let snapshot = load(&rig.folder.config(), Secrets::Leave).unwrap();
    let before = about_rules(&with_traffic(&snapshot, &Traffic::default()));
    assert!(before.len() == 2 && before.iter().all(|one| one.contains("unknown event")), "{before:#?}");

    for body in traffic() {
        rig.hook(&body).await.unwrap();
    }
    let seen = Traffic::look(rig.store.as_ref(), 1000).await.unwrap();
    assert_eq!((seen.events, seen.by_name.len()), (35, 2));
    let severity = &seen.by_name["defect.created"].facts["severity"];
    assert_eq!((severity.events, severity.frequent()), (30, vec![("minor", 27), ("blocker", 3)]));
    assert!(seen.by_name["defect.created"].facts["title"].values.len() == 30);
    // Memory fills in what the later event lacks.
    assert_eq!(seen.by_name["defect.reassigned"].facts["severity"].remembered, 3);

    let after = about_rules(&with_traffic(&snapshot, &seen));
    insta::assert_snapshot!("warnings", after.join("\n"));

    // Bounded to the newest.
    let newest = Traffic::look(rig.store.as_ref(), 5).await.unwrap();
    assert_eq!(
        (newest.events, newest.by_name.keys().map(String::as_str).collect::<Vec<_>>()),
        (5, vec!["defect.reassigned"])
    );
    assert_eq!(rig.store.events(None, None, 100).await.unwrap().len(), 35);
}

#[tokio::test]
async fn few_events_prove_nothing() {
    let rig = Rig::start(TWO_CHATS, RULES).await;
    for body in traffic().iter().take(19) {
        rig.hook(body).await.unwrap();
    }
    let snapshot = load(&rig.folder.config(), Secrets::Leave).unwrap();
    let seen = Traffic::look(rig.store.as_ref(), 1000).await.unwrap();
    let told = about_rules(&with_traffic(&snapshot, &seen));
    assert!(told.iter().all(|one| one.contains("unknown event")), "{told:#?}");
}

#[tokio::test]
async fn the_relay_holds_new_rules_against_what_came() {
    let rig = Rig::start(TWO_CHATS, "rules: []\n").await;
    for body in traffic() {
        rig.hook(&body).await.unwrap();
    }
    rig.folder.write("rules/rules.yaml", RULES);
    rig.relay.reload().await.unwrap();
    let mut told = Vec::new();
    for _ in 0..500 {
        rig.rest().await;
        told = about_rules(&rig.relay.warnings());
        if told.iter().any(|one| one.contains("'PYA'")) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(told.iter().any(|one| one.contains("had project 'PYA', did you mean 'PAY'?")), "{told:#?}");
    assert!(!told.iter().any(|one| one.contains("reassigned")), "{told:#?}");
}

#[tokio::test]
async fn facts_seen_and_check_read_the_store_beside_the_relay() {
    let config = "server: { listen: 127.0.0.1:0 }\nstorage: { url: \"sqlite:seen.db\" }\nsources: { qase: { kind: qase } }\n\
         destinations:\n  red: { kind: slack, webhook_url: \"http://127.0.0.1:9/red\" }\n  blue: { kind: slack, webhook_url: \"http://127.0.0.1:9/blue\" }\n";
    let folder = Folder::new(config, RULES);
    let early = run(folder.path(), &["facts", "--seen"]);
    assert!(!early.status.success() && stderr(&early).contains("there is no store"), "{}", stderr(&early));
    assert!(!stdout(&run(folder.path(), &["check"])).contains("none of the last"));

    let serving = Serving::start(folder.path());
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    for body in traffic() {
        let body = body.to_string();
        let answer = ask(&client, serving.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
        assert_eq!(answer.status(), http::StatusCode::ACCEPTED);
    }
    let told = run(folder.path(), &["facts", "--seen", "defect.reassigned"]);
    assert!(told.status.success(), "{}", stderr(&told));
    let head = stdout(&told).lines().next().unwrap().to_owned();
    assert!(head.starts_with("defect.reassigned: 5 events, 20"), "{head}");
    let all = stdout(&run(folder.path(), &["facts", "--seen"]));
    let rest: Vec<&str> = all.lines().filter(|line| line.starts_with(' ')).collect();
    let times = rest.iter().map(|line| if line.contains("2026") { "        (time)" } else { line });
    insta::assert_snapshot!("seen", times.collect::<Vec<_>>().join("\n"));
    let machine: Value = serde_json::from_str(&stdout(&run(folder.path(), &["facts", "--seen", "--json"]))).unwrap();
    assert_eq!(machine["looked_at"], 35);
    let fields = &machine["events"][0]["unread_fields"];
    assert_eq!(fields[1], json!({ "path": "payload.custom_fields[].title", "events": 30 }), "{fields}");
    let unknown = run(folder.path(), &["facts", "--seen", "defect.reasigned"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("did you mean 'defect.reassigned'"), "{}", stderr(&unknown));

    let checked = stdout(&run(folder.path(), &["check"]));
    assert!(checked.contains("none of the last 30 defect.created had project 'PYA', did you mean 'PAY'?"), "{checked}");
    assert!(!checked.contains("unknown event 'defect.reassigned'"), "{checked}");
    serving.kill();
}

#[test]
fn fields_that_facts_are_read_from_are_known() {
    // What samples have besides, and no fact is read from.
    let mut unread = BTreeSet::new();
    for sample in samples().iter().filter(|sample| !sample.variant.starts_with("unknown.")) {
        let payload = payload_of(sample.body.as_bytes()).unwrap();
        let names = payload.as_object().unwrap().keys().filter(|name| !is_read(name));
        unread.extend(names.cloned());
    }
    insta::assert_snapshot!("unread", unread.into_iter().collect::<Vec<_>>().join("\n"));
}
