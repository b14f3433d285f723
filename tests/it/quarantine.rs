//! Webhooks that cannot be read are kept where the fault is ours, and read again on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::HeaderMap;
use relaybell::domain::delivery::State;
use relaybell::domain::ids::EventId;
use relaybell::domain::plan::Decision;
use relaybell::domain::stage::Stage;
use relaybell::relay::ingest::{Accepted, IngestError};
use relaybell::relay::replan::Chosen;
use relaybell::source::RawHook;
use relaybell::store::{Ledger, StoreError};
use serde_json::json;

use crate::support::files::Folder;
use crate::support::http::{Face, json as body_of};
use crate::support::process::{Serving, run, stderr, stdout};
use crate::support::rig::{RED_AND_BLUE, Rig, TWO_CHATS};
use crate::support::thin::thin;

async fn post(rig: &Rig, body: &str) -> Result<Accepted, IngestError> {
    let snapshot = rig.relay.shared.current.load_full();
    let source = snapshot.sources.get("qase").unwrap();
    rig.relay.ingest(source, RawHook::posted(HeaderMap::new(), Bytes::from(body.to_owned()))).await
}

async fn stage(rig: &Rig, id: EventId) -> Stage {
    rig.store.event(id).await.unwrap().unwrap().stage
}

const ALL: Chosen = Chosen::All { stage: Stage::Quarantined, source: None };

#[tokio::test]
async fn a_source_that_never_refuses_keeps_what_cannot_be_read() {
    let config = TWO_CHATS.replace("kind: qase", "kind: qase, never_refuse: true");
    let rig = Rig::start(&config, RED_AND_BLUE).await;
    let accepted = post(&rig, "{ not json").await.unwrap();
    let record = rig.store.event(accepted.event).await.unwrap().unwrap();
    assert_eq!((record.name.as_str(), record.stage), ("(unread)", Stage::Quarantined));
    assert_eq!(record.body, b"{ not json");
    let Decision::Quarantined { why } = &record.verdicts[0].decision else { panic!("{:?}", record.verdicts) };
    assert!(why.starts_with("the body is not JSON"), "{why}");
    assert!(post(&rig, "{ not json").await.unwrap().duplicate, "sent again, it is the same");
    let metrics = rig.relay.shared.metrics.text();
    assert!(metrics.contains("relaybell_events_quarantined_total{source=\"qase\"} 1"), "{metrics}");

    let refused = rig.relay.replan(&Chosen::One(accepted.event)).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Refused(why) if why.contains("still cannot be read")), "{refused}");
    let all = rig.relay.replan(&ALL).await.unwrap();
    assert_eq!((all.done.len(), all.refused.len()), (0, 1));
}

