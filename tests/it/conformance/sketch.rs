//! Plans in few words.

#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use relaybell::domain::delivery::{Action, NewDelivery};
use relaybell::domain::event::{Dedup, Event, SubjectKey};
use relaybell::domain::facts::{Facts, Origin};
use relaybell::domain::how::How;
use relaybell::domain::ids::{DeliveryId, EventId, delivery_key};
use relaybell::domain::memory::{Memory, MemoryChange, MemoryVersion, Remembered};
use relaybell::domain::message::{CONTENT_VERSION, Content, Message};
use relaybell::domain::plan::{Decision, Plan, Verdict};
use relaybell::domain::priority::Priority;
use relaybell::domain::stage::Stage;
use relaybell::domain::time::Timestamp;
use serde_json::json;

/// The moment `ms` after the tests' beginning.
pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_790_000_000_000 + ms)
}

/// The key of a subject of these tests.
pub fn subject(name: &str) -> SubjectKey {
    SubjectKey::new("qase", Some("PAY"), name)
}

/// A plan for event number `n` about `about`, received `received` ms after the beginning,
/// that causes one delivery for each of `to`.
pub fn plan(n: u8, about: &str, received: i64, to: &[&str]) -> Plan {
    let mut chance = [0; 10];
    chance[9] = n;
    let received = at(received);
    let id = EventId::new(received, chance);
    let values =
        json!({"event": "defect.created", "severity": "blocker", "pass_rate": 14.0 / 15.0, "payload": {"id": n}});
    let origins = BTreeMap::from([("severity".to_owned(), Origin::Memory { since: at(-1) })]);
    let deliveries: Vec<NewDelivery> = to.iter().zip(0..).map(|(to, i)| delivery(id, received, about, to, i)).collect();
    Plan {
        event: Event {
            id,
            source: "qase".into(),
            name: "defect.created".to_owned(),
            project: Some("PAY".to_owned()),
            subject: Some(about.to_owned()),
            time: received.minus(std::time::Duration::from_secs(1)),
            received,
            facts: Facts { values: values.as_object().unwrap().clone(), origins },
        },
        body: Bytes::from(format!("{{ \"id\":{n} }}\n")),
        dedup: Dedup::SenderId(format!("sent-{n}")),
        stage: Stage::Decided,
        headers: BTreeMap::new(),
        revision: "r1".into(),
        memory: None,
        verdicts: vec![Verdict {
            rule: "rule-0".into(),
            decision: Decision::Sent(deliveries.iter().map(|new| new.id).collect()),
            notes: vec!["a note".to_owned()],
        }],
        deliveries,
        template_failures: Vec::new(),
    }
}

fn delivery(event: EventId, created: Timestamp, about: &str, to: &str, i: u8) -> NewDelivery {
    let rule = format!("rule-{i}");
    let key = delivery_key(event, &rule, "post", to);
    NewDelivery {
        id: DeliveryId::new(created, &key),
        event,
        rule: rule.into(),
        destination: to.into(),
        conversation: subject(about).0,
        action: Action::Post,
        key,
        content: Content {
            v: CONTENT_VERSION,
            message: Message { title: format!("message {i} of {event}"), ..Message::default() },
            fields: json!({"ratio": 0.1 + 0.2}).as_object().unwrap().clone(),
            how: How::default(),
            body: None,
            facts: serde_json::Map::new(),
        },
        parent: None,
        priority: Priority::Normal,
        expires: None,
    }
}

/// `plan`, remembering `severity` of its subject from version `from` on.
pub fn remembering(mut plan: Plan, from: Option<MemoryVersion>, severity: &str) -> Plan {
    let received = plan.event.received;
    let facts = BTreeMap::from([("severity".to_owned(), Remembered { value: severity.into(), since: received })]);
    let key = subject(plan.event.subject.as_deref().unwrap());
    plan.memory = Some(MemoryChange { key, from, to: Memory { first_seen: received, facts, standing: None } });
    plan
}

/// The destination's name.
pub fn name(destination: &str) -> Arc<str> {
    destination.into()
}
