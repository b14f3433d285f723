//! `when` and `unless`: every fact with what can be said of it.

use serde_json::{Map, Value, json};

use super::parts::{DURATION, any_case};
use crate::config::vocabulary::{FactKind, NESTS, OPERATORS, Vocabulary};
use crate::domain::rank;

/// What an operator asks for, in one line for people.
fn meaning(operator: &str) -> &'static str {
    match operator {
        "not" => "Not this value, none of these, or not this operator. The fact must be there.",
        "at_least" => "This or more; of severity and priority: this or worse.",
        "at_most" => "This or less; of severity and priority: this or milder.",
        "above" => "More than this; of severity and priority: worse.",
        "below" => "Less than this; of severity and priority: milder.",
        "starts_with" => "The text begins with this, whatever its case.",
        "ends_with" => "The text ends with this, whatever its case.",
        "contains" => "The text has this in it; a list has it as an element.",
        "like" => "The whole text, with * for any run of characters and ? for one.",
        "matches" => "A regular expression that is found in the text. In single quotes, so that backslashes stay.",
        "present" => "Whether the fact is there at all.",
        "has_any" => "The list has one of these.",
        "has_all" => "The list has all of these.",
        "has_none" => "The list has none of these.",
        "changed" => "Whether it differs from what was remembered of the subject before this event.",
        _ => "",
    }
}

/// What the definitions are called, by the kinds of fact.
const KINDS: [(FactKind, &str); 7] = [
    (FactKind::Text, "text"),
    (FactKind::Number, "number"),
    (FactKind::Flag, "flag"),
    (FactKind::List, "list"),
    (FactKind::Time, "time"),
    (FactKind::Duration, "duration"),
    (FactKind::Any, "any"),
];

/// The end of the names of definitions for facts that each event has for itself, so that
/// they never change.
const OWN: &str = "-of-one-event";

/// `$defs`: conditions, and what can be said of each kind of fact among `vocabulary`.
pub(super) fn definitions(vocabulary: &Vocabulary) -> Value {
    let mut all = Map::new();
    all.insert("when".to_owned(), lines(vocabulary, false));
    all.insert("lines".to_owned(), lines(vocabulary, true));
    let both = |(kind, name): (FactKind, &str)| [(kind, name.to_owned()), (kind, format!("{name}{OWN}"))];
    for (kind, name) in KINDS.into_iter().flat_map(both) {
        let name = name.as_str();
        let value = match kind {
            FactKind::Flag => json!({ "type": "boolean" }),
            FactKind::Number => json!({ "anyOf": [{ "type": "number" }, { "type": "string", "pattern": NUMERIC }] }),
            _ => json!({ "type": ["string", "number", "boolean"] }),
        };
        let said = match kind {
            // A length of time is compared, never equal to anything.
            FactKind::Duration => operators(name, kind, &value, &json!({ "type": "string", "pattern": DURATION })),
            _ => said(name, &value, kind, &json!({ "type": "number" })),
        };
        all.insert(name.to_owned(), said);
    }
    for fact in ["severity", "priority"] {
        let ranked = rank::words(fact).unwrap_or_default();
        let unranked = if fact == "severity" { &[rank::UNDEFINED][..] } else { &[] };
        let all_words: Vec<&str> = ranked.iter().chain(unranked).copied().collect();
        all.insert(fact.to_owned(), said(fact, &words(&all_words), FactKind::Text, &words(ranked)));
    }
    let sources = vocabulary.everything();
    let automation = sources.words_anywhere("automation");
    all.insert("automation".to_owned(), said("automation", &words(&automation), FactKind::Text, &Value::Null));
    let remembered: Vec<&str> = vocabulary.names().filter(|name| vocabulary.is_remembered(name)).collect();
    let changed = format!("changed{OWN}");
    // No name of a fact is a number or true; who writes that is not stopped by the loader either.
    let names = json!({ "anyOf": [words(&remembered), { "type": ["number", "boolean"] }] });
    all.insert(changed.clone(), said(&changed, &names, FactKind::List, &Value::Null));
    let event = json!({ "anyOf": [
        { "enum": vocabulary.events() },
        { "type": ["string", "number", "boolean"], "description": "* and ? stand for any characters." },
    ] });
    all.insert(format!("event{OWN}"), said(&format!("event{OWN}"), &event, FactKind::Text, &Value::Null));
    let used = |name: &String| {
        let reference = format!("\"#/$defs/{name}\"");
        all.iter().any(|(user, schema)| user != name && schema.to_string().contains(&reference))
    };
    let needed: Vec<String> =
        all.keys().filter(|name| ["when", "lines"].contains(&name.as_str()) || used(name)).cloned().collect();
    all.retain(|name, _| needed.contains(name));
    Value::Object(all)
}

