//! The index of rules: which rules an event can match at all.
//!
//! A tree that asks one fact at each node. A rule that wants a fact to equal one of some
//! texts stands under those texts; a rule that does not stands beside them. So the way of
//! an event leads past rules of other events and projects without looking at them, and
//! what is found costs about what matches, however many rules there are. The index only
//! skips rules that [`Rule::matches`] would refuse; the rest is evaluated.

use std::collections::HashMap;

use serde_json::Value;

use super::condition::{Condition, Test, Wanted, fold};
use super::facts::{FactPath, Facts};
use super::rule::Rule;

/// Up to so many rules are evaluated one by one rather than divided further.
const LEAF_RULES: usize = 8;
/// A rule that wants a fact to equal one of more texts than this is not indexed by it.
const TEXTS_MAX: usize = 16;
/// How many facts are asked on one way at most.
const DEPTH_MAX: usize = 6;

/// Finds the rules that an event can match.
#[derive(Debug, Clone, Default)]
pub struct Index {
    root: Node,
}

#[derive(Debug, Clone)]
enum Node {
    /// These rules, by their place.
    Leaf(Vec<u32>),
    /// What one fact says divides the rules.
    Split {
        fact: FactPath,
        /// The rules that want the fact to equal this text, in lower case.
        under: HashMap<String, Node>,
        /// The rules that do not care about the fact in this way.
        beside: Box<Node>,
    },
}

impl Default for Node {
    fn default() -> Self {
        Self::Leaf(Vec::new())
    }
}

/// A rule and the facts it wants to equal one of some texts.
struct Entry<'a> {
    rule: u32,
    wants: Vec<(&'a FactPath, Vec<&'a str>)>,
}

impl Index {
    /// Indexes `rules` by their places.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        let entries = (0_u32..)
            .zip(rules)
            .map(|(place, rule)| {
                let mut wants = Vec::new();
                collect(&rule.when, &mut wants);
                Entry { rule: place, wants }
            })
            .collect::<Vec<_>>();
        Self { root: build(&entries.iter().collect::<Vec<_>>(), &mut Vec::new()) }
    }

    /// The places of all rules that can match `facts`, ascending, each once.
    #[must_use]
    pub fn candidates(&self, facts: &Facts) -> Vec<u32> {
        let mut found = Vec::new();
        walk(&self.root, facts, &mut found);
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Collects what must hold for `condition` to hold: its conjunctive lines that want a fact
/// to equal one of some texts.
fn collect<'a>(condition: &'a Condition, wants: &mut Vec<(&'a FactPath, Vec<&'a str>)>) {
    match condition {
        Condition::All(parts) => parts.iter().for_each(|part| collect(part, wants)),
        Condition::Line(line) => {
            for test in &line.tests {
                if let Some(texts) = texts_of(test)
                    && !wants.iter().any(|(fact, _)| **fact == line.fact)
                {
                    wants.push((&line.fact, texts));
                }
            }
        }
        Condition::Any(_) | Condition::None(_) => {}
    }
}

/// The texts of which a fact must equal one, if that is what `test` asks.
fn texts_of(test: &Test) -> Option<Vec<&str>> {
    let Test::OneOf(wanted) = test else { return None };
    if wanted.is_empty() || wanted.len() > TEXTS_MAX {
        return None;
    }
    let texts = wanted.iter().map(|one| match one {
        Wanted::Text(text) => Some(text.as_str()),
        Wanted::Glob(_) | Wanted::Number(_) | Wanted::Flag(_) => None,
    });
    texts.collect()
}

fn build(entries: &[&Entry<'_>], asked: &mut Vec<FactPath>) -> Node {
    let leaf = || Node::Leaf(entries.iter().map(|entry| entry.rule).collect());
    if entries.len() <= LEAF_RULES || asked.len() >= DEPTH_MAX {
        return leaf();
    }
    let Some(fact) = best(entries, asked) else { return leaf() };
    let mut groups: HashMap<&str, Vec<&Entry<'_>>> = HashMap::new();
    let mut others = Vec::new();
    for entry in entries {
        match entry.wants.iter().find(|(wanted, _)| **wanted == fact) {
            None => others.push(*entry),
            Some((_, texts)) => {
                for text in texts {
                    groups.entry(text).or_default().push(entry);
                }
            }
        }
    }
    asked.push(fact.clone());
    let under = groups.into_iter().map(|(text, group)| (text.to_owned(), build(&group, asked))).collect();
    let beside = Box::new(build(&others, asked));
    asked.pop();
    Node::Split { fact, under, beside }
}

/// The fact, not asked yet, by which the most of `entries` can be told apart: that leaves
/// the fewest to look at for an event. `None` when none helps.
fn best(entries: &[&Entry<'_>], asked: &[FactPath]) -> Option<FactPath> {
    struct Tally<'a> {
        rules: usize,
        texts: HashMap<&'a str, usize>,
    }
    let mut tallies: HashMap<&FactPath, Tally<'_>> = HashMap::new();
    for entry in entries {
        for (fact, texts) in entry.wants.iter().filter(|(fact, _)| !asked.contains(fact)) {
            let tally = tallies.entry(fact).or_insert_with(|| Tally { rules: 0, texts: HashMap::new() });
            tally.rules += 1;
            for text in texts {
                *tally.texts.entry(text).or_default() += 1;
            }
        }
    }
    // What is left for an event whose fact has the commonest text.
    let left =
        |tally: &Tally<'_>| entries.len() - tally.rules + tally.texts.values().max().copied().unwrap_or_default();
    tallies
        .into_iter()
        .map(|(fact, tally)| (left(&tally), fact))
        .filter(|(left, _)| *left < entries.len())
        .min_by(|(left, fact), (other_left, other)| left.cmp(other_left).then_with(|| fact.name().cmp(other.name())))
        .map(|(_, fact)| fact.clone())
}

fn walk(node: &Node, facts: &Facts, found: &mut Vec<u32>) {
    match node {
        Node::Leaf(rules) => found.extend_from_slice(rules),
        Node::Split { fact, under, beside } => {
            if let Some(value) = facts.get(fact) {
                follow(value, under, facts, found);
            }
            walk(beside, facts, found);
        }
    }
}

/// Follows what `value` says, in the way [`Wanted`] compares: text whatever its case,
/// numbers and truth values as they are written, lists by any of their elements.
fn follow(value: &Value, under: &HashMap<String, Node>, facts: &Facts, found: &mut Vec<u32>) {
    let mut go = |text: &str| {
        if let Some(node) = under.get(text) {
            walk(node, facts, found);
        }
    };
    match value {
        Value::String(text) => go(&fold(text)),
        Value::Number(_) | Value::Bool(_) => go(&value.to_string()),
        Value::Array(items) => items.iter().for_each(|item| follow(item, under, facts, found)),
        Value::Null | Value::Object(_) => {}
    }
}
