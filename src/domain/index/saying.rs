//! What an event says of the facts an index asks for: each read and folded once.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use super::want::{Key, bits};
use crate::domain::condition::{as_number, fold};
use crate::domain::facts::{FactPath, Facts};

/// One value of a fact, in the ways it can be looked up.
pub(super) struct Saying<'f> {
    /// Its text in lower case.
    pub(super) text: Cow<'f, str>,
    /// The hash of the text (see [`Key::hashed`]).
    pub(super) text_hash: u64,
    /// The number that it is.
    pub(super) number: Option<f64>,
    /// The hash of the number.
    pub(super) number_hash: Option<u64>,
}

/// What one event has been asked so far.
pub(super) struct Sayings<'f> {
    facts: &'f Facts,
    all: Vec<Saying<'f>>,
    asked: Vec<(u32, Range<usize>)>,
}

impl<'f> Sayings<'f> {
    pub(super) fn of(facts: &'f Facts) -> Self {
        Self { facts, all: Vec::new(), asked: Vec::new() }
    }

    /// Which values the fact at `path`, the `fact`th of the index, has: none when it is
    /// missing, several when it is a list.
    pub(super) fn ask(&mut self, fact: u32, path: &FactPath) -> Range<usize> {
        if let Some((_, found)) = self.asked.iter().find(|(asked, _)| *asked == fact) {
            return found.clone();
        }
        let from = self.all.len();
        if let Some(value) = self.facts.get(path) {
            self.read(value);
        }
        let found = from..self.all.len();
        self.asked.push((fact, found.clone()));
        found
    }

    pub(super) fn get(&self, place: usize) -> Option<&Saying<'f>> {
        self.all.get(place)
    }

    fn read(&mut self, value: &'f Value) {
        let text = match value {
            Value::String(text) => fold(text),
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Value::Array(items) => return items.iter().for_each(|item| self.read(item)),
            Value::Null | Value::Object(_) => return,
        };
        let number = as_number(value);
        self.all.push(Saying {
            text_hash: Key::Text(&text).hashed(),
            text,
            number,
            number_hash: number.map(|number| Key::Number(bits(number)).hashed()),
        });
    }
}
