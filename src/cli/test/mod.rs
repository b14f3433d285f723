//! `relaybell test`: runs the tests that stand in rule files, in memory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::config::Snapshot;
use crate::config::trials::Trial;
use crate::ports::Clock;
use crate::ports::system::SystemClock;
use crate::relay::trial::{self, Outcome, Reached};

use super::access::snapshot;
use super::output::Output;
use super::{Failure, block_on};

mod coverage;
mod failures;
mod from;
mod json;
mod junit;
mod write;

/// `relaybell test`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only tests with this text in their name or in the name of their file, whatever its case.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write the results to this file too, as JUnit XML for a CI system.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
    /// Run nothing; print a test made from this stored event (its id or the beginning of it).
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["filter", "junit", "json"])]
    from: Option<String>,
    /// The name of the test that is made.
    #[arg(long, value_name = "NAME", requires = "from")]
    name: Option<String>,
}

/// One test that was run.
struct Ran<'s> {
    trial: &'s Trial,
    outcome: Outcome,
    took: Duration,
}

impl Ran<'_> {
    fn passed(&self) -> bool {
        self.outcome.failures.is_empty()
    }
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let snapshot = snapshot(config, output)?;
    if let Some(event) = &args.from {
        return from::run(&snapshot, event, args.name.as_deref(), output);
    }
    let chosen = chosen(&snapshot, args.filter.as_deref())?;
    let clock = SystemClock::start();
    let ran = block_on(run_all(&snapshot, &chosen, &clock))??;
    let mut reached = Reached::default();
    ran.iter().for_each(|one| reached.add(one.outcome.reached.clone()));
    // What a part of the tests reaches says nothing about all of them.
    let coverage = args.filter.is_none().then(|| coverage::of(&snapshot, &reached));
    if args.json {
        output.data(&serde_json::to_string_pretty(&json::whole(&ran, coverage.as_ref()))?)?;
    } else {
        tell(&ran, coverage.as_ref(), output)?;
    }
    summary(&snapshot, &ran, clock.elapsed(), output);
    if let Some(file) = &args.junit {
        let report = junit::report(&ran, clock.elapsed())?;
        std::fs::write(file, report).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if ran.iter().all(Ran::passed) { Ok(()) } else { Err(Failure::Finding) }
}

async fn run_all<'s>(
    snapshot: &'s Snapshot,
    chosen: &[&'s Trial],
    clock: &SystemClock,
) -> Result<Vec<Ran<'s>>, Failure> {
    let mut ran = Vec::with_capacity(chosen.len());
    for trial in chosen {
        let began = clock.elapsed();
        let outcome = trial::run(snapshot, trial).await?;
        ran.push(Ran { trial, outcome, took: clock.elapsed().saturating_sub(began) });
    }
    Ok(ran)
}

/// The tests that `filter` lets through.
fn chosen<'s>(snapshot: &'s Snapshot, filter: Option<&str>) -> Result<Vec<&'s Trial>, Failure> {
    let Some(filter) = filter else { return Ok(snapshot.trials.iter().collect()) };
    let wanted = filter.to_lowercase();
    let fits = |text: &str| text.to_lowercase().contains(&wanted);
    let chosen: Vec<&Trial> =
        snapshot.trials.iter().filter(|trial| fits(&trial.name) || fits(&trial.place.0)).collect();
    if chosen.is_empty() && !snapshot.trials.is_empty() {
        return Err(Failure::Usage(format!("no test and no file with tests is called '{filter}'")));
    }
    Ok(chosen)
}

fn tell(ran: &[Ran<'_>], coverage: Option<&coverage::Coverage<'_>>, output: &mut Output) -> anyhow::Result<()> {
    let files = ran.iter().map(|one| one.trial.place.0.chars().count()).max().unwrap_or_default();
    for one in ran {
        let word = if one.passed() { "PASS" } else { "FAIL" };
        let ms = one.took.as_secs_f64() * 1000.0;
        let Trial { name, place, .. } = one.trial;
        output.data(&format!("{}  [{ms:8.2} ms]  {:files$}  {name}", output.verdict(word, one.passed()), place.0))?;
    }
    for one in ran.iter().filter(|one| !one.passed()) {
        output.data(&format!("\n{}", failures::of(one.trial, &one.outcome.failures, output)))?;
    }
    if let Some(coverage) = coverage.filter(|_| !ran.is_empty()) {
        output.data(&format!("\n{}", coverage.text()))?;
    }
    Ok(())
}

fn summary(snapshot: &Snapshot, ran: &[Ran<'_>], took: Duration, output: &mut Output) {
    if ran.is_empty() {
        let rules = snapshot.rules.rules().len();
        output.talk(&format!(
            "no tests yet for {rules} rule{}: write them below 'tests:' in a rule file, as docs/testing.md shows, \
             or let  relaybell test --from EVENT  make one of a stored event",
            if rules == 1 { "" } else { "s" }
        ));
        return;
    }
    let failed = ran.iter().filter(|one| !one.passed()).count();
    output.talk(&format!(
        "{} test{}: {} passed, {failed} failed, in {:.0} ms",
        ran.len(),
        if ran.len() == 1 { "" } else { "s" },
        ran.len() - failed,
        took.as_secs_f64() * 1000.0,
    ));
}
