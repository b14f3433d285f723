//! Who sends in the demo's story, and how each of them proves who it is.

use anyhow::{Context, bail};
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::ports::http::HttpExchange;
use crate::ports::{Exchange, Route};
use crate::source::orchestrator::SIGNATURE_HEADER;
use crate::source::proof::{Algorithm, Key};
use crate::standin::uipath;

use super::stage::{SECRET, Stage};

/// A sender of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// Qase.
    Qase,
    /// UiPath Orchestrator, which signs what it sends.
    Orchestrator,
    /// A script in a CI.
    Ci,
    /// UiPath Test Manager, which waits for the issue that it wants.
    TestManager,
}

/// What came of a webhook.
pub(super) struct Taken {
    /// The event it became.
    pub(super) event: String,
    /// What its sender was answered, where that says more than that it was taken.
    pub(super) answer: Option<String>,
}

impl Sender {
    /// What people call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Qase => "Qase",
            Self::Orchestrator => "UiPath Orchestrator",
            Self::Ci => "CI",
            Self::TestManager => "UiPath Test Manager",
        }
    }

    /// Its source in the demo's configuration.
    fn source(self) -> &'static str {
        match self {
            Self::Qase => "qase",
            Self::Orchestrator => "robots",
            Self::Ci => "ci",
            Self::TestManager => "test-manager",
        }
    }

    /// The header that proves it, for this body.
    fn proof(self, body: &str) -> anyhow::Result<(&'static str, String)> {
        Ok(match self {
            Self::Qase => ("X-Qase-Secret", SECRET.to_owned()),
            Self::Ci | Self::TestManager => ("X-Relaybell-Secret", SECRET.to_owned()),
            Self::Orchestrator => {
                let key = Key::new(Algorithm::Sha256, SECRET.as_bytes()).context("a secret that cannot sign")?;
                let signature = key.sign(&[body.as_bytes()]).iter().map(|byte| format!("{byte:02x}")).collect();
                (SIGNATURE_HEADER, signature)
            }
        })
    }

    /// Sends `body` to the relay, which must take it.
    pub(super) async fn send(self, stage: &Stage, client: &HttpExchange, body: &str) -> anyhow::Result<Taken> {
        let address = format!("http://{}/hooks/{}", stage.address, self.source());
        let (name, value) = self.proof(body)?;
        if self == Self::TestManager {
            let hand = uipath::Sender { url: address, secret: Some((name.to_owned(), value)) };
            return want_defect(stage, client, &hand, body).await;
        }
        let request = Request::post(address)
            .header(name, value)
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_owned()))?;
        let route = Route { timeout: std::time::Duration::from_secs(15), proxy: None, answer_bytes_max: 64 * 1024 };
        let answer = client.exchange(request, &route).await.context("the relay does not answer")?;
        if answer.status() != http::StatusCode::ACCEPTED {
            bail!("it was refused: {} {}", answer.status(), String::from_utf8_lossy(answer.body()));
        }
        let receipt: Value = serde_json::from_slice(answer.body())?;
        let event = receipt.get("event_id").and_then(Value::as_str).context("an answer without event_id")?;
        Ok(Taken { event: event.to_owned(), answer: None })
    }
}

/// Presses *Create Defect* and waits for the link.
async fn want_defect(stage: &Stage, client: &HttpExchange, hand: &uipath::Sender, body: &str) -> anyhow::Result<Taken> {
    let answered = hand.create_defect(client, &serde_json::from_str(body)?).await;
    let answered = answered.map_err(|lost| anyhow::anyhow!("the relay does not answer: {lost}"))?;
    let link = answered.link().with_context(|| format!("no issue came back: {} {}", answered.status, answered.body))?;
    // The answer is the sender's own and names no event.
    let last = stage.relay.shared.ledger.events(Some(Sender::TestManager.source()), None, 1).await?;
    let event = last.first().context("Create Defect became no event")?.id.to_string();
    let key = answered.body.get("key").and_then(Value::as_str).unwrap_or_default();
    Ok(Taken { event, answer: Some(format!("{key}, {link}")) })
}
