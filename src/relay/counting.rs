//! How many defects a tracker has: asked at most once a minute, and never forgotten while
//! the tracker does not answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::config::{DefectKpis, DestinationSpec, PROJECT_MARK};
use crate::destination::{ANSWER_BYTES_MAX, ASKS_MAX, Answer, Counting, DefectQueries, Reply};
use crate::domain::defects::Counts;
use crate::ports::Route;

use super::{Relay, Shared};

/// How long somebody who asks waits for new counts.
const PATIENCE: Duration = Duration::from_secs(5);
/// Counts at most this many times as old as they may be are given at once, and counted anew
/// meanwhile.
const STALE_TIMES: u32 = 10;
/// How long a tracker that failed is left alone.
const REST: Duration = Duration::from_secs(10);
/// The most different questions whose counts are kept.
const QUESTIONS_MAX: usize = 1000;

/// Counts as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The counts.
    pub counts: Counts,
    /// How old they are.
    pub age: Duration,
    /// Why there are no newer ones, if the tracker failed since.
    pub failed: Option<String>,
}

/// The questions asked so far with what is known of each.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    entries: Mutex<HashMap<Question, Arc<watch::Sender<Entry>>>>,
}

/// What is counted where. Whoever asks the same shares the answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    destination: crate::domain::Name,
    queries: [String; 5],
}

#[derive(Debug, Clone, Default)]
struct Entry {
    /// The last counts, and when they were counted.
    known: Option<(Counts, Duration)>,
    /// Why the last try failed, and until when it is not tried again.
    failed: Option<(String, Duration)>,
    /// Whether it is being counted.
    running: bool,
}

impl Entry {
    fn figures(&self, now: Duration) -> Result<Figures, String> {
        let why = self.failed.as_ref().map(|(why, _)| why.clone());
        match self.known {
            Some((counts, at)) => Ok(Figures { counts, age: now.saturating_sub(at), failed: why }),
            None => Err(why.unwrap_or_else(|| "the tracker has not answered yet".to_owned())),
        }
    }
}

impl Counter {
    fn entry(&self, question: &Question) -> Arc<watch::Sender<Entry>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= QUESTIONS_MAX && !entries.contains_key(question) {
            entries.clear();
        }
        entries.entry(question.clone()).or_insert_with(|| Arc::new(watch::Sender::new(Entry::default()))).clone()
    }
}

impl Relay {
    /// How many defects `project` has by `kpis`: fresh counts, or the last known ones with
    /// their age.
    ///
    /// # Errors
    /// Why nothing has ever been known, for people.
    pub async fn figures(&self, kpis: &DefectKpis, project: &str) -> Result<Figures, String> {
        let shared = &self.shared;
        let snapshot = shared.current.load_full();
        let spec = snapshot.destinations.get(&kpis.from).cloned();
        let Some((spec, own)) = spec.and_then(|spec| Some((spec.clone(), spec.adapter.defect_queries()?))) else {
            return Err(format!("there is no tracker '{}' to be asked", kpis.from));
        };
        let question = Question { destination: spec.name.clone(), queries: queries_of(kpis, &own, project) };
        let entry = shared.counter.entry(&question);
        let mut news = entry.subscribe();
        let now = shared.clock.elapsed();
        let known = entry.borrow().clone();
        let age = known.known.map(|(_, at)| now.saturating_sub(at));
        if age.is_some_and(|age| age <= kpis.fresh) {
            return known.figures(now);
        }
        let rests = known.failed.as_ref().is_some_and(|(_, until)| now < *until);
        if !rests && begin(&entry) {
            shared.tasks.spawn(count_all(self.shared.clone(), spec, question, entry.clone()));
        }
        if age.is_none_or(|age| age > kpis.fresh * STALE_TIMES) {
            tokio::select! {
                waited = news.wait_for(|entry| !entry.running) => drop(waited),
                () = shared.clock.sleep(PATIENCE) => {}
            }
        }
        let now = shared.clock.elapsed();
        let latest = entry.borrow().clone();
        latest.figures(now)
    }
}

