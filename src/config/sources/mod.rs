//! `sources:`: who sends webhooks.

mod api;
mod cloudevents;
mod expect;
mod json;
mod kpis;
mod memories;
mod orchestrator;
mod pledge;
mod proof;
mod qase;
mod uipath;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_yaml::Value;

use super::desk::Desk;
use super::fields::{Fields, entries, name, one_of, text};
use super::findings::Place;
use super::node::{Entry, Node, Tree};
use super::presets;
use super::settings::MAIN_SHEET;
use super::{ApiSpec, Exchanges, SourceSpec, Unread};
use crate::domain::Name;
use crate::source::Source;
use crate::source::own::{self, Own};
pub use memories::read as read_memories;
pub use pledge::{Pledge, check as check_pledges};

/// The kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Qase,
    TestManager,
    Orchestrator,
    CloudEvents,
    Json,
}

/// Their words.
const KINDS: [(&str, Kind); 5] = [
    ("qase", Kind::Qase),
    ("uipath", Kind::TestManager),
    ("uipath_orchestrator", Kind::Orchestrator),
    ("cloudevents", Kind::CloudEvents),
    ("json", Kind::Json),
];

/// What `sources:` says.
#[derive(Default)]
pub struct Sources {
    /// The sources by name.
    pub sources: BTreeMap<Name, Arc<SourceSpec>>,
    /// The names of all sources, the broken ones too.
    pub names: BTreeSet<Name>,
    /// What they rely on of destinations and rules.
    pub pledges: Vec<Pledge>,
}

/// What the keys of one kind say.
struct Read {
    adapter: Arc<dyn Source>,
    api: Option<ApiSpec>,
    exchanges: Exchanges,
}

impl Read {
    /// A source that only reports.
    fn of(adapter: impl Source + 'static) -> Self {
        Self { adapter: Arc::new(adapter), api: None, exchanges: Exchanges::default() }
    }
}

/// Reads `sources:`.
pub fn read(node: Option<&Node>, desk: &mut Desk<'_>) -> Sources {
    let Sources { mut sources, mut names, mut pledges } = Sources::default();
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
        if matches!(&entry.value.tree, Tree::Map(entries) if entries.iter().any(|entry| entry.key == "preset")) {
            // What it stands for is in the other keys by now.
            fields.take("preset");
        }
        let Some(kind) = fields.require("kind", &mut desk.findings) else { continue };
        let Some(word) = text(kind, "'kind'", &mut desk.findings) else { continue };
        let Some(kind) = one_of(word, "kind of source", &KINDS, kind.at, &mut desk.findings) else { continue };
        let usual = match kind {
            Kind::TestManager | Kind::Orchestrator => Unread::Kept,
            Kind::Qase | Kind::CloudEvents | Kind::Json => Unread::Refused,
        };
        let unread = unread(&mut fields, usual, desk);
        let expect_every = expect::read(&mut fields, desk);
        let read = read_kind(kind, entry, &mut fields, &mut pledges, desk);
        fields.finish(&mut desk.findings);
        if let (Some(name), Some(Read { adapter, api, exchanges })) = (called, read) {
            let (kind, preset) = (word_of(kind), presets::named_by(&entry.value).map(|preset| preset.name));
            let spec = SourceSpec { name: name.clone(), kind, preset, adapter, expect_every, unread, api, exchanges };
            sources.insert(name, Arc::new(spec));
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
    names.insert(own::NAME.into());
    sources.insert(own::NAME.into(), Arc::new(itself()));
    Sources { sources, names, pledges }
}

/// The relay as a source.
fn itself() -> SourceSpec {
    SourceSpec {
        name: own::NAME.into(),
        kind: own::NAME,
        preset: None,
        adapter: Arc::new(Own),
        expect_every: Vec::new(),
        unread: Unread::Refused,
        api: None,
        exchanges: Exchanges::default(),
    }
}

/// `never_refuse:`, with the default `usual` of the kind.
fn unread(fields: &mut Fields<'_>, usual: Unread, desk: &mut Desk<'_>) -> Unread {
    let Some(node) = fields.take("never_refuse") else { return usual };
    match &node.tree {
        Tree::Scalar(Value::Bool(true), _) => Unread::Kept,
        Tree::Scalar(Value::Bool(false), _) => Unread::Refused,
        _ => {
            let message = format!("'never_refuse' must be true or false, but this is {}", node.kind());
            desk.findings.error(node.at, message);
            usual
        }
    }
}

/// The word of a kind.
fn word_of(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word)
}

/// Reads what is the own of a source of this kind.
fn read_kind(
    kind: Kind,
    entry: &Entry,
    fields: &mut Fields<'_>,
    pledges: &mut Vec<Pledge>,
    desk: &mut Desk<'_>,
) -> Option<Read> {
    let (name, at) = (entry.key.as_str(), entry.key_at);
    match kind {
        Kind::Qase => qase::read(name, fields, at, desk),
        Kind::TestManager => uipath::read(name, fields, at, pledges, desk),
        Kind::Orchestrator => orchestrator::read(name, fields, at, desk).map(Read::of),
        Kind::CloudEvents => cloudevents::read(name, fields, at, desk).map(Read::of),
        Kind::Json => json::read(name, fields, at, presets::samples_of(&entry.value), desk).map(Read::of),
    }
}
