//! What is compared: the rules that are, and those that are tried.

use std::path::{Path, absolute};

use anyhow::{Context, anyhow};

use crate::config::{Disk, Instead, Secrets, Snapshot, Texts, load, load_from, load_with};
use crate::config::{Files, diagnostic::Diagnostics};
use crate::domain::Name;
use crate::store::Ledger;

use super::super::access::snapshot;
use super::super::output::Output;
use super::super::{Failure, block_on};
use super::Args;

/// One of the two sides.
pub(super) struct Side {
    /// What it is, for people.
    pub(super) what: String,
    /// Its revision.
    pub(super) revision: Name,
    /// Its rules and templates.
    pub(super) snapshot: Snapshot,
}

/// The present rules and the candidate. `last` is the revision that judged the newest of
/// the events, if there are any.
pub(super) fn find(
    config: &Path,
    args: &Args,
    last: Option<&str>,
    ledger: &dyn Ledger,
    output: &mut Output,
) -> Result<(Side, Side), Failure> {
    let disk = snapshot(config, output)?;
    let shown = config.display();
    if let Some(against) = &args.against {
        let other = load(against, Secrets::Leave).map_err(|findings| told(&findings, output))?;
        return Ok((
            side(format!("the files of {shown}"), disk),
            side(format!("the files of {}", against.display()), other),
        ));
    }
    if args.rules.is_some() || args.templates.is_some() {
        let path = |folder: &Option<_>| folder.as_ref().map(absolute).transpose().context("the folder has no path");
        let instead = Instead { rules: path(&args.rules)?, templates: path(&args.templates)? };
        let other = load_with(&Disk, &variable, config, Secrets::Leave, &instead)
            .map_err(|findings| told(&findings, output))?;
        let mut parts = Vec::new();
        parts.extend(args.rules.as_ref().map(|folder| format!("the rules in {}", folder.display())));
        parts.extend(args.templates.as_ref().map(|folder| format!("the templates in {}", folder.display())));
        return Ok((side(format!("the files of {shown}"), disk), side(parts.join(" and "), other)));
    }
    let candidate = side(format!("the files of {shown} as they are on disk now"), disk);
    let present = match last {
        Some(revision) if *revision != *candidate.revision => judged_by(config, revision, ledger)?,
        Some(_) => side("the same files: they judged the newest of these events".to_owned(), snapshot(config, output)?),
        None => side("the same files: no event says what judged it".to_owned(), snapshot(config, output)?),
    };
    Ok((present, candidate))
}

/// The configuration that judged the newest of the events, out of the store.
fn judged_by(config: &Path, revision: &str, ledger: &dyn Ledger) -> Result<Side, Failure> {
    let help = "name what to try with --rules DIR; it is then compared with the files on disk";
    let kept = block_on(ledger.revision_files(revision))??
        .ok_or_else(|| anyhow!("the files of revision {revision}, which judged these events, were not kept; {help}"))?;
    let mut texts = Texts::default();
    for (name, text) in &kept {
        texts.0.insert(name.into(), text.as_str().unwrap_or_default().to_owned());
    }
    let main = Path::new(config.file_name().unwrap_or(config.as_os_str()));
    let loaded = load_from(&texts, &variable, main, Secrets::Leave).or_else(|_| {
        // Secrets that stood in the file itself were not kept, so it may not be readable:
        // then today's relaybell.yaml has to do.
        let today = Disk.read(config).unwrap_or_default();
        texts.0.insert(main.to_owned(), String::from_utf8_lossy(&today).into_owned());
        load_from(&texts, &variable, main, Secrets::Leave)
    });
    let snapshot = loaded.map_err(|findings| {
        let first = findings.0.first().map(|one| one.message.clone()).unwrap_or_default();
        anyhow!("the files of revision {revision}, which judged these events, cannot be used any more: {first}; {help}")
    })?;
    let what = "the files that judged the newest of these events".to_owned();
    Ok(Side { what, revision: revision.into(), snapshot })
}

fn side(what: String, snapshot: Snapshot) -> Side {
    Side { what, revision: snapshot.revision.clone(), snapshot }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn told(findings: &Diagnostics, output: &mut Output) -> Failure {
    output.talk(&findings.render(output.talk_color()));
    Failure::Finding
}
