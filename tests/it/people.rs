//! People: whom rules mention by name, whom events name, and who is known to nobody.
#![cfg(test)]

use relaybell::config::Secrets;
use relaybell::domain::facts::Facts;
use relaybell::domain::message::Mention;
use relaybell::domain::render::Templates;
use relaybell::domain::rule::Kind;
use serde_json::{Value, json};

use crate::diagnose::{Memory, load};
use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::{Serving, run, stderr, stdout};

const MAIN: &str = "
sources: { qase: { kind: qase } }
destinations:
  chat: { kind: slack, webhook_url: 'https://hooks.slack.com/services/T0/B0/x', limit: none }
  room: { kind: teams, webhook_url: 'https://flow.example/x?sig=y' }
  tickets: { kind: jira, url: 'https://acme.atlassian.net', email: a@b.example, token: t-token, project: PAY }
people:
  ann: { qase: 112, email: Ann@Acme.example, slack: U0ANN001, teams: ann@acme.example, jira: '712020:ann' }
  bob: { qase: 113, slack: U0BOB001 }
  qa-leads: { members: [ann, bob] }
  qa-oncall: { slack: S0QAONCALL, members: [bob] }
";

fn rules(mention: &str, to: &str) -> String {
    format!(
        "rules:\n  - name: r\n    when: {{ event: defect.created }}\n    send: [{{ to: {to}, mention: {mention} }}]\n"
    )
}

/// Whom the rule mentions on an event with `facts`, and what is noted.
fn mentioned(mention: &str, to: &str, facts: &Value) -> (Vec<Mention>, Vec<String>) {
    let files = Memory::default().with("relaybell.yaml", MAIN).with("rules/r.yaml", rules(mention, to));
    let snapshot = load(&files, Secrets::Leave).unwrap_or_else(|found| panic!("{found}"));
    let facts = Facts { values: facts.as_object().unwrap().clone(), ..Facts::default() };
    let mut notes = Vec::new();
    let all = snapshot.rules.rules()[0].send[0].mention.of(&Templates::default(), &facts, &mut notes);
    (all, notes)
}

