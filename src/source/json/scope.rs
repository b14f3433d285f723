//! What the expressions of a mapping read: the body, the headers, and the item at hand.

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::domain::facts::Facts;
use crate::source::form::{FORM, payload};
use crate::source::words::not_json;
use crate::source::{Malformed, RawHook, media_type};

/// The name of the body.
pub(super) const BODY: &str = "body";
/// The name of the headers.
pub(super) const HEADERS: &str = "headers";
/// The name of the item at hand.
pub(super) const ITEM: &str = "item";
/// The name of the place of the item at hand, from 0.
pub(super) const INDEX: &str = "index";

/// Headers that prove who the sender is: no expression can read them, so no message shows them.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "cookie", "proxy-authorization", "x-gitlab-token", "x-qase-secret", "x-relaybell-secret"];

/// What expressions may read of `hook`.
pub(super) fn of(hook: &RawHook) -> Result<Facts, Malformed> {
    let form = media_type(&hook.headers).is_some_and(|media| media == FORM);
    let sent = if form { payload(&hook.body)? } else { hook.body.clone() };
    let body: Value = serde_json::from_slice(&sent).map_err(|error| not_json(&sent, &error))?;
    let mut values = Map::new();
    values.insert(BODY.to_owned(), body);
    values.insert(HEADERS.to_owned(), Value::Object(headers(&hook.headers)));
    Ok(Facts { values, ..Facts::default() })
}

/// Headers by their names in small letters; those sent several times are joined as HTTP does.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut all = Map::new();
    for name in headers.keys().filter(|name| !SECRET_HEADERS.contains(&name.as_str())) {
        let texts: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        if !texts.is_empty() {
            all.insert(name.as_str().to_owned(), texts.join(", ").into());
        }
    }
    all
}
