//! What is known of one sender's API: its pace and pauses, the access token, late answers.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Request};
use tokio::sync::Semaphore;

use crate::config::ApiSpec;
use crate::domain::ask::{Answer, Ask, Reply};
use crate::domain::time::Timestamp;
use crate::relay::Shared;
use crate::relay::gate::Pace;
use crate::source::Lasting;

/// How many conversations with one API go on at a time.
const TALKS_MAX: usize = 4;
/// How long an answer serves other events of the subject that came before it was asked for.
const ANSWER_KEPT: Duration = Duration::from_secs(60);
/// How long an answer that stays true serves every event.
const LASTING_KEPT: Duration = Duration::from_secs(3600);
/// The most answers that are kept.
const ANSWERS_MAX: usize = 512;
/// The longest answer that is kept, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How often the same complaint about an API is logged.
const COMPLAINT_EVERY: Duration = Duration::from_secs(60);
/// The longest pause that an API can ask for.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// One sender's API.
pub(super) struct Desk {
    pub(super) talks: Semaphore,
    pub(super) token: tokio::sync::Mutex<Option<Token>>,
    pace: Mutex<Pace>,
    paused_until: Mutex<Duration>,
    complained: Mutex<Option<Duration>>,
    answers: Mutex<HashMap<String, Kept>>,
}

/// An access token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) value: http::HeaderValue,
    /// When it must be renewed, by `Clock::elapsed`.
    pub(super) until: Duration,
}

/// An answer that may serve again.
struct Kept {
    reply: Reply,
    asked: Timestamp,
    at: Duration,
    lasting: bool,
}

fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an ask is recognised by, if its answer may serve again.
pub(super) fn key(request: &Request<bytes::Bytes>) -> Option<String> {
    (request.method() == Method::GET).then(|| request.uri().to_string())
}

impl Desk {
    pub(super) fn new(shared: &Shared, api: &ApiSpec) -> Self {
        Self {
            talks: Semaphore::new(TALKS_MAX),
            token: tokio::sync::Mutex::default(),
            pace: Mutex::new(Pace::new(shared.clock.clone(), api.limit)),
            paused_until: Mutex::default(),
            complained: Mutex::default(),
            answers: Mutex::default(),
        }
    }

    /// Obeys a changed configuration: what was found out with the old one is forgotten, but
    /// for a pause that the API has asked for.
    pub(super) fn renew(&self, api: &ApiSpec) {
        open(&self.pace).set(api.limit);
        open(&self.answers).clear();
        *open(&self.complained) = None;
        if let Ok(mut token) = self.token.try_lock() {
            *token = None;
        }
    }

    /// Nothing is asked for `time`.
    pub(super) fn pause(&self, now: Duration, time: Duration) {
        let mut until = open(&self.paused_until);
        *until = (*until).max(now + time.min(PAUSE_MAX));
    }

    /// How long nothing is asked.
    pub(super) fn paused(&self, now: Duration) -> Duration {
        open(&self.paused_until).saturating_sub(now)
    }

    /// Waits until one more may be asked.
    pub(super) async fn turn(&self, shared: &Shared) {
        loop {
            let now = shared.clock.elapsed();
            let wait = match self.paused(now) {
                Duration::ZERO => {
                    let step = open(&self.pace).step();
                    match step {
                        Ok(()) => return,
                        Err(wait) => wait,
                    }
                }
                pause => pause,
            };
            shared.clock.sleep(wait.max(Duration::from_millis(1))).await;
        }
    }

    /// Whether a complaint is news: it was not made within the last minute.
    pub(super) fn complains(&self, now: Duration) -> bool {
        let mut complained = open(&self.complained);
        let news = complained.is_none_or(|last| now >= last + COMPLAINT_EVERY);
        if news {
            *complained = Some(now);
        }
        news
    }

    /// An answer to `ask` that is still true for an event received at `received`.
    pub(super) fn known(&self, ask: &Ask, received: Timestamp, now: Duration) -> Option<Answer> {
        let answers = open(&self.answers);
        let kept = answers.get(&key(&ask.request)?)?;
        let fresh = if kept.lasting {
            now < kept.at + LASTING_KEPT
        } else {
            now < kept.at + ANSWER_KEPT && kept.asked >= received
        };
        fresh.then(|| Answer::Replied(kept.reply.clone()))
    }

    /// Keeps an answer that says what is or that there is nothing.
    pub(super) fn keep(
        &self,
        key: Option<String>,
        lasting: Option<Lasting>,
        asked: Timestamp,
        now: Duration,
        reply: &Reply,
    ) {
        let Some(key) = key else { return };
        let tells = (200..300).contains(&reply.status) || reply.status == 404;
        if !tells || reply.body.len() > ANSWER_BYTES_MAX {
            return;
        }
        let mut answers = open(&self.answers);
        if answers.len() >= ANSWERS_MAX {
            answers.retain(|_, kept| now < kept.at + if kept.lasting { LASTING_KEPT } else { ANSWER_KEPT });
        }
        if answers.len() < ANSWERS_MAX || answers.contains_key(&key) {
            answers.insert(key, Kept { reply: reply.clone(), asked, at: now, lasting: lasting.is_some() });
        }
    }
}
