//! The stand-ins: good bodies are accepted, each broken thing is refused by the vendor's name for it.
#![cfg(test)]

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use relaybell::destination::jira::Api;
use relaybell::destination::{Answer, Destination, Reply, Step};
use relaybell::domain::delivery::{Job, Lost, Outcome};
use relaybell::domain::message::Message;
use relaybell::standin::{EMAIL, Fault, Standin, TOKEN, Vendor};
use serde_json::{Value, json};

use crate::messages::{NOW, ask, hostile, huge, jira, job, rich, slack_api, slack_webhook, teams, thin};

/// One exchange over a connection of its own.
async fn exchange(request: http::Request<Bytes>) -> Answer {
    let unknown = |error: &dyn std::fmt::Display| Answer::Lost(Lost::Unknown(error.to_string()));
    let authority = request.uri().authority().unwrap().to_string();
    let stream = match tokio::net::TcpStream::connect(&authority).await {
        Ok(stream) => stream,
        Err(error) => return Answer::Lost(Lost::NotSent(error.to_string())),
    };
    let (mut sender, connection) = match hyper::client::conn::http1::handshake(TokioIo::new(stream)).await {
        Ok(pair) => pair,
        Err(error) => return unknown(&error),
    };
    let mut request = request.map(Full::new);
    request.headers_mut().insert("host", authority.parse().unwrap());
    let path = request.uri().path_and_query().unwrap().as_str().parse().unwrap();
    *request.uri_mut() = path;
    let work = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok::<_, hyper::Error>(Reply { status: head.status.as_u16(), headers: head.headers, body, at: NOW })
    };
    let (answer, _connection) = tokio::join!(work, connection);
    match answer {
        Ok(reply) => Answer::Replied(reply),
        Err(error) => unknown(&error),
    }
}

/// The whole conversation about `job`.
async fn converse(destination: &dyn Destination, job: &Job) -> Outcome {
    let mut answers = Vec::new();
    loop {
        match destination.step(job, &answers) {
            Step::Ask(ask) => answers.push(exchange(ask.request).await),
            Step::Done(outcome) => return outcome,
        }
    }
}

async fn send(destination: &dyn Destination, message: Message) -> Outcome {
    converse(destination, &job(message)).await
}

/// The status and body of the answer to our request with another body.
async fn send_body(destination: &dyn Destination, body: &Value) -> (u16, String) {
    let request = ask(destination, &job(thin()), &[]).request;
    let bytes = Bytes::from(body.to_string());
    answered(exchange(request.map(|_| bytes)).await)
}

fn answered(answer: Answer) -> (u16, String) {
    match answer {
        Answer::Replied(reply) => (reply.status, String::from_utf8(reply.body.to_vec()).unwrap()),
        Answer::Lost(lost) => panic!("{lost}"),
    }
}

fn pictures(standin: &Standin) -> String {
    standin.received().iter().map(|one| one.as_text.clone()).collect::<Vec<_>>().join("\n\n")
}

#[tokio::test]
async fn slack_takes_what_we_send() {
    let standin = Standin::start(Vendor::Slack).unwrap();
    let webhook = slack_webhook(&standin.webhook_url().unwrap());
    let api = slack_api(&standin.api_url().unwrap(), TOKEN, "#payments");
    let mut news = standin.subscribe();
    for message in [rich(), thin(), hostile()] {
        assert!(matches!(send(&webhook, message).await, Outcome::Delivered(_)));
    }
    let Outcome::Delivered(receipt) = send(&api, rich()).await else { panic!("{:?}", standin.refused()) };
    assert!(receipt.key.is_some() && receipt.channel.is_some_and(|channel| channel.starts_with('C')));
    assert_eq!(receipt.note, None, "{:?}", standin.refused());
    assert!(standin.refused().is_empty(), "{:?}", standin.refused());
    let orders: Vec<usize> = standin.received().iter().map(|one| one.at_order).collect();
    assert_eq!(orders, [0, 1, 2, 0], "by webhook, and by the API");
    assert_eq!(news.recv().await.unwrap().kind, "incoming webhook");
    insta::assert_snapshot!("slack_pictures", pictures(&standin));
    assert!(matches!(send(&webhook, huge()).await, Outcome::Delivered(_)));
    assert!(standin.refused().is_empty(), "{:?}", standin.refused());
}

