//! `kind: json`: any sender of JSON, mapped by expressions.

use super::proof::{self, SECRET_HEADER, Usual, Way};
use crate::config::desk::Desk;
use crate::config::fields::{Fields, entries, items, one_of, right, text};
use crate::config::findings::{Findings, Place};
use crate::config::formulas::{Roots, condition, formula};
use crate::config::node::{Entry, Node, Tree};
use crate::domain::expression::{Formula, Kind};
use crate::source::catalogue::FactKind;
use crate::source::json::{Json, MappedFact, Mapping, is_event_name};
use crate::source::{Sample, qase};

/// The words for what a fact's value is.
const TYPES: [(&str, FactKind); 7] = [
    ("text", FactKind::Text),
    ("number", FactKind::Number),
    ("flag", FactKind::Flag),
    ("list", FactKind::List),
    ("time", FactKind::Time),
    ("duration", FactKind::Duration),
    ("any", FactKind::Any),
];

/// Facts that have keys of their own in a mapping.
const OWN_KEYS: [(&str, &str); 6] = [
    ("event", "event"),
    ("project", "project"),
    ("subject", "subject"),
    ("time", "time"),
    ("actor", "actor"),
    ("payload", "payload"),
];

/// Facts that the relay adds to each event.
const ADDED: [&str; 3] = ["source", "age", "changed"];

/// The most facts of one mapping.
const FACTS_MAX: usize = 200;

/// How a sender proves itself that is told nothing else.
const USUAL: Usual = Usual {
    way: Way::Token(SECRET_HEADER),
    help: "set a secret at the sender and name it here: secrets: [\"${CI_SECRET}\"]",
};

/// Reads a source of kind `json`, of whose sender `samples` are known.
pub fn read(
    name: &str,
    fields: &mut Fields<'_>,
    at: Place,
    samples: &'static [Sample],
    desk: &mut Desk<'_>,
) -> Option<Json> {
    let proof = proof::read(name, fields, at, &USUAL, desk);
    let mapping = match fields.take("map") {
        Some(node) => mapping(node, &mut desk.findings),
        None => {
            let help = "say where the parts of an event stand, as in  map: { event: '\"build.\" + body.status' }; or \
                        take a sender that is known: preset: github";
            desk.findings.error_help(fields.place(), format!("'map' is missing: source '{name}' needs it"), help);
            None
        }
    };
    Some(Json::new(name, proof?, mapping?, samples))
}

fn mapping(node: &Node, findings: &mut Findings) -> Option<Mapping> {
    let mut fields = Fields::of(node, "'map'", findings)?;
    let each = fields.take("each").map(|node| each(node, findings));
    let roots = if each.is_some() { Roots::Item } else { Roots::Whole };
    let when = fields.take("when").map(|node| condition(node, "'when'", roots, findings));
    let event = match fields.take("event") {
        Some(node) => event(node, roots, findings),
        None => {
            let help = "write the event's name, as in  event: '\"build.\" + body.status'";
            findings.error_help(fields.place(), "'event' is missing: 'map' needs it", help);
            None
        }
    };
    let mut part = |key: &'static str, findings: &mut Findings| {
        fields.take(key).map(|node| formula(node, &format!("'{key}'"), roots, findings))
    };
    let parts = ["project", "subject", "time", "id", "actor", "payload"].map(|key| part(key, findings));
    let begins = fields.take("begins").map(|node| condition(node, "'begins'", roots, findings));
    let facts = fields.take("facts").map(|node| facts(node, roots, findings)).unwrap_or_default();
    let declared = fields.take("events").map(|node| events(node, findings));
    fields.finish(findings);
    let [project, subject, time, id, actor, payload] = parts;
    let event = event?;
    let events = declared.or_else(|| event.outcomes()).unwrap_or_default();
    Some(Mapping {
        when: right(when)?,
        each: right(each)?,
        event,
        project: right(project)?,
        subject: right(subject)?,
        time: right(time)?,
        id: right(id)?,
        actor: right(actor)?,
        begins: right(begins)?,
        payload: right(payload)?,
        facts,
        events,
    })
}

fn each(node: &Node, findings: &mut Findings) -> Option<Formula> {
    let formula = formula(node, "'each'", Roots::Whole, findings)?;
    if !matches!(formula.kind(), Kind::Any | Kind::List) {
        findings.error_help(node.at, "'each' must give a list", "as in  each: body.alerts");
        return None;
    }
    Some(formula)
}

fn event(node: &Node, roots: Roots, findings: &mut Findings) -> Option<Formula> {
    let formula = formula(node, "'event'", roots, findings)?;
    if !matches!(formula.kind(), Kind::Any | Kind::Text) {
        findings.error_help(node.at, "'event' must give text", "as in  event: '\"build.\" + body.status'");
        return None;
    }
    let bad = |name: &&String| !is_event_name(&name.trim().to_lowercase().replace(char::is_whitespace, "_"));
    if let Some(bad) = formula.outcomes().unwrap_or_default().iter().find(bad) {
        findings.error_help(node.at, format!("'{bad}' cannot be the name of an event"), EVENT_HELP);
        return None;
    }
    Some(formula)
}

const EVENT_HELP: &str = "small letters, digits, '_', '.' and '-', as in build.failed";

