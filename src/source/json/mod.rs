//! Any sender of JSON: a mapping says where the parts of an event stand in its webhooks.
//!
//! A webhook goes through `scope` (what expressions may read), then `mapping` (one report,
//! or one for each item of a list), where `fit` brings each value to the type of its fact.

mod describe;
mod fit;
mod mapping;
mod scope;

pub use mapping::{EVENTS_MAX, MappedFact, Mapping, is_event_name};

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::catalogue::Catalogue;
use super::{Malformed, RawHook, Refusal, Source, Verified};
use crate::domain::event::Report;
use crate::domain::time::Timestamp;

/// A sender of JSON.
#[derive(Debug)]
pub struct Json {
    /// The source's name in the configuration; part of the de-duplication hash.
    pub name: String,
    /// The secrets accepted; empty: none is asked for.
    pub secrets: Vec<SecretString>,
    /// Where the parts of an event stand.
    pub mapping: Mapping,
    /// What it can report.
    catalogue: Arc<Catalogue>,
}

impl Json {
    /// The source `name`, whose webhooks `mapping` reads.
    #[must_use]
    pub fn new(name: &str, secrets: Vec<SecretString>, mapping: Mapping) -> Self {
        let catalogue = Arc::new(Catalogue::of(describe::description(name, &mapping)));
        Self { name: name.to_owned(), secrets, mapping, catalogue }
    }
}

const SECRET_HEADER: &str = "X-Relaybell-Secret";

impl Source for Json {
    fn authentic(&self, hook: &RawHook, _now: Timestamp) -> Result<(), Refusal> {
        if self.secrets.is_empty() {
            return Ok(());
        }
        let sent = hook.headers.get(SECRET_HEADER).ok_or(Refusal::NoSecret(SECRET_HEADER))?;
        let sent = Sha256::digest(sent.as_bytes());
        let fits = self.secrets.iter().fold(Choice::from(0), |fits, secret| {
            fits | Sha256::digest(secret.expose_secret().as_bytes()).ct_eq(&sent)
        });
        if bool::from(fits) { Ok(()) } else { Err(Refusal::WrongSecret(SECRET_HEADER)) }
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        self.mapping.reports(&self.name, hook.hook())
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue)
    }
}
