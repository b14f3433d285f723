//! The relay's own events: rules use them as any other, and nothing goes round in a circle.

use std::time::Duration;

use relaybell::domain::delivery::State;
use relaybell::ports::http::HttpExchange;
use relaybell::source::RawHook;
use relaybell::standin::{Standin, Vendor};
use relaybell::store::Ledger;

use crate::support::exchange::Says;
use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::Serving;
use crate::support::rig::{Rig, TWO_CHATS};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Defects go to red, the relay's own events to blue.
const RULES: &str = "
rules:
  - { name: defects, when: { event: defect.created }, send: [{ to: red }] }
  - { name: trouble, when: { source: relay }, send: [{ to: blue }] }
";

/// The names of the events of the relay itself, the oldest first.
async fn own(rig: &Rig) -> Vec<String> {
    let mut events = rig.store.events(Some("relay"), None, 100).await.unwrap();
    events.reverse();
    events.into_iter().map(|event| event.name).collect()
}

#[tokio::test]
async fn a_held_destination_is_told_once_where_rules_say() {
    let rig = Rig::start(TWO_CHATS, RULES).await;
    rig.exchange.script("red.example", (0..20).map(|_| Says::Status(403, vec![], "invalid_token")));
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.defect("defect.created", "SHOP", 2, "y").await;
    rig.pass(5 * MINUTE).await;
    assert_eq!(own(&rig).await, ["relay.destination_held"]);
    let told = rig.exchange.asked("blue.example");
    assert_eq!(told.len(), 1);
    assert!(told[0].body.contains("Nothing is sent to red until it is mended"), "{}", told[0].body);
}

#[tokio::test]
async fn dead_letters_are_told_together_and_never_about_themselves() {
    let rig = Rig::start(TWO_CHATS, RULES).await;
    rig.exchange.script("red.example", (0..20).map(|_| Says::Status(400, vec![], "invalid_blocks")));
    rig.exchange.script("blue.example", (0..20).map(|_| Says::Status(400, vec![], "invalid_blocks")));
    for id in 0..5 {
        rig.defect("defect.created", "SHOP", id, "x").await;
    }
    rig.pass(10 * MINUTE).await;
    let states = rig.states().await;
    assert!(states.len() > 5 && states.iter().all(|state| *state == State::Dead), "{states:?}");
    let own = own(&rig).await;
    assert!((1..=2).contains(&own.len()) && own.iter().all(|name| name == "relay.dead_letter"), "{own:?}");
}

#[tokio::test]
async fn silence_is_told_once_for_each_silence() {
    let config = TWO_CHATS.replace("{ kind: qase }", "{ kind: qase, expect_every: { projects: { SHOP: 48h } } }");
    let rig = Rig::start(&config, RULES).await;
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.pass(47 * HOUR).await;
    rig.defect("defect.created", "PAY", 1, "another project").await;
    assert!(own(&rig).await.is_empty());
    rig.pass(2 * HOUR).await;
    assert_eq!(own(&rig).await, ["source.silent"]);
    // A restart tells it no second time.
    let rig = rig.restart(|_| {}).await;
    rig.pass(30 * HOUR).await;
    assert_eq!(own(&rig).await, ["source.silent"]);
    rig.defect("defect.created", "SHOP", 2, "y").await;
    rig.pass(49 * HOUR).await;
    assert_eq!(own(&rig).await, ["source.silent", "source.silent"]);
    let event = rig.store.events(Some("relay"), None, 1).await.unwrap().remove(0);
    assert_eq!((event.project.as_deref(), event.subject.as_deref()), (Some("SHOP"), Some("source/qase/SHOP")));
}

