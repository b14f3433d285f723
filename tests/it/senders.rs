//! Senders beside Qase: what is read of the webhooks of UiPath Orchestrator and of
//! CloudEvents in all their modes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use relaybell::config::{Secrets, Snapshot};
use relaybell::domain::event::{Dedup, Report};
use relaybell::domain::time::Timestamp;
use relaybell::source::{ByHand, Malformed, RawHook, Reason, Source, prove};
use serde_json::{Value, json};

use crate::diagnose::{Memory, load};
use crate::support::http::{Face, json as body_of};
use crate::support::rig::{RED_AND_BLUE, Rig, TWO_CHATS};

const ORCHESTRATOR: &str = r#"{ kind: uipath_orchestrator, secrets: [relay-test-secret],
    app_url: "https://cloud.uipath.com/acme/Default/orchestrator_", projects: { 1: SHOP } }"#;
const EVENTS: &str = r#"{ kind: cloudevents, strip: com.example., events: { com.example.BuildBroken: build.failed } }"#;

fn configured(source: &str) -> Snapshot {
    let folders = Memory::default().with("rules/none.yaml", "rules: []\n").with("templates/t.md.hbs", "\n");
    let files = folders.with("relaybell.yaml", format!("sources:\n  s: {source}\n"));
    load(&files, Secrets::Resolve).unwrap_or_else(|found| panic!("{found}"))
}

fn read(source: &dyn Source, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<Report>, Malformed> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    ByHand(source).read(RawHook::posted(map, Bytes::copy_from_slice(body)))
}

/// What people need to see of a report.
fn shown(report: &Report) -> String {
    let mut text = format!("  {}", report.event);
    for (what, value) in [("project", &report.project), ("subject", &report.subject)] {
        if let Some(value) = value {
            write!(text, "  {what} {value}").unwrap();
        }
    }
    if let Some(time) = report.time {
        write!(text, "  {time}").unwrap();
    }
    writeln!(text, "{}", if report.begins { "  begins" } else { "" }).unwrap();
    for (name, value) in &report.facts {
        let derived = if report.derived.contains(&name.as_str()) { "  (derived)" } else { "" };
        let passing = if report.passing.contains(&name.as_str()) { "  (not remembered)" } else { "" };
        writeln!(text, "    {name}: {value}{derived}{passing}").unwrap();
    }
    text
}

#[test]
fn the_facts_of_every_sample() {
    for (name, source) in [("orchestrator", ORCHESTRATOR), ("cloudevents", EVENTS)] {
        let snapshot = configured(source);
        let adapter = snapshot.sources["s"].adapter.as_ref();
        let mut text = String::new();
        for sample in adapter.samples() {
            writeln!(text, "{}", sample.variant).unwrap();
            for report in ByHand(adapter).read(sample.hook()).unwrap() {
                text.push_str(&shown(&report));
            }
        }
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(format!("facts_of_{name}"), text) });
    }
}

#[test]
fn the_signature_of_orchestrator_is_checked_as_published_and_as_seen() {
    let vector: Value = serde_json::from_str(include_str!("../cases/orchestrator.signature-vector.json")).unwrap();
    let snapshot = configured(ORCHESTRATOR);
    let source = snapshot.sources["s"].adapter.as_ref();
    let send = |signature: Option<&str>, body: &str| {
        let mut headers = HeaderMap::new();
        if let Some(signature) = signature {
            headers.insert("x-uipath-signature", HeaderValue::from_str(signature).unwrap());
        }
        let hook = RawHook::posted(headers, Bytes::copy_from_slice(body.as_bytes()));
        prove(source, hook, Timestamp::default()).map(|_| ()).map_err(|refusal| refusal.reason)
    };
    let body = vector["raw_body"].as_str().unwrap();
    let forms = [
        "x_uipath_signature_base64",
        "x_uipath_signature_sha256_prefixed_hex",
        "x_uipath_signature_sha256_prefixed_base64",
    ];
    for form in forms {
        let signature = vector[form].as_str().unwrap();
        assert_eq!(send(Some(signature), body), Ok(()), "{form}");
        assert_eq!(send(Some(signature), &body.replace("25.90", "25.91")), Err(Reason::BadSignature), "{form}");
    }
    assert_eq!(send(None, body), Err(Reason::NoSignature));
    assert_eq!(send(Some("sha256="), body), Err(Reason::BadSignature));
}

