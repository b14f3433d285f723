//! Qase: webhooks of all three envelope generations.
//!
//! A webhook goes through `envelope` (who, when, what kind), then `reading` (the payload
//! in Relaybell's vocabulary, each fact as `facts` says), and leaves as one [`Report`]. Where
//! only rules are asked, `lens` reads no more than they ask for. Event names and fields that
//! Qase adds later pass through unharmed: rules reach them through `payload`.

mod address;
mod api;
mod carried;
mod catalogue;
mod envelope;
mod facts;
mod fields;
mod lens;
mod parts;
mod reading;
mod samples;
mod vocabulary;
pub(super) mod words;

pub use api::{Api, AskedQase};
pub use carried::UNSEEN;
pub use catalogue::catalogue;
pub use fields::{is_read, payload_of};
pub use lens::{Glimpse, Lens};
pub use samples::samples;

use std::sync::Arc;

use url::Url;

use super::catalogue::Catalogue;
use super::proof::Proof;
use super::{Malformed, Sample, Source, Verified};
use crate::domain::event::Report;
use crate::domain::facts::FactPath;
use envelope::Envelope;
use fields::Whole;

/// The header in which Qase sends the secret, in clear.
pub const SECRET_HEADER: &str = "X-Qase-Secret";

/// A Qase workspace.
#[derive(Debug)]
pub struct Qase {
    /// The source's name in the configuration; part of the de-duplication hash.
    pub name: String,
    /// What is asked of the sender: by itself Qase can only send a secret in [`SECRET_HEADER`].
    pub proof: Proof,
    /// The address of the app, for links: `https://app.qase.io`.
    pub app_url: Url,
}

impl Qase {
    /// A lens through which rules that ask for the facts at `asked` see webhooks, faster
    /// than by all that could be read of them.
    #[must_use]
    pub fn lens(&self, asked: &[FactPath]) -> Lens<'_> {
        Lens::new(self, asked)
    }
}

impl Source for Qase {
    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(catalogue())
    }

    fn samples(&self) -> &'static [Sample] {
        samples()
    }

    fn proof(&self) -> &Proof {
        &self.proof
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        let body = &hook.hook().body;
        let Envelope { head, payload } = Envelope::read(body)?;
        let mut reading = reading::read(&head, &Whole::of(&payload));
        if let Some(url) = address::of(&self.app_url, &head, |name| reading.facts.get(name).cloned()) {
            reading.derive("url", url.into());
        }
        Ok(vec![Report {
            begins: begins(&head.event),
            event: head.event,
            project: head.project,
            subject: reading.subject,
            time: head.time,
            facts: reading.facts,
            derived: reading.derived,
            passing: catalogue::PASSING.to_vec(),
            payload: payload.into(),
            dedup: hook.dedup(&self.name),
            alone: None,
        }])
    }
}

/// Whether Qase tells of its subject for the first time.
fn begins(event: &str) -> bool {
    event.ends_with(".created") || event.ends_with(".cloned") || event == "run.started"
}