#[tokio::test]
async fn teams_takes_what_we_send() {
    let standin = Standin::start(Vendor::Teams).unwrap();
    let teams = teams(&standin.webhook_url().unwrap());
    for message in [rich(), thin(), hostile()] {
        assert!(matches!(send(&teams, message).await, Outcome::Delivered(_)));
    }
    insta::assert_snapshot!("teams_pictures", pictures(&standin));
    assert!(matches!(send(&teams, huge()).await, Outcome::Delivered(_)));
    assert!(standin.refused().is_empty(), "{:?}", standin.refused());
    assert_eq!(standin.received().len(), 4);
}

#[tokio::test]
async fn jira_takes_what_we_send() {
    for (api, name) in [(Api::V3, "jira3_pictures"), (Api::V2, "jira2_pictures")] {
        let standin = Standin::start(Vendor::Jira).unwrap();
        let jira = jira(api, &standin.api_url().unwrap(), TOKEN);
        for message in [rich(), thin(), hostile()] {
            assert!(matches!(send(&jira, message).await, Outcome::Delivered(_)), "{:?}", standin.refused());
        }
        insta::assert_snapshot!(name, pictures(&standin));
        assert!(matches!(send(&jira, huge()).await, Outcome::Delivered(_)));
        assert!(standin.refused().is_empty(), "{:?}", standin.refused());
    }
}

