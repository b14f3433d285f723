//! The index of rules: which rules an event can match at all.
//!
//! A tree that asks one fact at each node. A rule that wants the fact to be one of some
//! texts or numbers, to begin with a text, or to lie in a range, stands under each of
//! these; a rule that wants nothing of the kind stands beside them. So the way of an event
//! leads past rules of other events and projects without looking at them, and what is
//! found costs about what matches, however many rules there are. Where few rules are left
//! they stand side by side, each with a guard. The index only skips rules that [`Rule::matches`] would refuse; the rest is evaluated.

mod asked;
mod build;
mod guard;
mod saying;
mod shorthand;
mod spell;
mod want;

use super::facts::FactPath;
use super::look::Look;
use super::rule::{Judgement, Rule};
use asked::{Answers, Asked};
use guard::Guard;
use saying::{Saying, Sayings};
use shorthand::{Hearing, Shorthand};
use want::Hash;

/// Finds the rules that an event matches.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The facts that are asked; all else names them by their place here.
    asked: Asked,
    tree: Tree,
    shorthand: Shorthand,
}

/// The tree, flat: its nodes lie side by side and name each other by their places, so that
/// the way of an event touches as little memory as can be.
#[derive(Debug, Clone, Default)]
struct Tree {
    root: Place,
    splits: Vec<Split>,
    /// The rules of all leaves, leaf by leaf, and what stands before each.
    rules: Vec<Found>,
    guards: Vec<Guard>,
    /// The tables of all splits, each a power of two long, at most half full.
    keys: Vec<Slot>,
    /// The lengths of beginnings of all splits.
    lengths: Vec<u32>,
    ranges: Vec<Ranges>,
    /// The cuts of all ranges.
    cuts: Vec<f64>,
    /// The nodes of all segment trees.
    segments: Vec<Place>,
    /// The numbers that guards let pass: from the first to the second, both included.
    spans: Vec<(f64, f64)>,
}

/// Where a node of the tree is: nowhere, a split, or a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place(u32);

/// What [`Place`] leads to.
enum Node {
    Nothing,
    /// What one fact says divides the rules: the place of the split.
    Split(u32),
    /// Rules to look at: the place of the first.
    Leaf(u32),
}

impl Place {
    const NOWHERE: Self = Self(u32::MAX);
    /// Set in the place of a leaf.
    const LEAF: u32 = 1 << 31;

    fn node(self) -> Node {
        match self {
            Self::NOWHERE => Node::Nothing,
            Self(place) if place & Self::LEAF == 0 => Node::Split(place),
            Self(place) => Node::Leaf(place & !Self::LEAF),
        }
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::NOWHERE
    }
}

/// A rule that an event can match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    /// Its place among the rules.
    rule: u32,
    /// Where its steps begin.
    start: u32,
}

/// A part of one of the tree's lists.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    from: u32,
    length: u32,
}

impl Part {
    fn of<T>(self, list: &[T]) -> &[T] {
        let from = self.from as usize;
        list.get(from..from + self.length as usize).unwrap_or_default()
    }
}

/// Half as long as what a processor fetches at once, and never across two of these.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Split {
    fact: u16,
    /// Whether any of the keys wants a text, and whether any wants a number.
    has_texts: bool,
    has_numbers: bool,
    /// By the hash of what rules want: this text, this number, or text that begins so. Two
    /// texts of one hash only lead to rules that are then refused. What is looked up are an
    /// event's texts, but what stands in it are those of rules, so that a sender cannot
    /// make it slow.
    keys: Part,
    /// The lengths of the beginnings, ascending, each once.
    lengths: Part,
    /// The rules that want a number in a range; none: [`NO_RANGES`].
    ranges: u32,
    /// The rules that do not care about the fact in this way.
    beside: Place,
}

/// A node under a key.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: Hash,
    node: Place,
}

/// In place of ranges that there are not.
const NO_RANGES: u32 = u32::MAX;

/// Ranges of numbers as a segment tree: the cuts make buckets, and a node covers one
/// bucket, or those of two nodes.
#[derive(Debug, Clone, Copy)]
struct Ranges {
    cuts: Part,
    /// As many inner nodes as buckets, the first unused, and then the buckets; node `n`
    /// covers what `2n` and `2n + 1` do.
    segments: Part,
}