const NUMERIC: &str = r"^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*$";

/// One of the words, whatever its case.
fn words(words: &[&str]) -> Value {
    let patterns: Vec<String> = words.iter().map(|word| any_case(word)).collect();
    json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": format!("^({})$", patterns.join("|")) }] })
}

/// Everything that can be said of a fact whose values are `value`: one, a list, or operators.
fn said(name: &str, value: &Value, kind: FactKind, limit: &Value) -> Value {
    json!({ "anyOf": [
        value,
        { "type": "array", "minItems": 1, "items": value },
        operators(name, kind, value, limit),
    ] })
}

/// The operators that fit facts of this kind.
fn operators(name: &str, kind: FactKind, value: &Value, limit: &Value) -> Value {
    let ranked = rank::words(name).is_some();
    let text = json!({ "type": ["string", "number"], "minLength": 1 });
    let mut fitting = Map::new();
    for operator in OPERATORS {
        let argument = match operator {
            "not" => json!({ "$ref": format!("#/$defs/{name}") }),
            "present" => json!({ "type": "boolean" }),
            "changed" if name.ends_with(OWN) => continue,
            "changed" => json!({ "type": "boolean" }),
            "at_least" | "at_most" | "above" | "below"
                if ranked || matches!(kind, FactKind::Number | FactKind::Duration | FactKind::Any) =>
            {
                limit.clone()
            }
            "at_least" | "at_most" | "above" | "below" => continue,
            "has_any" | "has_all" | "has_none" if matches!(kind, FactKind::List | FactKind::Any) => {
                json!({ "anyOf": [value, { "type": "array", "minItems": 1, "items": value }] })
            }
            "has_any" | "has_all" | "has_none" => continue,
            _ if matches!(kind, FactKind::Flag | FactKind::Number | FactKind::Duration) => continue,
            _ => text.clone(),
        };
        let mut described = json!({ "description": meaning(operator) });
        if let (Some(described), Value::Object(argument)) = (described.as_object_mut(), argument) {
            described.extend(argument);
        }
        fitting.insert(operator.to_owned(), described);
    }
    json!({ "type": "object", "minProperties": 1, "properties": fitting, "additionalProperties": false })
}

/// A map of lines: facts and nests.
fn lines(vocabulary: &Vocabulary, filled: bool) -> Value {
    let mut properties = Map::new();
    for nest in NESTS {
        let about = match nest {
            "any_of" => "At least one of these conditions holds.",
            "all_of" => "All of these conditions hold.",
            _ => "None of these conditions holds.",
        };
        let list =
            json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/lines" }, "description": about });
        properties.insert(nest.to_owned(), list);
    }
    let mut reached = Vec::new();
    for (name, kind) in vocabulary.facts() {
        let known = vocabulary.everything().fact(name);
        let definition = match name {
            "event" | "severity" | "priority" | "automation" | "changed" => name,
            _ => KINDS.iter().find(|(known, _)| *known == kind).map_or("any", |(_, definition)| *definition),
        };
        let mut about = known.map_or("", |fact| fact.meaning).to_owned();
        let values = vocabulary.everything().words_anywhere(name);
        if !values.is_empty() && definition == "text" {
            about.push_str(&format!(" ({})", values.join(", ")));
        }
        let own = if vocabulary.is_remembered(name) { "" } else { OWN };
        properties
            .insert(name.to_owned(), json!({ "$ref": format!("#/$defs/{definition}{own}"), "description": about }));
        if matches!(kind, FactKind::Any | FactKind::List) {
            reached.push(name);
        }
    }
    let path = format!(r"^({})[.\[]", reached.join("|"));
    json!({
        "type": if filled { json!("object") } else { json!(["object", "null"]) },
        "minProperties": u32::from(filled),
        "properties": properties,
        "patternProperties": { path: { "$ref": format!("#/$defs/any{OWN}") } },
        "additionalProperties": false,
    })
}
