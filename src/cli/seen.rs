//! `relaybell facts --seen`: what the events that came have shown.

use std::path::Path;

use serde_json::{Value, json};

use crate::config::traffic::{EVENTS_MAX, Seen, SeenFact, Traffic};
use crate::config::{did_you_mean, words};
use crate::source::catalogue::Catalogues;
use crate::source::qase::is_read;

use super::access::{configuration, reader};
use super::output::{Output, counted, plain};
use super::{Failure, block_on};

/// How many values of a fact are shown.
const VALUES_SHOWN: usize = 5;

pub(super) fn run(config: &Path, event: Option<&str>, json: bool, output: &mut Output) -> Result<(), Failure> {
    let place = configuration(config, output)?;
    let known = words(config);
    let sources = known.configured();
    let store = reader(&place.storage)?;
    let traffic = block_on(Traffic::look(&store, EVENTS_MAX))??;
    if let Some(event) = event
        && !traffic.by_name.contains_key(event)
    {
        let meant = did_you_mean(event, traffic.by_name.keys().map(String::as_str));
        output.talk(&format!("none of the newest {} events is '{event}'{meant}", traffic.events));
        return Err(Failure::Finding);
    }
    let shown = traffic.by_name.iter().filter(|(name, _)| event.is_none_or(|event| event == name.as_str()));
    if json {
        let events: Vec<Value> = shown.map(|(name, seen)| as_json(sources, name, seen)).collect();
        let whole = json!({ "looked_at": traffic.events, "events": events });
        output.data(&serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    for (name, seen) in shown {
        output.data(&as_text(sources, name, seen))?;
    }
    let bound = if traffic.events == EVENTS_MAX { ", the newest ones" } else { ", all there are" };
    let were = if traffic.events == 1 { "was" } else { "were" };
    output.talk(&format!("{} {were} looked at{bound}.", counted(traffic.events, "event")));
    Ok(())
}

fn as_text(sources: &Catalogues, name: &str, seen: &Seen) -> String {
    let mut text = format!("{}: {}, {} to {}", plain(name), counted(seen.events, "event"), seen.first, seen.last);
    for (fact, about) in &seen.facts {
        text.push_str(&format!("\n    {}", told(sources, name, fact, about, seen.events)));
    }
    for (field, count) in unread(seen) {
        text.push_str(&format!("\n    {}: {}, read by no fact", plain(field), share(count, seen.events)));
    }
    text
}

/// One fact in one line: how often, its type, its most frequent values.
fn told(sources: &Catalogues, event: &str, name: &str, fact: &SeenFact, of: usize) -> String {
    let kinds: Vec<&str> = fact.kinds.iter().copied().collect();
    let mut text = format!("{name} ({}): {}", kinds.join(" or "), share(fact.events, of));
    if fact.remembered > 0 {
        text.push_str(&format!(", {} by memory", fact.remembered));
    }
    if is_news(sources, event, name) {
        text.push_str(", not in the catalogue");
    }
    // What is different each time is not worth a list.
    let values = fact.frequent();
    if !fact.more && (values.len() <= VALUES_SHOWN || values[0].1 > 1) {
        let shown: Vec<String> =
            values.iter().take(VALUES_SHOWN).map(|(value, count)| format!("{} {count}", plain(value))).collect();
        let rest = if values.len() > VALUES_SHOWN {
            format!(", and {} more", values.len() - VALUES_SHOWN)
        } else {
            String::new()
        };
        text.push_str(&format!("\n        {}{rest}", shown.join(", ")));
    } else {
        text.push_str("\n        many values");
    }
    text
}

fn share(count: usize, of: usize) -> String {
    if count == of { "in all".to_owned() } else { format!("in {count} of {of}") }
}

/// Whether the catalogue does not say that the event can have the fact.
fn is_news(sources: &Catalogues, event: &str, fact: &str) -> bool {
    sources.supply(event, fact).is_some_and(|supply| !supply.is_possible())
}

/// The fields of the payloads that no fact is read from.
fn unread(seen: &Seen) -> impl Iterator<Item = (&str, usize)> {
    let is_unread = |field: &str| {
        let inside = field.strip_prefix("payload.").unwrap_or(field);
        !is_read(inside.split(['.', '[']).next().unwrap_or_default())
    };
    seen.fields.iter().map(|(field, count)| (field.as_str(), *count)).filter(move |(field, _)| is_unread(field))
}

fn as_json(sources: &Catalogues, name: &str, seen: &Seen) -> Value {
    let facts: Vec<Value> = seen
        .facts
        .iter()
        .map(|(fact, about)| {
            let values = about.frequent().into_iter().map(|(value, count)| json!({ "value": value, "events": count }));
            json!({
                "name": fact, "types": about.kinds, "events": about.events, "remembered": about.remembered,
                "in_catalogue": !is_news(sources, name, fact), "values": values.collect::<Vec<_>>(), "more_values": about.more,
            })
        })
        .collect();
    let fields: Vec<Value> = unread(seen).map(|(field, count)| json!({ "path": field, "events": count })).collect();
    json!({
        "event": name, "events": seen.events, "first": seen.first.to_string(), "last": seen.last.to_string(),
        "facts": facts, "unread_fields": fields,
    })
}