#[tokio::test]
async fn slack_refuses_by_name() {
    let standin = Standin::start(Vendor::Slack).unwrap();
    let webhook = slack_webhook(&standin.webhook_url().unwrap());
    let api = |token: &str, channel: &str| slack_api(&standin.api_url().unwrap(), token, channel);
    let long = |count: usize| "x".repeat(count);
    let section = |text: &str| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
    let cases = [
        (json!([]), "invalid_payload"),
        (json!({}), "no_text"),
        (json!({"text": "x", "colour": "red"}), "invalid_arg_name"),
        (json!({"text": "x", "channel": "#other"}), "invalid_payload"),
        (json!({"text": long(4_001)}), "msg_too_long"),
        (json!({"text": "x", "blocks": {}}), "invalid_blocks_format"),
        (json!({"blocks": [{"type": "fancy"}]}), "invalid_blocks"),
        (json!({"blocks": [section("")]}), "invalid_blocks"),
        (json!({"blocks": [section(&long(3_001))]}), "invalid_blocks"),
        (json!({"blocks": vec![json!({"type": "divider"}); 51]}), "invalid_blocks"),
        (json!({"blocks": [{"type": "divider", "color": "red"}]}), "invalid_blocks"),
        (json!({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}), "invalid_blocks"),
        (json!({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": long(151)}}]}), "invalid_blocks"),
        (
            json!({"blocks": [{"type": "section", "fields": vec![json!({"type": "mrkdwn", "text": "x"}); 11]}]}),
            "invalid_blocks",
        ),
        (
            json!({"blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": [{"type": "text", "text": "x"}]}]}]}),
            "invalid_blocks",
        ),
        (
            json!({"blocks": [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x"}, "url": "javascript:x"}]}]}),
            "invalid_blocks",
        ),
        (json!({"blocks": vec![section(&long(2_500)); 4]}), "msg_blocks_too_long"),
        (json!({"attachments": [{"color": "danger", "blocks": [{"type": "divider"}]}]}), "invalid_attachments"),
        (
            json!({"attachments": [{"color": "#ff0000", "fallback": "x", "blocks": [{"type": "divider"}]}]}),
            "invalid_attachments",
        ),
        (json!({"attachments": vec![json!({"blocks": [{"type": "divider"}]}); 101]}), "too_many_attachments"),
    ];
    for (body, name) in cases {
        assert_eq!(send_body(&webhook, &body).await, (400, name.to_owned()), "{body}");
        if body.is_object() && name != "invalid_payload" {
            // The Web API tells the same with status 200.
            let mut body = body;
            body["channel"] = "#payments".into();
            let (status, answer) = send_body(&api(TOKEN, "#payments"), &body).await;
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!((status, &answer["ok"], &answer["error"]), (200, &json!(false), &json!(name)));
        }
    }
    let why = |outcome: Outcome| match outcome {
        Outcome::Closed { why } => why,
        other => panic!("{other:?}"),
    };
    assert!(why(send(&api("xoxb-wrong-token", "#payments"), thin()).await).contains("invalid_auth"));
    assert!(why(send(&api(TOKEN, "Payments"), thin()).await).contains("channel_not_found"));
    let gone = slack_webhook(&standin.webhook_url().unwrap().replace("standInWebhook", "another"));
    assert!(why(send(&gone, thin()).await).contains("no_service"));
    assert!(standin.received().is_empty());
}

#[tokio::test]
async fn slack_demands_its_pace_when_told_to() {
    let standin = Standin::start(Vendor::Slack).unwrap();
    standin.pace(Some(Duration::from_secs(3_600)));
    let webhook = slack_webhook(&standin.webhook_url().unwrap());
    assert!(matches!(send(&webhook, thin()).await, Outcome::Delivered(_)));
    let Outcome::Later { after: Some(after), .. } = send(&webhook, thin()).await else { panic!("not throttled") };
    assert!(after > Duration::from_secs(3_000) && after <= Duration::from_secs(3_600));
    assert_eq!(standin.refused(), ["rate_limited"]);
}

#[tokio::test]
async fn teams_refuses_at_the_door_or_silently_when_it_posts() {
    let standin = Standin::start(Vendor::Teams).unwrap();
    let url = standin.webhook_url().unwrap();
    let good = teams(&url);
    let card = |body: Value| {
        json!({"type": "message", "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null,
            "content": {"type": "AdaptiveCard", "version": "1.5", "body": body},
        }]})
    };
    for body in [json!({"text": "x"}), json!({"type": "message", "attachments": []}), json!({"type": "MessageCard"})] {
        let (status, answer) = send_body(&good, &body).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer.contains("TriggerInputSchemaMismatch"), "{answer}");
    }
    let silent = [
        (card(json!([{"type": "TextBlok", "text": "x"}])), "unknown element 'TextBlok'"),
        (card(json!([{"type": "TextBlock", "text": "x", "bold": true}])), "unknown key 'bold'"),
        (card(json!([])), "must have 1"),
        (card(json!([{"type": "TextBlock", "text": "é\"".repeat(10_000)}])), "MessageSizeExceeded"),
    ];
    for (body, why) in silent {
        // The workflow has answered before the card fails.
        assert_eq!(send_body(&good, &body).await.0, 202);
        assert!(standin.refused().last().unwrap().contains(why), "{:?}", standin.refused().last());
    }
    let mut lonely = card(json!([{"type": "TextBlock", "text": "x"}]));
    lonely["attachments"][0]["content"]["msteams"] =
        json!({"entities": [{"type": "mention", "text": "<at>QA</at>", "mentioned": {"id": "a", "name": "QA"}}]});
    assert_eq!(send_body(&good, &lonely).await.0, 202);
    assert!(standin.refused().last().unwrap().contains("<at> tag"));

    let bad_addresses = [
        (url.replace("sig=", "sig=x"), "DirectApiAuthorizationRequired"),
        (url.split('?').next().unwrap().to_owned(), "MissingApiVersionParameter"),
    ];
    for (url, code) in bad_addresses {
        let Outcome::Closed { why } = send(&teams(&url), thin()).await else { panic!("{code}") };
        assert!(why.contains(code), "{why}");
    }
    assert!(standin.received().is_empty());
}

