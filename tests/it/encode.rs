//! What is sent to each vendor: within its limits, and never more than the message says.
#![cfg(test)]

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use relaybell::destination::jira::{Api, Jira};
use relaybell::destination::slack::Slack;
use relaybell::destination::teams::Teams;
use relaybell::domain::characters;
use relaybell::domain::message::{Block, Color, Field, Inline, Item, Mention, Message};
use relaybell::standin::{jira as jira_rules, slack as slack_rules, teams as teams_rules};
use serde_json::{Value, json};

use crate::acts::{Acts, acts, decoded};
use crate::hostile::{bodies, corpus, everywhere, own_links, refusal};
use crate::messages::{ask, body, hostile, huge, job, rich, slack_api, slack_webhook, teams, thin};

fn slack() -> Slack {
    slack_webhook("https://hooks.slack.example/services/T0/B0/secretsecret")
}

fn team() -> Teams {
    teams("https://env.example/workflows/1/triggers/manual/paths/invoke?api-version=1&sig=secretsecret")
}

fn jira(api: Api) -> Jira {
    crate::messages::jira(api, "https://acme.atlassian.net", "jira-token")
}

#[test]
fn each_vendors_body() {
    for (name, message) in [("rich", rich()), ("thin", thin()), ("hostile", hostile())] {
        insta::assert_json_snapshot!(format!("slack_{name}"), body(&slack(), &message));
        insta::assert_json_snapshot!(format!("teams_{name}"), body(&team(), &message));
        insta::assert_json_snapshot!(format!("jira3_{name}"), body(&jira(Api::V3), &message));
        let wiki = body(&jira(Api::V2), &message);
        insta::assert_snapshot!(format!("jira2_{name}"), wiki["fields"]["description"].as_str().unwrap());
    }
}

#[test]
fn a_huge_message_is_cut_visibly_with_the_link() {
    let message = huge();
    let bodies = [
        ("slack", body(&slack(), &message)),
        ("teams", body(&team(), &message)),
        ("jira3", body(&jira(Api::V3), &message)),
        ("jira2", body(&jira(Api::V2), &message)),
    ];
    for (name, body) in bodies {
        // Wiki markup escapes the parentheses.
        let sent = body.to_string().replace('\\', "");
        assert!(sent.contains("… (shortened; "), "{name} is not marked");
        assert!(sent.contains("fields and ") && sent.contains("mentions left out)"), "{name} does not count");
        assert!(sent.contains("https://app.qase.io/defect/PAY/17"), "{name} has no link");
        assert!(sent.contains("Paragraph 0."), "{name} has no body");
        // A good part of what fits is used, not a few words.
        assert!(sent.len() > 5_000, "{name} sends only {} bytes", sent.len());
    }
}

#[test]
fn the_worst_of_everything_still_fits() {
    for worst in ["&", "\"", "<", "\\", "🦀", "{", "e\u{301}", "a "] {
        let long = |units: usize| worst.repeat(units);
        let mention = |at: usize| Mention { name: format!("{at}{}", long(90)), ..Mention::default() };
        let message = Message {
            title: long(600),
            body: vec![
                Block::Paragraph(vec![Inline::Text(long(40_000))]),
                Block::Code { language: None, text: long(9_000) },
            ],
            fields: (0..40).map(|_| Field { name: long(90), value: long(3_000) }).collect(),
            link: Some(format!("https://ok.example/?a={}", worst.trim().repeat(600))),
            color: None,
            mentions: (0..40).map(mention).collect(),
            remark: Some(long(900)),
        };
        for (name, language, destination) in everywhere() {
            for body in bodies(destination.as_ref(), &message) {
                assert_eq!(refusal(language, &body), None, "{worst} at {name}");
            }
        }
    }
}

