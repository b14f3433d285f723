//! `rules/*.yaml`: when these facts hold, send these messages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::conditions;
use super::fields::{Fields, items, name, text};
use super::findings::{Findings, Place};
use super::handling;
use super::node::Node;
use super::vocabulary::{FILE_LATER, RULE_LATER};
use crate::domain::Name;
use crate::domain::condition::Condition;
use crate::domain::people::People;
use crate::domain::rule::{Kind, Rule};

/// What rules may name.
pub struct Known<'a> {
    /// The destinations and their kinds; no kind: broken, so nothing about it is judged.
    pub destinations: BTreeMap<Name, Option<Kind>>,
    /// The sources.
    pub sources: BTreeSet<Name>,
    /// The templates.
    pub templates: BTreeSet<Name>,
    /// The people.
    pub people: &'a Arc<People>,
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
        let handling = handling::read(&mut fields, findings);
        fields.later(RULE_LATER);
        fields.finish(findings);
        let unless = match unless {
            Some(None) => return,
            Some(Some(unless)) => Some(unless),
            None => None,
        };
        if let (Some((name, line)), Some(when), Some(send), Some(handling)) = (called, when, send, handling) {
            let place = (Name::from(findings.sheet(node.at.sheet).name.as_str()), line);
            self.rules.push(Rule { name, place, when, unless, send, handling });
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
