//! Reads maps key by key and reports what is missing, unknown or of the wrong type.

use super::findings::{Findings, Place};
use super::nearest::{any_of, did_you_mean};
use super::node::{Entry, Node, Tree};
use crate::domain::Name;

/// The keys of one map, taken one by one.
pub struct Fields<'n> {
    what: String,
    at: Place,
    entries: &'n [Entry],
    known: Vec<&'static str>,
    later: &'static [&'static str],
}

impl<'n> Fields<'n> {
    /// The keys of `node`, which is called `what` in messages; reports when it is no map.
    /// Nothing is a map without keys.
    pub fn of(node: &'n Node, what: impl Into<String>, findings: &mut Findings) -> Option<Self> {
        let what = what.into();
        let entries: &[Entry] = match &node.tree {
            Tree::Map(entries) => entries,
            _ if node.is_nothing() => &[],
            _ => {
                let message = format!("{what} must be a map (lines of 'key: value'), but this is {}", node.kind());
                findings.error(node.at, message);
                return None;
            }
        };
        Some(Self { what, at: node.at, entries, known: Vec::new(), later: &[] })
    }

    /// The value of `key`, if it is there; `key` is known from now on.
    pub fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value of `key`; reports when it is missing.
    pub fn require(&mut self, key: &'static str, findings: &mut Findings) -> Option<&'n Node> {
        let value = self.take(key);
        if value.is_none() {
            findings.error(self.at, format!("'{key}' is missing: {} needs it", self.what));
        }
        value
    }

    /// Keys that later releases have.
    pub fn later(&mut self, keys: &'static [&'static str]) {
        self.later = keys;
    }

    /// The place of the whole.
    pub fn place(&self) -> Place {
        self.at
    }

    /// Whether there are keys that were not taken.
    pub fn others(&self) -> bool {
        self.entries.iter().any(|entry| !self.known.contains(&entry.key.as_str()))
    }

    /// Reports every key that was not taken.
    pub fn finish(self, findings: &mut Findings) {
        for entry in self.entries {
            let key = entry.key.as_str();
            if self.known.contains(&key) {
                continue;
            }
            if self.later.contains(&key) {
                not_yet(&format!("'{key}'"), entry.key_at, findings);
                continue;
            }
            let message = format!("unknown key '{key}'{}", did_you_mean(key, self.known.iter().copied()));
            let help = format!("{} has: {}", self.what, any_of(self.known.iter().copied()).replace(" or ", ", "));
            findings.error_help(entry.key_at, message, help);
        }
    }
}

/// Reports something that later releases have.
pub fn not_yet(what: &str, at: Place, findings: &mut Findings) {
    let help = "remove it, or use a release that has it; it is never silently ignored";
    findings.error_help(at, format!("{what} is not in this release"), help);
}

/// Whether a key is right that was read, if it was there: one that is not there is right.
pub fn right<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(value) => value.map(Some),
    }
}

/// The entries of a map whose keys are names that people choose; reports when it is no map.
pub fn entries<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> &'n [Entry] {
    match &node.tree {
        Tree::Map(entries) => entries,
        _ if node.is_nothing() => &[],
        _ => {
            let message = format!("{what} must be a map (lines of 'name: …'), but this is {}", node.kind());
            findings.error(node.at, message);
            &[]
        }
    }
}

/// The items of a list; reports when it is none. Nothing is an empty list.
pub fn items<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> &'n [Node] {
    match &node.tree {
        Tree::List(items) => items,
        _ if node.is_nothing() => &[],
        _ => {
            let message = format!("{what} must be a list, but this is {}", node.kind());
            findings.error_help(node.at, message, "write [one, two], or one line '- …' for each item");
            &[]
        }
    }
}

/// The text of a value; reports when it is none.
pub fn text<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> Option<&'n str> {
    if let Some(text) = node.text() {
        return Some(text);
    }
    let message = format!("{what} must be text, but this is {}", node.kind());
    match &node.tree {
        Tree::Scalar(..) if node.is_nothing() => {
            let help = "a text that begins with '#' must be in quotes; otherwise remove the key";
            findings.error_help(node.at, format!("{what} has no value"), help);
        }
        Tree::Scalar(_, written) => findings.error_help(node.at, message, format!("put it in quotes: \"{written}\"")),
        _ => findings.error(node.at, message),
    }
    None
}

/// The longest name.
pub const NAME_CHARS_MAX: usize = 64;

/// A name that people choose, for messages, addresses and files; reports when it is none.
pub fn name(word: &str, what: &str, at: Place, findings: &mut Findings) -> Option<Name> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let length = word.chars().count();
    if (1..=NAME_CHARS_MAX).contains(&length) && word.chars().all(fits) {
        return Some(word.into());
    }
    let better: String =
        word.to_lowercase().chars().map(|c| if fits(c) { c } else { '-' }).take(NAME_CHARS_MAX).collect();
    let better = better.trim_matches('-');
    let mut help = format!("small letters, digits, '-' and '_', at most {NAME_CHARS_MAX}");
    if !better.is_empty() {
        help.push_str(&format!(": {better}"));
    }
    findings.error_help(at, format!("'{word}' cannot be the name of a {what}"), help);
    None
}

/// What `word` stands for among `words`; reports when it is none of them.
pub fn one_of<T: Copy>(
    word: &str,
    what: &str,
    words: &[(&'static str, T)],
    at: Place,
    findings: &mut Findings,
) -> Option<T> {
    if let Some((_, value)) = words.iter().find(|(known, _)| *known == word) {
        return Some(*value);
    }
    let known = || words.iter().map(|(known, _)| *known);
    let message = format!("unknown {what} '{word}'{}", did_you_mean(word, known()));
    findings.error_help(at, message, format!("it is one of: {}", any_of(known()).replace(" or ", ", ")));
    None
}
