//! How lanes behave: rates, pauses, order, retries, holds, breakers; hours pass in no time.

use std::time::Duration;

use relaybell::domain::delivery::State;
use relaybell::relay::manage::{Deed, Selection};
use serde_json::{Value, json};

use crate::support::exchange::Says;
use crate::support::rig::{RED_AND_BLUE, Rig, TWO_CHATS};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn says(status: u16) -> Says {
    Says::Status(status, vec![], "")
}

#[tokio::test]
async fn messages_go_out_at_once_and_say_what_happened() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    rig.defect("defect.created", "SHOP", 58, "Voucher is charged twice").await;
    rig.rest().await;
    let asked = rig.exchange.asked("red.example");
    assert_eq!(asked.len(), 1);
    assert!(asked[0].body.contains("Voucher is charged twice"), "{}", asked[0].body);
    assert!(rig.exchange.asked("blue.example").is_empty(), "no rule sends this to blue");
    assert_eq!(rig.states().await, [State::Delivered]);
}

#[tokio::test]
async fn a_rate_limit_spaces_messages() {
    let config = TWO_CHATS.replacen("limit: none", "limit: { rate: 1/s, burst: 1 }", 1);
    let rig = Rig::start(&config, RED_AND_BLUE).await;
    for id in 0..5 {
        rig.defect("defect.created", "SHOP", id, "x").await;
    }
    rig.pass(10 * SECOND).await;
    assert_eq!(rig.exchange.times("red.example"), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_429_pauses_the_whole_destination_and_no_other_and_costs_no_attempt() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    rig.exchange.script("red.example", [Says::Status(429, vec![("retry-after", "30".to_owned())], "rate_limited")]);
    for id in 0..3 {
        rig.defect("defect.created", "SHOP", 100 + id, "x").await;
        rig.rest().await;
        rig.defect("defect.created", "PAY", id, "y").await;
        rig.rest().await;
    }
    rig.pass(29 * SECOND).await;
    assert_eq!(rig.exchange.times("red.example"), [0], "paused in full");
    assert_eq!(rig.exchange.times("blue.example"), [0, 0, 0], "not slowed down by red");
    rig.pass(5 * SECOND).await;
    assert_eq!(rig.exchange.times("red.example"), [0, 30, 30, 30]);
    assert!(rig.states().await.iter().all(|state| *state == State::Delivered));
}

#[tokio::test]
async fn a_429_with_a_date_is_obeyed() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    // The rig's clock starts at 2026-09-14 08:00:00 UTC.
    let date = "Mon, 14 Sep 2026 08:02:00 GMT".to_owned();
    rig.exchange.script("red.example", [Says::Status(429, vec![("retry-after", date)], "rate_limited")]);
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.pass(3 * MINUTE).await;
    assert_eq!(rig.exchange.times("red.example"), [0, 120]);
}

#[tokio::test]
async fn a_conversation_keeps_its_order_while_others_overtake() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    rig.exchange.script("red.example", [says(500)]);
    rig.defect("defect.created", "SHOP", 1, "first").await;
    rig.rest().await;
    rig.defect("defect.updated", "SHOP", 1, "second").await;
    rig.defect("defect.created", "SHOP", 2, "other").await;
    rig.pass(20 * SECOND).await;
    let bodies: Vec<&str> = rig
        .exchange
        .asked("red.example")
        .iter()
        .map(|asked| ["first", "second", "other"].into_iter().find(|word| asked.body.contains(word)).unwrap())
        .collect();
    assert_eq!(bodies, ["first", "other", "first", "second"]);
}

#[tokio::test]
async fn a_lost_answer_is_tried_again_and_counted_as_a_possible_duplicate() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    rig.exchange.script("red.example", [Says::Unknown]);
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.pass(10 * SECOND).await;
    assert_eq!(rig.exchange.asked("red.example").len(), 2);
    let deliveries = rig.deliveries().await;
    assert_eq!(deliveries[0].state, State::Delivered);
    assert!(deliveries[0].unsure, "shown as possibly there twice");
    let metrics = rig.relay.shared.metrics.text();
    assert!(metrics.contains("relaybell_possible_duplicates_total{destination=\"red\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_refused_connection_is_no_possible_duplicate() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    rig.exchange.script("red.example", [Says::NotSent]);
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.pass(10 * SECOND).await;
    let deliveries = rig.deliveries().await;
    assert_eq!(deliveries[0].state, State::Delivered);
    assert!(!deliveries[0].unsure);
}

#[tokio::test]
async fn a_destination_that_refuses_the_credential_is_held_and_nothing_is_lost() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    let refused = || Says::Status(403, vec![], "invalid_token");
    rig.exchange.script("red.example", [refused(), refused()]);
    for id in 0..5 {
        rig.defect("defect.created", "SHOP", id, "x").await;
        rig.rest().await;
    }
    rig.pass(30 * SECOND).await;
    assert_eq!(rig.exchange.times("red.example"), [0], "not burned through");
    let held = relaybell::store::Ledger::held(rig.store.as_ref()).await.unwrap();
    assert_eq!(held.len(), 1);
    assert!(held[0].why.contains("invalid_token"), "{}", held[0].why);
    rig.pass(10 * MINUTE).await;
    let times = rig.exchange.times("red.example");
    assert_eq!(times[..3], [0, 60, 180], "probed after 1 and then 2 minutes");
    assert_eq!(times.len(), 7, "all five are delivered once it takes messages again");
    assert!(relaybell::store::Ledger::held(rig.store.as_ref()).await.unwrap().is_empty());
    assert!(rig.deliveries().await.iter().all(|delivery| delivery.state == State::Delivered));
}

