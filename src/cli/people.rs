//! `relaybell people`: who can be mentioned, and who cannot yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::config::Snapshot;
use crate::domain::facts::Facts;
use crate::domain::message::Mention;
use crate::domain::people::Wanted;
use crate::domain::rule::Kind;
use crate::store::{EventRecord, Ledger};

use super::access::{reader_if_any, snapshot};
use super::output::{Output, plain};
use super::table::table;
use super::{Failure, block_on};

/// The facts that name people.
const FACTS: [&str; 2] = ["actor", "reviewer"];

/// What Qase calls an API token where a person would stand.
const NOBODY: &str = "automation";

/// `relaybell people`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Who cannot be mentioned yet: people whom events name and `people:` does not, and
    /// people without an id where a rule mentions them. Exit code 1 if there are any.
    #[arg(long)]
    unmapped: bool,
    /// How many of the newest events are looked through.
    #[arg(long, default_value_t = 1_000, value_name = "N", requires = "unmapped")]
    events: usize,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

/// Somebody whom events name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stranger {
    name: String,
    qase: Option<String>,
    email: Option<String>,
}

/// Somebody who has no id where a rule mentions them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Gap {
    name: String,
    kind: &'static str,
    rule: String,
    known: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let snapshot = snapshot(config, output)?;
    if args.unmapped {
        return unmapped(&snapshot, args, output);
    }
    let rows = rows(&snapshot);
    if args.json {
        output.data(&serde_json::to_string_pretty(&rows)?)?;
        return Ok(());
    }
    if rows.is_empty() {
        output.talk("nobody yet: list people below 'people:' in relaybell.yaml");
        return Ok(());
    }
    let cell = |row: &Value, key: &str| match &row[key] {
        Value::String(text) => plain(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        _ => "-".to_owned(),
    };
    let keys = ["name", "qase", "email", "slack", "teams", "jira", "members"];
    let lines: Vec<Vec<String>> = rows.iter().map(|row| keys.map(|key| cell(row, key)).to_vec()).collect();
    output.data(&table(&["NAME", "QASE", "EMAIL", "SLACK", "TEAMS", "JIRA", "MEMBERS"], &lines))?;
    Ok(())
}

fn rows(snapshot: &Snapshot) -> Vec<Value> {
    let row = |mention: &Mention, qase: &Option<String>, email: &Option<String>, members: Option<&[String]>| {
        json!({
            "name": mention.name, "qase": qase, "email": email,
            "slack": mention.slack, "teams": mention.teams, "jira": mention.jira, "members": members,
        })
    };
    let persons = snapshot.people.persons().map(|person| row(&person.mention, &person.qase, &person.email, None));
    let groups = snapshot.people.groups().map(|group| row(&group.mention, &None, &None, Some(&group.members)));
    persons.chain(groups).collect()
}

fn unmapped(snapshot: &Snapshot, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let events = match reader_if_any(&snapshot.storage)? {
        Some(store) => block_on(store.events(None, None, args.events))??,
        None => Vec::new(),
    };
    let strangers = strangers(snapshot, &events);
    let gaps = gaps(snapshot);
    if args.json {
        let strangers: Vec<Value> = strangers
            .iter()
            .map(|(who, times)| json!({"name": who.name, "qase": who.qase, "email": who.email, "events": times}))
            .collect();
        let gaps: Vec<Value> = gaps
            .iter()
            .map(|gap| json!({"name": gap.name, "missing": gap.kind, "rule": gap.rule, "known": gap.known}))
            .collect();
        let whole = json!({"looked_through": events.len(), "named_by_events": strangers, "without_id": gaps});
        output.data(&serde_json::to_string_pretty(&whole)?)?;
    } else {
        told(&strangers, &gaps, events.len(), output)?;
    }
    if strangers.is_empty() && gaps.is_empty() { Ok(()) } else { Err(Failure::Finding) }
}

