//! Presets: sources of kind `json` for senders that are known, in the language that users
//! write. A source takes one by `preset: NAME` and may change each of its keys.

mod samples;

use std::borrow::Cow;

use super::desk::Desk;
use super::fields::text;
use super::findings::Findings;
use super::nearest::{any_of, did_you_mean};
use super::node::{Entry, Node, Tree};
use super::yaml;
use crate::source::Sample;

/// One preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
    /// Webhooks of its sender; sorted by `variant`.
    pub samples: &'static [Sample],
}

macro_rules! preset {
    ($name:literal, $samples:ident) => {
        Preset { name: $name, text: include_str!(concat!($name, ".yaml")), samples: samples::$samples }
    };
}

/// All presets, by name.
pub const PRESETS: &[Preset] = &[
    preset!("alertmanager", ALERTMANAGER),
    preset!("ci", CI),
    preset!("github", GITHUB),
    preset!("gitlab", GITLAB),
    preset!("grafana", GRAFANA),
    preset!("jenkins", JENKINS),
    preset!("jira", JIRA),
    preset!("sentry", SENTRY),
];

impl Preset {
    /// What it is for, in one line.
    #[must_use]
    pub fn about(&self) -> &'static str {
        let line = self.text.lines().find_map(|line| line.strip_prefix("about: "));
        line.unwrap_or_default().trim_matches(['"', '\''])
    }
}

/// The keys that say how a sender proves who it is: a source that has one of them takes none
/// of the preset's.
const PROOF: [&str; 3] = ["signature", "secret_header", "basic"];

/// The samples of the preset that the source names; none, when it names none.
pub(super) fn samples_of(source: &Node) -> &'static [Sample] {
    named_by(source).map_or(&[], |preset| preset.samples)
}

/// The preset that the source names, if it names one.
pub(super) fn named_by(source: &Node) -> Option<&'static Preset> {
    let Tree::Map(keys) = &source.tree else { return None };
    let named = keys.iter().find(|entry| entry.key == "preset").and_then(|entry| entry.value.text());
    PRESETS.iter().find(|preset| Some(preset.name) == named)
}

/// The source with what its preset gives; as it is, when it names none.
pub(super) fn complete<'n>(source: &'n Node, desk: &mut Desk<'_>) -> Option<Cow<'n, Node>> {
    let Tree::Map(keys) = &source.tree else { return Some(Cow::Borrowed(source)) };
    let Some(named) = keys.iter().find(|entry| entry.key == "preset") else { return Some(Cow::Borrowed(source)) };
    let word = text(&named.value, "'preset'", &mut desk.findings)?;
    let Some(preset) = PRESETS.iter().find(|preset| preset.name == word) else {
        let names = || PRESETS.iter().map(|preset| preset.name);
        let message = format!("unknown preset '{word}'{}", did_you_mean(word, names()));
        let help = format!("it is one of: {}", any_of(names()).replace(" or ", ", "));
        desk.findings.error_help(named.value.at, message, help);
        return None;
    };
    if let Some(kind) = keys.iter().find(|entry| entry.key == "kind" && entry.value.text() != Some("json")) {
        let help = "remove 'kind', or 'preset'";
        desk.findings.error_help(kind.value.at, format!("the preset '{word}' is of kind json"), help);
        return None;
    }
    let given = read(preset, &mut desk.findings)?;
    let own = |key: &str| keys.iter().find(|entry| entry.key == key);
    let secrets = own("secrets").filter(|_| PROOF.iter().all(|key| own(key).is_none()));
    let mut base = Vec::new();
    for mut entry in given.into_iter().filter(|entry| entry.key != "about") {
        if PROOF.contains(&entry.key.as_str()) {
            let Some(secrets) = secrets else { continue };
            if let Tree::Map(parts) = &mut entry.value.tree {
                parts.push(secrets.clone());
            }
        }
        base.push(entry);
    }
    // The secrets of a preset that signs stand in its signature now.
    let signs = base.iter().any(|entry| entry.key == "signature");
    let taken = |entry: &&Entry| entry.key == "preset" || signs && secrets.is_some() && entry.key == "secrets";
    let keys = keys.iter().filter(|entry| !taken(entry));
    Some(Cow::Owned(Node { at: source.at, tree: Tree::Map(over(base, keys)) }))
}

fn read(preset: &Preset, findings: &mut Findings) -> Option<Vec<Entry>> {
    let sheet = findings.open(format!("preset {}", preset.name), preset.text.to_owned());
    match yaml::read(sheet, findings)?.tree {
        Tree::Map(entries) => Some(entries),
        _ => None,
    }
}

/// The entries of `base` with those of `own` over them: maps part by part, and a key without
/// a value takes the preset's away.
fn over<'e>(mut base: Vec<Entry>, own: impl Iterator<Item = &'e Entry>) -> Vec<Entry> {
    for entry in own {
        let Some(at) = base.iter().position(|known| known.key == entry.key) else {
            base.push(entry.clone());
            continue;
        };
        if entry.value.is_nothing() {
            base.remove(at);
            continue;
        }
        let known = &mut base[at];
        match (&mut known.value.tree, &entry.value.tree) {
            (Tree::Map(parts), Tree::Map(others)) => {
                let parts = std::mem::take(parts);
                known.value.tree = Tree::Map(over(parts, others.iter()));
                (known.key_at, known.value.at) = (entry.key_at, entry.value.at);
            }
            _ => *known = entry.clone(),
        }
    }
    base
}
