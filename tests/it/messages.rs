//! Messages and destinations that several areas test with.
#![cfg(test)]

use bytes::Bytes;
use relaybell::destination::jira::{Api, Jira};
use relaybell::destination::slack::Slack;
use relaybell::destination::teams::Teams;
use relaybell::destination::{Answer, Ask, Destination, Reply, Step};
use relaybell::domain::delivery::{Action, Job};
use relaybell::domain::how::How;
use relaybell::domain::ids::{DeliveryId, EventId, delivery_key};
use relaybell::domain::message::{Block, CONTENT_VERSION, Color, Content, Field, Inline, Item, Mention, Message};
use relaybell::domain::time::Timestamp;
use serde_json::{Map, Value};

/// 2026-09-14T12:20:00Z.
pub const NOW: Timestamp = Timestamp::from_seconds(1_789_388_400);

pub fn slack_webhook(url: &str) -> Slack {
    Slack::Webhook { url: url.to_owned().into() }
}

pub fn slack_api(base: &str, token: &str, channel: &str) -> Slack {
    Slack::Api { url: base.parse().unwrap(), token: token.to_owned().into(), channel: channel.to_owned() }
}

pub fn teams(url: &str) -> Teams {
    Teams { url: url.to_owned().into() }
}

pub fn jira(api: Api, base: &str, token: &str) -> Jira {
    Jira {
        url: base.parse().unwrap(),
        api,
        email: None,
        token: token.to_owned().into(),
        project: "PAY".into(),
        issue_type: "Bug".into(),
    }
}

pub fn job(message: Message) -> Job {
    let event = EventId::new(NOW, [7; 10]);
    let key = delivery_key(event, "blocker-defect", "post", "qa-blockers");
    Job {
        id: DeliveryId::new(NOW, &key),
        event,
        rule: "blocker-defect".into(),
        destination: "qa-blockers".into(),
        conversation: "qase/PAY/defect/17".into(),
        action: Action::Post,
        key,
        content: Content {
            v: CONTENT_VERSION,
            message,
            fields: Map::new(),
            how: How::default(),
            body: None,
            facts: Map::new(),
        },
        accepted: NOW,
        expires: None,
        began: NOW,
        attempt: 1,
        failures: 0,
        unsure: false,
        looks: 0,
        thread: None,
    }
}

/// The ask of a step that asks.
pub fn ask(destination: &dyn Destination, job: &Job, answers: &[Answer]) -> Ask {
    match destination.step(job, answers) {
        Step::Ask(ask) => ask,
        Step::Done(outcome) => panic!("no ask but {outcome:?}"),
    }
}

/// The body of the first request for `message`.
pub fn body(destination: &dyn Destination, message: &Message) -> Value {
    let request = ask(destination, &job(message.clone()), &[]).request;
    serde_json::from_slice(request.body()).unwrap()
}

pub fn reply(status: u16, body: &str) -> Reply {
    Reply { status, headers: http::HeaderMap::new(), body: Bytes::from(body.to_owned()), at: NOW }
}

fn text(text: &str) -> Inline {
    Inline::Text(text.to_owned())
}

fn field(name: &str, value: &str) -> Field {
    Field { name: name.to_owned(), value: value.to_owned() }
}

fn item(inlines: Vec<Inline>) -> Item {
    Item { done: None, blocks: vec![Block::Paragraph(inlines)] }
}

