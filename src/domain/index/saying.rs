//! What an event says of the facts an index asks for: each read and folded once.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use super::asked::Answers;
use super::want::{Hash, Key, bits};
use crate::domain::condition::{as_number, fold};
use crate::domain::look::Look;

/// One value of a fact, in the ways it can be looked up.
pub(super) struct Saying<'a> {
    /// Its text in lower case.
    text: Cow<'a, str>,
    /// The hash of the text (see [`Key::hashed`]).
    pub(super) text_hash: Hash,
    /// The number that it is.
    pub(super) number: Option<f64>,
    /// The hash of the number.
    pub(super) number_hash: Option<Hash>,
}

impl Saying<'_> {
    /// The hash of its first `length` bytes as a beginning; `None` when it has no such.
    pub(super) fn begins(&self, length: usize) -> Option<Hash> {
        Some(Key::Begins(self.text.get(..length)?).hashed())
    }
}

/// What one event has been asked so far.
pub(super) struct Sayings<'a, 'i, 'f, L> {
    answers: &'a Answers<'i, 'f, L>,
    all: Vec<Saying<'a>>,
    asked: Vec<(u32, Range<usize>)>,
}

/// Most events are asked for fewer values.
const USUAL: usize = 8;

impl<'a, 'i, 'f, L: Look> Sayings<'a, 'i, 'f, L> {
    pub(super) fn of(answers: &'a Answers<'i, 'f, L>) -> Self {
        Self { answers, all: Vec::with_capacity(USUAL), asked: Vec::with_capacity(USUAL) }
    }

    /// Which values the `fact`th fact has: none when it is missing, several when it is a list.
    pub(super) fn ask(&mut self, fact: u32) -> Range<usize> {
        if let Some((_, found)) = self.asked.iter().find(|(asked, _)| *asked == fact) {
            return found.clone();
        }
        let from = self.all.len();
        if let Some(value) = self.answers.value(fact) {
            self.read(value);
        }
        let found = from..self.all.len();
        self.asked.push((fact, found.clone()));
        found
    }

    pub(super) fn get(&self, place: usize) -> Option<&Saying<'a>> {
        self.all.get(place)
    }

    fn read(&mut self, value: &'a Value) {
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
