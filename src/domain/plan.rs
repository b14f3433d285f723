//! The waist: everything above feeds the plan, everything below obeys it.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Name;
use super::delivery::{Action, NewDelivery};
use super::event::{Dedup, Event, Report, SubjectKey};
use super::facts::{AGE, CHANGED, Facts, Origin};
use super::how::How;
use super::ids::{DeliveryId, EventId, delivery_key};
use super::memory::{Known, Memory, MemoryChange, Remembered};
use super::message::{CONTENT_VERSION, Content, Message};
use super::render::Templates;
use super::rule::{Judgement, Rule, RuleSet, Send};
use super::stage::Stage;
use super::standing::{Standing, Stands};
use super::time::Timestamp;

mod open;

pub use open::{LookedUp, UNREAD, plan_as_seen, plan_awaiting, plan_looked_up, plan_nothing, plan_quarantined};

/// An authenticated report on its way into the store.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The id the event will have.
    pub id: EventId,
    /// The source that sent it.
    pub source: Name,
    /// What the adapter read.
    pub report: Report,
    /// The sender's body, byte for byte.
    pub body: Bytes,
    /// When it was received.
    pub received: Timestamp,
    /// The configuration revision that judges it.
    pub revision: Name,
}

/// All that one event causes, decided before anything is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The event with its facts.
    pub event: Event,
    /// The sender's body, byte for byte.
    pub body: Bytes,
    /// How a repetition is recognised.
    pub dedup: Dedup,
    /// How far the event has come with this plan.
    pub stage: Stage,
    /// What reading the webhook needs beside its body, by lower-case name: headers, never
    /// credentials; `:method` and `:path` where they are not the usual ones.
    pub headers: BTreeMap<String, String>,
    /// The configuration revision that judged it.
    pub revision: Name,
    /// What is remembered of its subject from now on.
    pub memory: Option<MemoryChange>,
    /// What the rules that matched decided, and those whose `where` failed.
    pub verdicts: Vec<Verdict>,
    /// What will be sent.
    pub deliveries: Vec<NewDelivery>,
    /// Templates that failed on this event, each with the reason.
    pub template_failures: Vec<(Name, String)>,
}

/// What a rule decided about an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The rule.
    pub rule: Name,
    /// What it decided.
    pub decision: Decision,
    /// Remarks for people: a template that failed, a message another rule sends already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a rule that matched decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It caused these deliveries.
    Sent(Vec<DeliveryId>),
    /// It matched and caused nothing.
    HeldBack {
        /// Why.
        why: String,
    },
    /// Planning failed: the event is kept, nothing was decided.
    Broken {
        /// What failed.
        why: String,
    },
    /// The webhook could not be read: it is kept, nothing was decided.
    Quarantined {
        /// What is wrong with it.
        why: String,
    },
    /// The event was judged with less than rules and templates wanted to know.
    Lacking {
        /// Why its sender's API did not tell it.
        why: String,
    },
}

/// What the reason of a rule begins with that did not match because its `where` came to
/// no result.
const WHERE_FAILED: &str = "where failed: ";

impl Verdict {
    /// Why the rule's `where` came to no result, if that is why it did not match.
    #[must_use]
    pub fn where_failed(&self) -> Option<&str> {
        match &self.decision {
            Decision::HeldBack { why } => why.strip_prefix(WHERE_FAILED),
            _ => None,
        }
    }
}

/// The name that stands for the rule in a [`Decision::Broken`] verdict.
pub const PLANNING: &str = "(planning)";

/// The name that stands for the rule in what is decided about a webhook because of how it reads.
pub const READING: &str = "(reading)";

/// The name that stands for the rule in a [`Decision::Lacking`] verdict.
pub const LOOKING_UP: &str = "(look-up)";

impl Verdict {
    /// Whether it is about a rule, and not about how the event was read, looked up or planned.
    #[must_use]
    pub fn is_of_rule(&self) -> bool {
        ![PLANNING, READING, LOOKING_UP].contains(&&*self.rule)
    }
}

