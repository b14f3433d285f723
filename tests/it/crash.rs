//! `kill -9` at random moments under load: nothing acknowledged is lost, duplicates are at
//! most what was in flight, order is kept within every conversation.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use relaybell::ports::http::HttpExchange;
use relaybell::ports::system::ThreadDice;
use relaybell::ports::{Dice, Exchange, Route};
use relaybell::standin::{Standin, Vendor};
use tokio::task::JoinSet;

use crate::support::files::Folder;
use crate::support::process::Serving;

/// How often the relay is killed.
const KILLS: usize = 100;
/// How many subjects events are about: each is a conversation of its own.
const SUBJECTS: u64 = 20;
/// How many attempts may be in flight at once.
const CONCURRENCY: usize = 8;
/// How many senders there are.
const SENDERS: u64 = 4;

fn folder(sink: &Standin) -> Folder {
    let config = format!(
        "server: {{ listen: 127.0.0.1:0 }}\n\
         storage: {{ url: \"sqlite:crash.db\" }}\n\
         sources: {{ qase: {{ kind: qase }} }}\n\
         destinations:\n  chat: {{ kind: slack, webhook_url: \"{}\", limit: none, concurrency: {CONCURRENCY} }}\n",
        sink.webhook_url().unwrap()
    );
    let rules = "rules:\n  - name: all\n    when: { event: defect.updated }\n    send: [{ to: chat, template: t }]\n";
    let folder = Folder::new(&config, rules);
    folder.write("templates/t.md.hbs", "---\ntitle: \"{{title}}\"\n---\n");
    folder
}

/// What senders know: every number that was acknowledged.
#[derive(Default)]
struct Acknowledged(Mutex<Vec<u64>>);

/// One sender: numbered events, each after the answer to the one before, whoever answers.
/// What gets no 202 may or may not be in; its number is never used again.
async fn sender(
    client: Arc<HttpExchange>,
    address: Arc<Mutex<SocketAddr>>,
    numbers: Arc<AtomicU64>,
    subject_of: u64,
    acknowledged: Arc<Acknowledged>,
    over: Arc<AtomicBool>,
) {
    while !over.load(Ordering::Relaxed) {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        // Each sender has subjects of its own, so that the order of its numbers is the
        // order in which the relay acknowledged them.
        let subject = subject_of * SUBJECTS / SENDERS + number % (SUBJECTS / SENDERS);
        let body = format!(
            r#"{{"event_name":"defect.updated","timestamp":1789382400,"payload":{{"id":{subject},"title":"s{subject} n{number} ."}},"team_member_id":1,"project_code":"SHOP"}}"#
        );
        let to = *address.lock().unwrap();
        let request = http::Request::post(format!("http://{to}/hooks/qase")).body(body.into()).unwrap();
        let route = Route { timeout: Duration::from_secs(10), proxy: None, answer_bytes_max: 4096 };
        match client.exchange(request, &route).await {
            Ok(answer) if answer.status() == http::StatusCode::ACCEPTED => {
                acknowledged.0.lock().unwrap().push(number);
                // Not faster, because the stand-in keeps its last 10,000 messages only.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok(answer) => panic!("{} {}", answer.status(), String::from_utf8_lossy(answer.body())),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// The subject and the number that a message names.
fn named(text: &str) -> (u64, u64) {
    let word = |first: char| {
        let at = text.match_indices(first).find_map(|(at, _)| {
            let digits: String = text[at + 1..].chars().take_while(char::is_ascii_digit).collect();
            (!digits.is_empty()).then(|| digits.parse().unwrap())
        });
        at.unwrap_or_else(|| panic!("{first} in {text}"))
    };
    (word('s'), word('n'))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_kills_lose_nothing() {
    let sink = Standin::start(Vendor::Slack).unwrap();
    let folder = folder(&sink);
    let mut relay = Serving::start(folder.path());
    let address = Arc::new(Mutex::new(relay.address));
    let (numbers, acknowledged) = (Arc::new(AtomicU64::new(1)), Arc::new(Acknowledged::default()));
    let over = Arc::new(AtomicBool::new(false));
    let client = Arc::new(HttpExchange::new().unwrap());
    let mut senders = JoinSet::new();
    for subject_of in 0..SENDERS {
        let (client, address) = (client.clone(), address.clone());
        let (numbers, acknowledged, over) = (numbers.clone(), acknowledged.clone(), over.clone());
        senders.spawn(sender(client, address, numbers, subject_of, acknowledged, over));
    }
    for _ in 0..KILLS {
        // A real process is killed at a random real moment.
        tokio::time::sleep(Duration::from_secs_f64(0.02 + 0.2 * ThreadDice.roll())).await;
        relay.kill();
        relay = start_again(folder.path()).await;
        *address.lock().unwrap() = relay.address;
    }
    over.store(true, Ordering::Relaxed);
    senders.join_all().await;
    let acknowledged = std::mem::take(&mut *acknowledged.0.lock().unwrap());
    wait_for_all(&sink, &acknowledged).await;
    judge(&sink, &acknowledged);
    relay.signal("TERM");
    assert!(relay.wait().success(), "a stop in order ends with 0");
}

async fn start_again(folder: &Path) -> Serving {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || Serving::start(&folder)).await.unwrap()
}

async fn wait_for_all(sink: &Standin, acknowledged: &[u64]) {
    let wanted: HashSet<u64> = acknowledged.iter().copied().collect();
    for _ in 0..600 {
        let seen: HashSet<u64> = sink.received().iter().map(|message| named(&message.as_text).1).collect();
        if wanted.is_subset(&seen) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn judge(sink: &Standin, acknowledged: &[u64]) {
    assert!(sink.requests() < 10_000, "the stand-in has forgotten the first messages");
    let received: Vec<(u64, u64)> = sink.received().iter().map(|message| named(&message.as_text)).collect();
    let seen: HashSet<u64> = received.iter().map(|(_, number)| *number).collect();
    let lost: Vec<&u64> = acknowledged.iter().filter(|number| !seen.contains(number)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged events are lost: {lost:?}", lost.len(), acknowledged.len());
    assert!(acknowledged.len() > KILLS, "not vacuous: {} events were acknowledged", acknowledged.len());

    let duplicates = received.len() - seen.len();
    assert!(duplicates <= KILLS * CONCURRENCY, "{duplicates} duplicates after {KILLS} kills");

    let mut last: HashMap<u64, u64> = HashMap::new();
    for (subject, number) in received {
        let before = last.entry(subject).or_default();
        assert!(number >= *before, "of subject {subject}, {number} came after {before}");
        *before = number;
    }
}
