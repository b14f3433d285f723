//! Any tracker or receiver with a REST interface, described rather than programmed.

mod answer;
mod call;
mod html;
mod markdown;
mod sign;
mod ticket;
mod words;

pub use answer::{Answers, Pointer, Remembered};
pub use call::{Body, Call, HeaderText};
pub use sign::Sign;
pub use ticket::TicketUrl;
pub use words::Cut;

use std::collections::BTreeMap;
use std::fmt;

use http::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::answer::{Doubt, Said};
use super::threads::Skip;
use super::{Answer, Ask, Destination, Step};
use crate::domain::delivery::{Action, Extent, Job, Lost, Outcome, Receipt, looks_again};
use crate::domain::how::IfMissing;
use crate::domain::reads::Reads;
use crate::domain::render::Flavor;
use crate::domain::thread::Thread;

/// The actions that a description may have, the defaults first.
pub const ACTIONS: [Action; 5] = [Action::Create, Action::Request, Action::Comment, Action::Transition, Action::Update];

/// A described destination.
pub struct Rest {
    /// Where it is; every request's path is added to it.
    pub url: Url,
    /// The headers of every request.
    pub headers: Vec<(HeaderName, HeaderText)>,
    /// The value of `Authorization`.
    pub auth: Option<SecretString>,
    /// The markup it reads.
    pub flavor: Flavor,
    /// How much of a message it takes.
    pub cut: Cut,
    /// What it can do.
    pub calls: Vec<(Action, Call)>,
    /// How an issue is looked for that an earlier attempt may have made.
    pub find: Option<Call>,
    /// How requests are signed.
    pub sign: Option<Sign>,
    /// Whether bodies are CloudEvents.
    pub envelope: Envelope,
    /// What the address of a ticket for people looks like.
    pub ticket: Option<TicketUrl>,
    /// What must not be shown of all this.
    pub hidden: Vec<SecretString>,
    /// What it can do, the default first.
    pub actions: Vec<Action>,
}

impl fmt::Debug for Rest {
    /// Without the address and the bodies: secrets may stand in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("host", &self.shown()).field("actions", &self.actions).finish_non_exhaustive()
    }
}

/// What is around the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Envelope {
    /// Nothing.
    #[default]
    None,
    /// A CloudEvent in its structured JSON form, whose `data` the body is.
    CloudEvents,
}

impl Destination for Rest {
    fn actions(&self) -> &[Action] {
        &self.actions
    }

    fn step(&self, job: &Job, answers: &[Answer]) -> Step {
        if let Some(linked) = self.linked(job) {
            return match self.converse(&linked, answers) {
                Step::Done(Outcome::Delivered(receipt)) if job.action == Action::Create => {
                    let note = "the sender has linked this one already, so none was created";
                    Step::Done(Outcome::Delivered(Receipt { note: Some(note.to_owned()), ..receipt }))
                }
                step => step,
            };
        }
        self.converse(job, answers)
    }

    fn reads(&self) -> Reads {
        let mut reads = Reads::default();
        for call in self.calls.iter().map(|(_, call)| call).chain(&self.find) {
            call.lines(&mut |line| line.reads().iter().for_each(|path| reads.add(path.clone())));
        }
        for (_, header) in &self.headers {
            header.lines(&mut |line| line.reads().iter().for_each(|path| reads.add(path.clone())));
        }
        if self.envelope == Envelope::CloudEvents {
            call::EVENT_FACTS.iter().for_each(|name| reads.add(vec![(*name).to_owned()]));
        }
        reads
    }

    fn looks_first(&self, action: Action) -> bool {
        action == Action::Create && self.find.is_some()
    }
}

impl Rest {
    fn converse(&self, job: &Job, answers: &[Answer]) -> Step {
        let known = job.thread.as_ref().and_then(|thread| thread.key.as_deref());
        match (job.action, known) {
            (Action::Create, Some(_)) => {
                let note = "the conversation has this one already, so none was created";
                Step::Done(Outcome::Delivered(of_thread(job, Some(note.to_owned()))))
            }
            (Action::Create | Action::Request, _) => self.begin(job, answers, false),
            (_, None) if job.content.how.if_missing == IfMissing::Skip => {
                Step::Done(Skip("there is nothing yet to act on".to_owned()).into())
            }
            (_, None) => self.begin(job, answers, false),
            (action, Some(key)) => self.act(action, key, job, answers),
        }
    }

