//! Several catalogues, asked as one.

use std::sync::Arc;

use super::{Catalogue, FactInfo, Supply, Words};

/// What all sources together can report. Where two describe the same event, it can have
/// what either says.
#[derive(Debug, Clone, Default)]
pub struct Catalogues(Vec<Arc<Catalogue>>);

impl Catalogues {
    /// These catalogues; one that is given twice counts once.
    pub fn of(catalogues: impl IntoIterator<Item = Arc<Catalogue>>) -> Self {
        let mut all: Vec<Arc<Catalogue>> = Vec::new();
        for one in catalogues {
            if !all.iter().any(|known| Arc::ptr_eq(known, &one)) {
                all.push(one);
            }
        }
        Self(all)
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Catalogue>> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them sends events of names that are not in it.
    #[must_use]
    pub fn has_open(&self) -> bool {
        self.0.iter().any(|one| one.is_open())
    }

    /// All facts, each as often as it is described.
    pub fn facts(&self) -> impl Iterator<Item = &FactInfo> {
        self.0.iter().flat_map(|one| one.facts())
    }

    /// The first description of the fact called `name`.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&FactInfo> {
        self.0.iter().find_map(|one| one.fact(name))
    }

    /// The documented events, each once.
    #[must_use]
    pub fn events(&self) -> Vec<&'static str> {
        let mut all = Vec::new();
        for event in self.0.iter().flat_map(|one| one.events()) {
            if !all.contains(event) {
                all.push(*event);
            }
        }
        all
    }

    /// The events whose facts are known, documented or not, each once, sorted.
    #[must_use]
    pub fn described(&self) -> Vec<&'static str> {
        let mut all: Vec<&'static str> = self.0.iter().flat_map(|one| one.described()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether something is known of the event.
    #[must_use]
    pub fn describes(&self, event: &str) -> bool {
        self.0.iter().any(|one| one.describes(event))
    }

    /// How an event called `event` comes by `fact`; `None` when nothing is known of the event.
    #[must_use]
    pub fn supply(&self, event: &str, fact: &str) -> Option<Supply> {
        let mut all: Option<Supply> = None;
        for one in self.0.iter().filter_map(|one| one.supply(event, fact)) {
            let all = all.get_or_insert_with(Supply::default);
            all.forms.extend(one.forms);
            all.forms_without.extend(one.forms_without);
            all.remembered_from.extend(one.remembered_from);
        }
        let mut all = all?;
        all.forms.sort_unstable();
        all.forms.dedup();
        all.forms_without.sort_unstable();
        all.forms_without.dedup();
        all.remembered_from.sort_unstable();
        all.remembered_from.dedup();
        Some(all)
    }

    /// Whether an event called `event` can have `fact`, by its payload or by memory; true when
    /// nothing is known of the event.
    #[must_use]
    pub fn can_have(&self, event: &str, fact: &str) -> bool {
        let mut described = false;
        for one in &self.0 {
            match one.can_have(event, fact) {
                Some(true) => return true,
                Some(false) => described = true,
                None if one.is_open() && one.fact(fact).is_some() => return true,
                None => {}
            }
        }
        !described
    }

    /// The events that carry `fact` in any form of their payload, each once, sorted.
    #[must_use]
    pub fn carriers(&self, fact: &str) -> Vec<&'static str> {
        let mut all: Vec<&'static str> = self.0.iter().flat_map(|one| one.carriers(fact)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether `fact` stays known of its subject, at some source.
    #[must_use]
    pub fn remembers(&self, fact: &str) -> bool {
        self.0.iter().any(|one| one.remembers(fact))
    }

    /// The values that `fact` has at the events `events`, where all of them are known.
    #[must_use]
    pub fn words_of<'e>(&self, fact: &str, events: impl IntoIterator<Item = &'e str>) -> Option<Words> {
        let mut all: Option<Words> = None;
        for event in events {
            // What an event nobody describes would have is what any of them says.
            let known = self.0.iter().filter(|one| one.describes(event) || one.is_open() || !self.describes(event));
            let having: Vec<_> = known.filter(|one| one.fact(fact).is_some()).collect();
            if having.is_empty() {
                return None;
            }
            for one in having {
                let here = one.words_at(fact, event)?;
                let all = all.get_or_insert(Words { words: Vec::new(), closed: true });
                all.closed &= here.closed;
                for word in here.words {
                    if !all.words.contains(&word) {
                        all.words.push(word);
                    }
                }
            }
        }
        all
    }

    /// The values that `fact` has at any event, where they are known.
    #[must_use]
    pub fn words_anywhere(&self, fact: &str) -> Vec<&'static str> {
        let mut all = Vec::new();
        for word in self.0.iter().flat_map(|one| one.words_anywhere(fact)) {
            if !all.contains(&word) {
                all.push(word);
            }
        }
        all
    }
}
