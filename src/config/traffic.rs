//! What the events that came have taught: their names, facts, values and fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::facts::{Facts, Origin};
use crate::domain::stage::Stage;
use crate::domain::time::Timestamp;
use crate::source::qase::payload_of;
use crate::store::{EventRecord, Ledger, StoreError};

/// How many of the newest events are looked at.
pub const EVENTS_MAX: usize = 20_000;

/// How many events are read from the store at once.
const PAGE: usize = 100;

/// How many different values of one fact are counted one by one.
const VALUES_MAX: usize = 50;

/// The longest value that is counted, in characters.
const VALUE_CHARS_MAX: usize = 80;

/// How many fields of the payloads of one event are counted.
const FIELDS_MAX: usize = 300;

/// How many names of events are counted. There are more only where somebody invents them.
const NAMES_MAX: usize = 1000;

/// How deep a payload is looked into.
const DEPTH_MAX: usize = 6;

/// What a number of events had.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// How many events were looked at.
    pub events: usize,
    /// What those of each name had.
    pub by_name: BTreeMap<String, Seen>,
}

/// What the events of one name had.
#[derive(Debug, Clone)]
pub struct Seen {
    /// How many there were.
    pub events: usize,
    /// When the first of them was received.
    pub first: Timestamp,
    /// When the last of them was received.
    pub last: Timestamp,
    /// Their facts.
    pub facts: BTreeMap<String, SeenFact>,
    /// The fields of their payloads, as `payload.custom_fields[].title`, and how many events had them.
    pub fields: BTreeMap<String, usize>,
}

/// What one fact was.
#[derive(Debug, Clone, Default)]
pub struct SeenFact {
    /// How many events had it.
    pub events: usize,
    /// How many of them by memory.
    pub remembered: usize,
    /// What its values were: text, number …
    pub kinds: BTreeSet<&'static str>,
    /// Its values, and how many events had them.
    pub values: BTreeMap<String, usize>,
    /// Whether there were more different values than are counted, or longer ones.
    pub more: bool,
}

impl Traffic {
    /// Looks at the newest `most` events of `ledger`, page by page.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn look(ledger: &dyn Ledger, most: usize) -> Result<Self, StoreError> {
        let mut traffic = Self::default();
        let mut before = None;
        while traffic.events < most {
            let page = ledger.events(None, before, PAGE.min(most - traffic.events)).await?;
            let Some(oldest) = page.last() else { break };
            before = Some(oldest.id);
            page.iter().for_each(|record| traffic.take(record));
        }
        Ok(traffic)
    }

    /// Counts one event.
    pub fn take(&mut self, record: &EventRecord) {
        self.events += 1;
        if record.stage == Stage::Quarantined {
            return;
        }
        if self.by_name.len() >= NAMES_MAX && !self.by_name.contains_key(&record.name) {
            return;
        }
        let seen = self.by_name.entry(record.name.clone()).or_insert_with(|| Seen {
            events: 0,
            first: record.received,
            last: record.received,
            facts: BTreeMap::new(),
            fields: BTreeMap::new(),
        });
        seen.events += 1;
        seen.first = seen.first.min(record.received);
        seen.last = seen.last.max(record.received);
        if let Ok(facts) = serde_json::from_value::<Facts>(record.facts.clone()) {
            for (name, value) in &facts.values {
                let remembered = matches!(facts.origin(name), Origin::Memory { .. });
                seen.facts.entry(name.clone()).or_default().take(value, remembered);
            }
        }
        let mut fields = BTreeSet::new();
        // What is no webhook of Qase is its own payload.
        let payload = payload_of(&record.body).or_else(|| serde_json::from_slice(&record.body).ok());
        if let Some(payload) = payload {
            collect(&payload, "payload", DEPTH_MAX, &mut fields);
        }
        for field in fields {
            if seen.fields.len() < FIELDS_MAX || seen.fields.contains_key(&field) {
                *seen.fields.entry(field).or_default() += 1;
            }
        }
    }

    /// Whether an event of this name came.
    #[must_use]
    pub fn has_event(&self, name: &str) -> bool {
        self.by_name.keys().any(|seen| seen.eq_ignore_ascii_case(name))
    }

    /// Whether any event had this value of `fact`, whatever its case.
    #[must_use]
    pub fn has_value(&self, fact: &str, value: &str) -> bool {
        let mut facts = self.by_name.values().filter_map(|seen| seen.facts.get(fact));
        facts.any(|seen| seen.values.keys().any(|known| known.to_lowercase() == value.to_lowercase()))
    }
}

impl SeenFact {
    fn take(&mut self, value: &Value, remembered: bool) {
        self.events += 1;
        self.remembered += usize::from(remembered);
        self.kinds.insert(match value {
            Value::String(_) => "text",
            Value::Number(_) => "number",
            Value::Bool(_) => "true or false",
            Value::Array(_) => "list",
            Value::Object(_) => "object",
            Value::Null => "nothing",
        });
        let one = std::slice::from_ref(value);
        for item in value.as_array().map_or(one, Vec::as_slice) {
            let text = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
            let fits = text.chars().count() <= VALUE_CHARS_MAX;
            if fits && (self.values.len() < VALUES_MAX || self.values.contains_key(&text)) {
                *self.values.entry(text).or_default() += 1;
            } else {
                self.more = true;
            }
        }
    }

    /// The values, the most frequent first.
    #[must_use]
    pub fn frequent(&self) -> Vec<(&str, usize)> {
        let mut values: Vec<(&str, usize)> =
            self.values.iter().map(|(value, count)| (value.as_str(), *count)).collect();
        values.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
        values
    }
}

/// Collects the fields of `value`, those of the elements of lists under `[]`.
fn collect(value: &Value, at: &str, depth: usize, found: &mut BTreeSet<String>) {
    if depth == 0 || found.len() >= FIELDS_MAX {
        return;
    }
    match value {
        Value::Object(entries) => {
            for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
                let plain = key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
                let path = if plain { format!("{at}.{key}") } else { format!("{at}.\"{key}\"") };
                collect(value, &path, depth - 1, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, &format!("{at}[]"), depth - 1, found)),
        _ => {}
    }
}
