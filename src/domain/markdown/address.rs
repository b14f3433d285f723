//! Which addresses a message may lead to.

use url::Url;

/// The longest address that is kept, in bytes. Slack's limit for a link is 3,000.
const ADDRESS_BYTES_MAX: usize = 2_048;

/// `text` as an address a message may lead to, in its normal form: `http` or `https` with
/// a host, or `mailto`. `None` for everything else.
#[must_use]
pub fn address(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > ADDRESS_BYTES_MAX || text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let fits = match url.scheme() {
        "http" | "https" => url.host_str().is_some_and(|host| !host.is_empty()),
        "mailto" => !url.path().is_empty(),
        _ => false,
    };
    let url = String::from(url);
    (fits && url.len() <= ADDRESS_BYTES_MAX).then_some(url)
}
