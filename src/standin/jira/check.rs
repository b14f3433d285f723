//! What Jira refuses in a new issue.

use serde_json::{Map, Value, json};

use super::adf;
use crate::standin::shape::Shape;

/// Jira's limit for a text field.
const TEXT_UNITS_MAX: usize = 32_767;

/// The issue types of every project of the stand-in.
pub const ISSUE_TYPES: [&str; 4] = ["Bug", "Task", "Story", "Epic"];

/// The priorities.
pub const PRIORITIES: [&str; 5] = ["Highest", "High", "Medium", "Low", "Lowest"];

/// The fields on the screen of every project.
const FIELDS: [&str; 14] = [
    "project",
    "issuetype",
    "summary",
    "description",
    "labels",
    "priority",
    "components",
    "environment",
    "assignee",
    "reporter",
    "duedate",
    "parent",
    "fixVersions",
    "versions",
];

/// The version of the API that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Cloud.
    V3,
    /// Data Center.
    V2,
}

/// What Jira says about a body it refuses.
#[derive(Debug, Default, PartialEq)]
pub struct Refusal {
    /// About the body as a whole.
    pub messages: Vec<String>,
    /// Field by field.
    pub errors: Map<String, Value>,
}

impl Refusal {
    fn general(message: impl Into<String>) -> Self {
        Self { messages: vec![message.into()], errors: Map::new() }
    }

    fn field(&mut self, name: &str, what: impl Into<String>) {
        self.errors.insert(name.to_owned(), what.into().into());
    }

    /// The body of the answer.
    #[must_use]
    pub fn answer(&self) -> Value {
        json!({"errorMessages": self.messages, "errors": self.errors})
    }
}

/// Checks the body of a create.
///
/// # Errors
/// Everything that Jira would say.
pub fn check(body: &Value, version: Version) -> Result<(), Refusal> {
    let Some(map) = body.as_object() else { return Err(Refusal::general("Invalid request payload.")) };
    if let Some(key) = map.keys().find(|key| !["fields", "update", "properties"].contains(&key.as_str())) {
        return Err(Refusal::general(format!("Unrecognized field \"{key}\".")));
    }
    let Some(fields) = map.get("fields").and_then(Value::as_object) else {
        return Err(Refusal::general("Field 'fields' is required."));
    };
    let mut refusal = Refusal::default();
    for name in fields.keys() {
        let custom = name.strip_prefix("customfield_").is_some_and(|id| id.chars().all(|c| c.is_ascii_digit()));
        if !custom && !FIELDS.contains(&name.as_str()) {
            let what = format!("Field '{name}' cannot be set. It is not on the appropriate screen, or unknown.");
            refusal.field(name, what);
        }
    }
    needed(fields, &mut refusal);
    summary(fields, &mut refusal);
    labels(fields, &mut refusal);
    if let Some(priority) = fields.get("priority")
        && !is_one_of(priority, &PRIORITIES)
    {
        refusal.field("priority", "The priority selected is invalid.");
    }
    for name in ["description", "environment"] {
        if let Some(text) = fields.get(name)
            && let Some(what) = long_text(text, version)
        {
            refusal.field(name, what);
        }
    }
    if let Some(properties) = map.get("properties") {
        check_properties(properties, &mut refusal);
    }
    if refusal == Refusal::default() { Ok(()) } else { Err(refusal) }
}

/// Checks a comment.
///
/// # Errors
/// Everything that Jira would say.
pub fn check_comment(body: &Value, version: Version) -> Result<(), Refusal> {
    let Some(map) = body.as_object() else { return Err(Refusal::general("Invalid request payload.")) };
    if let Some(key) = map.keys().find(|key| !["body", "properties", "visibility"].contains(&key.as_str())) {
        return Err(Refusal::general(format!("Unrecognized field \"{key}\".")));
    }
    let mut refusal = Refusal::default();
    match map.get("body") {
        None => refusal.field("comment", "Comment body can not be empty!"),
        Some(text) => {
            if let Some(what) = long_text(text, version) {
                refusal.field(
                    "comment",
                    if version == Version::V3 { format!("Comment body is not valid! {what}") } else { what },
                );
            }
        }
    }
    if let Some(properties) = map.get("properties") {
        check_properties(properties, &mut refusal);
    }
    if refusal == Refusal::default() { Ok(()) } else { Err(refusal) }
}

