//! `kind: qase`.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::Read;
use super::api::{self, Api};
use super::proof::{self, Usual, Way};
use crate::config::desk::Desk;
use crate::config::fields::Fields;
use crate::config::findings::Place;
use crate::config::secrets::State;
use crate::config::{Exchanges, RateLimit};
use crate::source::qase::{self, AskedQase, Qase, SECRET_HEADER};

/// How Qase proves itself.
const USUAL: Usual = Usual {
    way: Way::Token(SECRET_HEADER),
    help: "set a secret at Qase's webhook and name it here: secrets: [\"${QASE_WEBHOOK_SECRET}\"]",
};

/// Where Qase's API is.
const API_URL: &str = "https://api.qase.io/v1";
/// Below what the smallest plan allows a workspace, all its tokens together: 150 a minute.
const API_LIMIT: RateLimit =
    RateLimit { sends: at_least_one(120), per: Duration::from_secs(60), burst: at_least_one(10) };

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// Reads a source of kind `qase`.
pub fn read(name: &str, fields: &mut Fields<'_>, at: Place, desk: &mut Desk<'_>) -> Option<Read> {
    let proof = proof::read(name, fields, at, &USUAL, desk);
    let asked = fields.take("api").map(|node| {
        let mut inner = Fields::of(node, "'api'", &mut desk.findings)?;
        let token = inner.require("token", &mut desk.findings).and_then(|node| {
            let text = desk.text(node, "'token'")?;
            desk.guard(&text, node.at, "'token'");
            Some(text)
        });
        let api = api::read(&mut inner, API_URL, API_LIMIT, desk);
        inner.finish(&mut desk.findings);
        Some((token?, api?))
    });
    let app_url = match fields.take("app_url") {
        Some(node) => desk.address(node, "'app_url'")?,
        None => url::Url::parse("https://app.qase.io").ok()?,
    };
    let qase = Qase { name: name.to_owned(), proof: proof?, app_url };
    let asked = match asked {
        None => None,
        // A reference that leaves the token empty switches look-ups off.
        Some(Some((token, _))) if token.state != State::Left && token.value.trim().is_empty() => None,
        Some(asked) => Some(asked?),
    };
    Some(match asked {
        None => Read::of(qase),
        Some((token, Api { url, spec })) => {
            let api = qase::Api { url, token: token.value.trim().to_owned().into() };
            Read { adapter: Arc::new(AskedQase { qase, api }), api: Some(spec), exchanges: Exchanges::default() }
        }
    })
}
