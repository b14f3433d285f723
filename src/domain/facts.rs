//! Facts: the named values of an event, and where each came from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::condition::Sight;
use super::time::Timestamp;

/// The fact that lists the names of the facts that differ from memory.
pub const CHANGED: &str = "changed";

/// The fact that says how long ago the subject was first seen, in seconds.
pub const AGE: &str = "age";

/// Where the value of a fact came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The event itself carries it.
    Event,
    /// Computed from other facts of the event (`pass_rate`, `url`, …).
    Derived,
    /// Remembered of the subject from an earlier event.
    Memory {
        /// When that earlier event was received.
        since: Timestamp,
    },
    /// Told by the sender's API.
    LookUp {
        /// When it was asked.
        at: Timestamp,
    },
}

/// All facts of one event by name. The sender's body is the fact `payload`.
///
/// The values are one JSON object, so that templates can read them as they are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The values by name, `payload` included.
    pub values: Map<String, Value>,
    /// The origin of each value that is not the event's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, Origin>,
}

impl Facts {
    /// The value at `path`, if the event has one. A JSON `null` counts as absent.
    #[must_use]
    pub fn get(&self, path: &FactPath) -> Option<&Value> {
        path.within(self.values.get(path.name())?)
    }

    /// What a line about `path` sees.
    #[must_use]
    pub fn sight(&self, path: &FactPath) -> Sight<'_> {
        let value = self.get(path);
        let changed = value.is_some() && path.is_plain() && self.is_changed(path.name());
        Sight { value, changed }
    }

    /// Whether the fact `name` differs from what was remembered of it.
    #[must_use]
    pub fn is_changed(&self, name: &str) -> bool {
        let changed = self.values.get(CHANGED).and_then(Value::as_array);
        changed.is_some_and(|names| names.iter().any(|changed| changed == name))
    }

    /// The text of the fact `name`, if it is there and is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    /// Where the value of the fact `name` came from.
    #[must_use]
    pub fn origin(&self, name: &str) -> Origin {
        self.origins.get(name).copied().unwrap_or(Origin::Event)
    }
}

/// The path to a fact: a name, or a way into the payload such as
/// `payload.custom_fields[0].title` or `payload."odd.key"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FactPath {
    text: String,
    name: String,
    rest: Vec<PathStep>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum PathStep {
    Key(String),
    Index(usize),
}

impl PathStep {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Key(key) => value.get(key.as_str()),
            Self::Index(index) => value.get(*index),
        }
    }
}

/// Why a text is no fact path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no fact: {why}")]
pub struct BadPath {
    text: String,
    why: &'static str,
}

impl FactPath {
    /// Reads a path.
    ///
    /// # Errors
    /// When a step is empty, a quote or bracket stays open, or an index is no number.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        let bad = |why| BadPath { text: text.to_owned(), why };
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix('"') {
                let (key, after) = after.split_once('"').ok_or_else(|| bad("a quote is not closed"))?;
                steps.push(PathStep::Key(key.to_owned()));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let (index, after) = after.split_once(']').ok_or_else(|| bad("a bracket is not closed"))?;
                steps.push(PathStep::Index(index.parse().map_err(|_| bad("an index must be a number"))?));
                rest = after;
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (key, after) = rest.split_at(end);
                if key.is_empty() {
                    return Err(bad("a name is missing"));
                }
                steps.push(PathStep::Key(key.to_owned()));
                rest = after;
            }
            if rest.is_empty() {
                break;
            }
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None if rest.starts_with('[') => {}
                None => return Err(bad("a '.' is missing")),
            }
        }
        let mut steps = steps.into_iter();
        let Some(PathStep::Key(name)) = steps.next() else {
            return Err(bad("it must begin with a name"));
        };
        Ok(Self { text: text.to_owned(), name, rest: steps.collect() })
    }

    /// The first step: the name of the fact.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the part of the fact that the path leads through first; `None` when it
    /// leads to the fact itself or through an element of a list.
    #[must_use]
    pub fn part(&self) -> Option<&str> {
        match self.rest.first()? {
            PathStep::Key(key) => Some(key),
            PathStep::Index(_) => None,
        }
    }

    /// Where the path leads within `fact`, the value of the fact it names. A JSON `null`
    /// counts as absent.
    #[must_use]
    pub fn within<'v>(&self, fact: &'v Value) -> Option<&'v Value> {
        self.rest.iter().try_fold(fact, |value, step| step.of(value)).filter(|value| !value.is_null())
    }

    /// Where the path leads from `part`, the part that [`FactPath::part`] names. A JSON
    /// `null` counts as absent.
    #[must_use]
    pub fn within_part<'v>(&self, part: &'v Value) -> Option<&'v Value> {
        self.rest.iter().skip(1).try_fold(part, |value, step| step.of(value)).filter(|value| !value.is_null())
    }

    /// What stands at the path, or the `null` that it ends at before.
    #[must_use]
    pub fn walk<'v>(&self, values: &'v Map<String, Value>) -> Option<&'v Value> {
        let mut value = values.get(&self.name)?;
        for step in &self.rest {
            if value.is_null() {
                return Some(value);
            }
            value = match step {
                PathStep::Key(key) => value.get(key.as_str())?,
                PathStep::Index(index) => value.get(*index)?,
            };
        }
        Some(value)
    }

    /// As [`FactPath::walk`], to change what stands there.
    pub fn walk_mut<'v>(&self, values: &'v mut Map<String, Value>) -> Option<&'v mut Value> {
        let mut value = values.get_mut(&self.name)?;
        for step in &self.rest {
            value = match step {
                PathStep::Key(key) => value.get_mut(key.as_str())?,
                PathStep::Index(index) => value.get_mut(*index)?,
            };
        }
        Some(value)
    }

    /// Whether the path is a name only.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.rest.is_empty()
    }
}

impl fmt::Display for FactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