#[tokio::test]
async fn an_edit_ends_a_hold_at_once() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    rig.exchange.script("red.example", [Says::Status(404, vec![], "no_service")]);
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.pass(10 * SECOND).await;
    assert_eq!(rig.states().await, [State::Queued]);
    rig.folder
        .write("relaybell.yaml", &TWO_CHATS.replace("red.example/services/T/B/red", "green.example/services/T/B/new"));
    rig.relay.reload().await.unwrap();
    rig.rest().await;
    assert_eq!(rig.exchange.asked("green.example").len(), 1, "what was queued goes to the new address");
    assert_eq!(rig.states().await, [State::Delivered]);
}

#[tokio::test]
async fn an_outage_opens_the_breaker_which_probes_and_closes() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    rig.exchange.script("red.example", vec![Says::NotSent; 8]);
    for id in 0..10 {
        rig.defect("defect.created", "SHOP", id, "x").await;
    }
    rig.pass(20 * SECOND).await;
    let during = rig.exchange.times("red.example").len();
    assert!((5..=8).contains(&during), "stops after five failures in a row, and what was in flight: {during}");
    rig.pass(30 * MINUTE).await;
    assert!(rig.deliveries().await.iter().all(|delivery| delivery.state == State::Delivered));
}

#[tokio::test]
async fn what_never_passes_is_given_up_after_a_day_and_can_be_sent_again() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    rig.exchange.script("red.example", vec![says(500); 3000]);
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.pass(23 * HOUR).await;
    assert_eq!(rig.states().await, [State::Queued]);
    rig.pass(2 * HOUR).await;
    let dead = rig.deliveries().await.remove(0);
    assert_eq!(dead.state, State::Dead);
    assert!(dead.why.as_deref().unwrap().contains("24 h"), "{:?}", dead.why);

    let managed = rig.relay.manage(&Selection::One(dead.id), &Deed::Retry).await.unwrap();
    let (again, _) = rig.delivery(managed.done[0]).await;
    assert_eq!(again.parent, Some(dead.id), "the new one names the old");
    assert_eq!(rig.delivery(dead.id).await.0, dead, "the dead one is not changed");
}

#[tokio::test]
async fn a_payload_that_never_passes_is_dead_at_once_and_frees_its_conversation() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    // Refused in the rich form and in the plain form.
    rig.exchange.script(
        "red.example",
        [Says::Status(400, vec![], "invalid_payload"), Says::Status(400, vec![], "invalid_payload")],
    );
    rig.defect("defect.created", "SHOP", 1, "first").await;
    rig.rest().await;
    rig.defect("defect.updated", "SHOP", 1, "second").await;
    rig.pass(5 * SECOND).await;
    assert_eq!(rig.states().await, [State::Dead, State::Delivered]);
    let dead = rig.deliveries().await.remove(0);
    assert!(dead.why.as_deref().unwrap().contains("invalid_payload"), "{:?}", dead.why);
}

#[tokio::test]
async fn a_stop_lets_what_is_in_flight_land_and_cuts_what_does_not() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    rig.exchange.script("red.example", [Says::After(5 * SECOND), Says::After(HOUR)]);
    rig.defect("defect.created", "SHOP", 1, "lands").await;
    rig.rest().await;
    rig.defect("defect.created", "SHOP", 2, "is cut off").await;
    rig.rest().await;
    assert_eq!(rig.states().await, [State::Sending, State::Sending]);
    let relay = rig.relay.clone();
    tokio::join!(relay.drain(), rig.pass(20 * SECOND));
    let deliveries = rig.deliveries().await;
    assert_eq!(deliveries[0].state, State::Delivered);
    assert_eq!(deliveries[1].state, State::Queued, "goes out after the next start");
    assert!(deliveries[1].unsure, "and is known to be possibly there");
}