#[tokio::test]
async fn a_source_that_refuses_stores_nothing() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    assert!(matches!(post(&rig, "{ not json").await, Err(IngestError::Malformed(_))));
    assert!(rig.store.events(None, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_could_not_be_read_is_planned_again_after_the_fix() {
    let broken = Arc::new(AtomicBool::new(true));
    let flag = broken.clone();
    let rig = Rig::start_with(TWO_CHATS, RED_AND_BLUE, thin(move |thin| thin.broken = flag)).await;
    let id = rig.defect("defect.created", "SHOP", 58, "Voucher").await;
    assert_eq!(stage(&rig, id).await, Stage::Quarantined);
    rig.rest().await;
    assert!(rig.deliveries().await.is_empty());

    broken.store(false, Ordering::Relaxed);
    let replanned = rig.relay.replan(&ALL).await.unwrap();
    assert_eq!((replanned.done.as_slice(), replanned.awaiting.len()), (&[id][..], 0));
    rig.rest().await;
    let record = rig.store.event(id).await.unwrap().unwrap();
    assert_eq!((record.name.as_str(), record.stage), ("defect.created", Stage::Decided));
    assert_eq!(rig.states().await, [State::Delivered]);
    let again = rig.relay.replan(&Chosen::One(id)).await.unwrap_err();
    assert!(again.to_string().contains("has been decided already"), "{again}");
    assert!(rig.defect("defect.created", "SHOP", 58, "Voucher").await == id, "its sender's repetition is known");
}

#[tokio::test]
async fn a_webhook_of_several_events_becomes_all_of_them() {
    let broken = Arc::new(AtomicBool::new(true));
    let flag = broken.clone();
    let change = thin(move |thin| {
        thin.broken = flag;
        thin.times = 3;
    });
    let rig = Rig::start_with(TWO_CHATS, RED_AND_BLUE, change).await;
    let id = rig.defect("defect.created", "SHOP", 58, "part 0").await;
    broken.store(false, Ordering::Relaxed);
    let replanned = rig.relay.replan(&Chosen::One(id)).await.unwrap();
    assert_eq!((replanned.done.len(), replanned.done[0], replanned.awaiting.len()), (3, id, 0));
    rig.rest().await;
    let sums = || rig.relay.shared.metrics.text();
    assert!(sums().contains("relaybell_events_accepted_total{source=\"qase\"} 1"), "kept as one: {}", sums());
    let titles: Vec<String> =
        rig.deliveries().await.iter().map(|delivery| delivery.content.message.title.clone()).collect();
    assert_eq!(titles.len(), 3);
    let sent: Vec<String> = rig.exchange.asked("red.example").iter().map(|asked| asked.body.clone()).collect();
    for (number, body) in sent.iter().enumerate() {
        assert!(body.contains(&format!("part {number}")), "in the order of the webhook: {sent:?}");
    }
}

#[tokio::test]
async fn the_events_of_a_webhook_are_counted_each() {
    let rig = Rig::start_with(TWO_CHATS, RED_AND_BLUE, thin(|thin| thin.times = 3)).await;
    let counted = |accepted: u64, duplicate: u64| {
        let metrics = rig.relay.shared.metrics.text();
        let line = |what: &str, count: u64| match count {
            0 => true,
            _ => metrics.contains(&format!("relaybell_events_{what}_total{{source=\"qase\"}} {count}\n")),
        };
        assert!(line("accepted", accepted) && line("duplicate", duplicate), "{metrics}");
    };
    rig.defect("defect.created", "SHOP", 58, "part 0").await;
    counted(3, 0);
    rig.defect("defect.created", "SHOP", 58, "part 0").await;
    counted(3, 3);
    assert_eq!(rig.store.events(Some("qase"), None, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_api_plans_again_and_says_what_it_did() {
    let broken = Arc::new(AtomicBool::new(true));
    let flag = broken.clone();
    let rig = Rig::start_with(TWO_CHATS, RED_AND_BLUE, thin(move |thin| thin.broken = flag)).await;
    let face = Face::open(&rig.relay).await;
    let body = json!({ "event_name": "defect.created", "project_code": "SHOP", "payload": { "id": 58, "title": "x",
        "severity": "blocker" } });
    let headers = [("content-type", "application/json")];
    let answer = face.ask("POST", "/hooks/qase", &headers, body.to_string().as_bytes()).await;
    assert_eq!(answer.status(), 202);
    let id = body_of(&answer)["event_id"].as_str().unwrap().to_owned();
    broken.store(false, Ordering::Relaxed);
    let ask = json!({ "quarantined": true }).to_string();
    let answer = face.ask("POST", "/api/v1/events/replan", &headers, ask.as_bytes()).await;
    assert_eq!(body_of(&answer), json!({ "done": [id], "awaiting": [], "refused": [] }));
    for wrong in [json!({}), json!({ "id": "x" }), json!({ "broken": true, "quarantined": true }), json!({ "all": 1 })]
    {
        let answer = face.ask("POST", "/api/v1/events/replan", &headers, wrong.to_string().as_bytes()).await;
        assert_eq!(answer.status(), 400, "{wrong}");
    }
}

#[test]
fn the_command_shows_and_replans_through_the_relay_and_survives_its_kill() {
    let config = "server: { listen: 127.0.0.1:0 }\nsources: { qase: { kind: qase, never_refuse: true } }\n\
        destinations: { chat: { kind: slack, webhook_url: \"http://127.0.0.1:9/services/T/B/x\" } }\n";
    let folder = Folder::new(config, "rules: [{ name: all, when: { event: defect.* }, send: [{ to: chat }] }]\n");
    let serving = Serving::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let client = relaybell::ports::http::HttpExchange::new().unwrap();
        crate::support::http::ask(&client, serving.address, "POST", "/hooks/qase", &[], b"[1, 2]").await
    });
    assert_eq!(answer.status(), 202);
    serving.kill();

    let listed = run(folder.path(), &["events", "list", "--quarantined"]);
    assert!(stdout(&listed).contains("(unread)") && stdout(&listed).contains("quarantined"), "{}", stdout(&listed));
    let id = body_of(&answer)["event_id"].as_str().unwrap().to_owned();
    let shown = stdout(&run(folder.path(), &["events", "show", &id]));
    assert!(shown.contains("not read: the body is a list, but an object is expected"), "{shown}");
    assert!(shown.contains(&format!("relaybell events replan {id}")), "{shown}");

    let direct = run(folder.path(), &["events", "replan", "--quarantined"]);
    assert_eq!(direct.status.code(), Some(1), "it still cannot be read");
    assert!(stderr(&direct).contains("still cannot be read"), "{}", stderr(&direct));
    let _serving = Serving::start(folder.path());
    let through = run(folder.path(), &["events", "replan", &id]);
    assert_eq!(through.status.code(), Some(1));
    assert!(stderr(&through).contains("still cannot be read"), "{}", stderr(&through));
    let nothing = run(folder.path(), &["events", "replan"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", stderr(&nothing));
}

/// Sources that keep what they cannot read.
const KEEPING: &str = "server: { listen: 127.0.0.1:0 }
storage: { url: \"sqlite:relay.db\" }
sources:
  ci:
    kind: json
    secrets: [a-long-secret]
    never_refuse: true
    map: { event: 'headers[\"x-event\"]', facts: { token: 'headers[\"x-job-token\"]' } }
destinations: { chat: { kind: slack, webhook_url: \"http://127.0.0.1:9/services/T/B/x\" } }
";

#[test]
fn what_cannot_be_read_is_shown_as_it_came() {
    let folder = Folder::new(KEEPING, "rules: []\n");
    let serving = Serving::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let post = |body: &[u8]| {
        let client = relaybell::ports::http::HttpExchange::new().unwrap();
        let headers = [
            ("content-type", "text/plain"),
            ("x-relaybell-secret", "a-long-secret"),
            ("x-event", "build.done"),
            ("x-job-token", "t-123456"),
        ];
        let asking = crate::support::http::ask(&client, serving.address, "POST", "/hooks/ci", &headers, body);
        let answer = runtime.block_on(asking);
        assert_eq!(answer.status(), 202);
        body_of(&answer)["event_id"].as_str().unwrap().to_owned()
    };
    let raw = |id: &str| run(folder.path(), &["events", "show", id, "--raw"]).stdout;
    let show = |id: &str| stdout(&run(folder.path(), &["events", "show", id]));

    let odd = b"state=caf\xe9\nand=\x1b[31mred a-long-secret\n";
    let id = post(odd);
    assert_eq!(raw(&id), odd, "exactly the bytes that came");
    let shown = show(&id);
    let webhook = shown.split("webhook\n").nth(1).unwrap().split("\nfacts").next().unwrap();
    insta::assert_snapshot!("an_unread_webhook", webhook);
    let told: serde_json::Value =
        serde_json::from_str(&stdout(&run(folder.path(), &["events", "show", &id, "--json"]))).unwrap();
    assert_eq!(told["payload"], serde_json::Value::Null);
    assert_eq!(told["body"], "state=caf\\xE9\nand=\u{1b}[31mred a-long-secret\n");

    // Long ones are cut between characters, and not lost.
    let long = "\u{1f600}".repeat(4000);
    let id = post(format!("x{long}").as_bytes());
    let shown = show(&id);
    assert!(shown.contains(&format!("… and {} more bytes", 16_001 - 8189)), "{shown}");
    assert!(!shown.contains("\\x"), "no half of a character: {shown}");
    assert_eq!(raw(&id), format!("x{long}").as_bytes());
    assert!(show(&post(b"")).contains("  (no body)\n"));

    // What could be read is not repeated unless it is asked for.
    let id = post(br#"{ "n":  1 }"#);
    let shown = show(&id);
    assert!(shown.contains("build.done") && !shown.contains("\nwebhook\n"), "{shown}");
    assert_eq!(raw(&id), br#"{ "n":  1 }"#);
    let told: serde_json::Value =
        serde_json::from_str(&stdout(&run(folder.path(), &["events", "show", &id, "--json"]))).unwrap();
    assert_eq!((&told["payload"], told.get("body")), (&json!({ "n": 1 }), None));
    for wrong in [
        &["events", "show", &id, "--raw", "--json"][..],
        &["events", "list", "--limit", "0"],
        &["deliveries", "list", "--limit", "0"],
    ] {
        let refused = run(folder.path(), wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}: {}", stderr(&refused));
    }
    let refused = stderr(&run(folder.path(), &["events", "list", "--limit", "0"]));
    assert!(refused.contains("at least 1"), "{refused}");
    // A test is made of what can be read only.
    let refused = run(folder.path(), &["test", "--from", &post(odd)]);
    assert!(!refused.status.success() && stderr(&refused).contains("is no JSON"), "{}", stderr(&refused));
}
