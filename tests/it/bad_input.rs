//! What strangers and broken senders get to hear: each way of proving a sender and each kind
//! of source × each fault, through real HTTP. Written down in the snapshot, which a person reads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relaybell::domain::plan::Decision;
use relaybell::source::proof::{Algorithm, Key, standard_key};
use relaybell::store::Ledger;
use relaybell::web::HOOK_BYTES_MAX;
use serde_json::{Value, json};

use crate::support::http::Face;
use crate::support::rig::{RED_AND_BLUE, Rig, TWO_CHATS};

/// When the rig's clock stands still, in seconds.
const NOW: i64 = 1_789_372_800;

/// The sources of `tests/cases/bad_input/sources.yaml`.
const ALL: [&str; 10] =
    ["qase", "guarded", "signed", "timed", "manager", "orchestrator", "events", "mapped", "preset", "pipeline"];
/// Those whose signature has a time in it.
const TIMED: [&str; 3] = ["signed", "timed", "pipeline"];
/// Those that sign what they send.
const SIGNED: [&str; 5] = ["signed", "timed", "orchestrator", "preset", "pipeline"];

/// A request on its way.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// The moment that is signed.
    at: i64,
}

impl Sent {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// How the sender of each source proves itself.
fn sign(source: &str, sent: Sent, secret: &str) -> Sent {
    let (time, id) = (sent.at.to_string(), "msg_1");
    match source {
        "qase" => sent.with("x-qase-secret", secret),
        "manager" | "mapped" => sent.with("x-relaybell-secret", secret),
        "events" => sent.with("authorization", &format!("Bearer {secret}")),
        "guarded" => {
            let pair = STANDARD.encode(format!("qase:{secret}"));
            sent.with("authorization", &format!("Basic {pair}"))
        }
        "signed" | "pipeline" => {
            let key = standard_key(&STANDARD.encode(if secret == "right" { "swordfish" } else { "other" })).unwrap();
            let signature = key.sign(&[id.as_bytes(), b".", time.as_bytes(), b".", &sent.body]);
            sent.with("webhook-id", id)
                .with("webhook-timestamp", &time)
                .with("webhook-signature", &format!("v1,{}", STANDARD.encode(signature)))
        }
        "timed" => {
            let key = Key::new(Algorithm::Sha256, secret.as_bytes()).unwrap();
            let hex = hex(&key.sign(&[time.as_bytes(), b".", &sent.body]));
            sent.with("x-time", &time).with("x-signature", &hex)
        }
        "preset" => {
            let key = Key::new(Algorithm::Sha256, secret.as_bytes()).unwrap();
            let hex = hex(&key.sign(&[&sent.body]));
            sent.with("x-hub-signature-256", &format!("sha256={hex}"))
        }
        "orchestrator" => {
            let key = Key::new(Algorithm::Sha256, secret.as_bytes()).unwrap();
            let signature = STANDARD.encode(key.sign(&[&sent.body]));
            sent.with("x-uipath-signature", &signature)
        }
        other => panic!("{other} is not known here"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A webhook in order for `source`, not yet signed; `more` goes where the sender has room.
fn good(source: &str, more: &Value) -> Sent {
    let (media, body) = match source {
        "orchestrator" => (
            "application/json",
            json!({ "Type": "job.faulted", "EventId": "e1", "Job": { "Id": 7, "State": "Faulted", "Info": more } }),
        ),
        "manager" => ("application/json", json!({ "testExecutionId": "e", "testCaseId": "c", "variationId": more })),
        "events" => (
            "application/cloudevents+json",
            json!({ "specversion": "1.0", "id": "1", "source": "/ci", "type": "build.failed", "data": more }),
        ),
        "mapped" | "pipeline" => {
            ("application/json", json!({ "id": 7, "repo": "SHOP", "status": "failed", "failed": 3, "what": more }))
        }
        "preset" => (
            "application/json",
            json!({ "action": "opened", "issue": { "number": 7, "title": more }, "repository": { "full_name": "a/b" } }),
        ),
        _ => (
            "application/json",
            json!({ "event_name": "defect.created", "project_code": "SHOP", "payload": { "id": 7, "title": more } }),
        ),
    };
    let path = format!("/hooks/{source}");
    let sent = Sent { method: "POST", path, headers: Vec::new(), body: body.to_string().into_bytes(), at: NOW };
    let sent = if source == "preset" { sent.with("x-github-event", "issues") } else { sent };
    sent.with("content-type", media)
}

/// The faults of who sends.
fn unproven(source: &str) -> Vec<(&'static str, Sent)> {
    let sent = || good(source, &"Checkout fails".into());
    let mut faults = vec![("no proof", sent()), ("wrong secret", sign(source, sent(), "wrong"))];
    if SIGNED.contains(&source) {
        let changed = sign(source, sent(), "right").body("{\"event_name\": \"defect.deleted\"}");
        faults.push(("body changed on the way", changed));
    }
    if TIMED.contains(&source) {
        for (what, at) in [("stale", NOW - 3600), ("from the future", NOW + 3600)] {
            faults.push((what, sign(source, Sent { at, ..sent() }, "right")));
        }
    }
    faults
}

/// The faults of what is sent by a proven sender.
fn broken(source: &str) -> Vec<(&'static str, Sent)> {
    let sent = || good(source, &"Checkout fails".into());
    let whole = String::from_utf8(sent().body).unwrap();
    let with = |text: &str| whole.replace("\"Checkout fails\"", text);
    let middle = whole.find("Checkout").unwrap();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let odd = vec![
        ("empty", sent().body("")),
        ("cut off", sent().body(&whole[..whole.len() - 9])),
        ("not JSON", sent().body("event=defect.created")),
        ("a list", sent().body("[1, 2]")),
        ("nothing said", sent().body("{}")),
        ("not UTF-8", sent().body([&whole.as_bytes()[..middle], b"\xff\xfe", &whole.as_bytes()[middle..]].concat())),
        ("200 deep", sent().body(with(&deep))),
        ("a huge number", sent().body(with(&"9".repeat(400)))),
        ("a number beyond all", sent().body(with("1e999"))),
        ("a key twice", sent().body(with("\"Checkout fails\", \"id\": 8, \"Id\": 8"))),
        ("a list for text", sent().body(with("[1, 2]"))),
        ("NUL in text", sent().body(with("\"Checkout\\u0000fails\""))),
        ("half a character", sent().body(with("\"Checkout \\ud83d fails\""))),
        ("text/plain", sent().with("content-type", "text/plain")),
        ("a form", sent().with("content-type", "application/x-www-form-urlencoded").body("payload=%7B%7D")),
        ("compressed", sent().with("content-encoding", "gzip")),
        ("too large", sent().body(vec![b' '; HOOK_BYTES_MAX + 1])),
        ("below the address", Sent { path: format!("/hooks/{source}/api/kpis"), ..sent() }),
        ("with GET", Sent { method: "GET", body: Vec::new(), ..sent() }),
        ("with OPTIONS", Sent { method: "OPTIONS", body: Vec::new(), ..sent() }),
    ];
    odd.into_iter().map(|(what, sent)| (what, sign(source, sent, "right"))).collect()
}

async fn send(face: &Face, sent: &Sent) -> (u16, Value) {
    let headers: Vec<(&str, &str)> = sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = face.ask(sent.method, &sent.path, &headers, &sent.body).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

fn config() -> String {
    let sources = include_str!("../cases/bad_input/sources.yaml");
    let lines = sources.lines().map(|line| format!("  {line}\n")).collect::<String>();
    TWO_CHATS.replace("sources: { qase: { kind: qase } }\n", &format!("sources:\n{lines}"))
}

/// The counted refusals of the relay, without the beginnings of the lines.
async fn refusals(face: &Face) -> String {
    let metrics = String::from_utf8(face.ask("GET", "/metrics", &[], b"").await.body().to_vec()).unwrap();
    let counted = metrics.lines().filter_map(|line| line.strip_prefix("relaybell_events_refused_total"));
    let mut counted: Vec<&str> = counted.collect();
    counted.sort_unstable();
    counted.join("\n")
}

#[tokio::test]
async fn every_fault_has_its_answer() {
    let rig = Rig::start(&config(), RED_AND_BLUE).await;
    let face = Face::open(&rig.relay).await;
    let mut table = String::new();
    for source in ALL {
        writeln!(table, "{source}").unwrap();
        for (what, sent) in unproven(source) {
            let (status, body) = send(&face, &sent).await;
            writeln!(table, "  {what:<24} {status} {}: {}", text(&body["title"]), text(&body["detail"])).unwrap();
            assert_eq!(status, 401, "{source}, {what}");
        }
        rig.rest().await;
        assert!(
            rig.store.events(None, None, 10).await.unwrap().is_empty(),
            "{source}: nothing of a stranger is stored"
        );
    }
    writeln!(table, "\ncounted").unwrap();
    writeln!(table, "{}\n", refusals(&face).await).unwrap();
    for source in ["qase", "manager", "orchestrator", "events", "mapped", "preset"] {
        writeln!(table, "{source}").unwrap();
        for (what, sent) in broken(source) {
            let (status, body) = send(&face, &sent).await;
            let said = match status {
                202 => accepted(&rig, &body).await,
                200 => String::from("no event"),
                _ => format!("{}: {}", text(&body["title"]), text(&body["detail"])),
            };
            writeln!(table, "  {what:<24} {status} {said}").unwrap();
        }
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("every_fault", table) });
}

#[tokio::test]
async fn what_the_mapping_leaves_out_is_no_event_and_no_fault() {
    let rig = Rig::start(&config(), RED_AND_BLUE).await;
    let face = Face::open(&rig.relay).await;
    let ping = || good("mapped", &"hello".into()).body(r#"{ "status": "queued", "id": 8 }"#);
    let nothing = json!({ "event_id": null, "duplicate": false });
    for time in ["first", "again"] {
        assert_eq!(send(&face, &sign("mapped", ping(), "right")).await, (200, nothing.clone()), "{time}");
    }
    // An event of no item is none either.
    let empty = good("pipeline", &"hello".into()).body(r#"{ "items": [] }"#);
    assert_eq!(send(&face, &sign("pipeline", empty, "right")).await, (200, nothing));
    assert_eq!(send(&face, &sign("mapped", ping(), "wrong")).await.0, 401, "a stranger learns nothing of the mapping");
    rig.rest().await;
    assert!(rig.store.events(None, None, 10).await.unwrap().is_empty(), "what is no event is not stored");
    assert!(rig.deliveries().await.is_empty());
    let metrics = rig.relay.shared.metrics.text();
    for counted in [
        "relaybell_events_none_total{source=\"mapped\"} 2",
        "relaybell_events_none_total{source=\"pipeline\"} 1",
        "relaybell_events_refused_total{source=\"mapped\",reason=\"wrong_secret\"} 1",
    ] {
        assert!(metrics.contains(counted), "{counted} in {metrics}");
    }
    assert!(!metrics.contains("relaybell_events_accepted_total{source=\"mapped\"}"), "{metrics}");
}

/// What became of an accepted webhook.
async fn accepted(rig: &Rig, receipt: &Value) -> String {
    // That of an exchange is the sender's own.
    let Ok(id) = text(&receipt["event_id"]).parse() else { return "accepted".to_owned() };
    let record = rig.store.event(id).await.unwrap().unwrap();
    match &record.verdicts.first().map(|verdict| &verdict.decision) {
        Some(Decision::Quarantined { why }) => format!("accepted, kept unread: {why}"),
        _ => format!("accepted: {}", record.name),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_repetition_answers_like_the_first_whoever_repeats_it() {
    let rig = Rig::start(&config(), RED_AND_BLUE).await;
    let face = Face::open(&rig.relay).await;
    for source in ALL {
        let sent = sign(source, good(source, &"Checkout fails".into()), "right");
        let (status, first) = send(&face, &sent).await;
        assert_eq!((status, &first["duplicate"]), (202, &json!(false)), "{source}: {first}");
        let (status, again) = send(&face, &sent).await;
        assert_eq!(status, 202, "{source}");
        assert_eq!(again, json!({ "event_id": first["event_id"], "duplicate": true }), "{source}");
    }
    // What carries an id is known by it, whatever else is sent with it.
    for source in ["signed", "orchestrator", "events", "mapped", "pipeline"] {
        let (_, other) = send(&face, &sign(source, good(source, &"Another text".into()), "right")).await;
        assert_eq!(other["duplicate"], true, "{source}");
    }
}
