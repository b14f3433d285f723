//! `relaybell events`: what came in.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};

use crate::domain::ids::EventId;
use crate::domain::plan::{Decision, Verdict};
use crate::domain::stage::Stage;
use crate::domain::time::Timestamp;
use crate::store::{DeliveryFilter, EventRecord, Ledger};

use super::access::{configuration, reader};
use super::output::{Output, at_least_one, plain};
use super::table::table;
use super::{Failure, block_on};

mod came;
mod replan;

/// The most ids shown when a prefix fits several.
const CANDIDATES_MAX: usize = 5;

/// `relaybell events`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List events, the newest first.
    List {
        /// Only of this source.
        #[arg(long)]
        source: Option<String>,
        /// Only those that came in and could not be read.
        #[arg(long)]
        quarantined: bool,
        /// How many.
        #[arg(long, default_value = "20", value_parser = at_least_one)]
        limit: usize,
        /// Print them as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one event: its facts and where they came from, what the rules decided, its deliveries;
    /// of one that could not be read, the webhook as it came.
    Show {
        /// Its id, or the beginning of it.
        id: String,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
        /// Print exactly the bytes of the webhook's body, and nothing else.
        #[arg(long, conflicts_with = "json")]
        raw: bool,
    },
    /// Read and plan again what no rule could judge, with the configuration as it is now:
    /// events that could not be read (quarantined), or whose planning failed (broken). An
    /// event that was decided stays as it was decided.
    Replan(replan::Args),
}

pub(super) fn run(config: &Path, command: &Command, output: &mut Output) -> Result<(), Failure> {
    let place = configuration(config, output)?;
    match command {
        Command::List { source, quarantined: false, limit, json } => {
            let store = reader(&place.storage)?;
            let events = block_on(store.events(source.as_deref(), None, *limit))??;
            list(&events, *json, output)
        }
        Command::List { source, quarantined: true, limit, json } => {
            let store = reader(&place.storage)?;
            let events = block_on(store.events_at(Stage::Quarantined, source.as_deref(), None, *limit))??;
            list(&events, *json, output)
        }
        Command::Show { id, json, raw } => {
            let store = reader(&place.storage)?;
            let form = match (json, raw) {
                (true, _) => Form::Json,
                (_, true) => Form::Raw,
                _ => Form::Text,
            };
            block_on(show(config, &store, id, form, output))?
        }
        Command::Replan(args) => replan::run(config, &place, args, output),
    }
}

fn list(events: &[EventRecord], json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        let all: Vec<Value> = events.iter().map(summary).collect();
        output.data(&serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    if events.is_empty() {
        output.talk("no events yet");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|event| {
            vec![
                event.id.to_string(),
                event.received.to_string(),
                event.source.clone(),
                plain(&event.name),
                plain(event.project.as_deref().unwrap_or("-")),
                plain(event.subject.as_deref().unwrap_or("-")),
                match (event.stage, event.verdicts.len()) {
                    (Stage::Awaiting | Stage::Quarantined, _) => event.stage.word().to_owned(),
                    (_, 0) => "no rule matched".to_owned(),
                    _ => event.verdicts.iter().map(rule).collect::<Vec<_>>().join(", "),
                },
            ]
        })
        .collect();
    output.data(&table(&["ID", "RECEIVED", "SOURCE", "EVENT", "PROJECT", "SUBJECT", "RULES"], &rows))?;
    Ok(())
}

fn rule(verdict: &Verdict) -> String {
    let failed = if verdict.where_failed().is_some() { " (where failed)" } else { "" };
    format!("{}{failed}", verdict.rule)
}

fn summary(event: &EventRecord) -> Value {
    json!({
        "id": event.id.to_string(),
        "received": event.received.to_string(),
        "time": event.time.to_string(),
        "source": event.source,
        "event": event.name,
        "project": event.project,
        "subject": event.subject,
        "revision": event.revision,
        "stage": event.stage.word(),
        "verdicts": event.verdicts,
    })
}

/// The only one of `candidates`, the ids that begin with `prefix`; `what` names one and several.
pub(super) fn the_one<T: Copy + fmt::Display>(
    prefix: &str,
    what: (&str, &str),
    candidates: &[T],
) -> Result<T, Failure> {
    match candidates {
        [one] => Ok(*one),
        [] => Err(anyhow::anyhow!("there is no {} {prefix}", what.0).into()),
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Failure::Usage(format!("{prefix} fits several {}: {}", what.1, ids.join(", "))))
        }
    }
}

