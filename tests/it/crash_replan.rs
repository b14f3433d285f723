//! `kill -9` in the middle of `events replan`, of the relay and of the command that does it
//! without one: every event is decided once, its message arrives, and is called a possible
//! duplicate only where it was in flight.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use relaybell::ports::Dice;
use relaybell::ports::http::HttpExchange;
use relaybell::ports::system::ThreadDice;
use relaybell::standin::{Standin, Vendor};
use serde_json::{Value, json};

use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::{Serving, command, run, stdout};

/// How many webhooks cannot be read at first.
const HOOKS: u64 = 500;
/// One of so many reports three builds.
const SEVERAL_EVERY: u64 = 6;
/// How many subjects the others are about: each is a conversation.
const SUBJECTS: u64 = 10;
/// How many attempts may be in flight at once.
const CONCURRENCY: usize = 4;
/// How often the replan must have been interrupted half-way, so that this test says something.
const HALF_WAY_MIN: usize = 3;
/// How often it may be tried.
const ROUNDS_MAX: u32 = 400;

/// The configuration, whose mapping reads the status from `status`.
fn config(sink: &Standin, status: &str) -> String {
    format!(
        "server: {{ listen: 127.0.0.1:0 }}\n\
         storage: {{ url: \"sqlite:crash.db\" }}\n\
         sources:\n\
         \x20 ci:\n\
         \x20   kind: json\n\
         \x20   never_refuse: true\n\
         \x20   map:\n\
         \x20     each: first(body.builds, [body])\n\
         \x20     event: '\"build.\" + item.{status}'\n\
         \x20     subject: '\"build/\" + item.name'\n\
         \x20     id: item.id\n\
         \x20     facts: {{ title: item.title }}\n\
         destinations:\n\
         \x20 chat: {{ kind: slack, webhook_url: \"{}\", limit: none, concurrency: {CONCURRENCY} }}\n",
        sink.webhook_url().unwrap()
    )
}

/// One build, known by its number, of a subject.
fn build(number: u64, subject: &str) -> Value {
    json!({ "id": format!("id-{number}"), "status": "failed", "name": subject, "title": format!("number {number} of {subject}") })
}

/// The webhook `hook` with the numbers it reports. Those of several builds have subjects of
/// their own, so that the order of the others is that of their numbers.
fn webhook(hook: u64) -> (Value, Vec<u64>) {
    let numbers: Vec<u64> =
        (0..if hook.is_multiple_of(SEVERAL_EVERY) { 3 } else { 1 }).map(|item| hook * 10 + item).collect();
    let body = match numbers.as_slice() {
        [one] => build(*one, &format!("s{}", hook % SUBJECTS)),
        several => {
            let builds = several.iter().map(|number| build(*number, &format!("own{number}")));
            json!({ "builds": builds.collect::<Vec<_>>() })
        }
    };
    (body, numbers)
}

/// What the command prints as JSON.
fn told(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = run(folder, arguments);
    serde_json::from_str(&stdout(&output)).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"))
}

fn unread(folder: &Path) -> usize {
    told(folder, &["events", "list", "--quarantined", "--limit", "10000", "--json"]).len()
}