#[tokio::test]
async fn jira_refuses_field_by_field() {
    let standin = Standin::start(Vendor::Jira).unwrap();
    let base = standin.api_url().unwrap();
    let fields = |extra: Value| {
        let mut fields = json!({"project": {"key": "PAY"}, "issuetype": {"name": "Bug"}, "summary": "x"});
        for (name, value) in extra.as_object().unwrap() {
            fields[name] = value.clone();
        }
        json!({"fields": fields})
    };
    let doc = |content: Value| fields(json!({"description": {"type": "doc", "version": 1, "content": content}}));
    let paragraph = |inline: Value| json!({"type": "paragraph", "content": [inline]});
    let document = "Operation value must be an Atlassian Document";
    let cases = [
        (json!({"summary": "x"}), "Unrecognized field"),
        (json!({"fields": {}}), "You must specify a summary of the issue."),
        (fields(json!({"summary": "x".repeat(256)})), "Summary can't exceed 255 characters."),
        (fields(json!({"summary": "a\nb"})), "newline characters"),
        (fields(json!({"labels": ["two words"]})), "contains spaces which is invalid"),
        (fields(json!({"labels": ["x".repeat(256)]})), "maximum length of 255"),
        (fields(json!({"priority": {"name": "Urgent"}})), "The priority selected is invalid."),
        (fields(json!({"issuetype": {"name": "Buggy"}})), "The issue type selected is invalid."),
        (fields(json!({"project": {"key": "pay"}})), "valid project is required"),
        (fields(json!({"severity": "x"})), "It is not on the appropriate screen, or unknown."),
        (fields(json!({"description": "text"})), document),
        (doc(json!([{"type": "text", "text": "x"}])), document),
        (doc(json!([{"type": "marquee"}])), "unknown node 'marquee'"),
        (doc(json!([paragraph(json!({"type": "text", "text": ""}))])), "at least 1 character"),
        (
            doc(json!([paragraph(
                json!({"type": "text", "text": "x", "marks": [{"type": "code"}, {"type": "strong"}]})
            )])),
            "code goes with no mark",
        ),
        (
            doc(json!([{"type": "bulletList", "content": [{"type": "listItem", "content": [{"type": "rule"}]}]}])),
            "must not stand in 'listItem'",
        ),
        (doc(json!([{"type": "heading", "attrs": {"level": 7}, "content": []}])), "must be 1 to 6"),
        (doc(json!([paragraph(json!({"type": "text", "text": "x".repeat(33_000)}))])), "The entered text is too long."),
    ];
    let v3 = jira(Api::V3, &base, TOKEN);
    for (body, what) in cases {
        let (status, answer) = send_body(&v3, &body).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer.contains(what), "{what}: {answer}");
    }
    let v2 = jira(Api::V2, &base, TOKEN);
    let (status, answer) = send_body(&v2, &fields(json!({"description": {"type": "doc"}}))).await;
    assert_eq!((status, answer.contains("must be a string")), (400, true));
    assert!(matches!(send(&jira(Api::V3, &base, "wrong-token"), thin()).await, Outcome::Closed { .. }));

    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{EMAIL}:{TOKEN}"));
    let search = |path: &str, body: Value| {
        let request = http::Request::post(format!("{base}{path}"))
            .header("authorization", format!("Basic {basic}"))
            .header("content-type", "application/json");
        request.body(Bytes::from(body.to_string())).unwrap()
    };
    let old = answered(exchange(search("/rest/api/3/search", json!({"jql": "labels = \"x\""}))).await);
    assert_eq!((old.0, old.1.contains("CHANGE-2046")), (410, true));
    let unbounded = answered(exchange(search("/rest/api/3/search/jql", json!({"jql": "order by created"}))).await);
    assert_eq!((unbounded.0, unbounded.1.contains("Unbounded")), (400, true));
    assert!(standin.received().is_empty());
}

