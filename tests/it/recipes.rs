//! The recipes of `docs/recipes.md`, each against a strict stand-in of its vendor: a defect
//! from its creation to its end, and what may go wrong on the way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use relaybell::config::diagnostic::Color;
use relaybell::config::{Disk, Secrets, load_from};
use relaybell::domain::delivery::State;
use relaybell::domain::time::Timestamp;
use relaybell::ports::Clock;
use relaybell::ports::http::HttpExchange;
use relaybell::ports::manual::{CountingDice, ManualClock};
use relaybell::relay::{Parts, Relay};
use relaybell::source::RawHook;
use relaybell::store::memory::MemoryStore;
use relaybell::store::{DeliveryFilter, DeliveryRecord, Ledger};
use serde_json::{Value, json};

use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::{Serving, run, stdout};
use crate::support::recipes::receivers::{Discord, GoogleChat, Mattermost, PagerDuty, SIGNING_SECRET, Signed};
use crate::support::recipes::served::Served;
use crate::support::recipes::trackers::{Azure, GitHub, GitLab, Linear, Redmine, TOKEN, YouTrack};
use crate::support::recipes::{Goes, Net, Vendor, one};

const PAGE: &str = include_str!("../../docs/recipes.md");

/// One recipe: its heading, its vendor, and what its rules say for each step.
struct Recipe {
    heading: &'static str,
    vendor: fn() -> Box<dyn Vendor>,
    /// Whether it is a tracker, with tickets made once.
    tracker: bool,
    /// What rules say beside `to` when a defect is updated and when it is resolved.
    updated: &'static str,
    resolved: &'static str,
    /// The status with which the vendor refuses a body.
    refuses: u16,
    /// What the vendor's refusal looks like, for the pointer of `error`.
    complaint: fn() -> Value,
}

const COMMENT: &str = "action: comment";
const AGAIN: &str = "action: request";

fn message() -> Value {
    one("message", "it is not right".into())
}

fn recipes() -> [Recipe; 11] {
    let tracker = |heading, vendor, resolved, refuses, complaint| Recipe {
        heading,
        vendor,
        tracker: true,
        updated: COMMENT,
        resolved,
        refuses,
        complaint,
    };
    let receiver = |heading, vendor, updated, resolved, refuses, complaint| Recipe {
        heading,
        vendor,
        tracker: false,
        updated,
        resolved,
        refuses,
        complaint,
    };
    [
        tracker("GitHub Issues", || Box::<GitHub>::default(), "action: transition, status: closed", 422, message),
        tracker("GitLab", || Box::<GitLab>::default(), "action: transition, status: close", 400, message),
        tracker("Azure DevOps", || Box::<Azure>::default(), "action: transition, status: Closed", 400, message),
        tracker(
            "Linear",
            || Box::<Linear>::default(),
            "action: transition, status: 11111111-2222-4333-8444-555555555555",
            200,
            || json!({"errors": [{"message": "it is not right"}], "data": null}),
        ),
        tracker(
            "YouTrack",
            || Box::<YouTrack>::default(),
            "action: transition, status: Fixed",
            400,
            || json!({"error": "Bad Request", "error_description": "it is not right"}),
        ),
        tracker(
            "Redmine",
            || Box::<Redmine>::default(),
            "action: transition, status: \"5\"",
            422,
            || json!({"errors": ["it is not right"]}),
        ),
        receiver("PagerDuty", || Box::<PagerDuty>::default(), AGAIN, "fields: { event_action: resolve }", 400, message),
        receiver("Discord", || Box::<Discord>::default(), "action: update", AGAIN, 400, message),
        receiver("Mattermost", || Box::<Mattermost>::default(), AGAIN, AGAIN, 400, message),
        receiver(
            "Google Chat",
            || Box::<GoogleChat>::default(),
            AGAIN,
            AGAIN,
            400,
            || json!({"error": {"message": "it is not right"}}),
        ),
        receiver("A signed webhook", || Box::<Signed>::default(), AGAIN, AGAIN, 422, message),
    ]
}

fn variable(name: &str) -> Option<String> {
    Some(match name {
        "DISCORD_WEBHOOK_URL" => format!("https://discord.example/api/webhooks/17/{TOKEN}"),
        "MATTERMOST_WEBHOOK_URL" => format!("https://mattermost.example/hooks/{TOKEN}"),
        "GOOGLE_CHAT_URL" => format!("https://chat.example/v1/spaces/AAA/messages?key=k&token={TOKEN}"),
        "HOOK_SECRET" => SIGNING_SECRET.to_owned(),
        _ => TOKEN.to_owned(),
    })
}

