//! `rules/*.yaml`: when these facts hold, send these messages.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::conditions;
use super::fields::{Fields, items, name, not_yet, one_of, text};
use super::findings::{Findings, Place};
use super::nearest::{any_of, did_you_mean};
use super::node::{Node, Tree};
use super::people::People;
use super::templates::unknown_fact;
use super::vocabulary::{ACTIONS_LATER, FILE_LATER, RULE_LATER, SEND_LATER, known_facts};
use crate::domain::Name;
use crate::domain::condition::Condition;
use crate::domain::delivery::Action;
use crate::domain::message::Mention;
use crate::domain::render::FieldTree;
use crate::domain::rule::{Kind, Rule, Send};

/// The most people one message mentions.
const MENTIONS_MAX: usize = 20;

/// The most messages one rule sends.
const SENDS_MAX: usize = 50;

/// What rules may name.
pub struct Known<'a> {
    /// The destinations and their kinds; no kind: broken, so nothing about it is judged.
    pub destinations: BTreeMap<Name, Option<Kind>>,
    /// The sources.
    pub sources: BTreeSet<Name>,
    /// The templates.
    pub templates: BTreeSet<Name>,
    /// The people.
    pub people: &'a People,
}

/// The rules of all files.
#[derive(Default)]
pub struct Rules {
    /// The rules that are right, in the order of their files.
    pub rules: Vec<Rule>,
    /// Every name seen, with its place.
    names: HashMap<Name, Place>,
    /// The destinations named.
    pub used_destinations: BTreeSet<Name>,
    /// The templates named.
    pub used_templates: BTreeSet<Name>,
}

impl Rules {
    /// Reads one rule file.
    pub fn read(&mut self, node: &Node, known: &Known<'_>, findings: &mut Findings) {
        let Some(mut fields) = Fields::of(node, "a rule file", findings) else { return };
        if let Some(rules) = fields.take("rules") {
            for rule in items(rules, "'rules'", findings) {
                self.rule(rule, known, findings);
            }
        }
        fields.later(FILE_LATER);
        fields.finish(findings);
    }

    fn rule(&mut self, node: &Node, known: &Known<'_>, findings: &mut Findings) {
        let Some(mut fields) = Fields::of(node, "a rule", findings) else { return };
        let called = fields.require("name", findings).and_then(|node| self.name(node, findings));
        let when = fields.require("when", findings).and_then(|node| {
            let when = conditions::read(node, "'when'", &known.sources, findings)?;
            if matches!(&when, Condition::All(lines) if lines.is_empty()) {
                findings.warning(
                    node.at,
                    "this rule matches every event of every source",
                    "add a line such as  event: defect.created",
                );
            }
            Some(when)
        });
        let unless = fields.take("unless").map(|node| {
            let unless = conditions::read(node, "'unless'", &known.sources, findings)?;
            if matches!(&unless, Condition::All(lines) if lines.is_empty()) {
                findings.error(node.at, "an empty 'unless' excludes every event");
            }
            Some(unless)
        });
        let send = fields.require("send", findings).and_then(|node| self.sends(node, known, findings));
        fields.later(RULE_LATER);
        fields.finish(findings);
        let unless = match unless {
            Some(None) => return,
            Some(Some(unless)) => Some(unless),
            None => None,
        };
        if let (Some((name, line)), Some(when), Some(send)) = (called, when, send) {
            let place = (Name::from(findings.sheet(node.at.sheet).name.as_str()), line);
            self.rules.push(Rule { name, place, when, unless, send });
        }
    }

    fn name(&mut self, node: &Node, findings: &mut Findings) -> Option<(Name, u32)> {
        let called = name(text(node, "'name'", findings)?, "rule", node.at, findings)?;
        if let Some(first) = self.names.get(&called) {
            let message = format!("a rule '{called}' exists already, and names of rules are unique");
            findings.error_also(node.at, message, *first, "first here");
            return None;
        }
        self.names.insert(called.clone(), node.at);
        Some((called, u32::try_from(findings.line(node.at)).unwrap_or(0)))
    }

    fn sends(&mut self, node: &Node, known: &Known<'_>, findings: &mut Findings) -> Option<Vec<Send>> {
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
        let kind = to.as_ref().and_then(|(_, kind)| *kind);
        let action = fields.take("action").map(|node| action(node, kind, findings));
        let template = fields.take("template").map(|node| self.template(node, known, findings));
        let mention = fields.take("mention").map(|node| mentions(node, kind, known, findings));
        let tree = fields.take("fields").map(|node| field_tree(node, kind, findings));
        fields.later(SEND_LATER);
        fields.finish(findings);
        let (to, kind) = (to?.0, kind?);
        Some(Send {
            to,
            kind,
            action: match action {
                Some(action) => action?,
                None => *kind.actions().first()?,
            },
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

    fn destination(&mut self, node: &Node, known: &Known<'_>, findings: &mut Findings) -> Option<(Name, Option<Kind>)> {
        let word = text(node, "'to'", findings)?;
        if let Some((name, kind)) = known.destinations.get_key_value(word) {
            self.used_destinations.insert(name.clone());
            return Some((name.clone(), *kind));
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

fn action(node: &Node, kind: Option<Kind>, findings: &mut Findings) -> Option<Action> {
    let word = text(node, "'action'", findings)?;
    if ACTIONS_LATER.contains(&word) {
        not_yet(&format!("the action '{word}'"), node.at, findings);
        return None;
    }
    let action = one_of(word, "action", &Action::WORDS, node.at, findings)?;
    let kind = kind?;
    if !kind.actions().contains(&action) {
        let message = format!("a {} destination cannot '{action}'", kind.word());
        let can = any_of(kind.actions().iter().map(|action| action.word()));
        findings.error_help(node.at, message, format!("it can: {can}"));
        return None;
    }
    Some(action)
}

fn mentions(node: &Node, kind: Option<Kind>, known: &Known<'_>, findings: &mut Findings) -> Vec<Mention> {
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
            mentions.push(known.people.mention(word, kind, node.at, findings));
        }
    }
    mentions
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
                if !known_facts().any(|(known, _)| known == name) {
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

/// The file names of rules: `.yaml` and `.yml`.
pub fn is_rule_file(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml")
}
