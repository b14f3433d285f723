//! Reloading the configuration: on a change of its files, on demand, all or nothing.
//!
//! Folders are watched, not files: editors replace files by renaming, and a Kubernetes
//! ConfigMap swaps a symbolic link. The folder that holds the store is not watched, for
//! every webhook changes it: there, and where the system reports no changes (network file
//! systems), a look at names, times and sizes finds them.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};

use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::lint::with_traffic;
use crate::config::traffic::{EVENTS_MAX, Traffic};
use crate::config::{Secrets, Snapshot, load};
use crate::domain::Name;
use crate::domain::time::Timestamp;
use crate::source::own::Notice;
use crate::telemetry::Reloaded as ReloadLabel;

use super::Relay;

/// How long files must be quiet before they are read.
const QUIET: Duration = Duration::from_millis(300);
/// How often folders are looked at although the system reports changes.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often they are looked at where it does not.
const LOOK_OFTEN: Duration = Duration::from_millis(500);

/// How the last reload went.
#[derive(Debug, Clone)]
pub struct LastReload {
    /// When the configuration in force was loaded.
    pub loaded: Timestamp,
    /// What is wrong with the files on disk, and since when; `None` when they are in force.
    pub rejected: Option<(Timestamp, Arc<Diagnostics>)>,
}

/// The reloader's memory.
pub struct ReloadState {
    last: watch::Sender<LastReload>,
    one_at_a_time: tokio::sync::Mutex<()>,
    /// The warnings of a revision, held against the events that came.
    known: Mutex<Option<(Name, Arc<Diagnostics>)>>,
}

impl ReloadState {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            last: watch::Sender::new(LastReload { loaded: now, rejected: None }),
            one_at_a_time: tokio::sync::Mutex::default(),
            known: Mutex::default(),
        }
    }
}

/// What a reload did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// The files are what is in force already.
    Unchanged,
    /// A new configuration is in force.
    Changed,
}

impl Relay {
    /// How the last reload went.
    #[must_use]
    pub fn last_reload(&self) -> LastReload {
        self.shared.reload.last.borrow().clone()
    }

    /// What the last reload did, whoever asked for it, as it changes.
    #[must_use]
    pub fn reloads(&self) -> watch::Receiver<LastReload> {
        self.shared.reload.last.subscribe()
    }

    /// Reads all files again and puts them in force as a whole, or keeps what is in force.
    ///
    /// # Errors
    /// Everything that is wrong with the files; nothing has changed then.
    pub async fn reload(&self) -> Result<Reloaded, Arc<Diagnostics>> {
        let _one = self.shared.reload.one_at_a_time.lock().await;
        let path = self.shared.config_path.clone();
        let loaded = tokio::task::spawn_blocking(move || load(&path, Secrets::Resolve)).await;
        let now = self.shared.clock.now();
        match loaded {
            Ok(Ok(snapshot)) => match without_rule_files(&self.shared.current.load(), &snapshot) {
                None => Ok(self.put_in_force(snapshot, now).await),
                Some(diagnostics) => Err(self.reject(Arc::new(diagnostics), now)),
            },
            Ok(Err(diagnostics)) => Err(self.reject(Arc::new(diagnostics), now)),
            Err(panic) => {
                let text = format!("the configuration could not be read because of a bug: {panic}");
                Err(self.reject(Arc::new(Diagnostics::of_file(&self.shared.config_path, &text)), now))
            }
        }
    }

    /// Whether the files say something else than what is in force.
    async fn is_outdated(&self) -> bool {
        let path = self.shared.config_path.clone();
        let loaded = tokio::task::spawn_blocking(move || load(&path, Secrets::Resolve)).await;
        !matches!(loaded, Ok(Ok(snapshot)) if says_the_same(&snapshot, &self.shared.current.load()))
    }

    async fn put_in_force(&self, snapshot: Snapshot, now: Timestamp) -> Reloaded {
        let shared = &self.shared;
        let before = shared.current.load_full();
        let last = shared.reload.last.send_replace(LastReload { loaded: now, rejected: None });
        let was_rejected = last.rejected.is_some();
        shared.metrics.last_reload_successful.set(1);
        shared.metrics.last_reload_success.set(now.as_seconds());
        shared.metrics.reloads.get_or_create_owned(&ReloadLabel { result: "success" }).inc();
        let changed = !says_the_same(&before, &snapshot);
        if !changed {
            if was_rejected {
                tracing::info!("the configuration on disk is in order again and in force");
            }
            return Reloaded::Unchanged;
        }
        if let Err(error) = shared.store.keep_revision(&snapshot.revision, now, &snapshot.files).await {
            tracing::warn!(%error, "the files of this revision could not be kept");
        }
        if before.server.listen != snapshot.server.listen || before.storage.sqlite != snapshot.storage.sqlite {
            tracing::warn!("server.listen and storage.url take effect at the next start");
        }
        tracing::info!(
            revision = &*snapshot.revision,
            rules = snapshot.rules.rules().len(),
            destinations = snapshot.destinations.len(),
            "a new configuration is in force"
        );
        log_warnings(&snapshot.warnings.0);
        shared.current.store(Arc::new(snapshot));
        shared.lookups.renew(&shared.current.load());
        shared.tasks.spawn(self.clone().hold_against_traffic());
        if let Err(error) = self.lanes.sync(&shared.current.load()).await {
            tracing::error!(%error, "the lanes could not be looked through");
        }
        Reloaded::Changed
    }

