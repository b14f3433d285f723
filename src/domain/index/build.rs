//! Builds the tree: at each node by the fact that divides its rules best.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::asked::Asked;
use super::guard::{Guard, Guards};
use super::want::{Hash, Key, Want, wants};
use super::{Found, NO_RANGES, Part, Place, Ranges, Slot, Split, Tree};
use crate::domain::rule::Rule;

/// Up to so many rules stand side by side, each behind its guard, rather than divided
/// further: passing over what lies in a row is faster than a way of many turns.
const LEAF_RULES: usize = 24;
/// How many facts are asked on one way at most.
const DEPTH_MAX: usize = 12;
/// How many places of the tree a rule stands at, at most, on average.
const PLACES_MAX: f64 = 32.0;
/// How many cuts divide the numbers of one node at most.
const CUTS_MAX: usize = 31;

type Hashed<K, V> = HashMap<K, V, FixedState>;

/// A rule and what it wants of facts, which are named by their places in the index.
pub(super) struct Entry<'a> {
    rule: u32,
    pub(super) wants: Vec<(u32, Vec<Want<'a>>)>,
}

impl<'a> Entry<'a> {
    fn wants_of(&self, fact: u32) -> Option<&[Want<'a>]> {
        self.wants.iter().find(|(wanted, _)| *wanted == fact).map(|(_, any)| any.as_slice())
    }
}

pub(super) fn tree(rules: &[Rule], asked: &mut Asked) -> Tree {
    let mut entries = Vec::with_capacity(rules.len());
    for (rule, place) in rules.iter().zip(0_u32..) {
        let wants = wants(&rule.when).into_iter().map(|(fact, any)| (asked.place(fact), any)).collect();
        entries.push(Entry { rule: place, wants });
    }
    let mut builder = Builder { guards: Guards::of(&entries), ..Builder::default() };
    builder.tree.root = builder.node(&entries.iter().collect::<Vec<_>>(), PLACES_MAX);
    builder.tree.spans = builder.guards.spans;
    builder.tree
}

/// The rules that care about one fact.
struct Share<'e, 'a> {
    fact: u32,
    caring: Vec<&'e Entry<'a>>,
    /// At how many places each may stand below, on average.
    places: f64,
}

/// A split before it is made.
const NO_SPLIT: Split = Split {
    fact: 0,
    has_texts: false,
    has_numbers: false,
    keys: Part { from: 0, length: 0 },
    lengths: Part { from: 0, length: 0 },
    ranges: NO_RANGES,
    beside: Place::NOWHERE,
};

#[derive(Default)]
struct Builder {
    tree: Tree,
    guards: Guards,
    /// The facts asked on the way to the node that is built.
    asked: Vec<u32>,
}