/// Checks an edit of an issue: what it is and where cannot be edited.
///
/// # Errors
/// Everything that Jira would say.
pub fn check_edit(body: &Value, version: Version) -> Result<(), Refusal> {
    let mut whole = body.clone();
    let Some(map) = whole.as_object_mut() else { return Err(Refusal::general("Invalid request payload.")) };
    let update = map.remove("update");
    let both = |name: &String| update.as_ref().is_some_and(|update| update.get(name).is_some());
    let fields = map.entry("fields").or_insert_with(|| json!({}));
    let Some(fields) = fields.as_object_mut() else { return Err(Refusal::general("Invalid request payload.")) };
    if let Some(name) = fields.keys().find(|name| both(name)) {
        return Err(Refusal::general(format!("Field '{name}' cannot appear in both 'fields' and 'update'")));
    }
    if let Some(name) = ["project", "issuetype"].into_iter().find(|name| fields.contains_key(*name)) {
        let mut refusal = Refusal::default();
        refusal.field(name, format!("Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."));
        return Err(refusal);
    }
    fields.insert("project".to_owned(), json!({"key": "AB"}));
    fields.insert("issuetype".to_owned(), json!({"name": "Bug"}));
    fields.entry("summary").or_insert_with(|| "unchanged".into());
    if let Some(added) = update.as_ref().and_then(|update| update.get("labels")).and_then(Value::as_array) {
        let added: Vec<Value> = added.iter().filter_map(|one| one.get("add").cloned()).collect();
        fields.insert("labels".to_owned(), added.into());
    }
    check(&whole, version)
}

fn needed(fields: &Map<String, Value>, refusal: &mut Refusal) {
    let project = fields.get("project").map(|project| project["key"].as_str().unwrap_or_default());
    match project {
        None => refusal.field("project", "Specify a valid project ID or key"),
        Some(key) if !is_key(key) => refusal.field("project", "valid project is required"),
        Some(_) => {}
    }
    match fields.get("issuetype") {
        None => refusal.field("issuetype", "Specify an issue type"),
        Some(kind) if !is_one_of(kind, &ISSUE_TYPES) => {
            refusal.field("issuetype", "The issue type selected is invalid.");
        }
        Some(_) => {}
    }
}

/// Whether a project can have this key.
pub fn is_key(key: &str) -> bool {
    key.len() > 1
        && key.starts_with(|c: char| c.is_ascii_uppercase())
        && key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_one_of(value: &Value, names: &[&str]) -> bool {
    value["name"].as_str().is_some_and(|name| names.contains(&name)) || value["id"].as_str().is_some()
}

fn summary(fields: &Map<String, Value>, refusal: &mut Refusal) {
    let summary = fields.get("summary").and_then(Value::as_str).unwrap_or_default();
    if summary.trim().is_empty() {
        refusal.field("summary", "You must specify a summary of the issue.");
    } else if summary.contains(['\n', '\r']) {
        refusal.field("summary", "The summary is invalid because it contains newline characters.");
    } else if summary.encode_utf16().count() > 255 {
        refusal.field("summary", "Summary can't exceed 255 characters.");
    }
}

fn labels(fields: &Map<String, Value>, refusal: &mut Refusal) {
    let Some(labels) = fields.get("labels") else { return };
    let Some(labels) = labels.as_array() else {
        refusal.field("labels", "data was not an array");
        return;
    };
    for label in labels {
        match label.as_str() {
            None | Some("") => refusal.field("labels", "string expected"),
            Some(label) if label.contains(char::is_whitespace) => {
                refusal.field("labels", format!("The label '{label}' contains spaces which is invalid."));
            }
            Some(label) if label.encode_utf16().count() > 255 => {
                refusal.field("labels", "The label exceeds the maximum length of 255 characters.");
            }
            Some(_) => {}
        }
    }
}

fn long_text(text: &Value, version: Version) -> Option<String> {
    let length = match (version, text) {
        (Version::V2, Value::String(text)) => text.encode_utf16().count(),
        (Version::V2, _) => return Some("Operation value must be a string".to_owned()),
        (Version::V3, document) => {
            let mut shape = Shape::default();
            adf::check(&mut shape, document);
            let problems = shape.problems();
            if !problems.is_empty() {
                let what = "Operation value must be an Atlassian Document (see the Atlassian Document Format)";
                return Some(format!("{what}: {}", problems.join("; ")));
            }
            document.to_string().encode_utf16().count()
        }
    };
    let too_long = "The entered text is too long. It exceeds the allowed limit of 32,767 characters.";
    (length > TEXT_UNITS_MAX).then(|| too_long.to_owned())
}

fn check_properties(properties: &Value, refusal: &mut Refusal) {
    let mut shape = Shape::default();
    match properties.as_array() {
        None => shape.wrong("/properties", "must be a list"),
        Some(all) => {
            for (place, property) in all.iter().enumerate() {
                let at = format!("/properties/{place}");
                if let Some(property) = shape.object(property, &at, &["key", "value"]) {
                    shape.text(property, &at, "key", 1..=255);
                    if property.get("value").map_or(0, |value| value.to_string().len()) > 32_768 {
                        shape.wrong(&at, "the value is too long");
                    }
                }
            }
        }
    }
    refusal.messages.extend(shape.problems());
}
