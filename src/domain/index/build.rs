//! Builds the tree: at each node by the fact that divides its rules best.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::want::{Key, Want, wants};
use super::{Index, Node, Ranges, Split};
use crate::domain::facts::FactPath;
use crate::domain::rule::Rule;

/// Up to so many rules are evaluated one by one rather than divided further.
const LEAF_RULES: usize = 2;
/// How many facts are asked on one way at most.
const DEPTH_MAX: usize = 12;
/// How many places of the tree a rule stands at, at most, on average.
const PLACES_MAX: f64 = 32.0;
/// How many cuts divide the numbers of one node at most.
const CUTS_MAX: usize = 31;

type Hashed<K, V> = HashMap<K, V, FixedState>;

/// A rule and what it wants of facts, which are named by their places in the index.
struct Entry<'a> {
    rule: u32,
    wants: Vec<(u32, Vec<Want<'a>>)>,
}

impl<'a> Entry<'a> {
    fn wants_of(&self, fact: u32) -> Option<&[Want<'a>]> {
        self.wants.iter().find(|(wanted, _)| *wanted == fact).map(|(_, any)| any.as_slice())
    }
}

pub(super) fn index(rules: &[Rule]) -> Index {
    let mut facts: Vec<FactPath> = Vec::new();
    let mut known: Hashed<&FactPath, u32> = Hashed::default();
    let mut entries = Vec::with_capacity(rules.len());
    for (rule, place) in rules.iter().zip(0_u32..) {
        let mut numbered = Vec::new();
        for (fact, any) in wants(&rule.when) {
            let next = u32::try_from(facts.len()).unwrap_or(u32::MAX);
            let number = *known.entry(fact).or_insert_with(|| {
                facts.push(fact.clone());
                next
            });
            numbered.push((number, any));
        }
        entries.push(Entry { rule: place, wants: numbered });
    }
    let root = node(&entries.iter().collect::<Vec<_>>(), &mut Vec::new(), PLACES_MAX);
    Index { facts, root }
}

/// A node for `entries`, each of which may stand at `places` places below it on average.
fn node(entries: &[&Entry<'_>], asked: &mut Vec<u32>, places: f64) -> Node {
    let leaf = || Node::Leaf(entries.iter().map(|entry| entry.rule).collect());
    if entries.len() <= LEAF_RULES || asked.len() >= DEPTH_MAX {
        return leaf();
    }
    let Some(best) = best(entries, asked, places) else { return leaf() };
    let places = places / best.copies;
    let (caring, others): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) =
        entries.iter().partition(|entry| entry.wants_of(best.fact).is_some());
    asked.push(best.fact);
    let mut split = Split { fact: best.fact, ..Split::default() };
    let mut groups: Hashed<u64, Vec<&Entry<'_>>> = Hashed::default();
    let mut lengths = Vec::new();
    let mut ranged = Vec::new();
    for entry in &caring {
        for want in entry.wants_of(best.fact).unwrap_or_default() {
            match want {
                Want::Key(key) => {
                    groups.entry(key.hashed()).or_default().push(entry);
                    match key {
                        Key::Text(_) => {}
                        Key::Number(_) => split.has_numbers = true,
                        Key::Begins(text) => lengths.push(text.len()),
                    }
                }
                Want::Between(from, to) => ranged.push((*from, *to, *entry)),
            }
        }
    }
    split.keys = groups.into_iter().map(|(key, group)| (key, node(&group, asked, places))).collect();
    lengths.sort_unstable();
    lengths.dedup();
    split.lengths = lengths.into();
    split.ranges = ranges(&ranged, asked, places);
    split.beside = node(&others, asked, places);
    asked.pop();
    Node::Split(Box::new(split))
}

/// The segment tree of ranges.
fn ranges(ranged: &[(f64, f64, &Entry<'_>)], asked: &mut Vec<u32>, places: f64) -> Ranges {
    if ranged.is_empty() {
        return Ranges::default();
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
    let nodes = groups.iter().map(|group| node(group, asked, places)).collect();
    Ranges { cuts: cuts.into(), nodes }
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
