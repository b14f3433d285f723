//! Look-ups: thin events are answered first, then looked up, then decided, in order.

use std::time::Duration;

use relaybell::domain::delivery::State;
use relaybell::domain::event::SubjectKey;
use relaybell::domain::ids::EventId;
use relaybell::domain::plan::Decision;
use relaybell::domain::stage::Stage;
use relaybell::ports::Clock;
use relaybell::store::{EventRecord, Ledger, Store};
use serde_json::{Value, json};

use crate::support::exchange::Says;
use crate::support::rig::{Rig, TWO_CHATS};
use crate::support::thin::thin;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

const RULES: &str = "
rules:
  - name: blockers
    when: { event: [defect.created, defect.updated, defect.resolved], severity: blocker }
    send: [{ to: red }]
  - name: others
    when: { event: defect.resolved, project: SHOP, title: { present: false } }
    send: [{ to: blue }]
";

const BLOCKER: &str = r#"{"severity":"blocker","title":"Voucher is charged twice"}"#;

fn tells(body: &'static str) -> Says {
    Says::Status(200, vec![], body)
}

fn says(status: u16) -> Says {
    Says::Status(status, vec![], "{}")
}

impl Rig {
    async fn thin_event(&self, event: &str, id: u64) -> EventId {
        let body = json!({ "event_name": event, "timestamp": 1_789_382_400, "team_member_id": 112,
            "project_code": "SHOP", "payload": { "id": id } });
        self.hook(&body).await.unwrap().event
    }

    async fn record(&self, id: EventId) -> EventRecord {
        self.store.event(id).await.unwrap().unwrap()
    }

    /// The titles that went to red, in order.
    fn red(&self) -> Vec<String> {
        let text = |body: &str| serde_json::from_str::<Value>(body).unwrap()["text"].as_str().unwrap().to_owned();
        self.exchange.asked("red.example").iter().map(|asked| text(&asked.body)).collect()
    }
}

#[tokio::test]
async fn a_thin_event_is_answered_then_looked_up_then_decided() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    rig.exchange.script("api.example", [tells(BLOCKER)]);
    let id = rig.thin_event("defect.resolved", 58).await;
    let record = rig.record(id).await;
    assert_eq!((record.stage, record.verdicts.len()), (Stage::Awaiting, 0), "answered before it is decided");
    rig.rest().await;
    let record = rig.record(id).await;
    assert_eq!(record.stage, Stage::Decided);
    assert_eq!(record.facts["values"]["severity"], "blocker");
    assert_eq!(record.facts["origins"]["severity"]["look_up"]["at"], rig.clock.now().as_ms());
    assert_eq!(rig.states().await, [State::Delivered]);
    assert!(rig.red()[0].contains("Voucher is charged twice"), "{:?}", rig.red());
    let known = rig.store.recall(&SubjectKey::new("qase", Some("SHOP"), "defect/58")).await.unwrap();
    assert_eq!(known.memory.unwrap().0.facts["severity"].value, "blocker", "remembered like the event's own");

    rig.clock.advance(MINUTE);
    rig.thin_event("defect.updated", 58).await;
    rig.rest().await;
    assert_eq!(rig.exchange.asked("api.example").len(), 1, "what is remembered is not asked for");
    assert_eq!(rig.states().await.len(), 2);
    let metrics = rig.relay.shared.metrics.text();
    assert!(metrics.contains("relaybell_lookups_total{source=\"qase\",outcome=\"found\"} 1"), "{metrics}");
}

#[tokio::test]
async fn nothing_is_asked_that_no_rule_or_template_reads() {
    let rules = "rules:\n  - name: runs\n    when: { event: run.completed, title: x }\n    send: [{ to: red }]\n";
    let rig = Rig::start_with(TWO_CHATS, rules, thin(|_| {})).await;
    let id = rig.thin_event("defect.resolved", 58).await;
    assert_eq!(rig.record(id).await.stage, Stage::Decided);
    let id = rig.thin_event("run.completed", 58).await;
    assert_eq!(rig.record(id).await.stage, Stage::Awaiting, "not vacuous");
}

