//! Notices when nothing comes any more from a source that is expected to send.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::domain::Name;
use crate::domain::time::Timestamp;
use crate::source::own::Notice;

use super::Relay;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(30);

/// A source, or one of its projects.
type Whose = (Name, Option<String>);

/// When the last event of each source and project was received that is kept.
type Last = BTreeMap<Whose, Timestamp>;

/// Looks until the relay stops.
pub(super) async fn run(relay: Relay) {
    let began = relay.shared.clock.now();
    let mut before: Option<Last> = None;
    let mut told: HashSet<(Whose, Timestamp)> = HashSet::new();
    loop {
        let snapshot = relay.shared.current.load_full();
        let expecting = snapshot.sources.values().any(|spec| !spec.expect_every.is_empty());
        if expecting && before.is_none() {
            before = relay.kept().await;
        }
        if let (true, Some(before)) = (expecting, &before) {
            let now = relay.shared.clock.now();
            let mut silent = HashSet::new();
            for spec in snapshot.sources.values() {
                for (project, expected) in &spec.expect_every {
                    let whose = (spec.name.clone(), project.clone());
                    let came = relay.shared.books.last(&spec.name, project.as_deref());
                    let since = came.into_iter().chain(before.get(&whose).copied()).max().unwrap_or(began);
                    if now.since(since) <= *expected {
                        continue;
                    }
                    if !told.contains(&(whose.clone(), since)) {
                        let (source, project) = (spec.name.to_string(), project.clone());
                        tracing::warn!(source, project, %since, "nothing comes any more from a source");
                        relay.shared.notices.tell(Notice::Silent { source, project, since, expected: *expected });
                    }
                    silent.insert((whose, since));
                }
            }
            told = silent;
        }
        tokio::select! {
            () = relay.shared.stop.cancelled() => return,
            () = relay.shared.clock.sleep(EVERY) => {}
        }
    }
}

impl Relay {
    /// When the last event of each source and project came, by the store.
    async fn kept(&self) -> Option<Last> {
        let tallies = match self.shared.ledger.tallies().await {
            Ok(tallies) => tallies,
            Err(error) => {
                tracing::warn!(%error, "it is not known yet when events came last");
                return None;
            }
        };
        let mut last = Last::new();
        for tally in tallies {
            let source: Name = tally.source.into();
            for whose in [(source.clone(), None), (source, tally.project)] {
                let at = last.entry(whose).or_insert(tally.last);
                *at = tally.last.max(*at);
            }
        }
        Some(last)
    }
}
