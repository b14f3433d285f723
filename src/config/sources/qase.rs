//! `kind: qase`.

use crate::config::desk::Desk;
use crate::config::fields::Fields;
use crate::config::findings::Place;
use crate::source::qase::Qase;

/// Reads a source of kind `qase`.
pub fn read(name: &str, fields: &mut Fields<'_>, at: Place, desk: &mut Desk<'_>) -> Option<Qase> {
    fields.later(&["api", "signature"]);
    let listed = fields.take("secrets");
    let named = listed.is_some();
    let secrets = listed.map(|node| desk.secrets(node, "'secrets'")).unwrap_or_default();
    if secrets.is_empty() && !(named && desk.findings.failed()) {
        let message = format!("source '{name}' asks for no secret: whoever knows its address can send events");
        desk.findings.warning(
            at,
            message,
            "set a secret at Qase's webhook and name it here: secrets: [\"${QASE_WEBHOOK_SECRET}\"]",
        );
    }
    let app_url = match fields.take("app_url") {
        Some(node) => desk.address(node, "'app_url'")?,
        None => url::Url::parse("https://app.qase.io").ok()?,
    };
    Some(Qase { name: name.to_owned(), secrets, app_url })
}
