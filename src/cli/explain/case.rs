//! The events that a command is about: a stored one, or those of a webhook as if it came in now.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::{Disk, FILE_BYTES_MAX, Files, Snapshot, SourceSpec, did_you_mean};
use crate::domain::event::{Event, SubjectKey};
use crate::domain::facts::Facts;
use crate::domain::ids::EventId;
use crate::domain::memory::Known;
use crate::domain::plan::{Arrival, Decision, Verdict, plan_event};
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::ports::system::SystemClock;
use crate::source::{ByHand, RawHook};
use crate::store::{EventRecord, Ledger};

use super::super::access::{reader, reader_if_any};
use super::super::events;
use super::super::output::Output;
use super::super::{Failure, block_on};

/// Whence a webhook is, that is given by hand.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Whence {
    /// The source a body comes from; by default the only one there is.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// A header that comes with the body, for sources that read it. Can be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Reads `Name: value`.
fn header(written: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = written.split_once(':').ok_or("write it as  'Name: value'")?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| format!("'{}' is no name of a header", name.trim()))?;
    let value = HeaderValue::try_from(value.trim()).map_err(|_| "a header's value is one line of text".to_owned())?;
    Ok((name, value))
}

impl Whence {
    /// Puts its headers over those of `hook`.
    fn complete(&self, mut hook: RawHook) -> RawHook {
        for (name, _) in &self.headers {
            hook.headers.remove(name);
        }
        hook.headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        hook
    }
}

/// The event that a command is about.
pub(in crate::cli) struct Case {
    /// Its name.
    pub(in crate::cli) event: String,
    /// Its source.
    pub(in crate::cli) source: String,
    /// Its project.
    pub(in crate::cli) project: Option<String>,
    /// Its subject.
    pub(in crate::cli) subject: Option<String>,
    /// When it happened.
    pub(in crate::cli) time: Timestamp,
    /// When it was received; now for one that was not.
    pub(in crate::cli) received: Timestamp,
    /// Its facts.
    pub(in crate::cli) facts: Facts,
    /// Where the facts are from, for people.
    pub(in crate::cli) facts_from: String,
    /// How it was judged, when it is a stored event.
    pub(in crate::cli) judged: Option<Judged>,
}

/// How a stored event was judged.
pub(in crate::cli) struct Judged {
    /// The event.
    pub(in crate::cli) id: EventId,
    /// The revision of the configuration that judged it.
    pub(in crate::cli) revision: String,
    /// What was decided.
    pub(in crate::cli) verdicts: Vec<Verdict>,
}

impl Judged {
    /// Whether planning failed, so that nothing was decided.
    pub(in crate::cli) fn is_broken(&self) -> bool {
        self.verdicts.iter().any(|verdict| matches!(verdict.decision, Decision::Broken { .. }))
    }
}

/// The one event that `word` means; of a webhook that reports several, the first.
pub(in crate::cli) fn find_one(
    snapshot: &Snapshot,
    word: &str,
    whence: &Whence,
    output: &mut Output,
) -> Result<Case, Failure> {
    let mut cases = find(snapshot, word, whence)?;
    if cases.len() > 1 {
        output.talk(&format!("{word} reports {} events; this is the first", cases.len()));
    }
    Ok(cases.swap_remove(0))
}