#[test]
fn credentials_and_addresses() {
    let api = slack_api("https://slack.com/api/", "xoxb-1", "#payments");
    let request = ask(&api, &job(thin()), &[]).request;
    assert_eq!(request.uri(), "https://slack.com/api/chat.postMessage");
    assert_eq!(request.headers()["authorization"], "Bearer xoxb-1");
    assert_eq!(request.headers()["content-type"], "application/json; charset=utf-8");
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(sent["channel"], "#payments");

    let request = ask(&jira(Api::V3), &job(thin()), &[]).request;
    assert_eq!(request.uri(), "https://acme.atlassian.net/rest/api/3/issue");
    assert_eq!(request.headers()["authorization"], "Bearer jira-token");
    let basic = Jira { email: Some("bot@acme.example".into()), ..jira(Api::V2) };
    let request = ask(&basic, &job(thin()), &[]).request;
    assert_eq!(request.uri(), "https://acme.atlassian.net/rest/api/2/issue");
    assert_eq!(request.headers()["authorization"], "Basic Ym90QGFjbWUuZXhhbXBsZTpqaXJhLXRva2Vu");
}

#[test]
fn an_address_that_is_none_closes_the_destination() {
    let broken = slack_webhook("not an address");
    let step = format!("{:?}", relaybell::destination::Destination::step(&broken, &job(thin()), &[]));
    assert!(step.contains("Closed") && step.contains("webhook_url"), "{step}");
}

#[test]
fn long_text_in_a_field_is_cut_to_what_jira_takes() {
    let texts = [
        "a".repeat(100_000),
        "word ".repeat(30_000),
        "{*_".repeat(20_000),
        "a\n\n".repeat(20_000),
        "💳".repeat(30_000),
    ];
    for text in texts {
        for api in [Api::V2, Api::V3] {
            let mut job = job(thin());
            job.content.fields = json!({"environment": text, "customfield_1": text}).as_object().unwrap().clone();
            let request = ask(&jira(api), &job, &[]).request;
            let sent: Value = serde_json::from_slice(request.body()).unwrap();
            let units =
                |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).encode_utf16().count();
            for field in ["environment", "customfield_1"] {
                let field = &sent["fields"][field];
                assert!(units(field) <= 32_767, "{api:?}: {} units", units(field));
                assert!(units(field) > 1_000, "{api:?}: hardly anything is left");
                assert!(field.to_string().contains('…'), "{api:?}: the cut is marked");
            }
        }
    }
}

#[test]
fn fields_of_a_rule_take_jiras_form() {
    let mut job = job(thin());
    let fields = json!({
        "priority": "Highest",
        "labels": ["qase", "two words", "", "qase"],
        "components": ["Web", "API"],
        "assignee": "712020:abc",
        "environment": "staging\n\neu",
        "summary": "line one\nline two",
        "customfield_10010": 5,
        "duedate": "",
        "parent": "PAY-3",
    });
    job.content.fields = fields.as_object().unwrap().clone();
    let request = ask(&jira(Api::V3), &job, &[]).request;
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(jira_rules::check::check(&sent, jira_rules::check::Version::V3), Ok(()));
    insta::assert_json_snapshot!("jira3_fields", sent);
}