fn told(
    strangers: &[(Stranger, usize)],
    gaps: &BTreeSet<Gap>,
    events: usize,
    output: &mut Output,
) -> Result<(), Failure> {
    if strangers.is_empty() && gaps.is_empty() {
        output.talk(&format!("everybody is known: looked through {events} events and all rules"));
        return Ok(());
    }
    if !strangers.is_empty() {
        let or_none = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), plain);
        let rows: Vec<Vec<String>> = strangers
            .iter()
            .map(|(who, times)| vec![plain(&who.name), or_none(&who.qase), or_none(&who.email), times.to_string()])
            .collect();
        output.data(&format!("named by the newest {events} events, but not below 'people:' in relaybell.yaml"))?;
        output.data(&table(&["  NAME", "QASE", "EMAIL", "EVENTS"], &indented(rows)))?;
    }
    if !gaps.is_empty() {
        let what = |gap: &Gap| match gap.known {
            true => format!("{}:", gap.kind),
            false => "an entry below 'people:'".to_owned(),
        };
        let rows = gaps.iter().map(|gap| vec![gap.name.clone(), what(gap), gap.rule.clone()]).collect();
        let space = if strangers.is_empty() { "" } else { "\n" };
        output.data(&format!("{space}mentioned by rules, but shown by name only"))?;
        output.data(&table(&["  NAME", "MISSING", "RULE"], &indented(rows)))?;
    }
    Ok(())
}

fn indented(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let indent = |mut row: Vec<String>| {
        if let Some(first) = row.first_mut() {
            first.insert_str(0, "  ");
        }
        row
    };
    rows.into_iter().map(indent).collect()
}

/// Whom the events name and nobody knows, with the number of events: the most often named
/// first.
fn strangers(snapshot: &Snapshot, events: &[EventRecord]) -> Vec<(Stranger, usize)> {
    let mut named: BTreeMap<Stranger, usize> = BTreeMap::new();
    for event in events {
        let Ok(facts) = serde_json::from_value::<Facts>(event.facts.clone()) else { continue };
        for fact in FACTS {
            let Some(stranger) = stranger(fact, &facts) else { continue };
            if snapshot.people.in_facts(fact, &facts).is_none() {
                *named.entry(stranger).or_default() += 1;
            }
        }
    }
    let mut all: Vec<_> = named.into_iter().collect();
    all.sort_by(|(one, often), (other, oftener)| oftener.cmp(often).then_with(|| one.cmp(other)));
    all
}

fn stranger(fact: &str, facts: &Facts) -> Option<Stranger> {
    let text = |name: String| match facts.values.get(&name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let qase = text(format!("{fact}_id")).filter(|id| id != "0");
    let email = text(format!("{fact}_email"));
    let name = text(fact.to_owned()).or_else(|| email.clone()).or_else(|| qase.clone())?;
    (name != NOBODY).then_some(Stranger { name, qase, email })
}

/// Who has no id at a vendor where a rule mentions them.
fn gaps(snapshot: &Snapshot) -> BTreeSet<Gap> {
    let mut gaps = BTreeSet::new();
    for rule in snapshot.rules.rules() {
        for send in &rule.send {
            for wanted in send.mention.wanted() {
                let people: Vec<Mention> = match wanted {
                    Wanted::Known { people, .. } => people.clone(),
                    // Anybody can be meant whom events can name.
                    Wanted::Named { .. } => snapshot.people.persons().map(|person| person.mention.clone()).collect(),
                };
                for mention in people.iter().filter(|mention| needs(mention, send.kind)) {
                    let known = snapshot.people.persons().any(|person| person.mention.name == mention.name);
                    gaps.insert(Gap {
                        name: mention.name.clone(),
                        kind: send.kind.word(),
                        rule: rule.name.to_string(),
                        known,
                    });
                }
            }
        }
    }
    gaps
}

/// Whether somebody lacks an id there; `@here` and the like exist in Slack alone.
fn needs(mention: &Mention, kind: Kind) -> bool {
    let everybody = mention.slack.as_deref() == Some(mention.name.as_str());
    mention.id(kind).is_none() && !everybody
}
