//! How many defects there are, in a tracker or in the relay's own memory: counted at most
//! once a minute, and never forgotten while they cannot be counted.

mod memory;
mod tracker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::config::{CountedIn, DefectKpis, DestinationSpec, PROJECT_MARK, Remembered, Snapshot};
use crate::domain::defects::Counts;
use crate::domain::time::Timestamp;
use crate::store::Figures as Kept;

use super::asking::Failure;
use super::{Relay, Shared};

/// How long somebody who asks waits for new counts.
const PATIENCE: Duration = Duration::from_secs(5);
/// A tracker's counts at most this many times as old as they may be are given at once, and
/// counted anew meanwhile.
const STALE_TIMES: u32 = 10;
/// How long what could not be counted is left alone.
const REST: Duration = Duration::from_secs(10);
/// The most different questions whose counts are at hand.
const QUESTIONS_MAX: usize = 1000;

/// Counts as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The counts.
    pub counts: Counts,
    /// How old they are.
    pub age: Duration,
    /// Why there are no newer ones, if counting failed since.
    pub failed: Option<String>,
}

/// The questions asked so far with what is known of each. Whoever asks the same shares the
/// answer.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    entries: Mutex<HashMap<String, Arc<watch::Sender<Entry>>>>,
}

/// What is counted where.
enum Question {
    /// How many issues each of these queries finds in a tracker.
    Tracker { spec: Arc<DestinationSpec>, page: Option<String>, queries: [String; 5] },
    /// How many defects of a project are remembered.
    Memory { kept: Arc<Remembered>, project: String },
}

#[derive(Debug, Clone, Default)]
struct Entry {
    /// The last counts, and when they were counted.
    known: Option<Kept>,
    /// Whether those of before the start were looked for.
    recalled: bool,
    /// Why the last try failed, and until when it is not tried again.
    failed: Option<(String, Duration)>,
    /// Whether it is being counted.
    running: bool,
}

impl Entry {
    /// How old the last counts are; `None` without any, and when the clock was set back
    /// since, so that it cannot be told.
    fn age(&self, now: Timestamp) -> Option<Duration> {
        self.known.filter(|known| known.at <= now).map(|known| now.since(known.at))
    }

    fn figures(&self, now: Timestamp) -> Result<Figures, String> {
        let why = self.failed.as_ref().map(|(why, _)| why.clone());
        match self.known {
            Some(known) => Ok(Figures { counts: known.counts, age: now.since(known.at), failed: why }),
            None => Err(why.unwrap_or_else(|| "there is no answer yet".to_owned())),
        }
    }
}

impl Counter {
    fn entry(&self, question: &str) -> Arc<watch::Sender<Entry>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= QUESTIONS_MAX && !entries.contains_key(question) {
            entries.clear();
        }
        entries.entry(question.to_owned()).or_insert_with(|| Arc::new(watch::Sender::new(Entry::default()))).clone()
    }
}

impl Question {
    fn of(snapshot: &Snapshot, kpis: &DefectKpis, project: &str) -> Result<Self, String> {
        match &kpis.from {
            CountedIn::Memory(kept) => Ok(Self::Memory { kept: kept.clone(), project: project.to_owned() }),
            CountedIn::Tracker { destination, queries } => {
                let spec = snapshot.destinations.get(destination).cloned();
                let Some((spec, own)) = spec.and_then(|spec| Some((spec.clone(), spec.adapter.defect_queries()?)))
                else {
                    return Err(format!("there is no tracker '{destination}' to be asked"));
                };
                let queries = tracker::queries_of(queries, &own, project);
                Ok(Self::Tracker { spec, page: own.page, queries })
            }
        }
    }

