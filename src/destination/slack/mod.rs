//! Slack: incoming webhooks and the Web API.

mod blocks;
mod call;
mod errors;
mod mrkdwn;

use std::borrow::Cow;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use self::call::Call;
use self::errors::Meaning;
use super::reply::{advise, lost, quote, secret_parts, throttled};
use super::threads::Skip;
use super::{Answer, Ask, Destination, Reply, Step, json_bytes, threads};
use crate::domain::delivery::{Action, Extent, Job, Outcome, Receipt};
use crate::domain::how::IfMissing;
use crate::domain::message::Message;

/// How long to wait while Slack moves a workspace.
const MOVING_WAIT: Duration = Duration::from_secs(600);

/// A Slack channel.
#[derive(Debug)]
pub enum Slack {
    /// By an incoming webhook, whose address is the secret.
    Webhook {
        /// The whole address.
        url: SecretString,
    },
    /// By the Web API (`chat.postMessage`).
    Api {
        /// The base, `https://slack.com/api`.
        url: Url,
        /// A bot token, `xoxb-…`.
        token: SecretString,
        /// A channel id or `#name`.
        channel: String,
    },
}

/// What one answer means.
enum Verdict {
    /// It settles the delivery.
    Over(Outcome),
    /// Slack does not take this body: what it said, and what to do about it.
    Body(String, &'static str),
    /// The message to act on is gone, or cannot be acted on.
    Gone(String),
}

/// In which form a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Rich,
    Text,
}

impl Destination for Slack {
    fn actions(&self) -> &[Action] {
        match self {
            Self::Webhook { .. } => &[Action::Post, Action::Reply],
            Self::Api { .. } => &[Action::Post, Action::Reply, Action::Update, Action::React],
        }
    }

    /// Says what is to be said: a second time with text alone when Slack does not take the
    /// first body, and as a message of its own when the first message is gone. Then adds
    /// the emoji, if the rule wants one.
    fn step(&self, job: &Job, answers: &[Answer]) -> Step {
        let mut call = match Call::first(self, job) {
            Ok(call) => call,
            Err(skip) => return Step::Done(skip.into()),
        };
        let message = match self {
            Self::Webhook { .. } => match threads::named(job) {
                Ok(message) => message,
                Err(skip) => return Step::Done(skip.into()),
            },
            Self::Api { .. } => Cow::Borrowed(&job.content.message),
        };
        let (mut form, mut note, mut begins_anew) = (Form::Rich, first_note(job), false);
        let mut refused: Option<String> = None;
        let mut answers = answers.iter();
        loop {
            let Some(answer) = answers.next() else {
                let body = match (&call, form) {
                    (Call::React { .. }, _) => Map::new(),
                    (_, Form::Rich) => first_body(job, &message),
                    (_, Form::Text) => blocks::text_only(&message),
                };
                return self.ask(&call, body, job);
            };
            match self.read(answer, &call) {
                Verdict::Over(Outcome::Delivered(receipt)) => {
                    let receipt = Receipt { begins_anew, note, ..receipt };
                    return self.react(&call, job, receipt, answers.next());
                }
                Verdict::Over(other) => return Step::Done(other),
                Verdict::Gone(why) => match (job.content.how.if_missing, &call) {
                    (IfMissing::Begin, Call::Reply { .. } | Call::Update { .. }) => {
                        note = Some(format!("posted as a new message, because {why}"));
                        (call, form, begins_anew) = (Call::Post, Form::Rich, true);
                    }
                    _ => return Step::Done(Skip(why).into()),
                },
                Verdict::Body(why, advice) => match refused.take() {
                    _ if matches!(call, Call::React { .. }) => {
                        return Step::Done(Outcome::Refused { why: advise(&why, "Check `react` of the rule.") });
                    }
                    Some(first) if form == Form::Text => {
                        return Step::Done(Outcome::Refused {
                            why: format!("{first}. Sent again as plain text, {why}. {advice}"),
                        });
                    }
                    _ => {
                        note = Some(format!("sent as plain text, because {why}"));
                        (refused, form) = (Some(why), Form::Text);
                    }
                },
            }
        }
    }
}

/// The body sent first.
fn first_body(job: &Job, message: &Message) -> Map<String, Value> {
    match &job.content.body {
        Some(Value::Object(own)) => own_body(own.clone(), job),
        Some(_) | None => blocks::rich(message),
    }
}

