//! The Qase source: who is believed, what is read, what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use relaybell::domain::event::{Dedup, Event, Report};
use relaybell::domain::facts::Origin;
use relaybell::domain::ids::EventId;
use relaybell::domain::memory::Known;
use relaybell::domain::plan::{Arrival, plan_event, see};
use relaybell::domain::render::Templates;
use relaybell::domain::rule::RuleSet;
use relaybell::domain::time::Timestamp;
use relaybell::source::proof::{Header, Proof, Reason, Secrets, Token};
use relaybell::source::qase::{Qase, catalogue, samples};
use relaybell::source::{Malformed, RawHook, Source, prove};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_789_400_000);

fn qase(secrets: &[&str]) -> Qase {
    Qase {
        name: "qase".to_owned(),
        proof: match secrets {
            [] => Proof::Nothing,
            secrets => Proof::Token(Token::new(Header::parse("X-Qase-Secret").unwrap(), Secrets::new(secrets))),
        },
        app_url: "https://app.qase.io".parse().unwrap(),
    }
}

fn hook(body: &str) -> RawHook {
    RawHook::posted(HeaderMap::new(), Bytes::copy_from_slice(body.as_bytes()))
}

fn read(body: &str) -> Result<Report, Malformed> {
    let source = qase(&[]);
    let verified = prove(&source, hook(body), NOW).unwrap();
    source.normalise(&verified).map(|mut reports| {
        assert_eq!(reports.len(), 1);
        reports.remove(0)
    })
}

/// The sample called `variant`, normalised.
fn sample(variant: &str) -> Report {
    let sample = samples().iter().find(|sample| sample.variant == variant).unwrap();
    read(sample.body).unwrap()
}

fn arrival(report: Report) -> Arrival {
    Arrival {
        id: EventId::new(NOW, [7; 10]),
        source: "qase".into(),
        report,
        body: Bytes::new(),
        received: NOW,
        revision: "r1".into(),
    }
}

/// What is known of a subject after `report`.
fn known_after(report: Report) -> Known {
    let plan = plan_event(arrival(report), &Known::default(), &RuleSet::default(), &Templates::default());
    Known { memory: plan.memory.map(|change| (change.to, 1)) }
}

fn seen(report: Report, known: &Known) -> Event {
    see(arrival(report), known)
}

#[test]
fn every_sample_is_read_as_the_snapshots_say() {
    for sample in samples() {
        let report = read(sample.body).unwrap();
        assert_eq!(report.event, sample.event);
        let shown = json!({
            "project": report.project,
            "subject": report.subject,
            "time": report.time.map(|time| time.to_string()),
            "facts": report.facts,
            "derived": report.derived,
        });
        insta::assert_json_snapshot!(format!("qase.{}", sample.variant), shown);
    }
}

#[test]
fn the_samples_are_complete() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/source/qase/samples");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().trim_end_matches(".json").to_owned())
        .collect();
    let listed: Vec<&str> = samples().iter().map(|sample| sample.variant).collect();
    assert!(listed.is_sorted());
    assert_eq!(files, listed.iter().map(ToString::to_string).collect());
    let shown: BTreeSet<&str> = samples().iter().map(|sample| sample.event).collect();
    assert_eq!(catalogue().events().len(), 40);
    for event in catalogue().events() {
        assert!(shown.contains(event), "no sample of {event}");
    }
}

#[test]
fn the_catalogue_names_every_fact_once() {
    let names: BTreeSet<&str> = catalogue().facts().iter().map(|fact| fact.name).collect();
    assert_eq!(names.len(), catalogue().facts().len());
    for sample in samples() {
        let event = seen(read(sample.body).unwrap(), &Known::default());
        for name in event.facts.values.keys() {
            assert!(names.contains(name.as_str()), "{}: '{name}' is not in the catalogue", sample.variant);
        }
    }
}

#[test]
fn a_thin_event_has_the_facts_of_the_full_one_once_memory_is_warm() {
    for (full, thin) in [
        ("case.updated", "case.updated.sparse"),
        ("case.deleted", "case.deleted.sparse"),
        ("case.cloned", "case.cloned.sparse"),
        ("custom_field.updated", "custom_field.updated.sparse"),
        ("custom_field.deleted", "custom_field.deleted.sparse"),
    ] {
        let full = sample(full);
        let known = known_after(full.clone());
        let mut full = seen(full, &Known::default()).facts.values;
        let mut thin = seen(sample(thin), &known).facts.values;
        full.remove("payload");
        thin.remove("payload");
        thin.remove("from_id");
        assert_eq!(sorted(full), sorted(thin));
    }
}

fn sorted(facts: serde_json::Map<String, Value>) -> Vec<(String, Value)> {
    let mut facts: Vec<_> = facts.into_iter().collect();
    facts.sort_by(|a, b| a.0.cmp(&b.0));
    facts
}

