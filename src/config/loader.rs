//! Reads all files of a configuration and compiles them into one snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Map;
use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::diagnostic::Diagnostics;
use super::files::{self, Disk, Files, is_passing};
use super::findings::{Findings, Place};
use super::lint;
use super::rules::{Known, Messages, Receiver, Rules, is_rule_file};
use super::scrub::SecretValues;
use super::secrets::{Environment, Resolver};
use super::settings::{self, Settings};
use super::templates::TemplateFiles;
use super::trials::{self, Trial};
use super::vocabulary::Vocabulary;
use super::{RuleFiles, Secrets, Server, Snapshot, Storage, sources, yaml};
use crate::domain::Name;
use crate::domain::rule::RuleSet;

/// The most files of one folder.
const FOLDER_FILES_MAX: usize = 2000;

/// How many hexadecimal digits a revision has.
const REVISION_DIGITS: usize = 12;

/// Everything read so far.
struct Load<'a> {
    desk: Desk<'a>,
    source: &'a dyn Files,
    /// The text of every file, by its name relative to `relaybell.yaml`.
    texts: BTreeMap<String, String>,
    watched: Vec<PathBuf>,
}

/// Reads and compiles the configuration at `path` out of `files`, with the variables of
/// `environment`.
///
/// # Errors
/// Everything that is wrong in any file, each with its place.
pub fn load_from(
    files: &dyn Files,
    environment: &Environment<'_>,
    path: &Path,
    secrets: Secrets,
) -> Result<Snapshot, Diagnostics> {
    load_with(files, environment, path, secrets, &Instead::default())
}

/// Folders that stand in for those that `relaybell.yaml` names.
#[derive(Debug, Clone, Default)]
pub struct Instead {
    /// For the folder of rules.
    pub rules: Option<PathBuf>,
    /// For the folder of templates.
    pub templates: Option<PathBuf>,
}

/// As [`load_from`], with the folders of `instead`.
///
/// # Errors
/// Everything that is wrong in any file, each with its place.
pub fn load_with(
    files: &dyn Files,
    environment: &Environment<'_>,
    path: &Path,
    secrets: Secrets,
    instead: &Instead,
) -> Result<Snapshot, Diagnostics> {
    let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut load = Load::new(files, environment, base, secrets);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let snapshot = load.snapshot(path, &name, instead);
    load.finish(snapshot)
}

/// What commands need that work beside a relay: where it listens, who may ask it, and
/// where its store is. Rules and templates are not read, so they may be broken.
#[derive(Debug)]
pub struct Whereabouts {
    /// `server:`.
    pub server: Server,
    /// `storage:`.
    pub storage: Storage,
}

/// Reads only `server:` and `storage:` of the configuration at `path`. Secrets that are
/// not set stand for themselves.
///
/// # Errors
/// Everything that is wrong with that one file.
pub fn whereabouts(path: &Path) -> Result<Whereabouts, Diagnostics> {
    let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let environment = |name: &str| std::env::var(name).ok();
    let mut load = Load::new(&Disk, &environment, base, Secrets::Leave);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let settings = load.settings(path, &name);
    let scrubber = load.desk.resolver.values.scrubber();
    let failed = load.desk.findings.failed();
    let findings = load.desk.findings.finish(&scrubber);
    match settings.filter(|_| !failed) {
        Some(settings) => Ok(Whereabouts { server: settings.server, storage: settings.storage }),
        None => Err(findings),
    }
}

/// The words that the files of the configuration at `path` may use: those built in, and
/// what its sources declare. Mistakes in it are no concern here; without it, those built in.
#[must_use]
pub fn words(path: &Path) -> Arc<Vocabulary> {
    let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let environment = |name: &str| std::env::var(name).ok();
    let mut load = Load::new(&Disk, &environment, base, Secrets::Leave);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if path.exists() && load.settings(path, &name).is_none() {
        return Vocabulary::built_in();
    }
    load.desk.findings.words()
}

