//! What would be sent: the job of a delivery that no store knows.

use serde_json::Map;

use crate::config::{Snapshot, did_you_mean};
use crate::destination::Destination;
use crate::domain::Name;
use crate::domain::delivery::{Action, Job};
use crate::domain::facts::Facts;
use crate::domain::how::How;
use crate::domain::ids::{DeliveryId, EventId, delivery_key};
use crate::domain::message::{CONTENT_VERSION, Content, Message};
use crate::domain::reads::Reads;
use crate::domain::render::Templates;
use crate::domain::rule::Kind;
use crate::domain::time::Timestamp;

use super::Failure;

/// The name of the template that every event has.
pub(super) const BUILT_IN: &str = "built-in";

/// What the rule of such a job is called.
const RULE: &str = "(test)";

/// What `template` makes of `facts` for `kind`, with what the destination `reads` of them; an error says where it fails.
pub(super) fn content(
    snapshot: &Snapshot,
    template: &str,
    kind: Kind,
    reads: &Reads,
    facts: &Facts,
) -> Result<Content, Failure> {
    let templates = &snapshot.templates;
    let built_in = template == BUILT_IN && templates.names().all(|name| name != BUILT_IN);
    if !built_in && templates.names().all(|name| name != template) {
        let meant = did_you_mean(template, templates.names().chain([BUILT_IN]));
        return Err(Failure::Usage(format!("there is no template '{template}'{meant}")));
    }
    let failed = |error: crate::domain::render::RenderError| {
        anyhow::anyhow!("{error}\nThe template fails on this event: the built-in message would be sent instead.")
    };
    let (message, body) = if built_in {
        (Templates::built_in(facts), None)
    } else {
        let body = templates.own_body(template, kind, facts).transpose().map_err(failed)?;
        (templates.message(template, facts).map_err(failed)?, body)
    };
    Ok(Content { v: CONTENT_VERSION, message, fields: Map::new(), how: How::default(), body, facts: reads.pick(facts) })
}

/// The job that does `action` with `content` at `destination`, at `now`. Its key is
/// another for every `dice`.
pub(super) fn job(destination: &str, action: Action, content: Content, now: Timestamp, dice: [u8; 10]) -> Job {
    let event = EventId::new(now, dice);
    let key = delivery_key(event, RULE, action.word(), destination);
    Job {
        id: DeliveryId::new(now, &key),
        event,
        rule: RULE.into(),
        destination: Name::from(destination),
        conversation: event.to_string(),
        action,
        key,
        content,
        accepted: now,
        began: now,
        expires: None,
        attempt: 1,
        failures: 0,
        looks: 0,
        thread: None,
        unsure: false,
    }
}

/// A message that says nothing but that the destination works.
pub(super) fn hello(destination: &str, now: Timestamp) -> Message {
    let text = format!("This tests the destination {destination}. Nothing happened, and nobody need do anything.");
    Message {
        title: format!("Relaybell reaches {destination}"),
        body: crate::domain::markdown::parse(&crate::domain::markdown::literal::encode(&text)),
        fields: vec![crate::domain::message::Field { name: "Sent".to_owned(), value: now.to_string() }],
        ..Message::default()
    }
}

/// What `adapter` does unless a rule says otherwise.
pub(super) fn usual(adapter: &dyn Destination) -> Action {
    adapter.actions().first().copied().unwrap_or(Action::Post)
}
