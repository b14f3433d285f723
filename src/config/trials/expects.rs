//! `expect:` of a test: the deliveries that must have been caused.

use serde_json::{Map, Value};

use super::super::fields::{Fields, items, right, text};
use super::super::findings::Findings;
use super::super::nearest::did_you_mean;
use super::super::node::{Node, Tree};
use super::super::rules::Receiver;
use super::super::sends::action;
use super::read::line;
use super::{Expected, Reader};
use crate::domain::Name;
use crate::domain::rule::Kind;

/// The most deliveries that one `expect` may name.
const EXPECTED_MAX: usize = 200;

impl Reader<'_> {
    pub(super) fn expect(&self, node: &Node, findings: &mut Findings) -> Option<Vec<Expected>> {
        let nodes = match &node.tree {
            Tree::List(nodes) if nodes.len() > EXPECTED_MAX => {
                findings.error(node.at, format!("one 'expect' names at most {EXPECTED_MAX} deliveries"));
                return None;
            }
            Tree::List(nodes) => nodes,
            Tree::Map(_) => {
                let help = "put '- ' before its first line: 'expect' is a list of deliveries";
                findings.error_help(node.at, "'expect' must be a list, but this is a map", help);
                return None;
            }
            Tree::Scalar(..) if node.is_nothing() => {
                findings.error_help(node.at, "'expect' has no value", "write  expect: []  if nothing is sent");
                return None;
            }
            Tree::Scalar(..) => {
                items(node, "'expect'", findings);
                return None;
            }
        };
        let mut all = Some(Vec::new());
        for node in nodes {
            match (self.delivery(node, findings), &mut all) {
                (Some(one), Some(all)) => all.push(one),
                (None, all) => *all = None,
                (Some(_), None) => {}
            }
        }
        all
    }

    fn delivery(&self, node: &Node, findings: &mut Findings) -> Option<Expected> {
        let mut fields = Fields::of(node, "a delivery of 'expect'", findings)?;
        let to = fields.require("to", findings).and_then(|node| self.destination(node, findings));
        let receiver = to.as_ref().and_then(|(_, receiver)| *receiver);
        let kind = receiver.map(|receiver| receiver.kind);
        let action = fields.take("action").map(|node| action(node, receiver, findings));
        let rule = fields.take("rule").map(|node| self.rule(node, findings));
        let title = fields.take("title").map(|node| text(node, "'title'", findings).map(str::to_owned));
        let contains = fields.take("contains").map(|node| texts(node, "'contains'", findings));
        let lacks = fields.take("lacks").map(|node| texts(node, "'lacks'", findings));
        let mention = fields.take("mention").map(|node| mentions(node, findings));
        let ticket = fields.take("fields").map(|node| ticket(node, kind, findings));
        let link = fields.take("link").map(|node| text(node, "'link'", findings).map(str::to_owned));
        let status = fields.take("status").map(|node| of_kind(node, "'status'", (kind, &[Kind::Jira]), findings));
        let react = fields.take("react").map(|node| of_kind(node, "'react'", (kind, &[Kind::Slack]), findings));
        fields.finish(findings);
        Some(Expected {
            line: line(node.at, findings),
            to: to?.0,
            action: right(action)?,
            rule: right(rule)?,
            title: right(title)?,
            contains: right(contains)?.unwrap_or_default(),
            lacks: right(lacks)?.unwrap_or_default(),
            mention: right(mention)?,
            fields: right(ticket)?.unwrap_or_default(),
            link: right(link)?,
            status: right(status)?,
            react: right(react)?,
        })
    }

    fn destination(&self, node: &Node, findings: &mut Findings) -> Option<(Name, Option<&Receiver>)> {
        let word = text(node, "'to'", findings)?;
        if let Some((name, receiver)) = self.known.destinations.get_key_value(word) {
            return Some((name.clone(), receiver.as_ref()));
        }
        let names: Vec<&str> = self.known.destinations.keys().map(AsRef::as_ref).collect();
        let message = format!("unknown destination '{word}'{}", did_you_mean(word, names.iter().copied()));
        let help = match names.as_slice() {
            [] => "relaybell.yaml has no destinations".to_owned(),
            names => format!("relaybell.yaml has: {}", names.join(", ")),
        };
        findings.error_help(node.at, message, help);
        None
    }

    fn rule(&self, node: &Node, findings: &mut Findings) -> Option<Name> {
        let word = text(node, "'rule'", findings)?;
        if let Some(name) = self.rules.name_of(word) {
            return Some(name);
        }
        let message = format!("unknown rule '{word}'{}", did_you_mean(word, self.rules.all_names()));
        findings.error_help(node.at, message, "'rule' names the rule that sends it, from any file");
        None
    }
}

/// A word that only some kinds of destination know.
fn of_kind(node: &Node, what: &str, (kind, kinds): (Option<Kind>, &[Kind]), findings: &mut Findings) -> Option<String> {
    let word = text(node, what, findings)?.trim().trim_matches(':');
    if let Some(kind) = kind.filter(|kind| !kinds.contains(kind)) {
        findings.error(node.at, format!("a {} destination has no {what}", kind.word()));
        return None;
    }
    Some(word.to_owned())
}

/// One text or several, none empty.
fn texts(node: &Node, what: &str, findings: &mut Findings) -> Option<Vec<String>> {
    let nodes = match &node.tree {
        Tree::Scalar(..) => std::slice::from_ref(node),
        _ => items(node, what, findings),
    };
    if nodes.is_empty() {
        findings.error_help(node.at, format!("{what} names no text"), "remove it, or name what the message must say");
        return None;
    }
    let mut all = Some(Vec::new());
    for node in nodes {
        let text = text(node, what, findings);
        if text.is_some_and(|text| text.trim().is_empty()) {
            findings.error_help(node.at, format!("{what} is empty"), "every message has that");
            all = None;
        }
        match (text, &mut all) {
            (Some(text), Some(all)) => all.push(text.to_owned()),
            (_, all) => *all = None,
        }
    }
    all
}

/// Everybody who is mentioned; nobody: `[]`.
fn mentions(node: &Node, findings: &mut Findings) -> Option<Vec<String>> {
    let nodes = match &node.tree {
        Tree::Scalar(..) => std::slice::from_ref(node),
        _ => items(node, "'mention'", findings),
    };
    let names = nodes.iter().map(|node| {
        let name = text(node, "'mention'", findings)?.trim_start_matches('@').trim().to_owned();
        if name.is_empty() {
            findings.error(node.at, "a mention needs a name, as in \"@qa-oncall\"");
            return None;
        }
        Some(name)
    });
    let names: Vec<Option<String>> = names.collect();
    names.into_iter().collect()
}

/// Fields of a ticket.
fn ticket(node: &Node, kind: Option<Kind>, findings: &mut Findings) -> Option<Map<String, Value>> {
    if let Some(kind @ (Kind::Slack | Kind::Teams)) = kind {
        let help = "'fields' are those of a ticket; what a chat shows is checked by 'contains'";
        findings.error_help(node.at, format!("a {} destination has no 'fields'", kind.word()), help);
        return None;
    }
    if !matches!(node.tree, Tree::Map(_)) {
        findings.error(node.at, format!("'fields' must be a map of field names, but this is {}", node.kind()));
        return None;
    }
    match serde_path_to_error::deserialize(node.to_value()) {
        Ok(fields) => Some(fields),
        Err(error) => {
            findings.error(node.at, format!("'fields' are no JSON: {}: {}", error.path(), error.inner()));
            None
        }
    }
}
