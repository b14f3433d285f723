//! `about`, `priority`, `expires`, `mute_until`: how what a rule sends is handled.

use std::time::Duration;

use relaybell::domain::delivery::State;
use relaybell::domain::plan::Decision;
use relaybell::domain::time::Timestamp;
use relaybell::store::Ledger;

use crate::support::exchange::Says;
use crate::support::rig::{Rig, TWO_CHATS};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn rule(name: &str, when: &str, keys: &str) -> String {
    format!("  - name: {name}\n    when: {when}\n    send: [{{ to: red }}]\n{keys}")
}

fn rules(all: &[String]) -> String {
    format!("rules:\n{}", all.concat())
}

/// The titles of the messages to red, in the order they were sent.
fn told(rig: &Rig) -> Vec<String> {
    let title = |body: &str| {
        let at = body.find("title-").unwrap_or_else(|| panic!("{body}"));
        body[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect()
    };
    rig.exchange.asked("red.example").iter().map(|asked| title(&asked.body)).collect()
}

#[tokio::test]
async fn the_urgent_overtake_in_a_queue() {
    let config = TWO_CHATS.replacen("limit: none", "limit: { rate: 1/min, burst: 1 }", 1);
    let all = rules(&[
        rule("low", "{ event: defect.created, project: LOW }", "    priority: low\n"),
        rule("plain", "{ event: defect.created, project: SHOP }", ""),
        rule("urgent", "{ event: defect.created, project: PAY }", "    priority: urgent\n"),
    ]);
    let rig = Rig::start(&config, &all).await;
    for (id, (project, title)) in
        [("LOW", "title-0"), ("LOW", "title-1"), ("SHOP", "title-2"), ("PAY", "title-3")].into_iter().enumerate()
    {
        rig.defect("defect.created", project, id as u64, title).await;
        rig.rest().await;
    }
    rig.pass(5 * MINUTE).await;
    assert_eq!(told(&rig), ["title-0", "title-3", "title-2", "title-1"]);
}

#[tokio::test]
async fn about_makes_a_conversation_of_several_subjects() {
    let all = rules(&[rule("per-project", "{ event: defect.created }", "    about: project\n")]);
    let rig = Rig::start(TWO_CHATS, &all).await;
    rig.exchange.script("red.example", [Says::Status(500, vec![], "")]);
    rig.defect("defect.created", "SHOP", 1, "title-1").await;
    rig.rest().await;
    rig.defect("defect.created", "SHOP", 2, "title-2").await;
    rig.defect("defect.created", "PAY", 3, "title-3").await;
    rig.pass(30 * SECOND).await;
    // The first failed once; what is in its conversation waited for it, the other did not.
    assert_eq!(told(&rig), ["title-1", "title-3", "title-1", "title-2"]);
    let conversations: Vec<String> = rig.deliveries().await.into_iter().map(|one| one.conversation).collect();
    assert_eq!(conversations, ["project=SHOP", "project=SHOP", "project=PAY"]);
}

#[tokio::test]
async fn the_same_action_in_another_conversation_is_another_message() {
    let all = rules(&[
        rule("of-the-defect", "{ event: defect.created }", ""),
        rule("of-the-project", "{ event: defect.created }", "    about: [project]\n"),
        rule("of-the-project-too", "{ event: defect.created }", "    about: [project]\n"),
        rule("of-a-plan", "{ event: defect.created }", "    about: [plan_id]\n"),
    ]);
    let rig = Rig::start(TWO_CHATS, &all).await;
    rig.defect("defect.created", "SHOP", 1, "title-1").await;
    let sent: Vec<(String, String)> =
        rig.deliveries().await.into_iter().map(|one| (one.rule, one.conversation)).collect();
    let sent: Vec<(&str, &str)> = sent.iter().map(|(rule, about)| (rule.as_str(), about.as_str())).collect();
    // An event without the fact is in the conversation of its subject.
    assert_eq!(sent, [("of-the-defect", "qase/SHOP/defect/1"), ("of-the-project", "project=SHOP")]);
}

#[tokio::test]
async fn what_is_too_old_to_matter_is_dropped_with_a_record() {
    let all = rules(&[
        rule("hurried", "{ event: defect.created, project: SHOP }", "    expires: 3h\n"),
        rule("patient", "{ event: defect.created, project: PAY }", ""),
    ]);
    let rig = Rig::start(TWO_CHATS, &all).await;
    rig.exchange.script("red.example", [Says::Status(429, vec![("retry-after", "14400".to_owned())], "rate_limited")]);
    rig.defect("defect.created", "SHOP", 1, "title-1").await;
    rig.rest().await;
    rig.defect("defect.created", "PAY", 2, "title-2").await;
    rig.defect("defect.created", "SHOP", 3, "title-3").await;
    rig.pass(Duration::from_secs(5 * 3600)).await;
    assert_eq!(rig.states().await, [State::Dropped, State::Delivered, State::Dropped]);
    let dropped = rig.deliveries().await;
    let why = |n: usize| dropped[n].why.clone().unwrap();
    assert!(why(0).starts_with("expired: by the rule's 'expires' it was of no use after 2026-"), "{}", why(0));
    assert!(why(0).contains("the last attempt"), "says what it was that took so long: {}", why(0));
    assert!(why(2).starts_with("expired"), "{}", why(2));
    let metrics = rig.relay.shared.metrics.text();
    assert!(metrics.contains("relaybell_expired_total{destination=\"red\"} 2"), "{metrics}");
}

#[tokio::test]
async fn a_muted_rule_keeps_silent_until_its_date() {
    // The rig's clock begins on 2026-09-14 at 08:00 UTC.
    let all = rules(&[rule("muted", "{ event: defect.created }", "    mute_until: 2026-09-15\n")]);
    let rig = Rig::start(TWO_CHATS, &all).await;
    let first = rig.defect("defect.created", "SHOP", 1, "title-1").await;
    rig.pass(15 * HOUR).await;
    rig.defect("defect.created", "SHOP", 2, "title-2").await;
    rig.pass(2 * HOUR).await;
    rig.defect("defect.created", "SHOP", 3, "title-3").await;
    rig.rest().await;
    assert_eq!(told(&rig), ["title-3"]);
    let verdicts = rig.store.event(first).await.unwrap().unwrap().verdicts;
    let why = "the rule is muted until 2026-09-15T00:00:00.000Z".to_owned();
    assert_eq!(verdicts[0].decision, Decision::HeldBack { why });
}

#[test]
fn a_date_begins_at_midnight_utc() {
    let day = Timestamp::of_date("2026-09-15").unwrap();
    assert_eq!(day.to_string(), "2026-09-15T00:00:00.000Z");
    for bad in ["2026-9-15", "2026-13-01", "tomorrow", "2026-09-15T10:00:00Z", ""] {
        assert_eq!(Timestamp::of_date(bad), None, "{bad}");
    }
}
