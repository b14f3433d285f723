//! Described destinations: what is asked, and what each answer means.

use std::sync::Arc;

use http::HeaderMap;
use proptest::prelude::*;
use relaybell::config::{DestinationSpec, Secrets, Snapshot, rehearse};
use relaybell::destination::{Answer, Ask, Reply, Step};
use relaybell::domain::delivery::{Action, Extent, Job, Lost, Outcome, Receipt};
use relaybell::domain::how::{How, IfMissing, Target};
use relaybell::domain::markdown::parse;
use relaybell::domain::message::{Block, Inline, Mention, Message};
use relaybell::domain::render::Flavor;
use relaybell::domain::thread::Thread;
use serde_json::{Value, json};

use crate::diagnose::{Memory, load};
use crate::messages::{NOW, job, reply, rich, thin};

fn snapshot(destination: &str, rules: &str) -> Snapshot {
    let lines: String = destination.lines().map(|line| format!("    {line}\n")).collect();
    let config = format!("sources: {{ qase: {{ kind: qase }} }}\ndestinations:\n  x:\n    kind: rest\n{lines}");
    let files = Memory::default().with("relaybell.yaml", config).with("rules/a.yaml", rules);
    load(&files, Secrets::Leave)
        .unwrap_or_else(|found| panic!("{}", found.render(relaybell::config::diagnostic::Color::Never)))
}

/// A destination that is described like this.
fn described(destination: &str) -> Arc<DestinationSpec> {
    snapshot(destination, "rules: []\n").destinations.get("x").unwrap().clone()
}

