//! Slack: incoming webhooks and the Web API.

mod blocks;
mod errors;
mod mrkdwn;

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use self::errors::Meaning;
use super::reply::{advise, lost, quote, secret_parts, throttled};
use super::{Answer, Ask, Destination, Reply, Step, json_bytes};
use crate::domain::delivery::{Extent, Job, Outcome, Receipt};

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
}

impl Destination for Slack {
    /// Asks once; a second time with text alone when Slack does not take the first body.
    fn step(&self, job: &Job, answers: &[Answer]) -> Step {
        let refused = match answers {
            [] => return self.ask(first_body(job)),
            [first, ..] => match self.read(first) {
                Verdict::Over(outcome) => return Step::Done(with_note(outcome, first_note(job))),
                Verdict::Body(why, _) => why,
            },
        };
        let Some(second) = answers.get(1) else {
            return self.ask(blocks::text_only(&job.content.message));
        };
        let note = Some(format!("sent as plain text, because {refused}"));
        Step::Done(match self.read(second) {
            Verdict::Over(outcome) => with_note(outcome, note),
            Verdict::Body(again, advice) => {
                Outcome::Refused { why: format!("{refused}. Sent again as plain text, {again}. {advice}") }
            }
        })
    }
}

/// The body sent first.
fn first_body(job: &Job) -> Map<String, Value> {
    match &job.content.body {
        Some(Value::Object(own)) => own_body(own.clone(), job),
        Some(_) | None => blocks::rich(&job.content.message),
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

fn with_note(outcome: Outcome, note: Option<String>) -> Outcome {
    match outcome {
        Outcome::Delivered(receipt) => Outcome::Delivered(Receipt { note: note.or(receipt.note), ..receipt }),
        other => other,
    }
}

impl Slack {
    fn ask(&self, mut body: Map<String, Value>) -> Step {
        let (what, request) = match self {
            Self::Webhook { url } => ("POST incoming webhook", http::Request::post(url.expose_secret())),
            Self::Api { url, token, channel } => {
                body.insert("channel".into(), channel.as_str().into());
                let address = format!("{}/chat.postMessage", url.as_str().trim_end_matches('/'));
                let bearer = format!("Bearer {}", token.expose_secret());
                ("POST chat.postMessage", http::Request::post(address).header(AUTHORIZATION, bearer))
            }
        };
        let bytes = json_bytes(&Value::Object(body));
        match request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(bytes) {
            Ok(request) => Step::Ask(Ask { what: what.to_owned(), request }),
            Err(_) => Step::Done(Outcome::Closed { why: self.bad_address() }),
        }
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

    fn read(&self, answer: &Answer) -> Verdict {
        let reply = match answer {
            Answer::Lost(how) => return Verdict::Over(lost(how, &self.secrets())),
            Answer::Replied(reply) => reply,
        };
        match self {
            Self::Webhook { .. } => self.read_webhook(reply),
            Self::Api { .. } => self.read_api(reply),
        }
    }

    /// The webhook answers `ok` or the name of an error as plain text.
    fn read_webhook(&self, reply: &Reply) -> Verdict {
        let text = reply.text();
        let name = text.trim();
        if (200..300).contains(&reply.status) && name == "ok" {
            return Verdict::Over(Outcome::Delivered(Receipt::default()));
        }
        if reply.status < 500 && errors::is_name(name) && !matches!(reply.status, 408 | 425 | 429) {
            return self.named(name, reply);
        }
        self.unnamed(reply)
    }

    /// The Web API answers JSON, errors included, mostly with status 200.
    fn read_api(&self, reply: &Reply) -> Verdict {
        let answer = reply.json();
        match answer.get("ok").and_then(Value::as_bool) {
            Some(true) => {
                let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
                let receipt = Receipt { key: text("ts"), channel: text("channel"), ..Receipt::default() };
                Verdict::Over(Outcome::Delivered(receipt))
            }
            Some(false) if reply.status < 400 => {
                self.named(answer.get("error").and_then(Value::as_str).unwrap_or_default(), reply)
            }
            _ => self.unnamed(reply),
        }
    }

    fn named(&self, name: &str, reply: &Reply) -> Verdict {
        let said = self.said(name, reply);
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