#[test]
fn a_templates_own_body_is_sent_as_it_is() {
    let mut job = job(Message { mentions: rich().mentions, ..thin() });
    job.content.body = Some(json!({"blocks": [{"type": "divider"}]}));
    let sent: Value = serde_json::from_slice(ask(&slack(), &job, &[]).request.body()).unwrap();
    assert_eq!(sent["blocks"][0], json!({"type": "divider"}));
    assert_eq!(sent["blocks"][1]["text"]["text"], "<!subteam^S0QAONCALL> @Ben");
    assert_eq!(sent["text"], "<!subteam^S0QAONCALL> @Ben Run 12 passed");
    assert_eq!(slack_rules::check::check(&sent), Ok(()));

    job.content.body =
        Some(json!({"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "x"}]}));
    let sent: Value = serde_json::from_slice(ask(&team(), &job, &[]).request.body()).unwrap();
    assert_eq!(teams_rules::check::check_message(&sent), Ok(()));
    assert_eq!(teams_rules::check::check_cards(&sent), Ok(()));
    assert_eq!(
        sent["attachments"][0]["content"]["msteams"]["entities"][0]["mentioned"]["id"],
        "qa-oncall@acme.example"
    );

    job.content.body = Some(json!({"fields": {"summary": "own", "issuetype": {"name": "Task"}}}));
    let sent: Value = serde_json::from_slice(ask(&jira(Api::V3), &job, &[]).request.body()).unwrap();
    assert_eq!(sent["fields"]["summary"], "own");
    assert_eq!(sent["fields"]["issuetype"]["name"], "Task");
    assert_eq!(sent["fields"]["project"]["key"], "PAY");
    assert_eq!(sent["fields"]["labels"], json!([format!("relaybell-{}", job.key)]));
}

/// Text of all kinds, much of it markup of some vendor.
fn any_text() -> impl Strategy<Value = String> {
    let marks = [
        "{{", "}}", "**", "__", "~~", "`", "\n", "\n\n", "> ", "# ", "h1. ", "- ", "1. ", "||", "|", "\\", "\"", "&",
        "](", "\\[", "word", " ", "\t", "\u{0}", "🦀", "é", "漢字", "\r\n", "<", ">", "[", "]", "!", "@", "{", "}",
        "at>", "~", ":",
    ];
    let hostile = corpus().into_iter().map(|(_, text)| text).filter(|text| text.len() < 400);
    let snippets: Vec<String> = marks.map(str::to_owned).into_iter().chain(hostile).collect();
    let snippets = prop::sample::select(snippets);
    prop_oneof![
        4 => vec(snippets, 0..8).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
        1 => (1_usize..3_000, prop::sample::select(vec!["long ", "\"\\", "🦀", "*<&", "漢"]))
            .prop_map(|(times, part)| part.repeat(times)),
    ]
}

/// Whether a message leads anywhere and mentions anybody.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Links {
    Some,
    None,
}

fn any_inlines(links: Links) -> impl Strategy<Value = Vec<Inline>> {
    let leaf = prop_oneof![
        3 => any_text().prop_map(Inline::Text),
        1 => any_text().prop_map(Inline::Code),
        1 => Just(Inline::Break),
    ];
    let tree = leaf.prop_recursive(2, 8, 3, move |inner| {
        let many = vec(inner, 0..3).boxed();
        let plain = prop_oneof![
            many.clone().prop_map(Inline::Strong),
            many.clone().prop_map(Inline::Emph),
            many.clone().prop_map(Inline::Strike),
        ];
        let url = prop_oneof![any_text(), any_text().prop_map(|text| format!("https://ok.example/{text}"))];
        let link = (url, many).prop_map(|(url, text)| Inline::Link { url, text });
        match links {
            Links::Some => prop_oneof![plain, link].boxed(),
            Links::None => plain.boxed(),
        }
    });
    vec(tree, 0..4)
}

fn any_blocks(links: Links) -> impl Strategy<Value = Vec<Block>> {
    let leaf = prop_oneof![
        4 => any_inlines(links).prop_map(Block::Paragraph),
        1 => (0_u8..9, any_inlines(links)).prop_map(|(level, text)| Block::Heading { level, text }),
        1 => (option::of(any_text()), any_text()).prop_map(|(language, text)| Block::Code { language, text }),
        1 => Just(Block::Rule),
        1 => (vec(any_inlines(links), 0..3), vec(vec(any_inlines(links), 0..4), 0..3))
            .prop_map(|(head, rows)| Block::Table { head, rows }),
    ];
    let tree = leaf.prop_recursive(3, 12, 3, |inner| {
        let item =
            (option::of(any::<bool>()), vec(inner.clone(), 0..3)).prop_map(|(done, blocks)| Item { done, blocks });
        prop_oneof![
            (option::of(0_u64..20), vec(item, 0..4)).prop_map(|(start, items)| Block::List { start, items }),
            vec(inner, 0..3).prop_map(Block::Quote),
        ]
    });
    vec(tree, 0..6)
}

fn any_message(links: Links) -> impl Strategy<Value = Message> {
    let fields = vec((any_text(), any_text()).prop_map(|(name, value)| Field { name, value }), 0..14);
    let id = || option::of(prop_oneof![any_text(), "[A-Z0-9]{2,10}", Just("here".to_owned())]);
    let mention =
        (any_text(), id(), id(), id()).prop_map(|(name, slack, teams, jira)| Mention { name, slack, teams, jira });
    let color = option::of(prop::sample::select(Color::WORDS.map(|(_, color)| color).to_vec()));
    let link = option::of(any_text().prop_map(|text| format!("https://ok.example/{text}")));
    (any_text(), any_blocks(links), fields, link, color, vec(mention, 0..8), option::of(any_text())).prop_map(
        move |(title, body, fields, link, color, mentions, remark)| match links {
            Links::Some => Message { title, body, fields, link, color, mentions, remark },
            Links::None => Message { title, body, fields, link: None, color, mentions: Vec::new(), remark },
        },
    )
}

/// How many random messages are tried: `RELAYBELL_PROPTEST_CASES` for a long night.
fn cases() -> u32 {
    std::env::var("RELAYBELL_PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

/// The identities by which `message` may mention.
fn own_mentions(message: &Message) -> String {
    let ids = message.mentions.iter().flat_map(|mention| [&mention.slack, &mention.teams, &mention.jira]);
    ids.flatten().map(|id| characters::shown(id).to_lowercase()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn any_message_is_taken_and_does_only_what_it_says(message in any_message(Links::Some)) {
        let links = own_links(&message);
        let mentions = own_mentions(&message);
        for (name, language, destination) in everywhere() {
            for body in bodies(destination.as_ref(), &message) {
                prop_assert_eq!(refusal(language, &body), None, "at {}", name);
                let done = acts(language, &body);
                prop_assert!(done.others.is_empty(), "at {}: {:?}", name, done.others);
                let strange: Vec<_> = done.links.iter().filter(|link| !leads_to(&links, link)).collect();
                prop_assert!(strange.is_empty(), "at {}: {:?} not in {:?}", name, strange, links);
                for mention in &done.mentions {
                    let id = mention.trim_start_matches(['@', '!']).trim_start_matches("subteam^").trim_start_matches("entity ");
                    let known = mention.starts_with("<at>") || mentions.contains(&id.to_lowercase());
                    prop_assert!(known, "at {}: {} not in {}", name, mention, mentions);
                }
            }
        }
    }

    #[test]
    fn text_never_becomes_a_mention_or_a_link(message in any_message(Links::None)) {
        for (name, language, destination) in everywhere() {
            for body in bodies(destination.as_ref(), &message) {
                let done = acts(language, &body);
                prop_assert_eq!(done, Acts::default(), "at {}", name);
            }
        }
    }

    #[test]
    fn what_is_cut_is_marked_and_the_link_survives(
        message in any_message(Links::None), text in "[a-z]{3,9}", times in 1_usize..6_000,
    ) {
        let link = "https://app.qase.io/defect/PAY/17";
        let mut message = Message { link: Some(link.into()), ..message };
        message.body.push(Block::Paragraph(vec![Inline::Text(format!("{text} ").repeat(times) + "the-very-end")]));
        for (name, language, destination) in everywhere() {
            let body = bodies(destination.as_ref(), &message).remove(0);
            prop_assert!(acts(language, &body).links.contains(link), "no link at {}", name);
            let sent = body.to_string().replace('\\', "");
            prop_assert!(sent.contains("the-very-end") || sent.contains("… (shortened"), "cut without a mark at {}", name);
        }
    }
}

/// Whether `link` is one of `links`, give or take the spelling of an address.
fn leads_to(links: &BTreeSet<String>, link: &str) -> bool {
    let spelling = |link: &str| {
        let link = url::Url::parse(link.trim()).map_or_else(|_| link.to_owned(), String::from);
        decoded(&decoded(&link)).split_whitespace().collect::<String>()
    };
    links.iter().any(|own| spelling(own) == spelling(link))
}
