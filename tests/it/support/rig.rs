//! A whole relay but for the network: memory store, manual clock, scripted exchange.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use relaybell::config::diagnostic::Color;
use relaybell::config::{Secrets, Snapshot, load};
use relaybell::domain::delivery::State;
use relaybell::domain::ids::{DeliveryId, EventId};
use relaybell::domain::time::Timestamp;
use relaybell::ports::manual::{CountingDice, ManualClock};
use relaybell::relay::ingest::{Accepted, IngestError};
use relaybell::relay::{Parts, Relay};
use relaybell::source::RawHook;
use relaybell::store::memory::MemoryStore;
use relaybell::store::{AttemptRecord, DeliveryFilter, DeliveryRecord, Ledger};
use serde_json::{Value, json};

use super::exchange::FakeExchange;
use super::files::Folder;

/// Two chats on hosts of their own, without rate limits.
pub const TWO_CHATS: &str = r#"
server: { listen: 127.0.0.1:0 }
sources: { qase: { kind: qase } }
destinations:
  red:  { kind: slack, webhook_url: "https://red.example/services/T/B/red", limit: none, concurrency: 4 }
  blue: { kind: slack, webhook_url: "https://blue.example/services/T/B/blue", limit: none, concurrency: 4 }
"#;

/// Blockers go to red, everything of project PAY to blue.
pub const RED_AND_BLUE: &str = "
rules:
  - name: to-red
    when: { event: [defect.created, defect.updated], project: SHOP }
    send: [{ to: red }]
  - name: to-blue
    when: { project: PAY }
    send: [{ to: blue }]
";

/// The relay and its surroundings.
pub struct Rig {
    pub relay: Relay,
    pub clock: Arc<ManualClock>,
    pub exchange: Arc<FakeExchange>,
    pub store: Arc<MemoryStore>,
    pub folder: Folder,
}

impl Rig {
    /// Starts a relay with these files.
    pub async fn start(config: &str, rules: &str) -> Self {
        Self::start_with(config, rules, |_| {}).await
    }

    /// The same, after `change` of what was read.
    pub async fn start_with(config: &str, rules: &str, change: impl FnOnce(&mut Snapshot)) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_789_372_800)));
        let exchange = Arc::new(FakeExchange::new(clock.clone()));
        Self::assemble(Folder::new(config, rules), clock, exchange, Arc::new(MemoryStore::default()), change).await
    }

    /// Ends the relay and starts another one in the same surroundings.
    pub async fn restart(self, change: impl FnOnce(&mut Snapshot)) -> Self {
        self.relay.drain().await;
        let Self { clock, exchange, store, folder, .. } = self;
        Self::assemble(folder, clock, exchange, store, change).await
    }

    async fn assemble(
        folder: Folder,
        clock: Arc<ManualClock>,
        exchange: Arc<FakeExchange>,
        store: Arc<MemoryStore>,
        change: impl FnOnce(&mut Snapshot),
    ) -> Self {
        let mut snapshot = load(&folder.config(), Secrets::Resolve)
            .unwrap_or_else(|findings| panic!("{}", findings.render(Color::Never)));
        change(&mut snapshot);
        let relay = Relay::start(Parts {
            store: store.clone(),
            ledger: store.clone(),
            clock: clock.clone(),
            dice: Arc::new(CountingDice::default()),
            exchange: exchange.clone(),
            snapshot,
            config_path: folder.config(),
        })
        .await
        .unwrap();
        Self { relay, clock, exchange, store, folder }
    }

    /// Hands a webhook to the source `qase`.
    pub async fn hook(&self, body: &Value) -> Result<Accepted, IngestError> {
        let snapshot = self.relay.shared.current.load_full();
        let source = snapshot.sources.get("qase").unwrap();
        let hook = RawHook::posted(HeaderMap::new(), Bytes::from(body.to_string()));
        self.relay.ingest(source, hook).await
    }

    /// A defect of `project` was created or updated.
    pub async fn defect(&self, event: &str, project: &str, id: u64, title: &str) -> EventId {
        let body = json!({
            "event_name": event, "timestamp": 1_789_382_400, "team_member_id": 112, "project_code": project,
            "payload": { "id": id, "title": title, "severity": "blocker" },
        });
        self.hook(&body).await.unwrap().event
    }

    /// Lets everything happen that can happen without time passing.
    pub async fn rest(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets `time` pass in steps, with everything that happens in between.
    pub async fn pass(&self, time: Duration) {
        self.rest().await;
        let step = (time / 600).max(Duration::from_millis(100));
        let end = relaybell::ports::Clock::elapsed(self.clock.as_ref()) + time;
        loop {
            let left = end.saturating_sub(relaybell::ports::Clock::elapsed(self.clock.as_ref()));
            if left.is_zero() {
                break;
            }
            self.clock.advance(step.min(left));
            self.rest().await;
        }
    }

    /// All deliveries, the oldest first.
    pub async fn deliveries(&self) -> Vec<DeliveryRecord> {
        let mut all = self.store.deliveries(&DeliveryFilter::default(), None, 1000).await.unwrap();
        all.reverse();
        all
    }

    /// The states of all deliveries, the oldest first.
    pub async fn states(&self) -> Vec<State> {
        self.deliveries().await.iter().map(|delivery| delivery.state).collect()
    }

    /// One delivery with its attempts.
    pub async fn delivery(&self, id: DeliveryId) -> (DeliveryRecord, Vec<AttemptRecord>) {
        self.store.delivery(id).await.unwrap().unwrap()
    }
}