const TRACKER: &str = "url: https://tracker.example/api
auth: { bearer: swordfish }
error: /message
create: { send: POST /issues, json: { title: \"{{title}}\", text: \"{{body}}\" }, remember: { key: /number, node: /node_id } }
find: { send: \"GET /search?q={{delivery.key}}\", remember: { key: /items/0/number, node: /items/0/node_id } }
comment: { send: \"POST /issues/{{thread.key}}/comments\", json: { body: \"{{body}}\" } }
transition: { send: \"PATCH /nodes/{{thread.node}}\", json: { state: \"{{status}}\" } }";

fn with(action: Action, message: Message) -> Job {
    Job { action, ..job(message) }
}

/// The same about something that the destination knows.
fn known(action: Action) -> Job {
    let thread = Thread {
        key: Some("17".to_owned()),
        channel: None,
        link: None,
        title: "x".to_owned(),
        began: NOW,
        values: [("node".to_owned(), "N/1".to_owned())].into(),
    };
    Job { thread: Some(thread), ..with(action, rich()) }
}

fn asks(spec: &DestinationSpec, job: &Job, answers: &[Answer]) -> Ask {
    match spec.adapter.step(job, answers) {
        Step::Ask(ask) => ask,
        Step::Done(outcome) => panic!("no ask but {outcome:?}"),
    }
}

fn ends(spec: &DestinationSpec, job: &Job, answers: &[Answer]) -> Outcome {
    match spec.adapter.step(job, answers) {
        Step::Done(outcome) => outcome,
        Step::Ask(ask) => panic!("no outcome but {}", ask.what),
    }
}

fn said(status: u16, body: &str) -> Answer {
    Answer::Replied(reply(status, body))
}

fn with_headers(status: u16, headers: &[(&'static str, &str)]) -> Answer {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    Answer::Replied(Reply { headers, ..reply(status, "{}") })
}

fn body(ask: &Ask) -> Value {
    serde_json::from_slice(ask.request.body()).unwrap()
}

/// The outcome in one line.
fn line(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered(Receipt { key, note, begins_anew, .. }) => format!(
            "delivered{}{}{}",
            key.as_deref().map(|key| format!(" {key}")).unwrap_or_default(),
            if *begins_anew { ", begins anew" } else { "" },
            note.as_deref().map(|note| format!(": {note}")).unwrap_or_default()
        ),
        Outcome::Later { why, after, extent } => {
            let extent = match extent {
                Extent::Throttled => "pause",
                Extent::Failing => "later",
                Extent::Single => "only this later",
            };
            format!("{extent} after {:?}: {why}", after.map(|after| after.as_secs()))
        }
        Outcome::Unclear { why } => format!("unclear: {why}"),
        Outcome::NotFound { why } => format!("not found: {why}"),
        Outcome::Skipped { why } => format!("skipped: {why}"),
        Outcome::Refused { why } => format!("dead: {why}"),
        Outcome::Closed { why } => format!("held: {why}"),
    }
}

#[test]
fn every_answer_has_its_meaning() {
    let spec = described(TRACKER);
    let create = with(Action::Create, thin());
    let mut comment = known(Action::Comment);
    comment.content.how.if_missing = IfMissing::Skip;
    let reset = (NOW.as_ms() / 1000 + 90).to_string();
    let lost = |unknown: bool| {
        let why = "connection reset".to_owned();
        Answer::Lost(if unknown { Lost::Unknown(why) } else { Lost::NotSent(why) })
    };
    let mut told = String::new();
    for (job, name) in [(&create, "create"), (&comment, "comment")] {
        let answers = [
            ("201", said(201, r#"{"number": 17, "node_id": "N/1"}"#)),
            ("201 without key", said(201, "{}")),
            ("400", said(400, r#"{"message": "title is too long"}"#)),
            ("401", said(401, "swordfish is not a good token")),
            ("403", said(403, "")),
            ("403 of a limit", with_headers(403, &[("retry-after", "20")])),
            (
                "403 of a used up limit",
                with_headers(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset)]),
            ),
            ("404", said(404, "")),
            ("408", said(408, "")),
            ("409", said(409, "")),
            ("410", said(410, "")),
            ("425", said(425, "")),
            ("429", with_headers(429, &[("retry-after", "30")])),
            ("301", with_headers(301, &[("location", "https://elsewhere.example/")])),
            ("500", said(500, "")),
            ("503", with_headers(503, &[("retry-after", "7")])),
            ("no connection", lost(false)),
            ("no answer", lost(true)),
        ];
        for (what, answer) in answers {
            told.push_str(&format!("{name}, {what}\n    {}\n", line(&ends(&spec, job, &[answer]))));
        }
    }
    insta::assert_snapshot!("rest_answers", told);
}

#[test]
fn a_description_can_say_otherwise() {
    let spec = described(
        "url: https://x.example
permanent: [409]
retryable: [422]
busy: { /code: RATELIMITED }
request: { send: POST, success: [200, 202], ok: { /ok: true, /errors: null }, error: [/why, /errors] }",
    );
    let job = with(Action::Request, thin());
    let told = |status, body| line(&ends(&spec, &job, &[said(status, body)]));
    assert_eq!(told(200, r#"{"ok": true}"#), "delivered");
    assert!(
        told(200, r#"{"ok": false, "why": "no such room"}"#).starts_with("dead: x.example answered 200: no such room.")
    );
    assert!(told(200, r#"{"ok": true, "errors": ["a", "b"]}"#).starts_with("dead: x.example answered 200: a; b."));
    assert!(told(204, "").starts_with("dead: x.example answered 204, and 'request' counts only 200, 202 as success"));
    assert!(told(422, "").starts_with("later after None"));
    assert!(told(409, "").starts_with("dead: "));
    assert!(told(400, r#"{"code": "RATELIMITED"}"#).starts_with("pause after Some(60)"));
}

#[test]
fn a_transition_uses_what_is_remembered_and_comments_where_a_template_is_named() {
    let spec = described(TRACKER);
    let mut job = known(Action::Transition);
    job.content.how = How { target: Some(Target::Status("closed".to_owned())), ..How::default() };
    let first = asks(&spec, &job, &[]);
    assert_eq!((first.request.method().as_str(), first.request.uri().path()), ("PATCH", "/api/nodes/N%2F1"));
    assert_eq!(body(&first), json!({"state": "closed"}));
    let second = asks(&spec, &job, &[said(200, "{}")]);
    assert_eq!(second.request.uri().path(), "/api/issues/17/comments");
    let done = ends(&spec, &job, &[said(200, "{}"), said(201, "{}")]);
    assert_eq!(line(&done), "delivered 17");
    let refused = line(&ends(&spec, &job, &[said(200, "{}"), said(422, r#"{"message": "too long"}"#)]));
    assert!(
        refused.starts_with("delivered 17: moved, but not commented: tracker.example answered 422: too long"),
        "{refused}"
    );
    job.content.how.silent = true;
    assert_eq!(line(&ends(&spec, &job, &[said(200, "{}")])), "delivered 17");
}

#[test]
fn an_issue_is_looked_for_taken_and_made_once() {
    let spec = described(TRACKER);
    let unsure = Job { unsure: true, ..with(Action::Create, rich()) };
    let look = asks(&spec, &unsure, &[]);
    assert_eq!(look.request.uri().query(), Some(format!("q={}", unsure.key).as_str()));
    let found = said(200, r#"{"items": [{"number": 3}]}"#);
    assert_eq!(line(&ends(&spec, &unsure, &[found])), "delivered 3: made by an earlier attempt whose answer was lost");
    let none = said(200, r#"{"items": []}"#);
    assert!(
        line(&ends(&spec, &unsure, std::slice::from_ref(&none)))
            .starts_with("not found: tracker.example shows nothing")
    );
    let last = Job { looks: 2, ..unsure.clone() };
    assert_eq!(asks(&spec, &last, std::slice::from_ref(&none)).request.uri().path(), "/api/issues");
    let made = ends(&spec, &last, &[none, said(201, r#"{"number": 4, "node_id": "N4"}"#)]);
    let Outcome::Delivered(receipt) = &made else { panic!("{made:?}") };
    assert_eq!((receipt.key.as_deref(), receipt.values["node"].as_str()), (Some("4"), "N4"));
    assert!(line(&ends(&spec, &unsure, &[said(422, "")])).contains("Check 'find' of this destination"));
    assert!(line(&ends(&spec, &unsure, &[said(422, "")])).contains("look yourself, then retry or drop"));
    assert!(line(&ends(&spec, &unsure, &[Answer::Lost(Lost::Unknown("x".into()))])).starts_with("later"));
    // There is one already.
    assert!(line(&ends(&spec, &known(Action::Create), &[])).starts_with("delivered 17: the conversation has this one"));
}

#[test]
fn a_description_that_knows_its_status_needs_none_from_the_rule() {
    let rules =
        "rules:\n  - name: a\n    when: { event: defect.resolved }\n    send: [{ to: x, action: transition }]\n";
    let knows = TRACKER.replace("{{status}}", "closed");
    assert_eq!(snapshot(&knows, rules).rules.rules()[0].send[0].how.target, None);
    let spec = described(&knows);
    assert_eq!(body(&asks(&spec, &known(Action::Transition), &[])), json!({"state": "closed"}));
}

#[test]
fn what_is_gone_is_left_or_begun_anew() {
    let spec = described(TRACKER);
    let mut job = known(Action::Comment);
    job.content.how.if_missing = IfMissing::Skip;
    assert!(line(&ends(&spec, &job, &[said(404, "")])).starts_with("skipped: skipped: 17 is gone"));
    job.content.how.if_missing = IfMissing::Begin;
    assert_eq!(asks(&spec, &job, &[said(410, "")]).request.uri().path(), "/api/issues");
    let anew = ends(&spec, &job, &[said(410, ""), said(201, r#"{"number": 18}"#)]);
    assert_eq!(line(&anew), "delivered 18, begins anew");
    job.unsure = true;
    assert!(asks(&spec, &job, &[said(410, "")]).what.ends_with("(look for what an earlier attempt made)"));
    let found = ends(&spec, &job, &[said(410, ""), said(200, r#"{"items": [{"number": 19}]}"#)]);
    assert_eq!(line(&found), "delivered 19, begins anew: made by an earlier attempt whose answer was lost");
    let mut none = with(Action::Comment, thin());
    none.content.how.if_missing = IfMissing::Skip;
    assert!(line(&ends(&spec, &none, &[])).starts_with("skipped: skipped: there is nothing yet"));
}

#[test]
fn a_ticket_that_the_sender_has_linked_is_taken_over() {
    let by_key = TRACKER.replace("thread.node", "thread.key");
    let ticket_url = "ticket_url: https://tracker.example/t/{{thread.key}}";
    let spec = described(&format!("{by_key}\n{ticket_url}"));
    let linked = |action, ticket: &str| {
        let mut job = with(action, thin());
        job.content.how.linked = Some(ticket.to_owned());
        job
    };
    let taken = ends(&spec, &linked(Action::Create, "https://tracker.example/t/99"), &[]);
    assert_eq!(line(&taken), "delivered 99: the sender has linked this one already, so none was created");
    let comment = asks(&spec, &linked(Action::Comment, "https://tracker.example/t/99"), &[]);
    assert_eq!(comment.request.uri().path(), "/api/issues/99/comments");
    let foreign = asks(&spec, &linked(Action::Create, "https://other.example/t/99"), &[]);
    assert_eq!(foreign.what, "POST /issues (create)");
    // The transition needs what only the answer to the create would have told.
    let unknown = asks(
        &described(&format!("{TRACKER}\n{ticket_url}")),
        &linked(Action::Create, "https://tracker.example/t/99"),
        &[],
    );
    assert_eq!(unknown.what, "POST /issues (create)");
    let made = ends(&spec, &with(Action::Create, thin()), &[said(201, r#"{"number": 5, "node_id": "N5"}"#)]);
    let Outcome::Delivered(receipt) = made else { panic!("{made:?}") };
    assert_eq!(receipt.link.as_deref(), Some("https://tracker.example/t/5"));
}

#[test]
fn an_action_that_is_described_no_more_is_told() {
    let spec = described("url: https://x.example\nrequest: { send: POST }");
    let told = line(&ends(&spec, &known(Action::Comment), &[]));
    assert_eq!(told, "dead: the destination does not describe 'comment' (any more): add it, or drop this delivery");
}

#[test]
fn a_value_cannot_change_the_address_or_the_headers() {
    let spec = described(
        "url: \"https://x.example/base/?key=1\"
headers: { X-Title: \"{{title}}\", X-Team: \"{{payload.team}}\" }
request: { send: \"POST /teams/{{payload.team}}/x?q={{title}}\", form: { title: \"{{title}}\", tags: \"{{tags}}\" } }",
    );
    let job = |team: &str, title: &str| {
        let mut job = with(Action::Request, Message { title: title.to_owned(), ..Message::default() });
        job.content.facts = json!({"payload": {"team": team}, "tags": ["a", "b&c"]}).as_object().unwrap().clone();
        job
    };
    let ask = asks(&spec, &job("Red/../Blue?", "a&b=ü"), &[]);
    let expected = "https://x.example/base/teams/Red%2F..%2FBlue%3F/x?key=1&q=a%26b%3D%C3%BC";
    assert_eq!(ask.request.uri().to_string(), expected);
    assert_eq!(ask.request.headers()["x-title"].as_bytes(), "a&b=ü".as_bytes());
    assert_eq!(ask.request.body(), "title=a%26b%3D%C3%BC&tags=a&tags=b%26c");
    for team in ["..", ".", ""] {
        let told = line(&ends(&spec, &job(team, "x"), &[]));
        assert!(
            told.starts_with("dead: the request of 'request' cannot be made: a value that its path needs"),
            "{told}"
        );
    }
    let told = line(&ends(&spec, &job("a\r\nX-Evil: 1", "x"), &[]));
    assert!(told.ends_with("the header 'x-team' would hold a line break or control character"), "{told}");
}

#[test]
fn what_is_shown_of_a_destination_has_no_secrets() {
    let spec = described("url: https://x.example/hush\nrequest: { send: POST, json: { key: hush } }");
    assert_eq!(format!("{:?}", spec.adapter), "Rest { host: \"x.example\", actions: [Request], .. }");
}

#[test]
fn mentions_come_from_the_rule_alone() {
    let mention = |name: &str| Mention { name: name.to_owned(), ..Mention::default() };
    let mentions = vec![mention("qa-lead"), mention("a b @here")];
    let message = Message { title: "@here".to_owned(), mentions, ..Message::default() };
    let of = |json: &str| {
        let spec =
            described(&format!("url: https://x.example\nrequest: {{ send: POST, json: {{ text: \"{json}\" }} }}"));
        body(&asks(&spec, &with(Action::Request, message.clone()), &[]))["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(of("{{body}}"), "@qa-lead @\u{2060}a b @\u{2060}here");
    assert_eq!(of("{{mentions}}: {{body}}"), "@qa-lead @\u{2060}a b @\u{2060}here: @\u{2060}here");
}

#[test]
fn a_signature_is_of_the_attempt_and_its_id_of_the_delivery() {
    let spec = described(
        "url: https://x.example
sign: { scheme: standard-webhooks, secret: [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\", \"c2Vjb25kIHNlY3JldA==\"] }
request: { send: POST, json: { title: \"{{title}}\" } }",
    );
    let first = with(Action::Request, thin());
    let again = Job { attempt: 2, began: NOW.plus(std::time::Duration::from_secs(400)), ..first.clone() };
    let [first, again] = [first, again].map(|job| asks(&spec, &job, &[]).request);
    let header =
        |request: &http::Request<bytes::Bytes>, name: &str| request.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header(&first, "webhook-id"), header(&again, "webhook-id"));
    assert_eq!(header(&first, "webhook-timestamp"), (NOW.as_ms() / 1000).to_string());
    assert_eq!(header(&again, "webhook-timestamp"), (NOW.as_ms() / 1000 + 400).to_string());
    let signatures = header(&again, "webhook-signature");
    assert_eq!(signatures.split(' ').filter(|one| one.starts_with("v1,")).count(), 2, "{signatures}");
    assert_ne!(signatures, header(&first, "webhook-signature"));
}

#[test]
fn check_points_out_what_could_not_be_sent() {
    let rules = "rules:
  - name: ended
    when: { event: run.completed }
    send: [{ to: x }]
";
    let described = "url: https://x.example
request: { send: \"POST /teams/{{environment}}\", json: { failed: \"{{number title}}\" } }";
    let found = rehearse(&snapshot(described, rules));
    let told: Vec<String> = found.0.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let start =
        "rules/a.yaml:2:3: warning: the request of 'request' cannot be made: a value that its path needs is missing";
    assert!(told[0].starts_with(start), "{told:?}");
    assert!(
        rehearse(&snapshot(
            TRACKER,
            "rules:\n  - name: a\n    when: { event: defect.created }\n    send: [{ to: x }]\n"
        ))
        .is_empty()
    );
}

#[test]
fn the_shipped_design_is_read() {
    // The example of the first description of this kind, word for word.
    let spec = described(
        "url: https://api.github.com/repos/acme/pay
headers: { Authorization: \"Bearer ${GITHUB_TOKEN}\" }
create:  { send: POST /issues, json: { title: \"{{title}}\", body: \"{{body}}\" }, remember: { key: /number, url: /html_url } }
comment: { send: \"POST /issues/{{thread.key}}/comments\", json: { body: \"{{body}}\" } }
transition: { send: \"PATCH /issues/{{thread.key}}\", json: { state: \"{{status}}\" } }",
    );
    assert_eq!(spec.adapter.actions(), [Action::Create, Action::Comment, Action::Transition]);
    let ask = asks(&spec, &with(Action::Create, rich()), &[]);
    assert_eq!(ask.request.uri().to_string(), "https://api.github.com/repos/acme/pay/issues");
    assert_eq!(ask.what, "POST /issues (create)");
    insta::assert_snapshot!("rest_rich_markdown", body(&ask)["body"].as_str().unwrap());
}

/// Texts that try to be markup.
fn sly() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z ]{0,6}",
        "\\PC{0,3}",
        prop::sample::select(vec![
            " @here",
            "[x](https://evil.example)",
            "<b>",
            "**",
            "__",
            "`",
            "```\n",
            "\n",
            "# ",
            "- ",
            "1. ",
            "> ",
            "![",
            "](",
            "]: ",
            "<https://evil.example>",
            "\\",
            "&lt;",
            "~~",
            "|",
            "---\n",
            "\n/close",
            "\"",
            "{{body}}",
            "\u{10FFFE}",
            "\r\n",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

/// The text of blocks in which there is nothing but text.
fn only_text(blocks: &[Block]) -> Result<String, String> {
    let mut text = Vec::new();
    for block in blocks {
        let Block::Paragraph(inlines) = block else { return Err(format!("{block:?}")) };
        let mut paragraph = String::new();
        for inline in inlines {
            match inline {
                Inline::Text(text) => paragraph.push_str(text),
                Inline::Break => paragraph.push('\n'),
                other => return Err(format!("{other:?}")),
            }
        }
        text.push(paragraph);
    }
    Ok(text.join("\n"))
}

fn letters(text: &str) -> String {
    relaybell::domain::characters::clean(text)
        .filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\u{2060}')
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn text_within_markdown_stays_text(text in sly()) {
        let shown = only_text(&parse(&Flavor::Markdown.literal(&text)));
        prop_assert!(shown.is_ok(), "{text:?}: {shown:?}");
        // What no screen shows, or what reorders text, is left out everywhere.
        let visible = relaybell::domain::characters::shown(&text);
        prop_assert_eq!(letters(&shown.unwrap()), letters(&visible));
    }

    #[test]
    fn a_value_never_leaves_its_place(title in sly(), team in sly()) {
        let spec = described(
            "url: https://x.example
request: { send: \"POST /teams/{{payload.team}}/x\", json: { title: \"{{title}}\", both: \"{{title}} {{body}}\", deep: [{ team: \"{{payload.team}}\" }] } }",
        );
        let mut job = with(Action::Request, Message { title, ..Message::default() });
        job.content.facts = json!({"payload": {"team": team}}).as_object().unwrap().clone();
        match spec.adapter.step(&job, &[]) {
            Step::Ask(ask) => {
                let uri = ask.request.uri().to_string();
                prop_assert_eq!(uri.matches('/').count(), 5, "{}", uri);
                let body = body(&ask);
                let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
                prop_assert!(keys.iter().all(|key| ["title", "both", "deep"].contains(&key.as_str())));
                prop_assert!(body["deep"].as_array().unwrap().len() == 1);
                let text = body.to_string();
                prop_assert!(!text.contains("@here") && !text.contains('\u{10FFFE}'), "{}", text);
            }
            Step::Done(outcome) => prop_assert!(team.trim_matches(['.', '\u{10FFFE}']).is_empty(), "{outcome:?}"),
        }
    }
}