impl Arrival {
    /// The subject's key in memory, if the event is about something.
    #[must_use]
    pub fn subject_key(&self) -> Option<SubjectKey> {
        let report = &self.report;
        report.subject.as_deref().map(|subject| SubjectKey::new(&self.source, report.project.as_deref(), subject))
    }
}

/// Decides all that `arrival` causes. Pure: the same arguments give the same plan.
#[must_use]
pub fn plan_event(arrival: Arrival, known: &Known, rules: &RuleSet, templates: &Templates) -> Plan {
    let plan = Plan {
        body: arrival.body.clone(),
        dedup: arrival.report.dedup.clone(),
        stage: Stage::Decided,
        headers: BTreeMap::new(),
        revision: arrival.revision.clone(),
        memory: remember(&arrival, known),
        event: see(arrival, known),
        verdicts: Vec::new(),
        deliveries: Vec::new(),
        template_failures: Vec::new(),
    };
    decide(plan, rules, templates)
}

/// What `rules` decide about an event whose facts are known already, as they would about
/// one that comes in. The plan is for looking at: nothing of the webhook is in it but the event.
#[must_use]
pub fn plan_seen(event: Event, revision: &Name, rules: &RuleSet, templates: &Templates) -> Plan {
    let plan = Plan {
        dedup: Dedup::SenderId(event.id.to_string()),
        event,
        body: Bytes::new(),
        stage: Stage::Decided,
        headers: BTreeMap::new(),
        revision: revision.clone(),
        memory: None,
        verdicts: Vec::new(),
        deliveries: Vec::new(),
        template_failures: Vec::new(),
    };
    decide(plan, rules, templates)
}

/// Adds to a plan that has its event what the rules decide about it.
fn decide(mut plan: Plan, rules: &RuleSet, templates: &Templates) -> Plan {
    let mut desk = Desk { templates, rendered: BTreeMap::new(), done: HashSet::new() };
    let judged: Vec<(&Rule, Judgement)> = rules.judged(&plan.event.facts).collect();
    for (rule, judgement) in judged {
        match judgement {
            Judgement::Matches => desk.act(rule, &mut plan),
            Judgement::Failed(fault) => plan.verdicts.push(Verdict {
                rule: rule.name.clone(),
                decision: Decision::HeldBack { why: format!("{WHERE_FAILED}{fault}") },
                notes: Vec::new(),
            }),
            Judgement::Refuses => {}
        }
    }
    plan
}

/// The plan for an event whose planning failed because of `why`: the bare event is kept
/// with a `broken` verdict and causes nothing.
#[must_use]
pub fn plan_broken(arrival: &Arrival, why: String) -> Plan {
    let verdict = Verdict { rule: PLANNING.into(), decision: Decision::Broken { why }, notes: Vec::new() };
    Plan { stage: Stage::Broken, verdicts: vec![verdict], ..bare(arrival, &Known::default()) }
}

/// The plan that keeps `arrival` with its facts and causes nothing.
fn bare(arrival: &Arrival, known: &Known) -> Plan {
    Plan {
        event: see(arrival.clone(), known),
        body: arrival.body.clone(),
        dedup: arrival.report.dedup.clone(),
        stage: Stage::Decided,
        headers: BTreeMap::new(),
        revision: arrival.revision.clone(),
        memory: None,
        verdicts: Vec::new(),
        deliveries: Vec::new(),
        template_failures: Vec::new(),
    }
}

/// The most facts that every event has: `event`, `source`, `project`, `subject`, `time`,
/// `age`, `changed` and `payload`.
const OWN_FACTS_MAX: usize = 8;

