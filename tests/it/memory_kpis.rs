//! Defect figures counted from what the relay itself remembers, and what is known of them
//! when they cannot be counted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use relaybell::domain::event::SubjectKey;
use relaybell::domain::memory::{Memory, MemoryChange};
use relaybell::domain::standing::{Standing, Stands};
use relaybell::standin::Fault;
use relaybell::standin::uipath::Answered;
use relaybell::store::Store;
use serde_json::{Value, json};

use crate::conformance::sketch::plan;
use crate::support::shop::Shop;

const SOURCES: &str = r#"sources:
  qase: { kind: qase, secrets: [sesame-of-qase] }
  ci:
    kind: json
    secrets: [sesame-of-ci]
    map: { event: body.event, project: body.project, subject: body.subject, facts: { severity: body.severity, status: { value: body.status, type: text } } }
"#;

/// A shop whose dashboard is counted from memory, with `kpis` beside that.
async fn shop(kpis: &str) -> Shop {
    let shop = Shop::open("wait: 3s").await;
    shop.change("sources:\n", SOURCES).await;
    shop.change("from: shop-jira, fresh: 60s", &format!("from: memory, fresh: 60s{kpis}")).await;
    shop
}

async fn sent(shop: &Shop, source: &str, header: &str, secret: &str, body: &Value) {
    let headers = [(header, secret), ("content-type", "application/json")];
    let answer = shop.face.ask("POST", &format!("/hooks/{source}"), &headers, body.to_string().as_bytes()).await;
    assert_eq!(answer.status(), 202, "{}", String::from_utf8_lossy(answer.body()));
}

/// Something happens in Qase.
async fn qase(shop: &Shop, event: &str, project: &str, payload: Value) {
    let body = json!({ "event_name": event, "timestamp": 1_789_372_800, "payload": payload, "team_member_id": 4,
        "project_code": project });
    sent(shop, "qase", "x-qase-secret", "sesame-of-qase", &body).await;
}

/// Something happens that the mapped sender tells.
async fn ci(shop: &Shop, event: &str, subject: &str, severity: &str, status: &str) {
    let body = json!({ "event": event, "project": "SHOP", "subject": subject, "severity": severity, "status": status });
    sent(shop, "ci", "x-relaybell-secret", "sesame-of-ci", &body).await;
}

async fn reported(shop: &Shop, id: u32, severity: &str) {
    qase(shop, "defect.created", "SHOP", json!({ "id": id, "title": "Voucher fails", "severity": severity })).await;
}

fn counts(answered: &Answered) -> [u64; 5] {
    assert_eq!(answered.status, 200, "{}", answered.body);
    ["total", "open", "closed", "critical", "moderate"]
        .map(|word| answered.body[format!("{word}Defects")].as_u64().unwrap())
}

