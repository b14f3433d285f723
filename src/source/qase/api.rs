//! Qase's API: what a thin webhook lacks is asked there.

mod review;
mod told;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::Qase;
use crate::domain::ask::{Answer, Ask};
use crate::domain::event::Report;
use crate::domain::memory::Known;
use crate::domain::time::Timestamp;
use crate::source::catalogue::Catalogue;
use crate::source::proof::Proof;
use crate::source::{ByHand, Found, Inquiry, Lasting, Malformed, RawHook, Review, Sample, Source, Verified, Wanted};
use told::{Told, read};

/// What can be asked about, with the query of the question and the facts that the answer tells.
const ENTITIES: [(&str, &str, &[&str]); 3] = [
    ("defect", "", &["title", "severity", "status", "actual_result", "attachments", "ticket", "milestone_id"]),
    (
        "run",
        "include=external_issue",
        &[
            "title",
            "description",
            "status",
            "cases",
            "passed",
            "failed",
            "blocked",
            "skipped",
            "untested",
            "pass_rate",
            "duration",
            "environment",
            "plan_id",
            "ticket",
        ],
    ),
    (
        "case",
        "include=external_issues",
        &[
            "title",
            "description",
            "severity",
            "priority",
            "status",
            "behavior",
            "automation",
            "tags",
            "attachments",
            "suite_id",
            "milestone_id",
            "ticket",
        ],
    ),
];

/// How many authors are looked through for a member's name.
const AUTHORS_MAX: usize = 100;

/// Where and as whom Qase's API is asked.
#[derive(Debug)]
pub struct Api {
    /// `https://api.qase.io/v1`.
    pub url: Url,
    /// Sent in the header `Token`.
    pub token: SecretString,
}

/// A Qase workspace whose API may be asked.
#[derive(Debug)]
pub struct AskedQase {
    /// The workspace.
    pub qase: Qase,
    /// Its API.
    pub api: Api,
}

impl Api {
    /// Asks for what stands at `path`, whose parts are encoded.
    #[must_use]
    pub fn get(&self, path: &[&str], query: &str) -> Option<Ask> {
        let mut url = self.url.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(path);
        url.set_query((!query.is_empty()).then_some(query));
        let mut token = HeaderValue::try_from(self.token.expose_secret()).ok()?;
        token.set_sensitive(true);
        let request = Request::get(url.as_str()).header("Token", token).header("Accept", "application/json");
        let what = format!("GET /{}", path.join("/"));
        Some(Ask { what, request: request.body(Bytes::new()).ok()? })
    }
}

/// The entity of a report that can be asked about, with its id, the query and the facts.
fn entity(report: &Report) -> Option<(&'static str, String, &'static str, &'static [&'static str])> {
    let (word, verb) = report.event.split_once('.')?;
    let (entity, query, facts) = ENTITIES.into_iter().find(|(entity, ..)| *entity == word)?;
    // What is deleted is not there to be asked for.
    let (_, id) = report.subject.as_deref()?.split_once('/').filter(|_| verb != "deleted")?;
    Some((entity, id.to_owned(), query, facts))
}

/// The member whose name is wanted and not in the webhook, which has only the id.
fn nameless(report: &Report, wanted: &Wanted) -> Option<i64> {
    let actor = report.facts.get("actor")?.as_str()?;
    let member = report.facts.get("actor_id")?.as_i64().filter(|id| *id > 0)?;
    (wanted.0.contains("actor") && actor == format!("member {member}")).then_some(member)
}

/// The facts of `facts` that are wanted and that the webhook lacks.
fn lacks<'f>(report: &'f Report, wanted: &'f Wanted, facts: &'f [&str]) -> impl Iterator<Item = &'f str> {
    facts.iter().copied().filter(|name| wanted.0.contains(*name) && !report.facts.contains_key(*name))
}

impl Source for AskedQase {
    fn proof(&self) -> &Proof {
        self.qase.proof()
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        self.qase.catalogue()
    }

