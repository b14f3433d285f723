//! `from: memory`: which of the subjects that are remembered are counted, once it is known
//! which sources and facts there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Pledge;
use super::kpis::MEMORY;
use crate::config::conditions;
use crate::config::desk::Desk;
use crate::config::exchanges::{CountedIn, Remembered};
use crate::config::fields::{Fields, items, text};
use crate::config::findings::{Findings, Place};
use crate::config::nearest::did_you_mean;
use crate::config::node::{Node, Tree};
use crate::config::vocabulary::NESTS;
use crate::config::{DestinationSpec, SourceSpec};
use crate::domain::Name;
use crate::domain::census::Census;
use crate::domain::condition::Condition;
use crate::domain::facts::FactPath;

/// What defects are called in the names of subjects.
const SUBJECT: &str = "defect";

/// The kinds of sources that report no defects.
const REPORT_NONE: [&str; 2] = ["uipath", "uipath_orchestrator"];

/// What is known of each subject beside the facts that are remembered of it.
const OWN: [&str; 3] = ["source", "project", "subject"];

/// What a source's `defect_kpis` says of memory, not read yet.
#[derive(Debug, Clone)]
pub struct Memories {
    /// The source that asks for figures.
    pub(super) source: Name,
    /// Where `memory` stands.
    pub(super) at: Place,
    /// `sources:`.
    pub(super) sources: Option<Node>,
    /// `subjects:`.
    pub(super) subjects: Option<Node>,
    /// `count:`.
    pub(super) count: Option<Node>,
}

/// Reads what `pledges` say of memory into the sources that ask for it.
pub fn read(
    pledges: &[Pledge],
    all: &mut BTreeMap<Name, Arc<SourceSpec>>,
    names: &BTreeSet<Name>,
    destinations: &BTreeMap<Name, (Place, Option<Arc<DestinationSpec>>)>,
    desk: &mut Desk<'_>,
) {
    for pledge in pledges {
        let Pledge::Remembers(memories) = pledge else { continue };
        if destinations.contains_key(MEMORY) {
            let help = "give the destination another name: here 'memory' always means what Relaybell remembers";
            let message = "'memory' is Relaybell's own memory, but there is a destination of this name too";
            desk.findings.error_help(memories.at, message, help);
        }
        let sources = match &memories.sources {
            Some(node) => chosen(node, all, names, &mut desk.findings),
            None => Some(all.values().filter(|spec| !spec.adapter.is_own()).map(|spec| spec.name.clone()).collect()),
        };
        let subjects = match &memories.subjects {
            Some(node) => kinds(node, &mut desk.findings),
            None => Some(vec![SUBJECT.to_owned()]),
        };
        let census = match &memories.count {
            Some(node) => census(node, names, &mut desk.findings),
            None => Some(Census::default()),
        };
        let (Some(sources), Some(subjects), Some(census)) = (sources, subjects, census) else { continue };
        if !sources.iter().filter_map(|name| all.get(name)).any(|spec| !REPORT_NONE.contains(&spec.kind)) {
            let help =
                "add the source that reports them, as in  qase: { kind: qase, secrets: [\"${QASE_WEBHOOK_SECRET}\"] }";
            desk.findings.warning(memories.at, "no source here reports defects: all figures will be 0", help);
        }
        let spec = all.get_mut(&memories.source).and_then(Arc::get_mut);
        if let Some(kpis) = spec.and_then(|spec| spec.exchanges.defect_kpis.as_mut()) {
            kpis.from = CountedIn::Memory(Arc::new(Remembered { sources, subjects, census }));
        }
    }
}

