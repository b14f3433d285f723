//! What thin webhooks of Qase lack is asked of its API: the questions, the answers in the
//! one vocabulary, and what becomes of refusals.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use relaybell::domain::ask::{Answer, Reply};
use relaybell::domain::delivery::Lost;
use relaybell::domain::event::Report;
use relaybell::domain::memory::Known;
use relaybell::domain::time::Timestamp;
use relaybell::source::qase::{Api, AskedQase, Qase};
use relaybell::source::{ByHand, Found, Inquiry, Lasting, RawHook, Source, Wanted};
use relaybell::standin::{Fault, Standin, TOKEN, Vendor};
use serde_json::{Value, json};

use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::{Serving, run, stdout};

const DEFECT: &str = include_str!("../fixtures/qase-api/GET_defect_SHOP_58.json");
const RUN: &str = include_str!("../fixtures/qase-api/GET_run_SHOP_87.json");
const CASE: &str = include_str!("../fixtures/qase-api/GET_case_SHOP_214.json");
const USER: &str = include_str!("../fixtures/qase-api/GET_user_112.json");
const AUTHORS: &str = include_str!("../fixtures/qase-api/GET_author_list.json");
const NO_DEFECT: &str = include_str!("../fixtures/qase-api/error_404.json");
const TOO_MUCH: &str = include_str!("../fixtures/qase-api/error_429.json");

fn source() -> AskedQase {
    let app_url = "https://app.qase.io".parse().unwrap();
    let url = "https://api.qase.io/v1".parse().unwrap();
    AskedQase {
        qase: Qase { name: "qase".to_owned(), proof: relaybell::source::proof::Proof::Nothing, app_url },
        api: Api { url, token: "t0k3n".to_owned().into() },
    }
}

#[expect(clippy::needless_pass_by_value, reason = "payloads are written where they are given")]
fn report(event: &str, payload: Value) -> Report {
    let body = json!({ "event_name": event, "timestamp": 1_789_382_400, "team_member_id": 112,
        "project_code": "SHOP", "payload": payload });
    let hook = RawHook::posted(HeaderMap::new(), Bytes::from(body.to_string()));
    ByHand(&source()).read(hook).unwrap().remove(0)
}

fn wanted(names: &[&str]) -> Wanted {
    Wanted(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>())
}

fn replied(status: u16, body: &str) -> Answer {
    let body = Bytes::from(body.to_owned());
    Answer::Replied(Reply { status, headers: HeaderMap::new(), body, at: Timestamp::from_seconds(1_789_382_400) })
}

/// Goes through the conversation with `answers`; what was asked, and what was found.
fn talk(report: &Report, names: &[&str], answers: &[Answer]) -> (Vec<String>, Inquiry) {
    let (source, wanted) = (source(), wanted(names));
    let mut asked = Vec::new();
    for count in 0..=answers.len() {
        match source.inquire(report, &wanted, &answers[..count]) {
            Inquiry::Ask(ask) => {
                assert_eq!(ask.request.headers()["token"], "t0k3n");
                asked.push(ask.request.uri().to_string());
            }
            end => return (asked, end),
        }
    }
    panic!("it goes on asking: {asked:?}")
}

