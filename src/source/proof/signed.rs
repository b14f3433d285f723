//! What a signature is made over.

use super::{Header, RawHook, Refusal};

/// What is signed, as a pattern: `{body}`, or `{timestamp}.{body}`.
#[derive(Debug, Clone)]
pub struct Signed(Vec<Part>);

/// A part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Body,
    Timestamp,
    Header(Header),
}

/// The places that a pattern may have.
pub const PLACES: [&str; 3] = ["{body}", "{timestamp}", "{header:NAME}"];

impl Signed {
    /// The body alone.
    #[must_use]
    pub fn body() -> Self {
        Self(vec![Part::Body])
    }

    /// What Standard Webhooks signs, with its id in `id`.
    pub(super) fn standard(id: Header) -> Self {
        let dot = || Part::Text(".".to_owned());
        Self(vec![Part::Header(id), dot(), Part::Timestamp, dot(), Part::Body])
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// The place that is none.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), pattern);
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').map(|length| start + length).ok_or_else(|| rest[start..].to_owned())?;
            let (before, place) = (&rest[..start], &rest[start + 1..end]);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match place.trim() {
                "body" => Part::Body,
                "timestamp" => Part::Timestamp,
                other => {
                    let header = other.strip_prefix("header:").and_then(|name| Header::parse(name.trim()));
                    Part::Header(header.ok_or_else(|| rest[start..=end].to_owned())?)
                }
            });
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Whether the body is part of it.
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.0.contains(&Part::Body)
    }

    /// Whether the time is part of it.
    #[must_use]
    pub fn has_timestamp(&self) -> bool {
        self.0.contains(&Part::Timestamp)
    }

    /// What is signed of `hook`, with the time as it was sent.
    pub(super) fn of<'a>(&'a self, hook: &'a RawHook, time: Option<&'a [u8]>) -> Result<Vec<&'a [u8]>, Refusal> {
        let part = |part: &'a Part| match part {
            Part::Text(text) => Ok(text.as_bytes()),
            Part::Body => Ok(&hook.body[..]),
            Part::Timestamp => Ok(time.unwrap_or_default()),
            Part::Header(header) => header.of(hook).ok_or_else(|| Refusal::no_signature(header)),
        };
        self.0.iter().map(part).collect()
    }
}
