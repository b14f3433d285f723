//! `rules/*.yaml`: when these facts hold, send these messages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::conditions;
use super::expressions;
use super::fields::{Fields, items, name, text};
use super::findings::{Findings, Place};
use super::handling;
use super::node::Node;
use super::vocabulary::{FILE_LATER, RULE_LATER};
use crate::domain::Name;
use crate::domain::condition::Condition;
use crate::domain::delivery::Action;
use crate::domain::people::People;
use crate::domain::reads::Reads;
use crate::domain::rule::{Kind, Rule};

/// A destination, as far as rules must know it.
pub struct Receiver {
    /// Its kind.
    pub kind: Kind,
    /// What it can do, the default first.
    pub actions: Vec<Action>,
    /// What it needs beside the message.
    pub reads: Reads,
}

/// What rules may name.
pub struct Known<'a> {
    /// The destinations; `None`: broken, so nothing about it is judged.
    pub destinations: BTreeMap<Name, Option<Receiver>>,
    /// The sources.
    pub sources: BTreeSet<Name>,
    /// The templates.
    pub templates: BTreeSet<Name>,
    /// The people.
    pub people: &'a Arc<People>,
    /// Whether `send` is read.
    pub messages: Messages,
}

/// Whether what rules send is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Messages {
    /// It is, and every name in it is looked up.
    Read,
    /// It is not: rules are only matched.
    Skip,
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
    /// `tests:` of each file that has any; they may name the rules of every file.
    pub tests: Vec<Node>,
}

impl Rules {
    /// Reads one rule file.
    pub fn read(&mut self, node: &Node, known: &Known<'_>, findings: &mut Findings) {
        if node.is_nothing() {
            // A file that lost its content must not silence its rules.
            let help = "write  rules: []  if it shall have none, or delete the file";
            findings.error_help(node.at, "this rule file is empty, or holds only comments", help);
            return;
        }
        let Some(mut fields) = Fields::of(node, "a rule file", findings) else { return };
        if let Some(rules) = fields.take("rules") {
            for rule in items(rules, "'rules'", findings) {
                self.rule(rule, known, findings);
            }
        }
        self.tests.extend(fields.take("tests").cloned());
        fields.later(FILE_LATER);
        fields.finish(findings);
    }

    /// The rule called `word`, also when it is broken.
    pub fn name_of(&self, word: &str) -> Option<Name> {
        self.names.get_key_value(word).map(|(name, _)| name.clone())
    }

    /// The names of all rules, the broken ones too, sorted.
    pub fn all_names(&self) -> BTreeSet<&str> {
        self.names.keys().map(AsRef::as_ref).collect()
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
        let expression = fields.take("where").map(|node| expressions::read(node, findings));
        let send = fields.require("send", findings).and_then(|node| match known.messages {
            Messages::Read => self.sends(node, known, findings),
            Messages::Skip => Some(Vec::new()),
        });
        let handling = handling::read(&mut fields, findings);
        fields.later(RULE_LATER);
        fields.finish(findings);
        let unless = match unless {
            Some(None) => return,
            Some(Some(unless)) => Some(unless),
            None => None,
        };
        let expression = match expression {
            Some(None) => return,
            Some(expression) => expression,
            None => None,
        };
        if let (Some((name, line)), Some(when), Some(send), Some(handling)) = (called, when, send, handling) {
            let place = (Name::from(findings.sheet(node.at.sheet).name.as_str()), line);
            self.rules.push(Rule { name, place, when, unless, expression, send, handling });
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
}

/// The file names of rules: `.yaml` and `.yml`.
pub fn is_rule_file(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml")
}
