//! Qase: webhooks of all three envelope generations.
//!
//! A webhook goes through `envelope` (who, when, what kind), then `reading` (the payload
//! in Relaybell's vocabulary, each fact as `facts` says), and leaves as one [`Report`]. Where
//! only rules are asked, `lens` reads no more than they ask for. Event names and fields that
//! Qase adds later pass through unharmed: rules reach them through `payload`.

mod address;
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
mod words;

pub use carried::UNSEEN;
pub use catalogue::catalogue;
pub use fields::{is_read, payload_of};
pub use lens::{Glimpse, Lens};
pub use samples::samples;

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use url::Url;

use super::catalogue::Catalogue;
use super::{Malformed, RawHook, Refusal, Sample, Source, Verified};
use crate::domain::event::{Dedup, Report};
use crate::domain::facts::FactPath;
use crate::domain::time::Timestamp;
use envelope::Envelope;
use fields::Whole;

/// The header in which Qase sends the secret, in clear.
const SECRET_HEADER: &str = "X-Qase-Secret";

/// A Qase workspace.
#[derive(Debug)]
pub struct Qase {
    /// The source's name in the configuration; part of the de-duplication hash.
    pub name: String,
    /// The secrets accepted in `X-Qase-Secret`; empty: none is asked for.
    pub secrets: Vec<SecretString>,
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

    fn authentic(&self, hook: &RawHook, _now: Timestamp) -> Result<(), Refusal> {
        if self.secrets.is_empty() {
            return Ok(());
        }
        let sent = hook.headers.get(SECRET_HEADER).ok_or(Refusal::NoSecret(SECRET_HEADER))?;
        // Digests are compared, so that neither content nor length of a secret shows in
        // the time this takes; every secret is tried, whichever fits.
        let sent = Sha256::digest(sent.as_bytes());
        let fits = self.secrets.iter().fold(Choice::from(0), |fits, secret| {
            fits | Sha256::digest(secret.expose_secret().as_bytes()).ct_eq(&sent)
        });
        if bool::from(fits) { Ok(()) } else { Err(Refusal::WrongSecret(SECRET_HEADER)) }
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
            dedup: Dedup::BodyHash(body_hash(&self.name, body)),
        }])
    }
}

/// Whether Qase tells of its subject for the first time.
fn begins(event: &str) -> bool {
    event.ends_with(".created") || event.ends_with(".cloned") || event == "run.started"
}

/// Hex SHA-256 of source and body, kept apart by the length of the name.
fn body_hash(source: &str, body: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update((source.len() as u64).to_be_bytes());
    hasher.update(source.as_bytes());
    hasher.update(body);
    hasher.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        for nibble in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        hex
    })
}
