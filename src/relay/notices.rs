//! What the relay reports of itself, as events that rules can use.
//!
//! A loop cannot come of it: what a delivery of such an event meets is never reported
//! again, but for a destination that is held, once each time.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::delivery::Job;
use crate::domain::ids::EventId;
use crate::source::own::{NAME, Notice};
use crate::source::prove;

use super::Relay;

/// The most notices that wait to be told; more are only logged.
const WAITING_MAX: usize = 1024;
/// How long dead letters of one destination are counted before they are told together.
const TOGETHER: Duration = Duration::from_secs(60);

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

    fn send(&self, happening: Happening) {
        if let Err(error) = self.0.try_send(happening) {
            tracing::warn!(%error, "too much happens at once: this is logged and shown, but raises no event");
        }
    }
}

/// The dead letters of one destination.
struct Dead {
    /// When the next may be told.
    not_before: Duration,
    /// Those that wait for it.
    waiting: Option<Notice>,
}

/// Reports what is told until the relay stops.
pub(super) async fn run(relay: Relay, mut told: Told) {
    let mut dead: HashMap<String, Dead> = HashMap::new();
    loop {
        let clock = relay.shared.clock.clone();
        let next = dead.values().filter(|one| one.waiting.is_some()).map(|one| one.not_before).min();
        let pause = next.map_or(TOGETHER, |at| at.saturating_sub(clock.elapsed()));
        tokio::select! {
            () = relay.shared.stop.cancelled() => return,
            happening = told.recv() => match happening {
                None => return,
                Some(Happening::Other(notice)) => relay.raise(&notice).await,
                Some(Happening::Dead { event, notice }) => {
                    if let Some(notice) = relay.of_event(event, notice).await {
                        gather(&mut dead, notice);
                    }
                }
            },
            () = clock.sleep(pause) => {}
        }
        let now = clock.elapsed();
        for one in dead.values_mut().filter(|one| one.not_before <= now) {
            if let Some(notice) = one.waiting.take() {
                one.not_before = now + TOGETHER;
                relay.raise(&notice).await;
            }
        }
        dead.retain(|_, one| one.waiting.is_some() || one.not_before > now);
    }
}

/// Puts a dead letter to those of its destination.
fn gather(dead: &mut HashMap<String, Dead>, notice: Notice) {
    let Notice::DeadLetter { destination, .. } = &notice else { return };
    let one = dead.entry(destination.clone()).or_insert(Dead { not_before: Duration::ZERO, waiting: None });
    match &mut one.waiting {
        Some(Notice::DeadLetter { count, .. }) => *count += 1,
        waiting => *waiting = Some(notice),
    }
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