/// Finds the events that `word` means: on standard input, in a file, a sample or a stored one.
/// There is at least one.
pub(in crate::cli) fn find(snapshot: &Snapshot, word: &str, whence: &Whence) -> Result<Vec<Case>, Failure> {
    let source = whence.source.as_deref();
    if word == "-" {
        let mut body = Vec::new();
        std::io::stdin().take(FILE_BYTES_MAX + 1).read_to_end(&mut body).context("standard input cannot be read")?;
        if body.len() as u64 > FILE_BYTES_MAX {
            return Err(anyhow!("standard input is larger than {} MiB", FILE_BYTES_MAX >> 20).into());
        }
        return from_body(snapshot, whence, body.into(), "standard input");
    }
    let path = Path::new(word);
    if path.is_file() {
        let body = Disk.read(path).with_context(|| format!("{word} cannot be read"))?;
        return from_body(snapshot, whence, body.into(), word);
    }
    if source.is_some() {
        chosen(snapshot, source)?;
    }
    let of = |name: &str| source.is_none_or(|wanted| wanted == name);
    let mut sources = snapshot.sources.values().filter(|spec| of(&spec.name));
    let sampled = sources.find_map(|spec| {
        let sample = spec.adapter.samples().iter().find(|sample| sample.variant == word)?;
        Some((spec, sample))
    });
    if let Some((spec, sample)) = sampled {
        return from_hook(snapshot, spec, whence.complete(sample.hook()), &format!("the sample {word}"));
    }
    if word.is_empty() || !word.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(Failure::Usage(unknown(snapshot, source, word)));
    }
    if source.is_some() {
        return Err(Failure::Usage("--source goes with a body; a stored event knows its source".to_owned()));
    }
    if !whence.headers.is_empty() {
        return Err(Failure::Usage("--header goes with a body; a stored event knows its headers".to_owned()));
    }
    let store = reader(&snapshot.storage)?;
    let record = block_on(stored(&store, word))??;
    Ok(vec![from_record(snapshot, record)?])
}

/// Why `word` names nothing.
fn unknown(snapshot: &Snapshot, source: Option<&str>, word: &str) -> String {
    let samples = |of: &SourceSpec| of.adapter.samples().iter().map(|sample| sample.variant);
    let nothing = format!("'{word}' is no id of an event, no file and no sample");
    let others = || snapshot.sources.values().filter(|spec| source.is_some_and(|wanted| wanted != &*spec.name));
    let elsewhere = others().find(|spec| samples(spec).any(|sample| sample == word));
    if let (Some(wanted), Some(other)) = (source, elsewhere) {
        return format!("{nothing} of the source '{wanted}'; the source '{}' has a sample of that name", other.name);
    }
    let of = |spec: &&Arc<SourceSpec>| source.is_none_or(|wanted| wanted == &*spec.name);
    let meant = did_you_mean(word, snapshot.sources.values().filter(of).flat_map(|spec| samples(spec)));
    let of = source.map(|wanted| format!(" of the source '{wanted}'")).unwrap_or_default();
    format!("{nothing}{of}{meant}")
}

async fn stored(ledger: &dyn Ledger, word: &str) -> Result<EventRecord, Failure> {
    let id = events::find(ledger, word).await?;
    let found = ledger.event(id).await?;
    found.ok_or_else(|| anyhow!("there is no event {id}; it may be older than storage.keep").into())
}

fn from_record(snapshot: &Snapshot, record: EventRecord) -> Result<Case, Failure> {
    let mut facts: Facts = serde_json::from_value(record.facts)
        .with_context(|| format!("the facts of event {} are damaged", record.id))?;
    let mut facts_from = "as they were seen when it was received".to_owned();
    let hook = RawHook::restored(&record.headers, record.body.into());
    match payload(snapshot, &record.source, &record.name, hook) {
        Ok(payload) => {
            facts.values.insert("payload".to_owned(), payload);
        }
        Err(why) => facts_from.push_str(&format!("; payload is not known: {why}")),
    }
    Ok(Case {
        event: record.name,
        source: record.source,
        project: record.project,
        subject: record.subject,
        time: record.time,
        received: record.received,
        facts,
        facts_from,
        judged: Some(Judged { id: record.id, revision: record.revision, verdicts: record.verdicts }),
    })
}

/// The payload of a stored event: it is kept as part of the body only.
pub(in crate::cli) fn payload(
    snapshot: &Snapshot,
    source: &str,
    event: &str,
    hook: RawHook,
) -> Result<serde_json::Value, String> {
    let spec = snapshot.sources.get(source).ok_or_else(|| format!("relaybell.yaml has no source '{source}' now"))?;
    let reports = ByHand(spec.adapter.as_ref()).read(hook).map_err(|error| error.to_string())?;
    let report = reports.into_iter().find(|report| report.event == event);
    report.map(|report| report.payload).ok_or_else(|| "the body reads as another event now".to_owned())
}

