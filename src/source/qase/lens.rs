//! Reads of a webhook what rules ask for, and nothing else.
//!
//! To be stored, an event is read as a whole. To be held against rules, a few facts are
//! enough: the rest of the body is checked to be JSON and passed over.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use serde_json::Value;

use super::envelope::{Envelope, Head};
use super::facts::{FACTS_READ, Fact, SUBJECT, Said};
use super::fields::{FIELDS, Field, Fields};
use super::parts::{self, Parts};
use super::{Qase, address};
use crate::domain::facts::{AGE, CHANGED, FactPath};
use crate::domain::look::Look;
use crate::domain::time::Timestamp;
use crate::source::{Malformed, Verified};

type Hashed<K, V> = HashMap<K, V, FixedState>;

static BY_NAME: LazyLock<Hashed<&'static str, Vec<&'static Fact>>> = LazyLock::new(|| {
    let mut facts: Hashed<_, Vec<_>> = Hashed::default();
    FACTS_READ.iter().for_each(|fact| facts.entry(fact.name).or_default().push(fact));
    facts
});

/// The facts that `url` is put together from.
const URL_READS: [&str; 2] = ["id", "run_id"];

/// What is to be read of each webhook.
#[derive(Debug)]
pub struct Lens<'q> {
    qase: &'q Qase,
    /// The keys of a payload that are kept, by their places; `None`: the whole payload.
    keys: Option<Keys>,
}

/// Keys of a payload, each with its place among those that are kept.
#[derive(Debug, Default)]
pub(super) struct Keys {
    places: Hashed<Box<str>, u16>,
    /// The place of each field that is kept, by the field.
    fields: Vec<Option<u16>>,
}

/// So many keys are kept at most; more are the whole payload.
const KEYS_MAX: u16 = 500;

impl Keys {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The place of the key called `name`.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).map(|place| usize::from(*place))
    }

    /// Keeps the key called `name` too; `None` when there are too many.
    fn keep(&mut self, name: &str) -> Option<u16> {
        let next = u16::try_from(self.places.len()).ok().filter(|next| *next < KEYS_MAX)?;
        Some(*self.places.entry(name.into()).or_insert(next))
    }
}

impl<'q> Lens<'q> {
    /// A lens for rules that ask for the facts at `asked`.
    pub(super) fn new(qase: &'q Qase, asked: &[FactPath]) -> Self {
        Self { qase, keys: keys(asked) }
    }

    /// What the webhook says of the facts that were asked for, as if nothing were known of
    /// its subject.
    ///
    /// # Errors
    /// When the body cannot be read as this sender's, as [`Source::normalise`] says it.
    ///
    /// [`Source::normalise`]: crate::source::Source::normalise
    pub fn glimpse(&self, hook: &Verified, received: Timestamp) -> Result<Glimpse<'_>, Malformed> {
        let body = &hook.hook().body;
        let read = self.keys.as_ref().and_then(|keys| {
            let (sent, parts) = parts::read(body, keys)?;
            let project = parts.get(keys.fields.get(Field::Project as usize).copied()??);
            let head = Head::read(sent, project).ok()?;
            Some((head, Payload::Parts(keys, parts)))
        });
        // Whatever is unusual about a body is told, and read, in one place.
        let (head, payload) = match read {
            Some(read) => read,
            None => {
                let Envelope { head, payload } = Envelope::read(body)?;
                (head, Payload::Whole(payload.into()))
            }
        };
        Ok(Glimpse { qase: self.qase, head, payload, received })
    }
}

/// The keys of a payload that are needed to answer what is `asked`; `None` when all are.
fn keys(asked: &[FactPath]) -> Option<Keys> {
    let mut keys = Keys { fields: vec![None; FIELDS], ..Keys::default() };
    let mut names = vec![];
    for path in asked {
        match path.name() {
            "payload" => {
                keys.keep(path.part()?)?;
            }
            "url" => names.extend(URL_READS),
            name => names.push(name),
        }
    }
    let facts = names.into_iter().filter_map(|name| BY_NAME.get(name)).flatten();
    let fields = facts.flat_map(|fact| fact.from).chain(SUBJECT).chain([&Field::Project]);
    for field in fields {
        keys.fields[*field as usize] = Some(keys.keep(field.name())?);
    }
    // A field that is kept for its own sake speaks of facts too.
    for field in Field::ALL {
        keys.fields[*field as usize] = keys.places.get(field.name()).copied();
    }
    Some(keys)
}

/// What one webhook says, as far as its lens looks.
#[derive(Debug)]
pub struct Glimpse<'l> {
    qase: &'l Qase,
    head: Head,
    payload: Payload<'l>,
    received: Timestamp,
}

#[derive(Debug)]
enum Payload<'l> {
    Whole(Value),
    Parts(&'l Keys, Parts),
}

impl Fields for Payload<'_> {
    fn get(&self, field: Field) -> Option<&Value> {
        match self {
            Self::Whole(payload) => payload.get(field.name()),
            Self::Parts(keys, parts) => parts.get(keys.fields.get(field as usize).copied().flatten()?),
        }
    }
}

impl Payload<'_> {
    /// The value at `path` within the fact `payload`.
    fn at(&self, path: &FactPath) -> Option<&Value> {
        match self {
            Self::Whole(payload) => path.within(payload),
            Self::Parts(keys, parts) => path.within_part(parts.get(*keys.places.get(path.part()?)?)?),
        }
    }
}

impl Glimpse<'_> {
    fn said(&self) -> Said<'_> {
        Said { head: &self.head, fields: &self.payload }
    }

    /// The fact called `name`, as `plan::see` has it of an event of which nothing is known.
    fn fact(&self, name: &str) -> Option<Value> {
        let (head, said) = (&self.head, self.said());
        match name {
            "event" => Some(head.event.as_str().into()),
            "source" => Some(self.qase.name.as_str().into()),
            "project" => head.project.as_deref().map(Value::from),
            "subject" => said.subject().map(Value::from),
            "time" => Some(head.time.unwrap_or(self.received).to_string().into()),
            AGE => said.subject().map(|_| 0.into()),
            CHANGED => said.subject().map(|_| Value::Array(Vec::new())),
            "url" => address::of(&self.qase.app_url, head, |name| self.read(name)).map(Value::from),
            name => self.read(name),
        }
    }

    /// The fact called `name`, read from the payload.
    fn read(&self, name: &str) -> Option<Value> {
        let said = self.said();
        BY_NAME.get(name)?.iter().rev().find_map(|fact| (fact.read)(&said))
    }
}

impl Look for Glimpse<'_> {
    fn value(&self, path: &FactPath) -> Option<Cow<'_, Value>> {
        if path.name() == "payload" {
            return self.payload.at(path).map(Cow::Borrowed);
        }
        let fact = self.fact(path.name())?;
        if path.is_plain() {
            return Some(fact).filter(|fact| !fact.is_null()).map(Cow::Owned);
        }
        path.within(&fact).cloned().map(Cow::Owned)
    }

    fn has_changed(&self, _name: &str) -> bool {
        false
    }
}
