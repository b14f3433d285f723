//! Reads a payload in Relaybell's vocabulary.

use serde_json::{Map, Value};

use super::envelope::Head;
use super::facts::{FACTS_READ, Said};
use super::fields::{Field, Fields};

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
        self.facts.insert(name.to_owned(), value);
        self.derived.push(name);
    }
}

/// Room for the facts of most payloads.
const FACTS_USUAL: usize = 24;

/// Reads all facts of a payload that has `fields`.
pub(super) fn read(head: &Head, fields: &dyn Fields) -> Reading {
    let said = Said { head, fields };
    let mut reading = Reading { facts: Map::with_capacity(FACTS_USUAL), ..Reading::default() };
    reading.subject = said.subject();
    for fact in FACTS_READ {
        let Some(value) = (fact.read)(&said) else { continue };
        if fact.is_derived {
            reading.derive(fact.name, value);
        } else {
            reading.facts.insert(fact.name.to_owned(), value);
        }
    }
    for field in CLEARABLE {
        if said.get(field).is_some_and(Value::is_null) && !reading.facts.contains_key(field.name()) {
            reading.facts.insert(field.name().to_owned(), Value::Null);
        }
    }
    reading
}

/// Facts under their own key in a payload: a `null` there says that there is none any more.
const CLEARABLE: [Field; 10] = [
    Field::Description,
    Field::ActualResult,
    Field::Severity,
    Field::Priority,
    Field::Environment,
    Field::Plan,
    Field::SuiteId,
    Field::MilestoneId,
    Field::CaseId,
    Field::ParentId,
];
