//! Reads a payload in Relaybell's vocabulary.

use serde_json::{Map, Value};

use super::envelope::Envelope;
use super::fields::Payload;
use super::words;

/// What one payload says.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// `defect/58`.
    pub subject: Option<String>,
    /// The facts in the order they are shown.
    pub facts: Map<String, Value>,
    /// Which of them were computed.
    pub derived: Vec<&'static str>,
}

impl Reading {
    /// Adds a computed fact.
    pub fn derive(&mut self, name: &'static str, value: Value) {
        self.put(name, Some(value));
        self.derived.push(name);
    }

    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.facts.insert(name.to_owned(), value.into());
        }
    }
}

/// Under which keys a payload names the user who did it.
pub(super) const ACTOR_KEYS: [&str; 9] = [
    "created_by",
    "updated_by",
    "commented_by",
    "merged_by",
    "declined_by",
    "deleted_by",
    "resolved_by",
    "reopened_by",
    "author",
];

/// Room for the facts of most payloads.
const FACTS_USUAL: usize = 24;

/// Reads the payload of `envelope`.
pub(super) fn read(envelope: &Envelope) -> Reading {
    let payload = Payload(&envelope.payload);
    let mut reading = Reading { facts: Map::with_capacity(FACTS_USUAL), ..Reading::default() };
    let id = ["id", "hash"].iter().find_map(|key| payload.get(key).and_then(words::id));
    reading.subject = id.as_ref().map(|id| format!("{}/{}", envelope.entity(), plain(id)));
    reading.put("id", id);
    reading.put("title", payload.get("title").and_then(words::text));
    // A review carries the case as it would become under `data`.
    let case = payload.get("data").and_then(Value::as_object);
    let own_or_case = |key: &str| payload.get(key).or_else(|| case?.get(key));
    reading.put("severity", own_or_case("severity").and_then(words::severity));
    reading.put("priority", own_or_case("priority").and_then(words::priority));
    reading.put(
        "status",
        payload.get("status").and_then(|status| match envelope.entity() {
            "review" => words::review_status(status),
            "case" => words::case_status(status),
            _ => words::word(status),
        }),
    );
    reading.put("description", own_or_case("description").and_then(words::text));
    reading.put("actual_result", payload.get("actual_result").and_then(words::text));
    reading.put("ticket", ticket(payload));
    reading.put("comment", payload.get("comment").and_then(words::text));
    people(envelope, &mut reading);
    results(envelope, &mut reading);
    for (name, read) in [
        ("behavior", words::word as fn(&Value) -> Option<String>),
        ("type", words::word),
        ("automation", words::automation),
    ] {
        reading.put(name, own_or_case(name).and_then(read));
    }
    reading.put("tags", own_or_case("tags").and_then(tags));
    reading.put("attachments", payload.get("attachments").and_then(Value::as_array).map(Vec::len));
    for name in ["suite_id", "milestone_id"] {
        reading.put(name, own_or_case(name).and_then(words::id));
    }
    for name in ["case_id", "run_id", "plan_id", "parent_id", "from_id"] {
        reading.put(name, payload.get(name).and_then(words::id));
    }
    for (name, key) in [("case_id", "case"), ("run_id", "run")] {
        if !reading.facts.contains_key(name) {
            reading.put(name, payload.get(key).and_then(words::id));
        }
    }
    for name in CLEARABLE {
        if payload.get(name).is_some_and(Value::is_null) && !reading.facts.contains_key(name) {
            reading.facts.insert(name.to_owned(), Value::Null);
        }
    }
    reading
}

/// Facts under their own key in a payload: a `null` there says that there is none any more.
const CLEARABLE: [&str; 10] = [
    "description",
    "actual_result",
    "severity",
    "priority",
    "environment",
    "plan",
    "suite_id",
    "milestone_id",
    "case_id",
    "parent_id",
];

