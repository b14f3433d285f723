//! The demo's stage: the relay and the stand-ins, on this machine, in a folder of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::diagnostic::Color;
use crate::config::{Secrets, load};
use crate::ports::Clock;
use crate::ports::http::HttpExchange;
use crate::ports::system::{SystemClock, ThreadDice};
use crate::relay::{Parts, Relay};
use crate::standin::uipath::{CLIENT_ID, CLIENT_SECRET, PROJECT_ID};
use crate::standin::{EMAIL, Standin, TOKEN, Vendor};
use crate::store::sqlite::SqliteStore;
use crate::web::server::Patience;
use crate::web::{router, server};

/// The secret that the demo's senders share with the relay.
pub(super) const SECRET: &str = "demo-secret";

/// The shipped rules with their tests, and templates; and those for the other senders.
const FILES: [(&str, &str); 16] = [
    ("rules/defects.yaml", include_str!("../../../rules/defects.yaml")),
    ("rules/runs.yaml", include_str!("../../../rules/runs.yaml")),
    ("rules/reviews.yaml", include_str!("../../../rules/reviews.yaml")),
    ("rules/examples.yaml", include_str!("../../../rules/examples.yaml")),
    ("fixtures/defect-resolved.json", include_str!("../../../fixtures/defect-resolved.json")),
    ("fixtures/run-one-failed.json", include_str!("../../../fixtures/run-one-failed.json")),
    ("templates/defect-opened.md.hbs", include_str!("../../../templates/defect-opened.md.hbs")),
    ("templates/defect-ticket.md.hbs", include_str!("../../../templates/defect-ticket.md.hbs")),
    ("templates/defect-resolved.md.hbs", include_str!("../../../templates/defect-resolved.md.hbs")),
    ("templates/run-failed.md.hbs", include_str!("../../../templates/run-failed.md.hbs")),
    ("templates/run-aborted.md.hbs", include_str!("../../../templates/run-aborted.md.hbs")),
    ("templates/review-changes-requested.md.hbs", include_str!("../../../templates/review-changes-requested.md.hbs")),
    ("rules/senders.yaml", include_str!("files/rules/senders.yaml")),
    ("templates/robot-failed.md.hbs", include_str!("files/templates/robot-failed.md.hbs")),
    ("templates/build-failed.md.hbs", include_str!("files/templates/build-failed.md.hbs")),
    ("templates/uipath-defect.md.hbs", include_str!("files/templates/uipath-defect.md.hbs")),
];

/// One stand-in and whom it plays.
pub(super) struct Player {
    /// The destination it stands for.
    pub(super) destination: &'static str,
    /// How it is introduced: `Slack #qa-blockers`.
    pub(super) title: &'static str,
    /// The stand-in.
    pub(super) standin: Standin,
}

/// Everything that runs in the demo.
pub(super) struct Stage {
    /// The relay.
    pub(super) relay: Relay,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The stand-ins.
    pub(super) players: Vec<Player>,
    /// The stand-in of Test Manager, which is asked about results.
    pub(super) manager: Standin,
    /// The folder with the configuration and the store; removed in the end.
    pub(super) folder: Folder,
    stop: CancellationToken,
    web: JoinHandle<()>,
}

/// A folder that is removed when dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let name = format!("relaybell-demo-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "the demo's folder could not be removed");
        }
    }
}

impl Stage {
    /// Sets the stage: on `port` if it is free, else on any.
    pub(super) async fn set(port: u16) -> anyhow::Result<Self> {
        let folder = Folder::make()?;
        let players = players()?;
        let manager = Standin::start(Vendor::TestManager).context("a stand-in cannot start")?;
        let listener = match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(("127.0.0.1", 0)).await.context("no port of this machine is free")?,
        };
        let address = listener.local_addr()?;
        write_files(folder.path(), &configuration(address, &players, &manager))?;
        let config_path = folder.path().join("relaybell.yaml");
        let snapshot =
            load(&config_path, Secrets::Resolve).map_err(|findings| anyhow!("{}", findings.render(Color::Never)))?;
        let clock = SystemClock::start();
        let store = SqliteStore::open(&snapshot.storage.sqlite, clock.now())?;
        store.announce(&address.to_string())?;
        let relay = Relay::start(Parts {
            store: store.clone(),
            ledger: store,
            clock: Arc::new(clock),
            dice: Arc::new(ThreadDice),
            exchange: Arc::new(HttpExchange::new()?),
            snapshot,
            config_path,
        })
        .await?;
        let stop = CancellationToken::new();
        let web =
            TaskTracker::new().spawn(server::serve(listener, router(relay.clone()), Patience::default(), stop.clone()));
        Ok(Self { relay, address, players, manager, folder, stop, web })
    }

    /// Ends the relay in order.
    pub(super) async fn clear(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.web.await?;
        self.relay.stop().await?;
        Ok(())
    }
}

