//! Floor 4: stand-ins of Slack, Teams, Jira and the APIs of Qase and UiPath Test Manager on this machine.
//!
//! They speak the vendors' protocols over HTTP, refuse what the vendors refuse, and keep
//! what they accepted as a person would read it. A script makes them fail on purpose.

pub mod jira;
mod picture;
mod qase;
mod server;
mod shape;
mod shared;
pub mod slack;
pub mod teams;
pub mod uipath;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::shared::Shared;

/// How a person would read `body` at `vendor`, drawn with plain text.
#[must_use]
pub fn drawn(vendor: Vendor, body: &Value) -> String {
    match vendor {
        Vendor::Slack => slack::draw("Slack", body),
        Vendor::Teams => teams::draw(body),
        Vendor::Jira => jira::draw("new issue", body),
        // Nothing is told there.
        Vendor::TestManager => String::new(),
        Vendor::Qase => body.to_string(),
    }
}

/// The token that the stand-ins of Slack's Web API, of Jira and of Qase's API take.
pub const TOKEN: &str = "xoxb-stand-in-token";

/// The e-mail that the stand-in of Jira takes beside [`TOKEN`].
pub const EMAIL: &str = "bot@stand-in.example";

/// The secret end of the webhook addresses.
const WEBHOOK_SECRET: &str = "standInWebhookSecret0001";

/// Whose place a stand-in takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Slack: an incoming webhook and `chat.postMessage`.
    Slack,
    /// A Teams Workflows webhook.
    Teams,
    /// Jira, Cloud and Data Center at once.
    Jira,
    /// The API of UiPath Test Manager, with the place where tokens are given.
    TestManager,
    /// Qase's API, which is asked and takes no messages.
    Qase,
}

/// What goes wrong with a request on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is answered so, and not looked at.
    Status {
        /// The status code.
        code: u16,
        /// Headers of the answer.
        headers: Vec<(String, String)>,
        /// The body of the answer.
        body: String,
    },
    /// It is dealt with, but the connection ends without an answer.
    ResetAfterRequest,
    /// The connection is reset before anything is read.
    ResetBeforeRead,
    /// It is dealt with after this time.
    Delay(Duration),
}

/// A message that a stand-in accepted.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its place in the order of arrival among those of its kind, from 0.
    pub at_order: usize,
    /// How it came: `incoming webhook`, `chat.postMessage`, `workflow`, `issue`.
    pub kind: &'static str,
    /// The body.
    pub body: Value,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// When it was accepted.
    pub at: Instant,
    /// The message as a person would read it, drawn with plain text.
    pub as_text: String,
}

/// A running stand-in. It stops when dropped.
#[derive(Debug)]
pub struct Standin {
    vendor: Vendor,
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl Standin {
    /// Starts a stand-in on a free port of this machine, within the current tokio runtime.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(vendor: Vendor) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let router = match vendor {
            Vendor::Slack => slack::router(Arc::clone(&shared)),
            Vendor::Teams => teams::router(Arc::clone(&shared)),
            Vendor::Jira => jira::router(Arc::clone(&shared), address),
            Vendor::TestManager => uipath::router(Arc::clone(&shared)),
            Vendor::Qase => qase::router(Arc::clone(&shared)),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(server::serve(listener, router, Arc::clone(&shared)));
        Ok(Self { vendor, address, shared, _tasks: tasks })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The whole address of its webhook, as a destination's `webhook_url` wants it. Jira has none.
    #[must_use]
    pub fn webhook_url(&self) -> Option<String> {
        let address = self.address;
        match self.vendor {
            Vendor::Slack => Some(format!("http://{address}/services/T0STANDIN/B0STANDIN/{WEBHOOK_SECRET}")),
            Vendor::Teams => Some(format!(
                "http://{address}/workflows/0a1b2c3d4e5f60718293a4b5c6d7e8f9/triggers/manual/paths/invoke\
                 ?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={WEBHOOK_SECRET}"
            )),
            Vendor::Jira | Vendor::TestManager | Vendor::Qase => None,
        }
    }

    /// The base of its API: Slack's `api_url`, the `url` of Jira, Test Manager and Qase. Teams has none.
    #[must_use]
    pub fn api_url(&self) -> Option<String> {
        match self.vendor {
            Vendor::Slack => Some(format!("http://{}/api", self.address)),
            Vendor::Jira => Some(format!("http://{}", self.address)),
            Vendor::TestManager => Some(format!("http://{}{}", self.address, uipath::SERVICE_PATH)),
            Vendor::Qase => Some(format!("http://{}/v1", self.address)),
            Vendor::Teams => None,
        }
    }

    /// What it accepted, in the order of arrival.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received()
    }

    /// Why it refused what it refused, in the order of arrival.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        self.shared.refused()
    }

    /// How many tokens it gave.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.shared.tokens()
    }

    /// From now on no token is good that it gave before.
    pub fn forget_tokens(&self) {
        self.shared.forget_tokens();
    }

    /// How many requests it has read.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shared.requests()
    }

    /// Tells of every message accepted from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Received> {
        self.shared.subscribe()
    }

    /// Adds `faults`, one for each of the next requests, behind those that wait already.
    pub fn script(&self, faults: Vec<Fault>) {
        self.shared.script(faults);
    }

    /// What goes wrong with every request once the script is through; `None` for nothing.
    pub fn always(&self, fault: Option<Fault>) {
        self.shared.always(fault);
    }

    /// How long Jira's search does not show an issue after it was created; nothing at first.
    pub fn search_lags(&self, lag: Duration) {
        self.shared.search_lags(lag);
    }

    /// What Qase's API tells of `path`, such as `defect/SHOP/58`, from now on; `None`: it is
    /// not there (any more).
    pub fn knows(&self, path: &str, thing: Option<Value>) {
        self.shared.knows(path, thing);
    }

    /// The least time between two messages, as Slack demands 1 s; faster ones get 429.
    pub fn pace(&self, pace: Option<Duration>) {
        self.shared.pace(pace);
    }
}
