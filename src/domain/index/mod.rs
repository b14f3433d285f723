//! The index of rules: which rules an event can match at all.
//!
//! A tree that asks one fact at each node. A rule that wants the fact to be one of some
//! texts or numbers, to begin with a text, or to lie in a range, stands under each of
//! these; a rule that wants nothing of the kind stands beside them. So the way of an event
//! leads past rules of other events and projects without looking at them, and what is
//! found costs about what matches, however many rules there are. The index only skips
//! rules that [`Rule::matches`] would refuse; the rest is evaluated.

mod build;
mod saying;
mod want;

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::facts::{FactPath, Facts};
use super::rule::Rule;
use saying::{Saying, Sayings};
use want::Key;

/// By the hash of what rules want (see [`Key::hashed`]). Two texts of one hash would only lead
/// to rules that are then refused. What is looked up are an event's texts, but what stands
/// in it are those of rules, so that a sender cannot make it slow.
type Map = HashMap<u64, Node, FixedState>;

/// Finds the rules that an event can match.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The facts that are asked; nodes name them by their place here.
    facts: Vec<FactPath>,
    root: Node,
}

#[derive(Debug, Clone)]
enum Node {
    /// These rules, by their place.
    Leaf(Box<[u32]>),
    /// What one fact says divides the rules.
    Split(Box<Split>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Leaf(Box::default())
    }
}

#[derive(Debug, Clone, Default)]
struct Split {
    fact: u32,
    /// The rules that want this text, this number, or text that begins so.
    keys: Map,
    /// Whether any of them wants a number.
    has_numbers: bool,
    /// The lengths of the beginnings, ascending, each once.
    lengths: Box<[usize]>,
    /// The rules that want a number in a range.
    ranges: Ranges,
    /// The rules that do not care about the fact in this way.
    beside: Node,
}

/// Ranges of numbers as a segment tree: the cuts make buckets, and a node covers one
/// bucket, or those of two nodes.
#[derive(Debug, Clone, Default)]
struct Ranges {
    cuts: Box<[f64]>,
    /// As many inner nodes as buckets, the first unused, and then the buckets; node `n`
    /// covers what `2n` and `2n + 1` do. Empty when there are no ranges.
    nodes: Box<[Node]>,
}

impl Index {
    /// Indexes `rules` by their places.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        build::index(rules)
    }

    /// The places of all rules that can match `facts`, ascending, each once.
    #[must_use]
    pub fn candidates(&self, facts: &Facts) -> Vec<u32> {
        let mut walk = Walk { index: self, sayings: Sayings::of(facts), found: Vec::new() };
        walk.node(&self.root);
        let mut found = walk.found;
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The way of one event through the tree.
struct Walk<'i, 'f> {
    index: &'i Index,
    sayings: Sayings<'f>,
    found: Vec<u32>,
}

impl<'i> Walk<'i, '_> {
    fn node(&mut self, node: &'i Node) {
        let mut node = node;
        loop {
            match node {
                Node::Leaf(rules) => return self.found.extend_from_slice(rules),
                Node::Split(split) => {
                    self.split(split);
                    node = &split.beside;
                }
            }
        }
    }

    fn split(&mut self, split: &'i Split) {
        let Some(path) = self.index.facts.get(split.fact as usize) else { return };
        for place in self.sayings.ask(split.fact, path) {
            if let Some(under) = self.look(place, |said| split.keys.get(&said.text_hash)) {
                self.node(under);
            }
            if split.has_numbers
                && let Some(under) = self.look(place, |said| split.keys.get(&said.number_hash?))
            {
                self.node(under);
            }
            for length in &split.lengths {
                let key = |said: &Saying<'_>| Some(Key::Begins(said.text.get(..*length)?).hashed());
                if let Some(under) = self.look(place, |said| split.keys.get(&key(said)?)) {
                    self.node(under);
                }
            }
            let mut segment = self.look(place, |said| split.ranges.bucket(said.number?)).unwrap_or_default();
            while let Some(under) = split.ranges.nodes.get(segment).filter(|_| segment > 0) {
                self.node(under);
                segment /= 2;
            }
        }
    }

    fn look<T>(&self, place: usize, find: impl FnOnce(&Saying<'_>) -> Option<T>) -> Option<T> {
        self.sayings.get(place).and_then(find)
    }
}

impl Ranges {
    /// How many buckets there are.
    fn buckets(&self) -> usize {
        self.nodes.len() / 2
    }

    /// The place of the node of the bucket that `number` is in; `None` when there are none.
    fn bucket(&self, number: f64) -> Option<usize> {
        (!self.nodes.is_empty()).then(|| self.buckets() + self.cuts.partition_point(|cut| *cut <= number))
    }
}