#[tokio::test]
async fn a_later_event_of_a_subject_never_overtakes_one_that_waits() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    rig.exchange.script("api.example", [says(503), tells(BLOCKER)]);
    rig.thin_event("defect.resolved", 58).await;
    rig.defect("defect.updated", "SHOP", 58, "Later").await;
    rig.defect("defect.created", "SHOP", 59, "Another").await;
    rig.rest().await;
    assert_eq!(rig.red().len(), 1, "another subject waits for nobody");
    rig.pass(5 * SECOND).await;
    let red = rig.red();
    assert!(red[0].contains("Another") && red[1].contains("Voucher") && red[2].contains("Later"), "{red:?}");
    let known = rig.store.recall(&SubjectKey::new("qase", Some("SHOP"), "defect/58")).await.unwrap();
    assert_eq!(known.memory.unwrap().0.facts["title"].value, "Later", "the later event's word counts");
}

#[tokio::test]
async fn a_look_up_that_keeps_failing_is_given_up_and_the_event_decided_with_what_is_known() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    rig.exchange.script("api.example", vec![says(503); 9]);
    let id = rig.thin_event("defect.resolved", 58).await;
    rig.pass(3 * MINUTE).await;
    assert_eq!(rig.exchange.times("api.example"), [0, 2, 10, 40, 120]);
    let record = rig.record(id).await;
    assert_eq!(record.stage, Stage::Decided);
    let lacking = Decision::Lacking { why: "the API answered 503".to_owned() };
    assert_eq!(record.verdicts[0].decision, lacking);
    assert_eq!(record.verdicts[1].rule.as_ref(), "others");
    assert_eq!(rig.exchange.asked("blue.example").len(), 1, "rules that need less still act");
}

#[tokio::test]
async fn what_is_not_there_any_more_is_said_and_the_event_decided() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    rig.exchange.script("api.example", [says(404)]);
    let id = rig.thin_event("defect.resolved", 58).await;
    rig.rest().await;
    let record = rig.record(id).await;
    assert_eq!(record.verdicts[0].decision, Decision::Lacking { why: "there is no defect/58".to_owned() });
    assert_eq!(rig.exchange.asked("blue.example").len(), 1);
}

#[tokio::test]
async fn refused_credentials_delay_nothing() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    rig.exchange.script("api.example", vec![says(401); 3]);
    for id in 1..=3 {
        rig.thin_event("defect.resolved", id).await;
    }
    rig.rest().await;
    assert_eq!(rig.exchange.asked("blue.example").len(), 3);
    let metrics = rig.relay.shared.metrics.text();
    assert!(metrics.contains("relaybell_lookups_total{source=\"qase\",outcome=\"failed\"} 3"), "{metrics}");
}

#[tokio::test]
async fn a_429_pauses_all_look_ups_of_the_source_in_full() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    let wait = vec![("retry-after", "40".to_owned())];
    rig.exchange.script("api.example", [Says::Status(429, wait, "{}")]);
    rig.exchange.script("api.example", vec![tells(BLOCKER); 3]);
    for id in 1..=3 {
        rig.thin_event("defect.resolved", id).await;
        rig.rest().await;
        rig.clock.advance(SECOND);
    }
    rig.pass(50 * SECOND).await;
    assert_eq!(rig.exchange.times("api.example"), [0, 40, 40, 40]);
    assert_eq!(rig.red().len(), 3);
}