#[test]
fn a_resolved_defect_remembers_its_severity_and_not_who_reported_it() {
    let known = known_after(sample("defect.created"));
    let event = seen(sample("defect.resolved"), &known);
    assert_eq!(event.facts.text("severity"), Some("blocker"));
    assert_eq!(event.facts.origin("severity"), Origin::Memory { since: NOW });
    assert_eq!(event.facts.text("title"), Some("Voucher is charged twice when the card is declined"));
    assert_eq!(event.facts.text("actor"), Some("member 118"));
    assert_eq!(event.facts.origin("url"), Origin::Derived);
    let event = seen(sample("run.deleted"), &known_after(sample("run.report_changed")));
    assert!(!event.facts.values.contains_key("visible"));
}

#[test]
fn ids_sent_as_text_name_the_same_subject() {
    let number = sample("review.reopened");
    let text = sample("review.reopened.variant-string-ids");
    assert_eq!(number.subject.as_deref(), Some("review/17"));
    assert_eq!(number.subject, text.subject);
    assert_eq!(number.facts["id"], text.facts["id"]);
    assert_eq!(number.facts["case_id"], text.facts["case_id"]);
}

#[test]
fn severity_is_one_word_however_it_is_sent() {
    for (sent, fact) in [
        (json!("Blocker"), json!("blocker")),
        (json!("undefined"), json!("undefined")),
        (json!(1), json!("blocker")),
        (json!(6), json!("trivial")),
        (json!("2"), json!("critical")),
        (json!(0), json!("undefined")),
        (json!({"id": 0, "title": "Not set"}), json!("undefined")),
        (json!({"id": 3, "title": "Major"}), json!("major")),
        (json!({"id": 1, "title": "Showstopper"}), json!("blocker")),
        (json!({"id": 41, "title": "Cosmetic"}), json!("cosmetic")),
        (json!(41), Value::Null),
        (json!(null), Value::Null),
        (json!([]), Value::Null),
    ] {
        let body = json!({"event_name": "defect.created", "payload": {"id": 1, "severity": sent}});
        let report = read(&body.to_string()).unwrap();
        assert_eq!(report.facts.get("severity").cloned().unwrap_or_default(), fact, "{sent}");
    }
}

#[test]
fn priority_and_review_status_are_one_word_too() {
    for (sent, fact) in [
        (json!({"id": 1, "title": "High"}), json!("high")),
        (json!(3), json!("low")),
        (json!(0), Value::Null),
        (json!({"id": 0, "title": "Not set"}), Value::Null),
        (json!({"id": 9, "title": "Urgent"}), json!("urgent")),
    ] {
        let body = json!({"event_name": "case.created", "payload": {"id": 1, "priority": sent}});
        let report = read(&body.to_string()).unwrap();
        assert_eq!(report.facts.get("priority").cloned().unwrap_or_default(), fact, "{sent}");
    }
    for (sent, fact) in [
        ("request changes", "changes_requested"),
        ("Changes requested", "changes_requested"),
        ("changes_requested", "changes_requested"),
        ("approved", "approved"),
        ("unapproved", "unapproved"),
    ] {
        let body = json!({"event_name": "review.approval_status_changed", "payload": {"id": 1, "status": sent}});
        assert_eq!(read(&body.to_string()).unwrap().facts["status"], json!(fact));
    }
}

