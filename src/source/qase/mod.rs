//! Qase: webhooks of all three envelope generations.
//!
//! A webhook goes through `envelope` (who, when, what kind), then `reading` (the
//! payload in Relaybell's vocabulary), and leaves as one [`Report`]. Event names and fields
//! that Qase adds later pass through unharmed: rules reach them through `payload`.

mod address;
mod api;
mod carried;
mod catalogue;
mod envelope;
mod fields;
mod reading;
mod samples;
mod vocabulary;
mod words;

pub use api::{Api, AskedQase};
pub use carried::{Form, Supply, UNSEEN, can_have, carriers, described, supply};
pub use catalogue::{EVENTS, FACTS, FactInfo, FactKind, PASSING};
pub use fields::{is_read, payload_of};
pub use samples::{Sample, samples};
pub use vocabulary::{Words, words_of};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use url::Url;

use super::{Malformed, RawHook, Refusal, Source, Verified, body_hash};
use crate::domain::event::{Dedup, Report};
use crate::domain::time::Timestamp;
use envelope::Envelope;

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

impl Source for Qase {
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
        let envelope = Envelope::read(body)?;
        let mut reading = reading::read(&envelope);
        if let Some(url) = address::of(&self.app_url, &envelope, &reading) {
            reading.derive("url", url.into());
        }
        Ok(vec![Report {
            begins: begins(&envelope.event),
            event: envelope.event,
            project: envelope.project,
            subject: reading.subject,
            time: envelope.time,
            facts: reading.facts,
            derived: reading.derived,
            passing: catalogue::PASSING.to_vec(),
            payload: envelope.payload.into(),
            dedup: Dedup::BodyHash(body_hash(&self.name, body)),
        }])
    }
}

/// Whether Qase tells of its subject for the first time.
fn begins(event: &str) -> bool {
    event.ends_with(".created") || event.ends_with(".cloned") || event == "run.started"
}
