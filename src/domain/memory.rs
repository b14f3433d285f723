//! Memory of subjects: what earlier events said of the entity a thinner event is about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::SubjectKey;
use super::standing::Stands;
use super::time::Timestamp;

/// The facts last known of one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// When the subject was first seen.
    pub first_seen: Timestamp,
    /// The facts by name.
    pub facts: BTreeMap<String, Remembered>,
    /// What has become of it; `None` while nothing has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Stands>,
}

/// One remembered fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// Its value.
    pub value: Value,
    /// When the event that carried it was received.
    pub since: Timestamp,
}

/// What the store knows of an event's subject before the event is planned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Known {
    /// The memory and its version; `None` when nothing is remembered.
    pub memory: Option<(Memory, MemoryVersion)>,
}

/// Counts the changes of one memory from 1; a plan names the version it was made from.
pub type MemoryVersion = i64;

/// A change of memory, valid only against the version it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryChange {
    /// The subject.
    pub key: SubjectKey,
    /// The version this change replaces; `None` when there was no memory.
    pub from: Option<MemoryVersion>,
    /// The new memory.
    pub to: Memory,
}
