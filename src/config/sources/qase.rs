//! `kind: qase`.

use super::proof::{self, Usual, Way};
use crate::config::desk::Desk;
use crate::config::fields::Fields;
use crate::config::findings::Place;
use crate::source::qase::{Qase, SECRET_HEADER};

/// How Qase proves itself.
const USUAL: Usual = Usual {
    way: Way::Token(SECRET_HEADER),
    help: "set a secret at Qase's webhook and name it here: secrets: [\"${QASE_WEBHOOK_SECRET}\"]",
};

/// Reads a source of kind `qase`.
pub fn read(name: &str, fields: &mut Fields<'_>, at: Place, desk: &mut Desk<'_>) -> Option<Qase> {
    fields.later(&["api"]);
    let proof = proof::read(name, fields, at, &USUAL, desk);
    let app_url = match fields.take("app_url") {
        Some(node) => desk.address(node, "'app_url'")?,
        None => url::Url::parse("https://app.qase.io").ok()?,
    };
    Some(Qase { name: name.to_owned(), proof: proof?, app_url })
}
