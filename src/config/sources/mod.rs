//! `sources:`: who sends webhooks.

mod cloudevents;
mod expect;
mod json;
mod orchestrator;
mod proof;
mod qase;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::SourceSpec;
use super::desk::Desk;
use super::fields::{Fields, entries, name, not_yet, one_of, text};
use super::findings::Place;
use super::node::{Entry, Node};
use super::presets;
use super::settings::MAIN_SHEET;
use crate::domain::Name;
use crate::source::Source;
use crate::source::own::{self, Own};

/// The kinds of source that later releases have.
const SOURCES_LATER: [&str; 1] = ["uipath"];

/// The kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Qase,
    Orchestrator,
    CloudEvents,
    Json,
}

/// Their words.
const KINDS: [(&str, Kind); 4] = [
    ("qase", Kind::Qase),
    ("uipath_orchestrator", Kind::Orchestrator),
    ("cloudevents", Kind::CloudEvents),
    ("json", Kind::Json),
];

/// Reads `sources:`; the names of the broken ones are given too.
pub fn read(node: Option<&Node>, desk: &mut Desk<'_>) -> (BTreeMap<Name, Arc<SourceSpec>>, BTreeSet<Name>) {
    let (mut sources, mut names) = (BTreeMap::new(), BTreeSet::new());
    for entry in node.map_or(&[][..], |node| entries(node, "'sources'", &mut desk.findings)) {
        let called = name(&entry.key, "source", entry.key_at, &mut desk.findings);
        if called.as_deref() == Some(own::NAME) {
            let help = "events such as relay.dead_letter come from it; choose another name";
            desk.findings.error_help(entry.key_at, "'relay' is the relay itself", help);
            continue;
        }
        names.extend(called.clone());
        let Some(whole) = presets::complete(&entry.value, desk) else { continue };
        let Some(mut fields) = Fields::of(&whole, format!("source '{}'", entry.key), &mut desk.findings) else {
            continue;
        };
        let Some(kind) = fields.require("kind", &mut desk.findings) else { continue };
        let Some(word) = text(kind, "'kind'", &mut desk.findings) else { continue };
        if SOURCES_LATER.contains(&word) {
            not_yet(&format!("the kind of source '{word}'"), kind.at, &mut desk.findings);
            continue;
        }
        let Some(kind) = one_of(word, "kind of source", &KINDS, kind.at, &mut desk.findings) else { continue };
        let adapter = read_kind(kind, entry, &mut fields, desk);
        let expect_every = expect::read(&mut fields, desk);
        fields.finish(&mut desk.findings);
        if let (Some(name), Some(adapter)) = (called, adapter) {
            sources.insert(name.clone(), Arc::new(SourceSpec { name, kind: word_of(kind), adapter, expect_every }));
        }
    }
    if sources.is_empty() && !desk.findings.failed() {
        let help = "add one below 'sources:', as in  qase: { kind: qase, secrets: [\"${QASE_WEBHOOK_SECRET}\"] }";
        desk.findings.warning(
            node.map_or(Place::file(MAIN_SHEET), |node| node.at),
            "no source is configured: nothing can come in",
            help,
        );
    }
    let name = Name::from(own::NAME);
    names.insert(name.clone());
    let itself = SourceSpec { name: name.clone(), kind: own::NAME, adapter: Arc::new(Own), expect_every: Vec::new() };
    sources.insert(name, Arc::new(itself));
    (sources, names)
}

/// The word of a kind.
fn word_of(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word)
}

/// Reads what is the own of a source of this kind.
fn read_kind(kind: Kind, entry: &Entry, fields: &mut Fields<'_>, desk: &mut Desk<'_>) -> Option<Arc<dyn Source>> {
    let (name, at) = (entry.key.as_str(), entry.key_at);
    Some(match kind {
        Kind::Qase => Arc::new(qase::read(name, fields, at, desk)?),
        Kind::Orchestrator => Arc::new(orchestrator::read(name, fields, at, desk)?),
        Kind::CloudEvents => Arc::new(cloudevents::read(name, fields, at, desk)?),
        Kind::Json => Arc::new(json::read(name, fields, at, desk)?),
    })
}
