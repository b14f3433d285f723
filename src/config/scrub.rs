//! Keeps resolved secrets out of everything that is shown.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

/// Values shorter than this are not treated as secrets: they would blank ordinary text.
const SECRET_CHARS_MIN: usize = 4;

/// The same for parts of an address.
const PART_CHARS_MIN: usize = 8;

/// Removes resolved secrets from text.
#[derive(Default)]
pub struct Scrubber {
    /// The longest first, so that a secret within a secret leaves no rest.
    secrets: Vec<Box<str>>,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubber({} secrets)", self.secrets.len())
    }
}

impl Scrubber {
    /// `text` with every secret replaced by `[secret]`.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        self.replace(text, |_| "[secret]".to_owned())
    }

    /// `text` with every character of a secret replaced by `*`, so that columns stay.
    pub(super) fn mask(&self, text: &str) -> String {
        self.replace(text, |secret| "*".repeat(secret.chars().count()))
    }

    fn replace(&self, text: &str, with: impl Fn(&str) -> String) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(&**secret) {
                text = text.replace(&**secret, &with(secret));
            }
        }
        text
    }
}

/// The secrets met while a configuration is read.
#[derive(Default)]
pub struct SecretValues(BTreeSet<String>);

impl SecretValues {
    /// A hash of all values: it changes when one of them does.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// Takes a value and its percent-encoded form.
    pub fn add(&mut self, value: &str) {
        if value.trim().chars().count() < SECRET_CHARS_MIN {
            return;
        }
        self.0.insert(value.to_owned());
        self.0.insert(url::form_urlencoded::byte_serialize(value.as_bytes()).collect());
        self.0.insert(percent(value));
        let json = serde_json::Value::from(value).to_string();
        self.0.insert(json.trim_matches('"').to_owned());
    }

    /// Takes what basic authentication makes of a user and a token.
    pub fn add_basic(&mut self, user: &str, token: &str) {
        self.add(token);
        self.add(&STANDARD.encode(format!("{user}:{token}")));
    }

    /// Takes an address that is itself a secret: as a whole, its path and its query.
    pub fn add_address(&mut self, address: &str) {
        self.add(address);
        let Ok(url) = Url::parse(address) else { return };
        self.add(url.as_str());
        let mut part = |text: &str| {
            if text.chars().count() >= PART_CHARS_MIN {
                self.0.insert(text.to_owned());
            }
        };
        part(url.path());
        if let Some(query) = url.query() {
            part(query);
            for (_, value) in url.query_pairs().filter(|(key, _)| key == "sig" || key == "token") {
                part(&value);
            }
        }
        if let Some(password) = url.password() {
            part(password);
        }
    }

    /// What removes them all.
    pub fn scrubber(self) -> Scrubber {
        let mut secrets: Vec<Box<str>> = self.0.into_iter().map(String::into_boxed_str).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Scrubber { secrets }
    }
}

/// Percent-encoding with `%20` for a blank, as paths have it.
fn percent(value: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    encoded.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_removed() {
        let mut values = SecretValues::default();
        values.add_basic("bot@acme.example", "jira token/1");
        values.add_address("https://hooks.slack.com/services/T0/B0/abcdef");
        values.add("abc");
        let scrubber = values.scrubber();
        let basic = STANDARD.encode("bot@acme.example:jira token/1");
        for shown in ["jira token/1", "jira+token%2F1", "jira%20token%2F1", &basic, "/services/T0/B0/abcdef"] {
            assert_eq!(scrubber.scrub(&format!("<{shown}>")), "<[secret]>", "{shown}");
        }
        assert_eq!(scrubber.scrub("abc stays: too short"), "abc stays: too short");
        assert_eq!(scrubber.mask("x: jira token/1"), "x: ************");
    }
}
