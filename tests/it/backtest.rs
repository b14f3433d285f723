//! `backtest` and `bench-match`, as a person runs them.

use regex::Regex;
use relaybell::standin::{Standin, Vendor};
use serde_json::Value;

use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::{Serving, run, stderr, stdout};

const RULES: &str = "
rules:
  - name: blocker-defect
    when: { event: defect.created, severity: { at_least: critical } }
    send: [{ to: chat, template: opened }]
  - name: every-defect
    when: { event: defect.created }
    send: [{ to: feed }]
";

fn webhook(id: u64, severity: &str, title: &str) -> String {
    format!(
        r#"{{"event_name":"defect.created","timestamp":1789382400,"payload":{{"id":{id},"title":"{title}","severity":"{severity}","team":"core"}},"team_member_id":1,"project_code":"SHOP"}}"#
    )
}

/// A folder whose store has three defects, judged by [`RULES`].
async fn with_a_past() -> Folder {
    let chat = Standin::start(Vendor::Slack).unwrap();
    let address = chat.webhook_url().unwrap();
    let folder = Folder::new(
        &format!(
            "server: {{ listen: 127.0.0.1:0 }}\nstorage: {{ url: \"sqlite:past.db\" }}\n\
             sources: {{ qase: {{ kind: qase }} }}\ndestinations:\n  \
             chat: {{ kind: slack, webhook_url: \"{address}\", limit: none }}\n  \
             feed: {{ kind: slack, webhook_url: \"{address}\", limit: none }}\n"
        ),
        RULES,
    );
    folder.write("templates/opened.md.hbs", "**{{title}}**\n\nSeverity: {{severity}}\n");
    let relay = Serving::start(folder.path());
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    for body in [
        webhook(1, "blocker", "Voucher is charged twice"),
        webhook(2, "major", "Basket forgets its discount"),
        webhook(3, "trivial", "Footer has two full stops"),
    ] {
        let answer = ask(&client, relay.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
        assert_eq!(answer.status(), http::StatusCode::ACCEPTED);
    }
    relay.signal("TERM");
    assert!(relay.wait().success());
    folder
}

/// What a run says, without ids, revisions and moments.
fn told(folder: &Folder, arguments: &[&str]) -> String {
    let output = run(folder.path(), arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    let mut text = stdout(&output);
    for (pattern, name) in [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", "ID"),
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "MOMENT"),
        (r"revision [0-9a-f]{12}", "revision REVISION"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_difference_is_told_by_destination_and_rule() {
    let folder = with_a_past().await;
    let same = told(&folder, &["backtest", "--since", "1h", "--fail-on-change"]);
    assert!(same.contains("No difference: both send the same 4 messages."), "{same}");
    assert!(same.contains("3 events from"), "{same}");
    insta::assert_snapshot!("backtest.same", same);

    // An edit that is not in force yet is held against what judged the events.
    folder.write(
        "rules/rules.yaml",
        &RULES.replace("critical", "major").replace("every-defect", "core-defect").replace(
            "    when: { event: defect.created }",
            "    when: { event: defect.created, payload.team: core }\n    unless: { severity: trivial }",
        ),
    );
    folder.write("templates/opened.md.hbs", "**{{title}}**\n\nHow bad: {{severity}}\n");
    insta::assert_snapshot!("backtest.edited", told(&folder, &["backtest", "--since", "1h"]));
    let failed = run(folder.path(), &["backtest", "--since", "1h", "--fail-on-change", "--json"]);
    assert_eq!(failed.status.code(), Some(1), "{}", stderr(&failed));
    let whole: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!(whole["events"], 3);
    assert_eq!(whole["differs"], true);
    let chat = &whole["destinations"][0];
    assert_eq!((&chat["destination"], &chat["more"], &chat["reworded"]), (&"chat".into(), &1.into(), &1.into()));
    assert_eq!(chat["examples"][1]["lines"][0], "- Severity: blocker");
    let feed = &whole["destinations"][1];
    assert_eq!((&feed["present"], &feed["candidate"], &feed["fewer"]), (&3.into(), &2.into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_rules_are_tried_without_touching_those_in_force() {
    let folder = with_a_past().await;
    folder.write("tried/rules.yaml", &RULES.replace("critical", "blocker").replace("to: feed", "to: chat"));
    insta::assert_snapshot!("backtest.rules", told(&folder, &["backtest", "--since", "1h", "--rules", "tried"]));
    let unchanged = told(&folder, &["backtest", "--since", "1h", "--against", "relaybell.yaml"]);
    assert!(unchanged.contains("No difference"), "{unchanged}");
    let early = told(&folder, &["backtest", "--since", "2020-01-01", "--until", "2020-02-01"]);
    assert!(early.contains("No events were received in this time"), "{early}");

    let wrong = run(folder.path(), &["backtest", "--since", "lately"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("write how long ago (12h, 7d)"), "{}", stderr(&wrong));
    let turned = run(folder.path(), &["backtest", "--since", "1h", "--until", "2h"]);
    assert!(stderr(&turned).contains("--until must be later than --since"), "{}", stderr(&turned));
    folder.write("tried/rules.yaml", &RULES.replace("severity:", "severty:"));
    let broken = run(folder.path(), &["backtest", "--since", "1h", "--rules", "tried"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(stderr(&broken).contains("did you mean 'severity'?"), "{}", stderr(&broken));
    let missing = run(folder.path(), &["backtest", "--since", "1h", "--rules", "nowhere"]);
    assert!(stderr(&missing).contains("nowhere cannot be read: it does not exist"), "{}", stderr(&missing));
}

#[test]
fn matches_are_counted_rule_by_event() {
    let folder = Folder::new("", &RULES.replace("to: chat, template: opened", "to: nobody, template: nothing"));
    let lines: Vec<String> =
        ["blocker", "major", "trivial"].iter().zip(1..).map(|(word, id)| webhook(id, word, "A title")).collect();
    folder.write("events.ndjson", &format!("{}\n", lines.join("\n")));
    for threads in ["1", "2", "8"] {
        for rules in ["rules", "rules/rules.yaml"] {
            let counted = run(folder.path(), &["bench-match", rules, "events.ndjson", "--threads", threads]);
            assert!(counted.status.success(), "{}", stderr(&counted));
            let figures: Value = serde_json::from_slice(&counted.stdout).unwrap();
            assert_eq!((&figures["rules"], &figures["events"], &figures["matches"]), (&2.into(), &3.into(), &4.into()));
            assert!(figures["seconds"].as_f64().unwrap() > 0.0 && figures["load_seconds"].as_f64().unwrap() > 0.0);
        }
    }
    folder.write("events.ndjson", &format!("{}\n{{\"event_name\": 7}}\n\nnothing\n", lines[0]));
    let bad = run(folder.path(), &["bench-match", "rules", "events.ndjson"]);
    assert_eq!(bad.status.code(), Some(1));
    let text = stderr(&bad);
    assert!(text.contains("events.ndjson:2: `event_name` is a number, but text is expected"), "{text}");
    assert!(text.contains("events.ndjson:4: the body is not JSON"), "{text}");
    assert!(text.contains("each line must be one whole webhook"), "{text}");
    assert!(!stdout(&run(folder.path(), &["--help"])).contains("bench-match"));
}

#[test]
fn a_file_may_have_as_many_rules_as_its_size_allows() {
    let rules: String = (0..24_000)
        .map(|n| {
            format!(
                "  - name: rule-{n}\n    when: {{ event: defect.created, project: P{n}, severity: {{ at_least: major }} }}\n    send: [{{ to: chat }}]\n"
            )
        })
        .collect();
    let folder = Folder::new("", &format!("rules:\n{rules}"));
    folder.write("events.ndjson", &webhook(1, "blocker", "A title").replace("SHOP", "P17"));
    let counted = run(folder.path(), &["bench-match", "rules/rules.yaml", "events.ndjson"]);
    assert!(counted.status.success(), "{}", stderr(&counted));
    let figures: Value = serde_json::from_slice(&counted.stdout).unwrap();
    assert_eq!((&figures["rules"], &figures["matches"]), (&24_000.into(), &1.into()));
}
