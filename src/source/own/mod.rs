//! The relay as a source: what it reports of itself goes through the same rules.
//!
//! Nobody can send such an event: the relay writes the webhook it would get.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::catalogue::{Catalogue, Description, FactKind, KnownWords, fact};
use super::proof::Proof;
use super::{Malformed, RawHook, Sample, Source, Verified};
use crate::domain::event::{Dedup, Report};
use crate::domain::rank;
use crate::domain::time::Timestamp;

/// The name of this source. No other source may have it.
pub const NAME: &str = "relay";

/// What the relay reports of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Nothing came from a source, or about one of its projects, for longer than expected.
    Silent {
        /// The source.
        source: String,
        /// The project, where one is expected by itself.
        project: Option<String>,
        /// When the last event came, or when waiting began.
        since: Timestamp,
        /// How soon the next was expected.
        expected: Duration,
    },
    /// Deliveries failed for good.
    DeadLetter {
        /// Where they should have gone.
        destination: String,
        /// The rule of the first.
        rule: String,
        /// The id of the first.
        delivery: String,
        /// Why the first failed.
        why: String,
        /// The project of its event.
        project: Option<String>,
        /// What its event was about.
        about: Option<String>,
        /// How many there are.
        count: u64,
    },
    /// The files on disk are not in order, so the last good ones stay in force.
    ConfigRejected {
        /// How many mistakes there are.
        problems: u64,
        /// The first: its file.
        file: String,
        /// Its line.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A destination refuses everything, so nothing is sent to it.
    DestinationHeld {
        /// The destination.
        destination: String,
        /// Why.
        why: String,
    },
    /// Events were kept that no rule could judge: their webhooks could not be read, or
    /// planning them failed.
    Quarantined {
        /// The source.
        source: String,
        /// The id of the first.
        event: String,
        /// Why the first could not be judged.
        why: String,
        /// How many there are.
        count: u64,
    },
}

/// The body of such an event.
#[derive(Debug, Serialize, Deserialize)]
struct Body {
    event: String,
    id: String,
    #[serde(default)]
    project: Option<String>,
    subject: String,
    time: Timestamp,
    facts: Map<String, Value>,
}

impl Notice {
    /// The webhook that reports it as of `now`.
    #[must_use]
    pub fn hook(&self, now: Timestamp) -> RawHook {
        let body = serde_json::to_vec(&self.body(now)).unwrap_or_default();
        RawHook::posted(http::HeaderMap::new(), Bytes::from(body))
    }

    fn body(&self, now: Timestamp) -> Body {
        let of = |event: &str, id: String, subject: String, project: &Option<String>, facts: Value| Body {
            event: event.to_owned(),
            id: format!("{event}/{id}"),
            project: project.clone(),
            subject,
            time: now,
            facts: facts.as_object().cloned().unwrap_or_default(),
        };
        match self {
            Self::Silent { source, project, since, expected } => {
                let whose = project.as_ref().map_or_else(|| source.clone(), |project| format!("{source}/{project}"));
                let told = project.as_ref().map_or_else(String::new, |project| format!(" about {project}"));
                let facts = json!({
                    "title": format!("Nothing has come from {source}{told} since {since}"),
                    "description": "The sender may have switched its webhook off, or cannot reach the relay. \
                                    relaybell sources shows what came and what was refused.",
                    "severity": "major", "sender": source, "last_event": since.to_string(),
                    "silent_for": now.since(*since).as_secs(), "expected_every": expected.as_secs(),
                });
                let id = format!("{whose}/{}", since.as_ms());
                of("source.silent", id, format!("source/{whose}"), project, facts)
            }
            Self::DeadLetter { destination, rule, delivery, why, project, about, count } => {
                let title = match count {
                    1 => format!("A message to {destination} could not be delivered"),
                    more => format!("{more} messages to {destination} could not be delivered"),
                };
                let facts = json!({
                    "title": title, "description": format!("{why}\nrelaybell deliveries show {delivery}"),
                    "severity": "critical", "destination": destination, "rule": rule,
                    "delivery": delivery, "why": why, "event_subject": about, "count": count,
                });
                of("relay.dead_letter", delivery.clone(), format!("destination/{destination}"), project, facts)
            }
            Self::ConfigRejected { problems, file, line, problem } => {
                let more = match problems.saturating_sub(1) {
                    0 => String::new(),
                    1 => "\nThere is 1 more: relaybell check".to_owned(),
                    more => format!("\nThere are {more} more: relaybell check"),
                };
                let facts = json!({
                    "title": "The edited configuration is not in order; the last good one stays in force",
                    "description": format!("{file}:{line}: {problem}{more}"),
                    "severity": "critical", "problems": problems, "file": file, "line": line, "problem": problem,
                });
                of("relay.config_rejected", now.as_ms().to_string(), "configuration".to_owned(), &None, facts)
            }
            Self::DestinationHeld { destination, why } => {
                let facts = json!({
                    "title": format!("Nothing is sent to {destination} until it is mended"),
                    "description": why, "severity": "critical", "destination": destination, "why": why,
                });
                let id = format!("{destination}/{}", now.as_ms());
                of("relay.destination_held", id, format!("destination/{destination}"), &None, facts)
            }
            Self::Quarantined { source, event, why, count } => {
                let title = match count {
                    1 => format!("A webhook from {source} was kept, but no rule could judge it"),
                    more => format!("{more} webhooks from {source} were kept, but no rule could judge them"),
                };
                let facts = json!({
                    "title": title, "description": format!("{why}\nrelaybell events show {event}"),
                    "severity": "critical", "sender": source, "event_id": event, "why": why, "count": count,
                });
                let id = format!("{source}/{}", now.as_ms());
                of("relay.quarantined", id, format!("source/{source}"), &None, facts)
            }
        }
    }
}

