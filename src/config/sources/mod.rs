//! `sources:`: who sends webhooks.

mod cloudevents;
mod orchestrator;
mod pledge;
mod proof;
mod qase;
mod uipath;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_yaml::Value;

use super::desk::Desk;
use super::fields::{Fields, entries, name, not_yet, one_of, text};
use super::findings::Place;
use super::node::{Entry, Node, Tree};
use super::settings::MAIN_SHEET;
use super::{ApiSpec, Exchanges, SourceSpec, Unread};
use crate::domain::Name;
use crate::source::Source;
pub use pledge::{Pledge, check as check_pledges};

/// The kinds of source that later releases have.
const SOURCES_LATER: [&str; 1] = ["json"];

/// The kinds of source.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Qase,
    TestManager,
    Orchestrator,
    CloudEvents,
}

/// Their words.
const KINDS: [(&str, Kind); 4] = [
    ("qase", Kind::Qase),
    ("uipath", Kind::TestManager),
    ("uipath_orchestrator", Kind::Orchestrator),
    ("cloudevents", Kind::CloudEvents),
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
        names.extend(called.clone());
        let Some(mut fields) = Fields::of(&entry.value, format!("source '{}'", entry.key), &mut desk.findings) else {
            continue;
        };
        let Some(kind) = fields.require("kind", &mut desk.findings) else { continue };
        let Some(word) = text(kind, "'kind'", &mut desk.findings) else { continue };
        if SOURCES_LATER.contains(&word) {
            not_yet(&format!("the kind of source '{word}'"), kind.at, &mut desk.findings);
            continue;
        }
        let Some(kind) = one_of(word, "kind of source", &KINDS, kind.at, &mut desk.findings) else { continue };
        let usual = match kind {
            Kind::TestManager | Kind::Orchestrator => Unread::Kept,
            Kind::Qase | Kind::CloudEvents => Unread::Refused,
        };
        let unread = unread(&mut fields, usual, desk);
        let read = read_kind(kind, entry, &mut fields, &mut pledges, desk);
        fields.finish(&mut desk.findings);
        if let (Some(name), Some(Read { adapter, api, exchanges })) = (called, read) {
            sources.insert(name.clone(), Arc::new(SourceSpec { name, adapter, unread, api, exchanges }));
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
    Sources { sources, names, pledges }
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
        Kind::Qase => qase::read(name, fields, at, desk).map(Read::of),
        Kind::TestManager => uipath::read(name, fields, at, pledges, desk),
        Kind::Orchestrator => orchestrator::read(name, fields, at, desk).map(Read::of),
        Kind::CloudEvents => cloudevents::read(name, fields, at, desk).map(Read::of),
    }
}
