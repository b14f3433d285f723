//! UiPath Test Manager: the request *Create Defect*, and the API that knows the rest.
//!
//! The request names a test result and nothing more: execution, case, variation, perhaps a
//! link. `request` reads it. What makes a ticket of it (name of the case, error, robot,
//! failed assertions) is asked of Test Manager's API: `inquiry` is that conversation,
//! `reading` puts its answers into Relaybell's vocabulary, `api` knows addresses and tokens.

pub mod answers;
mod api;
mod catalogue;
mod inquiry;
mod reading;
mod request;
mod samples;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use api::{Api, CLOUD_SCOPE, token_url_of};
pub use catalogue::catalogue;
pub use request::DEFECT_REQUESTED;
pub use samples::samples;

use http::Method;
use serde_json::{Map, Value};

use super::catalogue::Catalogue;
use super::proof::Proof;
use super::{Found, Inquiry, Malformed, Purpose, Sample, Source, Verified, Wanted};
use crate::domain::ask::{Answer, Ask};
use crate::domain::event::Report;
use crate::domain::memory::Known;

/// A tenant of Test Manager.
#[derive(Debug)]
pub struct TestManager {
    /// The source's name in the configuration; part of what recognises a repetition.
    pub name: String,
    /// What is asked of the sender.
    pub proof: Proof,
    /// The codes of projects by their id in Test Manager, in small letters.
    pub projects: BTreeMap<String, String>,
    /// Its API; `None`: only what the request says is known.
    pub api: Option<Api>,
}

/// A fact that only the API can tell, of every result it knows.
const TOLD_BY_API: &str = "status";

/// The project of a path that ends in `api/kpis/project/{id}/defectstatus`.
fn counted_project(path: &str) -> Option<&str> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let [.., api, kpis, project, id, status] = parts[..] else { return None };
    let fixed = [(api, "api"), (kpis, "kpis"), (project, "project"), (status, "defectstatus")];
    (fixed.iter().all(|(part, word)| part.eq_ignore_ascii_case(word)) && request::is_id(id)).then_some(id)
}

impl Source for TestManager {
    fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Whatever it is called: what Test Manager sends is JSON, and it publishes no content type.
    fn reads(&self, _media: Option<&str>) -> bool {
        true
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(catalogue())
    }

    fn samples(&self) -> &'static [Sample] {
        samples()
    }

    fn told_of(&self, _sample: &Sample) -> Map<String, Value> {
        if self.api.is_some() { answers::facts() } else { Map::new() }
    }

    /// The paths of Test Manager's requests are not published but for the end of one.
    fn purpose(&self, method: &Method, path: &str) -> Option<Purpose> {
        match counted_project(path) {
            Some(project) if *method == Method::GET || *method == Method::POST => {
                Some(Purpose::DefectCounts { project: project.to_ascii_lowercase() })
            }
            _ => (*method == Method::POST).then_some(Purpose::Event),
        }
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        let request = request::Request::read(&hook.hook().body)?;
        Ok(vec![request.report(self)])
    }

    fn is_thin(&self, _report: &Report, known: &Known, _wanted: &Wanted) -> bool {
        let told = known.memory.as_ref().is_some_and(|(memory, _)| memory.facts.contains_key(TOLD_BY_API));
        self.api.is_some() && !told
    }

    fn inquire(&self, report: &Report, _wanted: &Wanted, answers: &[Answer]) -> Inquiry {
        match &self.api {
            Some(api) => inquiry::next(api, &self.projects, report, answers),
            None => Inquiry::Done(Found::default()),
        }
    }

    fn sign_in(&self) -> Option<Ask> {
        self.api.as_ref().and_then(Api::sign_in)
    }
}
