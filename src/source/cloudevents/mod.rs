//! CloudEvents 1.0 over HTTP: structured, binary and batched.
//!
//! `envelope` brings the three modes to one: attributes and data. `reading` makes a report of
//! it. `handshake` answers senders that ask before they send.

mod catalogue;
mod envelope;
mod handshake;
mod reading;
mod samples;

pub use catalogue::{KIND, declared};
pub use handshake::Welcome;
pub use reading::{COMMON, Naming, PASSING};
pub use samples::samples;

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use super::catalogue::Catalogue;
use super::proof::Proof;
use super::{Greeting, Malformed, Purpose, Sample, Source, Verified, is_json, media_type};
use crate::domain::event::Report;

/// The content type of one event.
const STRUCTURED: &str = "application/cloudevents+json";
/// The content type of many.
const BATCH: &str = "application/cloudevents-batch+json";
/// How the content types of all formats begin, of which JSON is read.
const ANY_FORMAT: &str = "application/cloudevents";

/// Senders of CloudEvents.
#[derive(Debug)]
pub struct CloudEvents {
    /// The source's name in the configuration; part of the de-duplication hash.
    pub name: String,
    /// What is asked of the sender.
    pub proof: Proof,
    /// How types become names of events.
    pub naming: Naming,
    /// Who may send, by the handshake.
    pub welcome: Welcome,
    /// What it can report: what every CloudEvent has, and the extensions that are declared.
    pub catalogue: Arc<Catalogue>,
}

impl Source for CloudEvents {
    fn proof(&self) -> &Proof {
        &self.proof
    }

    fn purpose(&self, method: &Method, path: &str) -> Option<Purpose> {
        match *method {
            Method::POST if path.is_empty() => Some(Purpose::Event),
            Method::OPTIONS if path.is_empty() => Some(Purpose::Handshake),
            _ => None,
        }
    }

    /// Any content type can be that of data in binary mode; of the formats only JSON is read.
    fn reads(&self, media: Option<&str>) -> bool {
        media.is_none_or(|media| !media.starts_with(ANY_FORMAT) || is_json(media))
    }

    fn greet(&self, headers: &HeaderMap) -> Greeting {
        self.welcome.greet(headers)
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue)
    }

    fn samples(&self) -> &'static [Sample] {
        samples()
    }

    /// In binary mode the attributes are headers, and the content type tells the mode.
    fn keeps_header(&self, name: &str) -> bool {
        name == CONTENT_TYPE || name.starts_with(envelope::PREFIX)
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        let hook = hook.hook();
        let media = media_type(&hook.headers).unwrap_or_default();
        let events = match media.as_str() {
            BATCH => envelope::batch(&hook.body)?,
            STRUCTURED => vec![envelope::structured(&hook.body)?],
            _ => vec![envelope::binary(&hook.headers, &media, &hook.body)?],
        };
        let split = events.len() > 1;
        events.into_iter().map(|event| reading::read(event, &self.naming, split)).collect()
    }
}
