//! Reads `tests:`, when all rules of all files are known.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::fields::{Fields, items, text};
use super::super::files::Files;
use super::super::findings::{Findings, Place};
use super::super::node::{Node, Tree};
use super::super::rules::{Known, Rules};
use super::super::{SourceSpec, values};
use super::{Act, Step, TRIAL_BEGINS, Trial};
use crate::domain::Name;
use crate::domain::time::Timestamp;

/// The longest name of a test.
pub const TRIAL_NAME_CHARS_MAX: usize = 200;

/// The most steps of one test.
const STEPS_MAX: usize = 500;

/// The kinds of step.
const STEPS: [&str; 3] = ["receive", "after", "expect"];

/// What reading tests needs.
pub struct Reader<'a> {
    /// What tests may name.
    pub known: &'a Known<'a>,
    /// The sources that are in order.
    pub sources: &'a BTreeMap<Name, Arc<SourceSpec>>,
    /// The rules of all files.
    pub rules: &'a Rules,
    /// Where files come from.
    pub files: &'a dyn Files,
    /// Where the file of a webhook is looked for: beside the rules, then beside
    /// `relaybell.yaml`.
    pub folders: [&'a Path; 2],
}

/// The tests of all files.
#[derive(Default)]
struct Trials {
    all: Vec<Trial>,
    /// Every name seen, with its place.
    names: HashMap<Name, Place>,
}

impl Reader<'_> {
    /// Reads `tests:` of every rule file.
    pub fn read(&self, lists: &[Node], findings: &mut Findings) -> Vec<Trial> {
        let mut trials = Trials::default();
        for list in lists {
            for node in items(list, "'tests'", findings) {
                self.trial(node, &mut trials, findings);
            }
        }
        trials.all
    }

    fn trial(&self, node: &Node, trials: &mut Trials, findings: &mut Findings) {
        let Some(mut fields) = Fields::of(node, "a test", findings) else { return };
        let name = fields.require("name", findings).and_then(|node| trials.name(node, findings));
        let at = fields.take("at").map(|node| moment(node, findings));
        let steps = fields.require("steps", findings).and_then(|node| self.steps(node, findings));
        fields.finish(findings);
        if let (Some((name, line)), Some(at), Some(steps)) = (name, at.unwrap_or(Some(TRIAL_BEGINS)), steps) {
            let place = (Name::from(findings.sheet(node.at.sheet).name.as_str()), line);
            trials.all.push(Trial { name, place, at, steps });
        }
    }

    fn steps(&self, node: &Node, findings: &mut Findings) -> Option<Vec<Step>> {
        let nodes = items(node, "'steps'", findings);
        if nodes.is_empty() {
            if matches!(node.tree, Tree::List(_)) || node.is_nothing() {
                findings.error_help(node.at, "'steps' is empty: this test does nothing", "begin with  - receive: …");
            }
            return None;
        }
        if nodes.len() > STEPS_MAX {
            findings.error(node.at, format!("a test has at most {STEPS_MAX} steps"));
            return None;
        }
        let mut steps = Some(Vec::new());
        for node in nodes {
            match (self.step(node, findings), &mut steps) {
                (Some(act), Some(steps)) => steps.push(Step { line: line(node.at, findings), act }),
                (None, steps) => *steps = None,
                (Some(_), None) => {}
            }
        }
        let steps = steps?;
        let acts: Vec<(&Act, Place)> = steps.iter().zip(nodes).map(|(step, node)| (&step.act, node.at)).collect();
        is_in_order(&acts, node.at, findings).then_some(steps)
    }

    fn step(&self, node: &Node, findings: &mut Findings) -> Option<Act> {
        let mut fields = Fields::of(node, "a step", findings)?;
        let found: Vec<(&str, &Node)> =
            STEPS.into_iter().filter_map(|key| fields.take(key).map(|node| (key, node))).collect();
        let unknown = fields.others();
        fields.finish(findings);
        match found.as_slice() {
            [("receive", node)] => self.receive(node, findings).map(Act::Receive),
            [("after", node)] => after(node, findings).map(Act::After),
            [(_, node)] => self.expect(node, findings).map(Act::Expect),
            // An unknown key has been reported, and is what was meant as the step.
            [] if unknown => None,
            [] => {
                findings.error_help(node.at, "this step says nothing", "a step is one of: receive, after, expect");
                None
            }
            [_, (second, _), ..] => {
                let message = format!("'{second}' stands in the same step as '{}'", found[0].0);
                findings.error_help(node.at, message, "begin a step of its own for each, with '- '");
                None
            }
        }
    }
}

impl Trials {
    fn name(&mut self, node: &Node, findings: &mut Findings) -> Option<(Name, u32)> {
        let word = text(node, "'name'", findings)?.trim();
        if word.is_empty() || word.chars().any(char::is_control) || word.chars().count() > TRIAL_NAME_CHARS_MAX {
            let help = format!("say in a few words what it shows, in one line of at most {TRIAL_NAME_CHARS_MAX} signs");
            findings.error_help(node.at, "this cannot be the name of a test", help);
            return None;
        }
        let called = Name::from(word);
        if let Some(first) = self.names.get(&called) {
            let message = format!("a test '{called}' exists already, and names of tests are unique");
            findings.error_also(node.at, message, *first, "first here");
            return None;
        }
        self.names.insert(called.clone(), node.at);
        Some((called, line(node.at, findings)))
    }
}

/// The line of a place, from 1.
pub(super) fn line(at: Place, findings: &Findings) -> u32 {
    u32::try_from(findings.line(at)).unwrap_or(0)
}

/// Whether every webhook and every wait is followed by an `expect`, and each `expect` has
/// something before it.
fn is_in_order(acts: &[(&Act, Place)], whole: Place, findings: &mut Findings) -> bool {
    if !acts.iter().any(|(act, _)| matches!(act, Act::Receive(_))) {
        let help = "begin with  - receive: { source: …, sample: … }";
        findings.error_help(whole, "this test receives no webhook", help);
        return false;
    }
    if let Some((Act::Expect(_), at)) = acts.first() {
        findings.error_help(*at, "nothing has happened yet before this 'expect'", "put it after a 'receive'");
        return false;
    }
    if let Some((Act::Receive(_) | Act::After(_), at)) = acts.last() {
        let help = "add a step  - expect: [...]  after it; - expect: []  says that nothing is sent";
        findings.error_help(*at, "nothing is expected after this, so the test would not notice what it causes", help);
        return false;
    }
    true
}

/// `at`: a moment with its offset.
fn moment(node: &Node, findings: &mut Findings) -> Option<Timestamp> {
    let read = node.text().and_then(|word| Timestamp::parse_zoned(word.trim()));
    if read.is_none() {
        let help = "write the moment with its offset: 2026-10-05T10:00:00+03:00, or with Z for UTC";
        findings.error_help(node.at, format!("'at' must be a moment, but this is {}", node.kind()), help);
    }
    read
}

/// `after`: how much time passes.
fn after(node: &Node, findings: &mut Findings) -> Option<Duration> {
    let Tree::Scalar(_, written) = &node.tree else {
        findings.error(node.at, format!("'after' is a duration such as 4h, but this is {}", node.kind()));
        return None;
    };
    match values::duration(written.trim()) {
        Ok(Duration::ZERO) => {
            findings.error(node.at, "'after' must be longer than nothing");
            None
        }
        Ok(time) => Some(time),
        Err(why) => {
            findings.error_help(node.at, "'after' is no duration", why);
            None
        }
    }
}
