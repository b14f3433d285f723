//! What sound configurations mean.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use relaybell::config::diagnostic::Severity;
use relaybell::config::{Secrets, Snapshot, load_from};
use relaybell::domain::condition::Silent;
use relaybell::domain::delivery::{Action, RetryPolicy};
use relaybell::domain::facts::Facts;
use relaybell::domain::render::Templates;
use relaybell::domain::rule::Kind;
use serde_json::{Value, json};

use crate::diagnose::{Memory, base, load};

fn sound(files: &Memory) -> Snapshot {
    load(files, Secrets::Leave).unwrap_or_else(|found| panic!("{found}"))
}

fn rule(when: &str) -> Memory {
    base().with("rules/a.yaml", format!("rules:\n  - name: a\n    when:\n{when}\n    send: [{{ to: qa-blockers }}]\n"))
}

/// Whether a rule with these lines of `when:` matches these facts.
fn holds(when: &str, facts: &Value) -> bool {
    let lines: String = when.lines().map(|line| format!("      {line}\n")).collect();
    let snapshot = sound(&rule(&lines));
    let facts = Facts { values: facts.as_object().unwrap().clone(), ..Facts::default() };
    snapshot.rules.rules()[0].matches(&facts, &mut Silent)
}

/// Lines of `when:` and whether they hold of the facts in `operators_mean_what_they_say`.
const OPERATORS: &[(&str, bool)] = &[
    // Equal and one of, whatever the case.
    ("project: PAY", true),
    ("project: pay", true),
    ("project: SHOP", false),
    ("project: [SHOP, Pay]", true),
    ("severity: critical", true),
    ("visible: true", true),
    ("visible: false", false),
    ("cases: 50", true),
    ("cases: 50.0", true),
    ("failed: 5", true),
    ("environment: 1.10", true),
    ("environment: 1.1", false),
    ("tags: smoke", true),
    ("payload.id: 7", true),
    ("payload.fields[0].value: RED", true),
    ("'payload.\"odd.key\"': x", true),
    // Events.
    ("event: defect.created", true),
    ("event: defect.*", true),
    ("event: [run.*, '*.created']", true),
    ("event: run.?ompleted", false),
    ("event: { not: defect.* }", false),
    // Letters are the same wherever they stand: a Greek sigma at the end of a word too.
    ("payload.greek: ΟΔΟΣ", true),
    ("payload.greek: { contains: ΔΟΣ }", true),
    // Rank.
    ("severity: { at_least: critical }", true),
    ("severity: { at_least: blocker }", false),
    ("severity: { above: major }", true),
    ("severity: { above: critical }", false),
    ("severity: { at_most: critical }", true),
    ("severity: { below: blocker }", true),
    ("priority: { below: high, at_least: low }", true),
    // Numbers, and text that is one.
    ("failed: { above: 4 }", true),
    ("failed: { above: 5 }", false),
    ("failed: { at_least: 5, at_most: 5 }", true),
    ("pass_rate: { below: 0.9 }", true),
    ("payload.id: { at_least: 7 }", true),
    // Text.
    ("title: { starts_with: checkout }", true),
    ("title: { ends_with: '502' }", true),
    ("title: { ends_with: 502 }", true),
    ("title: { contains: FAILS }", true),
    ("title: { like: 'checkout*http ???' }", true),
    ("title: { like: checkout }", false),
    ("title: { matches: 'http 5\\d\\d' }", true),
    ("title: { matches: '^fails' }", false),
    ("title: { contains: fails, starts_with: x }", false),
    // Lists.
    ("tags: { has_any: [smoke, other] }", true),
    ("tags: { has_all: [smoke, other] }", false),
    ("tags: { has_all: [smoke, RELEASE] }", true),
    ("tags: { has_none: [wip] }", true),
    ("tags: { has_any: smoke }", true),
    ("tags: { contains: smoke }", true),
    // Not.
    ("project: { not: PAY }", false),
    ("project: { not: [SHOP, CRM] }", true),
    ("title: { not: { contains: nightly } }", true),
    ("title: { not: { contains: fails } }", false),
    ("failed: { not: { above: 3, below: 10 } }", false),
];

