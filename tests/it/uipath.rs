//! UiPath Test Manager: what Create Defect says, and what its API adds.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use relaybell::domain::ask::{Answer, Ask, Reply};
use relaybell::domain::event::{Dedup, Report};
use relaybell::domain::time::Timestamp;
use relaybell::ports::http::HttpExchange;
use relaybell::ports::{Exchange, Route};
use relaybell::source::proof::Proof;
use relaybell::source::uipath::{Api, CLOUD_SCOPE, TestManager, samples, token_url_of};
use relaybell::source::{Found, Inquiry, Malformed, Purpose, RawHook, Source, Wanted, prove};
use relaybell::standin::uipath::{CLIENT_ID, CLIENT_SECRET, PASSED_CASE, PROJECT_ID, wanted};
use relaybell::standin::{Fault, Standin, Vendor};
use serde_json::{Value, json};
use url::Url;

fn source(api: Option<Api>, projects: &[(&str, &str)]) -> TestManager {
    let projects: BTreeMap<String, String> =
        projects.iter().map(|(id, code)| ((*id).to_owned(), (*code).to_owned())).collect();
    TestManager { name: "test-manager".to_owned(), proof: Proof::Nothing, projects, api }
}

fn api(standin: &Standin) -> Api {
    let url = Url::parse(&standin.api_url().unwrap()).unwrap();
    Api {
        token_url: token_url_of(&url).unwrap(),
        url,
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned().into(),
        scope: CLOUD_SCOPE.to_owned(),
    }
}

fn read(source: &TestManager, body: impl Into<Bytes>) -> Result<Report, Malformed> {
    let hook = RawHook::posted(HeaderMap::new(), body.into());
    let verified = prove(source, hook, Timestamp::from_seconds(1_789_400_000)).unwrap();
    source.normalise(&verified).map(|mut reports| {
        assert_eq!(reports.len(), 1);
        reports.remove(0)
    })
}

fn report(source: &TestManager, body: &Value) -> Report {
    read(source, body.to_string()).unwrap()
}

/// Plays the part of the relay: asks what the adapter wants asked, with the token.
struct Asker {
    exchange: HttpExchange,
    token: String,
    asked: Vec<String>,
}

impl Asker {
    async fn signed_in(source: &TestManager) -> Self {
        let mut asker = Self { exchange: HttpExchange::new().unwrap(), token: String::new(), asked: Vec::new() };
        let Answer::Replied(reply) = asker.ask(source.sign_in().unwrap()).await else { panic!("no token") };
        assert_eq!(reply.status, 200, "{}", reply.text());
        asker.token = reply.json()["access_token"].as_str().unwrap().to_owned();
        asker
    }

    async fn ask(&mut self, ask: Ask) -> Answer {
        self.asked.push(ask.what);
        let mut request = ask.request;
        if !self.token.is_empty() {
            let bearer = HeaderValue::from_str(&format!("Bearer {}", self.token)).unwrap();
            request.headers_mut().insert("authorization", bearer);
        }
        let route = Route { timeout: Duration::from_secs(10), proxy: None, answer_bytes_max: 1 << 20 };
        match self.exchange.exchange(request, &route).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let at = Timestamp::from_seconds(1_789_400_000);
                Answer::Replied(Reply { status: parts.status.as_u16(), headers: parts.headers, body, at })
            }
            Err(lost) => Answer::Lost(lost),
        }
    }

    async fn inquire(&mut self, source: &TestManager, report: &Report) -> Result<Found, String> {
        let mut answers = Vec::new();
        loop {
            assert!(answers.len() < 20, "no end: {:?}", self.asked);
            match source.inquire(report, &Wanted::default(), &answers) {
                Inquiry::Ask(ask) => answers.push(self.ask(ask).await),
                Inquiry::Done(found) => return Ok(found),
                Inquiry::Later { why, after } => return Err(format!("later ({after:?}): {why}")),
                Inquiry::Failed { why } => return Err(format!("failed: {why}")),
            }
        }
    }
}

async fn found(projects: &[(&str, &str)], body: &Value) -> (Found, Vec<String>) {
    let standin = Standin::start(Vendor::TestManager).unwrap();
    let source = source(Some(api(&standin)), projects);
    let mut asker = Asker::signed_in(&source).await;
    let found = asker.inquire(&source, &report(&source, body)).await.unwrap();
    // What is not there is no mistake of who asks.
    let refused: Vec<String> = standin.refused().into_iter().filter(|why| !why.starts_with("404 ")).collect();
    assert_eq!(refused, Vec::<String>::new());
    (found, asker.asked)
}

