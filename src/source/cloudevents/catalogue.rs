//! What CloudEvents can report: what all of them have, and the extensions that are declared.

use std::sync::Arc;

use super::reading::PASSING;
use crate::domain::rank;
use crate::source::catalogue::{Catalogue, Description, FactInfo, FactKind, KnownWords, fact};

/// The kind of source.
pub const KIND: &str = "cloudevents";

const FACTS: [FactInfo; 6] = [
    fact("id", FactKind::Text, "the event's id, as its sender says"),
    fact("title", FactKind::Text, "the title, name or summary in the data, else the subject, else the event's name"),
    fact("type", FactKind::Text, "the event's type as it was sent"),
    fact("sender", FactKind::Text, "the event's source attribute: where in the sender it happened"),
    fact("schema", FactKind::Text, "the address of the schema of its data"),
    fact("url", FactKind::Text, "the address in the data, if there is one"),
];

/// What senders report whose events have the extension attributes `extensions`, called
/// `kind`: their names are not told by the standard.
#[must_use]
pub fn declared(kind: &'static str, extensions: Vec<FactInfo>) -> Arc<Catalogue> {
    let known = |fact: &'static str, words: Vec<&'static str>| KnownWords { fact, events: "", words, closed: true };
    let severities = rank::SEVERITIES.iter().copied().chain([rank::UNDEFINED]).collect();
    Arc::new(Catalogue::of(Description {
        facts: FACTS.into_iter().chain(extensions).collect(),
        passing: PASSING.to_vec(),
        words: vec![known("severity", severities), known("priority", rank::PRIORITIES.to_vec())],
        is_open: true,
        ..Description::new(kind)
    }))
}
