//! `relaybell facts`: what rules and templates may know of an event.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::config::did_you_mean;
use crate::source::qase::{EVENTS, FACTS, FactInfo, Form, Supply, carriers, described, supply, words_of};

use super::Failure;
use super::output::Output;
use super::seen;

/// `relaybell facts`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the facts of this event, such as defect.created.
    event: Option<String>,
    /// What the events that came have shown instead: their facts, values and fields.
    #[arg(long)]
    seen: bool,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    if args.seen {
        return seen::run(config, args.event.as_deref(), args.json, output);
    }
    match &args.event {
        None => all(args.json, output),
        Some(event) => of(event, args.json, output),
    }
}

fn all(json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        let facts: Vec<Value> = FACTS.iter().map(everywhere).collect();
        output.data(&serde_json::to_string_pretty(&facts)?)?;
        return Ok(());
    }
    for fact in FACTS {
        let mut lines =
            vec![values(&fact.values(), true), format!("carried by: {}", told(&carriers(fact.name).collect()))];
        let later = rememberers(fact);
        if !later.is_empty() {
            let subjects: BTreeSet<&str> = later.iter().map(|event| subject_of(event)).collect();
            let subjects = subjects.into_iter().collect::<Vec<_>>().join(", ");
            lines.push(format!("remembered for later events of the same: {subjects}"));
        }
        output.data(&entry(fact, &lines))?;
    }
    output.talk("relaybell facts EVENT tells more of one event.");
    Ok(())
}

fn of(event: &str, json: bool, output: &mut Output) -> Result<(), Failure> {
    if !described().any(|known| known == event) {
        let meant = did_you_mean(event, described());
        return Err(Failure::Usage(format!("unknown event '{event}'{meant}")));
    }
    let facts = FACTS.iter().filter_map(|fact| {
        let supply = supply(event, fact.name).filter(Supply::is_possible)?;
        Some((fact, supply))
    });
    if json {
        let facts: Vec<Value> = facts.map(|(fact, supply)| at_event(fact, event, &supply)).collect();
        output.data(&serde_json::to_string_pretty(&facts)?)?;
        return Ok(());
    }
    for (fact, supply) in facts {
        let words = words_of(fact.name, [event]);
        let named = words.as_ref().map(|words| values(&words.words, words.closed)).unwrap_or_default();
        output.data(&entry(fact, &[named, source_of(&supply)]))?;
    }
    if !EVENTS.contains(&event) {
        output.talk(&format!("Qase does not document {event}; this is what is known of it."));
    }
    Ok(())
}

/// Where an event has a fact from, in words.
fn source_of(supply: &Supply) -> String {
    let from = supply.remembered_from.join(", ");
    let without: Vec<&str> = supply.forms_without.iter().map(|form| form.word()).collect();
    let carried = match supply.forms.as_slice() {
        [] => return format!("remembered from {from}, if that came before"),
        _ if without.is_empty() => return "carried".to_owned(),
        [only @ (Form::Short | Form::Oldest)] => format!("carried in the {} form only", only.word()),
        _ => format!("carried, but not in the {} form", without.join(" or the ")),
    };
    if from.is_empty() { carried } else { format!("{carried}; otherwise remembered from {from}") }
}

/// Values in words; open ended where there may be others.
fn values(words: &[&str], closed: bool) -> String {
    match words {
        [] => String::new(),
        words if closed => format!("values: {}", words.join(", ")),
        words => format!("values: {} (there may be others)", words.join(", ")),
    }
}

/// The events that have `fact` from memory alone.
fn rememberers(fact: &FactInfo) -> BTreeSet<&'static str> {
    let from_memory = |event: &&str| {
        supply(event, fact.name).is_some_and(|supply| supply.forms.is_empty() && !supply.remembered_from.is_empty())
    };
    described().filter(from_memory).collect()
}

/// Events in few words: `all events`, or `case.*` where every event of cases is meant.
fn told(events: &BTreeSet<&str>) -> String {
    let all: BTreeSet<&str> = described().collect();
    if *events == all {
        return "all events".to_owned();
    }
    let whole =
        |subject: &str| all.iter().filter(|event| subject_of(event) == subject).all(|event| events.contains(event));
    let mut told: Vec<String> = Vec::new();
    for event in events {
        let subject = subject_of(event);
        let words = if whole(subject) { format!("{subject}.*") } else { (*event).to_owned() };
        if told.last() != Some(&words) {
            told.push(words);
        }
    }
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

/// What an event is about: the part before the dot.
fn subject_of(event: &str) -> &str {
    event.split_once('.').map_or(event, |(subject, _)| subject)
}

fn entry(fact: &FactInfo, lines: &[String]) -> String {
    let mut text = format!("{} ({})\n    {}", fact.name, fact.kind.word(), fact.meaning);
    for line in lines.iter().filter(|line| !line.is_empty()) {
        text.push_str(&format!("\n    {line}"));
    }
    text
}

fn everywhere(fact: &FactInfo) -> Value {
    json!({
        "name": fact.name, "type": fact.kind.word(), "values": fact.values(), "meaning": fact.meaning,
        "carried_by": carriers(fact.name).collect::<Vec<_>>(), "remembered_for": rememberers(fact),
    })
}

fn at_event(fact: &FactInfo, event: &str, supply: &Supply) -> Value {
    let words = words_of(fact.name, [event]);
    json!({
        "name": fact.name, "type": fact.kind.word(), "meaning": fact.meaning,
        "values": words.as_ref().map(|words| words.words.clone()).unwrap_or_default(),
        "other_values": words.is_none_or(|words| !words.closed),
        "forms": supply.forms.iter().map(|form| form.word()).collect::<Vec<_>>(),
        "forms_without": supply.forms_without.iter().map(|form| form.word()).collect::<Vec<_>>(),
        "remembered_from": supply.remembered_from,
    })
}
