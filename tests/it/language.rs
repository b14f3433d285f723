//! `where`, `changed` and `age` on the way of an event: what memory knew, what the rules
//! say, and what is kept of it.

use std::time::Duration;

use relaybell::domain::facts::Origin;
use relaybell::domain::plan::Decision;
use relaybell::store::Ledger;
use serde_json::{Value, json};

use crate::support::rig::{Rig, TWO_CHATS};

fn event(name: &str, time: u64, payload: &Value) -> Value {
    json!({ "event_name": name, "timestamp": time, "team_member_id": 112, "project_code": "SHOP", "payload": payload })
}

/// Hands over the events, an hour apart; for each, the rules that sent and those that were
/// held back with the reason.
async fn decided(rules: &str, events: &[(&str, Value)]) -> Vec<Vec<String>> {
    let rig = Rig::start(TWO_CHATS, rules).await;
    let mut all = Vec::new();
    for (hour, (name, payload)) in (0_u64..).zip(events) {
        let id = rig.hook(&event(name, 1_789_372_800 + hour * 3600, payload)).await.unwrap().event;
        let record = rig.store.event(id).await.unwrap().unwrap();
        let told = record.verdicts.iter().map(|verdict| match &verdict.decision {
            Decision::HeldBack { why } => format!("{}: {why}", verdict.rule),
            _ => verdict.rule.to_string(),
        });
        all.push(told.collect());
        rig.clock.advance(Duration::from_secs(3600));
    }
    all
}

const CHANGES: &str = r#"
rules:
  - name: severity-changed
    when: { severity: { changed: true } }
    send: [{ to: red }]
  - name: severity-kept
    when: { severity: { changed: false } }
    send: [{ to: blue }]
  - name: some-of-them
    when: { changed: { has_any: [severity, title] } }
    where: '"title" in changed || size(changed) > 0'
    send: [{ to: red }]
  - name: the-description
    when: { changed: description }
    send: [{ to: blue }]
"#;

#[tokio::test]
async fn a_fact_has_changed_when_it_differs_from_what_was_remembered() {
    let case = |fields: Value| {
        let mut payload = json!({ "id": 7, "title": "Pay by card", "severity": { "id": 2, "title": "Critical" } });
        payload.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        payload
    };
    let again = "another rule sends the same already";
    let decided = decided(
        CHANGES,
        &[
            // First seen: nothing was remembered, so nothing has changed.
            ("case.created", case(json!({ "description": "as it was" }))),
            ("case.updated", case(json!({ "severity": { "id": 1, "title": "Blocker" } }))),
            // The same again.
            ("case.updated", case(json!({ "severity": { "id": 1, "title": "Blocker" } }))),
            // Said to be no more: counted by name, and missing for its own lines.
            ("case.updated", case(json!({ "severity": { "id": 1, "title": "Blocker" }, "description": null }))),
            // Said anew after that: nothing was remembered of it.
            ("case.updated", case(json!({ "severity": { "id": 1, "title": "Blocker" }, "description": "new" }))),
            // What the event does not say stays as it was.
            ("case.deleted", json!({ "id": 7 })),
            ("case.updated", case(json!({ "severity": { "id": 1, "title": "Blocker" }, "title": "Pay" }))),
        ],
    )
    .await;
    assert_eq!(
        decided,
        [
            vec!["severity-kept".to_owned()],
            vec!["severity-changed".to_owned(), format!("some-of-them: {again}")],
            vec!["severity-kept".to_owned()],
            vec!["severity-kept".to_owned(), format!("the-description: {again}")],
            vec!["severity-kept".to_owned()],
            vec!["severity-kept".to_owned()],
            vec!["severity-kept".to_owned(), "some-of-them".to_owned()],
        ]
    );
}

#[tokio::test]
async fn what_belongs_to_one_event_never_changes_and_what_has_no_subject_has_no_age() {
    let rig = Rig::start(TWO_CHATS, "rules: []\n").await;
    let mut first = event("defect.created", 1, &json!({ "id": 7, "title": "x", "severity": "blocker" }));
    rig.hook(&first).await.unwrap();
    first["team_member_id"] = 113.into();
    first["event_name"] = "defect.updated".into();
    rig.clock.advance(Duration::from_millis(90_500));
    let id = rig.hook(&first).await.unwrap().event;
    let record = rig.store.event(id).await.unwrap().unwrap();
    assert_eq!((&record.facts["values"]["changed"], &record.facts["values"]["age"]), (&json!([]), &json!(90)));
    let origin: Origin = serde_json::from_value(record.facts["origins"]["age"].clone()).unwrap();
    assert_eq!(origin, Origin::Derived);
    let id = rig.hook(&event("something.else", 2, &json!({ "note": "x" }))).await.unwrap().event;
    let record = rig.store.event(id).await.unwrap().unwrap();
    assert_eq!(record.subject, None);
    assert!(record.facts["values"].get("age").is_none() && record.facts["values"].get("changed").is_none());
}

const AGES: &str = r#"
rules:
  - name: fresh
    when: { age: { below: 1h } }
    send: [{ to: red }]
  - name: old
    when: { age: { at_least: 1h, at_most: 1d } }
    send: [{ to: blue }]
  - name: older
    when: { event: defect.* }
    where: age > duration("1h") && age <= 2 * 3600
    send: [{ to: red }]
"#;

#[tokio::test]
async fn age_is_the_time_since_the_subject_was_first_seen() {
    let defect = || json!({ "id": 7, "title": "x", "severity": "blocker" });
    let events = [("defect.created", defect()), ("defect.updated", defect()), ("defect.resolved", json!({ "id": 7 }))];
    assert_eq!(decided(AGES, &events).await, [vec!["fresh"], vec!["old"], vec!["old", "older"]]);
}

const WHERE: &str = r#"
rules:
  - name: large
    when: { event: run.completed }
    where: cases >= 10
    send: [{ to: red }]
  - name: live
    when: { event: run.completed }
    unless: { title: draft }
    where: environment == "live"
    send: [{ to: red }]
  - name: guarded
    when: { event: run.completed }
    where: has(environment) && environment == "live"
    send: [{ to: blue }]
  - name: other
    when: { event: run.started }
    where: environment == "live"
    send: [{ to: blue }]
"#;

#[tokio::test]
async fn a_where_that_fails_is_false_and_its_reason_is_kept() {
    let run = |title: &str, cases: u32| json!({ "id": 5, "title": title, "cases": cases, "passed": cases, "failed": 0, "blocked": 0 });
    let decided = decided(
        WHERE,
        &[("run.completed", run("x", 10)), ("run.completed", run("draft", 9)), ("case.deleted", json!({ "id": 1 }))],
    )
    .await;
    let why = "live: where failed: 'environment' is missing".to_owned();
    // A rule that 'when' or 'unless' decides does not come to its 'where'.
    assert_eq!(decided, [vec!["large".to_owned(), why], vec![], vec![]]);
}
