//! The stand-ins take what the vendors take, in templates' own bodies too, and lag as they do.
#![cfg(test)]

use std::time::Duration;

use relaybell::destination::jira::Api;
use relaybell::destination::{Answer, Destination, Reply, Step};
use relaybell::domain::delivery::{Job, Outcome};
use relaybell::standin::jira::check::{Version, check as jira_check};
use relaybell::standin::slack::check::check as slack_check;
use relaybell::standin::teams::check::check_cards as teams_check;
use relaybell::standin::{Fault, Standin, TOKEN, Vendor};
use serde_json::{Value, json};

use crate::messages::{NOW, jira, job, rich};

#[test]
fn slack_takes_every_block_of_a_templates_own_body_within_its_limits() {
    let long = |count: usize| "x".repeat(count);
    let image = |url: &str, alt: &str| json!({"type": "image", "image_url": url, "alt_text": alt});
    let markdown = |text: &str| json!({"type": "markdown", "text": text});
    let section =
        |accessory: Value| json!({"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "accessory": accessory});
    let button = |value: &str, style: &str| json!({"type": "button", "text": {"type": "plain_text", "text": "x"}, "url": "https://ok.example", "value": value, "style": style});
    let date = |timestamp: Value, format: &str| {
        json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
            {"type": "date", "timestamp": timestamp, "format": format, "fallback": "then"},
        ]}]})
    };
    let divider = |id: &str| json!({"type": "divider", "block_id": id});
    let cases = [
        (vec![image("https://ok.example/x.png", "a chart")], ""),
        (vec![image("https://ok.example/x.png", "")], "/blocks/0/alt_text"),
        (vec![image("javascript:x", "a chart")], "/blocks/0/image_url"),
        (vec![image("https://ok.example/x.png", &long(2_001))], "/blocks/0/alt_text"),
        (vec![markdown("# any **Markdown**")], ""),
        (vec![markdown(&long(9_000)), markdown(&long(3_001))], "less than 12001"),
        (vec![section(image("https://ok.example/x.png", "a chart"))], ""),
        (vec![section(button("v", "danger"))], ""),
        (vec![section(button(&long(2_001), "danger"))], "/blocks/0/accessory/value"),
        (vec![section(button("v", "loud"))], "/blocks/0/accessory/style"),
        (vec![section(json!({"type": "overflow"}))], "/blocks/0/accessory"),
        (vec![date(json!(1_789_388_400), "{date} at {time}")], ""),
        (vec![date(json!("1789388400"), "{date} at {time}")], "must provide an integer"),
        (vec![date(json!(1_789_388_400), "then")], "must have a token of a date"),
        (vec![divider("a"), divider("b")], ""),
        (vec![divider("a"), divider("a")], "/blocks/1/block_id"),
        (vec![divider(&long(256))], "/blocks/0/block_id"),
    ];
    for (blocks, place) in cases {
        let body = json!({"blocks": blocks});
        match slack_check(&body) {
            Ok(()) => assert_eq!(place, "", "taken: {body}"),
            Err((name, problems)) => {
                let said = problems.join("; ");
                assert!(!place.is_empty() && name == "invalid_blocks" && said.contains(place), "{said}: {body}");
            }
        }
    }
}

#[test]
fn teams_takes_the_elements_and_actions_that_a_webhooks_card_may_have() {
    let open = json!({"type": "Action.OpenUrl", "title": "x", "url": "https://ok.example"});
    let text = json!({"type": "TextBlock", "text": "x", "id": "t", "isVisible": false});
    let inner = json!({"type": "AdaptiveCard", "version": "1.5", "body": [text]});
    let act = |action: Value| json!({"type": "ActionSet", "actions": [action]});
    let cases = [
        (json!({"type": "ColumnSet", "columns": [{"type": "Column", "width": "auto", "items": [text]}]}), ""),
        (json!({"type": "ColumnSet", "columns": []}), "/body/0/columns"),
        (json!({"type": "Image", "url": "https://ok.example/x.png", "altText": "a chart"}), ""),
        (json!({"type": "Image", "url": "data:x"}), "/body/0/url"),
        (act(open), ""),
        (act(json!({"type": "Action.ToggleVisibility", "title": "more", "targetElements": ["t"]})), ""),
        (act(json!({"type": "Action.ShowCard", "title": "more", "card": inner})), ""),
        (act(json!({"type": "Action.ShowCard", "title": "more", "card": {"type": "Card"}})), "/card"),
        (act(json!({"type": "Action.Submit", "title": "x"})), "does nothing"),
        (json!({"type": "Media", "sources": []}), "unknown element"),
    ];
    for (element, place) in cases {
        let card = json!({"type": "AdaptiveCard", "version": "1.5", "body": [element]});
        let kind = "application/vnd.microsoft.card.adaptive";
        let said = teams_check(&json!({"type": "message", "attachments": [{"contentType": kind, "content": card}]}));
        let said = said.err().unwrap_or_default().join("; ");
        assert!(said.is_empty() == place.is_empty() && said.contains(place), "{said}: {element}");
    }
}

