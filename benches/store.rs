//! How many events a second go through a store: committed, taken and settled, durable.
//!
//! `cargo bench --bench store`. The argument is how many callers wait at a time.

#![expect(clippy::expect_used, reason = "a bench that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use relaybell::domain::delivery::{Action, Job, NewDelivery, Receipt, Transition};
use relaybell::domain::event::{Dedup, Event, SubjectKey};
use relaybell::domain::facts::Facts;
use relaybell::domain::how::How;
use relaybell::domain::ids::{DeliveryId, EventId, delivery_key};
use relaybell::domain::memory::{Memory, MemoryChange, Remembered};
use relaybell::domain::message::{CONTENT_VERSION, Content, Field, Message};
use relaybell::domain::plan::{Decision, Plan, Verdict};
use relaybell::domain::priority::Priority;
use relaybell::domain::stage::Stage;
use relaybell::domain::time::Timestamp;
use relaybell::store::sqlite::SqliteStore;
use relaybell::store::{Lease, Settlement, Store};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Events in each measured round.
const EVENTS: u64 = 4_096;

fn main() {
    divan::main();
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(1_790_000_000_000 + i64::try_from(ms).unwrap_or(0))
}

/// A defect as Qase reports it, with one message: about 1.5 kB of JSON.
fn plan(n: u64) -> Plan {
    let received = at(n / 10);
    let mut chance = [0; 10];
    chance[2..].copy_from_slice(&n.to_be_bytes());
    let id = EventId::new(received, chance);
    let subject = format!("defect/{n}");
    let about = SubjectKey::new("qase", Some("PAY"), &subject);
    let key = delivery_key(id, "blocker-defect", "post", "chat");
    let delivery = DeliveryId::new(received, &key);
    let text = "Paying with 3-D Secure fails after the redirect; the order stays open and the card is charged.";
    let facts = json!({
        "event": "defect.created", "source": "qase", "project": "PAY", "subject": subject, "severity": "blocker",
        "title": "Checkout fails for saved cards", "actual_result": text, "url": "https://app.qase.io/defect/PAY/view/17",
    });
    let remembered = ["severity", "title", "actual_result", "url"]
        .map(|name| (name.to_owned(), Remembered { value: facts[name].clone(), since: received }));
    let fields = [("Severity", "blocker"), ("Project", "PAY")];
    let message = Message {
        title: "PAY: Checkout fails for saved cards".to_owned(),
        fields: fields.map(|(name, value)| Field { name: name.to_owned(), value: value.to_owned() }).to_vec(),
        link: Some("https://app.qase.io/defect/PAY/view/17".to_owned()),
        remark: Some(text.to_owned()),
        ..Message::default()
    };
    Plan {
        event: Event {
            id,
            source: "qase".into(),
            name: "defect.created".to_owned(),
            project: Some("PAY".to_owned()),
            subject: Some(subject),
            time: received,
            received,
            facts: Facts { values: facts.as_object().cloned().unwrap_or_default(), ..Facts::default() },
        },
        body: Bytes::from(format!(
            "{{\"event_name\":\"defect.created\",\"payload\":{{\"id\":{n},\"text\":\"{text}\"}}}}"
        )),
        dedup: Dedup::BodyHash(format!("{:064x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        revision: "5e884898da28047151d0e56f8dc62927".into(),
        stage: Stage::default(),
        headers: BTreeMap::new(),
        memory: Some(MemoryChange {
            key: about.clone(),
            from: None,
            to: Memory { first_seen: received, facts: remembered.into(), standing: None },
        }),
        verdicts: vec![Verdict {
            rule: "blocker-defect".into(),
            decision: Decision::Sent(vec![delivery]),
            notes: vec![],
        }],
        deliveries: vec![NewDelivery {
            id: delivery,
            event: id,
            rule: "blocker-defect".into(),
            destination: "chat".into(),
            conversation: about.0,
            action: Action::Post,
            key,
            content: Content {
                v: CONTENT_VERSION,
                message,
                fields: serde_json::Map::new(),
                how: How::default(),
                body: None,
                facts: serde_json::Map::new(),
            },
            parent: None,
            priority: Priority::Normal,
            expires: None,
        }],
        template_failures: Vec::new(),
    }
}

struct Rig {
    runtime: Runtime,
    store: Arc<SqliteStore>,
    lease: Lease,
    next: u64,
    _folder: tempfile::TempDir,
}

impl Rig {
    fn new(waiting: u64) -> Self {
        let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("a folder");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let store = SqliteStore::open(&folder.path().join("bench.db"), at(0)).expect("a store");
        let lease = runtime
            .block_on(store.hold_lane(&"chat".into(), "bench", at(0), at(u64::from(u32::MAX))))
            .expect("a lane")
            .expect("a free lane");
        let mut rig = Self { runtime, store, lease, next: 0, _folder: folder };
        while rig.next < waiting {
            rig.commit(512);
        }
        rig
    }

    /// Commits `EVENTS` events, `callers` at a time.
    fn commit(&mut self, callers: u64) {
        let each = EVENTS / callers;
        let first = self.next;
        self.next += EVENTS;
        self.all((0..callers).map(|caller| {
            let store = Arc::clone(&self.store);
            async move {
                for n in 0..each {
                    store.commit(plan(first + caller * each + n)).await.expect("stored");
                }
            }
        }));
    }

    fn take(&self, limit: usize) -> Vec<Job> {
        self.runtime.block_on(self.store.take(&self.lease, at(self.next), limit)).expect("taken").jobs
    }

    fn settle(&self, jobs: Vec<Job>) {
        self.all(jobs.into_iter().map(|job| {
            let (store, lease) = (Arc::clone(&self.store), self.lease.clone());
            async move {
                let settlement = Settlement {
                    delivery: job.id,
                    attempt: job.attempt,
                    transition: Transition::Sent(Receipt::default()),
                    began: job.accepted,
                    ended: job.accepted,
                    account: "POST hooks.slack.com → 200 ok".to_owned(),
                    thread: None,
                };
                store.settle(&lease, settlement).await.expect("settled");
            }
        }));
    }

    fn all(&self, tasks: impl Iterator<Item = impl Future<Output = ()> + Send + 'static>) {
        let mut set = JoinSet::new();
        for task in tasks {
            set.spawn_on(task, self.runtime.handle());
        }
        self.runtime.block_on(set.join_all());
    }
}

/// Commits alone.
#[divan::bench(args = [1, 16, 64, 256], sample_count = 5, sample_size = 1)]
fn commit(bencher: Bencher<'_, '_>, callers: u64) {
    let mut rig = Rig::new(0);
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(move || rig.commit(callers));
}

/// The whole way: commit, take, settle.
#[divan::bench(args = [16, 64, 256], sample_count = 5, sample_size = 1)]
fn commit_take_settle(bencher: Bencher<'_, '_>, callers: u64) {
    let mut rig = Rig::new(0);
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(move || {
        rig.commit(callers);
        loop {
            let jobs = rig.take(usize::try_from(callers).unwrap_or(16));
            if jobs.is_empty() {
                break;
            }
            rig.settle(jobs);
        }
    });
}

/// Taking ten from a queue of 100,000, and putting them through.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn take_ten_of_100_000(bencher: Bencher<'_, '_>) {
    let rig = Rig::new(100_000);
    bencher.bench_local(move || rig.take(10));
}
