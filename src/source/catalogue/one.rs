//! What one kind of source, or one source, can report.

use std::collections::BTreeMap;

use super::{COMMON, FactInfo, FactKind, Form, Supply, Words, entity};

/// One form of one event and the facts that its payload has.
#[derive(Debug, Clone)]
pub struct Payload {
    /// The event.
    pub event: &'static str,
    /// The form.
    pub form: Form,
    /// The facts beside those of every event.
    pub facts: Vec<&'static str>,
}

/// The values of one fact at events whose name begins so.
#[derive(Debug, Clone)]
pub struct KnownWords {
    /// The fact.
    pub fact: &'static str,
    /// How the names of the events begin; an event that a longer beginning fits is meant by that one.
    pub events: &'static str,
    /// The values.
    pub words: Vec<&'static str>,
    /// Whether there are no others.
    pub closed: bool,
}

/// What a source says of itself.
#[derive(Debug, Clone)]
pub struct Description {
    /// The kind of source, or the name of a source that declares its own facts.
    pub kind: &'static str,
    /// Its facts beside those of every event, in the order they are shown.
    pub facts: Vec<FactInfo>,
    /// The facts that belong to one event alone and are not remembered.
    pub passing: Vec<&'static str>,
    /// The events that the sender documents, in the order they are shown.
    pub events: Vec<&'static str>,
    /// What is known of the payloads of events, documented or not.
    pub payloads: Vec<Payload>,
    /// The values of facts, where they are known.
    pub words: Vec<KnownWords>,
    /// Whether an event tells of its subject for the first time.
    pub begins: fn(&str) -> bool,
    /// Whether it sends events of other names too, with any of its facts.
    pub is_open: bool,
}

impl Description {
    /// A source of `kind` that nothing is known of yet.
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            facts: Vec::new(),
            passing: Vec::new(),
            events: Vec::new(),
            payloads: Vec::new(),
            words: Vec::new(),
            begins: |_| false,
            is_open: false,
        }
    }

    /// Adds a documented event whose payload always has `facts`.
    #[must_use]
    pub fn event(mut self, event: &'static str, facts: &[&'static str]) -> Self {
        self.events.push(event);
        self.payloads.push(Payload { event, form: Form::Full, facts: facts.to_vec() });
        self
    }
}

/// What one event can have.
#[derive(Debug, Default)]
struct Able {
    /// The facts it carries, each with the forms that have it.
    carries: BTreeMap<&'static str, Vec<Form>>,
    /// All its forms.
    forms: Vec<Form>,
}

/// Facts of every event, whatever its payload. Not every one has a project.
const ALWAYS: [&str; 7] = ["event", "source", "subject", "time", "age", "changed", "payload"];

/// Facts that are not remembered because every event has its own.
const OWN: [&str; 8] = ["event", "source", "project", "subject", "time", "age", "changed", "payload"];

/// What one kind of source can report. What is not in it can still come: senders add
/// fields, and memory fills in what an event lacks.
#[derive(Debug)]
pub struct Catalogue {
    description: Description,
    facts: Vec<FactInfo>,
    able: BTreeMap<&'static str, Able>,
}

impl Catalogue {
    /// The catalogue that `description` describes.
    #[must_use]
    pub fn of(description: Description) -> Self {
        let mut able: BTreeMap<&'static str, Able> = BTreeMap::new();
        for payload in &description.payloads {
            let one = able.entry(payload.event).or_default();
            one.forms.push(payload.form);
            for fact in ALWAYS.iter().chain(&payload.facts) {
                let forms = one.carries.entry(fact).or_default();
                if forms.last() != Some(&payload.form) {
                    forms.push(payload.form);
                }
            }
        }
        let mut facts = COMMON.to_vec();
        for fact in &description.facts {
            match facts.iter_mut().find(|known| known.name == fact.name) {
                Some(known) => *known = *fact,
                None => facts.push(*fact),
            }
        }
        Self { description, facts, able }
    }