    /// What is worth knowing of the configuration in force, by what the events that came
    /// have shown as soon as they have been looked at.
    #[must_use]
    pub fn warnings(&self) -> Arc<Diagnostics> {
        let snapshot = self.shared.current.load();
        let known = self.shared.reload.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((revision, warnings)) if *revision == snapshot.revision => warnings.clone(),
            _ => Arc::new(snapshot.warnings.clone()),
        }
    }

    /// Looks at the events that came, beside everything else, and logs what they show to be
    /// worth knowing of the configuration in force.
    pub(super) async fn hold_against_traffic(self) {
        let shared = &self.shared;
        let snapshot = shared.current.load_full();
        let looked = tokio::select! {
            () = shared.stop.cancelled() => return,
            looked = Traffic::look(shared.ledger.as_ref(), EVENTS_MAX) => looked,
        };
        let traffic = match looked {
            Ok(traffic) => traffic,
            Err(error) => {
                tracing::debug!(%error, "the events that came could not be held against the rules");
                return;
            }
        };
        let judged = snapshot.clone();
        let warnings = match tokio::task::spawn_blocking(move || with_traffic(&judged, &traffic)).await {
            Ok(warnings) => warnings,
            Err(panic) => {
                tracing::error!(%panic, "the rules could not be held against the events that came, because of a bug");
                return;
            }
        };
        if shared.current.load().revision != snapshot.revision {
            return;
        }
        log_warnings(warnings.0.iter().filter(|warning| !snapshot.warnings.0.contains(warning)));
        let mut known = shared.reload.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((snapshot.revision.clone(), Arc::new(warnings)));
    }

    fn reject(&self, diagnostics: Arc<Diagnostics>, now: Timestamp) -> Arc<Diagnostics> {
        let metrics = &self.shared.metrics;
        metrics.last_reload_successful.set(0);
        metrics.reloads.get_or_create_owned(&ReloadLabel { result: "failure" }).inc();
        let news = self.shared.reload.last.send_if_modified(|last| {
            let news = last.rejected.as_ref().is_none_or(|(_, known)| **known != *diagnostics);
            if news {
                last.rejected = Some((now, diagnostics.clone()));
            }
            news
        });
        if news {
            self.shared.notices.tell(rejected(&diagnostics));
            for finding in diagnostics.errors() {
                tracing::error!(
                    file = finding.file,
                    line = finding.line,
                    column = finding.column,
                    source_line = finding.source_line,
                    finding = finding.message,
                    help = finding.help.as_deref().unwrap_or_default(),
                    "the configuration on disk is rejected; the last good one stays in force"
                );
            }
        }
        diagnostics
    }
}

/// What is wrong when `now` has no rule file at all where `before` has rules: a folder that was
/// moved, or is not mounted, must not silence everything. A start has nothing to hold it against.
fn without_rule_files(before: &Snapshot, now: &Snapshot) -> Option<Diagnostics> {
    if now.rule_files.count > 0 || before.rules.rules().is_empty() {
        return None;
    }
    let folder = &now.rule_files.folder;
    let is = if folder.is_dir() { "has no rule file any more" } else { "is gone" };
    let count = match before.rules.rules().len() {
        1 => "1 rule is".to_owned(),
        many => format!("{many} rules are"),
    };
    let message = format!("the folder of the rules, {}, {is}, but {count} in force", folder.display());
    let help = "put the files back; if there shall be no rule, write a file there that says  rules: []";
    let mut found = Diagnostics::of_file(folder, &message);
    found.0.iter_mut().for_each(|one| one.help = Some(help.to_owned()));
    Some(found)
}

/// What is told of files that are not in order.
fn rejected(diagnostics: &Diagnostics) -> Notice {
    let first = diagnostics.errors().next();
    Notice::ConfigRejected {
        problems: diagnostics.errors().count() as u64,
        file: first.map(|finding| finding.file.clone()).unwrap_or_default(),
        line: first.map_or(0, |finding| finding.line as u64),
        problem: first.map(|finding| finding.message.clone()).unwrap_or_default(),
    }
}

