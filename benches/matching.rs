//! How many events a second are held against rules, facts already extracted, one thread:
//! `cargo bench --bench matching`. The argument is how many rules there are. In `spread`
//! the rules that match stay few; in `crowded` they grow with the rules.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot go on has failed")]

use divan::Bencher;
use divan::counter::ItemsCount;
use relaybell::config::diagnostic::Color;
use relaybell::config::{Secrets, Snapshot, load};
use relaybell::domain::facts::Facts;
use relaybell::source::qase::EVENTS;
use serde_json::json;

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
const SEVERITIES: [&str; 6] = ["blocker", "critical", "major", "normal", "minor", "trivial"];

fn main() {
    divan::main();
}

/// Rules over `projects` projects, all event names, severities, prefixes and ranges.
fn rules(count: usize, projects: usize) -> Snapshot {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    let config = "sources: { qase: { kind: qase } }\n\
                  destinations: { chat: { kind: slack, webhook_url: \"https://hooks.slack.com/services/T/B/x\" } }\n";
    std::fs::write(folder.path().join("relaybell.yaml"), config).unwrap();
    for (file, part) in (0..count).collect::<Vec<_>>().chunks(5_000).enumerate() {
        let mut text = String::from("rules:\n");
        for n in part {
            let event = EVENTS[n % EVENTS.len()];
            let project = (n / EVENTS.len()) % projects;
            let more = match n % 4 {
                0 => format!("severity: {}", SEVERITIES[n % SEVERITIES.len()]),
                1 => "severity: { at_least: major }".to_owned(),
                2 => format!("cases: {{ above: {} }}", n % 100),
                _ => "title: { starts_with: check }".to_owned(),
            };
            text.push_str(&format!(
                "  - name: rule-{n}\n    when: {{ event: {event}, project: P{project}, {more} }}\n    unless: {{ title: {{ starts_with: \"[draft]\" }} }}\n    send: [{{ to: chat }}]\n"
            ));
        }
        std::fs::write(folder.path().join(format!("rules/rules-{file:03}.yaml")), text).unwrap();
    }
    load(&folder.path().join("relaybell.yaml"), Secrets::Resolve)
        .unwrap_or_else(|findings| panic!("{}", findings.render(Color::Never)))
}

fn events(projects: usize) -> Vec<Facts> {
    (0..1000)
        .map(|n: usize| {
            let values = json!({
                "event": EVENTS[n * 7 % EVENTS.len()],
                "project": format!("P{}", n * 13 % projects),
                "severity": SEVERITIES[n % SEVERITIES.len()],
                "title": if n.is_multiple_of(3) { "Checkout fails when the card is declined" } else { "Voucher is charged twice" },
                "cases": n % 120,
                "source": "qase",
                "subject": format!("defect/{n}"),
            });
            Facts { values: values.as_object().expect("an object").clone(), ..Facts::default() }
        })
        .collect()
}

fn matching(bencher: Bencher<'_, '_>, count: usize, projects: usize) {
    let snapshot = rules(count, projects);
    let events = events(projects);
    bencher
        .counter(ItemsCount::new(events.len()))
        .bench(|| events.iter().map(|facts| snapshot.rules.matching(facts).count()).sum::<usize>());
}

/// As many projects as keep the matches few.
#[divan::bench(args = SIZES)]
fn spread(bencher: Bencher<'_, '_>, count: usize) {
    matching(bencher, count, (count / 80).max(1));
}

/// Always 200 projects.
#[divan::bench(args = SIZES)]
fn crowded(bencher: Bencher<'_, '_>, count: usize) {
    matching(bencher, count, 200);
}