#[tokio::test]
async fn webhooks_that_no_rule_could_judge_are_told_at_most_once_an_hour_for_each_source() {
    let config = TWO_CHATS
        .replace("{ kind: qase }", "{ kind: qase, never_refuse: true }, crm: { kind: qase, never_refuse: true }");
    let rig = Rig::start(&config, RULES).await;
    let post = async |source: &str, body: String| {
        let snapshot = rig.relay.shared.current.load_full();
        let hook = RawHook::posted(http::HeaderMap::new(), bytes::Bytes::from(body));
        rig.relay.ingest(snapshot.sources.get(source).unwrap(), hook).await.unwrap().event
    };
    let first = post("qase", "{ not json".to_owned()).await;
    rig.pass(MINUTE).await;
    assert_eq!(own(&rig).await, ["relay.quarantined"], "the first is told at once");
    let event = rig.store.events(Some("relay"), None, 1).await.unwrap().remove(0);
    assert_eq!(event.subject.as_deref(), Some("source/qase"));
    let facts = rig.store.event(event.id).await.unwrap().unwrap().facts["values"].clone();
    assert_eq!((&facts["sender"], &facts["count"]), (&"qase".into(), &1.into()));
    assert_eq!(facts["event_id"], first.to_string());
    assert!(facts["why"].as_str().unwrap().starts_with("the body is not JSON"), "{facts}");
    let told = rig.exchange.asked("blue.example");
    assert_eq!(told.len(), 1);
    for words in ["A webhook from qase was kept, but no rule could judge it", "relaybell events show"] {
        assert!(told[0].body.contains(words), "{words}: {}", told[0].body);
    }

    // The sender keeps sending; the same again is no other one.
    let second = post("qase", "{ not json 0".to_owned()).await;
    for number in 0..30 {
        post("qase", format!("{{ not json {number}")).await;
        rig.pass(MINUTE).await;
    }
    assert_eq!(own(&rig).await.len(), 1, "not yet an hour");
    post("crm", "{ not json".to_owned()).await;
    rig.pass(MINUTE).await;
    assert_eq!(own(&rig).await.len(), 2, "another source is told of by itself");
    rig.pass(HOUR).await;
    assert_eq!(own(&rig).await.len(), 3);
    let event = rig.store.events(Some("relay"), None, 1).await.unwrap().remove(0);
    let facts = rig.store.event(event.id).await.unwrap().unwrap().facts["values"].clone();
    assert_eq!((&facts["sender"], &facts["count"]), (&"qase".into(), &30.into()));
    assert_eq!(facts["event_id"], second.to_string());
    assert_eq!(facts["title"], "30 webhooks from qase were kept, but no rule could judge them");
    rig.pass(3 * HOUR).await;
    assert_eq!(own(&rig).await.len(), 3, "nothing more came");
}

/// `RULES` with a typo in a line of its own at the end.
fn with_typo(fact: &str) -> String {
    format!("{RULES}  - {{ name: typo, when: {{ {fact}: blocker }}, send: [{{ to: red }}] }}\n")
}

#[tokio::test]
async fn rejected_files_are_told_once_for_each_trouble() {
    let rig = Rig::start(TWO_CHATS, RULES).await;
    let save = async |rules: &str| {
        rig.folder.write("rules/rules.yaml", rules);
        let reloaded = rig.relay.reload().await;
        rig.pass(MINUTE).await;
        reloaded.is_ok()
    };
    assert!(!save(&with_typo("severty")).await);
    assert!(rig.relay.reload().await.is_err(), "asked for by hand, it is the same trouble");
    assert!(!save(&format!("{}# still thinking\n", with_typo("severty"))).await);
    assert_eq!(own(&rig).await, ["relay.config_rejected"]);
    let event = rig.store.events(Some("relay"), None, 1).await.unwrap().remove(0);
    let facts = &rig.store.event(event.id).await.unwrap().unwrap().facts["values"];
    assert!(facts["file"].as_str().unwrap().ends_with("rules/rules.yaml"), "{facts}");
    assert_eq!((&facts["line"], &facts["problems"]), (&5.into(), &1.into()));
    assert_eq!(facts["problem"], "unknown fact 'severty', did you mean 'severity'?");
    let told = rig.exchange.asked("blue.example");
    assert_eq!(told.len(), 1);
    for words in ["The edited configuration is not in order", "rules/rules.yaml", "did you mean 'severity'?"] {
        assert!(told[0].body.contains(words), "{words}: {}", told[0].body);
    }

    assert!(!save(&with_typo("priorty")).await);
    assert_eq!(own(&rig).await, ["relay.config_rejected"; 2], "another trouble is told too");
    // Meanwhile the last good rules send.
    rig.defect("defect.created", "SHOP", 1, "x").await;
    rig.pass(MINUTE).await;
    assert_eq!(rig.exchange.asked("red.example").len(), 1);

    assert!(save(RULES).await);
    assert_eq!(own(&rig).await.len(), 2, "that all is well again is no trouble");
    assert!(!save(&with_typo("priorty")).await);
    assert_eq!(own(&rig).await.len(), 3, "after it was mended, it is a new one");
    assert_eq!(rig.exchange.asked("blue.example").len(), 3);
}

