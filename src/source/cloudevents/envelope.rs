//! The three modes of a CloudEvent, brought to one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Map, Value};

use crate::source::words::{kind, not_json};
use crate::source::{Malformed, is_json};

/// The most events of one batch.
const EVENTS_MAX: usize = 1000;

/// The beginning of a header that holds an attribute.
pub(super) const PREFIX: &str = "ce-";

/// The attributes that every event has.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

/// A CloudEvent, whichever way it came.
#[derive(Debug)]
pub(super) struct Event {
    /// All attributes but the data.
    pub attributes: Map<String, Value>,
    /// The data: JSON, text, or Base64; null when there is none.
    pub data: Value,
    /// The event in the structured mode, where it came so.
    pub whole: Option<Value>,
}

/// Reads the events of a batch.
pub(super) fn batch(body: &[u8]) -> Result<Vec<Event>, Malformed> {
    let items = match json(body)? {
        Value::Array(items) => items,
        // One event of a batch, kept by itself.
        one @ Value::Object(_) => vec![one],
        other => return Err(malformed(format!("a batch is a list of events, but this is {}", kind(&other)))),
    };
    if items.is_empty() {
        return Err(malformed("the batch is empty".to_owned()));
    }
    if items.len() > EVENTS_MAX {
        let why = format!("the batch has {} events, and at most {EVENTS_MAX} are taken at once", items.len());
        return Err(malformed(why));
    }
    let numbered = items.into_iter().enumerate();
    numbered
        .map(|(index, item)| {
            of_structure(item).map_err(|error| malformed(format!("event {} of the batch: {}", index + 1, error.why)))
        })
        .collect()
}

/// Reads an event in the structured mode.
pub(super) fn structured(body: &[u8]) -> Result<Event, Malformed> {
    of_structure(json(body)?)
}

/// Reads an event in the binary mode: attributes in headers, data in the body.
pub(super) fn binary(headers: &HeaderMap, media: &str, body: &[u8]) -> Result<Event, Malformed> {
    let mut attributes = Map::new();
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix(PREFIX) else { continue };
        let text = decoded(value.as_bytes()).ok_or_else(|| malformed(format!("the header {name} is not UTF-8")))?;
        attributes.insert(attribute.to_owned(), text.into());
    }
    if attributes.is_empty() {
        let why = "this is no CloudEvent: send Content-Type: application/cloudevents+json, or the headers ce-id, \
                   ce-source, ce-type and ce-specversion";
        return Err(malformed(why.to_owned()));
    }
    if !media.is_empty() {
        attributes.insert("datacontenttype".to_owned(), media.into());
    }
    let data = if body.is_empty() {
        Value::Null
    } else if media.is_empty() || is_json(media) {
        serde_json::from_slice(body).map_err(|error| not_json(body, &error))?
    } else {
        plain(body)
    };
    checked(Event { attributes, data, whole: None })
}

fn of_structure(value: Value) -> Result<Event, Malformed> {
    let Value::Object(whole) = value else {
        return Err(malformed(format!("a CloudEvent is an object, but this is {}", kind(&value))));
    };
    let mut attributes = whole.clone();
    let data = attributes.remove("data");
    let data = match (data, attributes.remove("data_base64")) {
        (Some(_), Some(_)) => return Err(malformed("`data` and `data_base64` do not go together".to_owned())),
        (Some(data), None) => data,
        (None, Some(Value::String(text))) => {
            let bytes = STANDARD.decode(text.trim()).map_err(|_| malformed("`data_base64` is no Base64".to_owned()))?;
            let media = attributes.get("datacontenttype").and_then(Value::as_str).unwrap_or_default();
            let read = is_json(media).then(|| serde_json::from_slice(&bytes).ok()).flatten();
            read.unwrap_or_else(|| plain(&bytes))
        }
        (None, Some(other)) => {
            return Err(malformed(format!("`data_base64` is {}, but text is expected", kind(&other))));
        }
        (None, None) => Value::Null,
    };
    checked(Event { attributes, data, whole: Some(whole.into()) })
}

/// `event`, if it has what every event has.
fn checked(event: Event) -> Result<Event, Malformed> {
    for name in REQUIRED {
        match event.attributes.get(name) {
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(Value::String(_)) => return Err(malformed(format!("`{name}` is empty"))),
            Some(other) => return Err(malformed(format!("`{name}` is {}, but text is expected", kind(other)))),
            None => return Err(malformed(format!("there is no `{name}`: every CloudEvent has one"))),
        }
    }
    match event.attributes.get("specversion").and_then(Value::as_str) {
        Some(version) if version.split('.').next() == Some("1") => Ok(event),
        other => {
            let shown: String = other.unwrap_or_default().chars().take(20).collect();
            Err(malformed(format!("`specversion` is {shown:?}; CloudEvents 1.0 are read")))
        }
    }
}

/// Data that is not JSON: text, or Base64 of what is none.
fn plain(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => STANDARD.encode(bytes).into(),
    }
}

/// A header's value without its percent-encoding; `None` when it is not UTF-8.
fn decoded(value: &[u8]) -> Option<String> {
    let digit = |at: usize| value.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut at) = (Vec::with_capacity(value.len()), 0);
    while let Some(byte) = value.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.extend(u8::try_from(high << 4 | low).ok());
                at += 3;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn json(body: &[u8]) -> Result<Value, Malformed> {
    serde_json::from_slice(body).map_err(|error| not_json(body, &error))
}

fn malformed(why: String) -> Malformed {
    Malformed::refused(why)
}
