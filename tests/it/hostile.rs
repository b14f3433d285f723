//! Everything that senders could put into an event (`tests/cases/hostile.json`), in every
//! field of every shipped template, at every destination: it is shown, and does nothing.
#![cfg(test)]

use std::collections::BTreeSet;

use relaybell::destination::jira::Api;
use relaybell::destination::{Answer, Destination, Step};
use relaybell::domain::facts::Facts;
use relaybell::domain::message::{Block, Inline, Message};
use relaybell::domain::render::{TemplateFile, Templates};
use relaybell::domain::rule::Kind;
use relaybell::source::catalogue::FactKind;
use relaybell::source::qase::catalogue;
use relaybell::standin::{jira as jira_rules, slack as slack_rules, teams as teams_rules};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::acts::{Acts, Language, acts, decoded};
use crate::messages::{ask, jira, job, reply, slack_api, slack_webhook, teams};

/// One hostile text: as it stands, or made of parts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    is: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    open: String,
    #[serde(default)]
    times: usize,
    #[serde(default)]
    middle: String,
    #[serde(default)]
    close: String,
    #[serde(default)]
    after: String,
}

/// All hostile texts with what each is.
pub fn corpus() -> Vec<(String, String)> {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/hostile.json")).unwrap();
    let text = |case: &Case| match case.times {
        0 => case.text.clone(),
        times => {
            let (open, close) = (case.open.repeat(times), case.close.repeat(times));
            format!("{}{open}{}{close}{}", case.before, case.middle, case.after)
        }
    };
    cases.iter().map(|case| (case.is.clone(), text(case))).collect()
}

/// Every kind of destination, with the language it speaks.
pub fn everywhere() -> Vec<(&'static str, Language, Box<dyn Destination>)> {
    let workflow = "https://env.example/workflows/1/triggers/manual/paths/invoke?api-version=1&sig=secretsecret";
    vec![
        (
            "webhook",
            Language::Slack,
            Box::new(slack_webhook("https://hooks.slack.example/services/T0/B0/secretsecret")),
        ),
        ("bot", Language::Slack, Box::new(slack_api("https://slack.com/api/", "xoxb-1", "#payments"))),
        ("workflow", Language::Teams, Box::new(teams(workflow))),
        ("cloud", Language::Adf, Box::new(jira(Api::V3, "https://acme.atlassian.net", "jira-token"))),
        ("data center", Language::Wiki, Box::new(jira(Api::V2, "https://jira.acme.example", "jira-token"))),
    ]
}

/// What the vendor itself would say about `body`.
pub fn refusal(language: Language, body: &Value) -> Option<String> {
    let said = match language {
        Language::Slack => slack_rules::check::check(body).map_err(|why| format!("{why:?}")),
        Language::Teams => teams_rules::check::check_message(body)
            .and_then(|()| teams_rules::check::check_cards(body))
            .map_err(|why| format!("{why:?}")),
        Language::Adf => {
            jira_rules::check::check(body, jira_rules::check::Version::V3).map_err(|why| why.answer().to_string())
        }
        Language::Wiki => {
            jira_rules::check::check(body, jira_rules::check::Version::V2).map_err(|why| why.answer().to_string())
        }
    };
    said.err()
}

/// The bodies for `message`: the rich one, and the plain one after the vendor refused it.
pub fn bodies(destination: &dyn Destination, message: &Message) -> Vec<Value> {
    let job = job(message.clone());
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("the body is JSON");
    let first = parse(ask(destination, &job, &[]).request.body());
    let no = r#"{"ok":false,"error":"invalid_blocks","errorMessages":["no"],"errors":{"description":"no"}}"#;
    let mut all = vec![first];
    for status in [200, 400] {
        let refused = Answer::Replied(reply(status, no));
        if let Step::Ask(second) = destination.step(&job, &[refused]) {
            all.push(parse(second.request.body()));
        }
    }
    assert!(all.len() > 1, "there is no second body");
    all
}

/// Where `message` leads by its own links.
pub fn own_links(message: &Message) -> BTreeSet<String> {
    fn of_inlines(inlines: &[Inline], links: &mut BTreeSet<String>) {
        for inline in inlines {
            match inline {
                Inline::Link { url, text } => {
                    links.insert(decoded(url));
                    of_inlines(text, links);
                }
                Inline::Strong(inner) | Inline::Emph(inner) | Inline::Strike(inner) => of_inlines(inner, links),
                _ => {}
            }
        }
    }
    fn of_blocks(blocks: &[Block], links: &mut BTreeSet<String>) {
        for block in blocks {
            match block {
                Block::Paragraph(text) | Block::Heading { text, .. } => of_inlines(text, links),
                Block::List { items, .. } => items.iter().for_each(|item| of_blocks(&item.blocks, links)),
                Block::Quote(inner) => of_blocks(inner, links),
                Block::Table { head, rows } => {
                    head.iter().chain(rows.iter().flatten()).for_each(|cell| of_inlines(cell, links));
                }
                _ => {}
            }
        }
    }
    let mut links: BTreeSet<String> = message.link.iter().map(|link| decoded(link)).collect();
    of_blocks(&message.body, &mut links);
    links
}