/// Logs what is allowed in a configuration and worth knowing.
pub fn log_warnings<'a>(warnings: impl IntoIterator<Item = &'a Diagnostic>) {
    for warning in warnings {
        tracing::warn!(
            file = warning.file,
            line = warning.line,
            column = warning.column,
            finding = warning.message,
            help = warning.help.as_deref().unwrap_or_default(),
            "configuration"
        );
    }
}

fn says_the_same(one: &Snapshot, other: &Snapshot) -> bool {
    one.revision == other.revision && one.secrets_digest == other.secrets_digest
}

/// Watches and reloads until the relay stops.
pub(super) async fn run(relay: Relay) {
    let (tell, mut told) = mpsc::channel(1);
    let mut watch = Watch::new(tell);
    let mut seen: Option<(Vec<PathBuf>, u64)> = None;
    loop {
        let snapshot = relay.shared.current.load_full();
        let (folders, files) = (snapshot.watched.clone(), snapshot.watched_files.clone());
        let look_again = watch.follow(&folders, snapshot.storage.sqlite.parent());
        drop(snapshot);
        let look = fingerprint(&folders, &files);
        let changed = match &seen {
            Some((in_folders, before)) => *in_folders == folders && *before != look,
            // The files may have changed since they were read and before they were watched.
            None => relay.is_outdated().await,
        };
        seen = Some((folders.clone(), look));
        if changed {
            settle_down(&relay, &mut told).await;
            // Taken before reading: what changes during the reading is seen the next time.
            seen = Some((folders.clone(), fingerprint(&folders, &files)));
            if relay.reload().await.is_err() {
                // Logged, counted and shown already.
                tracing::debug!("files changed and were rejected");
            }
            continue;
        }
        tokio::select! {
            () = relay.shared.stop.cancelled() => return,
            _ = told.recv() => {}
            () = relay.shared.clock.sleep(look_again) => {}
        }
    }
}

/// Waits until files have been quiet for a while.
async fn settle_down(relay: &Relay, told: &mut mpsc::Receiver<()>) {
    while let Ok(Some(())) = tokio::time::timeout(QUIET, told.recv()).await {
        if relay.shared.stop.is_cancelled() {
            return;
        }
    }
}

/// The system's reports of changes.
struct Watch {
    watcher: Option<RecommendedWatcher>,
    folders: Vec<PathBuf>,
}

impl Watch {
    fn new(tell: mpsc::Sender<()>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let only_read = matches!(&event, Ok(event) if event.kind.is_access());
            if !only_read && tell.try_send(()).is_err() {
                // One report is waiting already, and one is enough.
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "changes of files are found by looking, every few seconds"))
            .ok();
        Self { watcher, folders: Vec::new() }
    }

    /// Watches `folders` and nothing else, but for the folder `busy`, which holds the store:
    /// every webhook changes it. Returns how soon to look whether something has changed.
    fn follow(&mut self, folders: &[PathBuf], busy: Option<&Path>) -> Duration {
        let busy = busy.map(real);
        let quiet: Vec<PathBuf> =
            folders.iter().filter(|folder| busy.as_ref() != Some(&real(folder))).cloned().collect();
        let all = quiet.len() == folders.len();
        let Some(watcher) = &mut self.watcher else { return LOOK_OFTEN };
        for old in self.folders.iter().filter(|old| !quiet.contains(old)) {
            if watcher.unwatch(old).is_err() {
                tracing::debug!(folder = %old.display(), "a folder that is gone is no longer watched");
            }
        }
        for new in quiet.iter().filter(|new| !self.folders.contains(new)) {
            if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %new.display(), %error, "changes here are found by looking, every few seconds");
            }
        }
        self.folders = quiet;
        if all { LOOK_EVERY } else { LOOK_OFTEN }
    }
}

/// The folder itself, whatever links lead to it.
fn real(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// A hash of the names, times and sizes of `more` and of the files in `folders` that matter,
/// through symbolic links.
fn fingerprint(folders: &[PathBuf], more: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let listed = folders.iter().map(|folder| {
        let mut files = list(folder);
        files.sort_unstable();
        files
    });
    for files in listed.chain([more.to_vec()]) {
        for file in files {
            file.hash(&mut hasher);
            if let Ok(about) = std::fs::metadata(&file) {
                // A folder's own time says nothing that its files do not.
                if about.is_file() {
                    about.len().hash(&mut hasher);
                    about.modified().ok().hash(&mut hasher);
                }
            }
        }
    }
    hasher.finish()
}

fn list(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .map(|entries| {
            entries
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .filter(|path| {
                    path.extension().is_some_and(|end| ["yaml", "yml", "hbs"].iter().any(|known| end == *known))
                })
                .collect()
        })
        .unwrap_or_default()
}
