//! `relaybell backtest`: stored events through other rules, and how what is sent differs.
//! Nothing is sent and nothing is stored.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::config::duration;
use crate::domain::Name;
use crate::domain::event::Event;
use crate::domain::facts::Facts;
use crate::domain::ids::EventId;
use crate::domain::plan::{Plan, plan_seen};
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::ports::system::SystemClock;
use crate::source::RawHook;
use crate::store::{EventRecord, Ledger};

use super::access::{configuration, reader};
use super::explain::case::payload;
use super::output::Output;
use super::{Failure, block_on};

mod difference;
mod show;
mod sides;

use difference::Difference;
use sides::Side;

/// How many events are read at a time, so that memory stays bounded.
const PAGE_EVENTS: usize = 500;

/// `relaybell backtest`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// From when on: 7d for the last seven days, or a moment such as 2026-09-14T12:00:00Z.
    #[arg(long, value_name = "WHEN")]
    since: String,
    /// Until when, in the same way; until now if it is not given.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Try the rules of this folder; they are compared with those on disk.
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Try the templates of this folder; they are compared with those on disk.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Try this other relaybell.yaml with its own rules and templates.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rules", "templates"])]
    against: Option<PathBuf>,
    /// How many examples are shown of each difference.
    #[arg(long, value_name = "N", default_value_t = 3)]
    examples: usize,
    /// Exit with 1 when anything differs.
    #[arg(long)]
    fail_on_change: bool,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// The time whose events are looked at: from `since` on, before `until`.
#[derive(Debug, Clone, Copy)]
struct Window {
    since: Timestamp,
    until: Timestamp,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let now = SystemClock::start().now();
    let window = Window {
        since: moment(&args.since, "--since", now)?,
        // Events of this very millisecond count.
        until: args
            .until
            .as_deref()
            .map_or_else(|| Ok(now.plus(Duration::from_millis(1))), |until| moment(until, "--until", now))?,
    };
    if window.until <= window.since {
        return Err(Failure::Usage("--until must be later than --since".to_owned()));
    }
    let ledger = reader(&configuration(config, output)?.storage)?;
    let last = block_on(newest(&ledger, window))??;
    let (present, candidate) = sides::find(config, args, last.as_deref(), &ledger, output)?;
    let difference = block_on(compare(&ledger, window, &present, &candidate, args.examples))??;
    if args.json {
        let whole = show::json(&difference, window, &present, &candidate);
        output.data(&serde_json::to_string_pretty(&whole)?)?;
    } else {
        output.data(&show::text(&difference, window, &present, &candidate))?;
    }
    if args.fail_on_change && !difference.is_none() { Err(Failure::Finding) } else { Ok(()) }
}

/// Reads a moment: how long ago, or in itself.
fn moment(text: &str, option: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(ago) = duration(text) {
        return Ok(now.minus(ago));
    }
    let midnight = format!("{text} 00:00:00");
    Timestamp::parse(text).or_else(|| Timestamp::parse(&midnight)).ok_or_else(|| {
        Failure::Usage(format!(
            "{option} {text}: write how long ago (12h, 7d), a day (2026-09-14) or a moment (2026-09-14T12:00:00Z)"
        ))
    })
}

/// The revision that judged the newest event of the window.
async fn newest(ledger: &dyn Ledger, window: Window) -> Result<Option<String>, Failure> {
    let before = EventId::new(window.until, [0; 10]);
    let newest = ledger.events(None, Some(before), 1).await?.pop();
    Ok(newest.filter(|event| event.received >= window.since).map(|event| event.revision))
}

async fn compare(
    ledger: &dyn Ledger,
    window: Window,
    present: &Side,
    candidate: &Side,
    examples: usize,
) -> Result<Difference, Failure> {
    let mut difference = Difference::new(present, candidate, examples);
    let progress = progress(window)?;
    let mut after = EventId::new(window.since.minus(Duration::from_millis(1)), [0xff; 10]);
    loop {
        let page = ledger.events_after(after, PAGE_EVENTS).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        progress.set_position(ms_between(window.since, last.received));
        let full = page.len() == PAGE_EVENTS;
        let mut passed = false;
        for record in page {
            // Ids follow the time of receipt, so nothing of the window comes after this.
            passed |= record.received >= window.until;
            let outside = record.received < window.since || record.received >= window.until;
            // What was never decided has nothing to differ from.
            if outside || record.stage.is_open() {
                continue;
            }
            let event = seen(record, present, &mut difference)?;
            difference.take(&plan(event.clone(), present), &plan(event, candidate));
        }
        if passed || !full {
            break;
        }
    }
    progress.finish_and_clear();
    Ok(difference)
}

/// What one side decides about `event`: the one place where a backtest plans.
fn plan(event: Event, side: &Side) -> Plan {
    plan_seen(event, &side.snapshot.revision, &side.snapshot.rules, &side.snapshot.templates)
}

/// The event with its facts as they were seen when it was received.
fn seen(record: EventRecord, present: &Side, difference: &mut Difference) -> Result<Event, Failure> {
    let mut facts: Facts = serde_json::from_value(record.facts)
        .with_context(|| format!("the facts of event {} are damaged", record.id))?;
    let hook = RawHook::restored(&record.headers, record.body.into());
    match payload(&present.snapshot, &record.source, &record.name, hook) {
        Ok(payload) => {
            facts.values.insert("payload".to_owned(), payload);
        }
        Err(_) => difference.without_payload += 1,
    }
    Ok(Event {
        id: record.id,
        source: Name::from(record.source),
        name: record.name,
        project: record.project,
        subject: record.subject,
        time: record.time,
        received: record.received,
        facts,
    })
}

/// A bar on stderr, where that is a terminal; it follows the time of the events.
fn progress(window: Window) -> Result<ProgressBar, Failure> {
    let bar = ProgressBar::new(ms_between(window.since, window.until));
    let style = ProgressStyle::with_template("{wide_bar} {percent} % of the time looked at")
        .map_err(|error| anyhow!("the progress bar: {error}"))?;
    Ok(bar.with_style(style))
}

fn ms_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

/// The revision and origin of one side, for programs; `note` says in what it is not quite that.
fn side_json(side: &Side) -> Value {
    let mut json = serde_json::json!({ "what": side.what, "revision": &*side.revision });
    if let Some(note) = &side.note {
        json["note"] = note.as_str().into();
    }
    json
}
