//! What an event says of the facts an index asks for: each read and folded once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use serde_json::Value;

use super::asked::Answers;
use super::guard::{Ask, Guard, Question};
use super::want::{Hash, Key, bits};
use crate::domain::condition::{as_number, fold};
use crate::domain::look::Look;

/// One value of a fact, in the ways it can be looked up. Each is made when it is asked for:
/// most facts are asked in one way only.
pub(super) struct Saying<'a> {
    value: &'a Value,
    text: OnceCell<Cow<'a, str>>,
    text_hash: OnceCell<Hash>,
    number: OnceCell<Option<f64>>,
    number_hash: OnceCell<Option<Hash>>,
}

impl<'a> Saying<'a> {
    fn of(value: &'a Value) -> Self {
        Self {
            value,
            text: OnceCell::new(),
            text_hash: OnceCell::new(),
            number: OnceCell::new(),
            number_hash: OnceCell::new(),
        }
    }

    /// Its text in lower case.
    fn text(&self) -> &str {
        self.text.get_or_init(|| match self.value {
            Value::String(text) => fold(text),
            Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            other => Cow::Owned(other.to_string()),
        })
    }

    /// The hash of the text (see [`Key::hashed`]).
    pub(super) fn text_hash(&self) -> Hash {
        *self.text_hash.get_or_init(|| Key::Text(self.text()).hashed())
    }

    /// The number that it is.
    pub(super) fn number(&self) -> Option<f64> {
        *self.number.get_or_init(|| as_number(self.value))
    }

    /// The hash of the number.
    pub(super) fn number_hash(&self) -> Option<Hash> {
        *self.number_hash.get_or_init(|| self.number().map(|number| Key::Number(bits(number)).hashed()))
    }
}

/// The hash of a beginning of a value.
struct Beginning {
    place: usize,
    length: u32,
    hash: Option<Hash>,
}

/// What an event answers to the question of guards.
#[derive(Debug, Clone, Copy)]
pub(super) enum Heard {
    /// Whatever is wanted.
    Anything,
    /// What has this hash, or nothing.
    Hash(Option<Hash>),
    /// This number, or none.
    Number(Option<f64>),
    /// A list: each of its values answers for itself.
    Several,
}

/// What one event has been asked so far.
pub(super) struct Sayings<'a, 'i, 'f, L> {
    answers: &'a Answers<'i, 'f, L>,
    all: Vec<Saying<'a>>,
    /// By the places of facts: which values each has; `None`: not asked yet.
    asked: Vec<Option<Said>>,
    beginnings: Vec<Beginning>,
}

/// The values of one fact: from which on, and how many.
#[derive(Debug, Clone, Copy)]
struct Said {
    from: usize,
    length: usize,
}

impl Said {
    fn range(self) -> Range<usize> {
        self.from..self.from + self.length
    }
}

/// Most events are asked for fewer values.
const USUAL: usize = 8;

impl<'a, 'i, 'f, L: Look> Sayings<'a, 'i, 'f, L> {
    pub(super) fn of(answers: &'a Answers<'i, 'f, L>) -> Self {
        let asked = vec![None; answers.facts()];
        Self { answers, all: Vec::with_capacity(USUAL), asked, beginnings: Vec::new() }
    }

    /// Which values the `fact`th fact has: none when it is missing, several when it is a list.
    pub(super) fn ask(&mut self, fact: u32) -> Range<usize> {
        if let Some(Some(said)) = self.asked.get(fact as usize) {
            return said.range();
        }
        let from = self.all.len();
        if let Some(value) = self.answers.value(fact) {
            self.read(value);
        }
        let said = Said { from, length: self.all.len() - from };
        if let Some(asked) = self.asked.get_mut(fact as usize) {
            *asked = Some(said);
        }
        said.range()
    }

    pub(super) fn get(&self, place: usize) -> Option<&Saying<'a>> {
        self.all.get(place)
    }

    /// The hash of the first `length` bytes of the value at `place` as a beginning; `None`
    /// when it has no such.
    pub(super) fn begins(&mut self, place: usize, length: u32) -> Option<Hash> {
        let known = self.beginnings.iter().find(|known| known.place == place && known.length == length);
        if let Some(known) = known {
            return known.hash;
        }
        let beginning = self.all.get(place).and_then(|said| said.text().get(..length as usize));
        let hash = beginning.map(|beginning| Key::Begins(beginning).hashed());
        self.beginnings.push(Beginning { place, length, hash });
        hash
    }

    /// What the event answers to `question`.
    pub(super) fn hear(&mut self, question: Question) -> Heard {
        let ask = question.ask();
        if ask == Ask::Nothing {
            return Heard::Anything;
        }
        let said = self.ask(question.fact());
        match said.len() {
            0 => Heard::Hash(None),
            1 => self.hear_at(ask, said.start),
            _ => Heard::Several,
        }
    }

    fn hear_at(&mut self, ask: Ask, place: usize) -> Heard {
        let said = self.get(place);
        match ask {
            Ask::Nothing => Heard::Anything,
            Ask::Text => Heard::Hash(said.map(Saying::text_hash)),
            Ask::Number => Heard::Hash(said.and_then(Saying::number_hash)),
            Ask::Beginning(length) => Heard::Hash(self.begins(place, length)),
            Ask::Span => Heard::Number(said.and_then(Saying::number)),
        }
    }

    /// Whether `guard` lets the event pass, of which `heard` is what it answers.
    pub(super) fn admits(&mut self, guard: Guard, heard: Heard, spans: &[(f64, f64)]) -> bool {
        match heard {
            Heard::Anything => true,
            Heard::Hash(hash) => hash == Some(guard.wants()),
            Heard::Number(number) => {
                let span = spans.get(guard.wants() as usize);
                number.zip(span).is_some_and(|(number, (from, to))| (*from..=*to).contains(&number))
            }
            Heard::Several => {
                let question = guard.question();
                self.ask(question.fact()).any(|place| {
                    let heard = self.hear_at(question.ask(), place);
                    self.admits(guard, heard, spans)
                })
            }
        }
    }

    fn read(&mut self, value: &'a Value) {
        match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) => self.all.push(Saying::of(value)),
            Value::Array(items) => items.iter().for_each(|item| self.read(item)),
            Value::Null | Value::Object(_) => {}
        }
    }
}