static NOTHING: Proof = Proof::Nothing;

/// The relay itself.
#[derive(Debug)]
pub struct Own;

impl Source for Own {
    fn proof(&self) -> &Proof {
        // The web lets nobody send to it.
        &NOTHING
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        let body: Body = serde_json::from_slice(&hook.hook().body)
            .map_err(|error| Malformed::refused(format!("this is no event of the relay itself: {error}")))?;
        Ok(vec![Report {
            event: body.event,
            project: body.project,
            subject: Some(body.subject),
            time: Some(body.time),
            payload: Value::Object(body.facts.clone()),
            facts: body.facts.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            derived: Vec::new(),
            passing: PASSING.to_vec(),
            dedup: Dedup::SenderId(body.id),
            begins: false,
            alone: None,
        }])
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(catalogue())
    }

    fn samples(&self) -> &'static [Sample] {
        &SAMPLES
    }

    fn is_own(&self) -> bool {
        true
    }
}

/// Nothing of it is remembered: each event says all.
const PASSING: [&str; 18] = [
    "title",
    "description",
    "severity",
    "sender",
    "last_event",
    "silent_for",
    "expected_every",
    "destination",
    "rule",
    "delivery",
    "why",
    "event_subject",
    "event_id",
    "count",
    "problems",
    "file",
    "line",
    "problem",
];

/// What the relay can report of itself.
#[must_use]
pub fn catalogue() -> &'static Arc<Catalogue> {
    &CATALOGUE
}

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let words = vec![KnownWords {
        fact: "severity",
        events: "",
        words: rank::SEVERITIES.iter().copied().chain([rank::UNDEFINED]).collect(),
        closed: true,
    }];
    let described = Description {
        facts: vec![
            fact("title", FactKind::Text, "what happened, in one sentence"),
            fact("description", FactKind::Text, "what is wrong and what to look at"),
            fact("severity", FactKind::Text, "how bad it is: critical, or major for a silent source"),
            fact("sender", FactKind::Text, "the source that is silent, or whose webhooks no rule could judge"),
            fact("last_event", FactKind::Time, "when its last event came, or when waiting for one began"),
            fact("silent_for", FactKind::Duration, "how long nothing has come"),
            fact("expected_every", FactKind::Duration, "how soon something was expected: expect_every"),
            fact("destination", FactKind::Text, "the destination, as relaybell.yaml names it"),
            fact("rule", FactKind::Text, "the rule of the delivery that failed for good"),
            fact("delivery", FactKind::Text, "its id, for  relaybell deliveries show"),
            fact("why", FactKind::Text, "why"),
            fact("event_subject", FactKind::Text, "what the event of the delivery was about"),
            fact("event_id", FactKind::Text, "the first event that no rule could judge, for  relaybell events show"),
            fact("count", FactKind::Number, "how many deliveries failed for good, or events no rule could judge"),
            fact("problems", FactKind::Number, "how many mistakes the files have"),
            fact("file", FactKind::Text, "the file of the first mistake"),
            fact("line", FactKind::Number, "its line"),
            fact("problem", FactKind::Text, "what is wrong there"),
        ],
        passing: PASSING.to_vec(),
        words,
        ..Description::new(NAME)
    };
    let all = described
        .event(
            "source.silent",
            &["project", "title", "description", "severity", "sender", "last_event", "silent_for", "expected_every"],
        )
        .event(
            "relay.dead_letter",
            &[
                "project",
                "title",
                "description",
                "severity",
                "destination",
                "rule",
                "delivery",
                "why",
                "event_subject",
                "count",
            ],
        )
        .event("relay.config_rejected", &["title", "description", "severity", "problems", "file", "line", "problem"])
        .event("relay.destination_held", &["title", "description", "severity", "destination", "why"])
        .event("relay.quarantined", &["title", "description", "severity", "sender", "event_id", "why", "count"]);
    Arc::new(Catalogue::of(all))
});

const SAMPLES: [Sample; 5] = [
    Sample::of("relay.config_rejected", "relay.config_rejected", include_str!("samples/relay.config_rejected.json")),
    Sample::of("relay.dead_letter", "relay.dead_letter", include_str!("samples/relay.dead_letter.json")),
    Sample::of("relay.destination_held", "relay.destination_held", include_str!("samples/relay.destination_held.json")),
    Sample::of("relay.quarantined", "relay.quarantined", include_str!("samples/relay.quarantined.json")),
    Sample::of("source.silent", "source.silent", include_str!("samples/source.silent.json")),
];
