//! The HTTP face: what senders, probes, Prometheus and commands get to see.

use std::time::Duration;

use http::StatusCode;
use relaybell::web::HOOK_BYTES_MAX;
use relaybell::web::server::Patience;
use serde_json::{Value, json as value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::http::{Face, json};
use crate::support::rig::{RED_AND_BLUE, Rig, TWO_CHATS};

/// The headers of a request.
type Headers<'a> = Vec<(&'a str, &'a str)>;

const SECRET: (&str, &str) = ("x-qase-secret", "right");
const JSON: (&str, &str) = ("content-type", "application/json");

fn defect(id: u64) -> Vec<u8> {
    value!({
        "event_name": "defect.created", "timestamp": 1_789_382_400, "team_member_id": 112, "project_code": "SHOP",
        "payload": { "id": id, "title": "Voucher is charged twice", "severity": "blocker" },
    })
    .to_string()
    .into_bytes()
}

async fn start() -> (Rig, Face) {
    let config = TWO_CHATS.replace("kind: qase }", "kind: qase, secrets: [wrong-old, right] }");
    let rig = Rig::start(&config, RED_AND_BLUE).await;
    let face = Face::open(&rig.relay).await;
    (rig, face)
}

#[tokio::test]
async fn a_webhook_is_accepted_with_its_id_and_a_repetition_answers_like_the_first() {
    let (_rig, face) = start().await;
    let first = face.ask("POST", "/hooks/qase", &[SECRET, JSON], &defect(1)).await;
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let first = json(&first);
    assert_eq!(first["duplicate"], false);
    let again = face.ask("POST", "/hooks/qase", &[SECRET, JSON], &defect(1)).await;
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(json(&again), value!({ "event_id": first["event_id"], "duplicate": true }));
}

#[tokio::test]
async fn every_refusal_has_its_status_and_stores_nothing() {
    let (rig, face) = start().await;
    let too_large = vec![b' '; HOOK_BYTES_MAX + 1];
    let body = defect(1);
    let wrong = ("x-qase-secret", "wrong");
    let text = ("content-type", "text/plain");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let zipped = ("content-encoding", "gzip");
    let cases: Vec<(&str, &str, Headers<'_>, &[u8], u16)> = vec![
        ("unknown source", "/hooks/other", vec![SECRET, JSON], &body, 404),
        ("no secret", "/hooks/qase", vec![JSON], &body, 401),
        ("wrong secret", "/hooks/qase", vec![wrong, JSON], &body, 401),
        ("no JSON", "/hooks/qase", vec![SECRET, JSON], b"{\"event_name\": ", 400),
        ("no object", "/hooks/qase", vec![SECRET, JSON], b"[1, 2]", 400),
        ("no event", "/hooks/qase", vec![SECRET, JSON], b"{\"payload\": {}}", 400),
        ("text", "/hooks/qase", vec![SECRET, text], &body, 415),
        ("form", "/hooks/qase", vec![SECRET, form], &body, 415),
        ("compressed", "/hooks/qase", vec![SECRET, JSON, zipped], &body, 415),
        ("too large", "/hooks/qase", vec![SECRET, JSON], &too_large, 413),
        ("not UTF-8", "/hooks/qase", vec![SECRET, JSON], b"{\"event_name\": \"\xff\xfe\"}", 400),
    ];
    for (what, path, headers, body, status) in cases {
        let answer = face.ask("POST", path, &headers, body).await;
        assert_eq!(answer.status().as_u16(), status, "{what}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{what}");
        let problem = json(&answer);
        assert_eq!(problem["status"], status, "{what}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{what}: {problem}");
        assert!(!problem.to_string().contains("right"), "{what}: no secret is told");
    }
    rig.rest().await;
    assert!(rig.deliveries().await.is_empty(), "nothing was stored");
    let metrics = String::from_utf8(face.ask("GET", "/metrics", &[], b"").await.body().to_vec()).unwrap();
    for line in [
        "relaybell_events_refused_total{source=\"(unknown)\",reason=\"unknown_source\"} 1",
        "relaybell_events_refused_total{source=\"qase\",reason=\"no_secret\"} 1",
        "relaybell_events_refused_total{source=\"qase\",reason=\"wrong_secret\"} 1",
        "relaybell_events_refused_total{source=\"qase\",reason=\"not_json\"} 2",
        "relaybell_events_refused_total{source=\"qase\",reason=\"compressed\"} 1",
        "relaybell_events_refused_total{source=\"qase\",reason=\"too_large\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn a_type_is_not_needed_but_may_be_any_json() {
    let (_rig, face) = start().await;
    for (id, headers) in [
        (1, vec![SECRET]),
        (2, vec![SECRET, ("content-type", "application/json; charset=utf-8")]),
        (3, vec![SECRET, ("content-type", "application/vnd.qase+json")]),
    ] {
        let answer = face.ask("POST", "/hooks/qase", &headers, &defect(id)).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn a_chunked_body_is_bounded_too() {
    let (_rig, face) = start().await;
    let mut stream = tokio::net::TcpStream::connect(face.address).await.unwrap();
    let head = "POST /hooks/qase HTTP/1.1\r\nhost: x\r\nx-qase-secret: right\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut answer = Vec::new();
    for _ in 0..20 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut buffer = [0; 1024];
    if let Ok(read) = stream.read(&mut buffer).await {
        answer.extend_from_slice(&buffer[..read]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn other_addresses_and_methods_are_problems_too() {
    let (_rig, face) = start().await;
    for (method, path, status) in [
        ("GET", "/hooks/qase", 405),
        ("GET", "/nothing", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/hooks/qase", 405),
    ] {
        let answer = face.ask(method, path, &[], b"").await;
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {path}");
    }
}

#[tokio::test]
async fn health_readiness_and_metrics_answer() {
    let (rig, face) = start().await;
    assert_eq!(face.ask("GET", "/healthz", &[], b"").await.status(), StatusCode::OK);
    face.ask("POST", "/hooks/qase", &[SECRET, JSON], &defect(1)).await;
    rig.rest().await;
    let ready = face.ask("GET", "/readyz", &[], b"").await;
    assert_eq!(ready.status(), StatusCode::OK);
    let ready = json(&ready);
    assert_eq!((&ready["ready"], &ready["config"]["ok"], &ready["rules"]), (&value!(true), &value!(true), &value!(2)));
    let metrics = String::from_utf8(face.ask("GET", "/metrics", &[], b"").await.body().to_vec()).unwrap();
    for line in [
        "relaybell_events_accepted_total{source=\"qase\"} 1",
        "relaybell_rules_matched_total{rule=\"to-red\"} 1",
        "relaybell_attempts_total{destination=\"red\",outcome=\"delivered\"} 1",
        "relaybell_delivery_seconds_count{destination=\"red\"} 1",
        "relaybell_queue_depth{destination=\"blue\"} 0",
        "relaybell_breaker_state{destination=\"red\"} 0",
        "relaybell_config_last_reload_successful 1",
        "relaybell_accept_seconds_count 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn a_broken_file_keeps_the_last_good_rules_and_is_shown() {
    let (rig, face) = start().await;
    rig.folder.write("rules/rules.yaml", &RED_AND_BLUE.replace("event:", "evnt:"));
    let answer = face.ask("POST", "/-/reload", &[], b"").await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let errors = json(&answer)["errors"].clone();
    assert_eq!(errors[0]["line"], 4, "{errors}");
    assert!(errors[0].to_string().contains("did you mean 'event'"), "{errors}");

    face.ask("POST", "/hooks/qase", &[SECRET, JSON], &defect(1)).await;
    rig.rest().await;
    assert_eq!(rig.exchange.asked("red.example").len(), 1, "the last good rules serve");
    let ready = face.ask("GET", "/readyz", &[], b"").await;
    assert_eq!(ready.status(), StatusCode::OK, "it serves, so it is ready");
    assert_eq!(json(&ready)["config"]["ok"], false);
    assert!(json(&ready)["config"]["errors"].to_string().contains("evnt"));
    let (errors, warnings) = (json(&ready)["config"]["errors"].clone(), json(&ready)["config"]["warnings"].clone());
    assert!(errors.as_array().unwrap().iter().all(|one| one["severity"] == "error"), "{errors}");
    assert!(warnings.to_string().contains("stands in the file itself"), "of the configuration in force: {warnings}");
    assert!(warnings.as_array().unwrap().iter().all(|one| one["severity"] == "warning"), "{warnings}");
    let metrics = String::from_utf8(face.ask("GET", "/metrics", &[], b"").await.body().to_vec()).unwrap();
    assert!(metrics.contains("relaybell_config_last_reload_successful 0"));

    rig.folder.write("rules/rules.yaml", &RED_AND_BLUE.replace("to: red", "to: blue"));
    let answer = face.ask("POST", "/-/reload", &[], b"").await;
    assert_eq!((answer.status(), &json(&answer)["changed"]), (StatusCode::OK, &value!(true)));
    face.ask("POST", "/hooks/qase", &[SECRET, JSON], &defect(2)).await;
    rig.rest().await;
    assert_eq!(rig.exchange.asked("blue.example").len(), 1, "the new rules serve");
}

#[tokio::test]
async fn the_api_is_for_administrators() {
    let (rig, face) = start().await;
    for headers in [
        vec![("host", "evil.example")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("x-forwarded-for", "192.0.2.1")],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
    ] {
        let answer = face.ask("POST", "/-/reload", &headers, b"").await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
    let config =
        format!("{}\n", TWO_CHATS.replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:0, admin_tokens: [let-me-in]"));
    rig.folder.write("relaybell.yaml", &config);
    assert_eq!(face.ask("POST", "/-/reload", &[], b"").await.status(), StatusCode::OK);
    for (headers, status) in [
        (vec![], 401),
        (vec![("authorization", "Bearer let-me-out")], 401),
        (vec![("authorization", "Bearer let-me-in")], 200),
    ] {
        let answer = face.ask("POST", "/-/reload", &headers, b"").await;
        assert_eq!(answer.status().as_u16(), status, "{headers:?}");
    }
}

#[tokio::test]
async fn the_api_says_what_is_wrong_with_a_request() {
    let (_rig, face) = start().await;
    for (body, status) in [
        ("not json", 400),
        ("{}", 400),
        ("{\"id\": \"x\"}", 400),
        ("{\"id\": \"0197d0c8-0000-7000-8000-000000000000\"}", 409),
        ("{\"state\": \"dead\"}", 200),
    ] {
        let answer = face.ask("POST", "/api/v1/deliveries/retry", &[], body.as_bytes()).await;
        assert_eq!(answer.status().as_u16(), status, "{body}");
        let _: Value = json(&answer);
    }
}

#[tokio::test]
async fn event_text_cannot_forge_a_log_record_or_leave_its_place() {
    let (rig, face) = start().await;
    let body = value!({ "event_name": "defect.created\n{\"level\":\"ERROR\"}", "payload": {} }).to_string();
    let answer = face.ask("POST", "/hooks/qase", &[SECRET, JSON], body.as_bytes()).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "an event name is a name");
    rig.rest().await;
}

#[tokio::test]
async fn a_connection_that_sends_no_request_is_closed() {
    let rig = Rig::start(TWO_CHATS, RED_AND_BLUE).await;
    let face = Face::open_with(&rig.relay, Patience { head: Duration::from_millis(50) }).await;
    for begun in ["", "POST /hooks/qase HTTP/1.1\r\nhost: x\r\nx-half"] {
        let mut stream = tokio::net::TcpStream::connect(face.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // Ends only because the other side closes.
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
    }
}
