//! The mapping: where the parts of an event stand in a webhook.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::alone::{Shell, is_too_much};
use super::scope::{BODY, HEADERS, INDEX, ITEM};
use super::{fit, scope};
use crate::domain::event::{Dedup, Report};
use crate::domain::expression::{Expression, Fault, Formula, Given, Work};
use crate::domain::facts::{FactPath, Facts};
use crate::source::catalogue::FactKind;
use crate::source::repetition::body_hash;
use crate::source::{Malformed, Verified, words};

/// The most events that one webhook may report.
pub const EVENTS_MAX: usize = 2000;

/// The longest event name, in characters.
const EVENT_CHARS_MAX: usize = 100;

/// The longest project and subject that are kept, in characters.
const NAME_CHARS_MAX: usize = 200;

/// The longest delivery id of a sender that is kept as it is, in characters.
const ID_CHARS_MAX: usize = 200;

/// Facts of one event alone: not remembered of its subject.
pub(super) const PASSING: [&str; 4] = ["actor", "actor_id", "actor_email", "comment"];

/// Where the parts of an event stand in a webhook.
#[derive(Debug)]
pub struct Mapping {
    /// Whether a webhook, or an item of it, is an event at all; always, where there is none.
    pub when: Option<Expression>,
    /// The list that makes one event of each of its items.
    pub each: Option<Formula>,
    /// The event's name.
    pub event: Formula,
    /// The project.
    pub project: Option<Formula>,
    /// The entity the event is about, `build/17`.
    pub subject: Option<Formula>,
    /// When it happened.
    pub time: Option<Formula>,
    /// The sender's own id of this delivery, for de-duplication.
    pub id: Option<Formula>,
    /// Who did it.
    pub actor: Option<Formula>,
    /// Whether the event begins its subject.
    pub begins: Option<Expression>,
    /// What templates and rules see as `payload`; the item, or else the body, where there is none.
    pub payload: Option<Formula>,
    /// The facts, in the order in which they are shown.
    pub facts: Vec<MappedFact>,
    /// The event names that are known beforehand.
    pub events: Vec<String>,
}

/// One fact of a mapping.
#[derive(Debug)]
pub struct MappedFact {
    /// Its name.
    pub name: String,
    /// What its value is.
    pub kind: FactKind,
    /// The values it can have; empty where any is possible.
    pub values: Vec<String>,
    /// What it means, in one line for people; empty where nobody has said.
    pub meaning: String,
    /// Where it stands.
    pub formula: Formula,
}

impl Mapping {
    /// Whether an expression reads the header `name`.
    pub(super) fn reads_header(&self, name: &str) -> bool {
        let formulas = [&self.each, &self.project, &self.subject, &self.time, &self.id, &self.actor, &self.payload];
        let formulas = formulas.into_iter().flatten().chain([&self.event]);
        let formulas = formulas.chain(self.facts.iter().map(|fact| &fact.formula)).flat_map(Formula::paths);
        let conditions = [&self.when, &self.begins].into_iter().flatten().flat_map(Expression::reads);
        formulas.chain(conditions).any(|path| path.name() == HEADERS && path.part() == Some(name))
    }

    /// What `sent` to the source `name` reports; nothing when it is no event.
    ///
    /// # Errors
    /// When the body is no JSON, or an expression fails on it.
    pub(super) fn reports(&self, name: &str, sent: &Verified) -> Result<Vec<Report>, Malformed> {
        let mut scope = scope::of(sent.hook())?;
        let mut work = Work::of_webhook();
        let of_items = self.when.as_ref().is_some_and(|when| reads_item(when.reads().iter().map(FactPath::name)));
        if !of_items && !self.is_event(&scope, &mut work)? {
            return Ok(Vec::new());
        }
        let dedup = |scope: &Facts, work: &mut Work| self.dedup(name, sent, scope, work);
        let Some(each) = &self.each else {
            let dedup = dedup(&scope, &mut work)?;
            return Ok(vec![self.report(&scope, dedup, &mut work)?]);
        };
        let mut shell = Shell::of(each, &scope);
        let (mut reports, mut kept) = (Vec::new(), 0);
        for (index, item) in items(each, &scope, &mut work)?.into_iter().enumerate() {
            let alone = shell.as_mut().and_then(|shell| shell.with(&item));
            scope.values.insert(ITEM.to_owned(), item);
            scope.values.insert(INDEX.to_owned(), index.into());
            if of_items && !self.is_event(&scope, &mut work)? {
                continue;
            }
            let dedup = dedup(&scope, &mut work)?;
            kept += alone.as_ref().map_or(sent.hook().body.len(), Bytes::len);
            if is_too_much(kept) {
                return Err(failed(
                    "each",
                    "the webhook is too large to be kept with each of its events: have the sender split it",
                ));
            }
            reports.push(Report { alone, ..self.report(&scope, dedup, &mut work)? });
        }
        Ok(reports)
    }