#[test]
fn each_entity_of_a_webhook_is_an_event_that_can_be_read_again_by_itself() {
    let snapshot = configured(ORCHESTRATOR);
    let source = snapshot.sources["s"].adapter.as_ref();
    let mut split = 0;
    for sample in source.samples() {
        let reports = ByHand(source).read(sample.hook()).unwrap();
        for report in &reports {
            assert_eq!(report.alone.is_some(), reports.len() > 1, "{}", sample.variant);
            let Some(alone) = &report.alone else { continue };
            let again = read(source, &[], alone).unwrap();
            assert_eq!(again.len(), 1);
            assert_eq!((&again[0].facts, &again[0].subject), (&report.facts, &report.subject), "{}", sample.variant);
            assert_eq!(again[0].payload, report.payload, "{}", sample.variant);
            split += 1;
        }
        let ids: Vec<&Dedup> = reports.iter().map(|report| &report.dedup).collect();
        assert!(ids.iter().enumerate().all(|(n, id)| !ids[..n].contains(id)), "{}", sample.variant);
    }
    assert!(split >= 6, "nothing is split any more");
}

#[test]
fn the_same_event_from_another_folder_is_a_repetition() {
    let snapshot = configured(ORCHESTRATOR);
    let source = snapshot.sources["s"].adapter.as_ref();
    let of = |folder: u64| {
        let body =
            json!({ "Type": "queue.updated", "EventId": "e1", "Queues": [{ "Id": 4 }], "OrganizationUnitId": folder });
        read(source, &[], body.to_string().as_bytes()).unwrap().remove(0).dedup
    };
    assert_eq!(of(1), of(2));
    assert_eq!(of(1), Dedup::SenderId("e1".to_owned()));
}

#[test]
fn what_orchestrator_adds_later_is_not_lost() {
    let snapshot = configured(ORCHESTRATOR);
    let source = snapshot.sources["s"].adapter.as_ref();
    let body = br#"{"Type":"storm.seen","EventId":"x","Storm":{"Id":3},"OrganizationUnitId":"1"}"#;
    let report = read(source, &[], body).unwrap().remove(0);
    assert_eq!((&*report.event, report.subject, report.project.as_deref()), ("storm.seen", None, Some("SHOP")));
    assert_eq!(report.payload["Storm"]["Id"], 3);
    // A list that is too long for an event each is one event that says how long it is.
    let many: Vec<Value> = (0..501).map(|id| json!({ "Id": id })).collect();
    let body = json!({ "Type": "queueItem.added", "EventId": "y", "QueueItems": many });
    let reports = read(source, &[], body.to_string().as_bytes()).unwrap();
    assert_eq!((reports.len(), &reports[0].facts["count"], &reports[0].subject), (1, &json!(501), &None));
}

const STRUCTURED: &[(&str, &str)] = &[("content-type", "application/cloudevents+json; charset=utf-8")];
const BATCH: &[(&str, &str)] = &[("content-type", "application/cloudevents-batch+json")];

const BARE: &[(&str, &str)] = &[];
/// An event in binary mode that has an id alone.
const BINARY: &[(&str, &str)] = &[("ce-id", "1")];

fn event(id: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/ci", "type": "com.example.build.failed", "subject": "build/7",
        "time": "2026-09-14T02:15:33Z", "severity": "Blocker", "traceparent": "00-1", "retries": 3, "data": { "branch": "main" } })
}

