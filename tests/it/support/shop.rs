//! A shop that tests with UiPath Test Manager and tracks in Jira: stand-ins of both, a relay
//! between them with real HTTP and a store on disk, and a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use relaybell::config::diagnostic::Color;
use relaybell::config::{Secrets, load};
use relaybell::domain::time::Timestamp;
use relaybell::ports::http::HttpExchange;
use relaybell::ports::manual::ManualClock;
use relaybell::ports::system::ThreadDice;
use relaybell::relay::{Parts, Relay};
use relaybell::standin::uipath::{Answered, CLIENT_ID, CLIENT_SECRET, PROJECT_ID, Sender};
use relaybell::standin::{EMAIL, Standin, TOKEN, Vendor};
use relaybell::store::sqlite::SqliteStore;
use serde_json::{Value, json};

use super::files::Folder;
use super::http::{Face, ask};

/// The rule that answers Create Defect.
pub const RULES: &str = "
rules:
  - name: uipath-defect
    when: { event: defect.requested, project: SHOP }
    unless: { status: passed }
    send: [{ to: shop-jira, action: create, template: uipath-defect, fields: { priority: High } }]
";

const TEMPLATE: &str = "---
title: \"{{case_key}} {{title}}\"
link: \"{{url}}\"
fields:
  Execution: \"{{execution}}\"
  Robot: \"{{robot}} on {{host}}\"
