//! `api:` of a source: how its sender's API is asked. The keys that every kind has.

use std::time::Duration;

use url::Url;

use crate::config::desk::Desk;
use crate::config::destinations::{limit, proxy};
use crate::config::fields::Fields;
use crate::config::{ApiSpec, RateLimit};

/// How long one request to a sender's API may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where and how an API is asked.
pub struct Api {
    /// The address that all requests begin with.
    pub url: Url,
    /// How it is asked.
    pub spec: ApiSpec,
}

/// Reads `url`, `limit` and `proxy` of `fields`, which is an `api:`. Credentials are the
/// business of each kind.
pub fn read(fields: &mut Fields<'_>, usual_url: &str, usual_limit: RateLimit, desk: &mut Desk<'_>) -> Option<Api> {
    let url = match fields.take("url") {
        Some(node) => desk.address(node, "'url'"),
        None => Url::parse(usual_url).ok(),
    };
    let limit = match fields.take("limit") {
        Some(node) => limit(node, desk),
        None => Some(usual_limit),
    };
    let proxy = fields.take("proxy").and_then(|node| proxy(node, desk));
    Some(Api { url: url?, spec: ApiSpec { limit, timeout: TIMEOUT, proxy } })
}
