//! One conversation with a sender's API about one event.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};

use crate::config::{ApiSpec, SourceSpec};
use crate::domain::ask::{Answer, Ask, Reply};
use crate::domain::event::Report;
use crate::domain::time::Timestamp;
use crate::ports::Route;
use crate::relay::Shared;
use crate::relay::ingest::panic_text;
use crate::source::{Found, Inquiry, Lasting, Wanted};

use super::desk::{Desk, Token, key};

/// The most that is asked about one event.
const ASKS_MAX: usize = 12;
/// The most of an answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long before its end a token is renewed, at the most.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);
/// How long a token lives whose life is not told.
const TOKEN_LIFE: Duration = Duration::from_secs(300);

/// What a conversation came to.
#[derive(Debug)]
pub(super) enum Heard {
    /// It is over, and this was found.
    Found(Found),
    /// Not now; perhaps later, after the wait that the API has asked for.
    Later { why: String, after: Option<Duration> },
    /// Not as things are configured.
    Failed { why: String },
}

/// Who asks whom about what.
pub(super) struct Talk<'a> {
    pub(super) shared: &'a Shared,
    pub(super) spec: &'a SourceSpec,
    pub(super) api: &'a ApiSpec,
    pub(super) desk: &'a Desk,
    pub(super) report: &'a Report,
    pub(super) wanted: &'a Wanted,
    /// When the event was received.
    pub(super) received: Timestamp,
}

impl Talk<'_> {
    /// What can be told without asking anybody, if all of it can.
    pub(super) fn known(&self) -> Option<Found> {
        let mut answers = Vec::new();
        while answers.len() < ASKS_MAX {
            match self.step(&answers) {
                Inquiry::Ask(ask) => {
                    answers.push(self.desk.known(&ask, self.received, self.shared.clock.elapsed())?);
                }
                Inquiry::Done(found) => return Some(found),
                Inquiry::Later { .. } | Inquiry::Failed { .. } => return None,
            }
        }
        None
    }

    /// Asks what the adapter wants asked until it knows what there is to know.
    pub(super) async fn hold(&self) -> Heard {
        let mut answers = Vec::new();
        loop {
            let ask = match self.step(&answers) {
                Inquiry::Ask(ask) => ask,
                Inquiry::Done(found) => return Heard::Found(found),
                Inquiry::Later { why, after } => return Heard::Later { why, after },
                Inquiry::Failed { why } => return Heard::Failed { why },
            };
            if answers.len() >= ASKS_MAX {
                return Heard::Failed { why: format!("no end after {ASKS_MAX} questions") };
            }
            let known = self.desk.known(&ask, self.received, self.shared.clock.elapsed());
            let answer = match known {
                Some(answer) => answer,
                None => match self.ask(ask).await {
                    Ok(answer) => answer,
                    Err(heard) => return heard,
                },
            };
            answers.push(answer);
        }
    }

    fn step(&self, answers: &[Answer]) -> Inquiry {
        let step = || self.spec.adapter.inquire(self.report, self.wanted, answers);
        catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| Inquiry::Failed {
            why: format!("the answer could not be read: {}", panic_text(panic.as_ref())),
        })
    }

    /// Asks, signed in where the API wants that. A token that is refused is renewed once.
    async fn ask(&self, ask: Ask) -> Result<Answer, Heard> {
        let (key, lasting) = (key(&ask.request), ask.request.extensions().get::<Lasting>().copied());
        let asked = self.shared.clock.now();
        let again = copy(&ask.request);
        let answer = match self.token(None).await? {
            None => self.exchange(ask.request).await,
            Some(token) => {
                let answer = self.exchange(signed(ask.request, &token)).await;
                match &answer {
                    Answer::Replied(reply) if reply.status == 401 => match self.token(Some(token)).await? {
                        Some(token) => self.exchange(signed(again, &token)).await,
                        None => answer,
                    },
                    _ => answer,
                }
            }
        };
        if let Answer::Replied(reply) = &answer {
            self.desk.keep(key, lasting, asked, self.shared.clock.elapsed(), reply);
        }
        Ok(answer)
    }

    async fn exchange(&self, request: Request<Bytes>) -> Answer {
        self.desk.turn(self.shared).await;
        let route =
            Route { timeout: self.api.timeout, proxy: self.api.proxy.clone(), answer_bytes_max: ANSWER_BYTES_MAX };
        match self.shared.exchange.exchange(request, &route).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let at = self.shared.clock.now();
                Answer::Replied(Reply { status: parts.status.as_u16(), headers: parts.headers, body, at })
            }
            Err(lost) => Answer::Lost(lost),
        }
    }

    /// The access token, renewed when it is about to end or is the one that was `refused`;
    /// `None` where none is needed. One at a time asks for it.
    async fn token(&self, refused: Option<HeaderValue>) -> Result<Option<HeaderValue>, Heard> {
        let Some(ask) = self.spec.adapter.sign_in() else { return Ok(None) };
        let mut kept = self.desk.token.lock().await;
        let now = self.shared.clock.elapsed();
        if let Some(token) = kept.as_ref().filter(|token| now < token.until && refused.as_ref() != Some(&token.value)) {
            return Ok(Some(token.value.clone()));
        }
        *kept = None;
        let reply = match self.exchange(ask.request).await {
            Answer::Replied(reply) => reply,
            Answer::Lost(lost) => return Err(Heard::Later { why: format!("{}: {lost}", ask.what), after: None }),
        };
        let token = read_token(&ask.what, &reply, self.shared.clock.elapsed())?;
        let value = token.value.clone();
        *kept = Some(token);
        Ok(Some(value))
    }
}

/// The token in the answer to a sign-in.
#[expect(clippy::result_large_err, reason = "what was heard is passed on as it is")]
fn read_token(what: &str, reply: &Reply, now: Duration) -> Result<Token, Heard> {
    match reply.status {
        200..=299 => {}
        429 | 500.. => {
            return Err(Heard::Later { why: format!("{what}: {}", reply.status), after: reply.retry_after() });
        }
        status => {
            let body = reply.json();
            let told = ["error_description", "error"].iter().find_map(|name| body.get(*name)?.as_str());
            let told = told.map(|told| format!(", {told}")).unwrap_or_default();
            return Err(Heard::Failed { why: format!("{what}: {status}{told}; check the id and the secret") });
        }
    }
    let body = reply.json();
    let text = body.get("access_token").and_then(|token| token.as_str()).unwrap_or_default();
    let value = HeaderValue::try_from(format!("Bearer {text}")).ok().filter(|_| !text.is_empty());
    let Some(mut value) = value else {
        return Err(Heard::Failed { why: format!("{what}: the answer has no access_token") });
    };
    value.set_sensitive(true);
    let life = body.get("expires_in").and_then(serde_json::Value::as_u64).map_or(TOKEN_LIFE, Duration::from_secs);
    let margin = TOKEN_MARGIN.min(life / 4);
    Ok(Token { value, until: now + life.saturating_sub(margin) })
}

fn signed(mut request: Request<Bytes>, token: &HeaderValue) -> Request<Bytes> {
    request.headers_mut().insert(AUTHORIZATION, token.clone());
    request
}

fn copy(request: &Request<Bytes>) -> Request<Bytes> {
    let mut copy = Request::new(request.body().clone());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}
