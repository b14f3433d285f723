//! Who may use the API: whoever has an admin token; without tokens, this machine alone.

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::relay::Relay;

use super::Caller;
use super::problem::Problem;

/// Lets an administrator through.
///
/// With tokens configured, the request needs `Authorization: Bearer TOKEN`. Without, it
/// must come from this machine and name it in `Host`, must not have come through a proxy,
/// and must not come from a page of another site, so that no page in a browser here can
/// use the API.
pub(super) fn admin(tokens: &[SecretString], headers: &HeaderMap, caller: Caller) -> Result<(), Problem> {
    if tokens.is_empty() {
        let local =
            caller.0.ip().is_loopback() && host_is_local(headers) && !from_other_site(headers) && !forwarded(headers);
        return if local {
            Ok(())
        } else {
            let detail = "No admin token is configured, so this answers on this machine only. Set server.admin_tokens.";
            Err(Problem::new(StatusCode::FORBIDDEN, "not allowed", detail))
        };
    }
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let given = Sha256::digest(given.as_bytes());
    let mut known = Choice::from(0);
    for token in tokens {
        known |= Sha256::digest(token.expose_secret().as_bytes()).ct_eq(&given);
    }
    if bool::from(known) {
        Ok(())
    } else {
        let detail = "Send one of server.admin_tokens as `Authorization: Bearer TOKEN`.";
        Err(Problem::new(StatusCode::UNAUTHORIZED, "not authenticated", detail))
    }
}

/// What an administrator asks for in `body`.
pub(super) fn asked<T: DeserializeOwned>(
    relay: &Relay,
    headers: &HeaderMap,
    caller: Caller,
    body: &[u8],
) -> Result<T, Problem> {
    admin(&relay.shared.current.load().server.admin_tokens, headers, caller)?;
    serde_json::from_slice(body)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "malformed", format!("the body is wrong: {error}")))
}

fn host_is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let Ok(address) = url::Url::parse(&format!("http://{host}/")) else { return false };
    match address.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A proxy on this machine speaks for somebody who may be anywhere.
fn forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "via", "x-forwarded-for", "x-real-ip"].iter().any(|name| headers.contains_key(*name))
}

/// Commands send neither of these; a page of another site cannot leave `Origin` out.
fn from_other_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
        || headers.contains_key(ORIGIN)
}