/// Who did it.
fn people(envelope: &Envelope, reading: &mut Reading) {
    let payload = Payload(&envelope.payload);
    let user = ACTOR_KEYS.iter().find_map(|key| payload.get(key));
    let name = user.and_then(user_name);
    reading.put(
        "actor",
        name.or_else(|| match envelope.member? {
            0 => Some("automation".to_owned()),
            member => Some(format!("member {member}")),
        }),
    );
    reading.put("actor_id", envelope.member);
    reading.put("actor_email", user.and_then(|user| user.get("email")).and_then(words::text));
    let assignee = payload.get("assignee").or_else(|| payload.get("assigned_to"));
    reading.put("assignee", assignee.and_then(user_name).filter(|name| !name.chars().all(|c| c.is_ascii_digit())));
    let assignee_id = payload.get("assignee_id").or_else(|| assignee?.get("id")).or(assignee);
    reading.put("assignee_id", assignee_id.and_then(words::integer));
    reading.put("reviewer", payload.get("reviewer").and_then(user_name));
}

/// What a run or plan is made of and how it went.
fn results(envelope: &Envelope, reading: &mut Reading) {
    let payload = Payload(&envelope.payload);
    let count = |key: &str| payload.get(key).and_then(counted);
    if envelope.event == "run.updated" {
        // "Cases added to run": the table of its documentation calls the number `cases_count`.
        reading.put("cases_added", count("cases_added").or_else(|| count("cases_count")));
    } else {
        reading.put("cases", count("cases").or_else(|| count("cases_count")));
        reading.put("cases_added", count("cases_added"));
    }
    for name in ["passed", "failed", "blocked"] {
        reading.put(name, count(name));
    }
    reading.put("skipped", count("skipped").or_else(|| count("skiped")));
    reading.put("untested", count("untested"));
    if let Some(rate) = pass_rate(&reading.facts) {
        reading.derive("pass_rate", rate.into());
    }
    reading.put("duration", payload.get("duration").and_then(words::number));
    reading.put("environment", payload.get("environment").and_then(words::title));
    if let Some(plan) = payload.get("plan") {
        reading.put("plan", words::title(plan).filter(|_| words::integer(plan).is_none()));
        let id = plan.get("id").unwrap_or(plan);
        reading.put("plan_id", words::integer(id));
    }
    reading.put("visible", payload.get("visible").and_then(Value::as_bool));
}

/// The issue that is linked: Qase's API calls it `external_issue` (a run), `external_issues`
/// (a case) and `external_data` (a defect: text, in which an address or JSON was seen).
fn ticket(payload: Payload<'_>) -> Option<String> {
    let of_object = |issue: &Value| ["link", "url", "key", "id"].iter().find_map(|key| words::text(issue.get(*key)?));
    let of_list = |issues: &Value| issues.as_array()?.iter().find_map(of_object);
    let of_data = |data: &Value| match data {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => of_object(&inner).or_else(|| of_list(&inner)),
            _ => words::text(data),
        },
        other => of_object(other).or_else(|| of_list(other)),
    };
    payload
        .get("external_issue")
        .and_then(of_object)
        .or_else(|| payload.get("external_issues").and_then(of_list))
        .or_else(|| payload.get("external_link").and_then(words::text))
        .or_else(|| payload.get("external_data").and_then(of_data))
}

/// A number, or how many elements a list or object has.
fn counted(value: &Value) -> Option<Value> {
    match value {
        Value::Array(items) => Some(items.len().into()),
        Value::Object(items) => Some(items.len().into()),
        other => words::number(other),
    }
}

fn pass_rate(facts: &Map<String, Value>) -> Option<f64> {
    let passed = facts.get("passed")?.as_f64()?;
    let cases = facts.get("cases")?.as_f64()?;
    (cases > 0.0).then(|| passed / cases)
}

fn user_name(user: &Value) -> Option<String> {
    words::title(user).or_else(|| user.get("email").and_then(words::text))
}

fn tags(tags: &Value) -> Option<Value> {
    let tags = tags.as_array()?;
    Some(tags.iter().filter_map(words::title).map(Value::from).collect())
}

/// An id as it stands in a subject.
fn plain(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
