//! Conversations: replies in a thread, edits, emoji, comments, transitions.

use std::time::Duration;

use relaybell::domain::delivery::State;
use relaybell::standin::{Received, Standin, TOKEN, Vendor};

use crate::support::exchange::Says;
use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::{Serving, run, stdout};
use crate::support::rig::{Rig, TWO_CHATS};

const RULES: &str = "
rules:
  - name: created
    when: { event: defect.created }
    send:
      - { to: payments }
      - { to: pay-jira }
      - { to: plain }
  - name: updated
    when: { event: defect.updated }
    send:
      - { to: payments, action: update }
      - { to: pay-jira, action: comment }
      - { to: plain, action: reply }
  - name: resolved
    when: { event: defect.resolved }
    send:
      - { to: payments, action: reply, broadcast: true, react: white_check_mark }
      - { to: pay-jira, action: transition, status: Done, template: solved, fields: { resolution: Fixed } }
";

/// The stand-ins and a folder whose rules send to them.
struct Stage {
    slack: Standin,
    plain: Standin,
    jira: Standin,
    folder: Folder,
}

impl Stage {
    fn new(rules: &str) -> Self {
        let (slack, plain) = (Standin::start(Vendor::Slack).unwrap(), Standin::start(Vendor::Slack).unwrap());
        let jira = Standin::start(Vendor::Jira).unwrap();
        let config = format!(
            "server: {{ listen: 127.0.0.1:0 }}\n\
             storage: {{ url: \"sqlite:threads.db\" }}\n\
             sources: {{ qase: {{ kind: qase }} }}\n\
             destinations:\n\
             \x20 payments: {{ kind: slack, token: \"{TOKEN}\", channel: \"#payments\", api_url: \"{}\", limit: none }}\n\
             \x20 plain: {{ kind: slack, webhook_url: \"{}\", limit: none }}\n\
             \x20 pay-jira: {{ kind: jira, url: \"{}\", token: \"{TOKEN}\", project: PAY, issue_type: Bug, limit: none }}\n",
            slack.api_url().unwrap(),
            plain.webhook_url().unwrap(),
            jira.api_url().unwrap(),
        );
        let folder = Folder::new(&config, rules);
        folder.write("templates/solved.md.hbs", "---\ntitle: \"{{title}} is solved\"\n---\nNo more.\n");
        Self { slack, plain, jira, folder }
    }

    fn kinds(standin: &Standin) -> Vec<&'static str> {
        standin.received().iter().map(|one| one.kind).collect()
    }

    fn pictures(standin: &Standin) -> String {
        let bodies: Vec<String> = standin.received().iter().map(|one| one.as_text.clone()).collect();
        format!("{}\nrefused: {:?}", bodies.join("\n\n"), standin.refused())
    }
}