    fn samples(&self) -> &'static [Sample] {
        self.qase.samples()
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        self.qase.normalise(hook)
    }

    fn is_thin(&self, report: &Report, known: &Known, wanted: &Wanted) -> bool {
        let remembered = |name: &str| known.memory.as_ref().is_some_and(|(memory, _)| memory.facts.contains_key(name));
        let lacking = report.project.is_some()
            && entity(report).is_some_and(|(.., facts)| lacks(report, wanted, facts).any(|name| !remembered(name)));
        lacking || nameless(report, wanted).is_some()
    }

    fn review(&self, project: &str, since: Timestamp, answers: &[Answer]) -> Review {
        review::review(&self.api, project, since, answers)
    }

    fn inquire(&self, report: &Report, wanted: &Wanted, answers: &[Answer]) -> Inquiry {
        let mut talk = Talk { api: &self.api, answers: answers.iter(), found: Found::default() };
        let outcome = talk.subject(self, report, wanted).and_then(|()| talk.name(report, wanted));
        match outcome {
            Ok(()) => Inquiry::Done(talk.found),
            Err(inquiry) => *inquiry,
        }
    }
}

/// A conversation, gone through anew with each answer.
struct Talk<'a> {
    api: &'a Api,
    answers: std::slice::Iter<'a, Answer>,
    found: Found,
}

impl Talk<'_> {
    /// What the answer to `ask` tells; asks when there is none yet.
    fn ask(&mut self, ask: Option<Ask>) -> Result<Told, Box<Inquiry>> {
        match self.answers.next() {
            Some(answer) => read(answer),
            None => {
                let why = "api.url or api.token cannot be used in a request".to_owned();
                Err(Box::new(ask.map_or(Inquiry::Failed { why }, Inquiry::Ask)))
            }
        }
    }

    /// What is to be known of the subject.
    fn subject(&mut self, source: &AskedQase, report: &Report, wanted: &Wanted) -> Result<(), Box<Inquiry>> {
        let (Some(project), Some((entity, id, query, facts))) = (report.project.as_deref(), entity(report)) else {
            return Ok(());
        };
        if lacks(report, wanted, facts).next().is_none() {
            return Ok(());
        }
        match self.ask(self.api.get(&[entity, project, &id], query))? {
            Told::This(result) => {
                let facts = facts_of(source, entity, project, result);
                let known = ENTITIES.iter().find(|(word, ..)| *word == entity).map_or(&[][..], |(.., known)| known);
                let told = |(name, value): &(String, Value)| !value.is_null() && known.contains(&name.as_str());
                self.found.facts.extend(facts.into_iter().filter(told));
            }
            Told::NotThere => self.found.notes.push(format!("Qase has no {entity} {id} in {project} any more")),
            Told::Refused(why) => self.found.notes.push(format!("Qase does not tell of {entity} {id}: {why}")),
        }
        Ok(())
    }

    /// The name of who did it: that it is not to be had is no harm.
    fn name(&mut self, report: &Report, wanted: &Wanted) -> Result<(), Box<Inquiry>> {
        let Some(member) = nameless(report, wanted) else { return Ok(()) };
        let id = member.to_string();
        let lasting = |ask: Option<Ask>| {
            ask.map(|mut ask| {
                ask.request.extensions_mut().insert(Lasting);
                ask
            })
        };
        let mut name = match self.ask(lasting(self.api.get(&["user", &id], "")))? {
            Told::This(user) => text(&user, "name"),
            Told::NotThere | Told::Refused(_) => None,
        };
        if name.is_none() {
            let query = format!("type=user&limit={AUTHORS_MAX}");
            name = match self.ask(lasting(self.api.get(&["author"], &query)))? {
                Told::This(list) => author(&list, member),
                Told::NotThere | Told::Refused(_) => None,
            };
        }
        if let Some(name) = name {
            self.found.instead.insert("actor".to_owned(), name.into());
        }
        Ok(())
    }
}

fn text(of: &Value, name: &str) -> Option<String> {
    of.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The name of the author that is the member `member`.
fn author(list: &Value, member: i64) -> Option<String> {
    let authors = list.get("entities")?.as_array()?;
    let is_it = |author: &&Value| author.get("entity_id").and_then(Value::as_i64) == Some(member);
    text(authors.iter().find(is_it)?, "name")
}

/// What `result` says in the one vocabulary: it is read like the payload of a webhook.
fn facts_of(source: &AskedQase, entity: &str, project: &str, result: Value) -> serde_json::Map<String, Value> {
    let body = told::as_webhook(entity, project, result);
    let hook = RawHook::posted(http::HeaderMap::new(), Bytes::from(body.to_string()));
    let reports = ByHand(&source.qase).read(hook).unwrap_or_default();
    reports.into_iter().next().map(|report| report.facts).unwrap_or_default()
}