fn with(changes: &Value) -> Value {
    let mut body = wanted();
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

#[test]
fn a_request_names_a_result_and_little_more() {
    let source = source(None, &[]);
    let read: Vec<Value> = samples()
        .iter()
        .map(|sample| {
            let report = read(&source, sample.body).unwrap();
            assert_eq!(report.event, sample.event);
            json!({ "sample": sample.variant, "project": report.project, "subject": report.subject, "facts": report.facts })
        })
        .collect();
    insta::assert_json_snapshot!(read);
}

#[test]
fn the_same_result_is_recognised_however_it_is_written() {
    let source = source(None, &[]);
    let key = |body: &Value| match report(&source, body).dedup {
        Dedup::SenderId(id) => id,
        Dedup::BodyHash(_) => panic!("a hash of the body"),
    };
    let plain = key(&wanted());
    let id = wanted()["testCaseId"].as_str().unwrap().to_uppercase();
    for same in [
        json!({ "testCaseId": id }),
        json!({ "variationId": null, "linkToTestCaseLog": null }),
        json!({ "variationId": " ", "linkToTestCaseLog": "https://x.example/SHOP/testexecutions/1", "more": [1] }),
    ] {
        assert_eq!(key(&with(&same)), plain, "{same}");
    }
    for other in [json!({ "variationId": "card=visa" }), json!({ "testCaseId": PASSED_CASE })] {
        assert_ne!(key(&with(&other)), plain, "{other}");
    }
}

#[test]
fn what_is_no_request_for_a_defect_is_said() {
    let source = source(None, &[]);
    let why = |body: &str| read(&source, body.to_owned()).unwrap_err().why;
    let lines: Vec<String> = [
        "",
        "{",
        "[]",
        "{}",
        r#"{"testExecutionId":"7f1d2a90","testCaseId":null}"#,
        r#"{"testExecutionId":"7f1d2a90/../..","testCaseId":"c4b0a6de"}"#,
        r#"{"testExecutionId":17,"testCaseId":"c4b0a6de"}"#,
        r#"{"testExecutionId":"7f1d2a90","testCaseId":"c4b0a6de","variationId":{}}"#,
    ]
    .map(|body| format!("{body:?} → {}", why(body)))
    .into();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_project_is_the_one_of_the_link_or_the_only_one() {
    let project = |projects: &[(&str, &str)], link: &str| {
        let source = source(None, projects);
        report(&source, &with(&json!({ "linkToTestCaseLog": link }))).project
    };
    let some = |code: &str| Some(code.to_owned());
    let link = "https://cloud.example.test/mapleshop/Default/testmanager_/SHOP/testexecutions/7f1d";
    assert_eq!(project(&[], link), some("SHOP"));
    assert_eq!(project(&[(PROJECT_ID, "shop")], link), some("shop"));
    assert_eq!(project(&[(PROJECT_ID, "PAY")], ""), some("PAY"));
    assert_eq!(project(&[(PROJECT_ID, "PAY"), ("1", "SHOP")], ""), None);
    assert_eq!(project(&[], "https://cloud.example.test/testmanager_/testexecutions/7f1d"), None);
    assert_eq!(project(&[], "javascript:alert(1)"), None);
}

#[test]
fn the_address_tells_what_is_asked() {
    let source = source(None, &[]);
    let counts = Some(Purpose::DefectCounts { project: PROJECT_ID.to_owned() });
    let path = format!("api/kpis/project/{}/defectstatus", PROJECT_ID.to_uppercase());
    for path in [path.clone(), format!("any/way/{path}"), format!("{path}/")] {
        assert_eq!(source.purpose(&Method::GET, &path), counts, "{path}");
        assert_eq!(source.purpose(&Method::POST, &path), counts, "{path}");
        assert_eq!(source.purpose(&Method::PUT, &path), None, "{path}");
    }
    for path in ["", "api/defects", "kpis/project/1/defectstatus", "api/kpis/project/a%2Fb/defectstatus"] {
        assert_eq!(source.purpose(&Method::POST, path), Some(Purpose::Event), "{path}");
        assert_eq!(source.purpose(&Method::GET, path), None, "{path}");
    }
}

#[tokio::test]
async fn the_api_tells_what_makes_a_ticket() {
    let (found, asked) = found(&[(PROJECT_ID, "SHOP")], &wanted()).await;
    let mut told = json!({ "project": found.project, "facts": found.facts, "notes": found.notes, "asked": asked });
    // The stand-in listens at another port each time.
    let url = told["facts"]["url"].as_str().unwrap();
    told["facts"]["url"] = url[url.find("/acme").unwrap()..].into();
    insta::assert_json_snapshot!(told);
}

#[tokio::test]
async fn a_variation_has_a_log_of_its_own() {
    let (found, _) =
        found(&[(PROJECT_ID, "SHOP")], &with(&json!({ "variationId": "voucher=SPRING-20;card=visa" }))).await;
    assert_eq!(found.facts["error"], "Verification failed: the card was charged twice");
}

#[tokio::test]
async fn a_defect_may_be_wanted_for_a_test_that_passed() {
    let (found, asked) = found(&[(PROJECT_ID, "SHOP")], &with(&json!({ "testCaseId": PASSED_CASE }))).await;
    assert_eq!((&found.facts["status"], &found.facts["title"]), (&"passed".into(), &"Pay by card".into()));
    assert_eq!(asked.iter().filter(|what| what.contains("test case logs")).count(), 2, "{asked:?}");
}

#[tokio::test]
async fn the_project_is_found_by_its_prefix_or_among_all() {
    let link = "https://cloud.example.test/mapleshop/Default/testmanager_/SHOP/testexecutions/7f1d";
    for body in [with(&json!({ "linkToTestCaseLog": link })), wanted()] {
        let (found, asked) = found(&[], &body).await;
        assert_eq!(found.project.as_deref(), Some("SHOP"), "{asked:?}");
        assert_eq!(found.facts["case_key"], "SHOP:214");
    }
    // Rules may know the project by another name than Test Manager.
    let (found, _) = found(&[(PROJECT_ID, "PAY")], &with(&json!({ "linkToTestCaseLog": link }))).await;
    assert_eq!(found.project.as_deref(), Some("PAY"));
}

#[tokio::test]
async fn what_is_not_there_is_a_note() {
    let (none, _) = found(&[(PROJECT_ID, "SHOP")], &with(&json!({ "testExecutionId": "0000" }))).await;
    assert_eq!(none.facts.len(), 0);
    assert_eq!(none.project.as_deref(), Some("SHOP"));
    assert_eq!(none.notes, ["Test Manager has no log of this test case in SHOP"]);
}

#[tokio::test]
async fn trouble_with_the_api_is_told_from_what_passes() {
    let standin = Standin::start(Vendor::TestManager).unwrap();
    let source = source(Some(api(&standin)), &[(PROJECT_ID, "SHOP")]);
    let report = report(&source, &wanted());
    let mut asker = Asker::signed_in(&source).await;
    let says = |code: u16, headers: &[(&str, &str)]| Fault::Status {
        code,
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: String::new(),
    };
    let mut told = Vec::new();
    for fault in [
        says(429, &[("retry-after", "7")]),
        says(503, &[]),
        says(403, &[]),
        says(302, &[]),
        says(200, &[]),
        Fault::ResetAfterRequest,
    ] {
        standin.script(vec![fault]);
        let said = asker.inquire(&source, &report).await.unwrap_err();
        told.push(said.split(": error").next().unwrap().split(": client error").next().unwrap().to_owned());
    }
    standin.forget_tokens();
    told.push(asker.inquire(&source, &report).await.unwrap_err());
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn what_only_enriches_may_be_missing() {
    let standin = Standin::start(Vendor::TestManager).unwrap();
    let source = source(Some(api(&standin)), &[(PROJECT_ID, "SHOP")]);
    let mut asker = Asker::signed_in(&source).await;
    // The script has a fault for each request; the log itself is left alone.
    let fails = Fault::Status { code: 500, headers: vec![], body: String::new() };
    standin.script(vec![Fault::Delay(Duration::ZERO), fails.clone(), fails.clone(), fails]);
    let found = asker.inquire(&source, &report(&source, &wanted())).await.unwrap();
    assert_eq!(found.facts["error"], "Verification failed: expected total 25.90 EUR but was 45.90 EUR");
    assert_eq!(
        found.notes,
        [
            "the test execution: Test Manager answered 500",
            "the assertions: Test Manager answered 500",
            "the robot's log: Test Manager answered 500"
        ]
    );
}

#[tokio::test]
async fn one_wrong_scope_rejects_all() {
    let standin = Standin::start(Vendor::TestManager).unwrap();
    let wrong = Api { scope: format!("{CLOUD_SCOPE} TM.Nothing"), ..api(&standin) };
    let source = source(Some(wrong), &[]);
    let mut asker = Asker { exchange: HttpExchange::new().unwrap(), token: String::new(), asked: Vec::new() };
    let Answer::Replied(reply) = asker.ask(source.sign_in().unwrap()).await else { panic!("no answer") };
    assert_eq!((reply.status, reply.json()), (400, json!({ "error": "invalid_scope" })));
    assert_eq!(standin.tokens(), 0);
}
