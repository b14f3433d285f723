//! UiPath Orchestrator: webhooks about jobs, queues and their items, triggers, robots,
//! processes.
//!
//! A webhook goes through `envelope` (its kind, id, time, and the entities it names) and
//! `reading` (each entity in Relaybell's vocabulary). A webhook about several entities is as
//! many events, so that each has its own subject. Names that Orchestrator adds later pass
//! through unharmed: rules reach their fields through `payload`.

mod catalogue;
mod envelope;
mod family;
mod reading;
mod samples;

pub use catalogue::{PASSING, catalogue};
pub use samples::samples;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use url::Url;

use super::catalogue::Catalogue;
use super::proof::Proof;
use super::{Malformed, Sample, Source, Verified};
use crate::domain::event::{Dedup, Report};
use envelope::Envelope;
use reading::Reading;

/// The header with the signature: an HMAC-SHA-256 of the body, in Base64.
pub const SIGNATURE_HEADER: &str = "X-UiPath-Signature";

/// A tenant of UiPath Orchestrator.
#[derive(Debug)]
pub struct Orchestrator {
    /// The source's name in the configuration; part of the de-duplication hash.
    pub name: String,
    /// What is asked of the sender.
    pub proof: Proof,
    /// The address of the app, for links: `https://cloud.uipath.com/acme/Default/orchestrator_`.
    pub app_url: Option<Url>,
    /// The projects by the ids of their folders.
    pub projects: BTreeMap<String, String>,
}

impl Source for Orchestrator {
    fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Whatever it is called: what Orchestrator sends is JSON, and a refusal costs an hour of events.
    fn reads(&self, _media: Option<&str>) -> bool {
        true
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(catalogue())
    }

    fn samples(&self) -> &'static [Sample] {
        samples()
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        let envelope = Envelope::read(&hook.hook().body)?;
        let entities = envelope.entities();
        let split = entities.len() > 1;
        let report = |entity: &envelope::Entity<'_>| {
            let body = split.then(|| envelope.with_only(entity));
            let mut reading = reading::read(&envelope, entity);
            if let Some(url) = self.link(&envelope, &reading) {
                reading.derive("url", url.into());
            }
            self.report(hook, &envelope, reading, body)
        };
        Ok(entities.iter().map(report).collect())
    }
}

/// Whether Orchestrator tells of its subject for the first time.
fn begins(event: &str) -> bool {
    event.ends_with(".created") || event.ends_with(".added")
}

impl Orchestrator {
    fn report(&self, hook: &Verified, envelope: &Envelope, reading: Reading, alone: Option<Value>) -> Report {
        let dedup = match (&envelope.id, &alone, &reading.subject) {
            (Some(id), None, _) => Dedup::SenderId(id.clone()),
            (Some(id), Some(_), Some(subject)) => Dedup::SenderId(format!("{id} {subject}")),
            (Some(id), Some(body), None) => Dedup::SenderId(format!("{id} {body}")),
            (None, ..) => hook.dedup(&self.name),
        };
        Report {
            begins: begins(&envelope.event),
            event: envelope.event.clone(),
            project: envelope.folder.as_ref().and_then(|folder| self.projects.get(folder)).cloned(),
            subject: reading.subject,
            time: envelope.time,
            facts: reading.facts,
            derived: reading.derived,
            passing: catalogue::PASSING.to_vec(),
            dedup,
            alone: alone.as_ref().map(|body| Bytes::from(body.to_string())),
            payload: alone.unwrap_or_else(|| Value::from(envelope.body.clone())),
        }
    }

    /// Where a job is shown: the one page whose address can be told from a webhook.
    fn link(&self, envelope: &Envelope, reading: &Reading) -> Option<String> {
        let app = self.app_url.as_ref()?.as_str().trim_end_matches('/');
        let key = reading.job_key.as_deref()?;
        let at = envelope.folder.as_ref().map(|folder| format!("?fid={folder}")).unwrap_or_default();
        Some(format!("{app}/jobs(sidepanel:sidepanel/jobs/{key}/details){at}"))
    }
}
