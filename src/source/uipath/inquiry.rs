//! The conversation with Test Manager's API about one test result.
//!
//! First the project, because every address begins with it; then the log of the result;
//! then what only enriches: a refusal there is a note, because somebody is waiting.

use std::collections::BTreeMap;

use super::api::Api;
use super::reading::{Reading, entries, log_of, text};
use super::request::{Request, is_id, is_prefix};
use crate::domain::ask::{Answer, Reply};
use crate::domain::event::Report;
use crate::source::{Found, Inquiry};
use serde_json::Value;

/// The most projects in which a result is looked for.
const PROJECTS_MAX: usize = 4;

/// How many logs one answer has at most.
const LOGS_MAX: &str = "200";

/// How many projects one answer has at most.
const LISTED_MAX: &str = "50";

/// A project of Test Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Project {
    id: String,
    /// As rules know it.
    code: String,
    /// As links know it.
    prefix: Option<String>,
}

/// The next step about the result of `report`, given the `answers` so far.
pub(super) fn next(api: &Api, projects: &BTreeMap<String, String>, report: &Report, answers: &[Answer]) -> Inquiry {
    let Some(request) = Request::of(report) else { return Inquiry::Done(Found::default()) };
    let mut talk = Talk { api, projects, request, answers: answers.iter(), found: Found::default() };
    match talk.all() {
        Ok(()) => Inquiry::Done(talk.found),
        Err(step) => *step,
    }
}

/// Where to go on: with an answer, or out of the conversation with this step.
type Next<T> = Result<T, Box<Inquiry>>;

/// The conversation, replayed over the answers so far.
struct Talk<'a> {
    api: &'a Api,
    projects: &'a BTreeMap<String, String>,
    request: Request,
    answers: std::slice::Iter<'a, Answer>,
    found: Found,
}

