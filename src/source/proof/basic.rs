//! A user and a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;

use super::{Header, RawHook, Refusal, Secrets};

/// What the answer to a request without credentials offers. Many clients send theirs only
/// after they were asked so.
const CHALLENGE: &str = "Basic realm=\"relaybell\", charset=\"UTF-8\"";

/// A user and a password in the header `Authorization` (RFC 7617).
#[derive(Debug)]
pub struct Basic {
    /// The pairs `user:password`.
    pairs: Secrets,
}

impl Basic {
    /// Accepts `user` with any of these passwords.
    pub fn new<'p>(user: &str, passwords: impl IntoIterator<Item = &'p str>) -> Self {
        Self { pairs: Secrets::new(passwords.into_iter().map(|password| format!("{user}:{password}"))) }
    }

    pub(super) fn check(&self, hook: &RawHook) -> Result<(), Refusal> {
        let header = Header::parse("Authorization").unwrap_or_else(|| AUTHORIZATION.into());
        let sent = header.of(hook).ok_or_else(|| Refusal::no_secret(&header).challenging(CHALLENGE))?;
        if self.pairs.fit(&pair(sent).unwrap_or_default()) {
            Ok(())
        } else {
            Err(Refusal::wrong_secret(&header).challenging(CHALLENGE))
        }
    }
}

/// `user:password` of the header's value; `None` when it is of another scheme.
fn pair(sent: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = std::str::from_utf8(sent).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Basic").then(|| STANDARD.decode(rest.trim()).ok())?
}