/// What must be said about the body sent first.
fn first_note(job: &Job) -> Option<String> {
    let note = "the template's own Slack body is no JSON object, so Relaybell's form was sent";
    job.content.body.as_ref().filter(|own| !own.is_object()).map(|_| note.to_owned())
}

/// A template's own body, with the rule's mentions and a text for notifications.
fn own_body(mut body: Map<String, Value>, job: &Job) -> Map<String, Value> {
    let message = &job.content.message;
    if !body.contains_key("text") && !body.contains_key("markdown_text") {
        body.insert("text".into(), blocks::preview(message).into());
        return with_mention_block(body, job);
    }
    let mentions = blocks::mention_line(message);
    match (mentions, body.get("text").and_then(Value::as_str)) {
        (Some(mentions), Some(text)) => {
            let text = format!("{mentions} {text}");
            body.insert("text".into(), text.into());
            with_mention_block(body, job)
        }
        _ => body,
    }
}

/// Blocks hide the text, so mentions stand in a block of their own beside others.
fn with_mention_block(mut body: Map<String, Value>, job: &Job) -> Map<String, Value> {
    if let (Some(mentions), Some(Value::Array(own))) =
        (blocks::mention_line(&job.content.message), body.get_mut("blocks"))
    {
        own.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": mentions}}));
    }
    body
}

impl Slack {
    fn ask(&self, call: &Call<'_>, mut body: Map<String, Value>, job: &Job) -> Step {
        let (what, request) = match self {
            Self::Webhook { url } => ("POST incoming webhook".to_owned(), http::Request::post(url.expose_secret())),
            Self::Api { url, token, channel } => {
                let method = call.complete(&mut body, channel, job);
                let address = format!("{}/{method}", url.as_str().trim_end_matches('/'));
                let bearer = format!("Bearer {}", token.expose_secret());
                (format!("POST {method}"), http::Request::post(address).header(AUTHORIZATION, bearer))
            }
        };
        let bytes = json_bytes(&Value::Object(body));
        match request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(bytes) {
            Ok(request) => Step::Ask(Ask { what, request }),
            Err(_) => Step::Done(Outcome::Closed { why: self.bad_address() }),
        }
    }

    /// After the message is said: adds the rule's emoji to the first message of the thread,
    /// or says how that went. A message is not said again because its emoji was refused.
    fn react(&self, said: &Call<'_>, job: &Job, receipt: Receipt, answer: Option<&Answer>) -> Step {
        let after = Call::after(said, job).filter(|_| !receipt.begins_anew);
        let Some(call) = after else { return Step::Done(Outcome::Delivered(receipt)) };
        let Some(answer) = answer else { return self.ask(&call, Map::new(), job) };
        let why = match self.read(answer, &call) {
            Verdict::Body(why, _) | Verdict::Gone(why) => why,
            Verdict::Over(mut outcome) => match outcome.why_mut() {
                None => return Step::Done(Outcome::Delivered(receipt)),
                Some(why) => std::mem::take(why),
            },
        };
        let refused = format!("the emoji was not added: {why}");
        let note = Some(receipt.note.map_or(refused.clone(), |note| format!("{note}; {refused}")));
        Step::Done(Outcome::Delivered(Receipt { note, ..receipt }))
    }

    fn bad_address(&self) -> String {
        match self {
            Self::Webhook { .. } => "`webhook_url` is no address. Copy it whole from Slack.".to_owned(),
            Self::Api { .. } => "`api_url` or `token` cannot be sent: check both for stray characters.".to_owned(),
        }
    }

    fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Webhook { url } => secret_parts(url.expose_secret()),
            Self::Api { token, .. } => vec![token.expose_secret()],
        }
    }

    fn read(&self, answer: &Answer, call: &Call<'_>) -> Verdict {
        let reply = match answer {
            Answer::Lost(how) => return Verdict::Over(lost(how, &self.secrets())),
            Answer::Replied(reply) => reply,
        };
        match self {
            Self::Webhook { .. } => self.read_webhook(reply, call),
            Self::Api { .. } => self.read_api(reply, call),
        }
    }

    /// The webhook answers `ok` or the name of an error as plain text.
    fn read_webhook(&self, reply: &Reply, call: &Call<'_>) -> Verdict {
        let text = reply.text();
        let name = text.trim();
        if (200..300).contains(&reply.status) && name == "ok" {
            return Verdict::Over(Outcome::Delivered(Receipt::default()));
        }
        if reply.status < 500 && errors::is_name(name) && !matches!(reply.status, 408 | 425 | 429) {
            return self.named(name, reply, call);
        }
        self.unnamed(reply)
    }

    /// The Web API answers JSON, errors included, mostly with status 200.
    fn read_api(&self, reply: &Reply, call: &Call<'_>) -> Verdict {
        let answer = reply.json();
        match answer.get("ok").and_then(Value::as_bool) {
            Some(true) => {
                let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
                let receipt = Receipt { key: text("ts"), channel: text("channel"), ..Receipt::default() };
                Verdict::Over(Outcome::Delivered(receipt))
            }
            Some(false) if reply.status < 400 => {
                self.named(answer.get("error").and_then(Value::as_str).unwrap_or_default(), reply, call)
            }
            _ => self.unnamed(reply),
        }
    }

    fn named(&self, name: &str, reply: &Reply, call: &Call<'_>) -> Verdict {
        let said = self.said(name, reply);
        if !matches!(call, Call::Post) && errors::is_about_thread(name) {
            return Verdict::Gone(said);
        }
        if matches!(call, Call::React { .. }) && name == "already_reacted" {
            return Verdict::Over(Outcome::Delivered(Receipt::default()));
        }
        Verdict::Over(match errors::meaning(name) {
            Meaning::Slow => throttled(said, reply.retry_after()),
            Meaning::Moving => throttled(said, reply.retry_after().or(Some(MOVING_WAIT))),
            Meaning::Later => Outcome::Later { why: said, after: reply.retry_after(), extent: Extent::Failing },
            Meaning::Closed(advice) => Outcome::Closed { why: advise(&said, advice) },
            // A webhook is bound to its channel; there is nothing to check but the webhook.
            Meaning::Channel if matches!(self, Self::Webhook { .. }) => self.closed(&said),
            Meaning::Channel => Outcome::Closed { why: advise(&said, errors::CHANNEL) },
            // Names we do not know are about the channel or the webhook when the status says so.
            Meaning::Body if matches!(reply.status, 401 | 403 | 404 | 410) => self.closed(&said),
            Meaning::Body => return Verdict::Body(said, errors::mend(name)),
        })
    }

    fn unnamed(&self, reply: &Reply) -> Verdict {
        let secrets = self.secrets();
        let said = reply.said("Slack", &secrets);
        Verdict::Over(match reply.status {
            400 | 413 | 422 => return Verdict::Body(said, errors::mend("")),
            401 | 403 | 404 | 407 | 410 => self.closed(&said),
            200..=299 => Outcome::Later {
                why: format!("{said}, which is none of Slack's answers; something in between may have answered"),
                after: None,
                extent: Extent::Failing,
            },
            _ => match reply.by_status("Slack", &secrets) {
                Some(outcome) => outcome,
                None => Outcome::Refused { why: advise(&said, "Check the address in the configuration.") },
            },
        })
    }

    fn closed(&self, said: &str) -> Outcome {
        let advice = match self {
            Self::Webhook { .. } => "Make a new incoming webhook in Slack and put its address into `webhook_url`.",
            Self::Api { .. } => "Check `token`, `channel` and `api_url`.",
        };
        Outcome::Closed { why: advise(said, advice) }
    }

    /// Slack's error with everything it says about the place: JSON pointers, the missing scope.
    fn said(&self, name: &str, reply: &Reply) -> String {
        let answer = reply.json();
        let lists = [answer.pointer("/errors"), answer.pointer("/response_metadata/messages")];
        let mut details: Vec<String> = Vec::new();
        for detail in lists.into_iter().flatten().filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
            if !details.iter().any(|known| known == detail) {
                details.push(detail.to_owned());
            }
        }
        if let Some(needed) = answer.get("needed").and_then(Value::as_str) {
            details.push(format!("needed: {needed}"));
        }
        let name = if name.is_empty() { "an error without a name" } else { name };
        let details = quote(&details.join("; "), &self.secrets());
        let name = quote(name, &self.secrets());
        if details.is_empty() { format!("Slack answered {name}") } else { format!("Slack answered {name} ({details})") }
    }
}
