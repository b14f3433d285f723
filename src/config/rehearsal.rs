//! The rehearsal: every template on every sample event of the rules that use it, before
//! a real event finds the template wanting.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::HeaderMap;
use url::Url;

use super::Snapshot;
use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::domain::event::Event;
use crate::domain::ids::EventId;
use crate::domain::memory::Known;
use crate::domain::plan::{Arrival, see};
use crate::domain::render::RenderError;
use crate::domain::time::Timestamp;
use crate::source::qase::{Qase, samples};
use crate::source::{RawHook, prove};

/// Renders the templates of `snapshot` on the samples of the events that their rules
/// match, and says where they fail. Such an event would be told in the built-in form.
#[must_use]
pub fn rehearse(snapshot: &Snapshot) -> Diagnostics {
    let events = sample_events();
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    for rule in snapshot.rules.rules() {
        for event in events.iter().filter(|(_, event)| rule.when.admits(&event.name)) {
            for send in &rule.send {
                let Some(template) = &send.template else { continue };
                let (variant, event) = event;
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

/// Every sample webhook as an event without memory, with the name of the sample.
#[must_use]
pub fn sample_events() -> Vec<(&'static str, Event)> {
    let Ok(app_url) = Url::parse("https://app.qase.io") else { return Vec::new() };
    let qase = Qase { name: "qase".to_owned(), secrets: Vec::new(), app_url };
    let now = Timestamp::from_seconds(1_789_400_000);
    let mut events = Vec::new();
    for sample in samples() {
        let hook = RawHook { headers: HeaderMap::new(), body: Bytes::from_static(sample.body.as_bytes()) };
        let Ok(verified) = prove(&qase, hook, now) else { continue };
        for report in crate::source::Source::normalise(&qase, &verified).unwrap_or_default() {
            let arrival = Arrival {
                id: EventId::new(now, [0; 10]),
                source: "qase".into(),
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
