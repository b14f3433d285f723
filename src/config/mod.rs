//! Floor 2: from files to one immutable snapshot.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use crate::destination::Destination;
use crate::domain::Name;
use crate::domain::delivery::RetryPolicy;
use crate::domain::people::People;
use crate::domain::render::Templates;
use crate::domain::rule::{Kind, RuleSet};
use crate::source::Source;

mod address;
mod conditions;
mod desk;
mod destinations;
pub mod diagnostic;
mod exchanges;
mod expressions;
mod fields;
mod files;
mod findings;
mod formulas;
mod handling;
mod how;
pub mod lint;
mod loader;
mod mutes;
mod nearest;
mod node;
mod operators;
mod people;
pub mod presets;
mod rehearsal;
mod rest;
mod rest_answers;
mod rest_call;
mod rules;
pub mod schema;
mod scrub;
mod secrets;
mod sends;
mod settings;
mod sources;
mod templates;
pub mod traffic;
pub mod trials;
mod values;
mod vocabulary;
mod yaml;
mod yaml_words;

use diagnostic::Diagnostics;
pub use exchanges::{CountedIn, CreateDefect, DefectKpis, Late, PROJECT_MARK, Remembered};
pub use files::{Disk, FILE_BYTES_MAX, Files, Texts};
pub use loader::{Instead, Whereabouts, load_from, load_with, rules_alone, whereabouts, words};
pub use mutes::ended_mutes;
pub use nearest::did_you_mean;
pub use rehearsal::{rehearse, samples_of};
pub use scrub::Scrubber;
pub use secrets::Environment;
pub use values::duration;
pub use vocabulary::Vocabulary;

/// One whole configuration, checked and compiled. Never changes.
#[derive(Debug)]
pub struct Snapshot {
    /// A hash of all files: names this configuration in verdicts.
    pub revision: Name,
    /// The files by the names users give them, for `keep_revision`. Secrets are
    /// references in them, never values.
    pub files: Map<String, Value>,
    /// `server:`.
    pub server: Server,
    /// `storage:`.
    pub storage: Storage,
    /// `sources:` by name.
    pub sources: BTreeMap<Name, Arc<SourceSpec>>,
    /// `destinations:` by name.
    pub destinations: BTreeMap<Name, Arc<DestinationSpec>>,
    /// What the files may name: facts, their values, events.
    pub words: Arc<Vocabulary>,
    /// All rules.
    pub rules: RuleSet,
    /// The files they were read from.
    pub rule_files: RuleFiles,
    /// All templates.
    pub templates: Templates,
    /// `people:`.
    pub people: Arc<People>,
    /// The tests of the rules. Serving has no use for them.
    pub trials: Vec<trials::Trial>,
    /// Removes resolved secrets from any text.
    pub scrubber: Scrubber,
    /// What is allowed and worth knowing.
    pub warnings: Diagnostics,
    /// The warnings that the events that came may prove wrong.
    pub doubts: Vec<lint::Doubt>,
    /// The folders whose change means that the configuration may have changed.
    pub watched: Vec<PathBuf>,
    /// The files that count beside those in `watched` that end in yaml, yml or hbs:
    /// those of secrets.
    pub watched_files: Vec<PathBuf>,
    /// A hash of the resolved secrets, which are no part of `revision`.
    pub secrets_digest: u64,
}

impl Snapshot {
    /// The sources that somebody else sends to: all but the relay itself.
    pub fn senders(&self) -> impl Iterator<Item = &Arc<SourceSpec>> {
        self.sources.values().filter(|spec| !spec.adapter.is_own())
    }
}

/// Where rules were read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFiles {
    /// The folder: `rules:`.
    pub folder: PathBuf,
    /// How many files of it are rule files.
    pub count: usize,
}

/// `server:`.
#[derive(Debug)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address people and senders use, for links.
    pub public_url: Option<Url>,
    /// Tokens for the API; empty: it answers on loopback only.
    pub admin_tokens: Vec<SecretString>,
}

/// `storage:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// The SQLite file.
    pub sqlite: PathBuf,
    /// How long events, verdicts and attempts are kept.
    pub keep: Duration,
}

/// One source.
#[derive(Debug)]
pub struct SourceSpec {
    /// Its name.
    pub name: Name,
    /// Its kind, as `relaybell.yaml` names it.
    pub kind: &'static str,
    /// The preset that it is made of, if it is made of one.
    pub preset: Option<&'static str>,
    /// Reads it.
    pub adapter: Arc<dyn Source>,
    /// How soon something is expected again: from the source (`None`), or about one of its projects.
    pub expect_every: Vec<(Option<String>, Duration)>,
    /// What becomes of a webhook of a proven sender that cannot be read.
    pub unread: Unread,
    /// How its sender's API is asked; `None`: it is not.
    pub api: Option<ApiSpec>,
    /// What it is answered while it waits.
    pub exchanges: Exchanges,
}

/// What a source is answered while it waits.
#[derive(Debug, Clone, Default)]
pub struct Exchanges {
    /// To the request for a defect; `None`: only that it was taken.
    pub create_defect: Option<CreateDefect>,
    /// To the question how many defects there are; `None`: it is not answered.
    pub defect_kpis: Option<DefectKpis>,
}

/// What becomes of a webhook of a proven sender that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// Its sender is told so.
    Refused,
    /// It is accepted and kept, to be read again: `never_refuse: true`.
    Kept,
}

/// How the API of a sender is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSpec {
    /// How fast; `None`: as fast as it answers.
    pub limit: Option<RateLimit>,
    /// The time for one exchange.
    pub timeout: Duration,
    /// The proxy to go through, if any.
    pub proxy: Option<String>,
}

/// One destination.
#[derive(Debug)]
pub struct DestinationSpec {
    /// Its name.
    pub name: Name,
    /// Its kind.
    pub kind: Kind,
    /// Speaks its language.
    pub adapter: Arc<dyn Destination>,
    /// Its rate limit; `None`: none.
    pub limit: Option<RateLimit>,
    /// How many attempts run at once.
    pub concurrency: NonZeroU32,
    /// The time for one exchange.
    pub timeout: Duration,
    /// How patiently it is tried.
    pub retry: RetryPolicy,
    /// The proxy to go through, if any.
    pub proxy: Option<String>,
    /// A hash of its whole definition, resolved secrets included: a change means that
    /// somebody has edited it.
    pub fingerprint: u64,
}

/// `limit: 5/s` or `limit: { rate: 60/min, burst: 10 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many sends …
    pub sends: NonZeroU32,
    /// … in this time.
    pub per: Duration,
    /// How many may go at once after a pause.
    pub burst: NonZeroU32,
}

/// Whether `${…}` must be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// They must: a missing one is an error. For serving.
    Resolve,
    /// They need not: a missing one stands for itself. For `check`.
    Leave,
}

/// Reads and compiles the configuration at `path` with the rules and templates it names.
///
/// # Errors
/// Everything that is wrong in any file, each with its place.
pub fn load(path: &Path, secrets: Secrets) -> Result<Snapshot, Diagnostics> {
    load_from(&Disk, &|name| std::env::var(name).ok(), path, secrets)
}
