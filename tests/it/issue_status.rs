//! Create Defect says where the issue stands now, in the tracker's words, or nothing of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use relaybell::destination::Destination;
use relaybell::destination::{Answer, Finding, Reply};
use relaybell::domain::delivery::Lost;
use relaybell::standin::uipath::wanted;
use relaybell::standin::{Fault, TOKEN};
use serde_json::Value;

use crate::messages::jira as adapter;
use crate::support::shop::Shop;

fn without(body: &Value, key: &str) -> Value {
    let mut body = body.clone();
    body.as_object_mut().unwrap().remove(key).unwrap();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_that_of_now() {
    for api in ["kind: jira,", "kind: jira, api: 2,"] {
        let shop = Shop::open("wait: 60s").await;
        shop.change("kind: jira,", api).await;
        let first = shop.create_defect(&wanted()).await;
        assert_eq!((first.status, &first.body["status"]), (200, &"To Do".into()), "{}", first.body);
        shop.resolve("SHOP-1").await;
        let later = shop.create_defect(&wanted()).await;
        assert_eq!((later.status, &later.body["status"]), (200, &"Done".into()), "{}", later.body);
        assert_eq!(without(&later.body, "status"), without(&first.body, "status"));
        let shop = shop.restarted().await;
        assert_eq!(shop.create_defect(&wanted()).await.body, later.body);
        assert_eq!(shop.jira.refused(), Vec::<String>::new());
        shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_cannot_be_told_is_left_out() {
    let shop = Shop::open("wait: 60s").await;
    let first = shop.create_defect(&wanted()).await;
    assert_eq!(first.status, 200, "{}", first.body);
    for fault in [
        Fault::Status { code: 503, headers: vec![], body: String::new() },
        Fault::Status { code: 404, headers: vec![], body: r#"{"errorMessages":["Issue does not exist."]}"#.to_owned() },
        Fault::Status { code: 200, headers: vec![], body: "<html>Sign in</html>".to_owned() },
        Fault::ResetAfterRequest,
    ] {
        shop.jira.script(vec![fault]);
        let told = shop.create_defect(&wanted()).await;
        assert_eq!((told.status, told.body), (200, without(&first.body, "status")));
    }
    assert_eq!(shop.create_defect(&wanted()).await.body, first.body);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_status_longer_than_configured() {
    let shop = Shop::open("wait: 10s").await;
    let first = shop.create_defect(&wanted()).await;
    assert_eq!(first.status, 200, "{}", first.body);
    // The clock of the relay runs faster: its ten seconds are two.
    shop.jira.script(vec![Fault::Delay(Duration::from_secs(15))]);
    let began = std::time::Instant::now();
    let told = shop.create_defect(&wanted()).await;
    assert_eq!((told.status, told.body), (200, without(&first.body, "status")));
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_is_not_asked_for_what_the_answer_does_not_say() {
    let shop = Shop::open(r#"wait: 60s, response: { link: "{{issue.url}}", status: "{{status}}" }"#).await;
    let first = shop.create_defect(&wanted()).await;
    assert_eq!((first.status, &first.body["status"]), (200, &"failed".into()), "that of the test: {}", first.body);
    assert_eq!(shop.jira.requests(), 1);
    shop.change(r#"status: "{{status}}""#, r#"at: "{{upper issue.status}}: {{issue.key}}""#).await;
    assert_eq!(shop.create_defect(&wanted()).await.body["at"], "TO DO: SHOP-1");
    assert_eq!(shop.jira.requests(), 2);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_described_tracker_tells_what_it_remembers() {
    let shop = Shop::open("wait: 60s").await;
    let described = format!(
        "destinations:\n  shop-rest: {{ kind: rest, url: \"{}/rest/api/3\", auth: {{ bearer: \"{TOKEN}\" }}, limit: none, \
         create: {{ send: POST /issue, json: {{ fields: {{ project: {{ key: SHOP }}, issuetype: {{ name: Bug }}, \
         summary: \"{{{{title}}}}\" }} }}, remember: {{ key: /key, status: /id }} }} }}\n",
        shop.jira.api_url().unwrap()
    );
    shop.change("destinations:\n", &described).await;
    shop.change_rules(
        "rules:\n  - name: uipath-defect\n    when: { event: defect.requested }\n    \
         send: [{ to: shop-rest, template: uipath-defect }]\n",
    )
    .await;
    let told = shop.create_defect(&wanted()).await;
    assert_eq!((told.status, &told.body["status"]), (200, &"10000".into()), "{}", told.body);
    assert_eq!(shop.jira.requests(), 1);
    shop.close().await;
}

/// "Get issue" of Jira's REST API: `fields` names those that are told.
#[tokio::test(flavor = "multi_thread")]
async fn the_stand_in_tells_the_fields_that_are_asked_for() {
    let shop = Shop::open("wait: 60s").await;
    assert_eq!(shop.create_defect(&wanted()).await.status, 200);
    for (query, told) in [
        ("?fields=status", &["status"][..]),
        ("?fields=status,summary", &["status", "summary"]),
        ("?fields=status&fields=priority", &["priority", "status"]),
        ("?fields=nothing", &[]),
        ("?fields=*all,-description,-labels", &["issuetype", "priority", "project", "status", "summary"]),
        ("?fields=-description", &["issuetype", "labels", "priority", "project", "status", "summary"]),
        ("", &["description", "issuetype", "labels", "priority", "project", "status", "summary"]),
    ] {
        let issue = shop.in_jira("GET", &format!("/rest/api/3/issue/SHOP-1{query}"), &Value::Null).await;
        let mut names: Vec<&str> = issue["fields"].as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, told, "{query}");
        assert_eq!((&issue["key"], &issue["id"]), (&"SHOP-1".into(), &"10000".into()));
    }
    shop.close().await;
}

fn replied(status: u16, body: &str) -> Answer {
    let at = relaybell::domain::time::Timestamp::from_seconds(1_789_400_000);
    Answer::Replied(Reply { status, headers: ::http::HeaderMap::new(), body: body.to_owned().into(), at })
}

#[test]
fn only_a_key_becomes_part_of_an_address() {
    let jira = adapter(relaybell::destination::jira::Api::V3, "https://acme.atlassian.net", "jira-token-1");
    let Some(Finding::Ask(ask)) = jira.status("SHOP-7", &[]) else { panic!("it is not asked") };
    assert_eq!(ask.request.uri(), "https://acme.atlassian.net/rest/api/3/issue/SHOP-7?fields=status");
    for key in ["", "SHOP-7/../x", "SHOP-7?x", "SHOP 7", "\u{440}-1"] {
        assert!(matches!(jira.status(key, &[]), Some(Finding::Failed { .. })), "{key}");
    }
    let told = jira.status("SHOP-7", &[replied(200, r#"{"fields":{"status":{"name":"In Arbeit"}}}"#)]);
    assert!(matches!(told, Some(Finding::Found(status)) if status == "In Arbeit"));
    for answer in
        [replied(200, "{}"), replied(401, ""), replied(500, ""), Answer::Lost(Lost::Unknown("gone".to_owned()))]
    {
        assert!(matches!(jira.status("SHOP-7", &[answer]), Some(Finding::Failed { why, .. }) if !why.is_empty()));
    }
}