fn names(mentions: &[Mention], kind: Kind) -> String {
    let name = |mention: &Mention| format!("{}={}", mention.name, mention.id(kind).unwrap_or("nobody"));
    mentions.iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_mention_means_people_by_name_by_group_and_by_what_an_event_says() {
    let cases = [
        ("'@ann'", "chat", json!({}), "ann=U0ANN001"),
        ("['@qa-leads', ann]", "chat", json!({}), "ann=U0ANN001 bob=U0BOB001"),
        ("['@qa-oncall']", "chat", json!({}), "qa-oncall=S0QAONCALL"),
        ("['@qa-oncall']", "room", json!({}), "bob=nobody"),
        ("'@here'", "chat", json!({}), "here=here"),
        ("'{{actor}}'", "chat", json!({"actor": "member 112", "actor_id": 112}), "ann=U0ANN001"),
        ("'{{actor}}'", "chat", json!({"actor": "Ann Example", "actor_email": "ann@acme.EXAMPLE"}), "ann=U0ANN001"),
        ("'{{actor_id}}'", "room", json!({"actor_id": 112}), "ann=ann@acme.example"),
        ("'@{{reviewer}}'", "tickets", json!({"reviewer": "ANN"}), "ann=712020:ann"),
        ("'{{actor}}'", "room", json!({"actor": "bob"}), "bob=nobody"),
        ("'{{actor}}'", "chat", json!({"actor": "Eve <!channel>"}), "Eve <!channel>=nobody"),
        ("'{{actor}}'", "chat", json!({"actor": "here"}), "here=nobody"),
        ("'{{actor}}'", "chat", json!({}), ""),
        (
            "'{{tags}}'",
            "chat",
            json!({"tags": ["ann", "bob", "ann", "smoke"]}),
            "ann=U0ANN001 bob=U0BOB001 smoke=nobody",
        ),
        (
            "['{{actor}}', '{{reviewer}}']",
            "chat",
            json!({"actor": "ann", "reviewer": "Ann@acme.example"}),
            "ann=U0ANN001",
        ),
        ("'{{default reviewer actor}}'", "chat", json!({"actor": "bob"}), "bob=U0BOB001"),
    ];
    for (mention, to, facts, expected) in cases {
        let kind = match to {
            "chat" => Kind::Slack,
            "room" => Kind::Teams,
            _ => Kind::Jira,
        };
        let (mentions, notes) = mentioned(mention, to, &facts);
        assert_eq!(names(&mentions, kind), expected, "{mention} on {facts}");
        let unknown = mentions.iter().filter(|mention| mention.id(kind).is_none()).count();
        assert_eq!(notes.len(), if mention.contains("{{") { unknown } else { 0 }, "{mention} on {facts}: {notes:?}");
    }
    let (_, notes) = mentioned("'{{actor}}'", "chat", &json!({"actor": "Eve"}));
    assert_eq!(notes, ["'Eve' is nobody below 'people:', so the name is shown and nobody notified"]);
}

fn folder(mention: &str, to: &str) -> Folder {
    let main = format!("server: {{ listen: 127.0.0.1:0 }}\nstorage: {{ url: 'sqlite:people.db' }}{MAIN}");
    Folder::new(&main, &rules(mention, to))
}

#[test]
fn the_list_shows_how_each_vendor_knows_them() {
    let folder = folder("'{{actor}}'", "room");
    insta::assert_snapshot!("people", stdout(&run(folder.path(), &["people"])));
    let json: Value = serde_json::from_str(&stdout(&run(folder.path(), &["people", "--json"]))).unwrap();
    assert_eq!(json[0]["qase"], "112");
    assert_eq!(json[2]["members"], json!(["ann", "bob"]));
    let none = Folder::new("sources: {}\ndestinations: {}\n", "rules: []\n");
    assert!(stderr(&run(none.path(), &["people"])).contains("nobody yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unmapped_lists_whom_events_name_and_rules_cannot_mention() {
    let folder = folder("['{{actor}}', '@nobody']", "room");
    folder.write(
        "rules/zz.yaml",
        "rules:\n  - name: known\n    when: { event: defect.created }\n    send: [{ to: room, mention: ann }]\n",
    );
    let unknown_only = run(folder.path(), &["people", "--unmapped"]);
    assert_eq!(unknown_only.status.code(), Some(1));
    let relay = Serving::start(folder.path());
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    for (id, member) in [(1, 112), (2, 977), (3, 977), (4, 978), (5, 0)] {
        let body = format!(
            r#"{{"event_name":"defect.created","timestamp":1789382400,"payload":{{"id":{id},"title":"t","severity":"blocker"}},"team_member_id":{member},"project_code":"SHOP"}}"#
        );
        let answer = ask(&client, relay.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
        assert_eq!(answer.status(), http::StatusCode::ACCEPTED);
    }
    let metrics = ask(&client, relay.address, "GET", "/metrics", &[], b"").await;
    let metrics = String::from_utf8(metrics.body().to_vec()).unwrap();
    assert!(metrics.contains("relaybell_mentions_without_id_total{destination=\"room\"} 5"), "{metrics}");
    let output = run(folder.path(), &["people", "--unmapped"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("people_unmapped", stdout(&output));
    let json: Value = serde_json::from_str(&stdout(&run(folder.path(), &["people", "--unmapped", "--json"]))).unwrap();
    assert_eq!(json["named_by_events"][0], json!({"name": "member 977", "qase": "977", "email": null, "events": 2}));
    let shown = stdout(&run(folder.path(), &["events", "list", "--json"]));
    assert!(shown.contains("'member 977' is nobody below 'people:'"), "{shown}");
}

#[test]
fn nobody_is_missing_where_everybody_is_known() {
    let folder = folder("[ann, '@here']", "chat");
    let output = run(folder.path(), &["people", "--unmapped"]);
    assert!(output.status.success(), "{}", stdout(&output));
    assert!(stderr(&output).contains("everybody is known"));
}
