//! The envelope: what is the same for every event, and the entities it is about.

use serde_json::{Map, Value};

use super::family::Family;
use crate::domain::time::Timestamp;
use crate::source::Malformed;
use crate::source::words::{self, kind, not_json};

/// The longest event name and id that are accepted, in characters.
const NAME_CHARS_MAX: usize = 100;

/// The most entities that one webhook is split into; beyond that it is one event.
const ENTITIES_MAX: usize = 500;

/// A webhook's envelope with its body.
#[derive(Debug)]
pub(super) struct Envelope {
    /// `Type`.
    pub event: String,
    /// The family of the event.
    pub family: Family,
    /// `EventId`, the same for every folder that shares the resource.
    pub id: Option<String>,
    /// `Timestamp`.
    pub time: Option<Timestamp>,
    /// `OrganizationUnitId`: the folder.
    pub folder: Option<String>,
    /// The whole body.
    pub body: Map<String, Value>,
}

/// One entity that a webhook is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entity<'b> {
    /// The key that holds it; empty when there is none.
    key: &'static str,
    /// Its fields.
    pub fields: Option<&'b Map<String, Value>>,
}

impl Envelope {
    /// Reads `body`.
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        let malformed = |why: String| Malformed::refused(why);
        let body: Value = serde_json::from_slice(body).map_err(|error| not_json(body, &error))?;
        let Value::Object(body) = body else {
            return Err(malformed(format!("the body is {}, but an object is expected", kind(&body))));
        };
        let event = match body.get("Type") {
            Some(Value::String(name)) if words::is_name(name, NAME_CHARS_MAX) => name.clone(),
            Some(_) => {
                return Err(malformed(format!(
                    "`Type` is no name: 1 to {NAME_CHARS_MAX} letters, digits, '_', '.' and '-' are expected"
                )));
            }
            None => return Err(malformed("there is no `Type`: is this a webhook of Orchestrator?".to_owned())),
        };
        let text = |key: &str| body.get(key).and_then(words::text).filter(|id| id.chars().count() <= NAME_CHARS_MAX);
        Ok(Self {
            family: Family::of(&event),
            id: text("EventId"),
            time: body.get("Timestamp").and_then(Value::as_str).and_then(Timestamp::parse),
            folder: text("OrganizationUnitId"),
            event,
            body,
        })
    }

    /// What the webhook is about: one entity, or each of a list. Never empty: a webhook that
    /// names none is about something this release does not know.
    pub(super) fn entities(&self) -> Vec<Entity<'_>> {
        let none = || vec![Entity { key: "", fields: None }];
        let held = self.family.keys().iter().find_map(|key| Some((*key, self.body.get(*key)?)));
        match held {
            Some((key, Value::Object(fields))) => vec![Entity { key, fields: Some(fields) }],
            Some((key, Value::Array(items))) if (1..=ENTITIES_MAX).contains(&items.len()) => {
                items.iter().map(|item| Entity { key, fields: item.as_object() }).collect()
            }
            _ => none(),
        }
    }

    /// How many entities the webhook names in a list.
    pub(super) fn count(&self) -> Option<usize> {
        self.family.keys().iter().find_map(|key| self.body.get(*key)?.as_array()).map(Vec::len)
    }

    /// The body as it would be about `entity` alone.
    pub(super) fn with_only(&self, entity: &Entity<'_>) -> Value {
        let mut body = self.body.clone();
        if let (Some(list), Some(fields)) = (body.get_mut(entity.key), entity.fields) {
            *list = Value::Array(vec![fields.clone().into()]);
        }
        body.into()
    }
}
