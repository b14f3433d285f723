//! `explain` and `render` of webhooks of other senders than Qase: headers, and many events.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::{Value, json};

use crate::support::files::Folder;
use crate::support::process::{run, stderr, stdout};

/// Alerts of one sender, builds of another, whose headers say what a webhook is.
fn folder() -> Folder {
    let config = r#"
sources:
  alertmanager: { preset: alertmanager, secrets: ["${ALERTS_SECRET}"] }
  github: { preset: github, secrets: ["${GITHUB_SECRET}"] }
destinations:
  chat: { kind: slack, webhook_url: "${SLACK_URL}" }
"#;
    let rules = "rules:
  - name: fires
    when: { event: alert.firing, severity: { at_least: major } }
    send: [{ to: chat }]
  - name: worse
    when: { event: alert.firing, severity: { changed: true } }
    send: [{ to: chat }]
  - name: failed
    when: { event: build.failed, branch: { starts_with: release/ } }
    send: [{ to: chat }]
";
    let folder = Folder::new(config, rules);
    folder.write("templates/t.md.hbs", "---\ntitle: \"{{title}}\"\n---\n");
    let alert = |severity: &str| {
        json!({ "status": "firing", "fingerprint": "1a30", "startsAt": format!("2026-09-14T10:00:0{}Z", severity.len()),
            "labels": { "alertname": "Probe", "severity": severity }, "annotations": { "summary": "pay does not answer" } })
    };
    folder.write("twice.json", &json!({ "alerts": [alert("warning"), alert("critical")] }).to_string());
    folder.write("none.json", r#"{ "alerts": [] }"#);
    folder.write("run.json", &relaybell::config::presets::PRESETS[2].samples[1].body.replace("release/7", "release/8"));
    folder
}

fn told(folder: &Folder, arguments: &[&str]) -> String {
    let output = run(folder.path(), arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

/// `text` without the moment at which the test runs.
fn stable(text: &str) -> String {
    let now = regex::Regex::new(r"since 20\d\d-\S+Z").unwrap();
    now.replace_all(text, "since NOW").into_owned()
}

#[test]
fn each_event_of_a_webhook_is_explained() {
    let folder = folder();
    let text = told(&folder, &["explain", "twice.json", "--source", "alertmanager"]);
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("each_event", stable(&text)) });
    let both: Value =
        serde_json::from_str(&told(&folder, &["explain", "alert.firing", "--rule", "fires", "--json"])).unwrap();
    let events: Vec<&Value> = both.as_array().unwrap().iter().map(|one| &one["event"]).collect();
    assert_eq!(events, ["alert.firing", "alert.resolved"]);
    assert!(both.as_array().unwrap().iter().all(|one| one["rules"].as_array().unwrap().len() == 1), "{both}");
    let one: Value =
        serde_json::from_str(&told(&folder, &["explain", "alert.resolved", "--rule", "fires", "--json"])).unwrap();
    assert_eq!(one["event"], "alert.resolved", "one event is told as it always was");
    let none = run(folder.path(), &["explain", "none.json", "--source", "alertmanager"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(stderr(&none).contains("none.json reports no event"), "{}", stderr(&none));
}

#[test]
fn headers_are_given_by_hand() {
    let folder = folder();
    let with = |headers: &[&str]| {
        let mut arguments = vec!["explain", "run.json", "--source", "github", "--rule", "failed"];
        headers.iter().for_each(|header| arguments.extend(["--header", header]));
        run(folder.path(), &arguments)
    };
    let right = stdout(&with(&["X-GitHub-Event: workflow_run", "X-GitHub-Delivery:7"]));
    assert!(right.contains("event    build.failed") && right.contains("release/8 (this event)"), "{right}");
    let without = with(&[]);
    assert_eq!(without.status.code(), Some(1), "{}", stdout(&without));
    assert!(stderr(&without).contains("reports no event; if its mapping reads headers"), "{}", stderr(&without));
    let other = with(&["X-GitHub-Event: ping"]);
    assert!(stderr(&other).trim().ends_with("run.json reports no event"), "{}", stderr(&other));
    for (wrong, said) in [("X-GitHub-Event", "write it as  'Name: value'"), ("a b: c", "'a b' is no name of a header")]
    {
        let refused = with(&[wrong]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    }
    // Over those of a sample, and never for what is stored with its own.
    let over = told(&folder, &["explain", "build.started", "--header", "x-github-event: deployment"]);
    assert!(over.contains("event    deployment.in_progress"), "{over}");
    let stored = run(folder.path(), &["explain", "0199", "--header", "a: b"]);
    assert_eq!(stored.status.code(), Some(2));
    assert!(stderr(&stored).contains("a stored event knows its headers"), "{}", stderr(&stored));
}

#[test]
fn templates_are_rendered_on_the_first_event() {
    let folder = folder();
    let rendered = run(folder.path(), &["render", "t", "alert.firing", "--for", "slack", "--text"]);
    assert!(stdout(&rendered).contains("https://pay.acme.example does not answer"), "{}", stdout(&rendered));
    assert!(stderr(&rendered).contains("alert.firing reports 2 events; this is the first"), "{}", stderr(&rendered));
    let headed = ["render", "t", "run.json", "--source", "github", "--header", "X-GitHub-Event: workflow_run"];
    let rendered = told(&folder, &[&headed[..], &["--for", "slack", "--text"]].concat());
    assert!(rendered.contains("Nightly checkout tests"), "{rendered}");
}

#[test]
fn a_sample_of_another_source_is_pointed_out() {
    let folder = folder();
    let refused = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    assert_eq!(
        refused(&["explain", "build.failed", "--source", "alertmanager"]),
        "error: 'build.failed' is no id of an event, no file and no sample of the source 'alertmanager'; \
         the source 'github' has a sample of that name\n"
    );
    assert_eq!(
        refused(&["explain", "alert.fired", "--source", "alertmanager"]),
        "error: 'alert.fired' is no id of an event, no file and no sample of the source 'alertmanager', \
         did you mean 'alert.firing'?\n"
    );
}
