//! `relaybell check`: all that is wrong with any file, without serving.

use std::path::Path;

use crate::config::lint::with_traffic;
use crate::config::traffic::{EVENTS_MAX, Traffic};
use crate::config::{Secrets, Storage, ended_mutes, load, rehearse};
use crate::ports::Clock;
use crate::ports::system::SystemClock;

use super::access::reader_if_any;
use super::output::Output;
use super::{Failure, block_on};

/// `relaybell check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let mut loaded = load(config, Secrets::Leave);
    if let Ok(snapshot) = &mut loaded {
        let rehearsed = rehearse(snapshot);
        snapshot.warnings.0.extend(rehearsed.0);
        match traffic(&snapshot.storage) {
            Ok(Some(traffic)) => snapshot.warnings = with_traffic(snapshot, &traffic),
            Ok(None) => {}
            Err(why) => output.talk(&format!("the events that came are not taken into account: {why}")),
        }
        let ended = ended_mutes(snapshot, SystemClock::start().now());
        snapshot.warnings.0.extend(ended.0);
    }
    let findings = match &loaded {
        Ok(snapshot) => &snapshot.warnings,
        Err(findings) => findings,
    };
    if args.json {
        output.data(&serde_json::to_string_pretty(&findings.to_json())?)?;
    } else {
        for finding in &findings.0 {
            output.data(&finding.render(output.color()))?;
            output.data("")?;
        }
    }
    match &loaded {
        Ok(snapshot) => {
            output.talk(&format!(
                "{}: {}, {}, {}, {}, {}: in order{}",
                config.display(),
                count(snapshot.senders().count(), "source"),
                count(snapshot.destinations.len(), "destination"),
                count(snapshot.rules.rules().len(), "rule"),
                count(snapshot.templates.names().count(), "template"),
                count(snapshot.trials.len(), "test"),
                match findings.0.len() {
                    0 => String::new(),
                    n => format!(" ({})", count(n, "warning")),
                }
            ));
            Ok(())
        }
        Err(findings) => {
            output.talk(&format!("{}: {}", config.display(), findings.summary()));
            Err(Failure::Finding)
        }
    }
}

/// What came, where there is a store.
fn traffic(storage: &Storage) -> Result<Option<Traffic>, String> {
    let failed = |failure| match failure {
        Failure::Error(error) => format!("{error:#}"),
        Failure::Finding | Failure::Usage(_) => "the store cannot be read".to_owned(),
    };
    let Some(store) = reader_if_any(storage).map_err(failed)? else { return Ok(None) };
    let looked = block_on(Traffic::look(&store, EVENTS_MAX)).map_err(failed)?;
    looked.map(Some).map_err(|error| error.to_string())
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
