//! Holds what was caused against what was expected.

use serde_json::Value;

use crate::config::Snapshot;
use crate::config::trials::Expected;
use crate::domain::Name;
use crate::domain::delivery::{Action, NewDelivery};

use super::bench::Happening;
use super::why::{Why, why};
use super::words::{has_message, status_of, text_of};

/// How the deliveries differ from those expected.
#[derive(Debug, Clone)]
pub struct Mismatch {
    /// Expected, and nothing like it was caused.
    pub missing: Vec<Missing>,
    /// Expected, and caused with these differences.
    pub near: Vec<Near>,
    /// Caused, and not expected.
    pub unexpected: Vec<Got>,
}

/// A delivery that was expected and not caused.
#[derive(Debug, Clone)]
pub struct Missing {
    /// What was expected.
    pub expected: Expected,
    /// Why it was not caused.
    pub why: Why,
}

/// A delivery that is nearly as expected.
#[derive(Debug, Clone)]
pub struct Near {
    /// What was expected.
    pub expected: Expected,
    /// What was caused.
    pub got: Got,
    /// Where they differ.
    pub differences: Vec<Difference>,
}

/// A delivery as it was caused.
#[derive(Debug, Clone)]
pub struct Got {
    /// The rule.
    pub rule: Name,
    /// The file of the rule, and the line of its name.
    pub place: (Name, u32),
    /// The destination.
    pub to: Name,
    /// What is done there.
    pub action: Action,
    /// The line of the webhook that caused it.
    pub line: u32,
    /// What it says.
    pub text: String,
}

/// One difference between what was expected and what was caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A part has another value.
    Part {
        /// The part: `title`, `mention`, `link`, `status`, `field priority`.
        part: String,
        /// What was expected.
        expected: String,
        /// What it is; `None`: it is not there.
        got: Option<String>,
    },
    /// The message does not say this.
    Lacks(String),
    /// The message says this, and must not.
    Says(String),
}

/// What is wrong, if anything is. Each delivery stands for one expected; those that fit are
/// put together so that as many as can be fit.
pub(super) fn judge(snapshot: &Snapshot, expected: &[Expected], since: &[Happening]) -> Option<Mismatch> {
    let (lines, got): (Vec<u32>, Vec<&NewDelivery>) = since
        .iter()
        .flat_map(|happening| happening.deliveries.iter().map(|delivery| (happening.line, delivery)))
        .unzip();
    let texts: Vec<String> = got.iter().map(|delivery| text_of(delivery.action, &delivery.content)).collect();
    let table: Vec<Vec<Option<Vec<Difference>>>> = expected
        .iter()
        .map(|one| got.iter().zip(&texts).map(|(delivery, text)| differences(one, delivery, text)).collect())
        .collect();
    let taken_by = put_together(&table, got.len());
    let mut free: Vec<usize> = (0..got.len()).filter(|at| taken_by[*at].is_none()).collect();
    let left: Vec<usize> = (0..expected.len()).filter(|at| !taken_by.contains(&Some(*at))).collect();
    if free.is_empty() && left.is_empty() {
        return None;
    }
    let caused = |at: usize| caused(snapshot, got[at], lines[at], &texts[at]);
    let mut mismatch = Mismatch { missing: Vec::new(), near: Vec::new(), unexpected: Vec::new() };
    for wanted in left {
        let likeness = |at: &usize| table[wanted][*at].as_ref().map(Vec::len);
        let nearest = free.iter().copied().filter(|at| likeness(at).is_some()).min_by_key(|at| likeness(at));
        match nearest {
            Some(at) => {
                free.retain(|one| *one != at);
                mismatch.near.push(Near {
                    expected: expected[wanted].clone(),
                    got: caused(at),
                    differences: table[wanted][at].clone().unwrap_or_default(),
                });
            }
            None => mismatch
                .missing
                .push(Missing { why: why(snapshot, &expected[wanted], since), expected: expected[wanted].clone() }),
        }
    }
    mismatch.unexpected = free.into_iter().map(caused).collect();
    Some(mismatch)
}

fn caused(snapshot: &Snapshot, delivery: &NewDelivery, line: u32, text: &str) -> Got {
    let rule = snapshot.rules.rules().iter().find(|rule| rule.name == delivery.rule);
    Got {
        rule: delivery.rule.clone(),
        place: rule.map(|rule| rule.place.clone()).unwrap_or_default(),
        to: delivery.destination.clone(),
        action: delivery.action,
        line,
        text: text.to_owned(),
    }
}

/// For each delivery, which of those expected it is: a largest matching, by paths that
/// augment a smaller one.
fn put_together(table: &[Vec<Option<Vec<Difference>>>], deliveries: usize) -> Vec<Option<usize>> {
    let mut taken_by = vec![None; deliveries];
    for wanted in 0..table.len() {
        let mut tried = vec![false; deliveries];
        find_place(wanted, table, &mut taken_by, &mut tried);
    }
    taken_by
}

fn find_place(
    wanted: usize,
    table: &[Vec<Option<Vec<Difference>>>],
    taken_by: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for at in 0..taken_by.len() {
        let fits = table[wanted][at].as_ref().is_some_and(Vec::is_empty);
        if !fits || std::mem::replace(&mut tried[at], true) {
            continue;
        }
        if taken_by[at].is_none_or(|other| find_place(other, table, taken_by, tried)) {
            taken_by[at] = Some(wanted);
            return true;
        }
    }
    false
}

/// Where `delivery` differs from `expected`; `None` when it is another thing altogether:
/// at another destination, another action there, or of another rule.
fn differences(expected: &Expected, delivery: &NewDelivery, text: &str) -> Option<Vec<Difference>> {
    let same_action = expected.action.is_none_or(|action| action == delivery.action);
    let same_rule = expected.rule.as_ref().is_none_or(|rule| *rule == delivery.rule);
    if delivery.destination != expected.to || !same_action || !same_rule {
        return None;
    }
    let message = &delivery.content.message;
    let mut found = Vec::new();
    let mut part = |part: String, expected: String, got: Option<String>| {
        if got.as_ref() != Some(&expected) {
            found.push(Difference::Part { part, expected, got });
        }
    };
    let says = has_message(delivery.action, &delivery.content);
    if let Some(title) = &expected.title {
        part("title".to_owned(), title.clone(), says.then(|| message.title.clone()));
    }
    if let Some(link) = &expected.link {
        part("link".to_owned(), link.clone(), message.link.clone().filter(|_| says));
    }
    if let Some(status) = &expected.status {
        part("status".to_owned(), status.clone(), status_of(&delivery.content).map(str::to_owned));
    }
    if let Some(react) = &expected.react {
        part("react".to_owned(), react.clone(), delivery.content.how.react.clone());
    }
    if let Some(mention) = &expected.mention {
        let names = message.mentions.iter().map(|mention| mention.name.as_str());
        part("mention".to_owned(), series(mention.iter().map(String::as_str)), Some(series(names)));
    }
    for (name, value) in &expected.fields {
        let got = delivery.content.fields.get(name);
        if got != Some(value) {
            part(format!("field {name}"), spelled(value), got.map(spelled));
        }
    }
    found.extend(
        expected.contains.iter().filter(|part| !text.contains(*part)).map(|part| Difference::Lacks(part.clone())),
    );
    found.extend(expected.lacks.iter().filter(|part| text.contains(*part)).map(|part| Difference::Says(part.clone())));
    Some(found)
}

/// Names in one order.
fn series<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("@{name}")).collect();
    names.sort();
    names.dedup();
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

/// A field's value as people write it.
fn spelled(value: &Value) -> String {
    value.to_string()
}
