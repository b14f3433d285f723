//! `relaybell sources` and `relaybell capture`: who sends, what came of it, what arrives now.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::anyhow;
use serde_json::{Value, json};

use crate::config::{Snapshot, SourceSpec, did_you_mean};
use crate::store::{Ledger, Tally};
use crate::web::sources::Look;

use super::access::{Changer, ask_relay, changer, configuration, look_at_relay, reader_if_any, snapshot};
use super::output::{Output, counted, plain, plain_lines};
use super::table::table;
use super::{Failure, block_on};

/// `relaybell sources`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

/// `relaybell capture`.
#[derive(Debug, clap::Args)]
pub(super) struct CaptureArgs {
    /// The source, as relaybell.yaml names it.
    source: String,
    /// Stop after so many webhooks.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Print each as one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let snapshot = snapshot(config, output)?;
    let tallies = match reader_if_any(&snapshot.storage)? {
        Some(store) => block_on(store.tallies())??,
        None => Vec::new(),
    };
    let running = running(config, output)?;
    let rows: Vec<Value> = snapshot.senders().map(|spec| row(&snapshot, spec, &tallies, running.as_ref())).collect();
    if args.json {
        output.data(&serde_json::to_string_pretty(&rows)?)?;
        return Ok(());
    }
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let refused: u64 =
                row["refused"].as_object().into_iter().flat_map(|all| all.values()).filter_map(Value::as_u64).sum();
            let since_start = |count: u64| if running.is_some() { count.to_string() } else { "?".to_owned() };
            vec![
                text(row, "name"),
                kind(row),
                text(row, "last_event"),
                row["events"].to_string(),
                since_start(row["no_event"].as_u64().unwrap_or_default()),
                since_start(refused),
                text(row, "address"),
            ]
        })
        .collect();
    output.data(&table(
        &["NAME", "KIND", "LAST EVENT", "EVENTS KEPT", "NO EVENT", "REFUSED", "ADDRESS TO PASTE INTO THE SENDER"],
        &cells,
    ))?;
    for row in &rows {
        if let Some(last) = row["last_no_event"].as_str() {
            let (name, count) = (text(row, "name"), row["no_event"].as_u64().unwrap_or_default());
            let what = counted(usize::try_from(count).unwrap_or(usize::MAX), "webhook");
            let of = if row["kind"] == "json" { "what its 'when' leaves out, or a ping" } else { "pings and the like" };
            output.data(&format!(
                "{name}: {what} answered 200 that {} no event ({of}); the last at {last}",
                if count == 1 { "was" } else { "were" }
            ))?;
        }
        if let Some(last) = row["last_refusal"].as_object() {
            let of = |key: &str| plain(last.get(key).and_then(Value::as_str).unwrap_or("?"));
            let reasons: Vec<String> = row["refused"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(reason, count)| format!("{count} {reason}"))
                .collect();
            let name = text(row, "name");
            let (at, caller, why) = (of("at"), of("caller"), of("why"));
            output.data(&format!("{name}: refused {}; the last at {at}, from {caller}: {why}", reasons.join(", ")))?;
        }
    }
    if running.is_none() {
        output.talk("no relay is running on this store, so refusals and what was no event are not known");
    }
    if snapshot.server.public_url.is_none() {
        output.talk("the addresses are those of this machine; set server.public_url to the one that senders reach");
    }
    Ok(())
}

/// What a running relay says, if one runs.
fn running(config: &Path, output: &mut Output) -> Result<Option<Value>, Failure> {
    let place = configuration(config, output)?;
    if !place.storage.sqlite.exists() {
        return Ok(None);
    }
    match changer(&place)? {
        Changer::Store(_) => Ok(None),
        Changer::Relay(address) => Ok(Some(block_on(look_at_relay(&place, &address, "/api/v1/sources"))??)),
    }
}

fn row(snapshot: &Snapshot, spec: &SourceSpec, tallies: &[Tally], running: Option<&Value>) -> Value {
    let own: Vec<&Tally> = tallies.iter().filter(|tally| *tally.source == *spec.name).collect();
    let last = own.iter().map(|tally| tally.last).max();
    let projects: BTreeMap<&str, Value> = own
        .iter()
        .filter_map(|tally| {
            let told = json!({ "events": tally.events, "last_event": tally.last.to_string() });
            Some((tally.project.as_deref()?, told))
        })
        .collect();
    let mut row = json!({
        "name": &*spec.name, "kind": spec.kind, "preset": spec.preset, "address": address(snapshot, &spec.name),
        "events": own.iter().map(|tally| tally.events).sum::<u64>(),
        "last_event": last.map(|at| at.to_string()), "projects": projects,
    });
    let told = running.and_then(|running| running["sources"].as_array());
    if let Some(told) = told.and_then(|all| all.iter().find(|one| one["name"] == *spec.name)) {
        for key in ["accepted", "duplicates", "no_event", "last_no_event", "refused", "last_refusal"] {
            row[key] = told[key].clone();
        }
        row["since"] = running.map_or(Value::Null, |running| running["since"].clone());
    }
    row
}