#[test]
fn operators_mean_what_they_say() {
    let facts = json!({
        "event": "defect.created", "project": "PAY", "severity": "Critical", "priority": "medium",
        "title": "Checkout fails: HTTP 502", "environment": "1.10", "cases": 50, "failed": "5", "pass_rate": 0.86,
        "visible": true, "tags": ["Smoke", "release"], "actor": null,
        "payload": {"id": 7, "fields": [{"value": "red"}], "odd.key": "x", "greek": "οδοΣ"},
    });
    for (when, expected) in OPERATORS {
        assert_eq!(holds(when, &facts), *expected, "{when}");
    }
}

#[test]
fn a_missing_fact_makes_its_line_false() {
    let facts = json!({"title": "z", "project": "PAY", "severity": "critical", "actor": null, "payload": {"id": 7}});
    for (when, expected) in [
        ("comment: x", false),
        ("comment: { not: x }", false),
        ("comment: { not: { contains: x } }", false),
        ("duration: { below: 9 }", false),
        ("payload.tags: { has_none: [wip] }", false),
        ("comment: { present: true }", false),
        ("comment: { present: false }", true),
        ("actor: { present: false }", true),
        ("title: { present: true }", true),
        ("payload.nothing.here: { present: false }", true),
        // Nests.
        ("any_of: [{ project: SHOP }, { severity: critical }]", true),
        ("any_of: [{ project: SHOP }, { severity: minor, title: x }]", false),
        ("all_of: [{ project: PAY }, { severity: critical }]", true),
        ("none_of: [{ project: SHOP }, { severity: minor }]", true),
        ("none_of: [{ project: PAY }]", false),
        ("none_of: [{ comment: x }]", true),
        ("any_of:\n  - project: SHOP\n  - all_of:\n      - project: PAY\n      - none_of: [{ title: x }]", true),
        ("project: PAY\nseverity: minor", false),
    ] {
        assert_eq!(holds(when, &facts), expected, "{when}");
    }
}

#[test]
fn words_that_are_truth_values_elsewhere_are_text() {
    assert!(holds("environment: [no, off]", &json!({"environment": "NO"})));
    assert!(holds("environment: 22:00", &json!({"environment": "22:00"})));
    assert!(holds("title: { contains: on }", &json!({"title": "turned on"})));
}

#[test]
fn unless_excludes() {
    let snapshot = sound(&rule("      project: PAY\n    unless: { title: { starts_with: \"[draft]\" } }"));
    let matches = |title: &str| {
        let values = json!({"project": "PAY", "title": title}).as_object().unwrap().clone();
        snapshot.rules.rules()[0].matches(&Facts { values, ..Facts::default() }, &mut Silent)
    };
    assert!(matches("Checkout") && !matches("[Draft] Checkout"));
}

#[test]
fn messages_take_their_defaults_from_the_destination() {
    let text = "rules:
  - name: first-rule
    when: { event: defect.created }
    send:
      - { to: qa-blockers, template: defect-opened, mention: ['@qa-oncall', '@here', nobody] }
      - { to: pay-jira }
";
    let snapshot =
        sound(&base().with("rules/z.yaml", text).with("rules/a.yml", "rules: []\n").with("rules/.x.yaml", "broken: ["));
    let rule = &snapshot.rules.rules()[0];
    assert_eq!((&*rule.name, &*rule.place.0, rule.place.1), ("first-rule", "rules/z.yaml", 2));
    let [chat, tracker] = &rule.send[..] else { panic!("two messages") };
    assert_eq!((chat.kind, chat.action, chat.template.as_deref()), (Kind::Slack, Action::Post, Some("defect-opened")));
    assert_eq!((tracker.kind, tracker.action, tracker.template.as_deref()), (Kind::Jira, Action::Create, None));
    let mentioned = chat.mention.of(&Templates::default(), &Facts::default(), &mut Vec::new());
    let mentions: Vec<_> = mentioned.iter().map(|one| (one.name.as_str(), one.slack.as_deref())).collect();
    assert_eq!(mentions, [("qa-oncall", Some("S0QAONCALL")), ("here", Some("here")), ("nobody", None)]);
}

