//! `relaybell test --from EVENT`: a test made of a stored event, and of the earlier ones of
//! its subject where it needs what they said.

use std::time::Duration;

use anyhow::{Context, anyhow};
use http::HeaderMap;
use serde_json::Value;

use crate::config::trials::Receive;
use crate::config::{Snapshot, did_you_mean};
use crate::domain::facts::Facts;
use crate::domain::plan::{Decision, Verdict};
use crate::relay::trial::{Bench, Happening};
use crate::source::{ByHand, RawHook};
use crate::store::{EventRecord, Ledger};

use super::super::access::reader;
use super::super::events;
use super::super::output::{Output, plain};
use super::super::{Failure, block_on};
use super::write;

/// How many stored events are looked through for earlier ones of the same subject.
const LOOKED_THROUGH_MAX: usize = 20_000;
/// How many are read at once.
const PAGE: usize = 500;
/// The most earlier events that a test begins with.
const EARLIER_MAX: usize = 20;
/// The largest body that fits into a rule file.
const BODY_BYTES_MAX: usize = 60 * 1024;

/// One webhook of the test that is made, and what it causes.
pub(super) struct Told {
    /// How long after the one before.
    pub(super) after: Duration,
    /// The source.
    pub(super) source: String,
    /// The body.
    pub(super) body: Value,
    /// What it causes by today's rules.
    pub(super) happenings: Vec<Happening>,
}

pub(super) fn run(snapshot: &Snapshot, word: &str, name: Option<&str>, output: &mut Output) -> Result<(), Failure> {
    let store = reader(&snapshot.storage)?;
    let (event, earlier, cut) = block_on(gather(snapshot, &store, word))??;
    let alone = block_on(tell(snapshot, std::slice::from_ref(&event)))??;
    let mut story = earlier;
    story.push(event);
    let whole = block_on(tell(snapshot, &story))??;
    let Some(event) = story.last() else { return Ok(()) };
    // What the earlier events said is left out where it makes no difference.
    let needed = !same(&alone, &whole);
    let (first, told) = if needed { (story.first().unwrap_or(event), &whole) } else { (event, &alone) };
    let name = name.map_or_else(|| free_name(snapshot, event), str::to_owned);
    output.data(&write::test(&name, first.received, told))?;
    for remark in remarks(event, &whole, needed && cut) {
        output.talk(&remark);
    }
    Ok(())
}

/// The event that `word` means, the earlier ones of its subject, the oldest first, and
/// whether there may be more of them.
async fn gather(
    snapshot: &Snapshot,
    ledger: &dyn Ledger,
    word: &str,
) -> Result<(EventRecord, Vec<EventRecord>, bool), Failure> {
    let id = events::find(ledger, word).await?;
    let missing = || anyhow!("there is no event {id}; it may be older than storage.keep");
    let event = ledger.event(id).await?.ok_or_else(missing)?;
    let mut earlier: Vec<EventRecord> = Vec::new();
    let begins = read(snapshot, &event)?.0.reports.iter().all(|report| report.begins);
    // Nothing came before what begins its subject.
    if event.subject.is_none() || begins {
        return Ok((event, earlier, false));
    }
    let mut before = id;
    for _ in 0..LOOKED_THROUGH_MAX / PAGE {
        let page = ledger.events(Some(&event.source), Some(before), PAGE).await?;
        let Some(last) = page.last() else {
            earlier.reverse();
            return Ok((event, earlier, false));
        };
        before = last.id;
        for one in page {
            let about_it = one.subject == event.subject && one.project == event.project;
            // One webhook can report several events.
            let later = earlier.last().unwrap_or(&event);
            let same_hook = later.body == one.body && later.received == one.received;
            if about_it && !same_hook {
                earlier.push(one);
            }
        }
        if earlier.len() >= EARLIER_MAX {
            earlier.truncate(EARLIER_MAX);
            break;
        }
    }
    earlier.reverse();
    Ok((event, earlier, true))
}

/// What today's rules make of `story`.
async fn tell(snapshot: &Snapshot, story: &[EventRecord]) -> Result<Vec<Told>, Failure> {
    let Some(first) = story.first() else { return Ok(Vec::new()) };
    let mut bench = Bench::new(snapshot, first.received);
    let mut now = first.received;
    let mut told = Vec::with_capacity(story.len());
    for record in story {
        let (receive, body) = read(snapshot, record)?;
        let after = round(record.received.since(now));
        now = now.plus(after);
        bench.pass(after);
        let happenings = bench.receive(&receive, 0).await?;
        told.push(Told { after, source: record.source.clone(), body, happenings });
    }
    Ok(told)
}

