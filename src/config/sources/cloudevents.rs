//! `kind: cloudevents`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::proof::{self, Usual, Way};
use crate::config::desk::Desk;
use crate::config::fields::{Fields, entries, items, text};
use crate::config::findings::Place;
use crate::source::cloudevents::{CloudEvents, Naming, Welcome};

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
    Some(CloudEvents {
        name: name.to_owned(),
        proof: proof?,
        naming: Naming { strip: strip?, events },
        welcome: Welcome { origins, rate: rate? },
    })
}
