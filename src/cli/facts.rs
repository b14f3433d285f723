//! `relaybell facts`: what rules and templates may know of an event.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::config::{did_you_mean, sample_events};
use crate::domain::event::Event;
use crate::source::qase::{EVENTS, FACTS, FactInfo};

use super::Failure;
use super::output::Output;

/// What the samples of events that nobody documents begin with.
const INVENTED: &str = "unknown.";

/// `relaybell facts`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the facts of this event, such as defect.created.
    event: Option<String>,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

/// The samples by the name of their event.
struct Samples(BTreeMap<String, Vec<Event>>);

/// How many of an event's samples have a fact.
#[derive(Debug, Clone, Copy)]
struct Share {
    with: usize,
    of: usize,
}

impl Samples {
    fn read() -> Self {
        let mut all: BTreeMap<String, Vec<Event>> = BTreeMap::new();
        for (variant, event) in sample_events() {
            if !variant.starts_with(INVENTED) {
                all.entry(event.name.clone()).or_default().push(event);
            }
        }
        Self(all)
    }

    fn share(&self, event: &str, fact: &FactInfo) -> Share {
        let samples = self.0.get(event).map(Vec::as_slice).unwrap_or_default();
        let with = samples.iter().filter(|sample| sample.facts.values.contains_key(fact.name)).count();
        Share { with, of: samples.len() }
    }

    /// The events with a sample that has `fact`.
    fn events_with(&self, fact: &FactInfo) -> Vec<&str> {
        self.0.keys().map(String::as_str).filter(|event| self.share(event, fact).with > 0).collect()
    }

    /// The same in few words: `all`, or `case.*` where every event of cases has it.
    fn told(&self, fact: &FactInfo) -> String {
        let with: BTreeSet<&str> = self.events_with(fact).into_iter().collect();
        if with.len() == self.0.len() {
            return "all events".to_owned();
        }
        let group = |event: &str| event.split_once('.').map_or(event, |(subject, _)| subject).to_owned();
        let whole = |subject: &str| {
            self.0.keys().filter(|event| group(event) == subject).all(|event| with.contains(event.as_str()))
        };
        let mut told: Vec<String> = Vec::new();
        for event in &with {
            let subject = group(event);
            let words = if whole(&subject) { format!("{subject}.*") } else { (*event).to_owned() };
            if told.last() != Some(&words) {
                told.push(words);
            }
        }
        if told.is_empty() { "none".to_owned() } else { told.join(", ") }
    }
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let samples = Samples::read();
    match &args.event {
        None => all(&samples, args.json, output),
        Some(event) => of(&samples, event, args.json, output),
    }
}

fn all(samples: &Samples, json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        let facts: Vec<Value> = FACTS
            .iter()
            .map(|fact| {
                let mut shown = summary(fact);
                shown["seen_in_samples_of"] = json!(samples.events_with(fact));
                shown
            })
            .collect();
        output.data(&serde_json::to_string_pretty(&facts)?)?;
        return Ok(());
    }
    for fact in FACTS {
        output.data(&entry(fact, &format!("seen in samples of: {}", samples.told(fact))))?;
    }
    Ok(())
}

fn of(samples: &Samples, event: &str, json: bool, output: &mut Output) -> Result<(), Failure> {
    let known: BTreeSet<&str> = EVENTS.iter().copied().chain(samples.0.keys().map(String::as_str)).collect();
    if !known.contains(event) {
        let meant = did_you_mean(event, known.iter().copied());
        return Err(Failure::Usage(format!("unknown event '{event}'{meant}")));
    }
    let carried = FACTS.iter().map(|fact| (fact, samples.share(event, fact))).filter(|(_, share)| share.with > 0);
    if json {
        let facts: Vec<Value> = carried
            .map(|(fact, share)| {
                let mut shown = summary(fact);
                shown["samples_with_it"] = share.with.into();
                shown["samples"] = share.of.into();
                shown
            })
            .collect();
        output.data(&serde_json::to_string_pretty(&facts)?)?;
        return Ok(());
    }
    for (fact, share) in carried {
        let seen = match share {
            Share { with, of } if with == of && of == 1 => "seen in the sample".to_owned(),
            Share { with, of } if with == of => format!("seen in all {of} samples"),
            Share { with, of } => format!("seen in {with} of {of} samples"),
        };
        output.data(&entry(fact, &seen))?;
    }
    output.talk("Other facts may be remembered from earlier events of the same subject.");
    Ok(())
}

fn entry(fact: &FactInfo, seen: &str) -> String {
    let mut text = format!("{} ({})\n    {}", fact.name, fact.kind.word(), fact.meaning);
    let values = fact.values();
    if !values.is_empty() {
        text.push_str(&format!("\n    values: {}", values.join(", ")));
    }
    format!("{text}\n    {seen}")
}

fn summary(fact: &FactInfo) -> Value {
    json!({ "name": fact.name, "type": fact.kind.word(), "values": fact.values(), "meaning": fact.meaning })
}
