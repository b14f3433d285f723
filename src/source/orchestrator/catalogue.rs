//! What Orchestrator can report.

/// Facts of one event alone: not remembered of its subject.
pub const PASSING: [&str; 7] = ["actor", "actor_id", "error", "error_details", "error_type", "count", "duration"];

/// The events that Orchestrator documents. Others are accepted as well.
pub const EVENTS: &[&str] = &[
    "job.created",
    "job.started",
    "job.completed",
    "job.faulted",
    "job.stopped",
    "job.suspended",
    "robot.created",
    "robot.updated",
    "robot.deleted",
    "robot.status",
    "queue.created",
    "queue.updated",
    "queue.deleted",
    "queueItem.added",
    "queueItem.transactionStarted",
    "queueItem.transactionCompleted",
    "queueItem.transactionFailed",
    "queueItem.transactionAbandoned",
    "process.created",
    "process.updated",
    "process.deleted",
    "schedule.failed",
];