/// What stands below the heading as YAML, and the name of its destination.
fn written(heading: &str) -> (&'static str, &'static str) {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no recipe {heading}"));
    let (_, yaml) = section.split_once("```yaml\n").unwrap();
    let (yaml, _) = yaml.split_once("\n```").unwrap();
    let name = yaml.lines().nth(1).unwrap().trim().trim_end_matches(':');
    (yaml, name)
}

/// A relay with one recipe.
struct Stage {
    relay: Relay,
    clock: Arc<ManualClock>,
    net: Arc<Net>,
    store: Arc<MemoryStore>,
    _folder: Folder,
}

impl Stage {
    async fn start(recipe: &Recipe, goes: Vec<Goes>) -> Self {
        let (yaml, name) = written(recipe.heading);
        let config = format!(
            "server: {{ listen: 127.0.0.1:0 }}\nsources: {{ qase: {{ kind: qase, secrets: [\"${{QASE}}\"] }} }}\n{yaml}\n"
        );
        let mut rules = "rules:\n".to_owned();
        for (event, doing) in
            [("created", "template: told"), ("updated", recipe.updated), ("resolved", recipe.resolved)]
        {
            rules.push_str(&format!(
                "  - name: {event}\n    when: {{ event: defect.{event} }}\n    send: [{{ to: {name}, {doing} }}]\n"
            ));
        }
        let folder = Folder::new(&config, &rules);
        folder.write(
            "templates/told.md.hbs",
            "---\ntitle: \"{{title}}\"\nfields: { Severity: \"{{severity}}\" }\n---\n{{actual_result}}\n",
        );
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_789_372_800)));
        let net = Arc::new(Net::new(clock.clone(), (recipe.vendor)(), goes));
        let store = Arc::new(MemoryStore::default());
        let snapshot = load_from(&Disk, &variable, &folder.config(), Secrets::Resolve)
            .unwrap_or_else(|all| panic!("{}: {}", recipe.heading, all.render(Color::Never)));
        assert!(snapshot.warnings.is_empty(), "{}: {}", recipe.heading, snapshot.warnings.render(Color::Never));
        let relay = Relay::start(Parts {
            store: store.clone(),
            ledger: store.clone(),
            clock: clock.clone(),
            dice: Arc::new(CountingDice::default()),
            exchange: net.clone(),
            snapshot,
            config_path: folder.config(),
        })
        .await
        .unwrap();
        Self { relay, clock, net, store, _folder: folder }
    }

    async fn tell(&self, event: &str, title: &str, result: &str) {
        let snapshot = self.relay.shared.current.load_full();
        let source = snapshot.sources.get("qase").unwrap();
        let body = json!({
            "event_name": event, "timestamp": 1_789_382_400, "team_member_id": 1, "project_code": "PAY",
            "payload": { "id": 17, "title": title, "severity": "blocker", "actual_result": result },
        });
        let headers = HeaderMap::from_iter([("x-qase-secret".parse().unwrap(), TOKEN.parse().unwrap())]);
        let hook = RawHook::posted(headers, Bytes::from(body.to_string()));
        self.relay.ingest(source, hook).await.unwrap();
    }

    async fn pass(&self, time: Duration) {
        let end = self.clock.elapsed() + time;
        loop {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            let left = end.saturating_sub(self.clock.elapsed());
            if left.is_zero() {
                return;
            }
            self.clock.advance(left.min(Duration::from_millis(500)));
        }
    }

    async fn deliveries(&self) -> Vec<DeliveryRecord> {
        let mut all = self.store.deliveries(&DeliveryFilter::default(), None, 1000).await.unwrap();
        all.reverse();
        all
    }

    fn has(&self) -> Vec<String> {
        self.net.vendor.lock().unwrap().has()
    }
}

/// Text that tries everything: mentions, links, commands, broken markup, and length.
const HOSTILE: &str =
    "@everyone <!channel> <users/all> <@123> [pay](https://evil.example) <b>x</b>\n/close\n\"}],{\"x\": `*_~";