async fn send(relay: &Serving, event: &str, rest: &str) {
    let body = format!(
        r#"{{"event_name":"{event}","timestamp":1789382400,"payload":{{"id":17{rest}}},"team_member_id":1,"project_code":"PAY"}}"#
    );
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    let answer = ask(&client, relay.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
    assert_eq!(answer.status(), http::StatusCode::ACCEPTED);
}

/// Waits until nothing is queued or being sent.
async fn idle(folder: &Folder) {
    for _ in 0..400 {
        let open = |state| stdout(&run(folder.path(), &["deliveries", "list", "--json", "--state", state]));
        if [open("queued"), open("sending")].iter().all(|list| list.trim() == "[]") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{}", stdout(&run(folder.path(), &["deliveries", "list"])));
}

const STEPS: [(&str, &str); 3] = [
    ("defect.created", r#","title":"Checkout fails","severity":"blocker""#),
    ("defect.updated", r#","title":"Checkout fails for all","severity":"blocker""#),
    ("defect.resolved", ""),
];

fn body<'r>(received: &'r [Received], at: usize, key: &str) -> &'r str {
    received[at].body[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", received[at].body))
}

fn judge(stage: &Stage) {
    let slack = stage.slack.received();
    let told = Stage::pictures(&stage.slack);
    assert_eq!(
        Stage::kinds(&stage.slack),
        ["chat.postMessage", "chat.update", "chat.postMessage", "reactions.add"],
        "{told}"
    );
    let first = "1790000000.000000";
    assert_eq!(
        (body(&slack, 1, "ts"), body(&slack, 2, "thread_ts"), body(&slack, 3, "timestamp")),
        (first, first, first)
    );
    assert!(slack[1].as_text.contains("Checkout fails for all"), "{told}");
    assert_eq!(slack[2].body["reply_broadcast"], true);
    let told = Stage::pictures(&stage.jira);
    assert_eq!(Stage::kinds(&stage.jira), ["issue", "comment", "transition", "comment"], "{told}");
    assert!(told.contains("Jira · PAY-1 · To Do → Done (Fixed)"), "{told}");
    assert!(told.contains("Checkout fails for all is solved"), "a template of a transition is a comment: {told}");
    // A webhook gives nothing to reply to: the message names the first one.
    let plain = Stage::pictures(&stage.plain);
    assert_eq!(stage.plain.received().len(), 2, "{plain}");
    assert!(plain.contains("Re: "), "{plain}");
    for standin in [&stage.slack, &stage.plain, &stage.jira] {
        assert_eq!(standin.refused(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_is_one_message_and_one_issue_from_its_creation_to_its_end() {
    let stage = Stage::new(RULES);
    let relay = Serving::start(stage.folder.path());
    for (event, rest) in STEPS {
        send(&relay, event, rest).await;
        idle(&stage.folder).await;
    }
    judge(&stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_survive_a_kill_and_an_edit_between_any_two_events() {
    let stage = Stage::new(RULES);
    for (n, (event, rest)) in STEPS.into_iter().enumerate() {
        let relay = Serving::start(stage.folder.path());
        stage.folder.write("rules/rules.yaml", &format!("# edited {n} times\n{RULES}"));
        send(&relay, event, rest).await;
        idle(&stage.folder).await;
        relay.kill();
    }
    judge(&stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_conversation_is_one_ticket_whoever_asks_for_it() {
    let rules = "
rules:
  - name: first
    when: { event: defect.created }
    send: [{ to: pay-jira }]
  - name: second
    when: { event: [defect.created, defect.updated] }
    send: [{ to: pay-jira, action: create }]
";
    let stage = Stage::new(rules);
    let relay = Serving::start(stage.folder.path());
    for (event, rest) in [STEPS[0], STEPS[1], STEPS[1]] {
        send(&relay, event, rest).await;
        idle(&stage.folder).await;
    }
    assert_eq!(Stage::kinds(&stage.jira), ["issue"], "{}", Stage::pictures(&stage.jira));
    let list = stdout(&run(stage.folder.path(), &["deliveries", "list", "--json"]));
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let keys: Vec<&str> = list.as_array().unwrap().iter().filter_map(|one| one["receipt"]["key"].as_str()).collect();
    assert_eq!(keys, ["PAY-1", "PAY-1"], "the second is told which issue it is: {list}");
}

#[tokio::test]
async fn a_reply_without_a_thread_is_posted_or_left() {
    let rules = "
rules:
  - name: left
    when: { event: defect.resolved, project: SHOP }
    send: [{ to: red, action: reply, if_missing: skip }]
  - name: posted
    when: { event: defect.resolved, project: PAY }
    send: [{ to: blue, action: reply }]
";
    let rig = Rig::start(TWO_CHATS, rules).await;
    rig.defect("defect.resolved", "SHOP", 1, "x").await;
    rig.defect("defect.resolved", "PAY", 2, "y").await;
    rig.rest().await;
    assert_eq!(rig.states().await, [State::Dropped, State::Delivered]);
    assert_eq!((rig.exchange.times("red.example").len(), rig.exchange.times("blue.example").len()), (0, 1));
    let why = rig.deliveries().await.remove(0).why.unwrap();
    assert_eq!(why, "skipped: there is no message to reply to, and the rule wants nothing then (if_missing: skip)");
}

#[tokio::test]
async fn a_message_that_is_gone_is_posted_anew_and_the_conversation_goes_on_there() {
    let config = TWO_CHATS.replace(
        "webhook_url: \"https://red.example/services/T/B/red\"",
        "token: xoxb-1, channel: \"#payments\", api_url: \"https://red.example/api\"",
    );
    let rules = "
rules:
  - name: created
    when: { event: defect.created }
    send: [{ to: red }]
  - name: updated
    when: { event: defect.updated }
    send: [{ to: red, action: update }]
  - name: resolved
    when: { event: defect.resolved }
    send: [{ to: red, action: reply, react: eyes }]
";
    let rig = Rig::start(&config, rules).await;
    let posted = r#"{"ok":true,"channel":"C0PAYMENTS","ts":"1.1"}"#;
    let anew = r#"{"ok":true,"channel":"C0PAYMENTS","ts":"2.2"}"#;
    let answers = [
        posted,
        r#"{"ok":false,"error":"message_not_found"}"#,
        anew,
        r#"{"ok":true,"channel":"C0PAYMENTS","ts":"3.3"}"#,
        r#"{"ok":false,"error":"too_many_reactions"}"#,
    ];
    rig.exchange.script("red.example", answers.map(|body| Says::Status(200, vec![], body)));
    for event in ["defect.created", "defect.updated", "defect.resolved"] {
        rig.defect(event, "SHOP", 1, "Checkout fails").await;
        rig.rest().await;
    }
    let asked: Vec<serde_json::Value> =
        rig.exchange.asked("red.example").iter().map(|asked| serde_json::from_str(&asked.body).unwrap()).collect();
    assert_eq!(asked.len(), 5);
    assert_eq!(
        (asked[1]["ts"].as_str(), asked[2].get("ts")),
        (Some("1.1"), None),
        "an edit, then a message of its own"
    );
    assert_eq!(asked[3]["thread_ts"], "2.2", "the reply goes to the new one");
    assert_eq!(asked[4]["timestamp"], "2.2");
    let deliveries = rig.deliveries().await;
    assert!(deliveries.iter().all(|one| one.state == State::Delivered));
    let note = |n: usize| deliveries[n].receipt.clone().unwrap().note.unwrap();
    assert!(note(1).starts_with("posted as a new message, because Slack answered message_not_found"), "{}", note(1));
    assert!(note(2).starts_with("the emoji was not added: Slack answered too_many_reactions"), "{}", note(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_that_the_sender_has_linked_is_adopted_and_a_ticket_that_comes_back_makes_no_other() {
    let stage = Stage::new(RULES);
    let relay = Serving::start(stage.folder.path());
    send(&relay, STEPS[0].0, STEPS[0].1).await;
    idle(&stage.folder).await;
    // The sender's own integration sees the new issue and reports a defect of its own for it.
    let address = format!("{}/browse/PAY-1", stage.jira.api_url().unwrap());
    for (id, link) in [
        (18, format!(r#""external_issue":{{"type":"jira","id":"PAY-1","link":"{address}"}}"#)),
        (19, r#""external_data":"PAY-1""#.to_owned()),
    ] {
        let body = format!(
            r#"{{"event_name":"defect.created","timestamp":1789382400,"payload":{{"id":{id},"title":"Checkout fails",{link}}},"team_member_id":1,"project_code":"PAY"}}"#
        );
        let client = relaybell::ports::http::HttpExchange::new().unwrap();
        let answer = ask(&client, relay.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
        assert_eq!(answer.status(), http::StatusCode::ACCEPTED);
        idle(&stage.folder).await;
    }
    assert_eq!(Stage::kinds(&stage.jira), ["issue"], "{}", Stage::pictures(&stage.jira));
    // What follows goes to the issue that was there.
    let body = r#"{"event_name":"defect.resolved","payload":{"id":18},"project_code":"PAY"}"#;
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    ask(&client, relay.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
    idle(&stage.folder).await;
    assert!(Stage::pictures(&stage.jira).contains("Jira · PAY-1 · To Do → Done"), "{}", Stage::pictures(&stage.jira));
}
