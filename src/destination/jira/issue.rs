//! The body that creates an issue.

use serde_json::{Map, Value, json};

use crate::destination::sheet::{NO_TITLE, Sheet};
use crate::destination::text::{cut, one_line, units};
use crate::domain::characters::is_blank;
use crate::domain::delivery::Job;
use crate::domain::message::Message;

use super::{Api, DESCRIPTION_UNITS_MAX, Jira, SUMMARY_UNITS_MAX, adf, wiki};

/// The longest label.
const LABEL_UNITS_MAX: usize = 255;

/// The issue property that names the delivery.
const PROPERTY: &str = "relaybell.delivery";

/// Fields that an issue cannot do without.
const NEEDED: [&str; 3] = ["project", "issuetype", "summary"];

/// The label by which a delivery's issue is found again.
#[must_use]
pub fn mark(job: &Job) -> String {
    format!("relaybell-{}", job.key)
}

/// The property that says which delivery made an issue or a comment.
pub fn property(job: &Job) -> Value {
    json!({"key": PROPERTY, "value": {"key": job.key, "event": job.event.to_string(), "rule": job.rule.as_ref()}})
}

/// The body that edits an issue: summary, description and the rule's fields, not what it
/// is and where; and what must be said about it.
pub fn update_body(jira: &Jira, job: &Job) -> (Map<String, Value>, Option<String>) {
    let (mut body, note) = create_body(jira, job);
    body.remove("properties");
    let own = job.content.fields.get("labels").cloned();
    if let Some(fields) = body.get_mut("fields").and_then(Value::as_object_mut) {
        for fixed in ["project", "issuetype", "labels"] {
            fields.remove(fixed);
        }
        if let Some(own) = own {
            // The mark of the delivery that created the issue is not lost: labels are added.
            let Value::Array(words) = labels(None, Some(&own)) else { return (body, note) };
            let add: Vec<Value> = words.into_iter().map(|word| json!({"add": word})).collect();
            body.insert("update".into(), json!({"labels": add}));
        }
    }
    (body, note)
}

/// A rule's field in the form Jira Cloud and Data Center take in a transition.
pub fn shaped_for_edit(name: &str, value: &Value) -> Option<Value> {
    shaped(Api::V3, name, value)
}

/// The body that creates `job`'s issue, and what must be said about it.
pub fn create_body(jira: &Jira, job: &Job) -> (Map<String, Value>, Option<String>) {
    let message = &job.content.message;
    let (mut body, note) = match &job.content.body {
        None => (Map::new(), None),
        Some(Value::Object(own)) if own.get("fields").is_some_and(Value::is_object) => (own.clone(), None),
        Some(Value::Object(own)) => (Map::from_iter([("fields".to_owned(), Value::Object(own.clone()))]), None),
        Some(_) => {
            let note = "the template's own Jira body is no JSON object, so Relaybell's form was sent";
            (Map::new(), Some(note.to_owned()))
        }
    };
    let own_description = body.get("fields").is_some_and(|fields| fields.get("description").is_some());
    let mut fields = match body.remove("fields") {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    for (name, value) in &job.content.fields {
        if let Some(value) = shaped(jira.api, name, value) {
            fields.insert(name.clone(), value);
        }
    }
    fields.entry("project").or_insert_with(|| json!({"key": jira.project}));
    fields.entry("issuetype").or_insert_with(|| json!({"name": jira.issue_type}));
    fields.entry("summary").or_insert_with(|| Sheet::new(message, SUMMARY_UNITS_MAX).title.into());
    if !own_description {
        fields.entry("description").or_insert_with(|| description(jira.api, message));
    }
    let labels = labels(Some(&mark(job)), fields.get("labels"));
    fields.insert("labels".into(), labels);
    body.insert("fields".into(), Value::Object(fields));
    if jira.api == Api::V3 {
        match body.get_mut("properties").and_then(Value::as_array_mut) {
            Some(properties) => properties.push(property(job)),
            None => {
                body.insert("properties".into(), json!([property(job)]));
            }
        }
    }
    (body, note)
}

fn description(api: Api, message: &Message) -> Value {
    match api {
        Api::V3 => adf::rich(message),
        Api::V2 => wiki::rich(message).into(),
    }
}

/// A rule's field in the form Jira wants: a rule says `priority: High`, Jira
/// `{"name": "High"}`. Empty values are left out.
fn shaped(api: Api, name: &str, value: &Value) -> Option<Value> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) if text.trim().is_empty() => return None,
        Value::Array(items) if items.is_empty() => return None,
        Value::String(text) => text.trim(),
        Value::Array(items) if is_named_list(name) => {
            let named = |item: &Value| item.as_str().map_or_else(|| item.clone(), |name| json!({"name": name.trim()}));
            return Some(items.iter().map(named).collect());
        }
        other => return Some(other.clone()),
    };
    Some(match (name, api) {
        ("priority" | "issuetype" | "resolution" | "security", _) => json!({"name": text}),
        ("project" | "parent", _) => json!({"key": text}),
        ("assignee" | "reporter", Api::V3) => json!({"accountId": text}),
        ("assignee" | "reporter", Api::V2) => json!({"name": text}),
        ("summary", _) => cut(&one_line(text), SUMMARY_UNITS_MAX).into_owned().into(),
        ("description" | "environment", Api::V3) => {
            fitting(text, adf::plain_doc, |document| units(&document.to_string()) <= DESCRIPTION_UNITS_MAX)
        }
        ("description" | "environment", Api::V2) => {
            fitting(text, wiki::literal, |shown| units(shown) <= DESCRIPTION_UNITS_MAX).into()
        }
        _ if is_named_list(name) => json!([{"name": text}]),
        _ => cut(text, DESCRIPTION_UNITS_MAX).into_owned().into(),
    })
}

