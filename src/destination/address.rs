//! Addresses that may stand in a message.

use std::fmt;

use url::Url;

use super::text::units;

/// The longest address a message carries; a longer one is shown without its link.
const ADDRESS_UNITS_MAX: usize = 2000;

/// An `http`, `https` or `mailto` address in which nothing can end a link of any vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    host: Option<String>,
}

impl Address {
    /// Reads `text`; `None` when a message must not link it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        if !matches!(url.scheme(), "http" | "https" | "mailto") {
            return None;
        }
        let host = url.host_str().map(str::to_owned);
        if host.as_deref().is_some_and(|host| host.contains(breaks_out)) {
            return None;
        }
        let mut encoded = String::with_capacity(url.as_str().len());
        for character in url.as_str().chars() {
            if breaks_out(character) {
                encoded.push_str(&format!("%{:02X}", u32::from(character)));
            } else {
                encoded.push(character);
            }
        }
        (units(&encoded) <= ADDRESS_UNITS_MAX).then_some(Self { text: encoded, host })
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What a button to it says.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.host {
            Some(host) if units(host) <= 60 => format!("Open in {host}"),
            _ => "Open".to_owned(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Characters that end or open a link in mrkdwn, Markdown or wiki markup. `Url` has
/// encoded everything outside ASCII already.
fn breaks_out(character: char) -> bool {
    matches!(character, '<' | '>' | '|' | '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | '\\' | '^' | '!' | '*')
        || character.is_whitespace()
        || character.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_break_out() {
        let address = Address::parse("https://app.qase.io/a|b>c)](https://evil)?q=<!channel>#`x").unwrap();
        assert_eq!(address.as_str(), "https://app.qase.io/a%7Cb%3Ec%29%5D%28https://evil%29?q=%3C%21channel%3E#%60x");
        assert_eq!(address.label(), "Open in app.qase.io");
    }

    #[test]
    fn other_schemes_are_no_addresses() {
        for text in ["javascript:alert(1)", "file:///etc/passwd", "/relative", "slack://open", "http://[::1]/", ""] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
        assert!(Address::parse("mailto:qa@example.com").is_some());
    }
}
