//! `relaybell schema`: JSON Schemas of the files, for editors.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::config::schema::Schema;
use crate::config::{Vocabulary, words};

use super::Failure;
use super::output::Output;

/// `relaybell schema`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which file's: relaybell.yaml, rules, or the front matter of templates. All without it.
    #[arg(value_parser = ["config", "rules", "template"])]
    file: Option<String>,
    /// Write them into this folder, each in its file, instead of printing them.
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let wanted = |word: &str| args.file.as_deref().is_none_or(|file| file == word);
    let schemas = || Schema::ALL.into_iter().filter(|(word, ..)| wanted(word));
    let known = words(config);
    if let Some(folder) = &args.write {
        for (_, file, schema) in schemas() {
            let path = write(folder, file, schema, &known)?;
            output.data(&path.display().to_string())?;
        }
        return Ok(());
    }
    let text = if args.file.is_some() {
        schemas().map(|(_, _, schema)| schema.text(&known)).collect()
    } else {
        let all = schemas().map(|(word, _, schema)| (word.to_owned(), schema.json(&known)));
        format!("{:#}", serde_json::Value::Object(all.collect()))
    };
    output.data(text.trim_end())?;
    Ok(())
}

/// Writes one schema into `folder`, which is made where it is missing. Returns where it is.
pub(super) fn write(folder: &Path, file: &str, schema: Schema, words: &Vocabulary) -> anyhow::Result<PathBuf> {
    let path = folder.join(file);
    std::fs::create_dir_all(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    std::fs::write(&path, schema.text(words)).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}