/// `sources:`: the names of those whose defects are counted.
fn chosen(
    node: &Node,
    all: &BTreeMap<Name, Arc<SourceSpec>>,
    names: &BTreeSet<Name>,
    findings: &mut Findings,
) -> Option<Vec<Name>> {
    let is_own = |name: &str| all.get(name).is_some_and(|spec| spec.adapter.is_own());
    let mut chosen = Some(BTreeSet::new());
    let written = items(node, "'sources'", findings);
    for item in written {
        let word = text(item, "an entry of 'sources'", findings);
        let name = word.and_then(|word| names.get(word)).filter(|name| !is_own(name));
        if let (Some(word), None) = (word, name) {
            let senders = names.iter().map(AsRef::as_ref).filter(|name| !is_own(name));
            let message = format!("there is no source '{word}'{}", did_you_mean(word, senders));
            let help = "name the sources whose defects are counted; without 'sources' all are";
            findings.error_help(item.at, message, help);
        }
        chosen = chosen.zip(name).map(|(mut chosen, name)| {
            chosen.insert(name.clone());
            chosen
        });
    }
    if written.is_empty() {
        let help = "name the sources whose defects are counted, or remove the key";
        findings.error_help(node.at, "'sources' is empty", help);
        return None;
    }
    chosen.map(|chosen| chosen.into_iter().collect())
}

/// `subjects:`: what stands before the slash in the names of subjects.
fn kinds(node: &Node, findings: &mut Findings) -> Option<Vec<String>> {
    let mut kinds = Vec::new();
    let written = items(node, "'subjects'", findings);
    for item in written {
        let Some(word) = text(item, "an entry of 'subjects'", findings) else { continue };
        if word.is_empty() || word.contains('/') {
            let help = "write what stands before the slash: defect for defect/17, issue for issue/PAY-17";
            findings.error_help(item.at, format!("'{word}' is no kind of subject"), help);
            continue;
        }
        kinds.push(word.to_owned());
    }
    if written.is_empty() {
        findings.error_help(node.at, "'subjects' is empty", "write  subjects: [defect] , or remove the key");
    }
    kinds.sort();
    kinds.dedup();
    (!kinds.is_empty()).then_some(kinds)
}

/// `count:`: what must hold of a subject to be counted as what.
fn census(node: &Node, names: &BTreeSet<Name>, findings: &mut Findings) -> Option<Census> {
    let mut fields = Fields::of(node, "'count'", findings)?;
    let mut sound = true;
    let mut read = |word: &'static str, findings: &mut Findings| {
        let node = fields.take(word)?;
        let condition = condition(node, &format!("'{word}'"), names, findings);
        sound &= condition.is_some();
        condition
    };
    let census = Census {
        total: read("total", findings),
        open: read("open", findings),
        closed: read("closed", findings),
        critical: read("critical", findings),
        moderate: read("moderate", findings),
    };
    fields.finish(findings);
    sound.then_some(census)
}

fn condition(node: &Node, what: &str, names: &BTreeSet<Name>, findings: &mut Findings) -> Option<Condition> {
    let condition = conditions::read(node, what, names, findings);
    let remembered = all_remembered(node, findings);
    let condition = condition?;
    if matches!(&condition, Condition::All(parts) if parts.is_empty()) {
        let help = "write what must hold, as in  severity: [blocker, critical] , or remove the key";
        findings.error_help(node.at, format!("{what} is empty"), help);
        return None;
    }
    remembered.then_some(condition)
}

/// Whether all that the lines name is remembered of a subject; reports what is not.
fn all_remembered(node: &Node, findings: &mut Findings) -> bool {
    let Tree::Map(lines) = &node.tree else { return true };
    let mut sound = true;
    for line in lines {
        if NESTS.contains(&line.key.as_str()) {
            if let Tree::List(parts) = &line.value.tree {
                for part in parts {
                    sound &= all_remembered(part, findings);
                }
            }
            continue;
        }
        let Ok(path) = FactPath::parse(&line.key) else { continue };
        let name = path.name();
        let words = findings.words();
        if words.knows(name) && !OWN.contains(&name) && !words.is_remembered(name) {
            let help =
                "only what is remembered of a subject can be counted by: its own facts, and source, project, subject";
            findings.error_help(line.key_at, format!("'{name}' is not remembered of a defect"), help);
            sound = false;
        }
        if let Some(changed) = changed(&line.value) {
            let help = "'changed' looks at an event; here no event comes, and nothing changes";
            findings.error_help(changed, "'changed' can never hold here", help);
            sound = false;
        }
    }
    sound
}

/// Where `changed` stands among operators.
fn changed(node: &Node) -> Option<Place> {
    let Tree::Map(operators) = &node.tree else { return None };
    operators.iter().find_map(|one| match one.key.as_str() {
        "changed" => Some(one.key_at),
        "not" => changed(&one.value),
        _ => None,
    })
}
