//! The address of a ticket for people.

/// Stands for the ticket's key in the address.
const KEY: &str = "{{thread.key}}";

/// The longest key that is read out of an address, in bytes.
const KEY_BYTES_MAX: usize = 100;

/// What is before and after a ticket's key in its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketUrl {
    before: String,
    after: String,
}

impl TicketUrl {
    /// Reads `https://…/{{thread.key}}`; `None` when it does not have the key exactly once,
    /// or anything else of a template.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (before, after) = text.split_once(KEY)?;
        let http = ["https://", "http://"].iter().any(|scheme| before.starts_with(scheme));
        let plain = |part: &str| !part.contains("{{") && !part.contains(|c: char| c.is_whitespace() || c.is_control());
        (http && plain(before) && plain(after)).then(|| Self { before: before.to_owned(), after: after.to_owned() })
    }

    /// The address of the ticket `key`.
    #[must_use]
    pub fn of(&self, key: &str) -> String {
        let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
        format!("{}{key}{}", self.before, self.after)
    }

    /// The key of the ticket at `address`, if it is one of these.
    #[must_use]
    pub fn key_of<'a>(&self, address: &'a str) -> Option<&'a str> {
        let rest = address.strip_prefix(self.before.as_str())?;
        let key = match self.after.as_str() {
            "" => rest.split(['?', '#']).next()?.trim_end_matches('/'),
            after => rest.split_once(after)?.0,
        };
        let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (!key.is_empty() && key.len() <= KEY_BYTES_MAX && key.chars().all(is_key)).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_into_an_address_and_comes_out_of_it() {
        let ticket = TicketUrl::parse("https://github.com/acme/pay/issues/{{thread.key}}").unwrap();
        assert_eq!(ticket.of("17"), "https://github.com/acme/pay/issues/17");
        assert_eq!(ticket.key_of("https://github.com/acme/pay/issues/17#issuecomment-1"), Some("17"));
        for other in [
            "https://github.com/acme/shop/issues/17",
            "https://github.com/acme/pay/issues/",
            "17",
            "https://github.com/acme/pay/issues/1/../2",
        ] {
            assert_eq!(ticket.key_of(other), None, "{other}");
        }
        for bad in [
            "https://x.example/",
            "{{thread.key}}",
            "https://x.example/{{thread.key}}/{{thread.key}}",
            "ftp://x/{{thread.key}}",
        ] {
            assert_eq!(TicketUrl::parse(bad), None, "{bad}");
        }
    }
}