/// What `encode` makes of `text`, cut as far as it must be to fit.
fn fitting<T>(text: &str, encode: impl Fn(&str) -> T, fits: impl Fn(&T) -> bool) -> T {
    let mut most = DESCRIPTION_UNITS_MAX;
    loop {
        let encoded = encode(&cut(text, most));
        // No escape and no paragraph of its own makes thirty characters of one.
        if fits(&encoded) || most <= DESCRIPTION_UNITS_MAX / 32 {
            return encoded;
        }
        most = most * 3 / 4;
    }
}

fn is_named_list(name: &str) -> bool {
    matches!(name, "components" | "versions" | "fixVersions")
}

/// The labels in the form Jira takes, with the delivery's mark if there is one.
fn labels(mark: Option<&str>, wanted: Option<&Value>) -> Value {
    let mut labels: Vec<String> = mark.into_iter().map(str::to_owned).collect();
    let words: Vec<&str> = match wanted {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => text.split(',').collect(),
        _ => Vec::new(),
    };
    for word in words {
        let label = one_line(word).replace(' ', "-");
        let label = cut(&label, LABEL_UNITS_MAX).into_owned();
        if !label.is_empty() && !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels.into()
}

/// What Jira says is wrong with a body: field by field, and in general.
#[derive(Debug, Default)]
pub struct Complaints {
    fields: Vec<(String, String)>,
    general: Vec<String>,
}

impl Complaints {
    /// Reads `{"errorMessages": […], "errors": {…}}`.
    pub fn read(answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let fields = answer.get("errors").and_then(Value::as_object);
        let general = answer.get("errorMessages").and_then(Value::as_array);
        Self {
            fields: fields.into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect(),
            general: general.into_iter().flatten().map(text).collect(),
        }
    }

    /// All of them in one sentence; empty when Jira gave none.
    pub fn sentence(&self) -> String {
        let fields = self.fields.iter().map(|(name, what)| format!("{name}: {what}"));
        self.general.iter().cloned().chain(fields).collect::<Vec<_>>().join("; ")
    }

    /// Whether one of them is about `field`.
    pub fn names(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, _)| name == field)
    }

    /// A body without what they are about, and what was left out of it; `None` when that
    /// cannot mend them.
    pub fn mend(&self, body: &Map<String, Value>, api: Api, message: &Message) -> Option<(Map<String, Value>, String)> {
        let mut body = body.clone();
        let fields = body.get_mut("fields")?.as_object_mut()?;
        // A field that Jira misses cannot be left out.
        let mendable = |name: &str| {
            fields.contains_key(name) && !(NEEDED.contains(&name) && !(name == "summary" && api == Api::V2))
        };
        if !self.fields.iter().all(|(name, _)| mendable(name)) {
            return None;
        }
        let mut left_out = Vec::new();
        for (name, _) in self.fields.iter().filter(|(name, _)| name != "description" && name != "summary") {
            fields.remove(name);
            left_out.push(name.as_str());
        }
        let mut changes = Vec::new();
        if !left_out.is_empty() {
            changes.push(format!("left out {}", left_out.join(", ")));
        }
        if self.fields.is_empty() || self.names("description") || self.names("summary") {
            let text = match api {
                Api::V3 => adf::text_only(message),
                Api::V2 => wiki::text_only(message).into(),
            };
            fields.insert("description".into(), text);
            if let (Api::V2, Some(summary)) = (api, fields.get("summary").and_then(Value::as_str)) {
                let basic = one_line(&wiki::basic(summary));
                let summary = if is_blank(&basic) { NO_TITLE.to_owned() } else { basic };
                fields.insert("summary".into(), summary.into());
            }
            changes.push("sent the description as plain text".to_owned());
        }
        Some((body, changes.join(" and ")))
    }
}
