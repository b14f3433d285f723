//! What Orchestrator can report.

use std::sync::{Arc, LazyLock};

use super::family::Family;
use crate::domain::rank;
use crate::source::catalogue::{Catalogue, Description, FactInfo, FactKind, Form, KnownWords, Payload, fact};

/// Facts of one event alone: not remembered of its subject.
pub const PASSING: [&str; 7] = ["actor", "actor_id", "error", "error_details", "error_type", "count", "duration"];

/// The events that Orchestrator documents. Others are accepted as well.
const EVENTS: &[&str] = &[
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

const FACTS: [FactInfo; 27] = [
    fact("id", FactKind::Number, "the entity's id"),
    fact("title", FactKind::Text, "what it is called: the process of a job, queue and reference of an item"),
    fact("status", FactKind::Text, "the state of a job, item or robot, in small letters: faulted, failed, busy"),
    fact("priority", FactKind::Text, "high, medium or low, of a queue's item"),
    fact("error", FactKind::Text, "the first line of what went wrong"),
    fact("error_details", FactKind::Text, "all of it, where there is more"),
    fact("error_type", FactKind::Text, "application or business, of an item that failed"),
    fact("process", FactKind::Text, "the process that runs"),
    fact("robot", FactKind::Text, "the robot"),
    fact("host", FactKind::Text, "the machine it runs on"),
    fact("queue", FactKind::Text, "the queue"),
    fact("reference", FactKind::Text, "the reference of a queue's item"),
    fact("retry", FactKind::Number, "which retry of a queue's item it is, from 0"),
    fact("trigger", FactKind::Text, "the trigger"),
    fact("enabled", FactKind::Flag, "whether the trigger is switched on"),
    fact("unresponsive", FactKind::Flag, "whether the robot does not answer"),
    fact("started_by", FactKind::Text, "what started the job: manual, schedule, queue …"),
    fact("version", FactKind::Text, "the version of the process"),
    fact("environment", FactKind::Text, "the environment"),
    fact("description", FactKind::Text, "the entity's description"),
    fact("folder", FactKind::Number, "the id of the folder"),
    fact("tenant", FactKind::Number, "the id of the tenant"),
    fact("actor", FactKind::Text, "who did it: 'user 12'"),
    fact("actor_id", FactKind::Number, "the id of the user who did it"),
    fact("count", FactKind::Number, "how many entities it is about, where they are not named"),
    fact("duration", FactKind::Number, "how long the job or item took, in seconds"),
    fact("url", FactKind::Text, "where to look at a job; needs app_url"),
];

/// What every event can have.
const ALL: [&str; 9] = ["project", "id", "title", "description", "folder", "tenant", "actor", "actor_id", "count"];
const JOB: [&str; 9] =
    ["process", "status", "robot", "host", "started_by", "duration", "error", "error_details", "url"];
const ITEM: [&str; 11] = [
    "queue",
    "reference",
    "status",
    "priority",
    "retry",
    "error",
    "error_details",
    "error_type",
    "robot",
    "host",
    "duration",
];

/// What the events of one family can have beside [`ALL`].
fn of_family(event: &str) -> &'static [&'static str] {
    match Family::of(event) {
        Family::Job => &JOB,
        Family::QueueItem => &ITEM,
        Family::Queue => &["queue"],
        Family::Robot => &["robot", "host", "status", "unresponsive"],
        Family::Process => &["process", "version", "environment"],
        Family::Trigger => &["trigger", "process", "environment", "enabled", "error", "error_details"],
        Family::Other => &[],
    }
}

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let payload = |event: &&'static str| Payload {
        event,
        form: Form::Full,
        facts: ALL.iter().chain(of_family(event)).copied().collect(),
    };
    let priority = KnownWords { fact: "priority", events: "", words: rank::PRIORITIES.to_vec(), closed: true };
    Arc::new(Catalogue::of(Description {
        facts: FACTS.to_vec(),
        passing: PASSING.to_vec(),
        events: EVENTS.to_vec(),
        payloads: EVENTS.iter().map(payload).collect(),
        words: vec![priority],
        begins: super::begins,
        ..Description::new("uipath_orchestrator")
    }))
});

/// What Orchestrator can report.
#[must_use]
pub fn catalogue() -> &'static Arc<Catalogue> {
    &CATALOGUE
}