#[test]
fn structured_and_binary_mode_say_the_same() {
    let snapshot = configured(EVENTS);
    let source = snapshot.sources["s"].adapter.as_ref();
    let structured = read(source, STRUCTURED, event("1").to_string().as_bytes()).unwrap().remove(0);
    let headers = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/ci"),
        ("ce-type", "com.example.build.failed"),
        ("ce-subject", "build%2F7"),
        ("ce-time", "2026-09-14T02:15:33Z"),
        ("ce-severity", "Blocker"),
        ("ce-traceparent", "00-1"),
    ];
    let binary = read(source, &headers, br#"{"branch":"main"}"#).unwrap().remove(0);
    assert_eq!((&structured.event, &structured.subject), (&"build.failed".to_owned(), &Some("build/7".to_owned())));
    assert_eq!((&binary.event, &binary.subject), (&structured.event, &structured.subject));
    assert_eq!(
        (&binary.dedup, &binary.payload, binary.time),
        (&structured.dedup, &structured.payload, structured.time)
    );
    for fact in ["severity", "traceparent", "sender", "id", "type", "title"] {
        assert_eq!(binary.facts[fact], structured.facts[fact], "{fact}");
    }
    assert_eq!((&structured.facts["severity"], &structured.facts["retries"]), (&json!("blocker"), &json!(3)));
}

#[test]
fn data_that_is_no_json_is_kept() {
    let snapshot = configured(EVENTS);
    let source = snapshot.sources["s"].adapter.as_ref();
    let attributes = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/ci"), ("ce-type", "t")];
    let with = |media: &str, body: &[u8]| {
        let headers = [&attributes[..], &[("content-type", media)]].concat();
        read(source, &headers, body).unwrap().remove(0).payload
    };
    assert_eq!(with("text/xml", b"<a/>"), "<a/>");
    assert_eq!(with("image/png", b"\x89PNG\xff"), "iVBOR/8=");
    assert_eq!(with("application/vnd.acme+json", b"[1]"), json!([1]));
    assert_eq!(read(source, &attributes, b"").unwrap()[0].payload, Value::Null);
    let in_structure = |media: &str, data: &str| {
        let mut event = event("1");
        event["datacontenttype"] = media.into();
        event["data_base64"] = data.into();
        event.as_object_mut().unwrap().remove("data");
        read(source, STRUCTURED, event.to_string().as_bytes()).unwrap().remove(0).payload
    };
    assert_eq!(in_structure("text/xml", "PGEvPg=="), "<a/>");
    assert_eq!(in_structure("application/json", "WzFd"), json!([1]));
    assert_eq!(in_structure("image/png", "iVBOR/8="), "iVBOR/8=");
}

#[test]
fn a_batch_is_as_many_events_and_each_can_be_read_by_itself() {
    let snapshot = configured(EVENTS);
    let source = snapshot.sources["s"].adapter.as_ref();
    let body = json!([event("1"), event("2"), event("3")]).to_string();
    let reports = read(source, BATCH, body.as_bytes()).unwrap();
    assert_eq!(reports.len(), 3);
    for (report, id) in reports.iter().zip(["1", "2", "3"]) {
        assert_eq!(report.facts["id"], id);
        let again = read(source, BATCH, report.alone.as_ref().unwrap()).unwrap();
        assert_eq!((again.len(), &again[0].facts, &again[0].dedup), (1, &report.facts, &report.dedup));
    }
    assert!(read(source, BATCH, json!([event("1")]).to_string().as_bytes()).unwrap()[0].alone.is_none());
}

#[test]
fn what_is_no_cloud_event_is_refused_with_the_reason() {
    let snapshot = configured(EVENTS);
    let source = snapshot.sources["s"].adapter.as_ref();
    let without = |key: &str| {
        let mut event = event("1");
        event.as_object_mut().unwrap().remove(key);
        event
    };
    let with = |key: &str, value: Value| {
        let mut event = event("1");
        event[key] = value;
        event
    };
    let mut text = String::new();
    for (headers, body) in [
        (STRUCTURED, json!([event("1")])),
        (STRUCTURED, without("id")),
        (STRUCTURED, without("specversion")),
        (STRUCTURED, with("specversion", json!("0.3"))),
        (STRUCTURED, with("source", json!(""))),
        (STRUCTURED, with("type", json!(7))),
        (STRUCTURED, with("type", json!("two words"))),
        (STRUCTURED, with("data_base64", json!("AA=="))),
        (BATCH, json!([])),
        (BATCH, json!("event")),
        (BATCH, json!([event("1"), 2])),
        (BATCH, json!(vec![event("1"); 1001])),
        (BARE, event("1")),
        (BINARY, event("1")),
    ] {
        let why = read(source, headers, body.to_string().as_bytes()).unwrap_err().why;
        writeln!(text, "{why}").unwrap();
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("no_cloud_event", text) });
}

