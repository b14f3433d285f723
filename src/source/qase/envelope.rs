//! The envelope: the part of a webhook that is the same for every event.

use serde_json::{Map, Value};

use super::words;
use crate::domain::time::Timestamp;
use crate::source::Malformed;
use crate::source::words::{kind, not_json};

/// The longest event name that is accepted, in characters.
const EVENT_CHARS_MAX: usize = 100;

/// The longest project code that is kept, in characters. Qase's own are at most 10.
const PROJECT_CHARS_MAX: usize = 100;

/// Timestamps from here on are milliseconds: as seconds this is the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// The last second that RFC 3339 can write, at the end of the year 9999.
const SECOND_MAX: i64 = 253_402_300_799;

/// A webhook's envelope with its payload.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The envelope.
    pub head: Head,
    /// `payload`.
    pub payload: Map<String, Value>,
}

/// A webhook's envelope.
#[derive(Debug)]
pub(super) struct Head {
    /// The event's name: `event_name`, or `event` in the oldest generation.
    pub event: String,
    /// `project_code`, or the project a review names in its payload.
    pub project: Option<String>,
    /// `timestamp`.
    pub time: Option<Timestamp>,
    /// `team_member_id`; 0 is not a member, but an API token.
    pub member: Option<i64>,
}

/// The fields that an envelope is read from, as they were sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub event_name: Option<Value>,
    pub event: Option<Value>,
    pub project_code: Option<Value>,
    pub timestamp: Option<Value>,
    pub team_member_id: Option<Value>,
}

impl Sent {
    /// The place of the field called `name`.
    pub fn field(&mut self, name: &str) -> Option<&mut Option<Value>> {
        match name {
            "event_name" => Some(&mut self.event_name),
            "event" => Some(&mut self.event),
            "project_code" => Some(&mut self.project_code),
            "timestamp" => Some(&mut self.timestamp),
            "team_member_id" => Some(&mut self.team_member_id),
            _ => None,
        }
    }
}

impl Envelope {
    /// Reads `body`. Of duplicate keys the last wins; unknown keys are no concern of ours.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let body: Value = serde_json::from_slice(body).map_err(|error| not_json(body, &error))?;
        let Value::Object(body) = body else {
            return Err(malformed(format!("the body is {}, but an object is expected", kind(&body))));
        };
        let mut sent = Sent::default();
        let mut payload = None;
        for (name, value) in body {
            if name == "payload" {
                payload = Some(value);
            } else if let Some(field) = sent.field(&name) {
                *field = Some(value);
            }
        }
        let event = event_name(&mut sent)?;
        let payload = match payload {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(payload)) => payload,
            // PHP's way to write an empty object.
            Some(Value::Array(items)) if items.is_empty() => Map::new(),
            Some(other) => {
                return Err(malformed(format!("`payload` of {event} is {}, but an object is expected", kind(&other))));
            }
        };
        let head = Head::new(event, &sent, payload.get("project"));
        Ok(Self { head, payload })
    }
}

impl Head {
    /// Reads what was sent; `project` is that of the payload.
    pub fn read(mut sent: Sent, project: Option<&Value>) -> Result<Self, Malformed> {
        let event = event_name(&mut sent)?;
        Ok(Self::new(event, &sent, project))
    }

    fn new(event: String, sent: &Sent, project: Option<&Value>) -> Self {
        let project = [sent.project_code.as_ref(), project]
            .into_iter()
            .flatten()
            .find_map(words::text)
            .filter(|code| code.chars().count() <= PROJECT_CHARS_MAX && !code.contains(char::is_control));
        Self {
            event,
            project,
            time: sent.timestamp.as_ref().and_then(words::integer).and_then(moment),
            member: sent.team_member_id.as_ref().and_then(words::integer),
        }
    }

    /// The kind of entity the event is about: `defect` of `defect.created`.
    pub fn entity(&self) -> &str {
        self.event.split_once('.').map_or(self.event.as_str(), |(entity, _)| entity)
    }

    /// What happened to it: `created` of `defect.created`.
    pub fn verb(&self) -> &str {
        self.event.split_once('.').map_or("", |(_, verb)| verb)
    }
}

fn event_name(sent: &mut Sent) -> Result<String, Malformed> {
    let name = match sent.event_name.take().or_else(|| sent.event.take()) {
        Some(Value::String(name)) => name,
        Some(other) => return Err(malformed(format!("`event_name` is {}, but text is expected", kind(&other)))),
        None => return Err(malformed("there is no `event_name`: is this a webhook of Qase?".to_owned())),
    };
    let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-');
    if name.is_empty() || !name.bytes().all(fits) || name.len() > EVENT_CHARS_MAX {
        let shown: String = name.chars().take(40).collect();
        return Err(malformed(format!(
            "`event_name` {shown:?} is not a name: 1 to {EVENT_CHARS_MAX} letters, digits, '_', '.' and '-' are expected"
        )));
    }
    Ok(name)
}

fn moment(number: i64) -> Option<Timestamp> {
    let time = if number >= MILLISECONDS_FROM { Timestamp::from_ms(number) } else { Timestamp::from_seconds(number) };
    (0..=SECOND_MAX).contains(&time.as_seconds()).then_some(time)
}

fn malformed(why: String) -> Malformed {
    Malformed::refused(why)
}