#[tokio::test]
async fn rules_that_vanish_stay_in_force_and_none_can_be_had_on_purpose() {
    let rig = Rig::start(TWO_CHATS, RULES).await;
    let folder = rig.folder.path().join("rules");
    let sends = async |id: u64| {
        rig.defect("defect.created", "SHOP", id, "x").await;
        rig.pass(MINUTE).await;
        rig.exchange.asked("red.example").len()
    };
    let why = async || {
        let found = rig.relay.reload().await.unwrap_err();
        assert_eq!(found.errors().count(), 1, "{found}");
        let one = found.errors().next().unwrap();
        format!("{} ({})", one.message, one.help.as_deref().unwrap_or_default())
    };
    for emptied in ["", "# all of it is gone\n", "---\n"] {
        rig.folder.write("rules/rules.yaml", emptied);
        assert!(why().await.starts_with("this rule file is empty"), "{}", why().await);
    }
    assert_eq!(sends(1).await, 1);
    std::fs::remove_file(folder.join("rules.yaml")).unwrap();
    rig.folder.write("rules/notes.txt", "no rule file");
    let said = why().await;
    assert!(said.contains("has no rule file any more, but 2 rules are in force"), "{said}");
    rig.pass(MINUTE).await;
    std::fs::remove_dir_all(&folder).unwrap();
    let said = why().await;
    assert!(said.contains("is gone, but 2 rules are in force") && said.ends_with("rules: [])"), "{said}");
    assert_eq!(sends(2).await, 2);
    assert_eq!(own(&rig).await, ["relay.config_rejected"; 3], "each trouble is told");

    rig.folder.write("rules/rules.yaml", "rules: []\n");
    assert!(rig.relay.reload().await.is_ok());
    assert_eq!(sends(3).await, 2, "there is no rule now");
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(rig.relay.reload().await.is_ok(), "nothing is lost with it");
    // A start takes the files as they are.
    let rig = rig.restart(|_| {}).await;
    assert!(rig.relay.shared.current.load().rules.rules().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_that_is_saved_reaches_a_chat() {
    let chat = Standin::start(Vendor::Slack).unwrap();
    let config = format!(
        "server: {{ listen: 127.0.0.1:0 }}\nsources: {{ qase: {{ kind: qase }} }}\n\
         destinations: {{ red: {{ kind: slack, webhook_url: \"{0}\", limit: none }}, blue: {{ kind: slack, webhook_url: \"{0}\", limit: none }} }}\n",
        chat.webhook_url().unwrap()
    );
    let folder = Folder::new(&config, RULES);
    let serving = Serving::start(folder.path());
    let client = HttpExchange::new().unwrap();
    let rejected = async |times: usize| {
        let line = format!("relaybell_config_reloads_total{{result=\"failure\"}} {times}");
        for _ in 0..300 {
            let metrics = ask(&client, serving.address, "GET", "/metrics", &[], b"").await;
            if String::from_utf8_lossy(metrics.body()).contains(&line) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the files were not looked at {times} times");
    };
    folder.write("rules/rules.yaml", &with_typo("severty"));
    rejected(1).await;
    folder.write("rules/rules.yaml", &format!("{}# still thinking\n", with_typo("severty")));
    rejected(2).await;
    folder.write("rules/rules.yaml", &with_typo("priorty"));
    rejected(3).await;
    for _ in 0..200 {
        if chat.received().len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told: Vec<String> = chat.received().into_iter().map(|message| message.as_text).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("did you mean 'severity'?") && told[1].contains("did you mean 'priority'?"), "{told:?}");
}
