//! The commands, as a person uses them.

use std::fs;

use relaybell::standin::{Fault, Standin, Vendor};

use crate::support::files::Folder;
use crate::support::http::{ask, json};
use crate::support::process::{Serving, run, stderr, stdout};

const RULES: &str = "
rules:
  - name: blocker-defect
    when: { event: defect.created, severity: { at_least: critical } }
    send: [{ to: chat }]
";

fn config(webhook: &str) -> String {
    format!(
        "server: {{ listen: 127.0.0.1:0 }}\n\
         storage: {{ url: \"sqlite:cli.db\" }}\n\
         sources: {{ qase: {{ kind: qase }} }}\n\
         destinations:\n  chat: {{ kind: slack, webhook_url: \"{webhook}\", limit: none }}\n"
    )
}

fn defect(id: u64, title: &str) -> String {
    format!(
        r#"{{"event_name":"defect.created","timestamp":1789382400,"payload":{{"id":{id},"title":"{title}","severity":"blocker"}},"team_member_id":1,"project_code":"SHOP"}}"#
    )
}

async fn send(relay: &Serving, body: &str) -> String {
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    let answer = ask(&client, relay.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
    assert_eq!(answer.status(), http::StatusCode::ACCEPTED);
    json(&answer)["event_id"].as_str().unwrap().to_owned()
}

/// Waits until `is` holds of a run's stdout.
async fn until(folder: &Folder, arguments: &[&str], is: impl Fn(&str) -> bool) -> String {
    for _ in 0..300 {
        let text = stdout(&run(folder.path(), arguments));
        if is(&text) {
            return text;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("never seen: {}", stdout(&run(folder.path(), arguments)));
}

#[test]
fn check_points_out_a_mute_that_is_over() {
    let muted = |until: &str| RULES.replace("    send:", &format!("    mute_until: {until}\n    send:"));
    let folder = Folder::new(&config("https://hooks.slack.com/services/T0/B0/x"), &muted("2024-02-29"));
    let over = run(folder.path(), &["check"]);
    assert!(over.status.success());
    let told = stdout(&over);
    assert!(
        told.contains("rule 'blocker-defect' was muted until 2024-02-29T00:00:00.000Z, which has passed"),
        "{told}"
    );
    assert!(told.contains("rules/rules.yaml:5:5") && told.contains("mute_until: 2024-02-29"), "{told}");
    folder.write("rules/rules.yaml", &muted("2999-01-01"));
    let to_come = run(folder.path(), &["check"]);
    assert!(!stdout(&to_come).contains("muted"), "{}", stdout(&to_come));
}

#[test]
fn check_says_that_all_is_in_order_or_what_is_not() {
    let folder = Folder::new(&config("https://hooks.slack.com/services/T0/B0/x"), RULES);
    let good = run(folder.path(), &["check"]);
    assert!(good.status.success(), "{}", stdout(&good));
    assert!(
        stderr(&good).contains("1 source, 1 destination, 1 rule, 0 templates, 0 tests: in order"),
        "{}",
        stderr(&good)
    );

    folder.write("rules/rules.yaml", &RULES.replace("severity:", "severty:").replace("to: chat", "to: chatt"));
    let bad = run(folder.path(), &["check"]);
    assert_eq!(bad.status.code(), Some(1));
    let text = stdout(&bad);
    assert!(text.contains("unknown fact 'severty', did you mean 'severity'?"), "{text}");
    assert!(text.contains("did you mean 'chat'?"), "all errors at once: {text}");
    assert!(text.contains("rules/rules.yaml:4:"), "{text}");

    let machine = run(folder.path(), &["check", "--json"]);
    let findings: serde_json::Value = serde_json::from_slice(&machine.stdout).unwrap();
    let errors: Vec<_> = findings.as_array().unwrap().iter().filter(|one| one["severity"] == "error").collect();
    assert_eq!(errors.len(), 2, "{findings}");
    assert_eq!(errors[0]["line"], 4);
}

#[test]
fn check_renders_templates_on_sample_events() {
    let folder = Folder::new(
        &config("https://hooks.slack.com/services/T0/B0/x"),
        &RULES.replace("to: chat", "to: chat, template: t"),
    );
    folder.write("templates/t.md.hbs", "---\ntitle: \"{{title}}\"\n---\n{{environment}}\n");
    let checked = run(folder.path(), &["check"]);
    assert!(checked.status.success(), "the built-in message steps in, so it is no error");
    let text = stdout(&checked);
    assert!(text.contains("'environment' is not a fact of this event"), "{text}");
    assert!(text.contains("templates/t.md.hbs:4:1"), "{text}");

    folder.write("templates/t.md.hbs", "---\ntitle: \"{{titel}}\"\n---\n");
    let checked = run(folder.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(stdout(&checked).contains("unknown fact 'titel', did you mean 'title'?"), "{}", stdout(&checked));
}

#[test]
fn the_shipped_files_are_in_order_without_any_secret() {
    let checked = run(std::path::Path::new(env!("CARGO_MANIFEST_DIR")), &["check"]);
    assert!(checked.status.success(), "{}", stdout(&checked));
    assert_eq!(stdout(&checked), "", "nothing to point out");
}

#[test]
fn wrong_usage_exits_with_2_and_a_missing_file_is_named() {
    let folder = Folder::new(&config("https://hooks.slack.com/services/T0/B0/x"), RULES);
    for wrong in [vec!["chek"], vec!["deliveries", "list", "--state", "lost"], vec!["check", "--nothing"], vec![]] {
        assert_eq!(run(folder.path(), &wrong).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(run(folder.path(), &["deliveries", "retry"]).status.code(), Some(1), "there is no store yet");
    let none = run(folder.path(), &["check", "--config", "other.yaml"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(stdout(&none).contains("other.yaml"), "{}", stdout(&none));
    assert!(run(folder.path(), &["completions", "bash"]).status.success());
    assert!(run(folder.path(), &["--help"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_deliveries_are_listed_shown_sent_again_and_dropped_beside_a_running_relay() {
    let chat = Standin::start(Vendor::Slack).unwrap();
    let folder = Folder::new(&config(&chat.webhook_url().unwrap()), RULES);
    let relay = Serving::start(folder.path());
    // The rich and the plain form are refused: dead.
    let refuse = || Fault::Status { code: 400, headers: vec![], body: "invalid_payload".to_owned() };
    chat.script(vec![refuse(), refuse()]);
    let event = send(&relay, &defect(1, "Voucher is charged twice")).await;

    let dead = until(&folder, &["deliveries", "list", "--state", "dead"], |text| text.contains("Voucher")).await;
    let id = dead.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let shown = stdout(&run(folder.path(), &["deliveries", "show", &id]));
    assert!(shown.contains("invalid_payload"), "{shown}");
    assert!(!shown.contains("standInWebhookSecret"), "the address is a secret: {shown}");
    let shown = stdout(&run(folder.path(), &["events", "show", &event]));
    assert!(shown.contains("blocker-defect: 1 sent"), "{shown}");
    assert!(shown.contains("Voucher is charged twice"), "{shown}");
    assert!(stdout(&run(folder.path(), &["events", "list"])).contains("defect/1"));

    let retried = run(folder.path(), &["deliveries", "retry", &id]);
    assert!(retried.status.success(), "{}", stderr(&retried));
    assert!(stderr(&retried).contains("1 will be sent"), "{}", stderr(&retried));
    let new = stdout(&retried).trim().to_owned();
    let shown = until(&folder, &["deliveries", "show", &new], |text| text.contains("delivered")).await;
    assert!(shown.contains(&id), "the new one names the old: {shown}");
    assert_eq!(chat.received().len(), 1);

    let refused = run(folder.path(), &["deliveries", "drop", &new, "--reason", "too late"]);
    assert_eq!(refused.status.code(), Some(1), "a delivered one cannot be dropped: {}", stderr(&refused));
    relay.signal("TERM");
    assert!(relay.wait().success());

    let offline = run(folder.path(), &["deliveries", "retry", &new, "--json"]);
    assert!(offline.status.success(), "works without a relay too: {}", stderr(&offline));
    let listed = stdout(&run(folder.path(), &["deliveries", "list", "--state", "queued", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["parent"], new.as_str());
}

#[test]
fn a_second_relay_on_the_same_store_says_why_it_does_not_start() {
    let folder = Folder::new(&config("https://hooks.slack.com/services/T0/B0/x"), RULES);
    let relay = Serving::start(folder.path());
    let second = run(folder.path(), &["serve"]);
    assert_eq!(second.status.code(), Some(1));
    let text = stderr(&second);
    assert!(text.contains(&relay.pid().to_string()) && text.contains("cli.db"), "{text}");
    relay.signal("TERM");
    assert!(relay.wait().success());
}

#[test]
fn health_tells_whether_the_relay_is_ready() {
    let folder = Folder::new(&config("https://hooks.slack.com/services/T0/B0/x"), RULES);
    let relay = Serving::start(folder.path());
    let address = relay.address.to_string();
    assert!(run(folder.path(), &["health", "--address", &address]).status.success());
    relay.kill();
    let gone = run(folder.path(), &["health", "--address", &address]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(stderr(&gone).contains("does not answer"), "{}", stderr(&gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_in_when_it_changes_and_kept_out_when_it_is_broken() {
    let chat = Standin::start(Vendor::Slack).unwrap();
    let folder = Folder::new(&config(&chat.webhook_url().unwrap()), RULES);
    let relay = Serving::start(folder.path());
    folder.write("rules/rules.yaml", &RULES.replace("severity", "severty"));
    let rejected =
        relay.wait_for_log("the typo", |record| record["message"].as_str().is_some_and(|m| m.contains("rejected")));
    assert_eq!(rejected["line"], 4);
    assert!(rejected["finding"].as_str().unwrap().contains("did you mean 'severity'"), "{rejected}");
    send(&relay, &defect(1, "still told")).await;
    until(&folder, &["deliveries", "list"], |text| text.contains("delivered")).await;

    // A folder that is gone for a moment silences nobody.
    fs::rename(folder.path().join("rules"), folder.path().join("elsewhere")).unwrap();
    let gone = |record: &serde_json::Value| record["finding"].as_str().is_some_and(|why| why.contains("is gone, but"));
    relay.wait_for_log("the folder that is gone", gone);
    let asked = run(folder.path(), &["reload"]);
    assert_eq!(asked.status.code(), Some(1));
    for words in ["is gone, but 1 rule is in force", "help: put the files back", "stays in force"] {
        assert!(stderr(&asked).contains(words), "{words}: {}", stderr(&asked));
    }
    fs::rename(folder.path().join("elsewhere"), folder.path().join("rules")).unwrap();

    // As editors do: write beside, then rename.
    fs::write(folder.path().join("rules/rules.yaml.tmp"), RULES.replace("defect.created", "defect.*")).unwrap();
    fs::rename(folder.path().join("rules/rules.yaml.tmp"), folder.path().join("rules/rules.yaml")).unwrap();
    relay.wait_for_log("the new rules", |record| record["message"] == "a new configuration is in force");

    // By signal too; nothing has changed then.
    relay.signal("HUP");
    relay.wait_for_log("the signal", |record| record["message"] == "the configuration was read again on SIGHUP");
    assert_eq!(chat.received().len(), 1);
}

#[test]
fn a_config_map_swap_is_noticed() {
    // As Kubernetes mounts a ConfigMap: the files are links through `..data`, which is swapped.
    let mounted = "rules: mounted\nserver:";
    let folder =
        Folder::new(&config("https://hooks.slack.com/services/T0/B0/x").replace("server:", mounted), "rules: []\n");
    let base = folder.path().join("mounted");
    folder.write("mounted/..v1/rules.yaml", RULES);
    std::os::unix::fs::symlink("..v1", base.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/rules.yaml", base.join("rules.yaml")).unwrap();
    let relay = Serving::start(folder.path());

    folder.write("mounted/..v2/rules.yaml", &RULES.replace("blocker-defect", "renamed"));
    std::os::unix::fs::symlink("..v2", base.join("..data_tmp")).unwrap();
    fs::rename(base.join("..data_tmp"), base.join("..data")).unwrap();
    relay.wait_for_log("the swap", |record| record["message"] == "a new configuration is in force");
}