/// The event with all its facts: its own, then what is remembered of its subject.
#[must_use]
pub fn see(arrival: Arrival, known: &Known) -> Event {
    let time = arrival.report.time.unwrap_or(arrival.received);
    let has_subject = arrival.report.subject.is_some();
    let (age, changed) =
        if has_subject { (age(&arrival, known), changed(&arrival.report, known)) } else { (0, Vec::new()) };
    let Arrival { id, source, report, received, .. } = arrival;
    let remembered = known.memory.as_ref().map_or(0, |(memory, _)| memory.facts.len());
    let room = OWN_FACTS_MAX + report.facts.len() + remembered;
    let mut facts = Facts { values: Map::with_capacity(room), ..Facts::default() };
    let mut own = |name: &str, value: Value| {
        facts.values.insert(name.to_owned(), value);
    };
    own("event", report.event.as_str().into());
    own("source", source.as_ref().into());
    if let Some(project) = &report.project {
        own("project", project.as_str().into());
    }
    if let Some(subject) = &report.subject {
        own("subject", subject.as_str().into());
    }
    own("time", time.to_string().into());
    if has_subject {
        own(AGE, age.into());
        own(CHANGED, changed.into());
    }
    let mut gone = Vec::new();
    for (name, value) in report.facts {
        if value.is_null() {
            gone.push(name);
        } else {
            facts.values.insert(name, value);
        }
    }
    for name in [AGE, CHANGED] {
        if facts.values.contains_key(name) {
            facts.origins.insert(name.to_owned(), Origin::Derived);
        }
    }
    for name in &report.derived {
        facts.origins.insert((*name).to_owned(), Origin::Derived);
    }
    if let Some((memory, _)) = &known.memory {
        for (name, remembered) in &memory.facts {
            if !facts.values.contains_key(name) && !gone.contains(name) {
                facts.values.insert(name.clone(), remembered.value.clone());
                facts.origins.insert(name.clone(), Origin::Memory { since: remembered.since });
            }
        }
    }
    facts.values.insert("payload".to_owned(), report.payload);
    Event { id, source, name: report.event, project: report.project, subject: report.subject, time, received, facts }
}

/// How long ago the subject was first seen, in whole seconds.
fn age(arrival: &Arrival, known: &Known) -> u64 {
    let first_seen = known.memory.as_ref().map_or(arrival.received, |(memory, _)| memory.first_seen);
    arrival.received.since(first_seen).as_secs()
}

/// The names of the facts of `report` that differ from what is remembered of them; those
/// said to be no more are among them.
fn changed(report: &Report, known: &Known) -> Vec<Value> {
    let Some((memory, _)) = &known.memory else { return Vec::new() };
    let differs = |name: &str, value: &Value| memory.facts.get(name).is_some_and(|old| old.value != *value);
    let names = report.facts.iter().filter(|(name, value)| differs(name, value)).map(|(name, _)| name.as_str());
    names.filter(|name| !report.passing.contains(name)).map(Value::from).collect()
}

/// What is remembered of the subject after this event; `None` when nothing changes.
fn remember(arrival: &Arrival, known: &Known) -> Option<MemoryChange> {
    let key = arrival.subject_key()?;
    let report = &arrival.report;
    let (mut memory, from) = match &known.memory {
        Some((memory, version)) => (memory.clone(), Some(*version)),
        None => (Memory { first_seen: arrival.received, facts: BTreeMap::new(), standing: None }, None),
    };
    let since = report.time.unwrap_or(arrival.received);
    let told = Standing::told_by(&report.event, &report.facts).map(|is| Stands { is, since });
    let standing = Stands::heard(memory.standing, told);
    let mut changed = from.is_none() || standing != memory.standing;
    memory.standing = standing;
    for (name, value) in &report.facts {
        if report.passing.contains(&name.as_str()) {
            continue;
        }
        if value.is_null() {
            changed |= memory.facts.remove(name).is_some();
            continue;
        }
        let fresh = memory.facts.get(name).is_none_or(|old| old.value != *value);
        if fresh {
            memory.facts.insert(name.clone(), Remembered { value: value.clone(), since: arrival.received });
            changed = true;
        }
    }
    changed.then_some(MemoryChange { key, from, to: memory })
}