/// Fails unless `message` is taken everywhere, mentions nobody and leads nowhere but by its
/// own links.
fn is_harmless(what: &str, message: &Message) {
    let own = own_links(message);
    let long = is_long(&message.title) || message.body.len() > 100;
    for (name, language, destination) in everywhere() {
        // A bot sends what a webhook sends; the long texts take long without optimisation.
        if long && name == "bot" {
            continue;
        }
        for body in bodies(destination.as_ref(), message) {
            if let Some(why) = refusal(language, &body) {
                panic!("{what} at {name}: {}\n{}", shortly(&why), shortly(&body.to_string()));
            }
            let Acts { mentions, links, others, moments } = acts(language, &body);
            assert!(moments <= own_moments(message) * 2, "{what} at {name} has {moments} moments");
            assert!(mentions.is_empty(), "{what} at {name} mentions {mentions:?}");
            assert!(others.is_empty(), "{what} at {name} has {others:?}");
            let foreign: Vec<_> = links.difference(&own).collect();
            assert!(foreign.is_empty(), "{what} at {name} leads to {foreign:?}, not only to {own:?}");
            reorders_nothing(&format!("{what} at {name}"), &body);
        }
    }
}

fn reorders_nothing(what: &str, body: &Value) {
    fn of(what: &str, value: &Value) {
        let hidden = |c: char| {
            matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                || (c.is_control() && !matches!(c, '\n' | '\t'))
        };
        match value {
            Value::String(text) => assert_eq!(text.chars().find(|c| hidden(*c)), None, "{what} acts in {text:?}"),
            Value::Array(items) => items.iter().for_each(|item| of(what, item)),
            Value::Object(map) => map.values().for_each(|value| of(what, value)),
            _ => {}
        }
    }
    of(what, body);
}

/// How many moments `message` prints itself: Teams writes each as a date and a time.
fn own_moments(message: &Message) -> usize {
    serde_json::to_string(&message.body).unwrap().matches("{\"moment\":").count()
}

fn is_long(text: &str) -> bool {
    text.len() > 2_000
}

fn shortly(text: &str) -> String {
    text.chars().take(1_500).collect()
}

/// A template that shows `x` in every place that a template has, with links of its own.
const EVERYWHERE: &str = r#"---
title: "<{{x}}>"
link: "{{x}}"
color: "{{x}}"
fields:
  First: "{{x}}"
  Second: "{{x}} {{x}}"
