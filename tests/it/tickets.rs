//! Tickets once: whatever happens to the answer, one issue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use relaybell::config::diagnostic::Color;
use relaybell::config::{Secrets, load};
use relaybell::domain::delivery::{Lost, State};
use relaybell::domain::time::Timestamp;
use relaybell::ports::manual::{CountingDice, ManualClock};
use relaybell::ports::{Clock, Exchange, Route};
use relaybell::relay::{Parts, Relay};
use relaybell::source::RawHook;
use relaybell::standin::jira::check::{Version, check};
use relaybell::store::memory::MemoryStore;
use relaybell::store::{DeliveryFilter, Ledger};
use serde_json::{Value, json};

use crate::support::files::Folder;

/// What becomes of the first create of each delivery.
#[derive(Debug, Clone, Copy)]
enum Loses {
    /// Jira makes the issue, and the connection ends without an answer.
    Answer,
    /// Jira makes the issue, and a proxy answers 502.
    AnswerInAProxy,
    /// The request is lost before Jira reads it, and nobody knows.
    Request,
}

/// A Jira whose search shows an issue only after a while.
struct LaggingJira {
    clock: Arc<ManualClock>,
    lag: Duration,
    loses: Loses,
    /// The label of each issue and when it was made.
    issues: Mutex<Vec<(String, Duration)>>,
    /// How often each label was to be made.
    creates: Mutex<HashMap<String, usize>>,
}

impl LaggingJira {
    fn create(&self, body: &Value) -> Result<Response<Bytes>, Lost> {
        assert_eq!(check(body, Version::V3), Ok(()));
        let label = body["fields"]["labels"][0].as_str().unwrap().to_owned();
        let mut creates = self.creates.lock().unwrap();
        let times = creates.entry(label.clone()).or_default();
        *times += 1;
        let first = *times == 1;
        if first && matches!(self.loses, Loses::Request) {
            return Err(Lost::Unknown("timed out".to_owned()));
        }
        let mut issues = self.issues.lock().unwrap();
        issues.push((label, self.clock.elapsed()));
        let key = format!("PAY-{}", issues.len());
        match self.loses {
            Loses::Answer if first => Err(Lost::Unknown("connection reset".to_owned())),
            Loses::AnswerInAProxy if first => Ok(answer(502, &json!("Bad Gateway"))),
            _ => Ok(answer(201, &json!({"id": "1", "key": key}))),
        }
    }

    fn search(&self, body: &Value) -> Response<Bytes> {
        let jql = body["jql"].as_str().unwrap();
        let now = self.clock.elapsed();
        let issues = self.issues.lock().unwrap();
        let found = issues.iter().position(|(label, at)| jql.contains(label.as_str()) && *at + self.lag <= now);
        let found: Vec<Value> = found.map(|at| json!({"key": format!("PAY-{}", at + 1)})).into_iter().collect();
        answer(200, &json!({"issues": found, "isLast": true}))
    }
}

fn answer(status: u16, body: &Value) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap()
}

#[async_trait]
impl Exchange for LaggingJira {
    async fn exchange(&self, request: Request<Bytes>, _route: &Route) -> Result<Response<Bytes>, Lost> {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        match request.uri().path() {
            "/rest/api/3/issue" => self.create(&body),
            "/rest/api/3/search/jql" => Ok(self.search(&body)),
            other => panic!("{other}"),
        }
    }
}

const CONFIG: &str = "
server: { listen: 127.0.0.1:0 }
sources: { qase: { kind: qase } }
destinations:
  pay-jira: { kind: jira, url: \"https://jira.example\", token: t, project: PAY, issue_type: Bug, limit: none, concurrency: 50 }
";

const RULES: &str = "
rules:
  - name: ticket
    when: { event: defect.created }
    send: [{ to: pay-jira }]
";

/// Makes `count` issues through a Jira that loses their first answers.
async fn make(count: usize, lag: Duration, loses: Loses) -> (Arc<LaggingJira>, Arc<MemoryStore>) {
    let folder = Folder::new(CONFIG, RULES);
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_789_372_800)));
    let (issues, creates) = (Mutex::default(), Mutex::default());
    let jira = Arc::new(LaggingJira { clock: clock.clone(), lag, loses, issues, creates });
    let store = Arc::new(MemoryStore::default());
    let snapshot =
        load(&folder.config(), Secrets::Resolve).unwrap_or_else(|all| panic!("{}", all.render(Color::Never)));
    let relay = Relay::start(Parts {
        store: store.clone(),
        ledger: store.clone(),
        clock: clock.clone(),
        dice: Arc::new(CountingDice::default()),
        exchange: jira.clone(),
        snapshot,
        config_path: folder.config(),
    })
    .await
    .unwrap();
    let snapshot = relay.shared.current.load_full();
    let source = snapshot.sources.get("qase").unwrap();
    for id in 0..count {
        let body = json!({
            "event_name": "defect.created", "timestamp": 1_789_382_400, "team_member_id": 1, "project_code": "PAY",
            "payload": { "id": id, "title": format!("Checkout fails {id}") },
        });
        let hook = RawHook::posted(HeaderMap::new(), Bytes::from(body.to_string()));
        relay.ingest(source, hook).await.unwrap();
    }
    // The breaker lets only one attempt through at a time while answers are lost, so some
    // of them wait for a day.
    for step in 0..20_000 {
        if store.depths().await.unwrap().iter().all(|depth| depth.unfinished == 0) {
            return (jira, store);
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(if step < 1000 { 1 } else { 10 }));
    }
    let first = store.deliveries(&DeliveryFilter::default(), None, 1000).await.unwrap().pop().unwrap();
    let (delivery, attempts) = store.delivery(first.id).await.unwrap().unwrap();
    panic!("not all is delivered: {:?}\n{:?} {attempts:?}", store.depths().await.unwrap(), delivery.why);
}

#[tokio::test]
async fn a_lost_answer_never_makes_a_second_issue_however_late_the_search_is() {
    for loses in [Loses::Answer, Loses::AnswerInAProxy] {
        for lag in [0, 5, 60, 240] {
            let (jira, store) = make(200, Duration::from_secs(lag), loses).await;
            assert_eq!(jira.issues.lock().unwrap().len(), 200, "{loses:?}, {lag} s");
            let all = store.deliveries(&DeliveryFilter::default(), None, 1000).await.unwrap();
            assert!(all.iter().all(|one| one.state == State::Delivered && one.receipt.as_ref().unwrap().key.is_some()));
        }
    }
}

#[tokio::test]
async fn a_lost_request_is_made_again_after_five_minutes() {
    let (jira, store) = make(10, Duration::from_secs(240), Loses::Request).await;
    assert_eq!(jira.issues.lock().unwrap().len(), 10);
    let all = store.deliveries(&DeliveryFilter::default(), None, 1000).await.unwrap();
    assert!(all.iter().all(|one| one.state == State::Delivered));
    let first = jira.issues.lock().unwrap().iter().map(|(_, at)| *at).min().unwrap();
    assert!(first >= Duration::from_secs(300), "three looks come first: {first:?}");
}
