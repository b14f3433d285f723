//! A secret in a header.

use super::{Header, RawHook, Refusal, Secrets};

/// A secret in a header, in clear.
#[derive(Debug)]
pub struct Token {
    /// The header.
    pub header: Header,
    /// What may stand before the secret, whatever its case: `Bearer `.
    pub prefix: String,
    /// The secrets.
    pub secrets: Secrets,
}

impl Token {
    /// A secret that stands in `header`; in `Authorization` after `Bearer`.
    #[must_use]
    pub fn new(header: Header, secrets: Secrets) -> Self {
        let prefix = if header.is_authorization() { "Bearer " } else { "" };
        Self { header, prefix: prefix.to_owned(), secrets }
    }

    pub(super) fn check(&self, hook: &RawHook) -> Result<(), Refusal> {
        let refuse = |refusal: Refusal| match self.header.is_authorization() {
            true => refusal.challenging("Bearer"),
            false => refusal,
        };
        let sent = self.header.of(hook).ok_or_else(|| refuse(Refusal::no_secret(&self.header)))?;
        let begins =
            sent.get(..self.prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(self.prefix.as_bytes()));
        let secret = if begins { &sent[self.prefix.len()..] } else { sent };
        if self.secrets.fit(secret) { Ok(()) } else { Err(refuse(Refusal::wrong_secret(&self.header))) }
    }
}
