//! What the relay reports of itself, as events that rules can use.
//!
//! A loop cannot come of it: what such an event or a delivery of it meets is never reported
//! again, but for a destination that is held, once each time.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::Name;
use crate::domain::delivery::Job;
use crate::domain::ids::EventId;
use crate::source::own::{NAME, Notice};
use crate::source::prove;

use super::Relay;

/// The most notices that wait to be told; more are only logged.
const WAITING_MAX: usize = 1024;
/// How long dead letters of one destination are counted before they are told together.
const TOGETHER: Duration = Duration::from_secs(60);
/// How long events of one source that no rule could judge are counted before they are told
/// together: a sender that broke would tell of each of its webhooks.
const QUARANTINED_TOGETHER: Duration = Duration::from_secs(3600);

/// What happened to the relay itself.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A delivery failed for good.
    Dead {
        /// Its event.
        event: EventId,
        /// What is told, without what the event says.
        notice: Notice,
    },
    /// Anything else.
    Other(Notice),
}

/// Where the parts of the relay tell what happened.
#[derive(Debug, Clone)]
pub(crate) struct Notices(mpsc::Sender<Happening>);

/// What was told and not yet reported.
pub(super) type Told = mpsc::Receiver<Happening>;

impl Notices {
    /// A place to tell, and what is told there.
    pub(super) fn open() -> (Self, Told) {
        let (tell, told) = mpsc::channel(WAITING_MAX);
        (Self(tell), told)
    }

    /// Tells `notice`. Never waits.
    pub(super) fn tell(&self, notice: Notice) {
        self.send(Happening::Other(notice));
    }

    /// Tells that `job` failed for good because of `why`.
    pub(super) fn dead(&self, job: &Job, why: &str) {
        let notice = Notice::DeadLetter {
            destination: job.destination.to_string(),
            rule: job.rule.to_string(),
            delivery: job.id.to_string(),
            why: why.to_owned(),
            project: None,
            about: None,
            count: 1,
        };
        self.send(Happening::Dead { event: job.event, notice });
    }

    /// Tells that `event` of `source` was kept, and that no rule could judge it because of `why`.
    pub(super) fn quarantined(&self, source: &Name, event: EventId, why: String) {
        // Telling of one of the relay's own would raise the next.
        if **source != *NAME {
            self.tell(Notice::Quarantined { source: source.to_string(), event: event.to_string(), why, count: 1 });
        }
    }

    fn send(&self, happening: Happening) {
        if let Err(error) = self.0.try_send(happening) {
            tracing::warn!(%error, "too much happens at once: this is logged and shown, but raises no event");
        }
    }
}

/// Notices of one kind about one destination or source, which are told together.
struct Gathered {
    /// How long after one the next may be told.
    pause: Duration,
    /// When that is.
    not_before: Duration,
    /// Those that wait for it.
    waiting: Option<Notice>,
}

/// What is told together, by what it is about.
type Together = HashMap<(&'static str, String), Gathered>;

/// Reports what is told until the relay stops.
pub(super) async fn run(relay: Relay, mut told: Told) {
    let mut together = Together::new();
    loop {
        let clock = relay.shared.clock.clone();
        let next = together.values().filter(|one| one.waiting.is_some()).map(|one| one.not_before).min();
        let pause = next.map_or(TOGETHER, |at| at.saturating_sub(clock.elapsed()));
        tokio::select! {
            () = relay.shared.stop.cancelled() => return,
            happening = told.recv() => match happening {
                None => return,
                Some(Happening::Other(notice)) => {
                    if let Some(notice) = gather(&mut together, notice) {
                        relay.raise(&notice).await;
                    }
                }
                Some(Happening::Dead { event, notice }) => {
                    if let Some(notice) = relay.of_event(event, notice).await {
                        gather(&mut together, notice);
                    }
                }
            },
            () = clock.sleep(pause) => {}
        }
        let now = clock.elapsed();
        for one in together.values_mut().filter(|one| one.not_before <= now) {
            if let Some(notice) = one.waiting.take() {
                one.not_before = now + one.pause;
                relay.raise(&notice).await;
            }
        }
        together.retain(|_, one| one.waiting.is_some() || one.not_before > now);
    }
}

/// Puts a notice to those it is told together with; gives back one that is told by itself.
fn gather(together: &mut Together, notice: Notice) -> Option<Notice> {
    let (of, pause) = match &notice {
        Notice::DeadLetter { destination, .. } => (("destination", destination.clone()), TOGETHER),
        Notice::Quarantined { source, .. } => (("source", source.clone()), QUARANTINED_TOGETHER),
        Notice::Silent { .. } | Notice::ConfigRejected { .. } | Notice::DestinationHeld { .. } => return Some(notice),
    };
    let one = together.entry(of).or_insert(Gathered { pause, not_before: Duration::ZERO, waiting: None });
    match &mut one.waiting {
        Some(Notice::DeadLetter { count, .. } | Notice::Quarantined { count, .. }) => *count += 1,
        waiting => *waiting = Some(notice),
    }
    None
}

impl Relay {
    /// Adds to the notice of a dead letter what its event says; `None` when that was an event
    /// of the relay itself.
    async fn of_event(&self, event: EventId, mut notice: Notice) -> Option<Notice> {
        let record = match self.shared.ledger.event(event).await {
            Ok(record) => record,
            Err(error) => {
                tracing::warn!(event.id = %event, %error, "the event of a dead letter could not be read");
                None
            }
        };
        if record.as_ref().is_some_and(|record| record.source == NAME) {
            return None;
        }
        if let (Notice::DeadLetter { project, about, .. }, Some(record)) = (&mut notice, record) {
            (*project, *about) = (record.project, record.subject);
        }
        Some(notice)
    }

    /// Takes in `notice` as an event of the relay itself.
    async fn raise(&self, notice: &Notice) {
        let now = self.shared.clock.now();
        let snapshot = self.shared.current.load_full();
        let Some(spec) = snapshot.sources.get(NAME) else { return };
        let read = prove(spec.adapter.as_ref(), notice.hook(now), now).map_err(|refusal| refusal.to_string()).and_then(
            |verified| {
                let reports = spec.adapter.normalise(&verified).map_err(|malformed| malformed.why)?;
                Ok((verified, reports))
            },
        );
        let (verified, reports) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(error, ?notice, "an event of the relay itself could not be made, because of a bug");
                return;
            }
        };
        for report in reports {
            if let Err(error) = self.plan_and_commit(spec, report, &verified).await {
                tracing::error!(%error, ?notice, "an event of the relay itself could not be written down");
            }
        }
    }
}