/// What a good template makes of a blocker.
pub fn rich() -> Message {
    let link = |url: &str, shown: &str| Inline::Link { url: url.to_owned(), text: vec![text(shown)] };
    let steps = vec![
        item(vec![text("Put a voucher into the basket")]),
        Item {
            done: None,
            blocks: vec![
                Block::Paragraph(vec![text("Pay by "), Inline::Strong(vec![text("card")])]),
                Block::List { start: None, items: vec![item(vec![text("Visa")]), item(vec![text("Mastercard")])] },
            ],
        },
        item(vec![text("See "), Inline::Code("HTTP 500".into())]),
    ];
    Message {
        title: "🔴 PAY: Checkout fails with a voucher".into(),
        body: vec![
            Block::Paragraph(vec![
                text("The checkout answers with an error. See the "),
                link("https://grafana.example.com/d/pay?from=now-1h&to=now", "dashboard"),
                text("."),
            ]),
            Block::Heading { level: 2, text: vec![text("Steps")] },
            Block::List { start: Some(1), items: steps },
            Block::Code { language: Some("json".into()), text: "{\n  \"error\": \"voucher\"\n}".into() },
            Block::Quote(vec![Block::Paragraph(vec![text("It worked on Friday."), Inline::Break, text("– Anna")])]),
            Block::Rule,
            Block::Table {
                head: vec![vec![text("Browser")], vec![text("Result")]],
                rows: vec![
                    vec![vec![text("Firefox")], vec![Inline::Strong(vec![text("fails")])]],
                    vec![vec![text("Safari")], vec![text("passes")]],
                ],
            },
            Block::List {
                start: None,
                items: vec![
                    Item { done: Some(true), ..item(vec![text("Reproduced")]) },
                    Item { done: Some(false), ..item(vec![text("Cause found")]) },
                ],
            },
        ],
        fields: vec![
            field("Severity", "blocker"),
            field("Reported by", "Anna Kowalska"),
            field("Environment", "staging\neu-1"),
        ],
        link: Some("https://app.qase.io/defect/PAY/17".into()),
        color: Some(Color::Danger),
        mentions: vec![
            Mention {
                name: "QA on call".into(),
                slack: Some("S0QAONCALL".into()),
                teams: Some("qa-oncall@acme.example".into()),
                jira: Some("712020:abc-def".into()),
            },
            Mention { name: "Ben".into(), ..Mention::default() },
        ],
        remark: Some("The template 'defect' failed on this event, so this is Relaybell's built-in message.".into()),
    }
}

/// The least a message can be.
pub fn thin() -> Message {
    Message { title: "Run 12 passed".into(), ..Message::default() }
}

/// Everything an attacker would put into a defect.
pub fn hostile() -> Message {
    let evil = "<!channel> <@U123> <https://evil.example|click> [click](https://evil.example) <at>all</at> \
                [~admin] *b* _i_ ~s~ `c` {code} !http://evil.example/x.png! {{DATE(2020-01-01T00:00:00Z)}} \
                :tada: &lt;b&gt; \"quoted\" C:\\temp || cell |\n> quote\n# head\nh1. head\n- item\n\u{0}\u{1b}[31m";
    Message {
        title: evil.into(),
        body: vec![
            Block::Paragraph(vec![text(evil)]),
            Block::Code { language: Some("x}{color:red".into()), text: "{noformat}[~admin]{code}".into() },
            Block::List { start: None, items: vec![item(vec![text(evil)])] },
            Block::Paragraph(vec![Inline::Link {
                url: "https://ok.example/a|b>](https://evil.example)".into(),
                text: vec![text("a|b]")],
            }]),
            Block::Paragraph(vec![Inline::Link { url: "javascript:alert(1)".into(), text: vec![text("js")] }]),
        ],
        fields: vec![field(evil, evil)],
        link: Some("https://ok.example/x|y><!channel>".into()),
        color: None,
        mentions: vec![Mention {
            name: "<at>x</at> *all*".into(),
            slack: Some("U1> <!channel".into()),
            teams: Some("x@acme.example".into()),
            jira: Some("x] [~admin".into()),
        }],
        remark: Some(evil.into()),
    }
}

/// Far more than any vendor takes.
pub fn huge() -> Message {
    let paragraph =
        |at: usize| Block::Paragraph(vec![text(&format!("Paragraph {at}. {}", "lorem \"ipsum\" dolor ".repeat(40)))]);
    Message {
        title: "A very long title about a very long defect ".repeat(12),
        body: (0..200).map(paragraph).collect(),
        fields: (0..60).map(|at| field(&format!("Field {at}"), &"value ".repeat(600))).collect(),
        link: Some("https://app.qase.io/defect/PAY/17".into()),
        color: Some(Color::Warning),
        mentions: (0..60).map(|at| Mention { name: format!("Person {at}"), ..Mention::default() }).collect(),
        remark: None,
    }
}