impl Builder {
    /// A node for `entries`, each of which may stand at `places` places below it on average.
    fn node(&mut self, entries: &[&Entry<'_>], places: f64) -> Place {
        // Splits of which each is beside the one before stand in a row.
        let mut row: Vec<Share<'_, '_>> = Vec::new();
        let mut left = entries.to_vec();
        let mut places = places;
        let depth = self.asked.len();
        while let Some(best) = self.best(&left, places) {
            places /= best.copies;
            self.asked.push(best.fact);
            let (caring, others) = left.into_iter().partition(|entry| entry.wants_of(best.fact).is_some());
            row.push(Share { fact: best.fact, caring, places });
            left = others;
        }
        let first = self.tree.splits.len();
        for at in 0..row.len() {
            let beside = Place(place(first + at + 1));
            self.tree.splits.push(Split { beside, ..NO_SPLIT });
        }
        let end = if left.is_empty() { Place::NOWHERE } else { self.leaf(&left) };
        self.asked.truncate(depth);
        for (at, share) in row.iter().enumerate() {
            self.asked.push(share.fact);
            let split = self.split(share);
            let is_last = at + 1 == row.len();
            if let Some(written) = self.tree.splits.get_mut(first + at) {
                *written = Split { beside: if is_last { end } else { written.beside }, ..split };
            }
        }
        self.asked.truncate(depth);
        if row.is_empty() { end } else { Place(place(first)) }
    }

    /// By which fact `entries` are divided best; `None`: they are few enough.
    fn best(&self, entries: &[&Entry<'_>], places: f64) -> Option<Best> {
        if entries.len() <= LEAF_RULES || self.asked.len() >= DEPTH_MAX {
            return None;
        }
        best(entries, &self.asked, places).filter(|best| u16::try_from(best.fact).is_ok())
    }

    fn leaf(&mut self, entries: &[&Entry<'_>]) -> Place {
        let from = self.tree.rules.len();
        let mut guarded: Vec<(Guard, u32)> =
            entries.iter().map(|entry| (self.guards.guard(entry, &self.asked), entry.rule)).collect();
        // Those that ask the same stand together: the event is asked once.
        guarded.sort_by_key(|(guard, rule)| (guard.question(), *rule));
        for (guard, rule) in guarded {
            self.tree.guards.push(guard);
            self.tree.rules.push(Found { rule, start: 0 });
        }
        if let Some(last) = self.tree.guards.last_mut() {
            *last = last.last();
        }
        Place(place(from) | Place::LEAF)
    }

    fn split(&mut self, share: &Share<'_, '_>) -> Split {
        let Share { fact, caring, places } = share;
        let (fact, places) = (*fact, *places);
        let mut groups: Hashed<Hash, Vec<&Entry<'_>>> = Hashed::default();
        let mut lengths = Vec::new();
        let mut ranged = Vec::new();
        let (mut has_texts, mut has_numbers) = (false, false);
        for entry in caring {
            for want in entry.wants_of(fact).unwrap_or_default() {
                match want {
                    Want::Key(key) => {
                        groups.entry(key.hashed()).or_default().push(entry);
                        match key {
                            Key::Text(_) => has_texts = true,
                            Key::Number(_) => has_numbers = true,
                            Key::Begins(text) => lengths.push(place(text.len())),
                        }
                    }
                    Want::Between(from, to) => ranged.push((*from, *to, *entry)),
                }
            }
        }
        lengths.sort_unstable();
        lengths.dedup();
        let lengths = append(&mut self.tree.lengths, lengths);
        let keys = self.keys(groups, places);
        let ranges = self.ranges(&ranged, places);
        Split {
            fact: u16::try_from(fact).unwrap_or_default(),
            has_texts,
            has_numbers,
            keys,
            lengths,
            ranges,
            beside: Place::NOWHERE,
        }
    }

    /// A table of the nodes of `groups`.
    fn keys(&mut self, groups: Hashed<Hash, Vec<&Entry<'_>>>, places: f64) -> Part {
        if groups.is_empty() {
            return Part::default();
        }
        let size = (groups.len() * 2).next_power_of_two();
        let empty = Slot { hash: 0, node: Place::NOWHERE };
        let part = append(&mut self.tree.keys, std::iter::repeat_n(empty, size));
        for (hash, group) in groups {
            let slot = Slot { hash, node: self.node(&group, places) };
            let from = part.from as usize;
            let Some(table) = self.tree.keys.get_mut(from..from + size) else { continue };
            let mut at = hash as usize & (size - 1);
            while table[at].node != Place::NOWHERE {
                at = (at + 1) & (size - 1);
            }
            table[at] = slot;
        }
        part
    }

    /// The segment tree of ranges.
    fn ranges(&mut self, ranged: &[(f64, f64, &Entry<'_>)], places: f64) -> u32 {
        if ranged.is_empty() {
            return NO_RANGES;
        }
        let bounds = bounds(ranged.iter().map(|(from, to, _)| (*from, *to)));
        let every = bounds.len().div_ceil(CUTS_MAX).max(1);
        let mut cuts: Vec<f64> = bounds.into_iter().step_by(every).collect();
        cuts.dedup_by(|one, other| *one <= *other);
        let buckets = cuts.len() + 1;
        let mut groups: Vec<Vec<&Entry<'_>>> = vec![Vec::new(); 2 * buckets];
        for (from, to, entry) in ranged {
            if from > to {
                continue;
            }
            let bucket = |number: f64| buckets + cuts.partition_point(|cut| *cut <= number);
            let (mut left, mut right) = (bucket(*from), bucket(*to) + 1);
            while left < right {
                if left % 2 == 1 {
                    groups[left].push(entry);
                    left += 1;
                }
                if right % 2 == 1 {
                    right -= 1;
                    groups[right].push(entry);
                }
                left /= 2;
                right /= 2;
            }
        }
        let nodes: Vec<Place> = groups
            .iter()
            .map(|group| if group.is_empty() { Place::NOWHERE } else { self.node(group, places) })
            .collect();
        let cuts = append(&mut self.tree.cuts, cuts);
        let segments = append(&mut self.tree.segments, nodes);
        self.tree.ranges.push(Ranges { cuts, segments });
        place(self.tree.ranges.len() - 1)
    }
}

/// Adds `more` to `list` and says where it stands there.
fn append<T>(list: &mut Vec<T>, more: impl IntoIterator<Item = T>) -> Part {
    let from = list.len();
    list.extend(more);
    Part { from: place(from), length: place(list.len() - from) }
}

/// A place or a length. No machine holds so much that it does not fit.
fn place(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The finite ends of ranges, ascending.
fn bounds(ranges: impl Iterator<Item = (f64, f64)>) -> Vec<f64> {
    let mut bounds: Vec<f64> = ranges.flat_map(|(from, to)| [from, to]).filter(|bound| bound.is_finite()).collect();
    bounds.sort_by(f64::total_cmp);
    bounds
}

/// A fact by which rules can be told apart.
struct Best {
    fact: u32,
    /// At how many places a rule then stands on average.
    copies: f64,
}

#[derive(Default)]
struct Tally<'a> {
    rules: usize,
    keys: Hashed<Key<'a>, usize>,
    ranges: Vec<(f64, f64)>,
}

/// The fact, not asked yet, that leaves the fewest of `entries` to look at for an event.
/// `None` when none helps, or rules would have to stand at too many places.
fn best(entries: &[&Entry<'_>], asked: &[u32], places: f64) -> Option<Best> {
    let mut tallies: Hashed<u32, Tally<'_>> = Hashed::default();
    for entry in entries {
        for (fact, any) in entry.wants.iter().filter(|(fact, _)| !asked.contains(fact)) {
            let tally = tallies.entry(*fact).or_default();
            tally.rules += 1;
            for want in any {
                match want {
                    Want::Key(key) => *tally.keys.entry(*key).or_default() += 1,
                    Want::Between(from, to) => tally.ranges.push((*from, *to)),
                }
            }
        }
    }
    let all = as_f64(entries.len());
    let judged = tallies.into_iter().map(|(fact, tally)| {
        let (met, copies) = tally.met();
        (all - as_f64(tally.rules) + met, Best { fact, copies })
    });
    judged
        .filter(|(left, best)| *left <= all - 1.0 && best.copies <= places)
        .min_by(|(left, best), (other_left, other)| left.total_cmp(other_left).then(best.fact.cmp(&other.fact)))
        .map(|(_, best)| best)
}

impl Tally<'_> {
    /// How many of the rules an event meets that speaks of the fact as rules do, and at how
    /// many places a rule stands.
    fn met(&self) -> (f64, f64) {
        let keyed: usize = self.keys.values().sum();
        let squares: f64 = self.keys.values().map(|rules| as_f64(*rules) * as_f64(*rules)).sum();
        let mut met = if keyed == 0 { 0.0 } else { squares / as_f64(keyed) };
        let mut placed = as_f64(keyed);
        if !self.ranges.is_empty() {
            let bounds = bounds(self.ranges.iter().copied());
            let below = |number: f64| as_f64(bounds.partition_point(|bound| *bound < number));
            let covered: f64 = self.ranges.iter().map(|(from, to)| (below(*to) - below(*from)).max(0.0) + 1.0).sum();
            met += covered / (as_f64(bounds.len()) + 1.0);
            let cuts = bounds.len().min(CUTS_MAX) + 1;
            // A range stands at up to two nodes of each layer of the segment tree.
            placed += as_f64(self.ranges.len()) * as_f64(cuts).log2().max(1.0);
        }
        (met, (placed / as_f64(self.rules.max(1))).max(1.0))
    }
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
