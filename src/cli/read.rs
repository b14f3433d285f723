//! `relaybell read`: every rule as one sentence, to be read aloud or reviewed.

use std::path::Path;

use serde_json::{Value, json};

use super::Failure;
use super::access::snapshot;
use super::output::{Output, plain};

/// `relaybell read`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the sentences as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let snapshot = snapshot(config, output)?;
    let rules = snapshot.rules.rules();
    if args.json {
        let all: Vec<Value> = rules
            .iter()
            .map(|rule| {
                let (file, line) = &rule.place;
                json!({ "rule": rule.name, "file": file, "line": line, "sentence": rule.sentence() })
            })
            .collect();
        output.data(&serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    if rules.is_empty() {
        output.talk("no rules yet");
    }
    for (at, group) in rules.chunk_by(|one, next| one.place.0 == next.place.0).enumerate() {
        if let Some(first) = group.first() {
            output.data(&format!("{}{}", if at == 0 { "" } else { "\n" }, first.place.0))?;
        }
        for rule in group {
            output.data(&format!("\n  {}\n    {}", rule.name, plain(&rule.sentence())))?;
        }
    }
    Ok(())
}
