//! Create Defect, end to end: Test Manager's stand-in asks, Jira's stand-in gets one issue,
//! and the link comes back; whatever goes wrong in between.

use std::time::Duration;

use relaybell::domain::delivery::State;
use relaybell::domain::priority::Priority;
use relaybell::ports::Clock;
use relaybell::ports::http::HttpExchange;
use relaybell::relay::manage::{Deed, Selection};
use relaybell::standin::uipath::{PASSED_CASE, Sender, wanted};
use relaybell::standin::{Fault, Standin, TOKEN};
use relaybell::store::{DeliveryFilter, Ledger};
use serde_json::{Value, json};

use crate::support::process::Serving;
use crate::support::shop::{RULES, Shop};

/// The issues that Jira has, by their summary.
fn issues(jira: &Standin) -> Vec<String> {
    let received = jira.received();
    let issues = received.iter().filter(|one| one.kind == "issue");
    issues.map(|one| one.body["fields"]["summary"].as_str().unwrap().to_owned()).collect()
}

fn fails(code: u16, body: &str) -> Fault {
    Fault::Status { code, headers: vec![], body: body.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_comes_back() {
    let shop = Shop::open("wait: 10s").await;
    let answered = shop.create_defect(&wanted()).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    assert_eq!(answered.link(), Some(format!("{}/browse/SHOP-1", shop.jira.api_url().unwrap()).as_str()));
    insta::assert_json_snapshot!(shop.without_address(&answered.body));
    assert_eq!(issues(&shop.jira), ["SHOP:214 Voucher and card split payment"]);
    let delivery = shop.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap().remove(0);
    assert_eq!(delivery.priority, Priority::Urgent, "somebody is waiting");
    assert_eq!(shop.manager.refused(), Vec::<String>::new());
    let issue = shop.jira.received().remove(0).as_text;
    insta::assert_snapshot!("what_the_team_reads", issue.replace(&issue_label(&issue), "relaybell-…"));

    // The same again, in any spelling, gives the same.
    let mut again = wanted();
    again["variationId"] = Value::Null;
    let second = shop.create_defect(&again).await;
    assert_eq!((second.status, &second.body), (200, &answered.body));
    assert_eq!(issues(&shop.jira).len(), 1);
    // The token lives, and what was asked once is known.
    assert_eq!(shop.manager.tokens(), 1);
    shop.close().await;
}

/// The label that names the delivery.
fn issue_label(issue: &str) -> String {
    let at = issue.find("relaybell-").unwrap();
    issue[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_token_is_renewed() {
    let shop = Shop::open("wait: 10s").await;
    assert_eq!(shop.create_defect(&wanted()).await.status, 200);
    shop.manager.forget_tokens();
    let mut other = wanted();
    other["variationId"] = "voucher=SPRING-20;card=visa".into();
    let answered = shop.create_defect(&other).await;
    assert_eq!((answered.status, shop.manager.tokens()), (200, 2), "{}", answered.body);
    assert_eq!(issues(&shop.jira).len(), 2, "a variation is a result of its own");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_slower_than_the_sender_waits_gets_one_issue() {
    for (late, status) in [("", 202), (", late: 504", 504)] {
        let shop = Shop::open(&format!("wait: 3s{late}")).await;
        shop.jira.script(vec![Fault::Delay(Duration::from_secs(1))]);
        let answered = shop.create_defect(&wanted()).await;
        assert_eq!(answered.status, status, "{}", answered.body);
        assert!(
            answered.body["detail"].as_str().unwrap().starts_with("The issue is being created."),
            "{}",
            answered.body
        );
        assert_eq!(answered.link(), None);
        let again = shop.create_defect_in_the_end(&wanted()).await;
        assert_eq!((again.status, &again.body["key"]), (200, &"SHOP-1".into()));
        assert_eq!(issues(&shop.jira).len(), 1);
        shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_no_second_issue() {
    let shop = Shop::open("wait: 3s").await;
    shop.jira.script(vec![Fault::ResetAfterRequest]);
    let answered = shop.create_defect(&wanted()).await;
    assert_eq!(answered.status, 202, "it looks for the issue only after a while: {}", answered.body);
    let again = shop.create_defect_in_the_end(&wanted()).await;
    assert_eq!((again.status, &again.body["key"]), (200, &"SHOP-1".into()));
    assert_eq!(issues(&shop.jira).len(), 1);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_between_makes_no_second_issue() {
    let shop = Shop::open("wait: 3s").await;
    shop.jira.always(Some(fails(503, "")));
    assert_eq!(shop.create_defect(&wanted()).await.status, 202);
    let shop = shop.restarted().await;
    assert_eq!(shop.create_defect(&wanted()).await.status, 202, "it still waits for Jira");
    shop.jira.always(None);
    let again = shop.create_defect_in_the_end(&wanted()).await;
    assert_eq!((again.status, &again.body["key"]), (200, &"SHOP-1".into()));
    assert_eq!(issues(&shop.jira).len(), 1);
    let shop = shop.restarted().await;
    assert_eq!(shop.create_defect(&wanted()).await.body, again.body, "it is answered from what is stored");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_many_times_at_once_is_one_issue() {
    // Each of those who wait lets the clock go on.
    let shop = Shop::open("wait: 60s").await;
    shop.jira.script(vec![Fault::Delay(Duration::from_millis(50))]);
    let wanted = wanted();
    let all = futures_util::future::join_all((0..8).map(|_| shop.create_defect(&wanted))).await;
    for answered in &all {
        assert_eq!((answered.status, &answered.body["key"]), (200, &"SHOP-1".into()), "{}", answered.body);
    }
    assert_eq!(issues(&shop.jira).len(), 1);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_is_tried_again_when_asked_again() {
    let shop = Shop::open("wait: 10s").await;
    shop.jira.always(Some(fails(400, r#"{"errorMessages":["The reporter is gone."],"errors":{}}"#)));
    let answered = shop.create_defect(&wanted()).await;
    assert_eq!(answered.status, 502, "{}", answered.body);
    shop.jira.always(None);
    insta::assert_json_snapshot!(answered.body);
    let again = shop.create_defect(&wanted()).await;
    assert_eq!((again.status, &again.body["key"]), (200, &"SHOP-1".into()), "{}", again.body);
    assert_eq!(shop.create_defect(&wanted()).await.body, again.body);
    assert_eq!(issues(&shop.jira).len(), 1);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_decline_say_why_and_may_change_their_mind() {
    let shop = Shop::open("wait: 10s").await;
    let mut passed = wanted();
    passed["testCaseId"] = PASSED_CASE.into();
    for _ in 0..2 {
        let answered = shop.create_defect(&passed).await;
        assert_eq!(answered.status, 422, "{}", answered.body);
        assert_eq!(
            answered.body["detail"],
            "The rule 'uipath-defect' does not match. It excludes: status is passed; seen: passed."
        );
    }
    shop.change_rules(&RULES.replace("    unless: { status: passed }\n", "")).await;
    let answered = shop.create_defect(&passed).await;
    assert_eq!((answered.status, &answered.body["key"]), (200, &"SHOP-1".into()), "{}", answered.body);
    assert_eq!(shop.create_defect(&passed).await.body, answered.body);
    shop.change_rules(&RULES.replace("    when:", "    mute_until: 2030-01-01\n    when:")).await;
    let muted = shop.create_defect(&wanted()).await;
    assert_eq!(muted.status, 422);
    assert_eq!(
        muted.body["detail"],
        "The rule 'uipath-defect' held the issue back: the rule is muted until 2030-01-01T00:00:00.000Z."
    );
    assert_eq!(issues(&shop.jira).len(), 1);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_down_delays_the_issue_and_loses_nothing() {
    let shop = Shop::open("wait: 3s").await;
    shop.manager.always(Some(fails(503, "")));
    let answered = shop.create_defect(&wanted()).await;
    assert_eq!(answered.status, 202, "{}", answered.body);
    shop.manager.always(None);
    let again = shop.create_defect_in_the_end(&wanted()).await;
    assert_eq!((again.status, &again.body["key"]), (200, &"SHOP-1".into()));
    assert_eq!(issues(&shop.jira), ["SHOP:214 Voucher and card split payment"]);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_and_nothing_is_stored() {
    let mut shop = Shop::open("wait: 3s").await;
    for secret in [None, Some(("X-Relaybell-Secret".to_owned(), "wrong".to_owned()))] {
        shop.sender.secret = secret;
        assert_eq!(shop.create_defect(&wanted()).await.status, 401);
        assert_eq!(shop.defect_status().await.status, 401);
    }
    assert_eq!(shop.store.events(None, None, 10).await.unwrap().len(), 0);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_read_is_kept() {
    let shop = Shop::open("wait: 3s").await;
    let answered = shop.create_defect(&json!({ "testExecutionId": "7f1d2a90" })).await;
    assert_eq!((answered.status, &answered.body["status"]), (202, &"unread".into()), "{}", answered.body);
    let events = shop.store.events(Some("test-manager"), None, 10).await.unwrap();
    assert_eq!(events[0].id.to_string(), answered.body["event_id"].as_str().unwrap());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_worded_as_configured() {
    let response = r#"wait: 10s, response: { defectUrl: "{{issue.url}}", text: "{{case_key}}: {{issue.key}}", n: 1, gone: "{{reason}}" }"#;
    let shop = Shop::open(response).await;
    let answered = shop.create_defect(&wanted()).await;
    let expected =
        json!({ "defectUrl": "https://acme.atlassian.net/browse/SHOP-1", "text": "SHOP:214: SHOP-1", "n": 1 });
    assert_eq!(shop.without_address(&answered.body), expected);
    shop.close().await;
}

/// Jira while the token is revoked.
fn revoked() -> Fault {
    fails(401, r#"{"errorMessages":["The token has expired."]}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_presses_while_the_tracker_is_held_is_told_so_at_once() {
    let shop = Shop::open("wait: 60s").await;
    shop.jira.always(Some(revoked()));
    let began = shop.clock.elapsed();
    let first = shop.create_defect(&wanted()).await;
    assert_eq!(first.status, 503, "{}", first.body);
    insta::assert_json_snapshot!("the_tracker_is_held", first.body);
    let asked = shop.jira.requests();
    let mut other = wanted();
    other["variationId"] = "voucher=SPRING-20;card=visa".into();
    assert_eq!(shop.create_defect(&wanted()).await.body, first.body, "again and again");
    assert_eq!(shop.create_defect(&other).await.status, 503, "another issue waits for the same");
    assert_eq!(shop.jira.requests(), asked, "a held tracker is not asked for each who presses");
    assert!(shop.clock.elapsed() < began + Duration::from_secs(50), "nobody waits for what cannot come");
    assert_eq!(shop.store.deliveries(&waiting(), None, 10).await.unwrap().len(), 2, "both wait");

    // Somebody mends it and says so.
    shop.jira.always(None);
    let all = Selection::All(waiting());
    assert_eq!(shop.relay.manage(&all, &Deed::Retry).await.unwrap().done.len(), 2);
    for body in [wanted(), other] {
        let answered = shop.create_defect(&body).await;
        assert_eq!(answered.status, 200, "{}", answered.body);
    }
    assert_eq!(issues(&shop.jira).len(), 2, "one for each");
    shop.close().await;
}

fn waiting() -> DeliveryFilter {
    DeliveryFilter { state: Some(State::Queued), ..DeliveryFilter::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_or_a_restart_that_mends_the_tracker_lets_the_next_press_through() {
    let shop = Shop::open("wait: 60s").await;
    shop.change(&format!("token: \"{TOKEN}\""), "token: \"revoked\"").await;
    assert_eq!(shop.create_defect(&wanted()).await.status, 503);
    shop.change("token: \"revoked\"", &format!("token: \"{TOKEN}\"")).await;
    let answered = shop.create_defect(&wanted()).await;
    assert_eq!((answered.status, &answered.body["key"]), (200, &"SHOP-1".into()), "{}", answered.body);

    shop.jira.always(Some(revoked()));
    let mut other = wanted();
    other["variationId"] = "voucher=SPRING-20;card=visa".into();
    assert_eq!(shop.create_defect(&other).await.status, 503);
    let shop = shop.restarted().await;
    assert_eq!(shop.create_defect(&other).await.status, 503, "tried once by the new relay");
    shop.jira.always(None);
    let shop = shop.restarted().await;
    let answered = shop.create_defect(&other).await;
    assert_eq!((answered.status, &answered.body["key"]), (200, &"SHOP-2".into()), "{}", answered.body);
    assert_eq!(issues(&shop.jira).len(), 2);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_the_issue_in_flight_end_and_answers_with_it() {
    let shop = Shop::open("wait: 60s").await;
    shop.jira.script(vec![Fault::Delay(Duration::from_secs(1))]);
    let answered = shop
        .create_defect_while(&wanted(), async {
            while shop.jira.requests() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            shop.relay.drain().await;
            assert_eq!(issues(&shop.jira).len(), 1, "it ended well during the stop");
        })
        .await;
    assert_eq!((answered.status, &answered.body["key"]), (200, &"SHOP-1".into()), "{}", answered.body);
    // Who comes now is not kept waiting for what a stopped relay does not begin.
    let mut other = wanted();
    other["variationId"] = "voucher=SPRING-20;card=visa".into();
    let began = shop.clock.elapsed();
    assert_eq!(shop.create_defect(&other).await.status, 202);
    assert!(shop.clock.elapsed() < began + Duration::from_secs(30));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_process_answers_with_the_issue_in_flight() {
    let (jira, _manager, folder) = Shop::open("wait: 30s").await.left().await;
    let serving = tokio::task::block_in_place(|| Serving::start(folder.path()));
    jira.script(vec![Fault::Delay(Duration::from_secs(2))]);
    let sender = Sender {
        url: format!("http://{}/hooks/test-manager", serving.address),
        secret: Some(("X-Relaybell-Secret".to_owned(), "open-sesame-1234".to_owned())),
    };
    let (exchange, body) = (HttpExchange::new().unwrap(), wanted());
    let stopping = async {
        while jira.requests() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        serving.signal("TERM");
    };
    let (answered, ()) = tokio::join!(sender.create_defect(&exchange, &body), stopping);
    let answered = answered.unwrap();
    assert_eq!((answered.status, &answered.body["key"]), (200, &"SHOP-1".into()), "{}", answered.body);
    assert_eq!(answered.body["status"], "To Do", "its status was still asked for");
    assert!(tokio::task::block_in_place(|| serving.wait()).success());
    assert_eq!(issues(&jira).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_that_cannot_be_reached_is_told_in_plain_words() {
    let shop = Shop::open("wait: 3s").await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    shop.change(&shop.jira.api_url().unwrap(), &format!("http://{gone}")).await;
    let answered = shop.create_defect(&wanted()).await;
    assert_eq!(answered.status, 202, "{}", answered.body);
    assert_eq!(
        answered.body["detail"],
        "The issue is being created. It waits because Jira cannot be reached. Ask again to get its key; there will be \
         only one."
    );
    let delivery = shop.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap().remove(0);
    assert!(delivery.why.unwrap().contains("refused"), "an administrator is told more");
    shop.close().await;
}