#[test]
fn counts_take_both_spellings_and_rates_need_cases() {
    let body = r#"{"event_name":"run.aborted","payload":{"id":8,"cases":"4","passed":1,"skiped":2}}"#;
    let report = read(body).unwrap();
    assert_eq!(report.facts["skipped"], json!(2));
    assert_eq!(report.facts["pass_rate"], json!(0.25));
    assert_eq!(report.derived, ["pass_rate"]);
    let report = read(r#"{"event_name":"run.completed","payload":{"id":8,"cases":0,"passed":0}}"#).unwrap();
    assert!(!report.facts.contains_key("pass_rate"));
}

#[test]
fn secrets_are_compared_whole_and_any_of_them_fits() {
    let send = |source: &Qase, secret: Option<&[u8]>| {
        let mut hook = hook("{}");
        if let Some(secret) = secret {
            hook.headers.insert("x-qase-secret", HeaderValue::from_bytes(secret).unwrap());
        }
        source.proof().check(&hook, NOW)
    };
    let open = qase(&[]);
    assert_eq!(send(&open, None), Ok(()));
    assert_eq!(send(&open, Some(b"whatever")), Ok(()));
    let rotating = qase(&["old-secret", "new-secret"]);
    assert_eq!(send(&rotating, Some(b"old-secret")), Ok(()));
    assert_eq!(send(&rotating, Some(b"new-secret")), Ok(()));
    for wrong in [b"old-secre".as_slice(), b"old-secret ", b"old-secrets", b"OLD-SECRET", b"", b"\xff\xfe"] {
        assert_eq!(send(&rotating, Some(wrong)).unwrap_err().reason, Reason::WrongSecret);
    }
    let refusal = send(&rotating, None).unwrap_err();
    assert_eq!((refusal.reason, &*refusal.to_string()), (Reason::NoSecret, "the header X-Qase-Secret is missing"));
    assert!(!format!("{rotating:?} {refusal}").contains("old-secret"));
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    let long = format!(r#"{{"event_name":"{}"}}"#, "x".repeat(101));
    let deep = format!(r#"{{"event_name":"a.b","payload":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let table: Vec<(&str, String)> = [
        "",
        "  \n",
        "event=case.created",
        "{\"event_name\": \"case.created\",\n \"payload\": {\"id\": 1,}}",
        "{\"event_name\": \"case.created\"} extra",
        "[]",
        "null",
        "\"defect.created\"",
        "{}",
        r#"{"event_name": 5}"#,
        r#"{"event_name": ""}"#,
        r#"{"event_name": "defect created"}"#,
        r#"{"event_name": "défect.created"}"#,
        r#"{"event_name": "defect.created\n"}"#,
        r#"{"event_name": "defect.created", "payload": 5}"#,
        r#"{"event_name": "defect.created", "payload": "{}"}"#,
        r#"{"event_name": "defect.created", "payload": [1]}"#,
        long.as_str(),
        deep.as_str(),
    ]
    .into_iter()
    .map(|body| (body, read(body).unwrap_err().why))
    .map(|(body, why)| (if body.len() > 60 { "(long)" } else { body }, why))
    .collect();
    insta::assert_json_snapshot!("qase.malformed", table);
    let source = qase(&[]);
    let raw = RawHook::posted(HeaderMap::new(), Bytes::from_static(b"{\"event_name\": \"a\xff\"}"));
    assert!(source.normalise(&prove(&source, raw, NOW).unwrap()).is_err());
}

#[test]
fn nothing_that_qase_adds_is_refused_or_lost() {
    let report = read(
        r#"{"event_name":"dashboard.shared-2","v":3,"payload":{"id":{"odd":1},"title":["x"],"severity":true,
            "nested":{"a":[1,2]},"cases":"many","tags":"x","attachments":{},"plan":[]}, "team_member_id":"x"}"#,
    )
    .unwrap();
    assert_eq!((report.subject, report.project, report.time), (None, None, None));
    assert_eq!(Value::from(report.facts), json!({}));
    assert_eq!(report.payload["nested"]["a"][1], 2);
    for thin in [
        r#"{"event":"case.created"}"#,
        r#"{"event_name":"case.created","payload":null}"#,
        r#"{"event_name":"case.created","payload":[]}"#,
    ] {
        let report = read(thin).unwrap();
        assert_eq!((report.event.as_str(), report.payload), ("case.created", json!({})));
    }
}

#[test]
fn of_duplicate_keys_the_last_wins() {
    let report = read(r#"{"event_name":"a.b","event_name":"c.d","payload":{"id":1,"id":2}}"#).unwrap();
    assert_eq!((report.event.as_str(), report.subject.as_deref()), ("c.d", Some("c/2")));
}

#[test]
fn times_are_seconds_or_milliseconds_and_never_absurd() {
    for (sent, time) in [
        ("1789382400", Some(1_789_382_400_000)),
        ("1789382400123", Some(1_789_382_400_123)),
        ("\"1789382400\"", Some(1_789_382_400_000)),
        ("-5", None),
        ("9223372036854775807", None),
        ("1e300", None),
        ("\"soon\"", None),
        ("null", None),
    ] {
        let report = read(&format!(r#"{{"event_name":"a.b","timestamp":{sent}}}"#)).unwrap();
        assert_eq!(report.time.map(Timestamp::as_ms), time, "{sent}");
    }
}

#[test]
fn a_repetition_is_the_same_source_and_the_same_bytes() {
    let body = r#"{"event_name":"a.b"}"#;
    let hash = |name: &str, body: &str| {
        let source = Qase { name: name.to_owned(), ..qase(&[]) };
        let verified = prove(&source, hook(body), NOW).unwrap();
        match source.normalise(&verified).unwrap().remove(0).dedup {
            Dedup::BodyHash(hash) => hash,
            Dedup::SenderId(id) => panic!("Qase has no sender id, but {id} was read"),
        }
    };
    assert_eq!(hash("qase", body), hash("qase", body));
    assert_ne!(hash("qase", body), hash("qase-2", body));
    assert_ne!(hash("qase", body), hash("qase", &format!("{body} ")));
    assert_eq!(hash("qase", body).len(), 64);
    assert!(hash("qase", body).bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
}

#[test]
fn addresses_are_built_from_parts_that_cannot_break_out() {
    let source = Qase { app_url: "https://qa.acme.example/app/".parse().unwrap(), ..qase(&[]) };
    let url = |body: &str| {
        let verified = prove(&source, hook(body), NOW).unwrap();
        source.normalise(&verified).unwrap().remove(0).facts.get("url").cloned()
    };
    let run = |id: &str| format!(r#"{{"event_name":"run.completed","project_code":"PAY","payload":{{"id":{id}}}}}"#);
    assert_eq!(url(&run("87")), Some(json!("https://qa.acme.example/app/run/PAY/dashboard/87")));
    assert_eq!(
        url(&run("\"../../evil?x=1#y\"")),
        Some(json!("https://qa.acme.example/app/run/PAY/dashboard/..%2F..%2Fevil%3Fx=1%23y"))
    );
    assert_eq!(url(r#"{"event_name":"run.completed","payload":{"id":1}}"#), None);
}
