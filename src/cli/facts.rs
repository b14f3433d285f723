//! `relaybell facts`: what rules and templates may know of an event.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::config::{did_you_mean, words};
use crate::source::catalogue::{Catalogue, FactInfo, Form, Supply, entity};

use super::Failure;
use super::output::Output;
use super::seen;

/// `relaybell facts`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the facts of this event, such as defect.created.
    event: Option<String>,
    /// Only what this kind of source can report, such as qase, whether one is configured or not.
    #[arg(long, conflicts_with = "seen")]
    kind: Option<String>,
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
    let known = words(config);
    let catalogues: Vec<&Catalogue> = match &args.kind {
        None => known.configured().iter().map(AsRef::as_ref).collect(),
        Some(kind) => {
            let of_kind = known.everything().iter().find(|one| one.kind() == kind);
            let kinds = || known.everything().iter().map(|one| one.kind());
            let unknown = || Failure::Usage(format!("unknown kind of source '{kind}'{}", did_you_mean(kind, kinds())));
            vec![of_kind.ok_or_else(unknown)?]
        }
    };
    match &args.event {
        None => all(&catalogues, args.json, output),
        Some(event) => of(event, &catalogues, args.json, output),
    }
}

fn all(catalogues: &[&Catalogue], json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        let facts: Vec<Value> =
            catalogues.iter().flat_map(|one| one.facts().iter().map(|fact| everywhere(one, fact))).collect();
        output.data(&serde_json::to_string_pretty(&facts)?)?;
        return Ok(());
    }
    for one in catalogues {
        head(one, catalogues, output)?;
        for fact in one.facts() {
            let carried = told(one, &one.carriers(fact.name).collect());
            let mut lines = vec![values(&one.words_anywhere(fact.name), true), format!("carried by: {carried}")];
            let later = rememberers(one, fact);
            if !later.is_empty() {
                let subjects: BTreeSet<&str> = later.iter().map(|event| entity(event)).collect();
                let subjects = subjects.into_iter().collect::<Vec<_>>().join(", ");
                lines.push(format!("remembered for later events of the same: {subjects}"));
            }
            output.data(&entry(fact, &lines))?;
        }
    }
    output.talk("relaybell facts EVENT tells more of one event.");
    Ok(())
}

/// Names the kind of source where there are several.
fn head(one: &Catalogue, all: &[&Catalogue], output: &mut Output) -> Result<(), Failure> {
    if all.len() > 1 {
        output.data(&format!("== {} ==", one.kind()))?;
    }
    Ok(())
}

fn of(event: &str, catalogues: &[&Catalogue], json: bool, output: &mut Output) -> Result<(), Failure> {
    let describing: Vec<&Catalogue> = catalogues.iter().copied().filter(|one| one.describes(event)).collect();
    if describing.is_empty() {
        let meant = did_you_mean(event, catalogues.iter().flat_map(|one| one.described()));
        return Err(Failure::Usage(format!("unknown event '{event}'{meant}")));
    }
    let facts_of = |one: &Catalogue| -> Vec<(FactInfo, Supply)> {
        let supplied = |fact: &FactInfo| Some((*fact, one.supply(event, fact.name).filter(Supply::is_possible)?));
        one.facts().iter().filter_map(supplied).collect()
    };
    if json {
        let at_event = |one: &&Catalogue| {
            facts_of(one).iter().map(|(fact, supply)| at_event(one, fact, event, supply)).collect::<Vec<_>>()
        };
        let facts: Vec<Value> = describing.iter().flat_map(at_event).collect();
        output.data(&serde_json::to_string_pretty(&facts)?)?;
        return Ok(());
    }
    for one in &describing {
        head(one, &describing, output)?;
        for (fact, supply) in facts_of(one) {
            let words = one.words_at(fact.name, event);
            let named = words.as_ref().map(|words| values(&words.words, words.closed)).unwrap_or_default();
            output.data(&entry(&fact, &[named, source_of(&supply)]))?;
        }
        if !one.events().contains(&event) {
            output.talk(&format!("{} does not document {event}; this is what is known of it.", one.kind()));
        }
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
fn rememberers(one: &Catalogue, fact: &FactInfo) -> BTreeSet<&'static str> {
    let from_memory = |event: &&str| {
        one.supply(event, fact.name).is_some_and(|supply| supply.forms.is_empty() && !supply.remembered_from.is_empty())
    };
    one.described().filter(from_memory).collect()
}

/// Events in few words: `all events`, or `case.*` where every event of cases is meant.
fn told(one: &Catalogue, events: &BTreeSet<&str>) -> String {
    let all: BTreeSet<&str> = one.described().collect();
    if *events == all {
        return "all events".to_owned();
    }
    let whole = |subject: &str| all.iter().filter(|event| entity(event) == subject).all(|event| events.contains(event));
    let mut told: Vec<String> = Vec::new();
    for event in events {
        let subject = entity(event);
        let words = if whole(subject) { format!("{subject}.*") } else { (*event).to_owned() };
        if told.last() != Some(&words) {
            told.push(words);
        }
    }
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn entry(fact: &FactInfo, lines: &[String]) -> String {
    let mut text = format!("{} ({})\n    {}", fact.name, fact.kind.word(), fact.meaning);
    for line in lines.iter().filter(|line| !line.is_empty()) {
        text.push_str(&format!("\n    {line}"));
    }
    text
}

fn everywhere(one: &Catalogue, fact: &FactInfo) -> Value {
    json!({
        "kind": one.kind(), "name": fact.name, "type": fact.kind.word(), "values": one.words_anywhere(fact.name),
        "meaning": fact.meaning, "carried_by": one.carriers(fact.name).collect::<Vec<_>>(),
        "remembered_for": rememberers(one, fact),
    })
}

fn at_event(one: &Catalogue, fact: &FactInfo, event: &str, supply: &Supply) -> Value {
    let words = one.words_at(fact.name, event);
    json!({
        "kind": one.kind(), "name": fact.name, "type": fact.kind.word(), "meaning": fact.meaning,
        "values": words.as_ref().map(|words| words.words.clone()).unwrap_or_default(),
        "other_values": words.is_none_or(|words| !words.closed),
        "forms": supply.forms.iter().map(|form| form.word()).collect::<Vec<_>>(),
        "forms_without": supply.forms_without.iter().map(|form| form.word()).collect::<Vec<_>>(),
        "remembered_from": supply.remembered_from,
    })
}