fn from_body(snapshot: &Snapshot, whence: &Whence, body: Bytes, from: &str) -> Result<Vec<Case>, Failure> {
    let spec = chosen(snapshot, whence.source.as_deref())?;
    from_hook(snapshot, spec, whence.complete(RawHook::posted(HeaderMap::new(), body)), from)
}

fn from_hook(snapshot: &Snapshot, spec: &SourceSpec, hook: RawHook, from: &str) -> Result<Vec<Case>, Failure> {
    let (body, is_bare) = (hook.body.clone(), hook.headers.is_empty());
    let reports =
        ByHand(spec.adapter.as_ref()).read(hook).with_context(|| format!("{from} is no webhook of '{}'", spec.name))?;
    if reports.is_empty() {
        let hint = "; if its mapping reads headers, give them: --header 'Name: value'";
        let hint = if is_bare && spec.kind == "json" { hint } else { "" };
        return Err(anyhow!("{from} reports no event{hint}").into());
    }
    let now = SystemClock::start().now();
    // What an earlier event of the same webhook says of a subject is known to a later one.
    let mut told: HashMap<SubjectKey, Known> = HashMap::new();
    let mut cases = Vec::new();
    for report in reports {
        let arrival = Arrival {
            id: EventId::new(now, [0; 10]),
            source: spec.name.clone(),
            report,
            body: body.clone(),
            received: now,
            revision: snapshot.revision.clone(),
        };
        let key = arrival.subject_key();
        let before = key.as_ref().and_then(|key| told.get(key)).cloned();
        let (known, memory) = match before {
            Some(known) => (known, "with what the events before it say of the same".to_owned()),
            None => recall(snapshot, &arrival)?,
        };
        let plan = plan_event(arrival, &known, &snapshot.rules, &snapshot.templates);
        if let (Some(key), Some(change)) = (key, plan.memory) {
            let version = change.from.unwrap_or_default() + 1;
            told.insert(key, Known { memory: Some((change.to, version)) });
        }
        let Event { source, name, project, subject, time, facts, .. } = plan.event;
        cases.push(Case {
            event: name,
            source: source.to_string(),
            project,
            subject,
            time,
            received: now,
            facts,
            facts_from: format!("{from}, {memory}"),
            judged: None,
        });
    }
    Ok(cases)
}

/// What the store, if there is one, remembers of the event's subject; and that in words.
fn recall(snapshot: &Snapshot, arrival: &Arrival) -> Result<(Known, String), Failure> {
    let Some(key) = arrival.subject_key() else {
        return Ok((Known::default(), "which names no subject to remember".to_owned()));
    };
    let Some(store) = reader_if_any(&snapshot.storage)? else {
        return Ok((Known::default(), "without memory: there is no store yet".to_owned()));
    };
    let known = block_on(store.remembered(&key))??;
    let subject = arrival.report.subject.as_deref().unwrap_or_default();
    let words = match known.memory {
        Some(_) => format!("with what is remembered of {subject}"),
        None => format!("and nothing is remembered of {subject}"),
    };
    Ok((known, words))
}

fn chosen<'s>(snapshot: &'s Snapshot, source: Option<&str>) -> Result<&'s Arc<SourceSpec>, Failure> {
    let names = || snapshot.sources.keys().map(AsRef::as_ref);
    match source {
        Some(name) => snapshot
            .sources
            .get(name)
            .ok_or_else(|| Failure::Usage(format!("there is no source '{name}'{}", did_you_mean(name, names())))),
        None => {
            let mut all = snapshot.senders();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(only),
                (None, _) => Err(Failure::Usage("relaybell.yaml has no source that could read a body".to_owned())),
                (Some(_), Some(_)) => {
                    let names: Vec<&str> = snapshot.senders().map(|spec| spec.name.as_ref()).collect();
                    Err(Failure::Usage(format!("say which source the body comes from: --source {}", names.join(" | "))))
                }
            }
        }
    }
}