    fn is_event(&self, scope: &Facts, work: &mut Work) -> Result<bool, Malformed> {
        condition("when", self.when.as_ref(), scope, work).map(|held| held.unwrap_or(true))
    }

    fn report(&self, scope: &Facts, dedup: Dedup, work: &mut Work) -> Result<Report, Malformed> {
        let event = match give("event", &self.event, scope, work)? {
            Given::Value(value) => event_name(&value)?,
            Given::Nothing => return Err(failed("event", "it gives nothing")),
            Given::Missing(why) => return Err(failed("event", &why.to_string())),
        };
        let mut facts = Map::new();
        if let Some(actor) = self.name("actor", self.actor.as_ref(), scope, work)? {
            facts.insert("actor".to_owned(), actor.into());
        }
        for fact in &self.facts {
            let what = format!("facts.{}", fact.name);
            match give(&what, &fact.formula, scope, work)? {
                Given::Missing(_) => {}
                Given::Nothing => {
                    facts.insert(fact.name.clone(), Value::Null);
                }
                Given::Value(value) => {
                    let value = fit::fit(&fact.name, fact.kind, value).map_err(|why| failed(&what, &why))?;
                    if let Some(value) = value {
                        facts.insert(fact.name.clone(), value);
                    }
                }
            }
        }
        let mut derived = Vec::new();
        if !facts.contains_key("pass_rate")
            && let Some(rate) = pass_rate(&facts)
        {
            facts.insert("pass_rate".to_owned(), rate.into());
            derived.push("pass_rate");
        }
        let time = match optional("time", self.time.as_ref(), scope, work)? {
            Some(value) => fit::time(&value),
            None => None,
        };
        Ok(Report {
            event,
            project: self.name("project", self.project.as_ref(), scope, work)?,
            subject: self.name("subject", self.subject.as_ref(), scope, work)?,
            time,
            facts,
            derived,
            passing: PASSING.to_vec(),
            payload: self.payload(scope, work)?,
            dedup,
            alone: None,
            begins: condition("begins", self.begins.as_ref(), scope, work)?.unwrap_or(false),
        })
    }

    fn payload(&self, scope: &Facts, work: &mut Work) -> Result<Value, Malformed> {
        match &self.payload {
            Some(_) => Ok(optional("payload", self.payload.as_ref(), scope, work)?.unwrap_or_default()),
            None => Ok(scope.values.get(ITEM).or_else(|| scope.values.get(BODY)).cloned().unwrap_or_default()),
        }
    }

    /// How a repetition is recognised. Events of one webhook are told apart by their place,
    /// unless the id is one of each item.
    fn dedup(&self, name: &str, sent: &Verified, scope: &Facts, work: &mut Work) -> Result<Dedup, Malformed> {
        let index = scope.values.get(INDEX).and_then(Value::as_u64);
        let place = |text: String| index.map_or(text.clone(), |index| format!("{text}#{index}"));
        let given = optional("id", self.id.as_ref(), scope, work)?;
        let Some(id) = given.as_ref().and_then(words::text) else {
            return Ok(match sent.dedup(name) {
                Dedup::SenderId(id) => Dedup::SenderId(place(id)),
                Dedup::BodyHash(hash) => Dedup::BodyHash(place(hash)),
            });
        };
        let own = self.id.as_ref().is_some_and(|id| id.reads(ITEM) || id.reads(INDEX));
        let id = if id.chars().count() > ID_CHARS_MAX { body_hash("id", id.as_bytes()) } else { id };
        Ok(Dedup::SenderId(if own { id } else { place(id) }))
    }

