//! How many events a second are held against rules, on one thread: from the bytes of the
//! webhook, of which what rules ask for is read (`whole`), and with all facts already read
//! (`alone`); how many are read as a whole, to be stored (`read`); and how long it takes
//! to load so many rules. The argument is how many rules there are; what the shapes mean
//! stands in `traffic.rs`.
//!
//! `cargo bench --bench matching`, or only some: `cargo bench --bench matching -- whole`.
//! With `KEEP=folder` in the environment nothing is measured: the rules and webhooks are
//! written there, for `relaybell bench-match RULES EVENTS`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on has failed")]

mod traffic;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use http::HeaderMap;
use relaybell::config::diagnostic::Color;
use relaybell::config::{Disk, Secrets, Snapshot, load_from, rules_alone};
use relaybell::domain::event::Event;
use relaybell::domain::ids::EventId;
use relaybell::domain::memory::Known;
use relaybell::domain::plan::{Arrival, see};
use relaybell::domain::rule::RuleSet;
use relaybell::domain::time::Timestamp;
use relaybell::source::proof::Proof;
use relaybell::source::qase::Qase;
use relaybell::source::{RawHook, Source, Verified, prove};
use traffic::{Shape, rule_files, webhooks};

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];
const SHAPES: [Shape; 3] = [Shape::Growing, Shape::Level, Shape::NoProject];
/// More than fit into the caches of a processor.
const EVENTS: usize = 10_000;

/// Many small, short-lived values a webhook: the system's allocator is slower at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    match std::env::var_os("KEEP") {
        Some(folder) => keep(Path::new(&folder)),
        None => divan::main(),
    }
}

fn keep(folder: &Path) {
    for shape in SHAPES {
        for size in SIZES {
            write_rules(&folder.join(format!("{}-{size}", shape.word())), shape, size);
        }
    }
    std::fs::write(folder.join("events.ndjson"), webhooks(100_000).join("\n")).unwrap();
}

fn write_rules(folder: &Path, shape: Shape, size: usize) {
    std::fs::create_dir_all(folder.join("rules")).unwrap();
    let config = "sources: { qase: { kind: qase } }\n\
                  destinations: { chat: { kind: slack, webhook_url: \"https://hooks.slack.com/services/T/B/x\" } }\n";
    std::fs::write(folder.join("relaybell.yaml"), config).unwrap();
    for (file, text) in rule_files(shape, size).iter().enumerate() {
        std::fs::write(folder.join(format!("rules/rules-{file:03}.yaml")), text).unwrap();
    }
}

fn rules(shape: Shape, size: usize) -> RuleSet {
    let folder = tempfile::tempdir().unwrap();
    write_rules(folder.path(), shape, size);
    rules_alone(&folder.path().join("rules"), &["qase"])
        .unwrap_or_else(|findings| panic!("{}", findings.render(Color::Never)))
}

fn qase() -> Qase {
    Qase { name: "qase".to_owned(), proof: Proof::Nothing, app_url: "https://app.qase.io".parse().unwrap() }
}

fn bodies() -> Vec<Bytes> {
    webhooks(EVENTS).into_iter().map(Bytes::from).collect()
}

/// When all webhooks come in.
const RECEIVED: Timestamp = Timestamp::from_seconds(1_789_400_000);

fn proven(body: &Bytes, qase: &Qase) -> Verified {
    let hook = RawHook::posted(HeaderMap::new(), body.clone());
    prove(qase, hook, RECEIVED).expect("no secret is asked for")
}

/// The way of a webhook from its bytes to all its facts, as when serving.
fn event(body: &Bytes, qase: &Qase) -> Event {
    let report = qase.normalise(&proven(body, qase)).expect("a webhook").pop().expect("a report");
    let arrival = Arrival {
        id: EventId::new(RECEIVED, [0; 10]),
        source: Arc::from("qase"),
        report,
        body: body.clone(),
        received: RECEIVED,
        revision: Arc::from("bench"),
    };
    see(arrival, &Known::default())
}

#[divan::bench(args = SIZES, consts = [0, 1, 2], sample_count = 10)]
fn whole<const SHAPE: usize>(bencher: Bencher<'_, '_>, size: usize) {
    let (rules, qase, bodies) = (rules(SHAPES[SHAPE], size), qase(), bodies());
    let lens = qase.lens(rules.asked());
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| {
        let seen = bodies.iter().map(|body| lens.glimpse(&proven(body, &qase), RECEIVED).expect("a webhook"));
        seen.map(|event| rules.matching(&event).count()).sum::<usize>()
    });
}

#[divan::bench(args = SIZES, consts = [0, 1, 2], sample_count = 10)]
fn alone<const SHAPE: usize>(bencher: Bencher<'_, '_>, size: usize) {
    let (rules, qase) = (rules(SHAPES[SHAPE], size), qase());
    let events: Vec<Event> = bodies().iter().map(|body| event(body, &qase)).collect();
    let bencher = bencher.counter(ItemsCount::new(EVENTS));
    bencher.bench(|| events.iter().map(|event| rules.matching(&event.facts).count()).sum::<usize>());
}

#[divan::bench(sample_count = 10)]
fn read(bencher: Bencher<'_, '_>) {
    let (qase, bodies) = (qase(), bodies());
    let bencher = bencher.counter(ItemsCount::new(EVENTS));
    bencher.bench(|| bodies.iter().map(|body| event(body, &qase).facts.values.len()).sum::<usize>());
}

/// A whole configuration from its files, as at a reload.
#[divan::bench(args = [1_000, 10_000, 100_000], consts = [0, 1, 2], sample_count = 3, sample_size = 1)]
fn load<const SHAPE: usize>(bencher: Bencher<'_, '_>, size: usize) {
    let folder = tempfile::tempdir().unwrap();
    write_rules(folder.path(), SHAPES[SHAPE], size);
    let path = folder.path().join("relaybell.yaml");
    bencher.bench(|| -> Snapshot {
        load_from(&Disk, &|_| None, &path, Secrets::Resolve)
            .unwrap_or_else(|findings| panic!("{}", findings.render(Color::Never)))
    });
}