fn players() -> anyhow::Result<Vec<Player>> {
    let player = |destination, title, vendor| -> anyhow::Result<Player> {
        Ok(Player { destination, title, standin: Standin::start(vendor).context("a stand-in cannot start")? })
    };
    Ok(vec![
        player("qa-blockers", "Slack #qa-blockers", Vendor::Slack)?,
        player("qa-feed", "Slack #qa-feed", Vendor::Slack)?,
        player("payments", "Slack #payments", Vendor::Slack)?,
        player("release-room", "Teams Release room", Vendor::Teams)?,
        player("pay-jira", "Jira PAY", Vendor::Jira)?,
    ])
}

/// Writes the rules, the templates, and the configuration, which names the stand-ins.
fn write_files(folder: &Path, configuration: &str) -> anyhow::Result<()> {
    for (name, text) in FILES {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    fs::write(folder.join("relaybell.yaml"), configuration)?;
    Ok(())
}

/// The shipped configuration with the stand-ins' addresses. The rate limits are those of a
/// day compressed to a minute.
fn configuration(address: SocketAddr, players: &[Player], manager: &Standin) -> String {
    let standin = |name: &str| players.iter().find(|player| player.destination == name).map(|player| &player.standin);
    let webhook = |name| standin(name).and_then(Standin::webhook_url).unwrap_or_default();
    let api = |name| standin(name).and_then(Standin::api_url).unwrap_or_default();
    format!(
        "server: {{ listen: \"{address}\" }}\n\
         storage: {{ url: \"sqlite:relaybell.db\" }}\n\
         sources:\n\
         \x20 qase: {{ kind: qase, secrets: [{SECRET}], app_url: https://app.qase.io }}\n\
         \x20 ci: {{ preset: ci, secrets: [{SECRET}] }}\n\
         \x20 robots:\n\
         \x20   kind: uipath_orchestrator\n\
         \x20   secrets: [{SECRET}]\n\
         \x20   projects: {{ 1: SHOP }}\n\
         \x20 test-manager:\n\
         \x20   kind: uipath\n\
         \x20   secrets: [{SECRET}]\n\
         \x20   projects: {{ {PROJECT_ID}: SHOP }}\n\
         \x20   api: {{ url: \"{}\", client_id: \"{CLIENT_ID}\", client_secret: \"{CLIENT_SECRET}\" }}\n\
         \x20   create_defect: {{ rule: uipath-defect, wait: 10s }}\n\
         destinations:\n\
         \x20 qa-blockers: {{ kind: slack, webhook_url: \"{}\", limit: {{ rate: 5/s, burst: 5 }} }}\n\
         \x20 qa-feed: {{ kind: slack, webhook_url: \"{}\", limit: {{ rate: 5/s, burst: 5 }} }}\n\
         \x20 payments: {{ kind: slack, api_url: \"{}\", token: {TOKEN}, channel: \"#payments\", limit: {{ rate: 5/s, burst: 5 }} }}\n\
         \x20 release-room: {{ kind: teams, webhook_url: \"{}\", limit: {{ rate: 5/s, burst: 5 }} }}\n\
         \x20 pay-jira: {{ kind: jira, url: \"{}\", email: {EMAIL}, token: {TOKEN}, project: PAY, issue_type: Bug, limit: 5/s }}\n\
         people:\n  qa-oncall: {{ slack: S0QAONCALL, teams: qa-oncall@acme.example }}\n",
        manager.api_url().unwrap_or_default(),
        webhook("qa-blockers"),
        webhook("qa-feed"),
        api("payments"),
        webhook("release-room"),
        api("pay-jira"),
    )
}
