//! What stands before a candidate: the one thing a fact must be for it to match.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use super::build::Entry;
use super::want::{Hash, Key, Want, bits};

/// What a fact that was not asked on the way must be for a candidate to match: most are
/// refused by it without being looked up anywhere. Small, because those of a leaf are read
/// one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    /// The place of the fact, what is asked of it, and whether a leaf ends here: see below.
    asks: u16,
    /// How many bytes the beginning has.
    length: u16,
    /// The hash of what it wants, or where its span stands.
    wants: Hash,
}

/// What a guard asks of its fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Nothing: nothing can be told beforehand.
    Nothing,
    /// The hash of its text.
    Text,
    /// The hash of the number that it is.
    Number,
    /// The hash of so many bytes at the beginning of its text.
    Beginning(u32),
    /// The number that it is, which must lie within a span.
    Span,
}

impl Guard {
    const LAST: u16 = 1;
    const TEXT: u16 = 1 << 1;
    const NUMBER: u16 = 2 << 1;
    const BEGINNING: u16 = 3 << 1;
    const SPAN: u16 = 4 << 1;
    const KINDS: u16 = 7 << 1;
    /// Where the place of the fact begins.
    const FACT: u32 = 4;

    const OPEN: Self = Self { asks: 0, length: 0, wants: 0 };

    /// `None` when there are so many facts that this one does not fit in.
    fn new(fact: u32, kind: u16, length: u16, wants: u32) -> Option<Self> {
        let fact = u16::try_from(fact).ok().filter(|fact| fact.leading_zeros() >= Self::FACT)?;
        Some(Self { asks: fact << Self::FACT | kind, length, wants })
    }

    /// The same, before the last candidate of a leaf.
    pub(super) fn last(self) -> Self {
        Self { asks: self.asks | Self::LAST, ..self }
    }

    /// Whether no candidate of the leaf comes after this one.
    pub(super) fn is_last(self) -> bool {
        self.asks & Self::LAST != 0
    }

    /// What it asks; all guards that ask the same are answered the same.
    pub(super) fn question(self) -> Question {
        Question(self.asks & !Self::LAST, self.length)
    }

    /// The hash of what it wants, or where its span stands.
    pub(super) fn wants(self) -> Hash {
        self.wants
    }
}

/// What a guard asks, apart from what it wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question(u16, u16);

impl Question {
    /// The place of the fact that is asked.
    pub(super) fn fact(self) -> u32 {
        u32::from(self.0 >> Guard::FACT)
    }

    /// What is asked of it.
    pub(super) fn ask(self) -> Ask {
        match self.0 & Guard::KINDS {
            Guard::TEXT => Ask::Text,
            Guard::NUMBER => Ask::Number,
            Guard::BEGINNING => Ask::Beginning(self.1.into()),
            Guard::SPAN => Ask::Span,
            _ => Ask::Nothing,
        }
    }
}

/// Sets guards. It knows how many different things the rules want of each fact: the more,
/// the fewer events pass a guard that asks it.
#[derive(Default)]
pub(super) struct Guards {
    variety: HashMap<u32, usize, FixedState>,
    /// Every span once.
    places: HashMap<(u64, u64), u32, FixedState>,
    pub(super) spans: Vec<(f64, f64)>,
}

impl Guards {
    pub(super) fn of(entries: &[Entry<'_>]) -> Self {
        let mut wanted: HashMap<u32, HashSet<(u64, u64), FixedState>, FixedState> = HashMap::default();
        for (fact, any) in entries.iter().flat_map(|entry| &entry.wants) {
            wanted.entry(*fact).or_default().extend(any.iter().map(|want| match want {
                Want::Key(key) => (u64::from(key.hashed()), 0),
                Want::Between(from, to) => (bits(*from), bits(*to)),
            }));
        }
        let variety = wanted.into_iter().map(|(fact, wants)| (fact, wants.len())).collect();
        Self { variety, ..Self::default() }
    }

    /// The guard of a rule in a leaf to which a way leads that asks the facts `asked`.
    pub(super) fn guard(&mut self, entry: &Entry<'_>, asked: &[u32]) -> Guard {
        let left = entry.wants.iter().filter(|(fact, _)| !asked.contains(fact));
        let alone = left.filter_map(|(fact, any)| match any.as_slice() {
            [want] => Some((*fact, *want)),
            _ => None,
        });
        let best = alone.max_by_key(|(fact, _)| (self.variety.get(fact).copied().unwrap_or_default(), *fact));
        best.and_then(|(fact, want)| self.asking(fact, want)).unwrap_or(Guard::OPEN)
    }

    /// `None` when it does not fit in.
    fn asking(&mut self, fact: u32, want: Want<'_>) -> Option<Guard> {
        match want {
            Want::Key(key @ Key::Begins(text)) => {
                Guard::new(fact, Guard::BEGINNING, u16::try_from(text.len()).ok()?, key.hashed())
            }
            Want::Key(key @ Key::Text(_)) => Guard::new(fact, Guard::TEXT, 0, key.hashed()),
            Want::Key(key @ Key::Number(_)) => Guard::new(fact, Guard::NUMBER, 0, key.hashed()),
            Want::Between(from, to) => Guard::new(fact, Guard::SPAN, 0, self.span(from, to)?),
        }
    }

    fn span(&mut self, from: f64, to: f64) -> Option<u32> {
        let new = u32::try_from(self.spans.len()).ok()?;
        let place = *self.places.entry((bits(from), bits(to))).or_insert(new);
        if place == new {
            self.spans.push((from, to));
        }
        Some(place)
    }
}
