//! Content types.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// The content type that `headers` name, in small letters and without parameters; empty when
/// it cannot be read, `None` when they name none.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?;
    let text = value.to_str().unwrap_or_default();
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Whether a content type is JSON.
#[must_use]
pub fn is_json(media: &str) -> bool {
    media == "application/json" || media.starts_with("application/") && media.ends_with("+json")
}