/// Whatever a proven sender sends, reading it ends, and says the same the second time.
#[test]
fn reading_never_breaks() {
    let snapshots = [ORCHESTRATOR, EVENTS].map(configured);
    proptest!(|(body in "\\PC{0,80}", event in "[a-zA-Z.]{0,20}", value in "\\PC{0,20}")| {
        let whole = json!({ "Type": event, "EventId": value, "Job": value, "specversion": "1.0", "id": value,
            "source": value, "type": event, "subject": value, "Jobs": [value, { "Id": value }] }).to_string();
        for snapshot in &snapshots {
            let adapter = snapshot.sources["s"].adapter.as_ref();
            for body in [body.as_bytes(), whole.as_bytes()] {
                for headers in [STRUCTURED, BATCH, BARE] {
                    prop_assert_eq!(read(adapter, headers, body), read(adapter, headers, body));
                }
            }
        }
    });
}

#[tokio::test]
async fn the_handshake_of_cloud_events_is_answered() {
    let sources = "sources:
  open: { kind: cloudevents, secrets: [right] }
  known: { kind: cloudevents, secrets: [right], allowed_origins: [Events.example.com], allowed_rate: 120 }
  qase: { kind: qase }
";
    let config = TWO_CHATS.replace("sources: { qase: { kind: qase } }\n", sources);
    let rig = Rig::start(&config, RED_AND_BLUE).await;
    let face = Face::open(&rig.relay).await;
    let ask = async |source: &str, origin: Option<&str>| {
        let headers: Vec<(&str, &str)> = origin.map(|origin| ("webhook-request-origin", origin)).into_iter().collect();
        face.ask("OPTIONS", &format!("/hooks/{source}"), &headers, b"").await
    };
    for (source, rate) in [("open", "*"), ("known", "120")] {
        let answer = ask(source, Some("events.example.com")).await;
        assert_eq!(answer.status(), 200, "{source}");
        assert_eq!(answer.headers()["webhook-allowed-origin"], "events.example.com");
        assert_eq!(
            (&answer.headers()["webhook-allowed-rate"], &answer.headers()["allow"]),
            (&HeaderValue::from_static(rate), &HeaderValue::from_static("POST, OPTIONS"))
        );
    }
    for (source, origin) in [("known", Some("evil.example")), ("known", None), ("open", None)] {
        let answer = ask(source, origin).await;
        assert_eq!(answer.status(), 403, "{source} {origin:?}");
        assert!(!answer.headers().contains_key("webhook-allowed-origin"));
    }
    let answer = ask("qase", Some("events.example.com")).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &HeaderValue::from_static("POST")));
    assert_eq!(ask("nobody", Some("events.example.com")).await.status(), 404);
}

#[tokio::test]
async fn a_batch_that_is_sent_again_does_nothing_again() {
    let config = TWO_CHATS.replace("{ kind: qase }", "{ kind: cloudevents }");
    let rules = "rules:\n  - name: all\n    when: { event: com.example.build.failed }\n    send: [{ to: red }]\n";
    let rig = Rig::start(&config, rules).await;
    let face = Face::open(&rig.relay).await;
    let batch = |ids: &[&str]| json!(ids.iter().map(|id| event(id)).collect::<Vec<_>>()).to_string();
    let first = face.ask("POST", "/hooks/qase", BATCH, batch(&["1", "2"]).as_bytes()).await;
    assert_eq!((first.status().as_u16(), &body_of(&first)["duplicate"]), (202, &json!(false)));
    let again = face.ask("POST", "/hooks/qase", BATCH, batch(&["1", "2"]).as_bytes()).await;
    assert_eq!(body_of(&again)["duplicate"], true);
    let more = face.ask("POST", "/hooks/qase", BATCH, batch(&["2", "3"]).as_bytes()).await;
    assert_eq!(body_of(&more)["duplicate"], false);
    rig.rest().await;
    assert_eq!(rig.deliveries().await.len(), 3);
}
