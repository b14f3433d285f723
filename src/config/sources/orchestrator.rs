//! `kind: uipath_orchestrator`.

use std::collections::BTreeMap;

use super::proof::{self, Usual, Way};
use crate::config::desk::Desk;
use crate::config::fields::{Fields, entries, text};
use crate::config::findings::Place;
use crate::source::orchestrator::{Orchestrator, SIGNATURE_HEADER};
use crate::source::proof::{Algorithm, Encoding};

/// How Orchestrator proves itself. Its page says Base64 alone; `sha256=` and hexadecimal were seen.
const USUAL: Usual = Usual {
    way: Way::Hmac {
        algorithm: Algorithm::Sha256,
        header: SIGNATURE_HEADER,
        encoding: Encoding::Either,
        prefix: "sha256=",
    },
    help: "set a secret at Orchestrator's webhook and name it here: secrets: [\"${ORCHESTRATOR_SECRET}\"]",
};

/// Reads a source of kind `uipath_orchestrator`.
pub fn read(name: &str, fields: &mut Fields<'_>, at: Place, desk: &mut Desk<'_>) -> Option<Orchestrator> {
    let proof = proof::read(name, fields, at, &USUAL, desk);
    let app_url = match fields.take("app_url") {
        Some(node) => Some(desk.address(node, "'app_url'")?),
        None => None,
    };
    let mut projects = BTreeMap::new();
    for entry in fields.take("projects").map_or(&[][..], |node| entries(node, "'projects'", &mut desk.findings)) {
        let what = format!("the project of folder {}", entry.key);
        projects.extend(text(&entry.value, &what, &mut desk.findings).map(|code| (entry.key.clone(), code.to_owned())));
    }
    Some(Orchestrator { name: name.to_owned(), proof: proof?, app_url, projects })
}
