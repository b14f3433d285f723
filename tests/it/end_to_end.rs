//! The whole relay with real HTTP, real time and SQLite, against stand-ins that fail.

use std::collections::HashSet;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use relaybell::config::diagnostic::Color;
use relaybell::config::{Secrets, load};
use relaybell::ports::Clock;
use relaybell::ports::http::HttpExchange;
use relaybell::ports::system::{SystemClock, ThreadDice};
use relaybell::relay::{Parts, Relay};
use relaybell::source::RawHook;
use relaybell::standin::{Fault, Standin, Vendor};
use relaybell::store::sqlite::SqliteStore;
use relaybell::store::{DeliveryFilter, Ledger};

use crate::support::files::Folder;

const RULES: &str = "
rules:
  - name: shop
    when: { project: SHOP }
    send: [{ to: troubled }]
  - name: pay
    when: { project: PAY }
    send: [{ to: healthy }]
";

async fn start(folder: &Folder) -> (Relay, Arc<SqliteStore>) {
    let config_path = folder.config();
    let snapshot =
        load(&config_path, Secrets::Resolve).unwrap_or_else(|findings| panic!("{}", findings.render(Color::Never)));
    let clock = SystemClock::start();
    let store = SqliteStore::open(&snapshot.storage.sqlite, clock.now()).unwrap();
    let relay = Relay::start(Parts {
        store: store.clone(),
        ledger: store.clone(),
        clock: Arc::new(clock),
        dice: Arc::new(ThreadDice),
        exchange: Arc::new(HttpExchange::new().unwrap()),
        snapshot,
        config_path,
    })
    .await
    .unwrap();
    (relay, store)
}

async fn update(relay: &Relay, project: &str, id: u64, number: u64) {
    let body = format!(
        r#"{{"event_name":"defect.updated","timestamp":1789382400,"payload":{{"id":{id},"title":"number {number} of {id}"}},"team_member_id":1,"project_code":"{project}"}}"#
    );
    let snapshot = relay.shared.current.load_full();
    let source = snapshot.sources.get("qase").unwrap();
    relay.ingest(source, RawHook::posted(HeaderMap::new(), Bytes::from(body))).await.unwrap();
}

/// The number that each message of the defect `id` names, in the order of arrival.
fn numbers(chat: &Standin, id: u64) -> Vec<u64> {
    let of = format!(" of {id}");
    chat.received()
        .iter()
        .filter_map(|message| {
            let text = message.body["text"].as_str()?;
            let (_, after) = text.split_once("number ")?;
            let (number, rest) = after.split_at(after.find(' ')?);
            rest.starts_with(&of).then(|| number.parse().unwrap())
        })
        .collect()
}