---
{{x}} **{{x}}** _{{x}}_ ~~{{x}}~~ `{{x}}` [{{x}}](https://own.example) [own](https://own.example/{{x}})

# {{x}}

- {{x}}
  1. {{x}}
- [ ] {{x}}

> {{x}}

| {{x}} | b |
|---|---|
| {{x}} | {{x}} |

```
{{x}}
```

<b>{{x}}</b> {{upper x}} {{lower x}} {{date time}} {{truncate x 40}} {{default x "-"}} {{json x}} {{join l}}
"#;

/// The sender's own Markdown.
const RAW: &str = "---\ntitle: t\n---\n{{{x}}}\n\n- {{{x}}}\n\n> {{{x}}}\n";

fn file(name: &str, kind: Option<Kind>, text: &str) -> TemplateFile {
    TemplateFile { file: format!("templates/{name}"), name: name.to_owned(), kind, text: text.to_owned() }
}

fn shipped() -> Templates {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let mut files = vec![file("everywhere", None, EVERYWHERE), file("raw", None, RAW)];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches(".md.hbs").to_owned();
        files.push(file(&name, None, &std::fs::read_to_string(&path).unwrap()));
    }
    assert!(files.len() > 6, "the shipped templates are gone");
    Templates::compile(&files).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Every fact of the catalogue: texts are hostile, so are lists and the payload.
fn facts(text: &str) -> Facts {
    let value = |kind: FactKind| match kind {
        FactKind::Text => json!(text),
        FactKind::List => json!([text, text]),
        FactKind::Object | FactKind::Any => json!({"a": text, "custom_fields": [{"title": text, "value": text}]}),
        FactKind::Time => json!("2026-09-14T12:00:00Z"),
        FactKind::Flag => json!(true),
        FactKind::Number | FactKind::Duration => json!(7),
    };
    let mut facts = Facts::default();
    for fact in catalogue().facts() {
        facts.values.insert(fact.name.to_owned(), value(fact.kind));
    }
    facts.values.insert("x".to_owned(), text.into());
    facts.values.insert("l".to_owned(), json!([text, text]));
    facts
}

/// A few hostile texts take long without optimisation: each share is a test of its own.
fn share_is_harmless(share: usize, of: usize) {
    let templates = shipped();
    let corpus = corpus();
    assert!(corpus.len() >= 100, "the corpus is gone");
    for (is, text) in corpus.iter().skip(share).step_by(of) {
        let facts = facts(text);
        is_harmless(&format!("{is} in the built-in message"), &Templates::built_in(&facts));
        // Those that show whole texts show all of a long one.
        let names: Vec<&str> = match is_long(text) {
            true => vec!["defect-ticket", "raw"],
            false => templates.names().collect(),
        };
        for name in names {
            // What is too much for a template is told in the built-in form, as plans do it.
            let Ok(message) = templates.message(name, &facts) else {
                assert!(is_long(text), "{is} makes {name} fail");
                continue;
            };
            is_harmless(&format!("{is} in {name}"), &message);
        }
    }
}

#[test]
fn hostile_text_is_harmless_everywhere_1_of_4() {
    share_is_harmless(0, 4);
}

#[test]
fn hostile_text_is_harmless_everywhere_2_of_4() {
    share_is_harmless(1, 4);
}

#[test]
fn hostile_text_is_harmless_everywhere_3_of_4() {
    share_is_harmless(2, 4);
}

#[test]
fn hostile_text_is_harmless_everywhere_4_of_4() {
    share_is_harmless(3, 4);
}

#[test]
fn literal_text_adds_no_link_to_a_template() {
    let templates = shipped();
    for (is, text) in corpus() {
        let mut facts = facts(&text);
        let Ok(message) = templates.message("everywhere", &facts) else { continue };
        let mut links = own_links(&message);
        let own = |link: &String| link.starts_with("https://own.example/");
        links.retain(|link| !own(link) && message.link.as_ref().map(|link| decoded(link)).as_ref() != Some(link));
        assert!(links.is_empty(), "{is} leads to {links:?}");
        facts.values.insert("url".to_owned(), "https://app.qase.io/defect/PAY/17".into());
        let built_in = Templates::built_in(&facts);
        assert_eq!(own_links(&built_in), BTreeSet::from(["https://app.qase.io/defect/PAY/17".to_owned()]), "{is}");
    }
}

#[test]
fn hostile_text_in_an_own_body_stays_text() {
    let slack = r#"{"text": "{{x}}", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<{{x}}|a> *{{x}}*"}},
        {"type": "header", "text": {"type": "plain_text", "text": {{json x}}}}]}"#;
    let card = r#"{"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "**{{x}}**"},
        {"type": "FactSet", "facts": [{"title": "a", "value": {{json x}}}]}]}"#;
    let issue = r#"{"fields": {"summary": "{{x}}", "description": {{json x}}}}"#;
    let bodies = [
        (Kind::Slack, Language::Slack, slack),
        (Kind::Teams, Language::Teams, card),
        (Kind::Jira, Language::Wiki, issue),
    ];
    let mut files = vec![file("t", None, "---\ntitle: t\n---\n")];
    files.extend(bodies.iter().map(|(kind, _, text)| file("t", Some(*kind), text)));
    let templates = Templates::compile(&files).unwrap_or_else(|problems| panic!("{problems:?}"));
    let shape = |body: &Value| {
        fn of(value: &Value) -> Value {
            match value {
                Value::Array(items) => items.iter().map(of).collect(),
                Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), of(value))).collect(),
                _ => Value::Null,
            }
        }
        of(body)
    };
    for (kind, language, _) in bodies {
        let benign = templates.own_body("t", kind, &facts("benign")).unwrap().unwrap();
        for (is, text) in corpus() {
            let body = match templates.own_body("t", kind, &facts(&text)).unwrap() {
                Ok(body) => body,
                Err(error) if is_long(&text) && error.message.contains("prints more than") => continue,
                Err(error) => panic!("{is}: {error}"),
            };
            assert_eq!(shape(&body), shape(&benign), "{is} at {}", kind.word());
            let done = acts(language, &body);
            let own = usize::from(kind == Kind::Slack);
            // Whether a text of Jira's is wiki markup, only the template knows.
            let is_markup = kind != Kind::Jira;
            assert!(!is_markup || done.links.len() <= own, "{is} at {}: {done:?}", kind.word());
            assert!(!is_markup || done.others.is_empty(), "{is} at {}: {done:?}", kind.word());
            assert!(done.mentions.is_empty() && done.moments == 0, "{is} at {}: {done:?}", kind.word());
            reorders_nothing(&is, &body);
        }
    }
}

#[test]
fn hostile_text_in_a_rules_fields_stays_text() {
    // For long ones see `long_text_in_a_field_is_cut_to_what_jira_takes`.
    for (is, text) in corpus().into_iter().filter(|(_, text)| !is_long(text)) {
        for (name, language, destination) in everywhere().into_iter().skip(3) {
            let mut job = job(Message { title: text.clone(), ..Message::default() });
            let fields =
                json!({"environment": text, "labels": [text, text], "customfield_10042": text, "assignee": text});
            job.content.fields = fields.as_object().unwrap().clone();
            let body: Value = serde_json::from_slice(ask(destination.as_ref(), &job, &[]).request.body()).unwrap();
            assert_eq!(refusal(language, &body), None, "{is} at {name}");
            let done = acts(language, &body);
            assert!(done.mentions.is_empty() && done.links.is_empty() && done.others.is_empty(), "{is}: {done:?}");
        }
    }
}