impl Talk<'_> {
    fn all(&mut self) -> Next<()> {
        let candidates = self.candidates()?;
        if candidates.is_empty() {
            self.found.notes.push("Test Manager shows this application no project".to_owned());
            return Ok(());
        }
        let Some((project, log)) = self.log(&candidates)? else {
            if let [only] = candidates.as_slice() {
                self.found.project = Some(only.code.clone());
            }
            let names: Vec<&str> = candidates.iter().map(|project| project.code.as_str()).collect();
            self.found.notes.push(format!("Test Manager has no log of this test case in {}", names.join(", ")));
            return Ok(());
        };
        let mut reading = Reading::default();
        reading.log(&log);
        if self.request.link.is_none()
            && let Some(prefix) = &project.prefix
        {
            let page = self.api.page(prefix, &self.request.execution);
            reading.0.insert("url".to_owned(), page.into());
        }
        let execution = self.request.execution.clone();
        let path = format!("{}/testexecutions/{execution}/withStats", project.id);
        if let Some(stats) = self.extra(&path, &[], "the test execution")? {
            reading.execution(&stats);
        }
        if let Some(id) = text(&log["id"]).filter(|id| is_id(id)) {
            let path = format!("{}/testcaselogartifacts/{id}/assertions", project.id);
            if let Some(list) = self.extra(&path, &[], "the assertions")? {
                reading.assertions(&list);
            }
        }
        let path = format!("{}/orchestrator/testexecution/{execution}/robotlogs/paged", project.id);
        let case = self.request.case.clone();
        if let Some(list) = self.extra(&path, &[("testcaseid", &case)], "the robot's log")? {
            reading.robot_logs(&list);
        }
        self.found.project = Some(project.code);
        self.found.facts = reading.0;
        Ok(())
    }

    /// The projects in which the result may be: the one of the link, or those that are
    /// configured, or all there are.
    fn candidates(&mut self) -> Next<Vec<Project>> {
        let configured = |(id, code): (&String, &String)| Project {
            id: id.clone(),
            code: code.clone(),
            prefix: is_prefix(code).then(|| code.clone()),
        };
        let Some(prefix) = self.request.prefix.clone() else {
            if !self.projects.is_empty() {
                return Ok(self.projects.iter().map(configured).take(PROJECTS_MAX).collect());
            }
            let list = self.must("projects", &[("top", LISTED_MAX)], "the projects")?.unwrap_or_default();
            return Ok(self.read_projects(&list, None));
        };
        let named = self.projects.iter().find(|(_, code)| code.eq_ignore_ascii_case(&prefix));
        if let Some(entry) = named {
            return Ok(vec![configured(entry)]);
        }
        let query = [("search", prefix.as_str()), ("top", LISTED_MAX)];
        let list = self.must("projects", &query, "the project")?.unwrap_or_default();
        let projects = self.read_projects(&list, Some(&prefix));
        if projects.is_empty() {
            self.found.notes.push(format!("Test Manager shows this application no project with the prefix {prefix}"));
        }
        Ok(projects)
    }

    fn read_projects(&self, list: &Value, prefix: Option<&str>) -> Vec<Project> {
        let read = |one: &Value| {
            let id = text(&one["id"])?.to_ascii_lowercase();
            let own = text(&one["projectPrefix"]).filter(|own| is_prefix(own))?;
            let wanted = prefix.is_none_or(|prefix| prefix.eq_ignore_ascii_case(&own));
            let code = self.projects.get(&id).unwrap_or(&own).clone();
            (is_id(&id) && wanted).then_some(Project { id, code, prefix: Some(own) })
        };
        entries(list).iter().filter_map(read).take(PROJECTS_MAX).collect()
    }

    /// The log of the result: first among the failed ones, then among all, because a person
    /// may want a defect for a test that passed.
    fn log(&mut self, candidates: &[Project]) -> Next<Option<(Project, Value)>> {
        for only_failed in ["true", "false"] {
            for project in candidates {
                let path = format!("{}/testcaselogs/testexecution/{}/paged", project.id, self.request.execution);
                let query = [("onlyFailed", only_failed), ("top", LOGS_MAX)];
                let Some(list) = self.must(&path, &query, "the test case logs")? else { continue };
                if let Some(log) = log_of(&self.request, &list) {
                    return Ok(Some((project.clone(), log.clone())));
                }
            }
        }
        Ok(None)
    }

    /// The answer to this ask, or the way out to ask it now.
    fn answer(&mut self, path: &str, query: &[(&str, &str)], what: &str) -> Next<&Answer> {
        match self.answers.next() {
            Some(answer) => Ok(answer),
            None => Err(Box::new(match self.api.get(path, query, what) {
                Some(ask) => Inquiry::Ask(ask),
                None => Inquiry::Failed { why: "`url` of 'api' cannot be asked: check it for stray signs".to_owned() },
            })),
        }
    }

    /// What cannot be done without. `None` when there is no such thing.
    fn must(&mut self, path: &str, query: &[(&str, &str)], what: &str) -> Next<Option<Value>> {
        let reply = match self.answer(path, query, what)? {
            Answer::Replied(reply) => reply,
            Answer::Lost(lost) => {
                return Err(Box::new(Inquiry::Later { why: format!("{what}: {lost}"), after: None }));
            }
        };
        match reply.status {
            200..=299 => match reply.json() {
                Value::Null => {
                    let why = format!("{what}: Test Manager's answer is no JSON, or too long");
                    Err(Box::new(Inquiry::Failed { why }))
                }
                answer => Ok(Some(answer)),
            },
            404 => Ok(None),
            408 | 425 | 429 | 500..=599 => {
                Err(Box::new(Inquiry::Later { why: said(what, reply), after: reply.retry_after() }))
            }
            401 => Err(failed(what, reply, "Check `client_id` and `client_secret` of 'api'.")),
            403 => Err(failed(what, reply, "Check `scope` of 'api' and the application's rights in this project.")),
            _ => Err(failed(what, reply, "Check `url` of 'api'.")),
        }
    }

    /// What only enriches. `None`, with a note, when it cannot be had.
    fn extra(&mut self, path: &str, query: &[(&str, &str)], what: &str) -> Next<Option<Value>> {
        let note = match self.answer(path, query, what)? {
            Answer::Replied(reply) if (200..300).contains(&reply.status) => return Ok(Some(reply.json())),
            // Not every execution has it.
            Answer::Replied(reply) if reply.status == 404 => return Ok(None),
            Answer::Replied(reply) => said(what, reply),
            Answer::Lost(lost) => format!("{what}: {lost}"),
        };
        self.found.notes.push(note);
        Ok(None)
    }
}

fn said(what: &str, reply: &Reply) -> String {
    format!("{what}: Test Manager answered {}", reply.status)
}

fn failed(what: &str, reply: &Reply, advice: &str) -> Box<Inquiry> {
    Box::new(Inquiry::Failed { why: format!("{}. {advice}", said(what, reply)) })
}