#[tokio::test]
async fn an_issue_made_by_a_lost_attempt_is_found_and_not_made_twice() {
    for api in [Api::V3, Api::V2] {
        let standin = Standin::start(Vendor::Jira).unwrap();
        let jira = jira(api, &standin.api_url().unwrap(), TOKEN);
        standin.script(vec![Fault::ResetAfterRequest]);
        assert!(matches!(send(&jira, rich()).await, Outcome::Unclear { .. }));
        let again = Job { unsure: true, attempt: 2, ..job(rich()) };
        let Outcome::Delivered(receipt) = converse(&jira, &again).await else { panic!("{:?}", standin.refused()) };
        assert_eq!(receipt.key.as_deref(), Some("PAY-1"));
        assert_eq!(standin.received().len(), 1);
        // One that never arrived is made now.
        let mut other = Job { unsure: true, looks: 2, ..job(thin()) };
        other.key = "anotherkey".to_owned();
        let Outcome::Delivered(receipt) = converse(&jira, &other).await else { panic!("{:?}", standin.refused()) };
        assert_eq!(receipt.key.as_deref(), Some("PAY-2"));
    }
}

#[tokio::test]
async fn a_refused_priority_is_left_out_and_told() {
    let standin = Standin::start(Vendor::Jira).unwrap();
    let jira = jira(Api::V3, &standin.api_url().unwrap(), TOKEN);
    let mut job = job(rich());
    job.content.fields = json!({"priority": "Urgent", "severity": "x"}).as_object().unwrap().clone();
    let Outcome::Delivered(receipt) = converse(&jira, &job).await else { panic!("{:?}", standin.refused()) };
    assert!(receipt.note.unwrap().starts_with("left out severity, priority, because"));
}

#[tokio::test]
async fn faults_follow_the_script_and_then_the_rule() {
    let standin = Standin::start(Vendor::Slack).unwrap();
    let webhook = slack_webhook(&standin.webhook_url().unwrap());
    let busy =
        |code: u16| Fault::Status { code, headers: vec![("Retry-After".into(), "3".into())], body: "busy".into() };
    standin.script(vec![
        busy(429),
        Fault::ResetBeforeRead,
        Fault::ResetAfterRequest,
        Fault::Delay(Duration::from_millis(1)),
    ]);
    let Outcome::Later { after, .. } = send(&webhook, thin()).await else { panic!("not throttled") };
    assert_eq!(after, Some(Duration::from_secs(3)));
    assert!(matches!(send(&webhook, thin()).await, Outcome::Unclear { .. }));
    assert!(standin.received().is_empty());
    assert!(matches!(send(&webhook, thin()).await, Outcome::Unclear { .. }));
    assert_eq!(standin.received().len(), 1, "a reset after the request has accepted it");
    assert!(matches!(send(&webhook, thin()).await, Outcome::Delivered(_)));
    standin.always(Some(busy(503)));
    for _ in 0..3 {
        assert!(matches!(send(&webhook, thin()).await, Outcome::Later { .. }));
    }
    standin.always(None);
    assert!(matches!(send(&webhook, thin()).await, Outcome::Delivered(_)));
    assert_eq!(standin.received().len(), 3);
    // One connection was cut before its request was read.
    assert_eq!(standin.requests(), 7);
}

#[tokio::test]
async fn jira_says_when_it_may_be_written_to_again() {
    let standin = Standin::start(Vendor::Jira).unwrap();
    let jira = jira(Api::V3, &standin.api_url().unwrap(), TOKEN);
    standin.pace(Some(Duration::from_secs(30)));
    assert!(matches!(send(&jira, thin()).await, Outcome::Delivered(_)));
    let Outcome::Later { after, extent, .. } = send(&jira, thin()).await else { panic!("{:?}", standin.refused()) };
    assert_eq!(extent, relaybell::domain::delivery::Extent::Throttled, "a burst concerns everything");
    assert!(after.is_some_and(|after| after >= Duration::from_secs(29)), "{after:?}");
    assert_eq!(standin.received().len(), 1);
}