    /// A name: of a project, a subject, a person.
    fn name(
        &self,
        what: &str,
        formula: Option<&Formula>,
        scope: &Facts,
        work: &mut Work,
    ) -> Result<Option<String>, Malformed> {
        let Some(value) = optional(what, formula, scope, work)? else { return Ok(None) };
        match &value {
            Value::String(_) | Value::Number(_) => {
                let fits = |c: &char| !c.is_control();
                let text: Option<String> =
                    words::text(&value).map(|text| text.trim().chars().filter(fits).take(NAME_CHARS_MAX).collect());
                Ok(text.filter(|text| !text.is_empty()))
            }
            other => Err(failed(what, &format!("it gives {}, but text is expected", fit::what(other)))),
        }
    }
}

fn reads_item<'p>(mut names: impl Iterator<Item = &'p str>) -> bool {
    names.any(|name| name == ITEM || name == INDEX)
}

fn items(each: &Formula, scope: &Facts, work: &mut Work) -> Result<Vec<Value>, Malformed> {
    match give("each", each, scope, work)? {
        Given::Value(Value::Array(items)) if items.len() > EVENTS_MAX => {
            let help = "have the sender split it into several webhooks";
            Err(failed(
                "each",
                &format!("the list has {} items, and at most {EVENTS_MAX} can be taken: {help}", items.len()),
            ))
        }
        Given::Value(Value::Array(items)) => Ok(items),
        Given::Value(other) => Err(failed("each", &format!("it gives {}, but a list is expected", fit::what(&other)))),
        Given::Nothing => Ok(Vec::new()),
        Given::Missing(why) => Err(failed("each", &why.to_string())),
    }
}

/// Whether a condition holds. What it needs and is missing makes it false.
fn condition(
    what: &str,
    expression: Option<&Expression>,
    scope: &Facts,
    work: &mut Work,
) -> Result<Option<bool>, Malformed> {
    let Some(expression) = expression else { return Ok(None) };
    match expression.eval_within(scope, work) {
        Ok(held) => Ok(Some(held)),
        Err(why) if why.is_missing() => Ok(Some(false)),
        Err(why) => Err(failed(what, &why.to_string())),
    }
}

fn optional(what: &str, formula: Option<&Formula>, scope: &Facts, work: &mut Work) -> Result<Option<Value>, Malformed> {
    match formula.map(|formula| give(what, formula, scope, work)).transpose()? {
        Some(Given::Value(value)) => Ok(Some(value)),
        Some(Given::Nothing | Given::Missing(_)) | None => Ok(None),
    }
}

fn give(what: &str, formula: &Formula, scope: &Facts, work: &mut Work) -> Result<Given, Malformed> {
    formula.give(scope, work).map_err(|why: Fault| failed(what, &why.to_string()))
}

fn failed(what: &str, why: &str) -> Malformed {
    Malformed::kept(format!("map.{what}: {why}"))
}

/// An event's name in small letters, with `_` for blanks.
fn event_name(value: &Value) -> Result<String, Malformed> {
    let Value::String(text) = value else {
        return Err(failed("event", &format!("it gives {}, but text is expected", fit::what(value))));
    };
    let name = text.trim().to_lowercase().replace(char::is_whitespace, "_");
    if is_event_name(&name) {
        return Ok(name);
    }
    Err(failed(
        "event",
        &format!(
            "it gives {}, but a name of 1 to {EVENT_CHARS_MAX} letters, digits, '_', '.' and '-' is expected",
            fit::what(value)
        ),
    ))
}

/// Whether `name` can be that of an event.
#[must_use]
pub fn is_event_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
    (1..=EVENT_CHARS_MAX).contains(&name.chars().count()) && name.chars().all(fits)
}

fn pass_rate(facts: &Map<String, Value>) -> Option<f64> {
    let passed = facts.get("passed")?.as_f64()?;
    let cases = facts.get("cases")?.as_f64()?;
    (cases > 0.0).then(|| passed / cases)
}
