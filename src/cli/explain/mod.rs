//! `relaybell explain`: why each rule did or did not match an event.

use std::path::Path;

use serde_json::Value;

use crate::config::{Snapshot, did_you_mean};
use crate::domain::explain::explain;

use super::Failure;
use super::access::snapshot;
use super::output::Output;

pub(super) mod case;
mod json;
mod text;

pub(super) use text::{shortened, value};

/// `relaybell explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The id of a stored event or its beginning, a file with the body of a webhook, the
    /// name of a sample (defect.created), or - for a body on standard input.
    event: String,
    /// Only this rule.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    #[command(flatten)]
    whence: case::Whence,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let snapshot = snapshot(config, output)?;
    if let Some(rule) = &args.rule {
        known_rule(&snapshot, rule)?;
    }
    let cases = case::find(&snapshot, &args.event, &args.whence)?;
    let explained: Vec<_> = cases
        .iter()
        .map(|case| {
            let mut rules = explain(&snapshot.rules, &case.facts, case.received);
            rules.retain(|explained| args.rule.as_deref().is_none_or(|rule| &*explained.rule.name == rule));
            (case, rules)
        })
        .collect();
    if args.json {
        let mut all: Vec<Value> =
            explained.iter().map(|(case, rules)| json::whole(case, &snapshot.revision, rules)).collect();
        let whole = if all.len() == 1 { all.swap_remove(0) } else { Value::Array(all) };
        output.data(&serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    let several = explained.len();
    for (number, (case, rules)) in explained.iter().enumerate() {
        if several > 1 {
            let gap = if number > 0 { "\n" } else { "" };
            output.data(&format!("{gap}--- {} of {several} ---", number + 1))?;
        }
        output.data(&text::head(case, &snapshot.revision))?;
        output.data(&text::rules(rules, args.rule.is_some()))?;
    }
    Ok(())
}

fn known_rule(snapshot: &Snapshot, rule: &str) -> Result<(), Failure> {
    let mut names = snapshot.rules.rules().iter().map(|rule| rule.name.as_ref());
    if names.clone().any(|name| name == rule) {
        return Ok(());
    }
    Err(Failure::Usage(format!("there is no rule '{rule}'{}", did_you_mean(rule, names.by_ref()))))
}