    /// `job` with the ticket that the sender has linked, if it is one of this tracker and
    /// the conversation has none.
    fn linked(&self, job: &Job) -> Option<Job> {
        let linked = job.content.how.linked.as_deref()?.trim();
        if job.thread.as_ref().is_some_and(|thread| thread.key.is_some()) {
            return None;
        }
        let key = self.ticket.as_ref()?.key_of(linked)?;
        // What only an answer could have told is not known of it.
        let enough =
            self.reads().within("thread").is_some_and(|names| names.iter().all(|name| ["key", "url"].contains(name)));
        if !enough {
            return None;
        }
        let thread = Thread {
            key: Some(key.to_owned()),
            channel: None,
            link: Some(linked.to_owned()),
            title: job.content.message.title.clone(),
            began: job.began,
            values: BTreeMap::new(),
        };
        Some(Job { thread: Some(thread), ..job.clone() })
    }

    /// How `action` is done, if it is described.
    #[must_use]
    pub fn call(&self, action: Action) -> Option<&Call> {
        self.calls.iter().find(|(one, _)| *one == action).map(|(_, call)| call)
    }

    /// Acts on what there is, which the destination knows as `key`.
    fn act(&self, action: Action, key: &str, job: &Job, answers: &[Answer]) -> Step {
        let Some(call) = self.call(action) else { return Step::Done(undescribed(action)) };
        let Some((answer, rest)) = answers.split_first() else { return self.ask(call, action.word(), job) };
        match self.read(call, answer, action.word(), Doubt::None) {
            Said::Yes(_) if action == Action::Transition => self.say_why(call, job, rest),
            Said::Yes(_) => Step::Done(Outcome::Delivered(of_thread(job, None))),
            Said::No(outcome) => Step::Done(outcome),
            Said::Gone(said) => match job.content.how.if_missing {
                IfMissing::Skip => Step::Done(Skip(format!("{key} is gone: {said}")).into()),
                IfMissing::Begin => self.begin(job, rest, true),
            },
        }
    }

    /// After a transition: comments where the rule names a template, unless the
    /// transition itself says it. What is moved stays moved if the comment is refused.
    fn say_why(&self, moved: &Call, job: &Job, answers: &[Answer]) -> Step {
        let wanted = !job.content.how.silent && !moved.names("body");
        let Some(comment) = self.call(Action::Comment).filter(|_| wanted) else {
            return Step::Done(Outcome::Delivered(of_thread(job, None)));
        };
        let Some(answer) = answers.first() else { return self.ask(comment, "comment", job) };
        Step::Done(match self.read(comment, answer, "comment", Doubt::None) {
            Said::Yes(_) => Outcome::Delivered(of_thread(job, None)),
            Said::Gone(said) | Said::No(Outcome::Refused { why: said }) => {
                Outcome::Delivered(of_thread(job, Some(format!("moved, but not commented: {said}"))))
            }
            Said::No(outcome) => outcome,
        })
    }