/// Takes it upon the caller to count; `false` when somebody does already.
fn begin(entry: &watch::Sender<Entry>) -> bool {
    entry.send_if_modified(|entry| !std::mem::replace(&mut entry.running, true))
}

/// The queries for `project`: those configured, else the tracker's own.
fn queries_of(kpis: &DefectKpis, own: &DefectQueries, project: &str) -> [String; 5] {
    let within = project.replace('\\', "\\\\").replace('"', "\\\"");
    let mut queries = own.queries.clone();
    for (query, configured) in queries.iter_mut().zip(&kpis.queries) {
        if let Some(configured) = configured {
            *query = configured.replace(PROJECT_MARK, &within);
        }
    }
    queries
}

/// The page of the critical defects of `project`: the one configured, else the tracker's.
#[must_use]
pub fn critical_page(kpis: &DefectKpis, spec: &DestinationSpec, project: &str) -> Option<String> {
    if let Some(link) = &kpis.link {
        return Some(link.replace(PROJECT_MARK, &percent(project)));
    }
    let own = spec.adapter.defect_queries()?;
    let [_, _, _, critical, _] = queries_of(kpis, &own, project);
    Some(format!("{}{}", own.page?, percent(&critical)))
}

/// `text` as a part of an address.
fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Ends a count however it ends.
struct Ends(Arc<watch::Sender<Entry>>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.send_modify(|entry| entry.running = false);
    }
}

/// Counts what `question` asks for, and keeps it.
async fn count_all(
    shared: Arc<Shared>,
    spec: Arc<DestinationSpec>,
    question: Question,
    entry: Arc<watch::Sender<Entry>>,
) {
    let ends = Ends(entry);
    let mut numbers = Vec::new();
    let mut failure = None;
    for query in &question.queries {
        match count(&shared, &spec, query).await {
            Ok(number) => numbers.push(number),
            Err(why) => {
                failure = Some(why);
                break;
            }
        }
    }
    let now = shared.clock.elapsed();
    let counts = Counts::from_numbers(&numbers);
    ends.0.send_modify(|entry| match (counts, failure) {
        (Some(counts), None) => *entry = Entry { known: Some((counts, now)), failed: None, running: true },
        (_, failure) => {
            let (why, after) = failure.unwrap_or_default();
            tracing::warn!(
                destination = &*spec.name,
                why,
                "the defects could not be counted; the last known counts are given"
            );
            entry.failed = Some((why, now + after.unwrap_or_default().max(REST)));
        }
    });
}

/// Asks what the adapter wants asked until it knows how many `query` finds.
async fn count(shared: &Shared, spec: &DestinationSpec, query: &str) -> Result<u64, (String, Option<Duration>)> {
    let route = Route { timeout: spec.timeout, proxy: spec.proxy.clone(), answer_bytes_max: ANSWER_BYTES_MAX };
    let scrub = |why: &str| shared.current.load().scrubber.scrub(why);
    let mut answers = Vec::new();
    while answers.len() < ASKS_MAX {
        let ask = match spec.adapter.count(query, &answers) {
            Some(Counting::Counted(count)) => return Ok(count),
            Some(Counting::Failed { why, after }) => return Err((scrub(&why), after)),
            Some(Counting::Ask(ask)) => ask,
            None => return Err((format!("'{}' cannot count", spec.name), None)),
        };
        answers.push(match shared.exchange.exchange(ask.request, &route).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let (status, at) = (parts.status.as_u16(), shared.clock.now());
                Answer::Replied(Reply { status, headers: parts.headers, body, at })
            }
            Err(lost) => Answer::Lost(lost),
        });
    }
    Err((format!("no end after {ASKS_MAX} requests"), None))
}
