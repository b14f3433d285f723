//! An issue that is there already: comments, transitions, edits.

use http::Method;
use serde_json::{Map, Value, json};

use crate::destination::reply::{advise, lost};
use crate::destination::threads::Skip;
use crate::destination::{Answer, Reply, Step};
use crate::domain::delivery::{Extent, Job, Lost, Outcome};
use crate::domain::how::IfMissing;
use crate::domain::message::{Block, Inline, Message};

use super::issue::{self, Complaints};
use super::transition::{Choice, choose};
use super::{Api, Jira, adf, wiki};

/// How many of the latest comments are looked through for one of an earlier attempt.
const COMMENTS_LOOKED_AT: usize = 50;

/// One attempt to do something with an issue, replayed over the answers so far.
pub(super) struct Conversation<'a> {
    jira: &'a Jira,
    job: &'a Job,
    key: &'a str,
    all: &'a [Answer],
    answers: std::slice::Iter<'a, Answer>,
}

/// What an answer means for what was asked.
enum Said<'a> {
    Yes(&'a Reply),
    /// Jira does not take this body.
    Body(Complaints, String),
}

/// Where to go on: with the answer, or out of the conversation with this step.
type Next<T> = Result<T, Box<Step>>;

/// Who does not see an issue and who finds none is told the same by Jira.
const GONE: &str = "the issue is gone, or hidden from this user";

impl<'a> Conversation<'a> {
    pub(super) fn new(jira: &'a Jira, job: &'a Job, key: &'a str, answers: &'a [Answer]) -> Self {
        Self { jira, job, key, all: answers, answers: answers.iter() }
    }

    /// Comments, unless an earlier attempt did.
    pub(super) fn comment(mut self) -> Step {
        let ended = self.say(None, None);
        self.end(ended)
    }

    /// Moves the issue to its target and, where the rule names a template, comments. Where
    /// the workflow does not lead there, the comment says so.
    pub(super) fn transition(mut self) -> Step {
        let ended = self.go();
        self.end(ended)
    }

    /// Writes summary, description and the rule's fields anew.
    pub(super) fn update(mut self) -> Step {
        let ended = self.edit();
        self.end(ended)
    }

    fn end(&self, ended: Next<Option<String>>) -> Step {
        match ended {
            Ok(note) => Step::Done(Outcome::Delivered(self.jira.receipt(self.key, note))),
            Err(step) => *step,
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("issue/{}{rest}", self.key)
    }

    /// The answer to this ask, or the way out: to ask it now, or an outcome.
    fn answer(&mut self, method: &Method, what: &str, path: &str, body: Option<&Value>) -> Next<Said<'a>> {
        let reply = match self.answers.next() {
            None => return Err(Box::new(self.jira.ask(method, what, path, body))),
            Some(Answer::Replied(reply)) => reply,
            // Reading leaves nothing behind.
            Some(Answer::Lost(Lost::Unknown(why))) if *method == Method::GET => {
                let why = format!("no answer: {why}");
                return Err(done(Outcome::Later { why, after: None, extent: Extent::Failing }));
            }
            Some(Answer::Lost(how)) => return Err(done(lost(how, &self.jira.secrets()))),
        };
        match reply.status {
            200..=299 => Ok(Said::Yes(reply)),
            404 if !self.jira.said(reply).is_empty() && is_about_an_issue(reply) => Err(Box::new(self.gone())),
            400 | 413 | 422 => Ok(Said::Body(Complaints::read(&reply.json()), self.jira.said(reply))),
            500 | 502 | 504 if *method != Method::GET => Err(done(Outcome::Unclear { why: self.jira.said(reply) })),
            _ => {
                Err(done(self.jira.by_status(reply).unwrap_or_else(|| Outcome::Refused { why: self.jira.said(reply) })))
            }
        }
    }

    /// What is done when the issue is gone: a new one, or nothing.
    fn gone(&self) -> Step {
        if self.job.content.how.if_missing == IfMissing::Skip {
            return Step::Done(Skip(format!("{}: {GONE}", self.key)).into());
        }
        let used = self.all.len() - self.answers.len();
        self.jira.create(self.job, self.all.get(used..).unwrap_or_default(), true)
    }

    /// Adds the comment, in plain form when Jira refuses the rich one, and gives a note.
    fn say(&mut self, remark: Option<&str>, note: Option<String>) -> Next<Option<String>> {
        if self.job.unsure && self.was_said()? {
            return Ok(Some("an earlier attempt whose answer was lost had commented".to_owned()));
        }
        let path = self.path("/comment");
        let message = comment(&self.job.content.message, remark);
        let body = self.comment_body(&match self.jira.api {
            Api::V3 => adf::rich(&message),
            Api::V2 => wiki::rich(&message).into(),
        });
        let refused = match self.answer(&Method::POST, "comment", &path, Some(&body))? {
            Said::Yes(_) => return Ok(note),
            Said::Body(_, refused) => refused,
        };
        let body = self.comment_body(&match self.jira.api {
            Api::V3 => adf::text_only(&message),
            Api::V2 => wiki::text_only(&message).into(),
        });
        match self.answer(&Method::POST, "comment as plain text", &path, Some(&body))? {
            Said::Yes(_) => Ok(Some(format!("commented as plain text, because {refused}"))),
            Said::Body(_, again) => {
                let why = format!("{refused}. Sent again as plain text, {again}. Check the template and its data.");
                Err(done(Outcome::Refused { why }))
            }
        }
    }

