//! `sources:`: who sends webhooks.

mod api;
mod qase;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_yaml::Value;

use super::desk::Desk;
use super::fields::{Fields, entries, name, not_yet, one_of, text};
use super::findings::Place;
use super::node::{Node, Tree};
use super::settings::MAIN_SHEET;
use super::{ApiSpec, SourceSpec, Unread};
use crate::domain::Name;
use crate::source::Source;

/// The kinds of source that later releases have.
const SOURCES_LATER: [&str; 3] = ["uipath", "cloudevents", "json"];

/// What a kind makes of its keys.
pub struct Adapter {
    /// Reads the sender's webhooks.
    pub reads: Arc<dyn Source>,
    /// How its API is asked, if it is.
    pub api: Option<ApiSpec>,
}

/// Reads `sources:`; the names of the broken ones are given too.
pub fn read(node: Option<&Node>, desk: &mut Desk<'_>) -> (BTreeMap<Name, Arc<SourceSpec>>, BTreeSet<Name>) {
    let (mut sources, mut names) = (BTreeMap::new(), BTreeSet::new());
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
        if one_of(word, "kind of source", &[("qase", ())], kind.at, &mut desk.findings).is_none() {
            continue;
        }
        let unread = unread(&mut fields, Unread::Refused, desk);
        let adapter = qase::read(&entry.key, &mut fields, entry.key_at, desk);
        fields.finish(&mut desk.findings);
        if let (Some(name), Some(adapter)) = (called, adapter) {
            sources
                .insert(name.clone(), Arc::new(SourceSpec { name, adapter: adapter.reads, unread, api: adapter.api }));
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
    (sources, names)
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