/// What was rendered and sent so far for one event.
struct Desk<'a> {
    templates: &'a Templates,
    rendered: BTreeMap<Name, Result<Message, String>>,
    done: HashSet<(Name, Action, String)>,
}

/// The fact that names the issue that the sender has linked.
const TICKET: &str = "ticket";

impl Desk<'_> {
    fn act(&mut self, rule: &Rule, plan: &mut Plan) {
        if let Some(why) = rule.handling.muted(plan.event.received) {
            let decision = Decision::HeldBack { why };
            plan.verdicts.push(Verdict { rule: rule.name.clone(), decision, notes: Vec::new() });
            return;
        }
        let mut sent = Vec::new();
        let mut notes = Vec::new();
        let conversation = rule.handling.conversation(&plan.event);
        for send in &rule.send {
            if !self.done.insert((send.to.clone(), send.action, conversation.clone())) {
                notes.push(format!("{} to {} happens already for this event", send.action, send.to));
                continue;
            }
            let content = self.content(send, plan, &mut notes);
            let key = delivery_key(plan.event.id, &rule.name, send.action.word(), &send.to);
            let id = DeliveryId::of_event(plan.event.id, &key);
            sent.push(id);
            plan.deliveries.push(NewDelivery {
                id,
                event: plan.event.id,
                rule: rule.name.clone(),
                destination: send.to.clone(),
                conversation: conversation.clone(),
                action: send.action,
                key,
                priority: rule.handling.priority,
                expires: rule.handling.expires.map(|after| plan.event.received.plus(after)),
                content,
                parent: None,
            });
        }
        let decision = if sent.is_empty() {
            Decision::HeldBack { why: "another rule sends the same already".to_owned() }
        } else {
            Decision::Sent(sent)
        };
        plan.verdicts.push(Verdict { rule: rule.name.clone(), decision, notes });
    }

    /// Renders what `send` sends. A failing template never eats the alert: the built-in
    /// message goes out instead, marked.
    fn content(&mut self, send: &Send, plan: &mut Plan, notes: &mut Vec<String>) -> Content {
        let facts = &plan.event.facts;
        let mut failures: Vec<String> = Vec::new();
        let mut message = match &send.template {
            None => Templates::built_in(facts),
            Some(name) => {
                let templates = self.templates;
                let rendered = self
                    .rendered
                    .entry(name.clone())
                    .or_insert_with(|| templates.message(name, facts).map_err(|error| error.to_string()));
                match rendered {
                    Ok(message) => message.clone(),
                    Err(why) => {
                        failures.push(why.clone());
                        Message { remark: Some(failed_remark(name)), ..Templates::built_in(facts) }
                    }
                }
            }
        };
        message.mentions = send.mention.of(self.templates, facts, notes);
        let fields = send.fields.render(self.templates, facts).unwrap_or_else(|error| {
            failures.push(format!("fields: {error}"));
            Map::new()
        });
        let body = send.template.as_ref().and_then(|name| self.templates.own_body(name, send.kind, facts)).and_then(
            |rendered| match rendered {
                Ok(body) => Some(body),
                Err(error) => {
                    failures.push(error.to_string());
                    message.remark = Some(failed_remark(send.template.as_deref().unwrap_or_default()));
                    None
                }
            },
        );
        for why in failures {
            notes.push(format!("the message to {} was not rendered as written: {why}", send.to));
            let template = send.template.clone().unwrap_or_else(|| "(fields)".into());
            plan.template_failures.push((template, why));
        }
        let linked = facts.text(TICKET).filter(|_| send.action.is_about_an_issue()).map(str::to_owned);
        let how = How { linked, ..send.how.clone() };
        let facts = send.reads.pick(facts);
        Content { v: CONTENT_VERSION, message, fields, how, body, facts }
    }
}

fn failed_remark(template: &str) -> String {
    format!("The template '{template}' failed on this event, so this is Relaybell's built-in message.")
}
