//! One body of every event that Orchestrator documents: what rules and templates are tried on
//! before a real webhook comes.

use crate::source::Sample;

/// All samples, sorted by `variant`.
#[must_use]
pub fn samples() -> &'static [Sample] {
    SAMPLES
}

macro_rules! sample {
    ($event:literal) => {
        sample!($event, $event)
    };
    ($event:literal, $variant:literal) => {
        Sample::of($event, $variant, include_str!(concat!("samples/", $variant, ".json")))
    };
}

const SAMPLES: &[Sample] = &[
    sample!("job.completed"),
    sample!("job.created"),
    sample!("job.faulted"),
    sample!("job.faulted", "job.faulted.with-trace"),
    sample!("job.started"),
    sample!("job.stopped"),
    sample!("job.suspended"),
    sample!("process.created"),
    sample!("process.deleted"),
    sample!("process.updated"),
    sample!("queue.created"),
    sample!("queue.deleted"),
    sample!("queue.updated"),
    sample!("queueItem.added"),
    sample!("queueItem.transactionAbandoned"),
    sample!("queueItem.transactionCompleted"),
    sample!("queueItem.transactionFailed"),
    sample!("queueItem.transactionStarted"),
    sample!("robot.created"),
    sample!("robot.deleted"),
    sample!("robot.status"),
    sample!("robot.updated"),
    sample!("schedule.failed"),
    sample!("task.created"),
];