    /// The kind of source, or the name of a source that declares its own facts.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.description.kind
    }

    /// All its facts, in the order they are shown.
    #[must_use]
    pub fn facts(&self) -> &[FactInfo] {
        &self.facts
    }

    /// The fact called `name`.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&FactInfo> {
        self.facts.iter().find(|fact| fact.name == name)
    }

    /// The events that the sender documents.
    #[must_use]
    pub fn events(&self) -> &[&'static str] {
        &self.description.events
    }

    /// Whether it sends events of other names too.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.description.is_open
    }

    /// The events whose facts are known, documented or not, by name.
    pub fn described(&self) -> impl Iterator<Item = &'static str> {
        self.able.keys().copied()
    }

    /// Whether something is known of the event.
    #[must_use]
    pub fn describes(&self, event: &str) -> bool {
        self.able.contains_key(event)
    }

    /// How an event called `event` comes by `fact`; `None` when nothing is known of the event.
    #[must_use]
    pub fn supply(&self, event: &str, fact: &str) -> Option<Supply> {
        let able = self.able.get(event)?;
        let forms = able.carries.get(fact).cloned().unwrap_or_default();
        Some(Supply {
            forms_without: able.forms.iter().filter(|form| !forms.contains(form)).copied().collect(),
            forms,
            remembered_from: self.remembered_from(event, fact).collect(),
        })
    }

    /// Whether an event called `event` can have `fact`, by its payload or by memory; `None`
    /// when nothing is known of the event.
    #[must_use]
    pub fn can_have(&self, event: &str, fact: &str) -> Option<bool> {
        let able = self.able.get(event)?;
        Some(able.carries.contains_key(fact) || self.remembered_from(event, fact).next().is_some())
    }

    /// The events that carry `fact` in any form of their payload.
    pub fn carriers(&self, fact: &str) -> impl Iterator<Item = &'static str> {
        self.able.iter().filter(move |(_, able)| able.carries.contains_key(fact)).map(|(event, _)| *event)
    }

    /// Whether `fact` stays known of its subject.
    #[must_use]
    pub fn remembers(&self, fact: &str) -> bool {
        !self.description.passing.contains(&fact) && !OWN.contains(&fact) && self.fact(fact).is_some()
    }

    /// The values that `fact` has at `event`, where they are known.
    #[must_use]
    pub fn words_at(&self, fact: &str, event: &str) -> Option<Words> {
        if self.fact(fact).is_some_and(|known| known.kind == FactKind::Flag) {
            return Some(Words { words: vec!["true", "false"], closed: true });
        }
        let fits = |known: &&KnownWords| known.fact == fact && event.starts_with(known.events);
        let known = self.description.words.iter().filter(fits).max_by_key(|known| known.events.len())?;
        Some(Words { words: known.words.clone(), closed: known.closed })
    }

    /// The values that `fact` has at any event, where they are known.
    #[must_use]
    pub fn words_anywhere(&self, fact: &str) -> Vec<&'static str> {
        if self.fact(fact).is_some_and(|known| known.kind == FactKind::Flag) {
            return vec!["true", "false"];
        }
        let mut all = Vec::new();
        for known in self.description.words.iter().filter(|known| known.fact == fact) {
            let carried = self.description.is_open || self.carriers(fact).any(|event| event.starts_with(known.events));
            let new = known.words.iter().filter(|_| carried);
            for word in new {
                if !all.contains(word) {
                    all.push(*word);
                }
            }
        }
        all
    }

    /// The events from which `fact` is remembered when `event` comes.
    fn remembered_from<'c>(&'c self, event: &str, fact: &'c str) -> impl Iterator<Item = &'static str> + use<'c> {
        let begins = self.description.begins;
        let about = if self.remembers(fact) && !begins(event) { entity(event) } else { "" }.to_owned();
        let event = event.to_owned();
        let comes_before = move |earlier: &&str| *earlier != event && !earlier.ends_with(".deleted");
        self.carriers(fact).filter(move |earlier| comes_before(earlier) && entity(earlier) == about)
    }
}
