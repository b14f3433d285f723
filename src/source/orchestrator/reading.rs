//! One entity of a webhook in Relaybell's vocabulary.

use serde_json::{Map, Value};

use super::envelope::{Entity, Envelope};
use super::family::Family;
use crate::domain::rank;
use crate::domain::time::Timestamp;
use crate::source::words;

/// What a webhook says of one entity.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The entity, `job/148671`.
    pub subject: Option<String>,
    /// Its facts.
    pub facts: Map<String, Value>,
    /// The facts that were computed.
    pub derived: Vec<&'static str>,
    /// The key of the job, for its address.
    pub job_key: Option<String>,
}

impl Reading {
    /// Keeps a fact, if there is one.
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.facts.insert(name.to_owned(), value.into());
        }
    }

    /// Keeps a fact that was computed.
    pub(super) fn derive(&mut self, name: &'static str, value: Value) {
        self.facts.insert(name.to_owned(), value);
        self.derived.push(name);
    }
}

/// Fields that may not be there.
#[derive(Clone, Copy)]
struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    fn get(self, key: &str) -> Option<&'a Value> {
        self.0?.get(key).filter(|value| !value.is_null())
    }

    fn text(self, key: &str) -> Option<String> {
        self.get(key).and_then(words::text)
    }

    fn inside(self, key: &str) -> Self {
        Self(self.get(key).and_then(Value::as_object))
    }

    fn time(self, key: &str) -> Option<Timestamp> {
        self.get(key)?.as_str().and_then(Timestamp::parse)
    }
}

/// Reads what `envelope` says of `entity`.
pub(super) fn read(envelope: &Envelope, entity: &Entity<'_>) -> Reading {
    let mut reading = Reading::default();
    let (whole, own) = (Fields(Some(&envelope.body)), Fields(entity.fields));
    if entity.fields.is_none() {
        reading.put("count", envelope.count());
    }
    let id = own.get("Id").or_else(|| own.get("RobotId")).and_then(words::id);
    if let (Some(word), Some(id)) = (envelope.family.word(), &id) {
        reading.subject = Some(format!("{word}/{}", id.as_str().map_or_else(|| id.to_string(), str::to_owned)));
    }
    reading.put("id", id);
    match envelope.family {
        Family::Job => job(own, envelope, &mut reading),
        Family::QueueItem => queue_item(own, whole.inside("Queue"), &mut reading),
        Family::Queue => reading.put("title", own.text("Name")),
        Family::Robot => robot(own, &mut reading),
        Family::Process => process(own, &mut reading),
        Family::Trigger => trigger(own, whole, &mut reading),
        Family::Other => reading.put("title", whole.text("Name")),
    }
    if matches!(envelope.family, Family::Queue) {
        reading.put("queue", own.text("Name"));
    }
    reading.put("description", own.text("Description"));
    reading.put("folder", envelope.folder.as_deref().map(|folder| words::id(&folder.into())));
    reading.put("tenant", whole.get("TenantId").and_then(words::id));
    reading.put("actor", whole.text("UserId").map(|user| format!("user {user}")));
    reading.put("actor_id", whole.get("UserId").and_then(words::id));
    reading
}

fn job(own: Fields<'_>, envelope: &Envelope, reading: &mut Reading) {
    let release = own.inside("Release");
    let process = release.text("Name").or_else(|| own.text("ReleaseName")).or_else(|| release.text("ProcessKey"));
    reading.put("title", process.clone());
    reading.put("process", process);
    let status = own.text("State").map(|state| words::snake(&state));
    if status.as_deref() == Some("faulted") || envelope.event.ends_with(".faulted") {
        errors(own.text("Info"), reading);
    }
    reading.put("status", status);
    robot_of(own, reading);
    reading.put("started_by", own.text("SourceType").or_else(|| own.text("Source")).map(|by| words::snake(&by)));
    took(own, "StartTime", "EndTime", reading);
    reading.job_key = own.text("Key").filter(|key| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
}

fn queue_item(own: Fields<'_>, queue: Fields<'_>, reading: &mut Reading) {
    let reference = own.text("Reference");
    let queue = queue.text("Name");
    let number = || own.text("Id").map(|id| format!("item {id}"));
    let called = reference.clone().or_else(number);
    let title = match (&queue, called) {
        (Some(queue), Some(called)) => Some(format!("{queue}: {called}")),
        (queue, called) => called.or_else(|| queue.clone()),
    };
    reading.put("title", title);
    reading.put("queue", queue);
    reading.put("reference", reference);
    reading.put("status", own.text("Status").map(|status| words::snake(&status)));
    reading.put("priority", own.get("Priority").and_then(words::priority).map(in_our_words));
    reading.put("retry", own.get("RetryNumber").and_then(words::integer));
    let exception = own.inside("ProcessingException");
    let reason = exception.text("Reason");
    let details = exception.text("Details").or_else(|| reason.clone());
    errors(reason.or_else(|| exception.text("Details")), reading);
    if reading.facts.contains_key("error") {
        reading.put("error_details", details);
        let kind = exception.text("Type").map(|kind| words::snake(kind.trim_end_matches("Exception")));
        reading.put("error_type", kind);
    }
    robot_of(own, reading);
    took(own, "StartProcessing", "EndProcessing", reading);
}

/// Orchestrator's middle priority is called normal.
fn in_our_words(priority: String) -> String {
    if priority == "normal" { rank::PRIORITIES[1].to_owned() } else { priority }
}

fn robot(own: Fields<'_>, reading: &mut Reading) {
    let name = own.text("Name").or_else(|| own.text("RobotName"));
    let host = own.text("MachineName").or_else(|| own.text("HostMachineName"));
    reading.put("title", name.clone().or_else(|| host.clone()));
    reading.put("robot", name);
    reading.put("host", host);
    reading.put("status", own.text("State").map(|state| words::snake(&state)));
    reading.put("unresponsive", own.get("IsUnresponsive").and_then(Value::as_bool));
}

fn process(own: Fields<'_>, reading: &mut Reading) {
    let name = own.text("Name").or_else(|| own.text("ProcessKey"));
    reading.put("title", name.clone());
    reading.put("process", name);
    reading.put("version", own.text("ProcessVersion"));
    reading.put("environment", own.inside("Environment").text("Name"));
}

fn trigger(own: Fields<'_>, whole: Fields<'_>, reading: &mut Reading) {
    let release = own.inside("Release");
    reading.put("title", own.text("Name"));
    reading.put("trigger", own.text("Name"));
    reading.put("process", release.text("Name").or_else(|| release.text("ProcessKey")));
    reading.put("environment", own.text("EnvironmentName"));
    reading.put("enabled", own.get("Enabled").and_then(Value::as_bool));
    errors(whole.text("Reason"), reading);
}

/// The robot that works on it, and the machine it runs on.
fn robot_of(own: Fields<'_>, reading: &mut Reading) {
    let robot = own.inside("Robot");
    reading.put("robot", robot.text("Name"));
    reading.put("host", robot.text("MachineName").or_else(|| own.text("HostMachineName")));
}

/// What went wrong: the first line, and all of it where there is more.
fn errors(text: Option<String>, reading: &mut Reading) {
    let Some(text) = text else { return };
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    if first.len() < text.trim().len() {
        reading.put("error_details", Some(text.trim().to_owned()));
    }
    reading.put("error", Some(first));
}

/// How long it took, in seconds.
fn took(own: Fields<'_>, from: &str, to: &str, reading: &mut Reading) {
    if let (Some(from), Some(to)) = (own.time(from), own.time(to)) {
        reading.derive("duration", to.since(from).as_secs_f64().into());
    }
}