#[tokio::test]
async fn a_dropped_delivery_is_not_sent() {
    let config = TWO_CHATS.replacen("limit: none", "limit: { rate: 1/min, burst: 1 }", 1);
    let rig = Rig::start(&config, RED_AND_BLUE).await;
    rig.defect("defect.created", "SHOP", 1, "sent").await;
    rig.defect("defect.created", "SHOP", 2, "dropped").await;
    rig.rest().await;
    let waiting = rig.deliveries().await.pop().unwrap();
    rig.relay.manage(&Selection::One(waiting.id), &Deed::Drop { why: "a drill".to_owned() }).await.unwrap();
    rig.pass(5 * MINUTE).await;
    assert_eq!(rig.exchange.asked("red.example").len(), 1);
    let dropped = rig.delivery(waiting.id).await.0;
    assert_eq!((dropped.state, dropped.why.as_deref()), (State::Dropped, Some("a drill")));
}

#[tokio::test]
async fn a_lost_answer_to_a_create_is_looked_for_before_it_is_repeated() {
    let config = r#"
server: { listen: 127.0.0.1:0 }
sources: { qase: { kind: qase } }
destinations:
  tracker: { kind: jira, url: "https://jira.example", email: bot@acme.example, token: secret-token, project: PAY, issue_type: Bug, limit: none }
"#;
    let rules = "rules:\n  - name: ticket\n    when: { event: defect.created }\n    send: [{ to: tracker }]\n";
    let rig = Rig::start(config, rules).await;
    let found = r#"{"issues":[{"id":"10001","key":"PAY-1","fields":{"summary":"x"}}],"isLast":true}"#;
    rig.exchange.script("jira.example", [Says::Unknown, Says::Status(200, vec![], found)]);
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.pass(10 * SECOND).await;
    assert_eq!(rig.exchange.asked("jira.example").len(), 1, "Jira's search needs time to know of a new issue");
    rig.pass(MINUTE).await;
    let asked = rig.exchange.asked("jira.example");
    assert_eq!(asked.len(), 2, "found, so not created again");
    let delivered = rig.deliveries().await.remove(0);
    assert!(
        asked[1].body.contains(&format!("relaybell-{}", delivered.key)),
        "searched by its label: {}",
        asked[1].body
    );
    assert_eq!(delivered.state, State::Delivered);
    assert_eq!(delivered.receipt.unwrap().key.as_deref(), Some("PAY-1"));
}

#[tokio::test]
async fn what_is_older_than_keep_is_forgotten_but_never_open_work() {
    let config = TWO_CHATS.replace("sources:", "storage: { keep: 2d }\nsources:");
    let rig = Rig::start(&config, RED_AND_BLUE).await;
    // A day is the longest pause that is obeyed at a time.
    let wait = || Says::Status(429, vec![("retry-after", "86400".to_owned())], "rate_limited");
    rig.exchange.script("red.example", [wait(), wait(), wait()]);
    rig.defect("defect.created", "SHOP", 1, "waits").await;
    rig.defect("defect.created", "PAY", 1, "is done").await;
    rig.pass(HOUR).await;
    assert_eq!(rig.deliveries().await.len(), 2);
    rig.pass(23 * HOUR).await;
    rig.pass(24 * HOUR).await;
    rig.pass(HOUR).await;
    let left = rig.deliveries().await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].content.message.title.contains("waits"));
}

#[tokio::test]
async fn what_a_later_event_says_is_no_more_is_forgotten() {
    let rules = "rules:\n  - name: on-staging\n    when: { event: run.completed, environment: staging }\n    send: [{ to: red }]\n";
    let rig = Rig::start(TWO_CHATS, rules).await;
    let run = |event: &str, more: Value| {
        let mut payload = json!({ "id": 7 });
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "event_name": event, "timestamp": 1, "payload": payload, "team_member_id": 0, "project_code": "SHOP" })
    };
    rig.hook(&run("run.started", json!({ "title": "Nightly", "environment": "staging" }))).await.unwrap();
    rig.hook(&run("run.completed", json!({ "cases": 1, "passed": 1 }))).await.unwrap();
    rig.rest().await;
    assert_eq!(rig.exchange.asked("red.example").len(), 1, "remembered, as the event does not name it");
    rig.hook(&run("run.updated", json!({ "environment": null }))).await.unwrap();
    rig.hook(&run("run.completed", json!({ "cases": 2, "passed": 2 }))).await.unwrap();
    rig.rest().await;
    assert_eq!(rig.exchange.asked("red.example").len(), 1, "forgotten");
}