    /// Creates, or makes the request: after an unclear failure only when what it may have
    /// left behind is not found. `begins_anew` when what there was is gone.
    fn begin(&self, job: &Job, answers: &[Answer], begins_anew: bool) -> Step {
        let first = ACTIONS[..2].iter().find_map(|action| Some((*action, self.call(*action)?)));
        let own = self.call(job.action).map(|call| (job.action, call));
        let wanted = if ACTIONS[..2].contains(&job.action) { own } else { first };
        let Some((action, call)) = wanted else { return Step::Done(undescribed(job.action)) };
        let mut answers = answers;
        if let Some(find) = self.find.as_ref().filter(|_| job.unsure && action == Action::Create) {
            let Some((found, rest)) = answers.split_first() else {
                return self.ask(find, "look for what an earlier attempt made", job);
            };
            match self.read_find(find, found) {
                Some(Outcome::Delivered(receipt)) => {
                    return Step::Done(Outcome::Delivered(Receipt { begins_anew, ..receipt }));
                }
                Some(outcome) => return Step::Done(outcome),
                None if looks_again(job.looks) => {
                    let why =
                        format!("{} shows nothing of this delivery (yet): looking again before creating", self.shown());
                    return Step::Done(Outcome::NotFound { why });
                }
                None => answers = rest,
            }
        }
        let Some(answer) = answers.first() else { return self.ask(call, action.word(), job) };
        let doubt = if self.looks_first(action) { Doubt::OfServerErrors } else { Doubt::None };
        Step::Done(match self.read(call, answer, action.word(), doubt) {
            Said::Yes(body) => {
                let receipt = call.remember.receipt(&body);
                let forgot = call.remember.key().is_some() && receipt.key.is_none();
                let note = forgot.then(|| {
                    let key = call.remember.key().map(ToString::to_string).unwrap_or_default();
                    format!(
                        "the answer has no {key}, so nothing can be done with it later: check 'remember' of '{action}'"
                    )
                });
                let link = receipt.link.clone().or_else(|| Some(self.ticket.as_ref()?.of(receipt.key.as_deref()?)));
                Outcome::Delivered(Receipt { begins_anew, note, link, ..receipt })
            }
            Said::No(outcome) => outcome,
            Said::Gone(said) => self.closed(&said, 404),
        })
    }

    /// What looking settles; `None` when nothing is found.
    fn read_find(&self, find: &Call, answer: &Answer) -> Option<Outcome> {
        if let Answer::Lost(Lost::Unknown(why) | Lost::NotSent(why)) = answer {
            // Looking leaves nothing behind.
            let why = self.quote(&format!("no answer when looking for what an earlier attempt made: {why}"));
            return Some(Outcome::Later { why, after: None, extent: Extent::Failing });
        }
        match self.read(find, answer, "find", Doubt::None) {
            Said::Yes(body) => {
                let receipt = find.remember.receipt(&body);
                let note = Some("made by an earlier attempt whose answer was lost".to_owned());
                receipt.key.is_some().then_some(Outcome::Delivered(Receipt { note, ..receipt }))
            }
            // What is looked for by its own address is not there.
            Said::Gone(_) => None,
            Said::No(Outcome::Refused { why }) => Some(Outcome::Refused {
                why: format!(
                    "{why} An earlier attempt may have created it, and it cannot be looked for: look yourself, then \
                     retry or drop this delivery."
                ),
            }),
            Said::No(outcome) => Some(outcome),
        }
    }

    fn ask(&self, call: &Call, what: &str, job: &Job) -> Step {
        match self.request(call, job) {
            Ok(request) => {
                let gap = if call.shown.is_empty() { "" } else { " " };
                let what = format!("{}{gap}{} ({what})", call.method, call.shown);
                Step::Ask(Ask { what, request })
            }
            Err(why) => Step::Done(Outcome::Refused { why: format!("the request of '{what}' cannot be made: {why}") }),
        }
    }

    /// The destination's host, for people.
    fn shown(&self) -> &str {
        self.url.host_str().unwrap_or("the destination")
    }

    fn quote(&self, text: &str) -> String {
        let hidden: Vec<&str> = self.hidden.iter().map(ExposeSecret::expose_secret).collect();
        super::reply::quote(text, &hidden)
    }
}

fn undescribed(action: Action) -> Outcome {
    let why = format!("the destination does not describe '{action}' (any more): add it, or drop this delivery");
    Outcome::Refused { why }
}

/// The receipt of something done to what the thread remembers.
fn of_thread(job: &Job, note: Option<String>) -> Receipt {
    let thread = job.thread.as_ref();
    Receipt {
        key: thread.and_then(|thread| thread.key.clone()),
        link: thread.and_then(|thread| thread.link.clone()),
        note,
        ..Receipt::default()
    }
}