/// What a new count says: the last one is old by now.
async fn later(shop: &Shop) -> [u64; 5] {
    shop.clock.advance(Duration::from_secs(3600));
    let answered = shop.defect_status().await;
    assert!(!answered.headers.contains_key("warning"), "{:?}", answered.headers);
    counts(&answered)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_relay_remembers_is_counted() {
    let shop = shop("").await;
    let none = shop.defect_status().await;
    assert_eq!(
        none.body,
        json!({
            "totalDefects": 0, "criticalDefects": 0, "moderateDefects": 0, "openDefects": 0, "closedDefects": 0,
            "status": "Good", "criticalDefectsLink": null,
        }),
        "no defect is known, and that is true"
    );
    for (id, severity) in (1..).zip(["blocker", "critical", "major", "normal", "minor", "blocker", "blocker"]) {
        reported(&shop, id, severity).await;
    }
    // Ids alone: what happened is all that tells.
    qase(&shop, "defect.resolved", "SHOP", json!({ "id": 6 })).await;
    qase(&shop, "defect.deleted", "SHOP", json!({ "id": 7 })).await;
    // No defects of this project.
    qase(&shop, "defect.created", "PAY", json!({ "id": 8, "title": "x", "severity": "blocker" })).await;
    qase(&shop, "case.created", "SHOP", json!({ "id": 9, "title": "x", "severity": "blocker" })).await;
    assert_eq!(counts(&shop.defect_status().await), [0; 5], "counted a moment ago");
    assert_eq!(later(&shop).await, [6, 5, 1, 2, 2]);
    assert_eq!(shop.defect_status().await.body["status"], "Critical");
    qase(&shop, "defect.resolved", "SHOP", json!({ "id": 1 })).await;
    qase(&shop, "defect.resolved", "SHOP", json!({ "id": 2 })).await;
    qase(&shop, "defect.updated", "SHOP", json!({ "id": 2, "title": "y" })).await;
    // Sent again by Qase, and late: what happened before changes nothing.
    let late = json!({ "event_name": "defect.created", "timestamp": 1_789_372_000, "team_member_id": 4,
        "payload": { "id": 2, "title": "y", "severity": "critical" }, "project_code": "SHOP" });
    sent(&shop, "qase", "x-qase-secret", "sesame-of-qase", &late).await;
    assert_eq!(later(&shop).await, [6, 3, 3, 0, 2]);
    assert_eq!(shop.defect_status().await.body["status"], "Warning");
    assert_eq!(shop.jira.requests(), 0, "no tracker is asked");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_tells_more_than_a_name_and_other_sources_count_too() {
    let shop = shop("").await;
    reported(&shop, 1, "blocker").await;
    ci(&shop, "defect.created", "defect/1", "critical", "Open").await;
    ci(&shop, "defect.created", "defect/2", "major", "Invalid").await;
    ci(&shop, "defect.updated", "defect/3", "major", "Waiting for QA").await;
    assert_eq!(later(&shop).await, [4, 3, 1, 2, 1]);
    ci(&shop, "defect.updated", "defect/1", "critical", "Won't fix").await;
    ci(&shop, "defect.updated", "defect/2", "major", "Reopened").await;
    ci(&shop, "defect.deleted", "defect/3", "major", "Open").await;
    assert_eq!(later(&shop).await, [3, 2, 1, 1, 1]);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_subjects_and_what_counts_as_what_are_configurable() {
    let kpis = r#", sources: [ci], subjects: [defect, issue], link: "https://ci.example/{{project}}/critical",
      count: { total: { severity: { present: true } }, closed: { status: Shipped }, critical: { severity: major, subject: { starts_with: issue/ } }, moderate: { severity: { at_most: minor } } }"#;
    let shop = shop(kpis).await;
    reported(&shop, 1, "blocker").await;
    ci(&shop, "defect.created", "defect/1", "blocker", "Shipped").await;
    ci(&shop, "defect.resolved", "defect/2", "minor", "Done").await;
    ci(&shop, "defect.created", "issue/3", "major", "Open").await;
    ci(&shop, "defect.created", "defect/4", "major", "Open").await;
    ci(&shop, "defect.created", "build/5", "major", "Open").await;
    sent(
        &shop,
        "ci",
        "x-relaybell-secret",
        "sesame-of-ci",
        &json!({ "event": "issue.opened", "project": "SHOP", "subject": "issue/6" }),
    )
    .await;
    assert_eq!(later(&shop).await, [4, 2, 2, 1, 0], "what an event has closed stays closed");
    assert_eq!(shop.defect_status().await.body["criticalDefectsLink"], "https://ci.example/SHOP/critical");
    shop.change("closed: { status: Shipped }", "open: { status: Done }").await;
    assert_eq!(counts(&shop.defect_status().await), [4, 1, 3, 0, 1], "another question, counted at once");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_as_there_are_are_counted() {
    let shop = shop("").await;
    for n in 0..1_250_u32 {
        let mut made = plan(0, "x", i64::from(n), &[]);
        made.event.source = "qase".into();
        made.dedup = relaybell::domain::event::Dedup::SenderId(n.to_string());
        let is = if n % 5 == 0 { Standing::Closed } else { Standing::Open };
        let to = Memory {
            first_seen: made.event.received,
            facts: std::collections::BTreeMap::new(),
            standing: Some(Stands { is, since: made.event.time }),
        };
        let key = SubjectKey::new("qase", Some("SHOP"), &format!("defect/{n}"));
        made.memory = Some(MemoryChange { key, from: None, to });
        shop.store.commit(made).await.unwrap();
    }
    assert_eq!(counts(&shop.defect_status().await), [1_250, 1_000, 250, 0, 0]);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_that_cannot_be_read_leaves_the_last_known_figures() {
    let shop = shop("").await;
    reported(&shop, 1, "blocker").await;
    let damage = |from: &str, to: &str| {
        let file = shop.folder.config().parent().unwrap().join("shop.db");
        let db = rusqlite::Connection::open(file).unwrap();
        db.busy_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(db.execute("UPDATE memory SET memory = replace(memory, ?1, ?2)", [from, to]).unwrap(), 1);
    };
    damage("\"v\":1", "\"v\":x");
    let never = shop.defect_status().await;
    assert_eq!((never.status, never.headers["retry-after"].to_str().unwrap()), (503, "15"), "{}", never.body);
    let why = never.body["detail"].as_str().unwrap();
    assert!(why.contains("the memory of qase/SHOP/defect/1") && why.contains("damaged"), "{why}");
    damage("\"v\":x", "\"v\":1");
    assert_eq!(later(&shop).await, [1, 1, 0, 1, 0]);
    damage("\"v\":1", "\"v\":x");
    shop.clock.advance(Duration::from_secs(3600));
    let stale = shop.defect_status().await;
    assert_eq!(counts(&stale), [1, 1, 0, 1, 0], "never zeros");
    assert_eq!(stale.headers["warning"], "111 relaybell \"Revalidation Failed\"");
    shop.close().await;
}

fn age(answered: &Answered) -> u64 {
    answered.headers["age"].to_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_known_figures_survive_a_restart() {
    let shop = Shop::open("wait: 3s").await;
    let known = shop.defect_status().await;
    assert_eq!(known.status, 200, "{}", known.body);
    let asked = shop.jira.requests();
    let shop = shop.restarted().await;
    let again = shop.defect_status().await;
    assert_eq!((&again.body, shop.jira.requests()), (&known.body, asked), "what is fresh is not counted again");
    shop.jira.always(Some(Fault::Status { code: 503, headers: vec![], body: String::new() }));
    let shop = shop.restarted().await;
    shop.clock.advance(Duration::from_secs(86_400));
    let stale = shop.defect_status().await;
    assert_eq!((stale.status, &stale.body), (200, &known.body), "never zeros");
    assert_eq!(stale.headers["warning"], "111 relaybell \"Revalidation Failed\"");
    assert!((86_400..86_500).contains(&age(&stale)), "{}", age(&stale));
    shop.jira.always(None);
    shop.clock.advance(Duration::from_secs(60));
    let fresh = shop.defect_status().await;
    assert!(!fresh.headers.contains_key("warning") && age(&fresh) < 60, "{:?}", fresh.headers);
    // Another question has figures of its own.
    shop.jira.always(Some(Fault::Status { code: 503, headers: vec![], body: String::new() }));
    shop.change("fresh: 60s", "jql: { total: 'priority = High' }").await;
    assert_eq!(shop.defect_status().await.status, 503);
    shop.close().await;
}
