//! `when:` and `unless:`: from YAML to conditions.

use std::collections::BTreeSet;

use super::fields::items;
use super::findings::{Findings, Place};
use super::nearest::did_you_mean;
use super::node::{Entry, Node, Tree};
use super::operators::Line as LineReader;
use super::vocabulary::{FactKind, NESTS, OPERATORS, RULE_LATER};
use crate::domain::Name;
use crate::domain::condition::{Condition, Line};
use crate::domain::facts::FactPath;

/// Keys of a rule that people look for in `when`.
const BESIDE_WHEN: [&str; 5] = ["unless", "where", "about", "expires", "mute_until"];

/// Reads a map of lines, all of which must hold. `None` when any is broken; the reasons are
/// reported.
pub fn read(node: &Node, what: &str, sources: &BTreeSet<Name>, findings: &mut Findings) -> Option<Condition> {
    let Tree::Map(entries) = &node.tree else {
        if !node.is_nothing() {
            let message =
                format!("{what} must be a map of facts (lines of 'fact: value'), but this is {}", node.kind());
            match node.text() {
                Some(text) if text.contains(':') => {
                    findings.error_help(node.at, message, "a blank is missing after ':'");
                }
                _ => findings.error(node.at, message),
            }
            return None;
        }
        return Some(Condition::All(Vec::new()));
    };
    let parts: Vec<Option<Condition>> = entries.iter().map(|entry| part(entry, sources, findings)).collect();
    parts.into_iter().collect::<Option<Vec<_>>>().map(Condition::All)
}

fn part(entry: &Entry, sources: &BTreeSet<Name>, findings: &mut Findings) -> Option<Condition> {
    match entry.key.as_str() {
        "any_of" => nest(entry, sources, findings).map(Condition::Any),
        "all_of" => nest(entry, sources, findings).map(Condition::All),
        "none_of" => nest(entry, sources, findings).map(Condition::None),
        _ => line(entry, sources, findings),
    }
}

fn nest(entry: &Entry, sources: &BTreeSet<Name>, findings: &mut Findings) -> Option<Vec<Condition>> {
    let key = entry.key.as_str();
    let node = &entry.value;
    let what = format!("'{key}'");
    if let Tree::Map(_) = node.tree {
        let help = "write a list, one '- fact: value' for each alternative";
        findings.error_help(node.at, format!("{what} must be a list, but this is a map"), help);
        return None;
    }
    let parts = items(node, &what, findings);
    if parts.is_empty() {
        if matches!(node.tree, Tree::List(_)) || node.is_nothing() {
            findings.error(entry.key_at, format!("{what} is empty"));
        }
        return None;
    }
    let mut all = Some(Vec::new());
    for node in parts {
        let part = read(node, &format!("an item of {what}"), sources, findings);
        if matches!(&part, Some(Condition::All(lines)) if lines.is_empty()) {
            findings.error(node.at, format!("an empty item of {what} holds of every event"));
            all = None;
        }
        match (&mut all, part) {
            (Some(all), Some(part)) => all.push(part),
            _ => all = None,
        }
    }
    all
}

fn line(entry: &Entry, sources: &BTreeSet<Name>, findings: &mut Findings) -> Option<Condition> {
    let path = match FactPath::parse(&entry.key) {
        Ok(path) => path,
        Err(error) => {
            findings.error_help(entry.key_at, error.to_string(), "a fact is a name, or a path such as payload.case.id");
            return None;
        }
    };
    let kind = fact_kind(&path, entry.key_at, findings)?;
    let name = path.name().to_owned();
    let tests = LineReader { fact: &entry.key, name: &name, kind, sources, findings }.tests(&entry.value)?;
    let line = u32::try_from(findings.line(entry.key_at)).unwrap_or(0);
    Some(Condition::Line(Line { fact: path, tests, line }))
}

/// What the values at `path` are; reports a fact that does not exist.
pub(super) fn fact_kind(path: &FactPath, at: Place, findings: &mut Findings) -> Option<FactKind> {
    let name = path.name();
    let Some(kind) = findings.words().kind(name) else {
        unknown_fact(name, at, findings);
        return None;
    };
    match kind {
        _ if path.is_plain() => Some(kind),
        FactKind::Any | FactKind::List => Some(FactKind::Any),
        _ => {
            let help = format!("write '{name}' alone, or a path into what was sent: payload.{name}.…");
            findings.error_help(at, format!("'{name}' has no parts, so '{path}' is no fact"), help);
            None
        }
    }
}

fn unknown_fact(name: &str, at: Place, findings: &mut Findings) {
    if RULE_LATER.contains(&name) && name != "priority" {
        let help = "it stands beside 'when', not in it";
        findings.error_help(at, format!("'{name}' is not in this release, and is no fact"), help);
    } else if BESIDE_WHEN.contains(&name) {
        let help = "put it one level up, beside 'when'";
        findings.error_help(at, format!("'{name}' stands beside 'when', not in it"), help);
    } else if let Some((_, nest)) =
        [("or", "any_of"), ("and", "all_of"), ("not", "none_of")].iter().find(|(word, _)| *word == name)
    {
        let help = format!("write {nest}: with a list of conditions");
        findings.error_help(at, format!("'{name}' is no fact"), help);
    } else if OPERATORS.contains(&name) {
        let help = format!("an operator stands below a fact: severity: {{ {name}: … }}");
        findings.error_help(at, format!("'{name}' is an operator, not a fact"), help);
    } else {
        let words = findings.words();
        let message = format!("unknown fact '{name}'{}", did_you_mean(name, words.names().chain(NESTS)));
        let help = "a field of the sender's own is reached by its path: payload.…";
        findings.error_help(at, message, help);
    }
}