#[tokio::test]
async fn a_defect_goes_from_its_creation_to_its_end() {
    for recipe in recipes() {
        let stage = Stage::start(&recipe, Vec::new()).await;
        for (event, title) in [
            ("created", "Checkout fails"),
            ("updated", "Checkout fails for all"),
            ("resolved", "Checkout fails for all"),
        ] {
            stage.tell(&format!("defect.{event}"), title, "A white page").await;
            stage.pass(Duration::from_secs(5)).await;
        }
        let heading = recipe.heading;
        let refused = stage.net.refused.lock().unwrap().clone();
        let deliveries = stage.deliveries().await;
        let told: Vec<String> = deliveries.iter().map(|one| format!("{:?} {:?}", one.state, one.why)).collect();
        assert!(refused.is_empty(), "{heading}: {refused:?}");
        assert!(deliveries.iter().all(|one| one.state == State::Delivered), "{heading}: {told:?}");
        let notes: Vec<_> = deliveries.iter().filter_map(|one| one.receipt.clone()?.note).collect();
        assert!(notes.is_empty(), "{heading}: {notes:?}");
        let has = stage.has();
        if recipe.tracker {
            assert_eq!(has.len(), 1, "{heading}: {has:?}");
            assert!(has[0].starts_with("Checkout fails [closed]"), "{heading}: {has:?}");
            assert!(has[0].contains("A white page") && has[0].contains("Checkout fails for all"), "{heading}: {has:?}");
        }
        insta::assert_snapshot!(format!("recipe_{}", heading.to_lowercase().replace(' ', "_")), has.join("\n======\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_keeps_a_ticket_through_kills_over_real_connections() {
    for (heading, host, vendor, close) in [
        ("GitHub Issues", "api.github.com", Box::<GitHub>::default() as Box<dyn Vendor>, "closed"),
        ("Linear", "api.linear.app", Box::<Linear>::default(), "11111111-2222-4333-8444-555555555555"),
    ] {
        let served = Served::start(host, vendor).await;
        let (yaml, name) = written(heading);
        let yaml = yaml.replace(&format!("https://{host}"), &format!("http://{}", served.address));
        let config = format!(
            "server: {{ listen: 127.0.0.1:0 }}\nstorage: {{ url: \"sqlite:recipes.db\" }}\n\
             sources: {{ qase: {{ kind: qase }} }}\n{yaml}\n"
        );
        let rules = format!(
            "rules:\n  - {{ name: a, when: {{ event: defect.created }}, send: [{{ to: {name} }}] }}\n  \
             - {{ name: b, when: {{ event: defect.resolved }}, send: [{{ to: {name}, action: transition, status: {close}, template: solved }}] }}\n"
        );
        let folder = Folder::new(&config, &rules);
        folder.write("templates/solved.md.hbs", "---\ntitle: It is solved\n---\nNo more.\n");
        let client = HttpExchange::new().unwrap();
        for (event, rest) in
            [("defect.created", r#","title":"Checkout fails","severity":"blocker""#), ("defect.resolved", "")]
        {
            let relay = Serving::start_with(folder.path(), "info", &[("GITHUB_TOKEN", TOKEN), ("LINEAR_KEY", TOKEN)]);
            let body = format!(r#"{{"event_name":"{event}","payload":{{"id":17{rest}}},"project_code":"PAY"}}"#);
            let answer = ask(&client, relay.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
            assert_eq!(answer.status(), http::StatusCode::ACCEPTED);
            let mut listed = String::new();
            for _ in 0..200 {
                listed = stdout(&run(folder.path(), &["deliveries", "list", "--json", "--state", "delivered"]));
                if listed.matches("\"state\"").count() == if event == "defect.created" { 1 } else { 2 } {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            assert_eq!(served.refused.lock().unwrap().clone(), [""; 0], "{heading}: {listed}");
            relay.kill();
        }
        let has = served.vendor.lock().unwrap().has();
        assert_eq!(has.len(), 1, "{heading}: {has:?}");
        assert!(has[0].contains("Checkout fails [closed]"), "{heading}: {has:?}");
        assert!(has[0].contains("**It is solved**") && has[0].contains("No more."), "commented: {has:?}");
    }
}

#[tokio::test]
async fn no_text_of_an_event_acts_at_the_other_side_or_is_refused() {
    for recipe in recipes() {
        let stage = Stage::start(&recipe, Vec::new()).await;
        stage.tell("defect.created", HOSTILE, &format!("{HOSTILE}\n{}", "very long text ".repeat(10_000))).await;
        stage.tell("defect.updated", &format!("{HOSTILE} {}", "long ".repeat(300)), HOSTILE).await;
        stage.pass(Duration::from_secs(5)).await;
        let refused = stage.net.refused.lock().unwrap().clone();
        assert!(refused.is_empty(), "{}: {refused:?}", recipe.heading);
        assert!(stage.deliveries().await.iter().all(|one| one.state == State::Delivered));
        if recipe.heading == "A signed webhook" {
            continue;
        }
        for text in stage.has() {
            // What is escaped in Markdown does not act.
            let text = text.replace("\\<", "").replace("\\]", "");
            for acts in ["@everyone", "<users/", "](https://evil", "<!channel", "<b>x", "\n/close"] {
                let harmless = recipe.heading == "Azure DevOps" && ["](https://evil", "\n/close"].contains(&acts);
                assert!(harmless || !text.contains(acts), "{}: {acts} in {text}", recipe.heading);
            }
        }
    }
}

#[tokio::test]
async fn what_goes_wrong_is_told_and_mended() {
    for recipe in recipes() {
        let heading = recipe.heading;
        // Too many requests: everything waits as long as asked.
        let busy = Goes::Instead(429, vec![("retry-after", "30".to_owned())], json!({}));
        let stage = Stage::start(&recipe, vec![busy]).await;
        stage.tell("defect.created", "Checkout fails", "x").await;
        stage.pass(Duration::from_secs(60)).await;
        assert_eq!(stage.net.times(), [0, 30], "{heading}");
        assert_eq!(stage.deliveries().await[0].state, State::Delivered, "{heading}");
        // The credential or the address is refused: the destination is held.
        for status in [401, 403, 404] {
            let stage = Stage::start(&recipe, vec![Goes::Instead(status, vec![], (recipe.complaint)())]).await;
            stage.tell("defect.created", "Checkout fails", "x").await;
            stage.pass(Duration::from_secs(50)).await;
            let delivery = stage.deliveries().await.remove(0);
            let why = delivery.why.unwrap_or_default();
            assert_eq!((delivery.state, stage.net.times().len()), (State::Queued, 1), "{heading} {status}: {why}");
            let told = why.contains(&format!("answered {status}: ")) && why.contains("it is not right");
            assert!(told, "{heading}: {why}");
        }
        // The body is refused: this delivery is dead, with the vendor's words.
        let stage = Stage::start(&recipe, vec![Goes::Instead(recipe.refuses, vec![], (recipe.complaint)())]).await;
        stage.tell("defect.created", "Checkout fails", "x").await;
        stage.pass(Duration::from_secs(50)).await;
        let delivery = stage.deliveries().await.remove(0);
        let why = delivery.why.unwrap_or_default();
        assert_eq!(delivery.state, State::Dead, "{heading}: {why}");
        assert!(why.contains("it is not right"), "{heading}: {why}");
    }
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_ticket() {
    for recipe in recipes() {
        let stage = Stage::start(&recipe, vec![Goes::LosesAnswer]).await;
        stage.tell("defect.created", "Checkout fails", "x").await;
        stage.pass(Duration::from_secs(600)).await;
        let delivery = stage.deliveries().await.remove(0);
        assert_eq!(delivery.state, State::Delivered, "{}: {:?}", recipe.heading, delivery.why);
        let once = recipe.tracker || ["PagerDuty", "A signed webhook"].contains(&recipe.heading);
        assert_eq!(
            stage.has().len(),
            if once { 1 } else { 2 },
            "{}: {:?}",
            recipe.heading,
            stage.net.log.lock().unwrap()
        );
        if recipe.tracker {
            let note = delivery.receipt.unwrap().note.unwrap();
            assert_eq!(note, "made by an earlier attempt whose answer was lost", "{}", recipe.heading);
        }
    }
}

#[tokio::test]
async fn a_request_that_never_arrived_is_made_again_after_looking() {
    for recipe in recipes().iter().filter(|recipe| recipe.tracker) {
        let gone = Goes::Instead(502, vec![], "Bad Gateway".into());
        let stage = Stage::start(recipe, vec![gone]).await;
        stage.tell("defect.created", "Checkout fails", "x").await;
        stage.pass(Duration::from_secs(900)).await;
        assert_eq!(stage.has().len(), 1, "{}", recipe.heading);
        assert_eq!(stage.net.times().len(), 5, "once, three looks, once more: {:?}", stage.net.log.lock().unwrap());
    }
}

#[tokio::test]
async fn a_ticket_that_is_gone_is_left_or_made_anew() {
    for recipe in recipes().iter().filter(|recipe| recipe.tracker && recipe.heading != "Linear") {
        let gone = Goes::Instead(404, vec![], (recipe.complaint)());
        let stage = Stage::start(recipe, vec![Goes::Well, gone.clone()]).await;
        stage.tell("defect.created", "Checkout fails", "x").await;
        stage.pass(Duration::from_secs(5)).await;
        stage.tell("defect.updated", "Checkout fails", "x").await;
        stage.pass(Duration::from_secs(5)).await;
        let last = stage.deliveries().await.pop().unwrap();
        // YouTrack's commands name the issue in the body, its comments in the path.
        assert_eq!(last.state, State::Dropped, "{}: {:?}", recipe.heading, last.why);
        let anew = Recipe { updated: "action: comment, if_missing: create", ..*recipe };
        let stage = Stage::start(&anew, vec![Goes::Well, gone]).await;
        for event in ["defect.created", "defect.updated", "defect.updated"] {
            stage.tell(event, &format!("Checkout fails {event}"), event).await;
            stage.pass(Duration::from_secs(5)).await;
        }
        let has = stage.has();
        assert_eq!(has.len(), 2, "{}: {has:?}", recipe.heading);
    }
}
