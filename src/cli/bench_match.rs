//! `relaybell bench-match`: how fast rules are held against events, by the index and the
//! evaluator that serve. Nothing is stored and nothing is sent, so of each event only what
//! rules ask for is read.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::json;
use url::Url;

use crate::config::rules_alone;
use crate::domain::rule::RuleSet;
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::ports::system::SystemClock;
use crate::source::proof::Proof;
use crate::source::qase::Qase;
use crate::source::{RawHook, prove};

use super::Failure;
use super::output::{Output, plain};

/// The name of the source that the events come from.
const SOURCE: &str = "qase";
/// The most bad lines that are told one by one.
const BAD_LINES_MAX: usize = 20;

/// `relaybell bench-match`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A rule file, or a folder of them. What they send is not looked at.
    rules: PathBuf,
    /// A file with one webhook of Qase a line.
    events: PathBuf,
    /// How many threads share the events.
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::MIN)]
    threads: NonZeroUsize,
}

/// What one thread found.
#[derive(Default)]
struct Tally {
    matches: u64,
    /// The lines that are no webhook, from 1, each with the reason.
    bad: Vec<(usize, String)>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let clock = SystemClock::start();
    let rules = rules_alone(&args.rules, &[SOURCE]).map_err(|findings| {
        output.talk(&findings.render(output.talk_color()));
        Failure::Finding
    })?;
    let load_seconds = clock.elapsed().as_secs_f64();
    let lines = lines(&args.events)?;
    let qase = Qase {
        name: SOURCE.to_owned(),
        proof: Proof::Nothing,
        app_url: Url::parse("https://app.qase.io").context("Qase's own address")?,
    };

    let began = clock.elapsed();
    let share = lines.len().div_ceil(args.threads.get()).max(1);
    let tallies = std::thread::scope(|scope| {
        let threads: Vec<_> =
            lines.chunks(share).map(|part| scope.spawn(|| held_against(part, &rules, &qase))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Vec<_>>()
    });
    let seconds = (clock.elapsed() - began).as_secs_f64();

    let bad: Vec<_> = tallies.iter().flat_map(|tally| &tally.bad).collect();
    for (line, why) in bad.iter().take(BAD_LINES_MAX) {
        output.talk(&format!("error: {}:{line}: {}", args.events.display(), plain(why)));
    }
    if !bad.is_empty() {
        let more = bad.len().saturating_sub(BAD_LINES_MAX);
        if more > 0 {
            output.talk(&format!("and {more} more lines"));
        }
        output.talk("help: each line must be one whole webhook of Qase: {\"event_name\":…,\"payload\":{…},…}");
        return Err(Failure::Finding);
    }
    let matches: u64 = tallies.iter().map(|tally| tally.matches).sum();
    let figures = json!({
        "rules": rules.rules().len(),
        "events": lines.len(),
        "matches": matches,
        "load_seconds": load_seconds,
        "seconds": seconds,
        "events_per_second": if seconds > 0.0 { (lines.len() as f64 / seconds).round() } else { 0.0 },
    });
    output.data(&figures.to_string())?;
    Ok(())
}

/// The lines of the file with their numbers, but for blank ones.
fn lines(path: &Path) -> Result<Vec<(usize, Bytes)>, Failure> {
    #[expect(clippy::disallowed_methods, reason = "a file named on the command line")]
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let text = Bytes::from(text);
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if !line.iter().all(u8::is_ascii_whitespace) {
            lines.push((number, text.slice_ref(line)));
        }
    }
    Ok(lines)
}

/// The way of each webhook from its bytes to the rules that match.
fn held_against(lines: &[(usize, Bytes)], rules: &RuleSet, source: &Qase) -> Tally {
    let mut tally = Tally::default();
    let received = Timestamp::from_seconds(1_789_400_000);
    let lens = source.lens(rules.asked());
    for (number, body) in lines {
        let hook = RawHook::posted(HeaderMap::new(), body.clone());
        let glimpse = prove(source, hook, received)
            .map_err(|refusal| refusal.to_string())
            .and_then(|verified| lens.glimpse(&verified, received).map_err(|malformed| malformed.why));
        match glimpse {
            Ok(event) => tally.matches += rules.matching(&event).count() as u64,
            Err(why) => tally.bad.push((*number, why)),
        }
    }
    tally
}
