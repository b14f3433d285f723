//! `relaybell render` and `relaybell send-test`, as a person uses them.
#![cfg(test)]

use relaybell::standin::{EMAIL, Fault, Standin, TOKEN, Vendor};
use serde_json::Value;

use crate::support::files::Folder;
use crate::support::process::{run, stderr, stdout};

const TEMPLATE: &str = "---\ntitle: \"{{icon severity}} {{title}}\"\nlink: \"{{default url ''}}\"\ncolor: \"{{color severity}}\"\nfields:\n  Severity: \"{{severity}}\"\n---\n**Project:** {{project}}\n";

fn folder(slack: &str, teams: &str, jira: &str) -> Folder {
    let config = format!(
        "sources: {{ qase: {{ kind: qase }} }}\n\
         destinations:\n\
         \x20 chat: {{ kind: slack, webhook_url: \"{slack}\" }}\n\
         \x20 bot: {{ kind: slack, api_url: \"{slack}/api\", token: {TOKEN}, channel: \"#payments\" }}\n\
         \x20 room: {{ kind: teams, webhook_url: \"{teams}\" }}\n\
         \x20 tickets: {{ kind: jira, url: \"{jira}\", email: {EMAIL}, token: {TOKEN}, project: PAY, issue_type: Bug }}\n\
         \x20 wrong: {{ kind: jira, url: \"{jira}\", email: {EMAIL}, token: {TOKEN}, project: PAY, issue_type: Bugg }}\n\
         \x20 denied: {{ kind: jira, url: \"{jira}\", email: {EMAIL}, token: revoked-token, project: PAY, issue_type: Bug }}\n\
         \x20 old: {{ kind: jira, api: 2, url: \"{jira}\", token: {TOKEN}, project: PAY, issue_type: Bug }}\n"
    );
    let folder = Folder::new(&config, "rules: []\n");
    folder.write("templates/opened.md.hbs", TEMPLATE);
    folder.write("templates/broken.md.hbs", "---\ntitle: \"{{upper payload.nothing}}\"\n---\n");
    folder.write("templates/own.md.hbs", TEMPLATE);
    folder.write("templates/own.slack.json.hbs", "{\"text\": \"{{title}}\"}");
    folder
}

fn nowhere() -> Folder {
    folder("https://hooks.slack.com/services/T0/B0/x", "https://flow.example/x?sig=y", "https://acme.atlassian.net")
}

#[test]
fn render_prints_the_exact_body_for_a_kind_or_a_destination() {
    let folder = nowhere();
    for kind in ["slack", "teams", "jira"] {
        let output = run(folder.path(), &["render", "opened", "defect.created", "--for", kind]);
        assert!(output.status.success(), "{}", stderr(&output));
        let body: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert!(body.to_string().contains("Severity"), "{body}");
        let drawn = run(folder.path(), &["render", "opened", "defect.created", "--for", kind, "--text"]);
        insta::assert_snapshot!(format!("render.{kind}"), stdout(&drawn));
    }
    let to_bot = run(folder.path(), &["render", "built-in", "defect.created", "--to", "bot"]);
    let body: Value = serde_json::from_str(&stdout(&to_bot)).unwrap();
    assert_eq!(body["channel"], "#payments");
    let old = stdout(&run(folder.path(), &["render", "opened", "defect.created", "--to", "old", "--json"]));
    let whole: Value = serde_json::from_str(&old).unwrap();
    assert!(whole["body"]["fields"]["description"].is_string() && whole["text"].as_str().unwrap().contains("Severity"));
    assert_eq!((&whole["event"], &whole["destination"]), (&"defect.created".into(), &"old".into()));
}

