//! What arrives, kept for a moment for whoever looks on: a sender is being set up.
//!
//! Nothing is kept while nobody looks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::Notify;

use crate::config::Scrubber;
use crate::domain::ids::EventId;
use crate::domain::time::Timestamp;
use crate::ports::Clock;

/// How long somebody is taken to look on after they last asked.
const LOOKS_ON: Duration = Duration::from_secs(60);
/// How long a question waits for something to arrive.
const WAIT: Duration = Duration::from_secs(20);
/// How many arrivals are kept.
const KEPT_MAX: usize = 64;
/// Headers whose names have one of these in them are not shown.
const SECRET_NAMES: [&str; 7] = ["authorization", "cookie", "secret", "token", "signature", "password", "api-key"];

/// Something that arrived.
#[derive(Debug, Clone)]
pub struct Captured {
    /// Counts up from 1.
    pub number: u64,
    /// The source it was for.
    pub source: String,
    /// When.
    pub at: Timestamp,
    /// Who sent it.
    pub caller: String,
    /// The method, and the path below the source's address.
    pub line: (String, String),
    /// The headers, without secrets.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte; empty where it was not read.
    pub body: Bytes,
    /// The status of the answer.
    pub status: u16,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
    /// What it turned out to be, as far as that came out before it was answered.
    pub became: Option<Became>,
}

impl Captured {
    /// The event it became.
    #[must_use]
    pub fn event(&self) -> Option<EventId> {
        match self.became {
            Some(Became::Event(id)) => Some(id),
            _ => None,
        }
    }
}

/// What something that arrived turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// A webhook: this event.
    Event(EventId),
    /// A webhook that is no event: a ping, or what the source's mapping leaves out.
    NoEvent,
    /// No webhook: its sender asks something.
    Question,
    /// No webhook: its sender asks whether it may send any.
    Handshake,
}

impl Became {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::NoEvent => "no_event",
            Self::Question => "question",
            Self::Handshake => "handshake",
        }
    }
}

/// What arrived lately, and who looks on.
#[derive(Debug, Default)]
pub struct Captures {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Until when somebody looks on at a source, by the clock that never jumps.
    looking: BTreeMap<String, Duration>,
    kept: VecDeque<Arc<Captured>>,
    number: u64,
}

impl Captures {
    fn open(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody looks on at `source`.
    #[must_use]
    pub fn is_watched(&self, source: &str, clock: &dyn Clock) -> bool {
        let state = self.open();
        !state.looking.is_empty() && state.looking.get(source).is_some_and(|until| *until > clock.elapsed())
    }

    /// Keeps what arrived.
    pub fn keep(&self, mut captured: Captured) {
        let mut state = self.open();
        state.number += 1;
        captured.number = state.number;
        state.kept.push_back(Arc::new(captured));
        if state.kept.len() > KEPT_MAX {
            state.kept.pop_front();
        }
        drop(state);
        self.arrived.notify_waiters();
    }

    /// What arrived for `source` after the arrival `after`, waiting a while for it; and the
    /// number to ask for next. Without `after`, only what arrives from now on.
    pub async fn look(&self, source: &str, after: Option<u64>, clock: &dyn Clock) -> (u64, Vec<Arc<Captured>>) {
        let end = clock.elapsed() + WAIT;
        let after = {
            let mut state = self.open();
            let now = clock.elapsed();
            state.looking.retain(|_, until| *until > now);
            state.looking.insert(source.to_owned(), now + WAIT + LOOKS_ON);
            after.unwrap_or(state.number)
        };
        loop {
            // Registered before looking, so that nothing is missed.
            let arrived = self.arrived.notified();
            let mut arrived = std::pin::pin!(arrived);
            arrived.as_mut().enable();
            {
                let state = self.open();
                let found = state.kept.iter().filter(|one| one.number > after && one.source == source);
                let found: Vec<_> = found.cloned().collect();
                if !found.is_empty() || clock.elapsed() >= end {
                    return (found.last().map_or(after, |last| last.number), found);
                }
            }
            tokio::select! {
                () = arrived => {}
                () = clock.sleep(end.saturating_sub(clock.elapsed())) => {}
            }
        }
    }
}

/// `headers` as they may be shown.
#[must_use]
pub fn shown(headers: &HeaderMap, scrubber: &Scrubber) -> Vec<(String, String)> {
    let told = |name: &str, value: &[u8]| {
        if SECRET_NAMES.iter().any(|secret| name.contains(secret)) {
            return "(hidden)".to_owned();
        }
        scrubber.scrub(&String::from_utf8_lossy(value))
    };
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), told(name.as_str(), value.as_bytes()))).collect()
}
