//! Defect figures for Test Manager's dashboard: counted at the tracker, never invented.

use std::time::Duration;

use relaybell::standin::Fault;
use relaybell::standin::uipath::PROJECT_ID;
use serde_json::json;

use crate::support::shop::Shop;

/// Somebody reports an issue in Jira.
async fn report(shop: &Shop, project: &str, issue_type: &str, priority: &str) -> String {
    let body = json!({ "fields": {
        "project": { "key": project }, "issuetype": { "name": issue_type }, "priority": { "name": priority },
        "summary": "Voucher is charged twice",
    } });
    shop.in_jira("POST", "/rest/api/3/issue", &body).await["key"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_those_of_the_tracker() {
    let shop = Shop::open("wait: 3s").await;
    for priority in ["Highest", "Highest", "High", "Medium", "Low"] {
        report(&shop, "SHOP", "Bug", priority).await;
    }
    let done = report(&shop, "SHOP", "Bug", "Highest").await;
    shop.resolve(&done).await;
    // No defects of this project.
    report(&shop, "PAY", "Bug", "Highest").await;
    report(&shop, "SHOP", "Task", "Highest").await;
    let answered = shop.defect_status().await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    insta::assert_json_snapshot!(shop.without_address(&answered.body));
    assert_eq!(shop.jira.refused(), Vec::<String>::new());
    // What was counted a moment ago is not counted again.
    let asked = shop.jira.requests();
    assert_eq!(shop.defect_status().await.body, answered.body);
    assert_eq!(shop.jira.requests(), asked);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_that_is_down_leaves_the_last_known_figures() {
    let shop = Shop::open_with("wait: 3s", "fresh: 5s").await;
    let down = Some(Fault::Status { code: 503, headers: vec![], body: String::new() });
    shop.jira.always(down.clone());
    let never = shop.defect_status().await;
    assert_eq!((never.status, never.headers["retry-after"].to_str().unwrap()), (503, "15"), "{}", never.body);
    shop.jira.always(None);
    shop.clock.advance(Duration::from_secs(30));
    report(&shop, "SHOP", "Bug", "Highest").await;
    let known = shop.defect_status().await;
    assert_eq!((known.status, &known.body["criticalDefects"]), (200, &1.into()), "{}", known.body);
    assert!(!known.headers.contains_key("warning"));
    shop.jira.always(down);
    shop.clock.advance(Duration::from_secs(3600));
    let stale = shop.defect_status().await;
    assert_eq!((stale.status, &stale.body), (200, &known.body), "never zeros");
    assert_eq!(stale.headers["warning"], "111 relaybell \"Revalidation Failed\"");
    let age: u64 = stale.headers["age"].to_str().unwrap().parse().unwrap();
    assert!((3600..3700).contains(&age), "{age}");
    shop.jira.always(None);
    shop.clock.advance(Duration::from_secs(60));
    report(&shop, "SHOP", "Bug", "Highest").await;
    let fresh = shop.defect_status().await;
    assert_eq!(fresh.body["criticalDefects"], 2);
    assert!(!fresh.headers.contains_key("warning"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_words_and_limits_are_configurable() {
    let kpis = r#"fresh: 60s, link: "https://jira.example/board/{{project}}",
      jql: { total: 'project = "{{project}}" AND issuetype in (Bug, Task)', critical: 'project = "{{project}}" AND labels = hot' },
      status: { words: [Green, Amber, Red], warning: { total: 2 }, critical: { critical: 5 } }"#;
    let shop = Shop::open_with("wait: 3s", kpis).await;
    report(&shop, "SHOP", "Bug", "Highest").await;
    report(&shop, "SHOP", "Task", "Highest").await;
    let answered = shop.defect_status().await;
    assert_eq!(
        answered.body,
        json!({
            "totalDefects": 2, "criticalDefects": 0, "moderateDefects": 0, "openDefects": 1, "closedDefects": 0,
            "status": "Amber", "criticalDefectsLink": "https://jira.example/board/SHOP",
        })
    );
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_center_counts_by_its_search() {
    let shop = Shop::open("wait: 3s").await;
    shop.change("kind: jira,", "kind: jira, api: 2,").await;
    report(&shop, "SHOP", "Bug", "High").await;
    let answered = shop.defect_status().await;
    assert_eq!((&answered.body["totalDefects"], &answered.body["moderateDefects"]), (&1.into(), &1.into()));
    assert_eq!(shop.jira.refused(), Vec::<String>::new());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_the_tracker_does_not_know_is_said() {
    let shop = Shop::open_with("wait: 3s", "jql: { total: 'priority = Urgent' }").await;
    let answered = shop.defect_status().await;
    assert_eq!(answered.status, 503);
    insta::assert_json_snapshot!(answered.body);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_is_known_wherever_it_ends() {
    let shop = Shop::open("wait: 3s").await;
    let secret = [("X-Relaybell-Secret", "open-sesame-1234")];
    let of = |id: &str| format!("/hooks/test-manager/any/way/api/kpis/project/{id}/defectstatus");
    let mut told = Vec::new();
    for (method, path, headers) in [
        ("POST", of(PROJECT_ID), &secret[..]),
        ("GET", of(&PROJECT_ID.to_uppercase()), &secret[..]),
        ("GET", of("00000000-0000-0000-0000-000000000000"), &secret[..]),
        ("GET", of(PROJECT_ID), &[]),
        ("DELETE", of(PROJECT_ID), &secret[..]),
        ("GET", "/hooks/test-manager/api/defects".to_owned(), &secret[..]),
    ] {
        let answer = shop.face.ask(method, &path, headers, b"").await;
        told.push(format!("{method} {path}\n  {} {}", answer.status(), String::from_utf8_lossy(answer.body())));
    }
    let told = told.join("\n").replace(&shop.jira.api_url().unwrap(), "https://acme.atlassian.net");
    insta::assert_snapshot!(told);
    shop.close().await;
}
