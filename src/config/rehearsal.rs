//! The rehearsal: every template on every sample event of the rules that use it, before
//! a real event finds the template wanting.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::Snapshot;
use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::destination::Step;
use crate::domain::Name;
use crate::domain::delivery::{Job, Outcome};
use crate::domain::event::Event;
use crate::domain::facts::Facts;
use crate::domain::ids::{DeliveryId, EventId, delivery_key};
use crate::domain::memory::Known;
use crate::domain::message::{CONTENT_VERSION, Content};
use crate::domain::plan::{Arrival, see};
use crate::domain::render::{RenderError, Templates};
use crate::domain::rule::{Kind, Rule, Send};
use crate::domain::thread::Thread;
use crate::domain::time::Timestamp;
use crate::source::{ByHand, Source};

/// Renders the templates of `snapshot` on the samples of the events that their rules
/// match, and says where they fail. Such an event would be told in the built-in form.
#[must_use]
pub fn rehearse(snapshot: &Snapshot) -> Diagnostics {
    let events: Vec<_> =
        snapshot.sources.values().flat_map(|spec| samples_of(&spec.name, spec.adapter.as_ref())).collect();
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    for rule in snapshot.rules.rules() {
        for event in events.iter().filter(|(_, event)| rule.when.admits_from(&event.source, &event.name)) {
            for send in &rule.send {
                let (variant, event) = event;
                if let Some(why) = unsendable(snapshot, send, &event.facts)
                    && told.insert(format!("{} {why}", rule.name))
                {
                    findings.push(of_rule(snapshot, rule, variant, &why));
                }
                let Some(template) = &send.template else { continue };
                let message = snapshot.templates.message(template, &event.facts).map(drop);
                let body = snapshot
                    .templates
                    .own_body(template, send.kind, &event.facts)
                    .map_or(Ok(()), |body| body.map(drop));
                for error in [message, body].into_iter().filter_map(Result::err) {
                    if told.insert(error.message.clone()) {
                        findings.push(finding(snapshot, &rule.name, variant, &error));
                    }
                }
            }
        }
    }
    Diagnostics(findings)
}

/// Every sample webhook of `source` as an event without memory, with the name of the sample.
#[must_use]
pub fn samples_of(name: &Name, source: &dyn Source) -> Vec<(&'static str, Event)> {
    let now = Timestamp::from_seconds(1_789_400_000);
    let mut events = Vec::new();
    for sample in source.samples() {
        for mut report in ByHand(source).read(sample.hook()).unwrap_or_default() {
            for (name, value) in source.told_of(sample) {
                report.facts.entry(name).or_insert(value);
            }
            let arrival = Arrival {
                id: EventId::new(now, [0; 10]),
                source: Name::clone(name),
                report,
                body: Bytes::new(),
                received: now,
                revision: "samples".into(),
            };
            events.push((sample.variant, see(arrival, &Known::default())));
        }
    }
    events
}

/// Why a described destination could not be asked for `send` with these facts.
fn unsendable(snapshot: &Snapshot, send: &Send, facts: &Facts) -> Option<String> {
    let spec = snapshot.destinations.get(&send.to).filter(|_| send.kind == Kind::Rest)?;
    let templates = &snapshot.templates;
    let own = send.template.as_ref().and_then(|name| templates.message(name, facts).ok());
    let now = Timestamp::from_seconds(1_789_400_000);
    let event = EventId::new(now, [0; 10]);
    let key = delivery_key(event, "rehearsal", send.action.word(), &send.to);
    // What an earlier answer would have given.
    let remembered = send.reads.within("thread").unwrap_or_default();
    let thread = Thread {
        key: Some("1".to_owned()),
        channel: None,
        link: Some("https://rehearsal.invalid/1".to_owned()),
        title: String::new(),
        began: now,
        values: remembered.into_iter().map(|name| (name.to_owned(), "1".to_owned())).collect(),
    };
    let job = Job {
        id: DeliveryId::of_event(event, &key),
        event,
        rule: "rehearsal".into(),
        destination: send.to.clone(),
        conversation: String::new(),
        action: send.action,
        key,
        content: Content {
            v: CONTENT_VERSION,
            message: own.unwrap_or_else(|| Templates::built_in(facts)),
            fields: send.fields.render(templates, facts).unwrap_or_default(),
            how: send.how.clone(),
            body: None,
            facts: send.reads.pick(facts),
        },
        accepted: now,
        expires: None,
        began: now,
        attempt: 1,
        failures: 0,
        unsure: false,
        looks: 0,
        thread: send.action.needs_thread().then_some(thread),
    };
    match spec.adapter.step(&job, &[]) {
        Step::Done(Outcome::Refused { why }) => Some(why),
        Step::Ask(_) | Step::Done(_) => None,
    }
}

fn of_rule(snapshot: &Snapshot, rule: &Rule, variant: &str, why: &str) -> Diagnostic {
    let (file, line) = (rule.place.0.to_string(), usize::try_from(rule.place.1).unwrap_or(1));
    let text = snapshot.files.get(&file).and_then(serde_json::Value::as_str).unwrap_or_default();
    let source_line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned();
    Diagnostic {
        severity: Severity::Warning,
        column: source_line.chars().take_while(|c| c.is_whitespace()).count() + 1,
        width: source_line.trim().chars().count(),
        source_line,
        file,
        line,
        message: format!("{why}, when it is the sample '{variant}' for rule '{}'", rule.name),
        help: Some(
            "write {{default NAME \"…\"}} where the destination is described; otherwise this delivery is dead"
                .to_owned(),
        ),
        also: None,
    }
}

fn finding(snapshot: &Snapshot, rule: &str, variant: &str, error: &RenderError) -> Diagnostic {
    let (file, line, column, why) = error.place.clone().unwrap_or_else(|| (String::new(), 1, 1, error.message.clone()));
    let text = snapshot.files.get(&file).and_then(serde_json::Value::as_str).unwrap_or_default();
    Diagnostic {
        severity: Severity::Warning,
        source_line: text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned(),
        file,
        line,
        column,
        width: 1,
        message: format!("{why}, when it is the sample '{variant}' for rule '{rule}'"),
        help: Some("write {{default NAME \"…\"}} or {{#if NAME}}…{{/if}}; otherwise such an event is told in the built-in form".to_owned()),
        also: None,
    }
}