    /// The same for the same question, also after a restart.
    fn key(&self) -> String {
        let text = match self {
            Self::Tracker { spec, page, queries } => format!("tracker {} {page:?} {queries:?}", spec.name),
            Self::Memory { kept, project } => format!("memory {project:?} {kept:?}"),
        };
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Where it is counted, for people.
    fn place(&self) -> &str {
        match self {
            Self::Tracker { spec, .. } => &spec.name,
            Self::Memory { .. } => "memory",
        }
    }

    async fn count(&self, shared: &Shared) -> Result<Counts, Failure> {
        match self {
            Self::Tracker { spec, queries, .. } => tracker::count_all(shared, spec, queries).await,
            Self::Memory { kept, project } => {
                memory::count(&*shared.ledger, kept, project).await.map_err(|error| (error.to_string(), None))
            }
        }
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
        let question = Question::of(&shared.current.load(), kpis, project)?;
        let key = question.key();
        let entry = shared.counter.entry(&key);
        recall(shared, &key, &entry).await;
        let mut news = entry.subscribe();
        let now = shared.clock.now();
        let known = entry.borrow().clone();
        let age = known.age(now);
        if age.is_some_and(|age| age <= kpis.fresh) {
            return known.figures(now);
        }
        let rests = known.failed.as_ref().is_some_and(|(_, until)| shared.clock.elapsed() < *until);
        if !rests && begin(&entry) {
            shared.tasks.spawn(count(self.shared.clone(), question, key, entry.clone()));
        }
        let stale = match kpis.from {
            CountedIn::Tracker { .. } => kpis.fresh * STALE_TIMES,
            CountedIn::Memory(_) => kpis.fresh,
        };
        if age.is_none_or(|age| age > stale) {
            tokio::select! {
                waited = news.wait_for(|entry| !entry.running) => drop(waited),
                () = shared.clock.sleep(PATIENCE) => {}
            }
        }
        let latest = entry.borrow().clone();
        latest.figures(shared.clock.now())
    }
}

/// Takes up what was counted before the relay was started.
async fn recall(shared: &Shared, key: &str, entry: &watch::Sender<Entry>) {
    if entry.borrow().recalled {
        return;
    }
    match shared.ledger.figures(key).await {
        Ok(kept) => entry.send_modify(|entry| {
            entry.known = entry.known.or(kept);
            entry.recalled = true;
        }),
        Err(error) => tracing::warn!(%error, "the last known defect figures cannot be read"),
    }
}

/// Takes it upon the caller to count; `false` when somebody does already.
fn begin(entry: &watch::Sender<Entry>) -> bool {
    entry.send_if_modified(|entry| !std::mem::replace(&mut entry.running, true))
}

/// The page of the critical defects of `project`: the one configured, else the tracker's.
#[must_use]
pub fn critical_page(snapshot: &Snapshot, kpis: &DefectKpis, project: &str) -> Option<String> {
    if let Some(link) = &kpis.link {
        return Some(link.replace(PROJECT_MARK, &percent(project)));
    }
    let Question::Tracker { page, queries: [_, _, _, critical, _], .. } = Question::of(snapshot, kpis, project).ok()?
    else {
        return None;
    };
    Some(format!("{}{}", page?, percent(&critical)))
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
async fn count(shared: Arc<Shared>, question: Question, key: String, entry: Arc<watch::Sender<Entry>>) {
    let ends = Ends(entry);
    match question.count(&shared).await {
        Ok(counts) => {
            let known = Kept { counts, at: shared.clock.now() };
            ends.0.send_modify(|entry| {
                *entry = Entry { known: Some(known), recalled: true, failed: None, running: true };
            });
            if let Err(error) = shared.store.keep_figures(&key, &known).await {
                tracing::warn!(%error, "the defect figures are known, but would not survive a restart");
            }
        }
        Err((why, after)) => {
            tracing::warn!(
                from = question.place(),
                why,
                "the defects could not be counted; the last known counts are given"
            );
            let until = shared.clock.elapsed() + after.unwrap_or_default().max(REST);
            ends.0.send_modify(|entry| entry.failed = Some((why, until)));
        }
    }
}