async fn all_delivered(store: &SqliteStore) {
    for _ in 0..600 {
        if store.depths().await.unwrap().iter().all(|depth| depth.unfinished == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not all is delivered: {:?}", store.depths().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_day_of_one_destination_loses_nothing_and_slows_down_no_other() {
    let (troubled, healthy) = (Standin::start(Vendor::Slack).unwrap(), Standin::start(Vendor::Slack).unwrap());
    let config = format!(
        "server: {{ listen: 127.0.0.1:0 }}\n\
         storage: {{ url: \"sqlite:day.db\" }}\n\
         sources: {{ qase: {{ kind: qase }} }}\n\
         destinations:\n\
         \x20 troubled: {{ kind: slack, webhook_url: \"{}\", limit: none, concurrency: 4, retry: {{ first: 100ms, max: 1s }} }}\n\
         \x20 healthy: {{ kind: slack, webhook_url: \"{}\", limit: none, concurrency: 4 }}\n",
        troubled.webhook_url().unwrap(),
        healthy.webhook_url().unwrap()
    );
    let folder = Folder::new(&config, RULES);
    let (relay, store) = start(&folder).await;
    let wait = vec![("retry-after".to_owned(), "3".to_owned())];
    let fails = |code: u16, headers, body: &str| Fault::Status { code, headers, body: body.to_owned() };
    troubled.script(vec![
        fails(429, wait, "rate_limited"),
        fails(500, vec![], "rollup_error"),
        Fault::ResetAfterRequest,
        Fault::ResetBeforeRead,
    ]);
    for number in 1..=10 {
        for id in 1..=3 {
            update(&relay, "SHOP", id, number).await;
            update(&relay, "PAY", id, number).await;
        }
    }
    // The healthy one is through long before the troubled one may go on.
    for _ in 0..100 {
        if healthy.received().len() == 30 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(healthy.received().len(), 30);
    assert!(troubled.received().len() < 30, "the pause of 3 s is not over");

    all_delivered(&store).await;
    let mut repeated = 0;
    for id in 1..=3 {
        assert_eq!(numbers(&healthy, id), (1..=10).collect::<Vec<_>>());
        let seen = numbers(&troubled, id);
        assert!(seen.is_sorted(), "of defect {id}: {seen:?}");
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 10, "of defect {id}: {seen:?}");
        repeated += seen.len() - 10;
    }
    let unsure: Vec<_> = store
        .deliveries(&DeliveryFilter::default(), None, 1000)
        .await
        .unwrap()
        .into_iter()
        .filter(|delivery| delivery.unsure)
        .collect();
    assert!(repeated <= unsure.len(), "each repetition is known as possible: {repeated} of {}", unsure.len());
    assert!(!unsure.is_empty(), "not vacuous: a connection was reset after the request");
    relay.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_survives_a_stop_and_a_start() {
    let chat = Standin::start(Vendor::Slack).unwrap();
    chat.always(Some(Fault::Status { code: 503, headers: vec![], body: String::new() }));
    let config = format!(
        "server: {{ listen: 127.0.0.1:0 }}\n\
         storage: {{ url: \"sqlite:day.db\" }}\n\
         sources: {{ qase: {{ kind: qase }} }}\n\
         destinations:\n\
         \x20 troubled: {{ kind: slack, webhook_url: \"{}\", limit: none, retry: {{ first: 100ms, max: 1s }} }}\n",
        chat.webhook_url().unwrap()
    );
    let folder = Folder::new(&config, &RULES[..RULES.find("  - name: pay").unwrap()]);
    let (relay, store) = start(&folder).await;
    for number in 1..=5 {
        update(&relay, "SHOP", 1, number).await;
    }
    relay.stop().await.unwrap();
    drop((relay, store));

    chat.always(None);
    let (relay, store) = start(&folder).await;
    all_delivered(&store).await;
    assert_eq!(numbers(&chat, 1), [1, 2, 3, 4, 5]);
    relay.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_hangs_up_during_the_commit_delays_nothing() {
    let chat = Standin::start(Vendor::Slack).unwrap();
    let config = format!(
        "server: {{ listen: 127.0.0.1:0 }}\n\
         storage: {{ url: \"sqlite:day.db\" }}\n\
         sources: {{ qase: {{ kind: qase }} }}\n\
         destinations:\n\
         \x20 troubled: {{ kind: slack, webhook_url: \"{}\", limit: none }}\n",
        chat.webhook_url().unwrap()
    );
    let folder = Folder::new(&config, &RULES[..RULES.find("  - name: pay").unwrap()]);
    let (relay, store) = start(&folder).await;
    update(&relay, "SHOP", 9, 1).await;
    all_delivered(&store).await;
    // The lane has nothing to do any more and goes to sleep.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let snapshot = relay.shared.current.load_full();
    let source = snapshot.sources.get("qase").unwrap();
    // The first step hands the plan to the store; then nobody waits for its answer. On a
    // busy machine the answer may be there already: then the next sender hangs up.
    let mut hung_up = None;
    for id in 1..=50 {
        let body = format!(
            r#"{{"event_name":"defect.created","payload":{{"id":{id},"title":"number 1 of {id}"}},"project_code":"SHOP"}}"#
        );
        let hook = RawHook::posted(HeaderMap::new(), Bytes::from(body));
        let mut ingest = Box::pin(relay.ingest(source, hook));
        let first = std::future::poll_fn(|context| Poll::Ready(ingest.as_mut().poll(context))).await;
        if first.is_pending() {
            hung_up = Some(id);
            break;
        }
    }
    let hung_up = hung_up.expect("a sender that hangs up before its commit is answered");
    // A lane that was not told would look again after a minute.
    for _ in 0..200 {
        if !numbers(&chat, hung_up).is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(numbers(&chat, hung_up), [1]);
    all_delivered(&store).await;
    relay.stop().await.unwrap();
}