/// Finds the one event whose id begins with `prefix`.
pub(super) async fn find(ledger: &dyn Ledger, prefix: &str) -> Result<EventId, Failure> {
    if let Ok(id) = prefix.parse() {
        return Ok(id);
    }
    let (events, _) = ledger.ids_like(prefix, CANDIDATES_MAX).await?;
    the_one(prefix, ("event", "events"), &events)
}

/// How an event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    Raw,
}

async fn show(config: &Path, ledger: &dyn Ledger, id: &str, form: Form, output: &mut Output) -> Result<(), Failure> {
    let id = find(ledger, id).await?;
    let Some(event) = ledger.event(id).await? else {
        return Err(anyhow::anyhow!("there is no event {id}; it may be older than storage.keep").into());
    };
    if form == Form::Raw {
        came::raw(&event)?;
        return Ok(());
    }
    let filter = DeliveryFilter { event: Some(id), ..DeliveryFilter::default() };
    let deliveries = ledger.deliveries(&filter, None, 1000).await?;
    if form == Form::Json {
        let mut whole = summary(&event);
        whole["facts"] = event.facts.clone();
        let (payload, body) = came::as_json(&event);
        whole["payload"] = payload;
        if let Some(body) = body {
            whole["body"] = body.into();
        }
        whole["deliveries"] = deliveries.iter().map(super::deliveries::summary).collect();
        output.data(&serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    output.data(&format!("event     {}", event.id))?;
    output.data(&format!("name      {}", plain(&event.name)))?;
    output.data(&format!("source    {}", event.source))?;
    output.data(&format!("project   {}", plain(event.project.as_deref().unwrap_or("-"))))?;
    output.data(&format!("subject   {}", plain(event.subject.as_deref().unwrap_or("-"))))?;
    output.data(&format!("time      {}", event.time))?;
    output.data(&format!("received  {}", event.received))?;
    output.data(&format!("revision  {}", event.revision))?;
    match event.stage {
        Stage::Decided => {}
        Stage::Awaiting => output.data("stage     awaiting look-up: its sender's API is asked first")?,
        open => {
            let help = format!("relaybell events replan {}", event.id);
            output.data(&format!("stage     {}: mend the cause, then run `{help}`", open.word()))?;
        }
    }
    if matches!(event.stage, Stage::Quarantined | Stage::Broken) {
        output.data("\nwebhook")?;
        output.data(&came::as_text(&event, &came::scrubber(config)))?;
    }
    output.data("\nfacts")?;
    output.data(&facts(&event.facts))?;
    output.data("\nverdicts")?;
    output.data(&verdicts(&event.verdicts))?;
    if !deliveries.is_empty() {
        output.data("\ndeliveries")?;
        output.data(&super::deliveries::rows(&deliveries, &[]))?;
    }
    Ok(())
}

/// What the rules decided.
pub(super) fn verdicts(verdicts: &[Verdict]) -> String {
    if verdicts.is_empty() {
        return "  none".to_owned();
    }
    let mut lines = Vec::new();
    for verdict in verdicts {
        let decision = match &verdict.decision {
            Decision::Sent(ids) => format!("{} sent", ids.len()),
            Decision::HeldBack { why } => match verdict.where_failed() {
                Some(why) => format!("did not match, where failed: {}", plain(why)),
                None => format!("held back: {}", plain(why)),
            },
            Decision::Broken { why } => format!("not planned: {}", plain(why)),
            Decision::Quarantined { why } => format!("not read: {}", plain(why)),
            Decision::Lacking { why } => format!("planned with what was known: {}", plain(why)),
        };
        lines.push(format!("  {}: {decision}", verdict.rule));
        lines.extend(verdict.notes.iter().map(|note| format!("    {}", plain(note))));
    }
    lines.join("\n")
}

/// The facts, one a line, with where each came from when it is not the event itself.
fn facts(facts: &Value) -> String {
    let empty = serde_json::Map::new();
    let values = facts.get("values").and_then(Value::as_object).unwrap_or(&empty);
    let rows: Vec<Vec<String>> = values
        .iter()
        .map(|(name, value)| {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let origin = facts.get("origins").and_then(|origins| origins.get(name));
            let origin = match origin {
                None => String::new(),
                Some(Value::String(word)) => format!("({word})"),
                Some(from) => {
                    let moment = |path| from.pointer(path).and_then(Value::as_i64).map(Timestamp::from_ms);
                    match (moment("/look_up/at"), moment("/memory/since")) {
                        (Some(at), _) => format!("(looked up at {at})"),
                        (None, since) => format!("(remembered since {})", since.unwrap_or_default()),
                    }
                }
            };
            vec![format!("  {}", plain(name)), format!("{} {origin}", plain(&shown)).trim_end().to_owned()]
        })
        .collect();
    table(&["  FACT", "VALUE"], &rows)
}
