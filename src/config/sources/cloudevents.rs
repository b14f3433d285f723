//! `kind: cloudevents`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::proof::{self, Usual, Way};
use crate::config::desk::Desk;
use crate::config::fields::{Fields, entries, items, one_of, text};
use crate::config::findings::Place;
use crate::source::catalogue::{FactInfo, FactKind, fact, lasting};
use crate::source::cloudevents::{CloudEvents, KIND, Naming, Welcome, declared};

/// The most webhooks a minute that can be allowed by name.
const RATE_MOST: u32 = 1_000_000;

/// How senders of CloudEvents prove themselves.
const USUAL: Usual = Usual {
    way: Way::Token("Authorization"),
    help: "let the sender send a secret as Authorization: Bearer, and name it here: secrets: [\"${EVENTS_SECRET}\"]",
};

/// Reads a source of kind `cloudevents`.
pub fn read(name: &str, fields: &mut Fields<'_>, at: Place, desk: &mut Desk<'_>) -> Option<CloudEvents> {
    let proof = proof::read(name, fields, at, &USUAL, desk);
    let strip = match fields.take("strip") {
        Some(node) => text(node, "'strip'", &mut desk.findings).map(str::to_owned),
        None => Some(String::new()),
    };
    let mut events = BTreeMap::new();
    for entry in fields.take("events").map_or(&[][..], |node| entries(node, "'events'", &mut desk.findings)) {
        let what = format!("the event's name for the type {}", entry.key);
        if let Some(called) = text(&entry.value, &what, &mut desk.findings) {
            events.insert(entry.key.clone(), called.to_owned());
        }
    }
    let allowed = fields.take("allowed_origins");
    let origins = allowed.map(|node| {
        let all = items(node, "'allowed_origins'", &mut desk.findings);
        all.iter().filter_map(|node| text(node, "an entry of 'allowed_origins'", &mut desk.findings)).collect()
    });
    let origins: Vec<&str> = origins.unwrap_or_default();
    let rate: Option<Option<NonZeroU32>> = match fields.take("allowed_rate") {
        Some(node) => desk.count(node, "'allowed_rate'", RATE_MOST).map(Some),
        None => Some(None),
    };
    // `*` is how the specification writes that everybody may.
    let origins = if origins.contains(&"*") { Vec::new() } else { origins.into_iter().map(str::to_owned).collect() };
    let extensions = declared_facts(fields, desk);
    let kind = if extensions.is_empty() { KIND } else { lasting(name) };
    Some(CloudEvents {
        catalogue: declared(kind, extensions),
        name: name.to_owned(),
        proof: proof?,
        naming: Naming { strip: strip?, events },
        welcome: Welcome { origins, rate: rate? },
    })
}

/// The kinds of values that an extension can have.
const KINDS: [(&str, FactKind); 6] = [
    ("text", FactKind::Text),
    ("number", FactKind::Number),
    ("flag", FactKind::Flag),
    ("time", FactKind::Time),
    ("duration", FactKind::Duration),
    ("any", FactKind::Any),
];

/// Reads `facts: { team: text }`: the extension attributes that rules and templates may name.
fn declared_facts(fields: &mut Fields<'_>, desk: &mut Desk<'_>) -> Vec<FactInfo> {
    let mut facts = Vec::new();
    for entry in fields.take("facts").map_or(&[][..], |node| entries(node, "'facts'", &mut desk.findings)) {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if entry.key.is_empty() || !entry.key.chars().all(fits) {
            let help = "names of extension attributes have small letters and digits only";
            desk.findings.error_help(entry.key_at, format!("'{}' can be no extension attribute", entry.key), help);
            continue;
        }
        let what = format!("the kind of '{}'", entry.key);
        let Some(word) = text(&entry.value, &what, &mut desk.findings) else { continue };
        if let Some(kind) = one_of(word, "kind of value", &KINDS, entry.value.at, &mut desk.findings) {
            facts.push(fact(lasting(&entry.key), kind, "an extension attribute of its sender"));
        }
    }
    facts
}
