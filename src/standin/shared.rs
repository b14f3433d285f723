//! What the tasks of one stand-in share: the script, and what it accepted and refused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::{Fault, Received};

/// How many messages and refusals are kept; the oldest go first.
const KEPT_MAX: usize = 10_000;

/// How many messages a slow subscriber may be behind.
const BEHIND_MAX: usize = 1_024;

/// The shared state.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    news: broadcast::Sender<Received>,
}

#[derive(Debug, Default)]
struct State {
    received: VecDeque<Received>,
    refused: VecDeque<String>,
    /// How many were accepted of each kind.
    accepted: BTreeMap<&'static str, usize>,
    requests: usize,
    script: VecDeque<Fault>,
    always: Option<Fault>,
    pace: Option<Duration>,
    search_lag: Duration,
    last: Option<Instant>,
    generation: usize,
    tokens: usize,
    /// What an API tells, by path, in the order in which it came to know it.
    things: Vec<(String, Value)>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { state: Mutex::default(), news: broadcast::Sender::new(BEHIND_MAX) }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn script(&self, faults: Vec<Fault>) {
        self.state().script.extend(faults);
    }

    pub(super) fn always(&self, fault: Option<Fault>) {
        self.state().always = fault;
    }

    pub(super) fn pace(&self, pace: Option<Duration>) {
        self.state().pace = pace;
    }

    pub(super) fn search_lags(&self, lag: Duration) {
        self.state().search_lag = lag;
    }

    /// How long the search does not show what was accepted.
    pub(super) fn search_lag(&self) -> Duration {
        self.state().search_lag
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.state().received.iter().cloned().collect()
    }

    pub(super) fn refused(&self) -> Vec<String> {
        self.state().refused.iter().cloned().collect()
    }

    pub(super) fn requests(&self) -> usize {
        self.state().requests
    }

    /// Which tokens are good: those of this generation.
    pub(super) fn generation(&self) -> usize {
        self.state().generation
    }

    /// A token was given.
    pub(super) fn granted(&self) {
        self.state().tokens += 1;
    }

    pub(super) fn tokens(&self) -> usize {
        self.state().tokens
    }

    pub(super) fn forget_tokens(&self) {
        self.state().generation += 1;
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Received> {
        self.news.subscribe()
    }

    /// Whether the next connection is to be cut at once; uses that fault up.
    pub(super) fn cut_at_once(&self) -> bool {
        let mut state = self.state();
        let cut = match state.script.front() {
            Some(next) => *next == Fault::ResetBeforeRead,
            None => return state.always == Some(Fault::ResetBeforeRead),
        };
        if cut {
            state.script.pop_front();
        }
        cut
    }

    /// The fault for a request that has been read; uses it up.
    pub(super) fn next_fault(&self) -> Option<Fault> {
        let mut state = self.state();
        state.requests += 1;
        state.script.pop_front().or_else(|| state.always.clone())
    }

    /// How long the sender must wait when it sends faster than the vendor allows.
    pub(super) fn too_fast(&self) -> Option<Duration> {
        let mut state = self.state();
        let pace = state.pace?;
        let now = Instant::now();
        let wait = state.last.and_then(|last| (last + pace).checked_duration_since(now)).filter(|wait| !wait.is_zero());
        if wait.is_none() {
            state.last = Some(now);
        }
        wait
    }

    /// Records a message and tells the subscribers; gives its place among those of its kind.
    /// `draw` makes the picture, given that place.
    pub(super) fn accept(
        &self,
        kind: &'static str,
        body: Value,
        headers: HeaderMap,
        draw: impl FnOnce(usize, &Value) -> String,
    ) -> usize {
        let mut state = self.state();
        let count = state.accepted.entry(kind).or_default();
        let at_order = *count;
        *count += 1;
        let as_text = draw(at_order, &body);
        let received = Received { at_order, kind, body, headers, at: Instant::now(), as_text };
        keep(&mut state.received, received.clone());
        // Sent under the lock, so that subscribers see the order of arrival. Nobody need listen.
        self.news.send(received).map_or(at_order, |_| at_order)
    }

    /// Records why a message was refused, and gives the answer back.
    pub(super) fn refuse(&self, answer: Response, why: &str) -> Response {
        keep(&mut self.state().refused, why.to_owned());
        answer
    }

    pub(super) fn knows(&self, path: &str, thing: Option<Value>) {
        let things = &mut self.state().things;
        let place = things.iter().position(|(known, _)| known == path);
        match (place, thing) {
            (Some(place), Some(thing)) => things[place].1 = thing,
            (Some(place), None) => drop(things.remove(place)),
            (None, Some(thing)) => things.push((path.to_owned(), thing)),
            (None, None) => {}
        }
    }

    /// What stands at `path`.
    pub(super) fn thing(&self, path: &str) -> Option<Value> {
        self.state().things.iter().find(|(known, _)| known == path).map(|(_, thing)| thing.clone())
    }

    /// What stands directly below `path`, which ends in a slash.
    pub(super) fn things(&self, path: &str) -> Vec<Value> {
        let state = self.state();
        let below = |known: &str| known.strip_prefix(path).is_some_and(|rest| !rest.contains('/'));
        state.things.iter().filter(|(known, _)| below(known)).map(|(_, thing)| thing.clone()).collect()
    }

    /// The first accepted message for which `is` holds.
    pub(super) fn find<T>(&self, is: impl Fn(&Received) -> Option<T>) -> Option<T> {
        self.state().received.iter().find_map(is)
    }
}

fn keep<T>(kept: &mut VecDeque<T>, item: T) {
    if kept.len() == KEPT_MAX {
        kept.pop_front();
    }
    kept.push_back(item);
}

/// Whether the request says that its body is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
