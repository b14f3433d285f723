//! The index of rules: which rules an event can match at all.
//!
//! A tree that asks one fact at each node. A rule that wants the fact to be one of some
//! texts or numbers, to begin with a text, or to lie in a range, stands under each of
//! these; a rule that wants nothing of the kind stands beside them. So the way of an event
//! leads past rules of other events and projects without looking at them, and what is
//! found costs about what matches, however many rules there are. The index only skips
//! rules that [`Rule::matches`] would refuse; the rest is evaluated.

mod asked;
mod build;
mod saying;
mod shorthand;
mod spell;
mod want;

use super::facts::FactPath;
use super::look::Look;
use super::rule::{Judgement, Rule};
use asked::{Answers, Asked};
use saying::Sayings;
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
    root: u32,
    nodes: Vec<Node>,
    /// The rules of all leaves.
    rules: Vec<Candidate>,
    /// The tables of all splits, each a power of two long, at most half full.
    keys: Vec<Slot>,
    /// The lengths of beginnings of all splits.
    lengths: Vec<u32>,
    ranges: Vec<Ranges>,
    /// The cuts of all ranges.
    cuts: Vec<f64>,
    /// The nodes of all segment trees.
    segments: Vec<u32>,
}

#[derive(Debug, Clone)]
enum Node {
    /// These rules.
    Leaf(Part),
    /// What one fact says divides the rules.
    Split(Split),
}

/// A rule that an event can match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
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

#[derive(Debug, Clone)]
struct Split {
    fact: u32,
    /// By the hash of what rules want: this text, this number, or text that begins so. Two
    /// texts of one hash only lead to rules that are then refused. What is looked up are an
    /// event's texts, but what stands in it are those of rules, so that a sender cannot
    /// make it slow.
    keys: Part,
    /// Whether any of them wants a number.
    has_numbers: bool,
    /// The lengths of the beginnings, ascending, each once.
    lengths: Part,
    /// The rules that want a number in a range; none: [`NOWHERE`].
    ranges: u32,
    /// The rules that do not care about the fact in this way.
    beside: u32,
}

/// A node under a key.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: Hash,
    node: u32,
}

/// A node that there is not.
const NOWHERE: u32 = u32::MAX;

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
        self.found(&Answers::of(event, &self.asked)).into_iter().map(|candidate| candidate.rule).collect()
    }

    /// What those of `rules`, which are the indexed ones, make of `event` that do not refuse
    /// it; ascending, each once.
    pub(super) fn judged(&self, rules: &[Rule], event: &impl Look) -> Vec<(usize, Judgement)> {
        let answers = Answers::of(event, &self.asked);
        let mut hearing = Hearing::of(&self.shorthand, &answers);
        let found = self.found(&answers).into_iter();
        found
            .map(|candidate| (candidate.rule as usize, hearing.judge(rules, candidate)))
            .filter(|(_, judgement)| *judgement != Judgement::Refuses)
            .collect()
    }

    fn found<L: Look>(&self, answers: &Answers<'_, '_, L>) -> Vec<Candidate> {
        let mut walk = Walk { tree: &self.tree, sayings: Sayings::of(answers), found: Vec::new() };
        walk.node(self.tree.root);
        let mut found = walk.found;
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The way of one event through the tree.
struct Walk<'i, 'a, 'f, L> {
    tree: &'i Tree,
    sayings: Sayings<'a, 'i, 'f, L>,
    found: Vec<Candidate>,
}

impl<L: Look> Walk<'_, '_, '_, L> {
    fn node(&mut self, mut node: u32) {
        loop {
            match self.tree.nodes.get(node as usize) {
                Some(Node::Leaf(rules)) => return self.found.extend_from_slice(rules.of(&self.tree.rules)),
                Some(Node::Split(split)) => {
                    self.split(split);
                    node = split.beside;
                }
                None => return,
            }
        }
    }

    fn split(&mut self, split: &Split) {
        let tree = self.tree;
        for place in self.sayings.ask(split.fact) {
            if let Some(hash) = self.sayings.get(place).map(|said| said.text_hash) {
                self.key(split, hash);
            }
            if split.has_numbers
                && let Some(hash) = self.sayings.get(place).and_then(|said| said.number_hash)
            {
                self.key(split, hash);
            }
            for length in split.lengths.of(&tree.lengths) {
                if let Some(hash) = self.sayings.get(place).and_then(|said| said.begins(*length as usize)) {
                    self.key(split, hash);
                }
            }
            let Some(ranges) = tree.ranges.get(split.ranges as usize) else { continue };
            let Some(number) = self.sayings.get(place).and_then(|said| said.number) else { continue };
            let segments = ranges.segments.of(&tree.segments);
            let mut segment = segments.len() / 2 + ranges.cuts.of(&tree.cuts).partition_point(|cut| *cut <= number);
            while segment > 0 {
                self.node(segments.get(segment).copied().unwrap_or(NOWHERE));
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
                Some(Slot { node: NOWHERE, .. }) | None => return,
                Some(slot) if slot.hash == hash => return self.node(slot.node),
                Some(_) => at += 1,
            }
        }
    }
}