/// A span that one unit can say: milliseconds matter below a second only.
fn round(span: Duration) -> Duration {
    if span < Duration::from_secs(1) { span } else { Duration::from_secs(span.as_secs()) }
}

fn read(snapshot: &Snapshot, record: &EventRecord) -> Result<(Receive, Value), Failure> {
    let spec = snapshot.sources.get(record.source.as_str()).ok_or_else(|| {
        let names = snapshot.sources.keys().map(AsRef::as_ref);
        anyhow!("relaybell.yaml has no source '{}' now{}", record.source, did_you_mean(&record.source, names))
    })?;
    if record.body.len() > BODY_BYTES_MAX {
        let max = BODY_BYTES_MAX / 1024;
        return Err(anyhow!("the body of event {} is larger than {max} KiB, too large for a test", record.id).into());
    }
    let body: Value =
        serde_json::from_slice(&record.body).with_context(|| format!("the body of event {} is no JSON", record.id))?;
    let bytes = bytes::Bytes::from(body.to_string());
    let reports = ByHand(spec.adapter.as_ref())
        .read(RawHook::posted(HeaderMap::new(), bytes.clone()))
        .with_context(|| format!("event {} cannot be read with the configuration as it is now", record.id))?;
    Ok((Receive { source: spec.name.clone(), body: bytes, reports }, body))
}

/// Whether both end alike: the same rules decide the same, and the same is sent.
fn same(one: &[Told], other: &[Told]) -> bool {
    let end = |told: &[Told]| {
        let happenings = told.last().map(|last| last.happenings.as_slice()).unwrap_or_default();
        let sent: Vec<_> = happenings
            .iter()
            .flat_map(|happening| &happening.deliveries)
            .map(|sent| (sent.rule.clone(), sent.destination.clone(), sent.action, sent.content.clone()))
            .collect();
        let rules: Vec<_> = happenings.iter().flat_map(|happening| names(&happening.verdicts)).collect();
        (sent, rules)
    };
    end(one) == end(other)
}

/// The rules that matched, and whether they have sent anything.
fn names(verdicts: &[Verdict]) -> Vec<(String, bool)> {
    verdicts.iter().map(|one| (one.rule.to_string(), matches!(one.decision, Decision::Sent(_)))).collect()
}

/// A name that no test has yet.
fn free_name(snapshot: &Snapshot, event: &EventRecord) -> String {
    let about = event.subject.as_deref().unwrap_or("no subject");
    let name = plain(&format!("{} of {about}", event.name));
    let name: String = name.chars().take(crate::config::trials::TRIAL_NAME_CHARS_MAX / 2).collect();
    let taken = |name: &str| snapshot.trials.iter().any(|trial| &*trial.name == name);
    (1..).map(|n| if n == 1 { name.clone() } else { format!("{name} ({n})") }).find(|name| !taken(name)).unwrap_or(name)
}

/// What the reader must know: where the test does not tell what happened then.
fn remarks(event: &EventRecord, whole: &[Told], cut: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    let subject = event.subject.as_deref().unwrap_or_default();
    let happenings = whole.last().map(|last| last.happenings.as_slice()).unwrap_or_default();
    let Some(now) = happenings.iter().find(|happening| happening.event.name == event.name) else { return remarks };
    if cut {
        remarks.push(format!("the test begins with the last {EARLIER_MAX} earlier events of {subject}, not with all"));
    }
    let then: Facts = serde_json::from_value(event.facts.clone()).unwrap_or_default();
    let other: Vec<&str> = then
        .values
        .iter()
        .filter(|(name, value)| *name != "age" && now.event.facts.values.get(*name) != Some(*value))
        .map(|(name, _)| name.as_str())
        .collect();
    if !other.is_empty() {
        let list = other.join(", ");
        remarks.push(format!("the test does not know all that was known then: {list} (earlier events are gone)"));
    }
    let sent = |verdicts: &[Verdict]| -> Vec<String> {
        let mut rules: Vec<String> =
            names(verdicts).into_iter().filter(|(_, sent)| *sent).map(|(rule, _)| rule).collect();
        rules.sort();
        rules
    };
    let (then, now) = (sent(&event.verdicts), sent(&now.verdicts));
    if then != now {
        let list = |rules: &[String]| if rules.is_empty() { "no rule".to_owned() } else { rules.join(", ") };
        remarks.push(format!(
            "the test expects what today's rules send ({}); when it was received it was: {}",
            list(&now),
            list(&then)
        ));
    }
    remarks
}
