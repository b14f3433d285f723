//! The event that a command is about: stored, or read from a body as if it came in now.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http::HeaderMap;

use crate::config::{Disk, FILE_BYTES_MAX, Files, Snapshot, SourceSpec, did_you_mean};
use crate::domain::event::Event;
use crate::domain::facts::Facts;
use crate::domain::ids::EventId;
use crate::domain::memory::Known;
use crate::domain::plan::{Arrival, Decision, Verdict, see};
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::ports::system::SystemClock;
use crate::source::{ByHand, RawHook};
use crate::store::{EventRecord, Ledger};

use super::super::access::{reader, reader_if_any};
use super::super::events;
use super::super::{Failure, block_on};

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

/// Finds the event that `word` means: standard input, a file, a sample or a stored event.
pub(in crate::cli) fn find(snapshot: &Snapshot, word: &str, source: Option<&str>) -> Result<Case, Failure> {
    if word == "-" {
        let mut body = Vec::new();
        std::io::stdin().take(FILE_BYTES_MAX + 1).read_to_end(&mut body).context("standard input cannot be read")?;
        if body.len() as u64 > FILE_BYTES_MAX {
            return Err(anyhow!("standard input is larger than {} MiB", FILE_BYTES_MAX >> 20).into());
        }
        return from_body(snapshot, source, body.into(), "standard input");
    }
    let path = Path::new(word);
    if path.is_file() {
        let body = Disk.read(path).with_context(|| format!("{word} cannot be read"))?;
        return from_body(snapshot, source, body.into(), word);
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
        return from_hook(snapshot, spec, sample.hook(), &format!("the sample {word}"));
    }
    if word.is_empty() || !word.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        let samples = snapshot.sources.values().flat_map(|spec| spec.adapter.samples());
        let meant = did_you_mean(word, samples.map(|sample| sample.variant));
        return Err(Failure::Usage(format!("'{word}' is no id of an event, no file and no sample{meant}")));
    }
    if source.is_some() {
        return Err(Failure::Usage("--source goes with a body; a stored event knows its source".to_owned()));
    }
    let store = reader(&snapshot.storage)?;
    let record = block_on(stored(&store, word))??;
    from_record(snapshot, record)
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

fn from_body(snapshot: &Snapshot, source: Option<&str>, body: Bytes, from: &str) -> Result<Case, Failure> {
    from_hook(snapshot, chosen(snapshot, source)?, RawHook::posted(HeaderMap::new(), body), from)
}

fn from_hook(snapshot: &Snapshot, spec: &SourceSpec, hook: RawHook, from: &str) -> Result<Case, Failure> {
    let body = hook.body.clone();
    let mut reports =
        ByHand(spec.adapter.as_ref()).read(hook).with_context(|| format!("{from} is no webhook of '{}'", spec.name))?;
    let report = match (reports.pop(), reports.len()) {
        (Some(only), 0) => only,
        (None, _) => return Err(anyhow!("{from} reports no event").into()),
        (Some(_), more) => return Err(anyhow!("{from} reports {} events; one is wanted", more + 1).into()),
    };
    let now = SystemClock::start().now();
    let arrival = Arrival {
        id: EventId::new(now, [0; 10]),
        source: spec.name.clone(),
        report,
        body,
        received: now,
        revision: snapshot.revision.clone(),
    };
    let (known, memory) = recall(snapshot, &arrival)?;
    let Event { source, name, project, subject, time, facts, .. } = see(arrival, &known);
    Ok(Case {
        event: name,
        source: source.to_string(),
        project,
        subject,
        time,
        received: now,
        facts,
        facts_from: format!("{from}, {memory}"),
        judged: None,
    })
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