/// The kind of a source, with the preset that it is made of.
fn kind(row: &Value) -> String {
    let kind = row["kind"].as_str().unwrap_or("-");
    row["preset"].as_str().map_or_else(|| kind.to_owned(), |preset| format!("{kind} ({preset})"))
}

/// The address to paste into the sender.
fn address(snapshot: &Snapshot, source: &str) -> String {
    match &snapshot.server.public_url {
        Some(url) => format!("{}/hooks/{source}", url.as_str().trim_end_matches('/')),
        None => format!("http://{}/hooks/{source}", snapshot.server.listen),
    }
}

pub(super) fn capture(config: &Path, args: &CaptureArgs, output: &mut Output) -> Result<(), Failure> {
    let known = snapshot(config, output)?;
    if !known.senders().any(|spec| *spec.name == *args.source) {
        let names = known.senders().map(|spec| spec.name.as_ref());
        let meant = did_you_mean(&args.source, names);
        return Err(Failure::Usage(format!("there is no source '{}'{meant}", args.source)));
    }
    let place = configuration(config, output)?;
    if !place.storage.sqlite.exists() {
        return Err(anyhow!("no relay is running on this store; start it with  relaybell serve").into());
    }
    let Changer::Relay(relay) = changer(&place)? else {
        return Err(anyhow!("no relay is running on this store; start it with  relaybell serve").into());
    };
    output.talk(&format!("waiting for webhooks at {}; Ctrl-C ends", address(&known, &args.source)));
    let (mut after, mut left) = (None, args.count.unwrap_or(usize::MAX));
    block_on(async {
        while left > 0 {
            let look = Look { source: args.source.clone(), after };
            let answer = ask_relay(&place, &relay, "/api/v1/sources/capture", &serde_json::to_value(look)?).await?;
            after = answer["next"].as_u64();
            for webhook in answer["webhooks"].as_array().into_iter().flatten() {
                if left == 0 {
                    break;
                }
                output.data(&if args.json { webhook.to_string() } else { told(webhook) })?;
                // What a sender asks is shown, and is not what was waited for.
                if !matches!(webhook["was"].as_str(), Some("question" | "handshake")) {
                    left -= 1;
                }
            }
        }
        Ok(())
    })?
}

/// One webhook for people: as it came, then what it gave.
fn told(webhook: &Value) -> String {
    let of = |key: &str| plain(webhook[key].as_str().unwrap_or_default());
    let mut lines = vec![format!("── {} from {}", of("at"), of("caller"))];
    let path = of("path");
    lines.push(format!("{} {}", of("method"), if path.is_empty() { "(the address itself)" } else { &path }));
    for header in webhook["headers"].as_array().into_iter().flatten() {
        let part = |at: usize| plain(header[at].as_str().unwrap_or_default());
        lines.push(format!("{}: {}", part(0), part(1)));
    }
    lines.push(String::new());
    lines.push(plain_lines(webhook["body"].as_str().unwrap_or_default()));
    lines.push(String::new());
    match webhook["refused"].as_str() {
        Some(why) if webhook["was"] == "event" => {
            lines.push(format!("answered {}: event {}: {}", webhook["status"], of("event_id"), plain(why)));
        }
        Some(why) => lines.push(format!("refused with {}: {}", webhook["status"], plain(why))),
        None => {
            let was = match webhook["was"].as_str() {
                Some("event") => format!("event {}", of("event_id")),
                Some("question") => "no webhook: a question for figures".to_owned(),
                Some("handshake") => "no webhook: the sender asks whether it may send some".to_owned(),
                _ => "no event: a ping, or what the source's 'when' leaves out".to_owned(),
            };
            lines.push(format!("answered {}: {was}", webhook["status"]));
        }
    }
    if let Some(facts) = webhook["read"]["facts"].as_object() {
        lines.extend(facts.iter().map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("  {}: {}", plain(name), plain(&value))
        }));
    }
    lines.join("\n")
}
