//! The relay's own events: rules use them as any other, and nothing goes round in a circle.

use std::time::Duration;

use relaybell::domain::delivery::State;
use relaybell::store::Ledger;

use crate::support::exchange::Says;
use crate::support::rig::{Rig, TWO_CHATS};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Defects go to red, the relay's own events to blue.
const RULES: &str = "
rules:
  - { name: defects, when: { event: defect.created }, send: [{ to: red }] }
  - { name: trouble, when: { source: relay }, send: [{ to: blue }] }
";

/// The names of the events of the relay itself, the oldest first.
async fn own(rig: &Rig) -> Vec<String> {
    let mut events = rig.store.events(Some("relay"), None, 100).await.unwrap();
    events.reverse();
    events.into_iter().map(|event| event.name).collect()
}

#[tokio::test]
async fn a_held_destination_is_told_once_where_rules_say() {
    let rig = Rig::start(TWO_CHATS, RULES).await;
    rig.exchange.script("red.example", (0..20).map(|_| Says::Status(403, vec![], "invalid_token")));
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.defect("defect.created", "SHOP", 2, "y").await;
    rig.pass(5 * MINUTE).await;
    assert_eq!(own(&rig).await, ["relay.destination_held"]);
    let told = rig.exchange.asked("blue.example");
    assert_eq!(told.len(), 1);
    assert!(told[0].body.contains("Nothing is sent to red until it is mended"), "{}", told[0].body);
}

#[tokio::test]
async fn dead_letters_are_told_together_and_never_about_themselves() {
    let rig = Rig::start(TWO_CHATS, RULES).await;
    rig.exchange.script("red.example", (0..20).map(|_| Says::Status(400, vec![], "invalid_blocks")));
    rig.exchange.script("blue.example", (0..20).map(|_| Says::Status(400, vec![], "invalid_blocks")));
    for id in 0..5 {
        rig.defect("defect.created", "SHOP", id, "x").await;
    }
    rig.pass(10 * MINUTE).await;
    let states = rig.states().await;
    assert!(states.len() > 5 && states.iter().all(|state| *state == State::Dead), "{states:?}");
    let own = own(&rig).await;
    assert!((1..=2).contains(&own.len()) && own.iter().all(|name| name == "relay.dead_letter"), "{own:?}");
}

#[tokio::test]
async fn silence_is_told_once_for_each_silence() {
    let config = TWO_CHATS.replace("{ kind: qase }", "{ kind: qase, expect_every: { projects: { SHOP: 48h } } }");
    let rig = Rig::start(&config, RULES).await;
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.pass(47 * HOUR).await;
    rig.defect("defect.created", "PAY", 1, "another project").await;
    assert!(own(&rig).await.is_empty());
    rig.pass(2 * HOUR).await;
    assert_eq!(own(&rig).await, ["source.silent"]);
    // A restart tells it no second time.
    let rig = rig.restart(|_| {}).await;
    rig.pass(30 * HOUR).await;
    assert_eq!(own(&rig).await, ["source.silent"]);
    rig.defect("defect.created", "SHOP", 2, "y").await;
    rig.pass(49 * HOUR).await;
    assert_eq!(own(&rig).await, ["source.silent", "source.silent"]);
    let event = rig.store.events(Some("relay"), None, 1).await.unwrap().remove(0);
    assert_eq!((event.project.as_deref(), event.subject.as_deref()), (Some("SHOP"), Some("source/qase/SHOP")));
}