#[test]
fn render_says_what_is_wrong() {
    let folder = nowhere();
    let cases: [(&[&str], i32, &str); 6] = [
        (
            &["render", "opend", "defect.created", "--for", "slack"],
            2,
            "there is no template 'opend', did you mean 'opened'?",
        ),
        (
            &["render", "opened", "defect.create", "--for", "slack"],
            2,
            "no file and no sample, did you mean 'defect.created'?",
        ),
        (
            &["render", "opened", "defect.created", "--to", "chatt"],
            2,
            "there is no destination 'chatt', did you mean 'chat'?",
        ),
        (&["render", "opened", "defect.created", "--for", "slak"], 2, "invalid value 'slak'"),
        (&["render", "opened", "defect.created"], 2, "--for"),
        (
            &["render", "broken", "defect.created", "--for", "slack"],
            1,
            "templates/broken.md.hbs:2:9: 'payload.nothing' is not a fact of this event\nThe template fails on this event: the built-in message would be sent instead.",
        ),
    ];
    for (arguments, code, said) in cases {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
}

/// The stand-ins and a folder whose destinations they are.
fn stage() -> ([Standin; 3], Folder) {
    let start = |vendor| Standin::start(vendor).unwrap();
    let all = [start(Vendor::Slack), start(Vendor::Teams), start(Vendor::Jira)];
    let [slack, teams, jira] = &all;
    let folder = folder(&slack.webhook_url().unwrap(), &teams.webhook_url().unwrap(), &jira.api_url().unwrap());
    (all, folder)
}

/// `text` without what differs from run to run.
fn stable(text: &str) -> String {
    let key = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    key.replace_all(text, "HOST").into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn send_test_goes_the_way_that_deliveries_go() {
    let ([slack, teams, jira], folder) = stage();
    let mut told = String::new();
    for arguments in [
        ["send-test", "chat"].as_slice(),
        &["send-test", "chat", "--template", "opened"],
        &["send-test", "room", "--event", "run.completed"],
        &["send-test", "tickets"],
        &["send-test", "old"],
        &["send-test", "tickets", "--create"],
    ] {
        let output = run(folder.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        told.push_str(&format!("$ relaybell {}\n{}{}\n", arguments.join(" "), stdout(&output), stderr(&output)));
    }
    let secret = slack.webhook_url().unwrap();
    assert!(!told.contains(&secret[secret.len() - 12..]) && !told.contains(TOKEN), "a secret is shown: {told}");
    insta::assert_snapshot!("send_test", stable(&told));
    assert_eq!((slack.received().len(), teams.received().len(), jira.received().len()), (2, 1, 1));
    for received in [slack.received(), teams.received(), jira.received()].concat() {
        let body = received.body.to_string();
        let body = body.replace('\\', "");
        assert!(body.contains("[Test] ") && body.contains("A test by `relaybell send-test`"), "not marked: {body}");
    }
    let json = run(folder.path(), &["send-test", "tickets", "--create", "--json"]);
    let json: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!((&json["ok"], &json["created"], &json["key"]), (&true.into(), &true.into(), &"PAY-2".into()));
    assert!(!folder.path().join("relaybell.db").exists(), "something was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn send_test_says_what_to_do_about_a_failure() {
    let ([slack, teams, jira], folder) = stage();
    let status = |code: u16, body: &str| Fault::Status { code, headers: Vec::new(), body: body.to_owned() };
    let mut told = String::new();
    let mut fails = |arguments: &[&str], script: Vec<Fault>, standin: &Standin| {
        standin.script(script);
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", stdout(&output));
        told.push_str(&format!("$ relaybell {}\n{}{}\n", arguments.join(" "), stdout(&output), stderr(&output)));
    };
    fails(&["send-test", "chat"], vec![status(404, "no_service")], &slack);
    fails(&["send-test", "chat"], vec![status(429, "rate_limited")], &slack);
    fails(&["send-test", "chat"], vec![Fault::ResetAfterRequest], &slack);
    fails(
        &["send-test", "room"],
        vec![status(400, r#"{"error":{"code":"MissingApiVersionParameter","message":"x"}}"#)],
        &teams,
    );
    fails(&["send-test", "wrong"], Vec::new(), &jira);
    fails(&["send-test", "denied"], Vec::new(), &jira);
    fails(
        &["send-test", "tickets"],
        vec![status(404, r#"{"errorMessages":["No project could be found with key or id."],"errors":{}}"#)],
        &jira,
    );
    fails(&["send-test", "chat", "--template", "own"], Vec::new(), &slack);
    fails(&["send-test", "chat", "--template", "broken"], Vec::new(), &slack);
    insta::assert_snapshot!("send_test_failures", stable(&told));
    let unknown = run(folder.path(), &["send-test", "chatt"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("there is no destination 'chatt', did you mean 'chat'?"));
}
