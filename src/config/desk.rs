//! Reads the values of `relaybell.yaml`, whose texts may hold references.

use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;
use serde_yaml::Value;
use url::Url;

use super::fields::{items, text};
use super::findings::{Findings, Place};
use super::node::{Node, Tree};
use super::secrets::{Resolver, State, Text};
use super::values;

/// Stands for an address whose reference was left unresolved (reserved by RFC 2606).
const LEFT_ADDRESS: &str = "https://unresolved.invalid/";

/// What reading needs: where findings go, and what references stand for.
pub struct Desk<'a> {
    /// Where findings go.
    pub findings: Findings,
    /// What references stand for.
    pub resolver: Resolver<'a>,
}

impl Desk<'_> {
    /// A text with its references resolved.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<Text> {
        let raw = text(node, what, &mut self.findings)?;
        self.resolver.resolve(raw, node.at, &mut self.findings)
    }

    /// A text that must not be empty.
    pub fn filled(&mut self, node: &Node, what: &str) -> Option<Text> {
        let text = self.text(node, what)?;
        if text.value.trim().is_empty() {
            self.findings.error(node.at, format!("{what} is empty"));
            return None;
        }
        Some(text)
    }

    /// A secret that must not be empty. One that stands in the file itself is pointed out.
    pub fn secret(&mut self, node: &Node, what: &str) -> Option<Text> {
        self.no_number(node, what)?;
        let text = self.filled(node, what)?;
        self.guard(&text, node.at, what);
        Some(text)
    }

    /// Reports a secret that is a number, without showing it.
    fn no_number(&mut self, node: &Node, what: &str) -> Option<()> {
        if matches!(node.tree, Tree::Scalar(Value::Number(_), _)) {
            self.findings.error_help(node.at, format!("{what} must be text, but this is a number"), "put it in quotes");
            return None;
        }
        Some(())
    }

    /// Keeps a secret from being shown, and points out when it stands in the file itself.
    pub fn guard(&mut self, text: &Text, at: Place, what: &str) {
        if text.state != State::Left {
            self.resolver.values.add(&text.value);
        }
        if text.state == State::Written {
            let help = "write ${NAME} and set the variable NAME, or ${file:PATH}";
            self.findings.warning(at, format!("{what} is a secret and stands in the file itself"), help);
        }
    }

    /// A list of secrets; those that a reference leaves empty are left out.
    ///
    /// # Errors
    /// Those that are right, when something else of it is wrong, which is reported: such a list
    /// is not as short as it seems.
    pub fn secrets(&mut self, node: &Node, what: &str) -> Result<Vec<SecretString>, Vec<SecretString>> {
        let mut secrets = Vec::new();
        let one = format!("an entry of {what}");
        let mut right = matches!(node.tree, Tree::List(_)) || node.is_nothing();
        for item in items(node, what, &mut self.findings) {
            let Some(text) = self.no_number(item, &one).and_then(|()| self.text(item, &one)) else {
                right = false;
                continue;
            };
            if text.value.is_empty() {
                continue;
            }
            self.guard(&text, item.at, &one);
            secrets.push(text.value.into());
        }
        if right { Ok(secrets) } else { Err(secrets) }
    }

    /// An `http` or `https` address.
    pub fn address(&mut self, node: &Node, what: &str) -> Option<Url> {
        let text = self.filled(node, what)?;
        self.judge_address(&text, node.at, what)
    }

    /// The address that `text` is; a stand-in when its reference was left.
    pub fn judge_address(&mut self, text: &Text, at: Place, what: &str) -> Option<Url> {
        if text.state == State::Left {
            return Url::parse(LEFT_ADDRESS).ok();
        }
        let help = "write the whole address, from https:// on";
        let url = match Url::parse(text.value.trim()) {
            Ok(url) => url,
            Err(_) => {
                self.findings.error_help(at, format!("{what} is no address"), help);
                return None;
            }
        };
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            self.findings.error_help(at, format!("{what} is no http address"), help);
            return None;
        }
        Some(url)
    }

    /// A duration within `least` and `most`.
    pub fn duration(&mut self, node: &Node, what: &str, least: Duration, most: Duration) -> Option<Duration> {
        if let Tree::Scalar(Value::Number(_), written) = &node.tree {
            let help = format!("write {written}s for seconds, {written}m for minutes, {written}h for hours");
            self.findings.error_help(node.at, format!("{what} needs a unit"), help);
            return None;
        }
        let text = self.filled(node, what)?;
        if text.state == State::Left {
            return Some(least);
        }
        match values::duration(text.value.trim()) {
            Ok(duration) if duration < least || duration > most => {
                let bounds = format!("{} to {}", spell(least), spell(most));
                self.findings.error(node.at, format!("{what} must be {bounds}"));
                None
            }
            Ok(duration) => Some(duration),
            Err(why) => {
                self.findings.error_help(node.at, format!("{what} is no duration"), why);
                None
            }
        }
    }

    /// A whole number from 1 to `most`.
    pub fn count(&mut self, node: &Node, what: &str, most: u32) -> Option<NonZeroU32> {
        let number = match &node.tree {
            Tree::Scalar(Value::Number(number), _) => number.as_u64(),
            _ => None,
        };
        let fits = number.and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= most).and_then(NonZeroU32::new);
        if fits.is_none() {
            let message = format!("{what} must be a whole number from 1 to {most}, but this is {}", node.kind());
            self.findings.error(node.at, message);
        }
        fits
    }
}

/// A duration as configuration spells it.
fn spell(duration: Duration) -> String {
    let ms = duration.as_millis();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if ms >= size && ms.is_multiple_of(size) {
            return format!("{}{unit}", ms / size);
        }
    }
    format!("{ms}ms")
}