/// Reads the rules at `path`, a file or a folder, by themselves: only to match them. What
/// they send is not looked at. `sources` are the names of the sources there are.
///
/// # Errors
/// Everything that is wrong with them, each with its place.
pub fn rules_alone(path: &Path, sources: &[&str]) -> Result<RuleSet, Diagnostics> {
    let mut load = Load::new(&Disk, &|_| None, PathBuf::new(), Secrets::Leave);
    let people = Arc::default();
    let known = Known {
        destinations: BTreeMap::new(),
        sources: sources.iter().map(|name| Name::from(*name)).collect(),
        templates: BTreeSet::new(),
        people: &people,
        messages: Messages::Skip,
    };
    let name = path.display().to_string();
    let sheets = if Disk.list(path).is_ok() {
        load.folder(&(name, None), &is_rule_file).into_iter().map(|(_, sheet)| sheet).collect()
    } else {
        Vec::from_iter(load.open(path, &name))
    };
    let mut rules = Rules::default();
    for sheet in sheets {
        if let Some(node) = yaml::read(sheet, &mut load.desk.findings) {
            rules.read(&node, &known, &mut load.desk.findings);
        }
    }
    if load.desk.findings.failed() {
        return Err(load.desk.findings.finish(&SecretValues::default().scrubber()));
    }
    Ok(RuleSet::new(rules.rules))
}

/// What was compiled; the rest of a snapshot is known at the end.
struct Compiled {
    settings: Settings,
    rules: RuleSet,
    rule_files: RuleFiles,
    templates: crate::domain::render::Templates,
    trials: Vec<Trial>,
}

impl<'a> Load<'a> {
    fn new(files: &'a dyn Files, environment: &'a Environment<'a>, base: PathBuf, secrets: Secrets) -> Self {
        let watched = vec![watchable(&base)];
        let values = SecretValues::default();
        let resolver = Resolver { mode: secrets, environment, files, base, values, read: Vec::new() };
        let desk = Desk { findings: Findings::default(), resolver };
        Self { desk, source: files, texts: BTreeMap::new(), watched }
    }

    fn settings(&mut self, path: &Path, name: &str) -> Option<Settings> {
        let sheet = self.open(path, name)?;
        self.desk.findings.guard_lines(sheet);
        let node = yaml::read(sheet, &mut self.desk.findings)?;
        settings::read(&node, &mut self.desk)
    }

    fn snapshot(&mut self, path: &Path, name: &str, instead: &Instead) -> Option<Compiled> {
        let mut settings = self.settings(path, name)?;
        for (folder, other) in [(&mut settings.rules, &instead.rules), (&mut settings.templates, &instead.templates)] {
            if let Some(other) = other {
                *folder = (other.display().to_string(), Some(Place::file(0)));
            }
        }
        let templates = self.templates(&settings);
        let mut rules = Rules::default();
        let known = Known {
            destinations: receivers(&settings),
            sources: settings.source_names.clone(),
            templates: templates.names(),
            people: &settings.people,
            messages: Messages::Read,
        };
        let sheets = self.folder(&settings.rules, &is_rule_file);
        let rule_files = RuleFiles { folder: settings::beside(&self.desk, &settings.rules.0), count: sheets.len() };
        for sheet in sheets {
            if let Some(node) = yaml::read(sheet.1, &mut self.desk.findings) {
                rules.read(&node, &known, &mut self.desk.findings);
            }
        }
        let names: Vec<&str> = rules.all_names().into_iter().collect();
        sources::check_pledges(&settings, &rules.rules, &names, &mut self.desk.findings);
        let beside_config = self.desk.resolver.base.clone();
        let findings = &mut self.desk.findings;
        let trials = trials::Reader {
            known: &known,
            sources: &settings.sources,
            rules: &rules,
            files: self.source,
            folders: [&rule_files.folder, &beside_config],
        };
        let trials = trials.read(&rules.tests, findings);
        let compiled = templates.compile(findings);
        if !findings.failed() {
            lint::lint(&rules.rules, findings);
        }
        if !findings.failed() {
            for (name, (at, _)) in &settings.destinations {
                if !rules.used_destinations.contains(name) {
                    findings.warning(
                        *at,
                        format!("no rule sends to '{name}'"),
                        "remove it, or name it in a rule: to: …",
                    );
                }
            }
            templates.unused(&rules.used_templates, findings);
        }
        Some(Compiled { settings, rules: RuleSet::new(rules.rules), rule_files, templates: compiled?, trials })
    }

    fn templates(&mut self, settings: &Settings) -> TemplateFiles {
        let mut templates = TemplateFiles::default();
        for (name, sheet) in self.folder(&settings.templates, &|name| name.ends_with(".hbs")) {
            templates.take(&name, sheet, &mut self.desk.findings);
        }
        templates
    }

