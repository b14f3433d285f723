//! Jira: Cloud (REST API 3) and Data Center (REST API 2).

mod adf;
mod conversation;
mod count;
mod issue;
mod question;
mod status;
mod tell;
mod transition;
mod wiki;

use base64::Engine as _;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use self::conversation::Conversation;
use self::issue::Complaints;
use super::reply::{advise, lost, quote, throttled};
use super::threads::Skip;
use super::{Answer, Ask, DefectQueries, Destination, Finding, Reply, Step, json_bytes};
use crate::domain::delivery::{Action, Extent, Job, Lost, Outcome, Receipt, looks_again};
use crate::domain::how::IfMissing;

/// Jira's limit for a summary.
const SUMMARY_UNITS_MAX: usize = 255;

/// Jira's limit for a text field.
const DESCRIPTION_UNITS_MAX: usize = 32_767;

/// The most of a description in its plain form.
const PLAIN_UNITS_MAX: usize = 8_000;

/// A Jira project.
#[derive(Debug)]
pub struct Jira {
    /// The site, `https://acme.atlassian.net`.
    pub url: Url,
    /// Which API it speaks.
    pub api: Api,
    /// The bot's e-mail (basic authentication); `None` for a bearer token.
    pub email: Option<String>,
    /// The API token or personal access token.
    pub token: SecretString,
    /// The project key.
    pub project: String,
    /// The name of the issue type.
    pub issue_type: String,
}

/// The versions of Jira's REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Cloud: text is ADF.
    V3,
    /// Data Center: text is wiki markup.
    V2,
}

/// What an answer to a create means.
enum Verdict {
    /// It settles the delivery.
    Over(Outcome),
    /// Jira does not take this body.
    Body(Complaints, String),
}

impl Destination for Jira {
    fn actions(&self) -> &[Action] {
        &[Action::Create, Action::Comment, Action::Transition, Action::Update]
    }

    fn step(&self, job: &Job, answers: &[Answer]) -> Step {
        let known = job.thread.as_ref().and_then(|thread| thread.key.as_deref());
        let key = known.or_else(|| self.linked(job));
        match (job.action, key) {
            (Action::Comment, Some(key)) => Conversation::new(self, job, key, answers).comment(),
            (Action::Transition, Some(key)) => Conversation::new(self, job, key, answers).transition(),
            (Action::Update, Some(key)) => Conversation::new(self, job, key, answers).update(),
            (Action::Comment | Action::Transition | Action::Update, None)
                if job.content.how.if_missing == IfMissing::Skip =>
            {
                Step::Done(Skip("there is no issue yet".to_owned()).into())
            }
            (_, Some(key)) => {
                let note = match known {
                    Some(_) => "the conversation has this issue already, so none was created",
                    None => "the sender has linked this issue already, so none was created",
                };
                Step::Done(Outcome::Delivered(self.receipt(key, Some(note.to_owned()))))
            }
            (_, None) => self.create(job, answers, false),
        }
    }

    fn question(&self, answers: &[Answer]) -> Option<Step> {
        Some(question::step(self, answers))
    }

    fn count(&self, query: &str, answers: &[Answer]) -> Option<Finding<u64>> {
        Some(count::step(self, query, answers))
    }

    fn status(&self, key: &str, answers: &[Answer]) -> Option<Finding<String>> {
        Some(status::step(self, key, answers))
    }

    fn defect_queries(&self) -> Option<DefectQueries> {
        Some(count::queries(self))
    }
}

impl Jira {
    /// Looks for the issue first when an earlier attempt may have made it, more than once
    /// since the search lags; then creates it, a second time without what Jira complains
    /// about. `begins_anew` when the conversation's issue is gone.
    fn create(&self, job: &Job, answers: &[Answer], begins_anew: bool) -> Step {
        let creates = match (job.unsure, answers) {
            (false, answers) => answers,
            (true, []) => return self.ask_search(job),
            (true, [search, creates @ ..]) => match self.read_search(search, job) {
                Some(outcome) => return Step::Done(outcome),
                None if looks_again(job.looks) => {
                    let why =
                        format!("no issue has the label {} (yet): looking again before creating", issue::mark(job));
                    return Step::Done(Outcome::NotFound { why });
                }
                None => creates,
            },
        };
        let anew = |outcome| match outcome {
            Outcome::Delivered(receipt) => Outcome::Delivered(Receipt { begins_anew, ..receipt }),
            other => other,
        };
        let (body, note) = issue::create_body(self, job);
        let (complaints, said) = match creates {
            [] => return self.ask_create(body),
            [first, ..] => match self.read_create(first, note) {
                Verdict::Over(outcome) => return Step::Done(anew(outcome)),
                Verdict::Body(complaints, said) => (complaints, said),
            },
        };
        let Some((mended, changes)) = complaints.mend(&body, self.api, &job.content.message) else {
            return Step::Done(self.unmendable(&complaints, &said, job));
        };
        let Some(second) = creates.get(1) else {
            return self.ask_create(mended);
        };
        Step::Done(match self.read_create(second, Some(format!("{changes}, because {said}"))) {
            Verdict::Over(outcome) => anew(outcome),
            Verdict::Body(_, again) => Outcome::Refused {
                why: advise(
                    &format!("{}. Tried again ({changes}): {again}", said.trim_end_matches('.')),
                    "Check `fields` of the rule and the template.",
                ),
            },
        })
    }
}