#[tokio::test]
async fn one_answer_serves_the_events_that_came_before_it() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    rig.exchange.script("api.example", [tells(r#"{"severity":"blocker"}"#), tells(r#"{"severity":"blocker"}"#)]);
    for event in ["defect.updated", "defect.resolved"] {
        rig.thin_event(event, 58).await;
    }
    rig.rest().await;
    assert_eq!(rig.exchange.asked("api.example").len(), 1, "the title is still wanted, but the answer is there");
    rig.clock.advance(SECOND);
    rig.thin_event("defect.created", 58).await;
    rig.rest().await;
    assert_eq!(rig.exchange.asked("api.example").len(), 2, "what was told earlier may have changed since");
}

#[tokio::test]
async fn an_access_token_is_kept_renewed_when_refused_and_before_it_ends() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|thin| thin.signs_in = true)).await;
    let token = |token: &'static str| tells(token);
    rig.exchange.script(
        "id.example",
        [
            token(r#"{"access_token":"one","expires_in":3600}"#),
            token(r#"{"access_token":"two","expires_in":3600}"#),
            token(r#"{"access_token":"three","expires_in":3600}"#),
        ],
    );
    rig.exchange.script("api.example", [tells(BLOCKER), tells(BLOCKER), says(401), tells(BLOCKER), tells(BLOCKER)]);
    for id in 1..=3 {
        rig.thin_event("defect.resolved", id).await;
        rig.rest().await;
    }
    rig.clock.advance(Duration::from_secs(3541));
    rig.thin_event("defect.resolved", 4).await;
    rig.rest().await;
    let tokens: Vec<_> =
        rig.exchange.asked("api.example").iter().map(|asked| asked.authorization.clone().unwrap()).collect();
    assert_eq!(tokens, ["Bearer one", "Bearer one", "Bearer one", "Bearer two", "Bearer three"]);
    assert_eq!(rig.red().len(), 4);
}

#[tokio::test]
async fn after_a_restart_look_ups_are_taken_up_again_in_order() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    rig.exchange.script("api.example", [says(503), says(503)]);
    let first = rig.thin_event("defect.resolved", 58).await;
    rig.defect("defect.updated", "SHOP", 58, "Later").await;
    rig.pass(3 * SECOND).await;
    assert_eq!(rig.record(first).await.stage, Stage::Awaiting);

    rig.exchange.script("api.example", [tells(BLOCKER)]);
    let rig = rig.restart(thin(|_| {})).await;
    rig.rest().await;
    let red = rig.red();
    assert!(red.len() == 2 && red[0].contains("Voucher") && red[1].contains("Later"), "{red:?}");
}

#[tokio::test]
async fn events_of_a_source_that_is_gone_are_decided_as_they_are() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    rig.exchange.script("api.example", vec![says(503); 9]);
    let id = rig.thin_event("defect.resolved", 58).await;
    rig.rest().await;
    rig.folder.write("relaybell.yaml", &TWO_CHATS.replace("qase: { kind: qase }", "other: { kind: qase }"));
    rig.relay.reload().await.unwrap();
    rig.rest().await;
    let record = rig.record(id).await;
    assert_eq!(record.stage, Stage::Decided);
    let why = "relaybell.yaml has no source 'qase' any more".to_owned();
    assert_eq!(record.verdicts[0].decision, Decision::Lacking { why });
    assert_eq!(rig.exchange.asked("blue.example").len(), 1);
}

#[tokio::test]
async fn an_event_and_its_delivery_can_be_waited_for() {
    let rig = Rig::start_with(TWO_CHATS, RULES, thin(|_| {})).await;
    rig.exchange.script("api.example", [tells(BLOCKER)]);
    let id = rig.thin_event("defect.resolved", 58).await;
    let planned = rig.relay.planned(id, 10 * SECOND).await.unwrap().expect("it is planned");
    let Decision::Sent(ids) = &planned.verdicts[0].decision else { panic!("{:?}", planned.verdicts) };
    let finished = rig.relay.finished(ids[0], 10 * SECOND).await.unwrap().expect("it is delivered");
    assert_eq!(finished.state, State::Delivered);

    rig.exchange.script("api.example", vec![says(503); 9]);
    let slow = rig.thin_event("defect.resolved", 59).await;
    let waiting = rig.relay.planned(slow, SECOND);
    let (planned, ()) = tokio::join!(waiting, rig.pass(2 * SECOND));
    assert_eq!(planned.unwrap(), None, "not within this time");
}