#[test]
fn jira_takes_the_nodes_that_an_own_document_may_have() {
    let text = json!({"type": "text", "text": "x"});
    let paragraph = |content: Value| json!({"type": "paragraph", "content": [content]});
    let task = |state: &str| json!({"type": "taskItem", "attrs": {"localId": "1", "state": state}, "content": [text]});
    let tasks = |content: Vec<Value>| json!({"type": "taskList", "attrs": {"localId": "0"}, "content": content});
    let cases = [
        (json!({"type": "expand", "attrs": {"title": "more"}, "content": [paragraph(text.clone())]}), ""),
        (json!({"type": "blockCard", "attrs": {"url": "https://ok.example"}}), ""),
        (json!({"type": "blockCard", "attrs": {"url": "javascript:x"}}), "invalid URL"),
        (paragraph(json!({"type": "status", "attrs": {"text": "DONE", "color": "green"}})), ""),
        (paragraph(json!({"type": "status", "attrs": {"text": ""}})), "at least 1 character"),
        (paragraph(json!({"type": "date", "attrs": {"timestamp": "1789388400000"}})), ""),
        (paragraph(json!({"type": "date", "attrs": {"timestamp": 1_789_388_400_000_i64}})), "milliseconds, as text"),
        (paragraph(json!({"type": "rule"})), "must not stand in"),
        (tasks(vec![task("DONE"), tasks(vec![task("TODO")])]), ""),
        (tasks(vec![task("maybe")]), "TODO or DONE"),
        (tasks(vec![tasks(vec![task("DONE")])]), "must begin with a taskItem"),
        (tasks(Vec::new()), "must not be empty"),
        (json!({"type": "mediaSingle", "content": []}), "unknown node"),
    ];
    for (node, problem) in cases {
        let document = json!({"type": "doc", "version": 1, "content": [node]});
        let fields =
            json!({"project": {"key": "PAY"}, "issuetype": {"name": "Bug"}, "summary": "s", "description": document});
        let said = jira_check(&json!({"fields": fields}), Version::V3).err().map(|why| why.answer().to_string());
        let said = said.unwrap_or_default();
        assert!(said.is_empty() == problem.is_empty() && said.contains(problem), "{said}: {node}");
    }
}

async fn exchange(client: &relaybell::ports::http::HttpExchange, request: http::Request<bytes::Bytes>) -> Answer {
    use relaybell::ports::{Exchange, Route};
    let route = Route { timeout: Duration::from_secs(10), proxy: None, answer_bytes_max: 1 << 16 };
    match client.exchange(request, &route).await {
        Ok(answer) => {
            let (head, body) = answer.into_parts();
            Answer::Replied(Reply { status: head.status.as_u16(), headers: head.headers, body, at: NOW })
        }
        Err(lost) => Answer::Lost(lost),
    }
}

async fn converse(destination: &dyn Destination, job: &Job) -> Outcome {
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    let mut answers = Vec::new();
    loop {
        match destination.step(job, &answers) {
            Step::Ask(ask) => answers.push(exchange(&client, ask.request).await),
            Step::Done(outcome) => return outcome,
        }
    }
}

#[tokio::test]
async fn jiras_search_lags_and_no_issue_is_made_twice_for_it() {
    for api in [Api::V3, Api::V2] {
        let standin = Standin::start(Vendor::Jira).unwrap();
        let jira = jira(api, &standin.api_url().unwrap(), TOKEN);
        standin.search_lags(Duration::from_secs(3600));
        standin.script(vec![Fault::ResetAfterRequest]);
        assert!(matches!(converse(&jira, &job(rich())).await, Outcome::Unclear { .. }));
        assert_eq!(standin.received().len(), 1);
        let again = Job { unsure: true, attempt: 2, ..job(rich()) };
        let outcome = converse(&jira, &again).await;
        assert!(matches!(outcome, Outcome::NotFound { .. }), "{outcome:?}");
        standin.search_lags(Duration::ZERO);
        let Outcome::Delivered(receipt) = converse(&jira, &again).await else { panic!("{:?}", standin.refused()) };
        assert_eq!((receipt.key.as_deref(), standin.received().len()), (Some("PAY-1"), 1));
    }
}

#[tokio::test]
async fn jira_cloud_tells_the_ids_alone_unless_asked_for_fields() {
    let standin = Standin::start(Vendor::Jira).unwrap();
    let jira = jira(Api::V3, &standin.api_url().unwrap(), TOKEN);
    assert!(matches!(converse(&jira, &job(rich())).await, Outcome::Delivered(_)));
    let label = standin.received()[0].body["fields"]["labels"][0].as_str().unwrap().to_owned();
    let client = relaybell::ports::http::HttpExchange::new().unwrap();
    for (fields, key) in [(json!({}), Value::Null), (json!({"fields": ["key", "labels"]}), json!("PAY-1"))] {
        let mut search = json!({"jql": format!("labels = \"{label}\"")});
        search.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let request = http::Request::post(format!("{}/rest/api/3/search/jql", standin.api_url().unwrap()))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json")
            .body(search.to_string().into())
            .unwrap();
        let Answer::Replied(reply) = exchange(&client, request).await else { panic!("no answer") };
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((&answer["issues"][0]["id"], &answer["issues"][0]["key"]), (&json!("10000"), &key), "{answer}");
    }
}
