//! Any sender of JSON: a mapping says where the parts of an event stand in its webhooks.
//!
//! A webhook goes through `scope` (what expressions may read), then `mapping` (one report,
//! or one for each item of a list), where `fit` brings each value to the type of its fact.

mod alone;
mod describe;
mod fit;
mod mapping;
mod scope;

use std::sync::Arc;

pub use mapping::{EVENTS_MAX, MappedFact, Mapping, is_event_name};

use super::catalogue::Catalogue;
use super::form::FORM;
use super::proof::Proof;
use super::{Malformed, Sample, Source, Verified, is_json};
use crate::domain::event::Report;

/// A sender of JSON.
#[derive(Debug)]
pub struct Json {
    /// The source's name in the configuration; part of the de-duplication hash.
    pub name: String,
    /// What is asked of the sender.
    pub proof: Proof,
    /// Where the parts of an event stand.
    pub mapping: Mapping,
    /// Webhooks of its sender, where that is known; sorted by `variant`.
    pub samples: &'static [Sample],
    /// What it can report.
    catalogue: Arc<Catalogue>,
}

impl Json {
    /// The source `name`, whose webhooks `mapping` reads, with `samples` of them.
    #[must_use]
    pub fn new(name: &str, proof: Proof, mapping: Mapping, samples: &'static [Sample]) -> Self {
        let catalogue = Arc::new(Catalogue::of(describe::description(name, &mapping)));
        Self { name: name.to_owned(), proof, mapping, samples, catalogue }
    }
}

impl Source for Json {
    fn proof(&self) -> &Proof {
        &self.proof
    }

    /// JSON, or a form whose field `payload` holds it.
    fn reads(&self, media: Option<&str>) -> bool {
        media.is_none_or(|media| media == FORM || is_json(media))
    }

    /// Those that its expressions read, and what says how the body is written.
    fn keeps_header(&self, name: &str) -> bool {
        name == "content-type" || self.mapping.reads_header(name)
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        self.mapping.reports(&self.name, hook)
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue)
    }

    fn samples(&self) -> &'static [Sample] {
        self.samples
    }
}
