//! `relaybell init`: a commented set of files to start from.

use std::fs::{OpenOptions, create_dir_all};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::config::Vocabulary;
use crate::config::schema::Schema;

use super::Failure;
use super::output::Output;

/// `relaybell init`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to write into; it is made where it is missing.
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// The files that people edit.
const STARTER: [(&str, &str); 6] = [
    ("relaybell.yaml", include_str!("starter/relaybell.yaml")),
    ("rules/defects.yaml", include_str!("starter/defects.yaml")),
    ("rules/runs.yaml", include_str!("starter/runs.yaml")),
    ("templates/defect-opened.md.hbs", include_str!("../../../templates/defect-opened.md.hbs")),
    ("templates/defect-resolved.md.hbs", include_str!("../../../templates/defect-resolved.md.hbs")),
    ("templates/run-failed.md.hbs", include_str!("../../../templates/run-failed.md.hbs")),
];

/// Where the schemas go that the files name: beside them, so that editors need no network.
const SCHEMAS: &str = ".relaybell/schema";

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let known = Vocabulary::built_in();
    let schemas = Schema::ALL.map(|(_, file, schema)| (format!("{SCHEMAS}/{file}"), schema.text(&known)));
    let starter = STARTER.map(|(file, text)| (file.to_owned(), text.to_owned()));
    let files: Vec<(String, String)> = starter.into_iter().chain(schemas).collect();
    let there: Vec<&str> = files
        .iter()
        .filter(|(file, _)| args.dir.join(file).symlink_metadata().is_ok())
        .map(|(file, _)| file.as_str())
        .collect();
    if !there.is_empty() {
        for file in &there {
            output.data(&format!("{} exists", args.dir.join(file).display()))?;
        }
        output.talk("Nothing was written: init never overwrites a file. Name an empty folder: relaybell init DIR");
        return Err(Failure::Finding);
    }
    for (file, text) in &files {
        let path = args.dir.join(file);
        write(&path, text)?;
        output.data(&path.display().to_string())?;
    }
    output.talk(&next_steps(&args.dir));
    Ok(())
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        create_dir_all(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    let told = || format!("{} cannot be written", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).with_context(told)?;
    file.write_all(text.as_bytes()).with_context(told)
}

fn next_steps(dir: &Path) -> String {
    let go = if dir == Path::new(".") { String::new() } else { format!("cd '{}' and ", dir.display()) };
    format!(
        "\nNext:
  1. Look at the files, then {go}run  relaybell check  (no secrets needed)  and  relaybell read
  2. Set QASE_WEBHOOK_SECRET (make one up), SLACK_QA_BLOCKERS_URL and SLACK_QA_FEED_URL
     (from https://api.slack.com/apps, Incoming Webhooks), then run  relaybell serve
  3. In Qase, add a webhook to the project (Settings, Webhooks) with that secret and the
     address https://YOUR-HOST/hooks/qase"
    )
}