fn events(node: &Node, findings: &mut Findings) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for item in items(node, "'events'", findings) {
        let Some(name) = text(item, "an entry of 'events'", findings) else { continue };
        if !is_event_name(name) {
            findings.error_help(item.at, format!("'{name}' cannot be the name of an event"), EVENT_HELP);
        } else if names.iter().any(|known| known == name) {
            findings.warning(item.at, format!("'{name}' is listed twice"), "remove one of them");
        } else {
            names.push(name.to_owned());
        }
    }
    names
}

fn facts(node: &Node, roots: Roots, findings: &mut Findings) -> Vec<MappedFact> {
    let entries = entries(node, "'facts'", findings);
    if entries.len() > FACTS_MAX {
        findings.error(node.at, format!("these are {} facts, and a source has at most {FACTS_MAX}", entries.len()));
    }
    entries.iter().filter_map(|entry| fact(entry, roots, findings)).collect()
}

fn fact(entry: &Entry, roots: Roots, findings: &mut Findings) -> Option<MappedFact> {
    let called = fact_name(entry, findings);
    let what = format!("the fact '{}'", entry.key);
    if !matches!(entry.value.tree, Tree::Map(_)) {
        let formula = formula(&entry.value, &what, roots, findings)?;
        let kind = kind_of(&entry.key, None, &formula);
        return Some(MappedFact { name: called?, kind, values: Vec::new(), meaning: String::new(), formula });
    }
    let mut fields = Fields::of(&entry.value, what.clone(), findings)?;
    let value = fields.require("value", findings).map(|node| formula(node, "'value'", roots, findings));
    let declared = fields.take("type").map(|node| {
        let word = text(node, "'type'", findings)?;
        let kind = one_of(word, "type", &TYPES, node.at, findings)?;
        standard(&entry.key, kind, node.at, findings)?;
        Some(kind)
    });
    let values = fields.take("values").map(|node| words(node, findings)).unwrap_or_default();
    let meaning = fields.take("meaning").map(|node| text(node, "'meaning'", findings));
    fields.finish(findings);
    let formula = value??;
    let kind = kind_of(&entry.key, right(declared)?, &formula);
    let meaning = right(meaning)?.unwrap_or_default().to_owned();
    Some(MappedFact { name: called?, kind, values, meaning, formula })
}

fn words(node: &Node, findings: &mut Findings) -> Vec<String> {
    let texts = items(node, "'values'", findings).iter();
    texts.filter_map(|item| text(item, "an entry of 'values'", findings).map(str::to_owned)).collect()
}

fn fact_name(entry: &Entry, findings: &mut Findings) -> Option<String> {
    let name = entry.key.as_str();
    if let Some((_, key)) = OWN_KEYS.iter().find(|(fact, _)| *fact == name) {
        let help = format!("write it one level up, beside 'facts':  {key}: …");
        findings.error_help(entry.key_at, format!("the fact '{name}' has a key of its own in 'map'"), help);
        return None;
    }
    if ADDED.contains(&name) {
        let help = "give the fact another name";
        findings.error_help(entry.key_at, format!("the fact '{name}' is added to each event by itself"), help);
        return None;
    }
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && name.len() <= 64 && name.chars().all(fits) {
        return Some(name.to_owned());
    }
    let better: String = name.to_lowercase().chars().map(|c| if fits(c) { c } else { '_' }).collect();
    let mut help = "small letters, digits and '_', beginning with a letter, at most 64".to_owned();
    if better.starts_with(|c: char| c.is_ascii_lowercase()) && better.len() <= 64 {
        help.push_str(&format!(": {better}"));
    }
    findings.error_help(entry.key_at, format!("'{name}' cannot be the name of a fact"), help);
    None
}

/// Refuses a type that is not the one that the fact has in every other source.
fn standard(name: &str, kind: FactKind, at: Place, findings: &mut Findings) -> Option<()> {
    let Some(known) = standard_kind(name) else { return Some(()) };
    let seconds = known == FactKind::Number && kind == FactKind::Duration;
    if known == kind || seconds {
        return Some(());
    }
    let word = TYPES.iter().find(|(_, kind)| *kind == known).map_or("any", |(word, _)| word);
    let message = format!("the fact '{name}' is of type {word} in every source");
    findings.error_help(
        at,
        message,
        format!("remove 'type', or give the fact another name; it means: {}", meaning(name)),
    );
    None
}

fn standard_kind(name: &str) -> Option<FactKind> {
    let known = qase::catalogue().fact(name)?;
    // Ids of other senders need not be numbers.
    let of_any = name == "id" || name.ends_with("_id");
    Some(if of_any { FactKind::Any } else { known.kind })
}

fn meaning(name: &str) -> &'static str {
    qase::catalogue().fact(name).map_or("", |fact| fact.meaning)
}

/// What the fact's value is: as in every other source, as declared, or as the expression gives.
fn kind_of(name: &str, declared: Option<FactKind>, formula: &Formula) -> FactKind {
    standard_kind(name).or(declared).unwrap_or(match formula.kind() {
        Kind::Text => FactKind::Text,
        Kind::Number => FactKind::Number,
        Kind::Flag => FactKind::Flag,
        Kind::List => FactKind::List,
        Kind::Any | Kind::Rank(_) => FactKind::Any,
    })
}