    /// Opens the files of a folder whose names fit, in the order of their names.
    fn folder(&mut self, folder: &(String, Option<Place>), fits: &dyn Fn(&str) -> bool) -> Vec<(String, usize)> {
        let (folder, set_at) = folder;
        let path = settings::beside(&self.desk, folder);
        self.watched.push(watchable(&path));
        let mut names = match self.source.list(&path) {
            Ok(names) => names,
            Err(error) => {
                let missing = error.kind() == std::io::ErrorKind::NotFound;
                if let Some(at) = set_at.or((!missing).then_some(Place::file(0))) {
                    let message = format!("the folder {} cannot be read: {}", path.display(), files::why(&error));
                    self.desk.findings.error_help(
                        at,
                        message,
                        "a relative path is relative to the folder of this file",
                    );
                }
                return Vec::new();
            }
        };
        names.retain(|name| !is_passing(name) && fits(name));
        names.sort();
        if names.len() > FOLDER_FILES_MAX {
            let sheet = self.desk.findings.open(path.display().to_string(), String::new());
            self.desk.findings.error(Place::file(sheet), format!("the folder has more than {FOLDER_FILES_MAX} files"));
            return Vec::new();
        }
        let opened = names.into_iter().filter_map(|name| {
            let sheet = self.open(&path.join(&name), &format!("{folder}/{name}"))?;
            Some((name, sheet))
        });
        opened.collect()
    }

    /// Opens the file at `path`, called `name` within the configuration.
    fn open(&mut self, path: &Path, name: &str) -> Option<usize> {
        let shown = path.display().to_string();
        let read = self.source.read(path).map_err(|error| files::why(&error));
        let text = read.and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| {
                let valid = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
                format!("line {line} is not UTF-8 text")
            })
        });
        match text {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
                self.texts.insert(name.to_owned(), text.clone());
                Some(self.desk.findings.open(shown, text))
            }
            Err(why) => {
                let sheet = self.desk.findings.open(shown.clone(), String::new());
                self.desk.findings.error(Place::file(sheet), format!("{shown} cannot be read: {why}"));
                None
            }
        }
    }

    fn finish(mut self, compiled: Option<Compiled>) -> Result<Snapshot, Diagnostics> {
        let failed = self.desk.findings.failed();
        let mut watched = std::mem::take(&mut self.watched);
        watched.extend(self.desk.resolver.read.iter().filter_map(|file| file.parent()).map(watchable));
        watched.sort();
        watched.dedup();
        let secrets_digest = self.desk.resolver.values.digest();
        let watched_files = std::mem::take(&mut self.desk.resolver.read);
        let scrubber = self.desk.resolver.values.scrubber();
        let doubts = self.desk.findings.take_doubts();
        let words = self.desk.findings.words();
        let warnings = self.desk.findings.finish(&scrubber);
        let Some(Compiled { settings, rules, rule_files, templates, trials }) = compiled.filter(|_| !failed) else {
            return Err(warnings);
        };
        let revision = revision(&self.texts);
        let files =
            self.texts.into_iter().map(|(name, text)| (name, scrubber.scrub(&text).into())).collect::<Map<_, _>>();
        let destinations =
            settings.destinations.into_iter().filter_map(|(name, (_, spec))| Some((name, spec?))).collect();
        Ok(Snapshot {
            revision,
            files,
            server: settings.server,
            storage: settings.storage,
            sources: settings.sources,
            destinations,
            words,
            rules,
            rule_files,
            templates,
            people: settings.people,
            trials,
            scrubber,
            warnings,
            doubts,
            watched,
            watched_files,
            secrets_digest,
        })
    }
}

fn receivers(settings: &Settings) -> BTreeMap<Name, Option<Receiver>> {
    let receiver = |spec: &std::sync::Arc<super::DestinationSpec>| Receiver {
        kind: spec.kind,
        actions: spec.adapter.actions().to_vec(),
        reads: spec.adapter.reads(),
    };
    settings.destinations.iter().map(|(name, (_, spec))| (name.clone(), spec.as_ref().map(receiver))).collect()
}

/// A short hash of the names and texts of all files.
fn revision(texts: &BTreeMap<String, String>) -> Name {
    let mut hasher = Sha256::new();
    for (name, text) in texts {
        for part in [name, text] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
    }
    let mut revision: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    revision.truncate(REVISION_DIGITS);
    revision.into()
}

/// The folder itself; `.` for none.
fn watchable(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_path_buf() }
}