---
{{error}}
{{#each assertions_failed}}
- {{this}}
{{/each}}
";

/// How long a test waits for something that must come, in real time. An issue whose creation
/// was cut off in flight is looked for three times within six minutes of the shop's time
/// before it is created again, and these are more than a minute.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Shop {
    pub jira: Standin,
    pub manager: Standin,
    pub relay: Relay,
    pub face: Face,
    pub store: Arc<SqliteStore>,
    pub folder: Folder,
    pub sender: Sender,
    pub clock: Arc<ManualClock>,
    exchange: HttpExchange,
}

impl Shop {
    /// Opens it; `create_defect` is what stands beside the rule there.
    pub async fn open(create_defect: &str) -> Self {
        Self::open_with(create_defect, "fresh: 60s").await
    }

    /// The same, with what stands in `defect_kpis` beside the tracker.
    pub async fn open_with(create_defect: &str, defect_kpis: &str) -> Self {
        let (jira, manager) = (Standin::start(Vendor::Jira).unwrap(), Standin::start(Vendor::TestManager).unwrap());
        let config = format!(
            "server: {{ listen: 127.0.0.1:0 }}\n\
             storage: {{ url: \"sqlite:shop.db\" }}\n\
             sources:\n\
             \x20 test-manager:\n\
             \x20   kind: uipath\n\
             \x20   secrets: [open-sesame-1234]\n\
             \x20   projects: {{ {PROJECT_ID}: SHOP }}\n\
             \x20   api: {{ url: \"{}\", client_id: \"{CLIENT_ID}\", client_secret: \"{CLIENT_SECRET}\" }}\n\
             \x20   create_defect: {{ rule: uipath-defect, {create_defect} }}\n\
             \x20   defect_kpis: {{ from: shop-jira, {defect_kpis} }}\n\
             destinations:\n\
             \x20 shop-jira: {{ kind: jira, url: \"{}\", email: \"{EMAIL}\", token: \"{TOKEN}\", project: SHOP, \
             limit: none, retry: {{ first: 1s, max: 2s }} }}\n",
            manager.api_url().unwrap(),
            jira.api_url().unwrap(),
        );
        let folder = Folder::new(&config, RULES);
        folder.write("templates/uipath-defect.md.hbs", TEMPLATE);
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_789_372_800)));
        Self::begin(jira, manager, folder, clock).await
    }

    async fn begin(jira: Standin, manager: Standin, folder: Folder, clock: Arc<ManualClock>) -> Self {
        let config_path = folder.config();
        let snapshot =
            load(&config_path, Secrets::Resolve).unwrap_or_else(|found| panic!("{}", found.render(Color::Never)));
        let store = SqliteStore::open(&snapshot.storage.sqlite, relaybell::ports::Clock::now(clock.as_ref())).unwrap();
        let relay = Relay::start(Parts {
            store: store.clone(),
            ledger: store.clone(),
            clock: clock.clone(),
            dice: Arc::new(ThreadDice),
            exchange: Arc::new(HttpExchange::new().unwrap()),
            snapshot,
            config_path,
        })
        .await
        .unwrap();
        let face = Face::open(&relay).await;
        let sender = Sender {
            url: format!("http://{}/hooks/test-manager", face.address),
            secret: Some(("X-Relaybell-Secret".to_owned(), "open-sesame-1234".to_owned())),
        };
        let exchange = HttpExchange::new().unwrap();
        Self { jira, manager, relay, face, store, folder, sender, clock, exchange }
    }

    /// The same shop after its relay was stopped and started.
    pub async fn restarted(self) -> Self {
        let Self { jira, manager, relay, face, store, folder, clock, .. } = self;
        let stopping = async { relay.stop().await.unwrap() };
        moving(&clock, stopping).await;
        drop((relay, face, store));
        Self::begin(jira, manager, folder, clock).await
    }

    /// Closes the relay; the stand-ins, Jira's first, and the files stay for another one.
    pub async fn left(self) -> (Standin, Standin, Folder) {
        let Self { jira, manager, relay, face, store, folder, clock, .. } = self;
        moving(&clock, async { relay.stop().await.unwrap() }).await;
        drop((relay, face, store));
        (jira, manager, folder)
    }

    pub async fn close(self) {
        moving(&self.clock, async { self.relay.stop().await.unwrap() }).await;
    }

    /// Somebody edits `relaybell.yaml`: `from` becomes `to`.
    pub async fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.folder.config()).unwrap();
        assert!(text.contains(from), "{text}");
        self.folder.write("relaybell.yaml", &text.replace(from, to));
        moving(&self.clock, self.relay.reload()).await.unwrap();
    }

    /// Somebody edits the rules.
    pub async fn change_rules(&self, rules: &str) {
        self.folder.write("rules/rules.yaml", rules);
        moving(&self.clock, self.relay.reload()).await.unwrap();
    }

    /// Somebody presses Create Defect.
    pub async fn create_defect(&self, body: &Value) -> Answered {
        moving(&self.clock, self.sender.create_defect(&self.exchange, body)).await.unwrap()
    }

    /// Somebody presses it while `meanwhile` happens.
    pub async fn create_defect_while(&self, body: &Value, meanwhile: impl Future<Output = ()>) -> Answered {
        let pressing = self.sender.create_defect(&self.exchange, body);
        moving(&self.clock, async { tokio::join!(pressing, meanwhile).0 }).await.unwrap()
    }

    /// Somebody presses it until there is an issue.
    pub async fn create_defect_in_the_end(&self, body: &Value) -> Answered {
        let pressing = async {
            loop {
                let answered = self.create_defect(body).await;
                if answered.status == 200 {
                    return answered;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, pressing).await.expect("an issue in the end")
    }

    /// Somebody works in Jira; what it answers.
    pub async fn in_jira(&self, method: &str, path: &str, body: &Value) -> Value {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = body.to_string();
        let answer = ask(&self.exchange, self.jira.address(), method, path, &headers, body.as_bytes()).await;
        assert!(answer.status().is_success(), "{}", String::from_utf8_lossy(answer.body()));
        serde_json::from_slice(answer.body()).unwrap_or_default()
    }

    /// What the sender was answered, with an address of Jira that is always the same.
    pub fn without_address(&self, body: &Value) -> Value {
        let text = body.to_string().replace(&self.jira.api_url().unwrap(), "https://acme.atlassian.net");
        serde_json::from_str(&text).unwrap()
    }

    /// Somebody moves the issue `key` to Done.
    pub async fn resolve(&self, key: &str) {
        let body = json!({ "transition": { "id": "31" }, "fields": { "resolution": { "name": "Fixed" } } });
        self.in_jira("POST", &format!("/rest/api/3/issue/{key}/transitions"), &body).await;
    }

    /// Somebody looks at the dashboard.
    pub async fn defect_status(&self) -> Answered {
        moving(&self.clock, self.sender.defect_status(&self.exchange, PROJECT_ID)).await.unwrap()
    }
}

/// What `doing` gives, while the clock goes on: a second in 200 ms.
async fn moving<T>(clock: &ManualClock, doing: impl Future<Output = T>) -> T {
    let mut doing = std::pin::pin!(doing);
    loop {
        tokio::select! {
            done = &mut doing => return done,
            () = tokio::time::sleep(Duration::from_millis(20)) => clock.advance(Duration::from_millis(100)),
        }
    }
}