impl Jira {
    /// The key of the issue that the sender has linked, if it is one of this Jira: an address
    /// below `url`, or a key of the destination's project.
    fn linked<'j>(&self, job: &'j Job) -> Option<&'j str> {
        let linked = job.content.how.linked.as_deref()?.trim();
        let browse = self.address("/browse/");
        let key = match linked.strip_prefix(browse.as_str()) {
            Some(rest) => rest.split(['?', '#', '/']).next().unwrap_or_default(),
            None => linked.strip_prefix(self.project.as_str()).and(Some(linked))?,
        };
        let (project, number) = key.rsplit_once('-')?;
        let is_project = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let is_key = !project.is_empty()
            && project.chars().all(is_project)
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
            && (linked != key || project == self.project);
        is_key.then_some(key)
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }

    fn ask_create(&self, body: Map<String, Value>) -> Step {
        self.ask(&Method::POST, "create issue", "issue", Some(&Value::Object(body)))
    }

    fn ask_search(&self, job: &Job) -> Step {
        let jql = format!("labels = \"{}\" ORDER BY created ASC", issue::mark(job));
        let search = json!({"jql": jql, "fields": ["key", "labels"], "maxResults": 2});
        let path = match self.api {
            Api::V3 => "search/jql",
            Api::V2 => "search",
        };
        self.ask(&Method::POST, "look for the issue of an earlier attempt", path, Some(&search))
    }

    /// Asks for `path` of the REST API; `what` says it for people.
    fn ask(&self, method: &Method, what: &str, path: &str, body: Option<&Value>) -> Step {
        let token = self.token.expose_secret();
        let credential = match &self.email {
            Some(email) => {
                let pair = format!("{email}:{token}");
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
            }
            None => format!("Bearer {token}"),
        };
        let version = match self.api {
            Api::V3 => 3,
            Api::V2 => 2,
        };
        let path = format!("/rest/api/{version}/{path}");
        let mut request = http::Request::builder()
            .method(method)
            .uri(self.address(&path))
            .header(AUTHORIZATION, credential)
            .header(ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let shown = path.split_once('?').map_or(path.as_str(), |(path, _)| path);
        match request.body(body.map(json_bytes).unwrap_or_default()) {
            Ok(request) => Step::Ask(Ask { what: format!("{method} {shown} ({what})"), request }),
            Err(_) => Step::Done(Outcome::Closed {
                why: "`url` or `token` cannot be sent: check both for stray characters.".to_owned(),
            }),
        }
    }

    /// Whether it has pages for people; the gateway for scoped tokens has none.
    fn has_pages(&self) -> bool {
        self.url.host_str() != Some("api.atlassian.com")
    }

    fn receipt(&self, key: &str, note: Option<String>) -> Receipt {
        let is_key = key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let link = (is_key && self.has_pages()).then(|| self.address(&format!("/browse/{key}")));
        Receipt { key: Some(key.to_owned()), link, note, ..Receipt::default() }
    }

    /// What the search settles; `None` when the issue does not exist yet.
    fn read_search(&self, answer: &Answer, job: &Job) -> Option<Outcome> {
        let reply = match answer {
            // A search leaves nothing behind.
            Answer::Lost(Lost::NotSent(why) | Lost::Unknown(why)) => {
                return Some(Outcome::Later {
                    why: quote(&format!("no answer to the search: {why}"), &self.secrets()),
                    after: None,
                    extent: Extent::Failing,
                });
            }
            Answer::Replied(reply) => reply,
        };
        if reply.status == 200 {
            let answer = reply.json();
            let Some(issues) = answer.get("issues").and_then(Value::as_array) else {
                return Some(Outcome::Later { why: self.said(reply), after: None, extent: Extent::Single });
            };
            let key = issues.iter().find_map(|issue| issue.get("key").and_then(Value::as_str));
            return key.map(|key| {
                Outcome::Delivered(self.receipt(key, Some("made by an earlier attempt whose answer was lost".into())))
            });
        }
        Some(self.by_status(reply).unwrap_or_else(|| Outcome::Refused {
            why: format!(
                "{}. An earlier attempt may have made the issue, and it cannot be looked for: search Jira for \
                 the label {} yourself, then retry or drop this delivery.",
                self.said(reply),
                issue::mark(job)
            ),
        }))
    }

    fn read_create(&self, answer: &Answer, note: Option<String>) -> Verdict {
        let reply = match answer {
            Answer::Lost(how) => return Verdict::Over(lost(how, &self.secrets())),
            Answer::Replied(reply) => reply,
        };
        if (200..300).contains(&reply.status) {
            return Verdict::Over(match reply.json().get("key").and_then(Value::as_str) {
                Some(key) => Outcome::Delivered(self.receipt(key, note)),
                None => Outcome::Unclear { why: format!("{}, without the key of an issue", self.said(reply)) },
            });
        }
        match reply.status {
            400 | 413 | 422 => Verdict::Body(Complaints::read(&reply.json()), self.said(reply)),
            // The issue may exist although a proxy or a listener in Jira failed.
            500 | 502 | 504 => Verdict::Over(Outcome::Unclear { why: self.said(reply) }),
            _ => Verdict::Over(self.by_status(reply).unwrap_or_else(|| Outcome::Refused { why: self.said(reply) })),
        }
    }

    /// What a status means whatever was asked.
    fn by_status(&self, reply: &Reply) -> Option<Outcome> {
        let said = self.said(reply);
        let advice = match reply.status {
            401 if self.email.is_some() => "Check `email` and `token`: the token may be revoked or expired.",
            401 => "Check `token`: it may be revoked or expired. Jira Cloud needs `email` beside it.",
            403 if reply.headers.contains_key("x-authentication-denied-reason") => {
                "Jira asks for a CAPTCHA: sign in once as this user in a browser."
            }
            403 | 407 => "The user of this token may not do this in this project: ask the project's administrator.",
            404 | 405 | 410 => "Check `url` and `api`: Jira Cloud speaks 3, Data Center 2.",
            409 => {
                let after = reply.retry_after();
                return Some(Outcome::Later { why: said, after, extent: Extent::Single });
            }
            429 => {
                let after = reply.retry_after().max(reply.rate_limit_reset());
                let one_issue = reply.header("ratelimit-reason") == Some("jira-per-issue-on-write");
                return Some(if one_issue {
                    Outcome::Later { why: said, after, extent: Extent::Single }
                } else {
                    throttled(said, after)
                });
            }
            _ => return reply.by_status("Jira", &self.secrets()),
        };
        Some(Outcome::Closed { why: advise(&said, advice) })
    }

    /// The outcome when Jira refuses what cannot be left out. A project or issue type of
    /// the configuration's concerns every delivery.
    fn unmendable(&self, complaints: &Complaints, said: &str, job: &Job) -> Outcome {
        let own_fields = job.content.body.as_ref().map(|body| body.get("fields").unwrap_or(body));
        let from_rule = |name: &str| {
            job.content.fields.contains_key(name) || own_fields.is_some_and(|fields| fields.get(name).is_some())
        };
        for (name, key) in [("project", "project"), ("issuetype", "issue_type")] {
            if complaints.names(name) && !from_rule(name) {
                return Outcome::Closed { why: advise(said, &format!("Check `{key}` of this destination.")) };
            }
        }
        Outcome::Refused { why: advise(said, "Set what Jira asks for under `fields` of the rule.") }
    }

    fn secrets(&self) -> [&str; 1] {
        [self.token.expose_secret()]
    }

    /// What Jira answered: its complaints if it gave any, else the beginning of the body.
    fn said(&self, reply: &Reply) -> String {
        let complaints = quote(&Complaints::read(&reply.json()).sentence(), &self.secrets());
        if complaints.is_empty() {
            return reply.said("Jira", &self.secrets());
        }
        format!("Jira answered {}: {complaints}", reply.status)
    }
}