    fn comment_body(&self, text: &Value) -> Value {
        json!({"body": text, "properties": [issue::property(self.job)]})
    }

    /// Whether one of the latest comments is this delivery's.
    fn was_said(&mut self) -> Next<bool> {
        let path = self.path(&format!("/comment?orderBy=-created&maxResults={COMMENTS_LOOKED_AT}&expand=properties"));
        match self.answer(&Method::GET, "look for the comment of an earlier attempt", &path, None)? {
            Said::Yes(reply) => {
                let answer = reply.json();
                let comments = answer.get("comments").and_then(Value::as_array);
                let ours = issue::property(self.job);
                let is_ours = |comment: &Value| {
                    let properties = comment.get("properties").and_then(Value::as_array);
                    properties.is_some_and(|all| {
                        all.iter().any(|one| one["key"] == ours["key"] && one["value"]["key"] == ours["value"]["key"])
                    })
                };
                Ok(comments.is_some_and(|comments| comments.iter().any(is_ours)))
            }
            Said::Body(_, said) => Err(done(Outcome::Refused { why: said })),
        }
    }

    fn go(&mut self) -> Next<Option<String>> {
        let Some(target) = &self.job.content.how.target else {
            return Err(done(Outcome::Refused { why: "the transition names no status".to_owned() }));
        };
        let path = self.path("?fields=status");
        let status = self.read(&Method::GET, "read the status", &path)?["fields"]["status"].clone();
        if super::transition::is_at(&status, target) {
            let there = format!("the issue is {} already", status["name"].as_str().unwrap_or("there"));
            return if self.job.content.how.silent { Ok(Some(there)) } else { self.say(None, Some(there)) };
        }
        let path = self.path("/transitions?expand=transitions.fields");
        let offered = self.read(&Method::GET, "read the transitions", &path)?;
        let impossible = match choose(&offered, target, &self.job.content.fields) {
            Choice::Impossible(why) => why,
            Choice::Go(body) => {
                let path = self.path("/transitions");
                match self.answer(&Method::POST, "move the issue", &path, Some(&body))? {
                    Said::Yes(_) if self.job.content.how.silent => return Ok(None),
                    Said::Yes(_) => return self.say(None, None),
                    Said::Body(_, said) => format!("{said}. Set what the screen asks for under `fields` of the rule"),
                }
            }
        };
        let from = status["name"].as_str().unwrap_or("its status");
        let remark = format!("Relaybell could not move this issue from {from} to {}: {impossible}.", target.words());
        self.say(Some(&remark), Some(remark.clone()))
    }

    /// What a reading gives; a refusal of it is the end.
    fn read(&mut self, method: &Method, what: &str, path: &str) -> Next<Value> {
        match self.answer(method, what, path, None)? {
            Said::Yes(reply) => Ok(reply.json()),
            Said::Body(_, said) => Err(done(Outcome::Refused { why: advise(&said, "Check `url` and `api`.") })),
        }
    }

    fn edit(&mut self) -> Next<Option<String>> {
        let (body, note) = issue::update_body(self.jira, self.job);
        let path = self.path("");
        let (complaints, said) = match self.answer(&Method::PUT, "edit the issue", &path, Some(&body_of(&body)))? {
            Said::Yes(_) => return Ok(note),
            Said::Body(complaints, said) => (complaints, said),
        };
        let Some((mended, changes)) = complaints.mend(&body, self.jira.api, &self.job.content.message) else {
            return Err(done(self.jira.unmendable(&complaints, &said, self.job)));
        };
        match self.answer(&Method::PUT, "edit the issue again", &path, Some(&body_of(&mended)))? {
            Said::Yes(_) => Ok(Some(format!("{changes}, because {said}"))),
            Said::Body(_, again) => Err(done(Outcome::Refused {
                why: advise(
                    &format!("{}. Tried again ({changes}): {again}", said.trim_end_matches('.')),
                    "Check `fields` of the rule and the template.",
                ),
            })),
        }
    }
}

fn body_of(body: &Map<String, Value>) -> Value {
    Value::Object(body.clone())
}

fn done(outcome: Outcome) -> Box<Step> {
    Box::new(Step::Done(outcome))
}

/// Whether Jira itself says that it finds no such issue; a proxy's 404 says nothing.
fn is_about_an_issue(reply: &Reply) -> bool {
    let complaints = Complaints::read(&reply.json()).sentence();
    complaints.to_lowercase().contains("issue")
}

/// `message` as a comment: its title stands first, for a comment has no summary.
fn comment(message: &Message, remark: Option<&str>) -> Message {
    let mut message = message.clone();
    let title = Inline::Strong(vec![Inline::Text(message.title.clone())]);
    message.body.insert(0, Block::Paragraph(vec![title]));
    message.remark = remark.map(str::to_owned).or(message.remark);
    message
}
