//! All of Markdown (`tests/cases/markdown`), as each vendor shows it.
#![cfg(test)]

use relaybell::domain::facts::Facts;
use relaybell::domain::markdown::parse;
use relaybell::domain::message::Message;
use relaybell::domain::render::{TemplateFile, Templates};
use serde_json::{Value, json};

use crate::acts::{Language, acts};
use crate::hostile::{bodies, everywhere, refusal};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/markdown");

/// What stands for the body in what is sent: the rest is the same for all.
fn shown(language: Language, body: &Value) -> Value {
    match language {
        Language::Slack => body["blocks"].clone(),
        Language::Teams => body["attachments"][0]["content"]["body"].clone(),
        Language::Adf | Language::Wiki => body["fields"]["description"].clone(),
    }
}

#[test]
fn every_feature_of_markdown_as_each_vendor_shows_it() {
    let mut seen = 0;
    for entry in std::fs::read_dir(CASES).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let body = parse(&std::fs::read_to_string(&path).unwrap());
        let message = Message { title: name.clone(), body, ..Message::default() };
        for (place, language, destination) in everywhere().into_iter().filter(|(place, ..)| *place != "bot") {
            let all = bodies(destination.as_ref(), &message);
            for body in &all {
                assert_eq!(refusal(language, body), None, "{name} at {place}");
            }
            let shown = shown(language, &all[0]);
            match shown.as_str() {
                Some(markup) => insta::assert_snapshot!(format!("{name}.{language:?}").to_lowercase(), markup),
                None => insta::assert_json_snapshot!(format!("{name}.{language:?}").to_lowercase(), shown),
            }
        }
        seen += 1;
    }
    assert!(seen >= 5, "the cases are gone");
}

/// The facts of an event at a time, whose text pretends to hold times, too.
fn facts() -> Facts {
    let forged = "\u{100001}\u{f0031}\u{100002}\u{f0078}\u{100003} <!date^1^{date}|x> {{DATE(2026-09-14T12:00:00Z)}}";
    let facts = json!({"event": "defect.created", "time": "2026-09-14T12:20:00Z", "title": forged});
    Facts { values: facts.as_object().unwrap().clone(), ..Facts::default() }
}

fn rendered(body: &str) -> Message {
    let text = format!("---\ntitle: \"at {{{{date time}}}}\"\nfields:\n  When: \"{{{{date time}}}}\"\n---\n{body}");
    let file = TemplateFile { file: "templates/t.md.hbs".into(), name: "t".into(), kind: None, text };
    let templates = Templates::compile(&[file]).unwrap_or_else(|problems| panic!("{problems:?}"));
    templates.message("t", &facts()).unwrap()
}

#[test]
fn a_date_is_shown_in_the_readers_zone_where_the_vendor_can() {
    let message =
        rendered("Seen **{{date time}}** by us, [{{date time}}](https://ok.example).\n\n{{title}} {{{title}}}");
    assert_eq!(message.title, "at 2026-09-14 12:20 UTC");
    assert_eq!(message.fields[0].value, "2026-09-14 12:20 UTC");
    for (place, language, destination) in everywhere().into_iter().filter(|(place, ..)| *place != "bot") {
        let all = bodies(destination.as_ref(), &message);
        let moments: Vec<usize> = all.iter().map(|body| acts(language, body).moments).collect();
        // Teams writes each as a date and a time; the plain forms know no moments.
        let wanted = match language {
            Language::Slack => 2,
            Language::Teams => 4,
            Language::Adf | Language::Wiki => 0,
        };
        assert_eq!((moments[0], moments[1]), (wanted, 0), "{place}");
        assert_eq!(refusal(language, &all[0]), None, "{place}");
        let shown = shown(language, &all[0]);
        match shown.as_str() {
            Some(markup) => insta::assert_snapshot!(format!("date.{language:?}").to_lowercase(), markup),
            None => insta::assert_json_snapshot!(format!("date.{language:?}").to_lowercase(), shown),
        }
    }
}

#[test]
fn a_date_with_a_form_of_its_own_or_as_a_value_is_text() {
    for body in [
        "{{date time \"%d %b\"}}",
        "{{date time \"%H:%M\" \"Europe/Kyiv\"}}",
        "{{upper (date time)}} {{#if (eq (date time) \"2026-09-14 12:20 UTC\")}}same{{/if}}",
        "`{{date time}}`",
        "```\n{{date time}}\n```",
    ] {
        let message = rendered(body);
        let json = serde_json::to_string(&message.body).unwrap();
        assert!(!json.contains("moment") && !json.contains('\u{100001}'), "{body}: {json}");
        assert!(json.contains("14") || json.contains("15:20"), "{body}: {json}");
    }
    assert!(
        serde_json::to_string(
            &rendered("{{upper (date time)}} {{#if (eq (date time) \"2026-09-14 12:20 UTC\")}}same{{/if}}").body
        )
        .unwrap()
        .contains("same")
    );
}
