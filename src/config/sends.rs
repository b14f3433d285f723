//! `send:`: the messages of a rule.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::{Fields, items, one_of, text};
use super::findings::{Findings, Place};
use super::how;
use super::nearest::{any_of, did_you_mean};
use super::node::{Node, Tree};
use super::people;
use super::rules::{Known, Receiver, Rules};
use super::templates::unknown_fact;
use super::vocabulary::SEND_LATER;
use crate::domain::Name;
use crate::domain::delivery::Action;
use crate::domain::how::How;
use crate::domain::people::Mentions;
use crate::domain::render::FieldTree;
use crate::domain::rule::{Kind, Send};

/// The most people one message mentions.
const MENTIONS_MAX: usize = 20;

/// The most messages one rule sends.
const SENDS_MAX: usize = 50;

impl Rules {
    /// Reads `send:`. `None` when any message is broken; the reasons are reported.
    pub(super) fn sends(&mut self, node: &Node, known: &Known<'_>, findings: &mut Findings) -> Option<Vec<Send>> {
        if let Tree::Map(_) = node.tree {
            let help = "put '- ' before the first line: 'send' is a list of messages";
            findings.error_help(node.at, "'send' must be a list, but this is a map", help);
            return None;
        }
        let nodes = items(node, "'send'", findings);
        if nodes.is_empty() {
            if matches!(node.tree, Tree::List(_)) || node.is_nothing() {
                findings.error(node.at, "'send' is empty: this rule would do nothing");
            }
            return None;
        }
        if nodes.len() > SENDS_MAX {
            findings.error(node.at, format!("a rule sends at most {SENDS_MAX} messages"));
            return None;
        }
        let mut seen: BTreeSet<(Name, &'static str)> = BTreeSet::new();
        let mut sends = Some(Vec::new());
        for node in nodes {
            let Some(send) = self.send(node, known, findings) else {
                sends = None;
                continue;
            };
            if !seen.insert((send.to.clone(), send.action.word())) {
                let message = format!("'{}' to '{}' stands above already and happens once", send.action, send.to);
                findings.warning(node.at, message, "remove one of them");
            }
            if let Some(sends) = &mut sends {
                sends.push(send);
            }
        }
        sends
    }

    fn send(&mut self, node: &Node, known: &Known<'_>, findings: &mut Findings) -> Option<Send> {
        let mut fields = Fields::of(node, "a message of 'send'", findings)?;
        let to = fields.require("to", findings).and_then(|node| self.destination(node, known, findings));
        let receiver = to.as_ref().and_then(|(_, receiver)| *receiver);
        let kind = receiver.map(|receiver| receiver.kind);
        let action_node = fields.take("action");
        let action = match action_node {
            Some(node) => action(node, receiver, findings),
            None => receiver.and_then(|receiver| receiver.actions.first().copied()),
        };
        let template = fields.take("template").map(|node| self.template(node, known, findings));
        let mention = fields.take("mention").map(|node| mentions(node, kind, known, findings));
        let tree = fields.take("fields").map(|node| field_tree(node, kind, findings));
        if let (Some(Some(tree)), Some(receiver)) = (&tree, receiver) {
            unread_fields(tree, receiver, fields.place(), findings);
        }
        let how = how::read(&mut fields, action.zip(receiver), findings);
        fields.later(SEND_LATER);
        fields.finish(findings);
        let (to, kind) = (to?.0, kind?);
        Some(Send {
            to,
            kind,
            action: action?,
            how: How { silent: template.is_none(), ..how? },
            reads: receiver.map(|receiver| receiver.reads.clone()).unwrap_or_default(),
            template: match template {
                Some(template) => Some(template?),
                None => None,
            },
            mention: mention.unwrap_or_default(),
            fields: match tree {
                Some(tree) => tree?,
                None => FieldTree::default(),
            },
        })
    }

    fn destination<'k>(
        &mut self,
        node: &Node,
        known: &'k Known<'_>,
        findings: &mut Findings,
    ) -> Option<(Name, Option<&'k Receiver>)> {
        let word = text(node, "'to'", findings)?;
        if let Some((name, receiver)) = known.destinations.get_key_value(word) {
            self.used_destinations.insert(name.clone());
            return Some((name.clone(), receiver.as_ref()));
        }
        let names = || known.destinations.keys().map(AsRef::as_ref);
        let message = format!("unknown destination '{word}'{}", did_you_mean(word, names()));
        findings.error_help(
            node.at,
            message,
            match known.destinations.len() {
                0 => "relaybell.yaml has no destinations".to_owned(),
                _ => format!("relaybell.yaml has: {}", list(names())),
            },
        );
        None
    }

