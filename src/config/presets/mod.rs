//! Presets: sources of kind `json` for senders that are known, in the language that users
//! write. A source takes one by `preset: NAME` and may change each of its keys.

use std::borrow::Cow;

use super::desk::Desk;
use super::fields::text;
use super::findings::Findings;
use super::nearest::{any_of, did_you_mean};
use super::node::{Entry, Node, Tree};
use super::yaml;

/// One preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal),*) => {
        &[$(Preset { name: $name, text: include_str!(concat!($name, ".yaml")) }),*]
    };
}

/// All presets, by name.
pub const PRESETS: &[Preset] =
    presets!["alertmanager", "ci", "github", "gitlab", "grafana", "jenkins", "jira", "sentry"];

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
    let own = |key: &str| keys.iter().any(|entry| entry.key == key);
    let other_proof = PROOF.iter().any(|key| own(key)) && !is_completed(keys);
    let drop = |key: &str| key == "about" || other_proof && PROOF.contains(&key);
    let base: Vec<Entry> = given.into_iter().filter(|entry| !drop(&entry.key)).collect();
    let keys = keys.iter().filter(|entry| entry.key != "preset");
    Some(Cow::Owned(Node { at: source.at, tree: Tree::Map(over(base, keys)) }))
}

/// Whether the source only completes the signature of its preset: it says no scheme of its own.
fn is_completed(keys: &[Entry]) -> bool {
    let proofs: Vec<&Entry> = keys.iter().filter(|entry| PROOF.contains(&entry.key.as_str())).collect();
    match proofs.as_slice() {
        [only] if only.key == "signature" => match &only.value.tree {
            Tree::Map(parts) => parts.iter().all(|part| part.key != "scheme"),
            _ => false,
        },
        _ => false,
    }
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