#[test]
fn settings_have_defaults_that_fit_the_vendor() {
    let snapshot = sound(&base());
    assert_eq!(snapshot.server.listen.to_string(), "127.0.0.1:8480");
    assert_eq!(snapshot.storage.sqlite, PathBuf::from("relaybell.db"));
    assert_eq!(snapshot.storage.keep, Duration::from_secs(30 * 86_400));
    let slack = &snapshot.destinations["qa-blockers"];
    let limit = slack.limit.unwrap();
    assert_eq!((limit.sends.get(), limit.per, limit.burst.get()), (1, Duration::from_secs(1), 1));
    assert_eq!((slack.concurrency.get(), slack.retry), (1, RetryPolicy::CHAT));
    let jira = &snapshot.destinations["pay-jira"];
    assert_eq!((jira.concurrency.get(), jira.retry), (4, RetryPolicy::TRACKER));
    assert_eq!(snapshot.watched, [PathBuf::from("."), PathBuf::from("rules"), PathBuf::from("templates")]);
}

#[test]
fn settings_are_taken_as_written() {
    let text = "server: { listen: '0.0.0.0:9000', public_url: https://bell.example.com }
storage: { url: sqlite:data/bell.db, keep: 4h }
destinations:
  a: { kind: slack, token: '${T}', channel: '#a', limit: none, concurrency: 3, timeout: 5s, proxy: 'socks5://p:1080' }
  b: { kind: teams, webhook_url: '${U}', limit: { rate: 60/min, burst: 10 }, retry: { first: 2s, max: 1m, give_up_after: 2h } }
  c: { kind: slack, webhook_url: '${U}', limit: 100/h }
";
    let files = Memory::default().with("etc/relaybell.yaml", text);
    let snapshot = load_from(&files, &|_| None, Path::new("etc/relaybell.yaml"), Secrets::Leave).unwrap();
    assert_eq!(snapshot.server.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(snapshot.storage.sqlite, PathBuf::from("etc/data/bell.db"));
    assert_eq!(snapshot.storage.keep, Duration::from_secs(4 * 3600));
    let a = &snapshot.destinations["a"];
    assert_eq!((a.limit, a.concurrency.get(), a.timeout), (None, 3, Duration::from_secs(5)));
    assert_eq!(a.proxy.as_deref(), Some("socks5://p:1080"));
    let b = &snapshot.destinations["b"];
    let limit = b.limit.unwrap();
    assert_eq!((limit.sends.get(), limit.per, limit.burst.get()), (60, Duration::from_secs(60), 10));
    assert_eq!(b.retry.give_up_after, Duration::from_secs(7200));
    assert_eq!(snapshot.destinations["c"].limit.unwrap().per, Duration::from_secs(3600));
}

const SECRETS: &str = "sources:
  qase: { kind: qase, secrets: ['${QASE}', '${file:run/secrets/qase}', '${OLD:-}'] }
destinations:
  a: { kind: slack, webhook_url: '${HOOK}' }
  b: { kind: jira, url: 'https://${HOST:-acme.atlassian.net}', email: bot@acme.example, token: 'pre-${TOKEN}$${x}', project: PAY }
";

fn resolved(hook: &str) -> Snapshot {
    let files = Memory::default().with("relaybell.yaml", SECRETS).with("run/secrets/qase", "from-a-file\n");
    let environment = |name: &str| match name {
        "QASE" => Some("swordfish".to_owned()),
        "HOOK" => Some(format!("https://hooks.slack.com/services/T0/B0/{hook}")),
        "TOKEN" => Some("jira-token".to_owned()),
        _ => None,
    };
    load_from(&files, &environment, Path::new("relaybell.yaml"), Secrets::Resolve)
        .unwrap_or_else(|found| panic!("{found}"))
}

#[test]
fn secrets_are_resolved_and_never_shown() {
    let snapshot = resolved("abcdef");
    assert_eq!(snapshot.warnings.count(Severity::Error), 0);
    for shown in [
        "swordfish",
        "from-a-file",
        "https://hooks.slack.com/services/T0/B0/abcdef",
        "/services/T0/B0/abcdef",
        "pre-jira-token${x}",
        "Ym90QGFjbWUuZXhhbXBsZTpwcmUtamlyYS10b2tlbiR7eH0=",
    ] {
        assert_eq!(snapshot.scrubber.scrub(&format!("<{shown}>")), "<[secret]>", "{shown}");
    }
    assert_eq!(snapshot.scrubber.scrub("bot@acme.example"), "bot@acme.example");
    assert_eq!(snapshot.files["relaybell.yaml"], SECRETS);
    assert!(snapshot.watched.contains(&PathBuf::from("run/secrets")));
    let shown = format!("{snapshot:?}");
    for secret in ["swordfish", "from-a-file", "abcdef", "jira-token"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn a_changed_secret_changes_the_destination_but_not_the_revision() {
    let (one, same, other) = (resolved("abcdef"), resolved("abcdef"), resolved("ghijkl"));
    let print = |snapshot: &Snapshot, name: &str| snapshot.destinations[name].fingerprint;
    assert_eq!(print(&one, "a"), print(&same, "a"));
    assert_ne!(print(&one, "a"), print(&other, "a"));
    assert_eq!(print(&one, "b"), print(&other, "b"));
    assert_eq!(one.revision, other.revision);
}

#[test]
fn any_change_of_any_file_changes_the_revision() {
    let base = base();
    let revision = |files: &Memory| sound(files).revision;
    let first = revision(&base);
    assert_eq!(first, revision(&base));
    assert_eq!(first.len(), 12);
    let more = [
        base.clone().with("rules/a.yaml", "# a remark\nrules: []\n"),
        base.clone().with("templates/more.md.hbs", "---\ntitle: x\n---\n"),
        base.clone().with("rules/b.yaml", "# a remark\nrules: []\n"),
    ];
    let mut revisions: Vec<_> = more.iter().map(revision).chain([first]).collect();
    revisions.sort();
    revisions.dedup();
    assert_eq!(revisions.len(), 4);
}

#[test]
fn secrets_that_stand_in_the_file_are_not_kept_with_the_revision() {
    let text = "sources: { qase: { kind: qase, secrets: [swordfish] } }\n";
    let snapshot = sound(&Memory::default().with("relaybell.yaml", text));
    assert_eq!(snapshot.files["relaybell.yaml"], text.replace("swordfish", "[secret]"));
}

/// The shipped files; where the shipped templates are not, their names stand in.
fn shipped() -> Memory {
    let read = |path: &str| {
        let mut text = String::new();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::io::Read::read_to_string(&mut std::fs::File::open(path).unwrap(), &mut text).unwrap();
        text
    };
    let mut files = Memory::default().with("relaybell.yaml", read("relaybell.yaml"));
    for name in ["defects", "runs", "reviews", "examples"] {
        let path = format!("rules/{name}.yaml");
        files = files.with(&path, read(&path));
    }
    for name in ["defect-resolved", "run-one-failed"] {
        let path = format!("fixtures/{name}.json");
        files = files.with(&path, read(&path));
    }
    for name in ["opened", "ticket", "resolved"] {
        files = files.with(&format!("templates/defect-{name}.md.hbs"), "---\ntitle: x\n---\n");
    }
    for name in ["run-failed", "run-aborted", "review-changes-requested"] {
        files = files.with(&format!("templates/{name}.md.hbs"), "---\ntitle: x\n---\n");
    }
    files
}

#[test]
fn the_shipped_configuration_is_sound_without_any_environment() {
    let snapshot = sound(&shipped());
    assert!(snapshot.warnings.is_empty(), "{}", snapshot.warnings);
    let sent = |facts: Value| -> Vec<String> {
        let facts = Facts { values: facts.as_object().unwrap().clone(), ..Facts::default() };
        let rules = snapshot.rules.matching(&facts);
        rules.flat_map(|rule| rule.send.iter().map(|send| format!("{} {}", rule.name, send.to))).collect()
    };
    assert_eq!(
        sent(json!({"event": "defect.created", "project": "SHOP", "severity": "blocker", "title": "x"})),
        ["blocker-defect qa-blockers", "blocker-defect pay-jira"]
    );
    assert_eq!(
        sent(json!({"event": "defect.created", "project": "PAY", "severity": "minor", "title": "x"})),
        ["payment-defect payments", "defect-feed qa-feed"]
    );
    assert_eq!(sent(json!({"event": "defect.created", "severity": "blocker", "title": "[Draft] x"})), [""; 0]);
    assert_eq!(
        sent(json!({"event": "defect.resolved", "severity": "critical", "project": "PAY"})),
        ["blocker-resolved qa-blockers", "blocker-resolved pay-jira", "payment-resolved payments"]
    );
    assert_eq!(sent(json!({"event": "run.completed", "failed": 1, "pass_rate": 0.99})), ["bad-run release-room"]);
    assert_eq!(sent(json!({"event": "run.completed", "failed": 0, "pass_rate": 0.8})), ["bad-run release-room"]);
    assert_eq!(sent(json!({"event": "run.completed", "failed": 0, "pass_rate": 1.0})), [""; 0]);
    assert_eq!(sent(json!({"event": "run.aborted"})), ["aborted-run release-room"]);
    assert_eq!(
        sent(json!({"event": "review.approval_status_changed", "status": "changes_requested"})),
        ["review-changes-requested qa-feed"]
    );
    assert_eq!(sent(json!({"event": "review.approval_status_changed", "status": "approved"})), [""; 0]);
}

#[test]
fn every_example_works_once_its_marks_are_removed() {
    let files = shipped();
    let text = String::from_utf8(files.0[Path::new("rules/examples.yaml")].clone()).unwrap();
    let (_, commented) = text.split_once("\n# rules:\n").unwrap();
    let rules: String = commented
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix('#').unwrap().strip_prefix(' ').unwrap_or("")))
        .collect();
    let mut snapshot = sound(&files.with("rules/examples.yaml", format!("rules:\n{rules}")));
    // The examples send to the channel of a real rule, in other words.
    snapshot.warnings.0.retain(|warning| !warning.message.contains("it happens once"));
    assert!(snapshot.warnings.is_empty(), "{}", snapshot.warnings);
    let examples = snapshot.rules.rules().iter().filter(|rule| rule.name.starts_with("example-")).count();
    assert!(examples >= 10, "{examples}");
    for operator in [
        "not:",
        "at_least:",
        "at_most:",
        "above:",
        "below:",
        "starts_with:",
        "ends_with:",
        "contains:",
        "like:",
        "matches:",
        "present:",
        "has_any:",
        "has_all:",
        "has_none:",
        "changed:",
        "where:",
        "any_of:",
        "all_of:",
        "none_of:",
        "unless:",
    ] {
        assert!(rules.contains(operator), "no example of {operator}");
    }
}

#[test]
fn files_come_from_the_disk_through_links_and_without_those_of_editors() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("relaybell.yaml", "\u{feff}destinations: { out: { kind: slack, webhook_url: '${OUT}' } }\n");
    write("rules/..data/a.yaml", "rules:\n  - { name: a, when: { event: case.* }, send: [{ to: out }] }\n");
    std::os::unix::fs::symlink("..data/a.yaml", folder.path().join("rules/a.yaml")).unwrap();
    for passing in ["rules/.a.yaml", "rules/a.yaml~", "rules/#a.yaml#", "rules/a.yaml.swp", "rules/notes.txt"] {
        write(passing, "not: [ours");
    }
    write("rules/folder.yaml/b.yaml", "not: [ours");
    let snapshot = relaybell::config::load(&folder.path().join("relaybell.yaml"), Secrets::Leave).unwrap();
    assert_eq!(snapshot.rules.rules().len(), 1);
    let names: Vec<_> = snapshot.files.keys().collect();
    assert_eq!(names, ["relaybell.yaml", "rules/a.yaml"]);
    assert_eq!(snapshot.watched[..2], [folder.path().to_path_buf(), folder.path().join("rules")]);

    std::fs::remove_file(folder.path().join("relaybell.yaml")).unwrap();
    let found = relaybell::config::load(&folder.path().join("relaybell.yaml"), Secrets::Leave).unwrap_err();
    assert!(found.0[0].message.ends_with("relaybell.yaml cannot be read: it does not exist"), "{found}");
}