fn found(inquiry: Inquiry) -> Found {
    match inquiry {
        Inquiry::Done(found) => found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_defect_is_told_in_the_words_of_webhooks() {
    let (asked, end) = talk(&report("defect.resolved", json!({ "id": 58 })), &["severity"], &[replied(200, DEFECT)]);
    assert_eq!(asked, ["https://api.qase.io/v1/defect/SHOP/58"]);
    let found = found(end);
    assert_eq!(
        Value::from(found.facts),
        json!({ "title": "Voucher is charged twice when the card is declined", "severity": "blocker", "status": "open",
            "actual_result": "The voucher is redeemed twice; support had to refund 20.00 EUR.", "attachments": 1 })
    );
    assert!(found.notes.is_empty() && found.project.is_none());
}

#[test]
fn a_run_is_counted_from_its_statistics() {
    let (asked, end) = talk(&report("run.completed", json!({ "id": 87 })), &["title"], &[replied(200, RUN)]);
    assert_eq!(asked, ["https://api.qase.io/v1/run/SHOP/87?include=external_issue"]);
    let facts = found(end).facts;
    assert_eq!(facts["title"], "Nightly checkout regression 2026/09/14");
    assert_eq!(
        ["cases", "passed", "failed", "blocked", "untested"].map(|name| facts[name].as_i64().unwrap()),
        [50, 43, 5, 2, 0]
    );
    assert_eq!((facts["environment"].as_str(), facts["status"].as_str()), (Some("staging"), Some("failed")));
    assert_eq!(facts["pass_rate"], 0.86);
}

#[test]
fn a_case_s_numbers_become_words() {
    let (_, end) = talk(&report("case.updated", json!({ "id": 214 })), &["priority"], &[replied(200, CASE)]);
    let facts = found(end).facts;
    let word = |name: &str| facts[name].as_str().unwrap().to_owned();
    assert_eq!(
        ["severity", "priority", "automation", "status"].map(word),
        ["normal", "high", "to be automated", "actual"]
    );
    assert_eq!((&facts["tags"], &facts["suite_id"]), (&json!(["vouchers"]), &json!(31)));
}

#[test]
fn a_member_s_name_is_asked_for_only_where_it_is_wanted_and_is_no_harm_when_not_there() {
    let full = report("defect.created", json!({ "id": 58, "title": "x", "severity": "blocker" }));
    assert!(!source().is_thin(&full, &Known::default(), &wanted(&["severity", "title"])));
    assert!(source().is_thin(&full, &Known::default(), &wanted(&["actor"])));
    let (asked, end) = talk(&full, &["actor"], &[replied(200, USER)]);
    assert_eq!(asked, ["https://api.qase.io/v1/user/112"]);
    assert_eq!(found(end).instead["actor"], "Mira Holt");
    let (asked, end) = talk(&full, &["actor"], &[replied(404, NO_DEFECT), replied(200, AUTHORS)]);
    assert_eq!(asked[1], "https://api.qase.io/v1/author?type=user&limit=100");
    assert_eq!(found(end).instead["actor"], "Mira Holt", "found by the user's id, not by the author's own");
    let (_, end) = talk(&full, &["actor"], &[replied(403, "{}"), replied(403, "{}")]);
    assert_eq!(found(end), Found::default());
    let Inquiry::Ask(ask) = source().inquire(&full, &wanted(&["actor"]), &[]) else { panic!("it asks") };
    assert!(ask.request.extensions().get::<Lasting>().is_some(), "names stay true for a while");
}

#[test]
fn nothing_is_asked_about_what_is_said_remembered_or_gone() {
    let thin = |event: &str, payload: Value, names: &[&str]| {
        source().is_thin(&report(event, payload), &Known::default(), &wanted(names))
    };
    assert!(thin("defect.resolved", json!({ "id": 58 }), &["severity"]));
    assert!(!thin("defect.resolved", json!({ "id": 58 }), &["environment"]), "no defect has one");
    assert!(!thin("defect.resolved", json!({ "id": 58, "severity": "minor" }), &["severity"]));
    assert!(!thin("defect.deleted", json!({ "id": 58 }), &["severity"]));
    assert!(!thin("review.updated", json!({ "id": 58 }), &["severity"]));
}

#[test]
fn every_answer_has_its_meaning() {
    let thin = report("defect.resolved", json!({ "id": 58 }));
    let end = |answer: Answer| talk(&thin, &["severity"], &[answer]).1;
    assert_eq!(found(end(replied(404, NO_DEFECT))).notes, ["Qase has no defect 58 in SHOP any more"]);
    assert_eq!(
        found(end(replied(403, r#"{"status":false,"errorMessage":"Forbidden"}"#))).notes,
        ["Qase does not tell of defect 58: 403, Forbidden"]
    );
    assert!(matches!(end(replied(401, "{}")), Inquiry::Failed { why } if why.contains("api.token")));
    assert!(
        matches!(end(replied(429, TOO_MUCH)), Inquiry::Later { after, .. } if after == Some(Duration::from_secs(60)))
    );
    let mut headers = HeaderMap::new();
    headers.insert("x-ratelimit-reset", HeaderValue::from_static("1789382417"));
    let at = Timestamp::from_seconds(1_789_382_400);
    let told = Answer::Replied(Reply { status: 429, headers, body: Bytes::new(), at });
    assert!(matches!(end(told), Inquiry::Later { after, .. } if after == Some(Duration::from_secs(17))));
    for answer in [replied(500, "{}"), replied(200, "<html>"), replied(200, "{}"), replied(301, ""), replied(418, "")] {
        match end(answer) {
            Inquiry::Later { after: None, .. } | Inquiry::Done(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(end(Answer::Lost(Lost::Unknown("reset".to_owned()))), Inquiry::Later { after: None, .. }));
}

fn result(text: &str) -> Option<Value> {
    let mut body: Value = serde_json::from_str(text).unwrap();
    Some(body["result"].take())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thin_webhook_is_looked_up_at_qase_and_sent_as_if_it_were_full() {
    let (qase, chat) = (Standin::start(Vendor::Qase).unwrap(), Standin::start(Vendor::Slack).unwrap());
    qase.knows("defect/SHOP/58", result(DEFECT));
    qase.knows("user/112", result(USER));
    qase.script(vec![Fault::Status { code: 500, headers: vec![], body: String::new() }]);
    let config = format!(
        "server: {{ listen: 127.0.0.1:0 }}\nsources: {{ qase: {{ kind: qase, api: {{ token: \"${{T}}\", url: \"{}\" }} }} }}\n\
         destinations: {{ chat: {{ kind: slack, webhook_url: \"{}\", limit: none }} }}\n",
        qase.api_url().unwrap(),
        chat.webhook_url().unwrap(),
    );
    let rules =
        "rules:\n  - name: blockers\n    when: { event: defect.*, severity: blocker }\n    send: [{ to: chat }]\n";
    let folder = Folder::new(&config, rules);
    let path = folder.path().to_owned();
    let serving = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || Serving::start_with(&path, "info", &[("T", TOKEN)])).await.unwrap()
    };
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    let body = json!({ "event_name": "defect.resolved", "timestamp": 1_789_382_400, "team_member_id": 112,
        "project_code": "SHOP", "payload": { "id": 58 } });
    let answer = ask(&client, serving.address, "POST", "/hooks/qase", &[], body.to_string().as_bytes()).await;
    assert_eq!(answer.status(), 202);
    let id = crate::support::http::json(&answer)["event_id"].as_str().unwrap().to_owned();
    // Killed while the first look-up has failed and the next one is waited for.
    while qase.requests() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    serving.kill();
    let serving = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || Serving::start_with(&path, "info", &[("T", TOKEN)])).await.unwrap()
    };
    for _ in 0..500 {
        if !chat.received().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let text = chat.received()[0].as_text.clone();
    assert!(text.contains("Voucher is charged twice") && text.contains("Mira Holt"), "{text}");
    assert_eq!(chat.received().len(), 1);
    let shown = stdout(&run(&path, &["events", "show", &id]));
    assert!(shown.contains("blocker (looked up at 20"), "{shown}");
    let explained = stdout(&run(&path, &["explain", &id]));
    assert!(explained.contains("blocker (looked up at 20"), "{explained}");
    assert!(qase.refused().is_empty(), "{:?}", qase.refused());
    drop(serving);
}

#[tokio::test]
async fn the_stand_in_refuses_what_qase_refuses() {
    let qase = Standin::start(Vendor::Qase).unwrap();
    qase.knows("defect/SHOP/58", result(DEFECT));
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    let get = async |path: &str, token: &str| {
        ask(&client, qase.address(), "GET", path, &[("Token", token)], b"").await.status().as_u16()
    };
    assert_eq!(get("/v1/defect/SHOP/58", TOKEN).await, 200);
    assert_eq!(get("/v1/defect/SHOP/58", "wrong").await, 401);
    assert_eq!(get("/v1/defect/SHOP/59", TOKEN).await, 404);
    assert_eq!(get("/v1/defects/SHOP/58", TOKEN).await, 404);
    assert_eq!(get("/v1/defect/SHOP?limit=101", TOKEN).await, 400);
    assert_eq!(get("/v1/defect/SHOP/58?include=runs", TOKEN).await, 400);
    qase.pace(Some(Duration::from_secs(60)));
    assert_eq!(get("/v1/defect/SHOP/58", TOKEN).await, 200);
    assert_eq!(get("/v1/defect/SHOP/58", TOKEN).await, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_never_came_are_found_and_taken_in_once() {
    let (qase, chat) = (Standin::start(Vendor::Qase).unwrap(), Standin::start(Vendor::Slack).unwrap());
    let now = relaybell::ports::Clock::now(&relaybell::ports::system::SystemClock::start());
    let hours = |hours: u64| now.minus(Duration::from_secs(hours * 3600)).to_string();
    for id in 1..=150 {
        let old = json!({ "id": id, "title": "old", "severity": "minor", "status": "open", "created_at": hours(100) });
        qase.knows(&format!("defect/SHOP/{id}"), Some(old));
    }
    let mut defect = result(DEFECT).unwrap();
    defect["id"] = 158.into();
    defect["created_at"] = hours(3).into();
    defect["status"] = "resolved".into();
    defect["resolved_at"] = hours(1).into();
    qase.knows("defect/SHOP/158", Some(defect.clone()));
    defect["id"] = 159.into();
    qase.knows("defect/SHOP/159", Some(defect));
    let mut run_of_api = result(RUN).unwrap();
    run_of_api["start_time"] = hours(30).into();
    run_of_api["end_time"] = hours(2).into();
    qase.knows("run/SHOP/87", Some(run_of_api));
    qase.knows("user/112", result(USER));

    let config = format!(
        "server: {{ listen: 127.0.0.1:0 }}\n\
         sources: {{ qase: {{ kind: qase, api: {{ token: \"{TOKEN}\", url: \"{}\", limit: none }} }} }}\n\
         destinations: {{ chat: {{ kind: slack, webhook_url: \"{}\", limit: none }} }}\n",
        qase.api_url().unwrap(),
        chat.webhook_url().unwrap(),
    );
    let folder =
        Folder::new(&config, "rules: [{ name: all, when: { event: [defect.*, run.*] }, send: [{ to: chat }] }]\n");
    let path = folder.path().to_owned();
    let started = path.clone();
    let serving = tokio::task::spawn_blocking(move || Serving::start(&started)).await.unwrap();
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    let body = json!({ "event_name": "defect.created", "timestamp": 1, "team_member_id": 0, "project_code": "SHOP",
        "payload": { "id": 159, "title": "It came", "severity": "minor" } });
    let answer = ask(&client, serving.address, "POST", "/hooks/qase", &[], body.to_string().as_bytes()).await;
    assert_eq!(answer.status(), 202);

    let reconcile = async |more: &'static str| {
        let path = path.clone();
        let mut arguments = vec!["reconcile", "--source", "qase", "--since", "24h", "--json"];
        arguments.extend(more.split_whitespace());
        tokio::task::spawn_blocking(move || run(&path, &arguments)).await.unwrap()
    };
    let listed = reconcile("").await;
    assert_eq!(listed.status.code(), Some(1), "{}", crate::support::process::stderr(&listed));
    let missed: Vec<Value> = serde_json::from_str(&stdout(&listed)).unwrap();
    let names: Vec<(&str, &str)> =
        missed.iter().map(|one| (one["event"].as_str().unwrap(), one["subject"].as_str().unwrap())).collect();
    assert_eq!(
        names,
        [
            ("defect.created", "defect/158"),
            ("run.completed", "run/87"),
            ("defect.resolved", "defect/158"),
            ("defect.resolved", "defect/159"),
        ]
    );
    let first = reconcile("--inject").await;
    let taken: Vec<Value> = serde_json::from_str(&stdout(&first)).unwrap();
    assert!(taken.iter().all(|one| one["event_id"].is_string()), "{taken:?}");
    let again = reconcile("").await;
    assert_eq!((again.status.code(), stdout(&again).trim()), (Some(0), "[]"), "all of it is there now");
    for _ in 0..500 {
        if chat.received().len() >= 5 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(chat.received().len(), 5);
    assert!(qase.refused().is_empty(), "{:?}", qase.refused());
}