    fn template(&mut self, node: &Node, known: &Known<'_>, findings: &mut Findings) -> Option<Name> {
        let word = text(node, "'template'", findings)?;
        if let Some(name) = known.templates.get(word) {
            self.used_templates.insert(name.clone());
            return Some(name.clone());
        }
        let names = || known.templates.iter().map(AsRef::as_ref);
        let message = format!("unknown template '{word}'{}", did_you_mean(word, names()));
        let help = match known.templates.len() {
            0 => "there are no templates; without 'template' the built-in message is sent".to_owned(),
            _ => format!("the folder of templates has: {}", list(names())),
        };
        findings.error_help(node.at, message, help);
        None
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// What is done, if the destination can do it.
pub(super) fn action(node: &Node, receiver: Option<&Receiver>, findings: &mut Findings) -> Option<Action> {
    let word = text(node, "'action'", findings)?;
    let action = one_of(word, "action", &Action::WORDS, node.at, findings)?;
    let receiver = receiver?;
    if !receiver.actions.contains(&action) {
        let by_bot = receiver.kind == Kind::Slack && matches!(action, Action::Update | Action::React);
        let message = match by_bot {
            true => format!("an incoming webhook of Slack cannot '{action}'"),
            false => format!("a {} destination cannot '{action}'", receiver.kind.word()),
        };
        let can = any_of(receiver.actions.iter().map(|action| action.word()));
        let help = match by_bot {
            true => format!("it can: {can}; a bot can more: 'token' and 'channel' instead of 'webhook_url'"),
            false => format!("it can: {can}"),
        };
        findings.error_help(node.at, message, help);
        return None;
    }
    Some(action)
}

fn mentions(node: &Node, kind: Option<Kind>, known: &Known<'_>, findings: &mut Findings) -> Mentions {
    let nodes = match &node.tree {
        Tree::Scalar(..) => std::slice::from_ref(node),
        _ => items(node, "'mention'", findings),
    };
    if nodes.len() > MENTIONS_MAX {
        findings.error(node.at, format!("a message mentions at most {MENTIONS_MAX} names"));
    }
    let mut mentions = Vec::new();
    for node in nodes {
        let Some(word) = text(node, "'mention'", findings) else { continue };
        if word.trim_start_matches('@').trim().is_empty() {
            findings.error(node.at, "a mention needs a name, as in \"@qa-oncall\"");
        } else if let Some(kind) = kind {
            mentions.extend(people::mention(known.people, word, kind, node.at, findings));
        }
    }
    Mentions::new(mentions)
}

/// Points out fields that no request of a described destination names.
fn unread_fields(tree: &FieldTree, receiver: &Receiver, at: Place, findings: &mut Findings) {
    let Some(read) = receiver.reads.within("fields").filter(|_| receiver.kind == Kind::Rest) else { return };
    for name in tree.names().filter(|name| !read.contains(name)) {
        let help = format!("name it where the destination is described: {{{{fields.{name}}}}}");
        findings.warning(at, format!("no request of this destination names the field '{name}'"), help);
    }
}

/// `fields:` of a tracker. `serde_yaml`'s value is the bridge from the file to JSON.
fn field_tree(node: &Node, kind: Option<Kind>, findings: &mut Findings) -> Option<FieldTree> {
    if let Some(kind @ (Kind::Slack | Kind::Teams)) = kind {
        let help = "'fields' sets the fields of an issue; what a chat shows stands in the template";
        findings.error_help(node.at, format!("a {} destination has no 'fields'", kind.word()), help);
        return None;
    }
    if !matches!(node.tree, Tree::Map(_)) {
        findings.error(node.at, format!("'fields' must be a map of field names, but this is {}", node.kind()));
        return None;
    }
    let tree: Map<String, Value> = match serde_path_to_error::deserialize(node.to_value()) {
        Ok(tree) => tree,
        Err(error) => {
            findings.error(node.at, format!("'fields' cannot be sent as JSON: {}: {}", error.path(), error.inner()));
            return None;
        }
    };
    match FieldTree::compile(&tree) {
        Ok(tree) => {
            for (fact, pointer) in tree.facts_used() {
                let name = fact.split(['.', '[']).next().unwrap_or_default();
                if !findings.words().knows(name) {
                    unknown_fact(name, node.at_pointer(&pointer).at, findings);
                }
            }
            Some(tree)
        }
        Err(problems) => {
            for problem in problems {
                let at = node.at_pointer(&problem.file).at;
                match problem.help {
                    Some(help) => findings.error_help(at, problem.message, help),
                    None => findings.error(at, problem.message),
                }
            }
            None
        }
    }
}
