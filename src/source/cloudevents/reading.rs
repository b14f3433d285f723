//! A CloudEvent in Relaybell's vocabulary.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::envelope::Event;
use crate::domain::event::{Dedup, Report};
use crate::domain::time::Timestamp;
use crate::source::{Malformed, repetition, words};

/// The longest name of an event, subject and project, in characters.
const NAME_CHARS_MAX: usize = 300;

/// The longest id of an event that is kept as it is, in bytes.
const ID_BYTES_MAX: usize = 400;

/// Attributes that are no facts of their own, or are facts of another name.
const NO_FACTS: [&str; 7] = ["specversion", "source", "time", "subject", "datacontenttype", "dataschema", "project"];

/// Facts that every event has; an extension of such a name is not read.
const TAKEN: [&str; 4] = ["event", "age", "changed", "payload"];

/// Facts of one event alone.
pub const PASSING: [&str; 2] = ["id", "schema"];

/// The attributes that are facts of each event, with their names.
pub const COMMON: [(&str, &str); 4] = [("id", "id"), ("type", "type"), ("source", "sender"), ("dataschema", "schema")];

/// How types become names of events.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// What is taken from the beginning of a type: `com.acme.`.
    pub strip: String,
    /// The names of types that are called otherwise.
    pub events: BTreeMap<String, String>,
}

impl Naming {
    /// The name of events of the type `kind`.
    fn of(&self, kind: &str) -> String {
        match self.events.get(kind) {
            Some(name) => name.clone(),
            None => kind.strip_prefix(&self.strip).filter(|rest| !rest.is_empty()).unwrap_or(kind).to_owned(),
        }
    }
}

/// What `event` reports; `split`: others came with it.
pub(super) fn read(event: Event, naming: &Naming, split: bool) -> Result<Report, Malformed> {
    let text = |name: &str| event.attributes.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = naming.of(text("type"));
    if name.chars().count() > NAME_CHARS_MAX || name.contains(|c: char| c.is_control() || c.is_whitespace()) {
        let why = format!("`type` is no name: at most {NAME_CHARS_MAX} characters without blanks are expected");
        return Err(Malformed::refused(why));
    }
    let short = |name: &str| {
        let text = text(name).trim();
        let fits = !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX && !text.contains(char::is_control);
        fits.then(|| text.to_owned())
    };
    let dedup = dedup(text("source"), text("id"));
    let alone = split.then(|| event.whole.as_ref().map(|whole| Bytes::from(whole.to_string()))).flatten();
    let mut facts = facts(&event.attributes);
    let title = ["title", "name", "summary"].iter().find_map(|key| event.data.get(*key).and_then(Value::as_str));
    let title = title.filter(|title| !title.trim().is_empty()).map(str::to_owned);
    let mut derived = Vec::new();
    if !facts.contains_key("title") {
        facts.insert("title".to_owned(), title.or_else(|| short("subject")).unwrap_or_else(|| name.clone()).into());
        derived.push("title");
    }
    let url = event.data.get("url").and_then(Value::as_str).filter(|url| is_address(url));
    if let (Some(url), false) = (url, facts.contains_key("url")) {
        facts.insert("url".to_owned(), url.into());
        derived.push("url");
    }
    Ok(Report {
        project: short("project"),
        subject: short("subject"),
        time: event.attributes.get("time").and_then(Value::as_str).and_then(Timestamp::parse_zoned),
        begins: false,
        event: name,
        facts,
        derived,
        passing: PASSING.to_vec(),
        payload: event.data,
        dedup,
        alone,
    })
}

/// The attributes as facts: those that every event has, and extensions under their own names.
fn facts(attributes: &Map<String, Value>) -> Map<String, Value> {
    let mut facts = Map::new();
    for (attribute, name) in COMMON {
        facts.extend(attributes.get(attribute).and_then(words::text).map(|text| (name.to_owned(), text.into())));
    }
    let extensions = attributes.iter().filter(|(name, value)| {
        let known = NO_FACTS.contains(&name.as_str()) || TAKEN.contains(&name.as_str());
        !known && !facts.contains_key(*name) && is_attribute(name) && !value.is_object() && !value.is_array()
    });
    let extensions: Vec<(String, Value)> = extensions.map(|(name, value)| (name.clone(), spelt(name, value))).collect();
    facts.extend(extensions);
    facts
}

/// The value of an extension; severity and priority in the one vocabulary.
fn spelt(name: &str, value: &Value) -> Value {
    match (name, value) {
        ("severity", _) => words::severity(value).map_or_else(|| value.clone(), Value::from),
        ("priority", _) => words::priority(value).map_or_else(|| value.clone(), Value::from),
        _ => value.clone(),
    }
}

/// Whether an attribute can be called so: small letters and digits.
fn is_attribute(name: &str) -> bool {
    (1..=100).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// An event is the same when its source and its id are.
fn dedup(source: &str, id: &str) -> Dedup {
    let both = Value::from(vec![source, id]).to_string();
    Dedup::SenderId(match both.len() > ID_BYTES_MAX {
        true => repetition::body_hash(source, id.as_bytes()),
        false => both,
    })
}
