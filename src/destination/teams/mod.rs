//! Microsoft Teams: Workflows webhooks.

mod card;
mod markdown;

use http::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::reply::{advise, lost, quote, secret_parts};
use super::{Answer, Ask, Destination, Reply, Step, json_bytes, threads};
use crate::domain::delivery::{Action, Extent, Job, Outcome, Receipt};
use crate::domain::message::Message;

/// A Teams channel or chat behind a Workflows webhook.
#[derive(Debug)]
pub struct Teams {
    /// The whole address, query included; it is the secret.
    pub url: SecretString,
}

/// What one answer means.
enum Verdict {
    /// It settles the delivery.
    Over(Outcome),
    /// The workflow does not take this body.
    Body(String),
}

impl Destination for Teams {
    /// A workflow gives no id back, so a reply is a message that names the first one.
    fn actions(&self) -> &[Action] {
        &[Action::Post, Action::Reply]
    }

    /// Asks once; a second time with a plain card when the workflow does not take the first.
    fn step(&self, job: &Job, answers: &[Answer]) -> Step {
        let message = match threads::named(job) {
            Ok(message) => message,
            Err(skip) => return Step::Done(skip.into()),
        };
        let refused = match answers {
            [] => return self.ask(&first_body(job, &message)),
            [first, ..] => match self.read(first, first_note(job)) {
                Verdict::Over(outcome) => return Step::Done(outcome),
                Verdict::Body(why) => why,
            },
        };
        let Some(second) = answers.get(1) else {
            return self.ask(&card::plain_card(&message));
        };
        Step::Done(match self.read(second, Some(format!("sent as a plain card, because {refused}"))) {
            Verdict::Over(outcome) => outcome,
            Verdict::Body(again) => {
                let too_large = matches!(second, Answer::Replied(reply) if reply.status == 413);
                let advice = if too_large {
                    "The message is too large: shorten the template, `{{truncate x 500}}` cuts a long fact."
                } else {
                    "Check that the workflow begins with 'When a Teams webhook request is received'."
                };
                Outcome::Refused { why: format!("{refused}. Sent again as a plain card, {again}. {advice}") }
            }
        })
    }
}

/// The body sent first.
fn first_body(job: &Job, message: &Message) -> Value {
    match &job.content.body {
        Some(Value::Object(own)) => card::own_body(own.clone(), message),
        Some(_) | None => card::rich(message),
    }
}

/// What must be said about the body sent first.
fn first_note(job: &Job) -> Option<String> {
    let note = "the template's own Teams body is no JSON object, so Relaybell's form was sent";
    job.content.body.as_ref().filter(|own| !own.is_object()).map(|_| note.to_owned())
}

impl Teams {
    fn ask(&self, body: &Value) -> Step {
        let request = http::Request::post(self.url.expose_secret())
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(json_bytes(body));
        match request {
            Ok(request) => Step::Ask(Ask { what: "POST workflow webhook".to_owned(), request }),
            Err(_) => Step::Done(Outcome::Closed {
                why: "`webhook_url` is no address. Copy it whole from the workflow in Teams.".to_owned(),
            }),
        }
    }

    fn read(&self, answer: &Answer, note: Option<String>) -> Verdict {
        match answer {
            Answer::Lost(how) => Verdict::Over(lost(how, &secret_parts(self.url.expose_secret()))),
            Answer::Replied(reply) => self.read_reply(reply, note),
        }
    }

    fn read_reply(&self, reply: &Reply, note: Option<String>) -> Verdict {
        let secrets = secret_parts(self.url.expose_secret());
        let said = said(reply, &secrets);
        if (200..300).contains(&reply.status) {
            let text = reply.text();
            // Connectors answer 200 and put the true status into the body.
            if let Some(status) = status_within(&text) {
                return self.read_reply(&Reply { status, ..reply.clone() }, note);
            }
            if text.to_lowercase().contains("failed") {
                return Verdict::Over(Outcome::Later { why: said, after: None, extent: Extent::Single });
            }
            let accepted_only = reply.status == 202;
            return Verdict::Over(Outcome::Delivered(Receipt { note, accepted_only, ..Receipt::default() }));
        }
        let advice = match (reply.status, error_code(reply).as_deref()) {
            (_, Some("WorkflowTriggerIsNotEnabled")) => {
                "The workflow is switched off, perhaps because its owner left: switch it on or make a new one."
            }
            (_, Some("MissingApiVersionParameter")) => {
                "`webhook_url` is cut: copy it whole, with everything after the question mark."
            }
            (400 | 413 | 422, _) => return Verdict::Body(said),
            (401 | 403 | 407, _) => {
                "The address's signature is not (or no longer) valid: copy the workflow's address anew into \
                 `webhook_url`."
            }
            (404 | 410, _) => {
                "The workflow is gone or switched off: make a new one and put its address into \
                 `webhook_url`."
            }
            _ => {
                return Verdict::Over(
                    reply
                        .by_status("Teams", &secrets)
                        .unwrap_or_else(|| Outcome::Refused { why: advise(&said, "Check `webhook_url`.") }),
                );
            }
        };
        Verdict::Over(Outcome::Closed { why: advise(&said, advice) })
    }
}

/// The status in `… returned HTTP error 429 with ContextId …`.
fn status_within(text: &str) -> Option<u16> {
    let (_, after) = text.split_once("HTTP error ")?;
    let digits = after.get(..3)?;
    digits.parse().ok().filter(|status| (400..600).contains(status))
}

/// What Teams answered: its error code and message if it gave them, else the beginning of the body.
fn said(reply: &Reply, secrets: &[&str]) -> String {
    let answer = reply.json();
    let text = |place: &str| answer.pointer(place).and_then(Value::as_str);
    match (text("/error/code"), text("/error/message")) {
        (Some(code), message) => {
            let error = quote(&format!("{code}: {}", message.unwrap_or_default()), secrets);
            format!("Teams answered {} {error}", reply.status)
        }
        (None, _) => reply.said("Teams", secrets),
    }
}

/// The error code of the workflow service: `{"error": {"code": …}}`.
fn error_code(reply: &Reply) -> Option<String> {
    reply.json().pointer("/error/code").and_then(Value::as_str).map(str::to_owned)
}
