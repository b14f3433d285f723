//! The shipped templates and the built-in message, on the sample events.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bytes::Bytes;
use http::HeaderMap;
use relaybell::domain::facts::Facts;
use relaybell::domain::ids::EventId;
use relaybell::domain::memory::Known;
use relaybell::domain::message::Message;
use relaybell::domain::plan::{Arrival, plan_event, see};
use relaybell::domain::render::{TemplateFile, Templates};
use relaybell::domain::rule::RuleSet;
use relaybell::domain::time::Timestamp;
use relaybell::source::proof::Proof;
use relaybell::source::qase::{Qase, samples};
use relaybell::source::{RawHook, Source, prove};
use serde_json::json;

use super::{facts, file, shown};

const NOW: Timestamp = Timestamp::from_seconds(1_789_400_000);

fn shipped() -> Templates {
    let files: Vec<TemplateFile> = SHIPPED.iter().map(|(name, _, text)| file(name, text)).collect();
    Templates::compile(&files).unwrap_or_else(|problems| panic!("{}", shown(&problems)))
}

fn arrival(body: &str) -> Arrival {
    let source =
        Qase { name: "qase".to_owned(), proof: Proof::Nothing, app_url: "https://app.qase.io".parse().unwrap() };
    let body = Bytes::copy_from_slice(body.as_bytes());
    let verified = prove(&source, RawHook::posted(HeaderMap::new(), body.clone()), NOW).unwrap();
    Arrival {
        id: EventId::new(NOW, [7; 10]),
        source: "qase".into(),
        report: source.normalise(&verified).unwrap().remove(0),
        body,
        received: NOW,
        revision: "r1".into(),
    }
}

/// The facts of the sample `variant`, with what `before` left in memory.
fn sample(variant: &str, before: &[&str]) -> Facts {
    let body = |variant: &str| samples().iter().find(|sample| sample.variant == variant).unwrap().body;
    let mut known = Known::default();
    for variant in before {
        let plan = plan_event(arrival(body(variant)), &known, &RuleSet::default(), &Templates::default());
        known = Known { memory: plan.memory.map(|change| (change.to, 1)) };
    }
    see(arrival(body(variant)), &known).facts
}

macro_rules! shipped {
    ($name:literal, $event:literal) => {
        ($name, $event, include_str!(concat!("../../../templates/", $name, ".md.hbs")))
    };
}

/// The shipped templates: name, event, text.
const SHIPPED: [(&str, &str, &str); 6] = [
    shipped!("defect-opened", "defect.created"),
    shipped!("defect-ticket", "defect.created"),
    shipped!("defect-resolved", "defect.resolved"),
    shipped!("run-failed", "run.completed"),
    shipped!("run-aborted", "run.aborted"),
    shipped!("review-changes-requested", "review.approval_status_changed"),
];

#[test]
fn shipped_templates_read_well_on_every_sample_of_their_events() {
    let templates = shipped();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    assert_eq!(templates.names().count(), std::fs::read_dir(folder).unwrap().count(), "a template without a test");
    for (template, event, _) in SHIPPED {
        for sample in samples().iter().filter(|sample| sample.event == event) {
            let facts = see(arrival(sample.body), &Known::default()).facts;
            let message = templates.message(template, &facts).unwrap();
            insta::assert_json_snapshot!(format!("{template}.on.{}", sample.variant), message);
        }
    }
    for (template, variant, before) in [
        ("defect-resolved", "defect.resolved", "defect.created"),
        ("run-failed", "run.completed", "run.started"),
        ("run-aborted", "run.aborted.sparse", "run.started.variant-plan-int"),
        ("review-changes-requested", "review.approval_status_changed.variant-request-changes", "review.created"),
    ] {
        let message = templates.message(template, &sample(variant, &[before])).unwrap();
        insta::assert_json_snapshot!(format!("{template}.on.{variant}.after.{before}"), message);
    }
}

#[test]
fn shipped_templates_need_nothing_but_the_name_of_the_event() {
    let templates = shipped();
    for (template, event, _) in SHIPPED {
        let message = templates.message(template, &facts(json!({"event": event}))).unwrap();
        assert!(!message.title.contains("  "), "{template}: {:?}", message.title);
        let message = templates.message(template, &facts(json!({"event": event, "cases": 4, "id": "x"}))).unwrap();
        assert!(!message.title.is_empty());
    }
}

#[test]
fn the_built_in_message_says_what_is_known_of_any_sample() {
    let messages: Vec<(&str, Message)> = samples()
        .iter()
        .map(|sample| (sample.variant, Templates::built_in(&see(arrival(sample.body), &Known::default()).facts)))
        .collect();
    for (variant, message) in &messages {
        assert!(message.title.contains(" · "), "{variant}: {}", message.title);
        assert!(message.link.is_some() || *variant == "gen0-envelope.case.created", "{variant}");
    }
    let shown: Vec<_> = messages
        .iter()
        .filter(|(variant, _)| {
            ["defect.created", "run.completed", "review.commented", "shared_step.deleted"].contains(variant)
        })
        .collect();
    insta::assert_json_snapshot!("built-in", shown);
    assert_eq!(Templates::built_in(&Facts::default()).title, "An event");
}
