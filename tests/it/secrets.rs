//! No secret is told anywhere: not in logs at their most talkative, nor in answers,
//! metrics, commands or the store.

use std::fs;

use relaybell::ports::http::HttpExchange;
use relaybell::standin::{Fault, Standin, TOKEN, Vendor};

use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::{Serving, run, stderr, stdout};

const RULES: &str = "
rules:
  - name: everywhere
    when: { event: defect.created }
    send: [{ to: hook }, { to: bot }, { to: teams }, { to: tracker }, { to: gone }, { to: described }, { to: signed }]
";

const CONFIG: &str = r##"
server: { listen: 127.0.0.1:0, admin_tokens: ["${ADMIN}"] }
sources: { qase: { kind: qase, secrets: ["${QASE}"] } }
destinations:
  hook: { kind: slack, webhook_url: "${HOOK}", limit: none }
  bot: { kind: slack, token: "${BOT}", channel: "#x", api_url: "BOT_URL", limit: none }
  teams: { kind: teams, webhook_url: "${TEAMS}", limit: none }
  tracker: { kind: jira, url: "JIRA_URL", email: bot@acme.example, token: "${JIRA}", project: PAY, issue_type: Bug, limit: none }
  gone: { kind: slack, webhook_url: "${GONE}", limit: none }
  described:
    kind: rest
    url: "JIRA_URL"
    auth: { basic: { user: bot, password: "${REST_PASSWORD}" } }
    headers: { X-Api-Key: "${REST_KEY}" }
    limit: none
    request: { send: POST /elsewhere, json: { routing: "${REST_ROUTING}", title: "{{title}}" } }
  signed:
    kind: rest
    url: "${REST_URL}"
    sign: { scheme: standard-webhooks, secret: "${REST_SIGN}" }
    limit: none
    request: { send: POST, json: { title: "{{title}}" } }
"##;

/// What must not be told.
const CANARIES: [&str; 13] = [
    "canary-admin-4711",
    "canary-qase-4712",
    TOKEN,
    "canary-jira-4713",
    "canaryGone4714",
    "standInWebhookSecret0001",
    "canary-rest-4715",
    "Ym90OmNhbmFyeS1yZXN0LTQ3MTU",
    "canary-rest-4716",
    "canary-rest-4717",
    "Y2FuYXJ5UmVzdDQ3MTg",
    "canaryRest4719",
    "canary-rest-4720",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_told_anywhere() {
    let (slack, teams, jira) = (
        Standin::start(Vendor::Slack).unwrap(),
        Standin::start(Vendor::Teams).unwrap(),
        Standin::start(Vendor::Jira).unwrap(),
    );
    let config = CONFIG.replace("BOT_URL", &slack.api_url().unwrap()).replace("JIRA_URL", &jira.api_url().unwrap());
    let folder = Folder::new(&config, RULES);
    let hook = slack.webhook_url().unwrap();
    let teams_url = teams.webhook_url().unwrap();
    let environment = [
        ("ADMIN", "canary-admin-4711"),
        ("QASE", "canary-qase-4712"),
        ("HOOK", hook.as_str()),
        ("BOT", TOKEN),
        ("TEAMS", teams_url.as_str()),
        ("JIRA", "canary-jira-4713"),
        ("REST_PASSWORD", "canary-rest-4715"),
        ("REST_KEY", "canary-rest-4716"),
        ("REST_ROUTING", "canary-rest-4717"),
        ("REST_SIGN", "whsec_Y2FuYXJ5UmVzdDQ3MTg="),
        ("REST_URL", "http://127.0.0.1:1/hooks/canaryRest4719?token=canary-rest-4720"),
        ("GONE", "http://127.0.0.1:1/services/T0/B0/canaryGone4714"),
    ];
    let relay = Serving::start_with(folder.path(), "trace", &environment);
    // A vendor that quotes the secret back at us.
    let echo = format!("invalid_token {hook} {TOKEN}");
    slack.script(vec![Fault::Status { code: 403, headers: vec![], body: echo }, Fault::ResetAfterRequest]);
    let client = HttpExchange::new().unwrap();
    let mut told = String::new();
    for (id, secret) in [(1, "canary-qase-4712"), (2, "canary-wrong"), (3, "canary-qase-4712")] {
        let body =
            format!(r#"{{"event_name":"defect.created","payload":{{"id":{id},"title":"x"}},"project_code":"PAY"}}"#);
        let answer =
            ask(&client, relay.address, "POST", "/hooks/qase", &[("x-qase-secret", secret)], body.as_bytes()).await;
        told.push_str(&String::from_utf8_lossy(answer.body()));
    }
    for _ in 0..100 {
        let listed = stdout(&run(folder.path(), &["deliveries", "list"]));
        if listed.matches("delivered").count() >= 2 && listed.contains("held") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    for path in ["/readyz", "/metrics", "/healthz"] {
        told.push_str(&String::from_utf8_lossy(ask(&client, relay.address, "GET", path, &[], b"").await.body()));
    }
    for arguments in [vec!["deliveries", "list", "--json"], vec!["events", "list", "--json"], vec!["check"]] {
        let ran = run(folder.path(), &arguments);
        told.push_str(&stdout(&ran));
        told.push_str(&stderr(&ran));
    }
    let listed = stdout(&run(folder.path(), &["deliveries", "list"]));
    for id in listed.lines().skip(1).filter_map(|line| line.split_whitespace().next()) {
        told.push_str(&stdout(&run(folder.path(), &["deliveries", "show", id, "--json"])));
    }
    relay.signal("TERM");
    while let Ok(record) = relay.log.recv() {
        told.push_str(&record.to_string());
    }
    for file in ["relaybell.db", "relaybell.db-wal"] {
        told.push_str(&String::from_utf8_lossy(&fs::read(folder.path().join(file)).unwrap_or_default()));
    }
    assert!(told.contains("invalid_token"), "not vacuous: what the vendor said is told");
    assert!(told.contains("127.0.0.1"), "not vacuous");
    assert!(told.contains("POST /elsewhere (request)") && told.contains("POST (request)"), "not vacuous");
    for canary in CANARIES {
        if let Some(at) = told.find(canary) {
            let around: String = told[..at].chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{canary} is told after: {around}");
        }
    }
}