impl Index {
    /// Indexes `rules` by their places.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        let mut asked = Asked::default();
        let mut tree = build::tree(rules, &mut asked);
        let shorthand = Shorthand::of(rules, &mut tree.rules, &mut asked);
        Self { asked, tree, shorthand }
    }

    /// The facts that some rule asks for, each once.
    #[must_use]
    pub fn asked(&self) -> &[FactPath] {
        self.asked.paths()
    }

    /// The places of all rules that can match `event`, ascending, each once.
    #[must_use]
    pub fn candidates(&self, event: &impl Look) -> Vec<u32> {
        self.found(&Answers::of(event, &self.asked)).into_iter().map(|found| found.rule).collect()
    }

    /// What those of `rules`, which are the indexed ones, make of `event` that do not refuse
    /// it; ascending, each once.
    pub(super) fn judged(&self, rules: &[Rule], event: &impl Look) -> Vec<(usize, Judgement)> {
        let answers = Answers::of(event, &self.asked);
        let mut hearing = Hearing::of(&self.shorthand, &answers);
        let found = self.found(&answers);
        self.shorthand.fetch(&found);
        let found = found.into_iter();
        found
            .map(|found| (found.rule as usize, hearing.judge(rules, found)))
            .filter(|(_, judgement)| *judgement != Judgement::Refuses)
            .collect()
    }

    fn found<L: Look>(&self, answers: &Answers<'_, '_, L>) -> Vec<Found> {
        let mut walk = Walk { tree: &self.tree, sayings: Sayings::of(answers), leaves: Vec::with_capacity(USUAL) };
        walk.node(self.tree.root);
        let mut found = walk.found();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Most events come to fewer leaves.
const USUAL: usize = 16;

/// The way of one event through the tree.
struct Walk<'i, 'a, 'f, L> {
    tree: &'i Tree,
    sayings: Sayings<'a, 'i, 'f, L>,
    /// The leaves that it leads to.
    leaves: Vec<u32>,
}

impl<L: Look> Walk<'_, '_, '_, L> {
    fn node(&mut self, mut place: Place) {
        loop {
            match place.node() {
                Node::Nothing => return,
                Node::Leaf(leaf) => return self.leaves.push(leaf),
                Node::Split(split) => {
                    let Some(split) = self.tree.splits.get(split as usize) else { return };
                    self.split(split);
                    place = split.beside;
                }
            }
        }
    }

    /// The rules in the leaves whose guards let the event pass.
    fn found(mut self) -> Vec<Found> {
        let guards = &self.tree.guards;
        // Each leaf is asked for before the first is needed: memory that is far away brings
        // many in the time it takes for one.
        let first = |leaf: &u32| guards.get(*leaf as usize).map_or(0, |first| first.wants());
        std::hint::black_box(self.leaves.iter().map(first).fold(0, u32::wrapping_add));
        let mut found = Vec::new();
        for leaf in &self.leaves {
            let mut asked = None;
            for (guard, at) in guards.get(*leaf as usize..).unwrap_or_default().iter().zip(*leaf as usize..) {
                let question = guard.question();
                let heard = match asked {
                    Some((asked, heard)) if asked == question => heard,
                    _ => self.sayings.hear(question),
                };
                asked = Some((question, heard));
                if self.sayings.admits(*guard, heard, &self.tree.spans) {
                    found.extend(self.tree.rules.get(at));
                }
                if guard.is_last() {
                    break;
                }
            }
        }
        found
    }

    fn split(&mut self, split: &Split) {
        let tree = self.tree;
        for place in self.sayings.ask(u32::from(split.fact)) {
            if split.has_texts
                && let Some(hash) = self.sayings.get(place).map(Saying::text_hash)
            {
                self.key(split, hash);
            }
            if split.has_numbers
                && let Some(hash) = self.sayings.get(place).and_then(Saying::number_hash)
            {
                self.key(split, hash);
            }
            for length in split.lengths.of(&tree.lengths) {
                if let Some(hash) = self.sayings.begins(place, *length) {
                    self.key(split, hash);
                }
            }
            let Some(ranges) = tree.ranges.get(split.ranges as usize) else { continue };
            let Some(number) = self.sayings.get(place).and_then(Saying::number) else { continue };
            let segments = ranges.segments.of(&tree.segments);
            let mut segment = segments.len() / 2 + ranges.cuts.of(&tree.cuts).partition_point(|cut| *cut <= number);
            while segment > 0 {
                self.node(segments.get(segment).copied().unwrap_or_default());
                segment /= 2;
            }
        }
    }

    fn key(&mut self, split: &Split, hash: Hash) {
        let table = split.keys.of(&self.tree.keys);
        let mut at = hash as usize;
        // A table has an empty slot, at which the way ends.
        for _ in 0..table.len() {
            match table.get(at & (table.len() - 1)) {
                Some(Slot { node: Place::NOWHERE, .. }) | None => return,
                Some(slot) if slot.hash == hash => return self.node(slot.node),
                Some(_) => at += 1,
            }
        }
    }
}