/// Starts `events replan`, which asks the relay that serves, or does it itself.
fn replan(folder: &Path) -> std::process::Child {
    let mut command = command(folder, &["events", "replan", "--quarantined"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until a random real moment, later and later so that slow machines get there too.
fn some_time(round: u32) {
    let seconds = 0.02 + (0.18 + 0.01 * f64::from(round)) * ThreadDice.roll();
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

/// The number that a message names, and its subject.
fn named(text: &str) -> (String, u64) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "number").unwrap_or_else(|| panic!("{text}"));
    (words[at + 3].to_owned(), words[at + 1].parse().unwrap())
}

/// Replans until nothing is left to, with kills; how often a kill met it half-way, and how
/// often the relay was killed.
fn replan_and_kill(folder: &Path) -> (usize, usize) {
    let (mut half_way, mut kills) = (0, 0);
    for round in 0..ROUNDS_MAX {
        let before = unread(folder);
        if before == 0 {
            return (half_way, kills);
        }
        if round % 3 == 2 {
            let mut direct = replan(folder);
            some_time(round);
            direct.kill().unwrap();
            direct.wait().unwrap();
        } else {
            let relay = Serving::start(folder);
            let mut asking = replan(folder);
            some_time(round);
            relay.kill();
            asking.wait().unwrap();
            kills += 1;
        }
        let after = unread(folder);
        half_way += usize::from(after > 0 && after < before);
    }
    panic!("{} webhooks are still unread after {ROUNDS_MAX} rounds", unread(folder));
}

async fn post_all(folder: &Path) {
    let relay = Serving::start(folder);
    let client = HttpExchange::new().unwrap();
    for hook in 0..HOOKS {
        let body = webhook(hook).0.to_string();
        let answer = ask(&client, relay.address, "POST", "/hooks/ci", &[], body.as_bytes()).await;
        assert_eq!(answer.status(), 202);
    }
    relay.kill();
    assert_eq!(unread(folder), usize::try_from(HOOKS).unwrap(), "the mapping is not wrong enough");
}

async fn all_sent(folder: &Path, sink: &Standin, wanted: &BTreeSet<u64>) {
    let relay = Serving::start(folder);
    for _ in 0..600 {
        let seen: BTreeSet<u64> = sink.received().iter().map(|message| named(&message.as_text).1).collect();
        if seen.is_superset(wanted) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    relay.signal("TERM");
    assert!(relay.wait().success(), "a stop in order ends with 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replan_that_is_killed_half_way_loses_and_repeats_nothing() {
    let sink = Standin::start(Vendor::Slack).unwrap();
    let folder = Folder::new(
        &config(&sink, "state"),
        "rules: [{ name: all, when: { event: build.failed }, send: [{ to: chat, template: t }] }]\n",
    );
    folder.write("templates/t.md.hbs", "---\ntitle: \"{{title}} .\"\n---\n");
    post_all(folder.path()).await;
    folder.write("relaybell.yaml", &config(&sink, "status"));
    let path = folder.path().to_owned();
    let (half_way, kills) = tokio::task::spawn_blocking(move || replan_and_kill(&path)).await.unwrap();
    assert!(half_way >= HALF_WAY_MIN, "not vacuous: {half_way} of {kills} kills came half-way");
    let wanted: BTreeSet<u64> = (0..HOOKS).flat_map(|hook| webhook(hook).1).collect();
    all_sent(folder.path(), &sink, &wanted).await;

    let events = told(folder.path(), &["events", "list", "--source", "ci", "--limit", "10000", "--json"]);
    assert!(events.iter().all(|event| event["stage"] == "decided" && event["event"] == "build.failed"));
    let deliveries = told(folder.path(), &["deliveries", "list", "--limit", "10000", "--json"]);
    assert!(deliveries.iter().all(|delivery| delivery["state"] == "delivered"));
    let title = |delivery: &Value| named(delivery["title"].as_str().unwrap()).1;
    let decided: BTreeSet<u64> = deliveries.iter().map(title).collect();
    assert_eq!(decided, wanted, "each build is decided");
    assert_eq!((events.len(), deliveries.len()), (wanted.len(), wanted.len()), "and decided once");

    let marked: BTreeSet<u64> =
        deliveries.iter().filter(|delivery| delivery["possible_duplicate"] == true).map(title).collect();
    assert!(marked.len() <= kills * CONCURRENCY, "{} possible duplicates after {kills} kills", marked.len());
    let mut times: HashMap<u64, usize> = HashMap::new();
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for message in sink.received() {
        let (subject, number) = named(&message.as_text);
        *times.entry(number).or_default() += 1;
        let before = last.insert(subject.clone(), number).unwrap_or_default();
        assert!(number >= before, "of {subject}, {number} came after {before}");
    }
    let repeated: BTreeSet<u64> = times.iter().filter(|(_, times)| **times > 1).map(|(number, _)| *number).collect();
    assert!(repeated.is_subset(&marked), "sent twice and not called so: {:?}", repeated.difference(&marked));
}
