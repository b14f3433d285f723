//! The name of a header.

use std::fmt;

use http::HeaderName;

use super::RawHook;

/// The name of a header, shown as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    name: HeaderName,
    written: String,
}

impl Header {
    /// The header that `written` names; `None` when no header can be called so.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        let name = HeaderName::from_bytes(written.as_bytes()).ok()?;
        Some(Self { name, written: written.to_owned() })
    }

    /// Whether this is `Authorization`, whose values begin with a scheme.
    #[must_use]
    pub fn is_authorization(&self) -> bool {
        self.name == http::header::AUTHORIZATION
    }

    /// Its first value in `hook`.
    pub(super) fn of<'h>(&self, hook: &'h RawHook) -> Option<&'h [u8]> {
        hook.headers.get(&self.name).map(http::HeaderValue::as_bytes)
    }
}

impl From<HeaderName> for Header {
    fn from(name: HeaderName) -> Self {
        Self { written: name.as_str().to_owned(), name }
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
