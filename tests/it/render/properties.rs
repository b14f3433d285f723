//! What holds for every value an event can carry.

use proptest::prelude::*;
use relaybell::domain::markdown::literal;
use relaybell::domain::message::{Block, Inline};
use relaybell::domain::render::Templates;
use relaybell::domain::rule::Kind;
use serde_json::json;

use super::{facts, file, one, own, plain};

/// What a literal shows of `value` in a body: line ends as `\n`, no other control
/// characters but the tab, no blank lines at either end and one at most between.
fn as_shown(value: &str) -> String {
    let clean: String = value
        .replace("\r\n", "\n")
        // Unicode's own ends of lines are ends of lines too.
        .replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let mut text = clean.trim_matches('\n').to_owned();
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    if text.trim().is_empty() { String::new() } else { text }
}

fn any_text() -> impl Strategy<Value = String> {
    let markup = prop::sample::select(vec![
        "**",
        "_",
        "`",
        "```\n",
        "\n",
        "\r\n",
        "\n\n",
        "# ",
        "> ",
        "- ",
        "1. ",
        "[a](http://b)",
        "<!channel>",
        "<@U1>",
        "<at>x</at>",
        "|",
        "---\n",
        "\\",
        "&amp;",
        "{{x}}",
        "{{{x}}}",
        "http://x.example",
        "~~",
        "![i](http://i)",
        "    ",
        "\t",
        "\u{0}",
        "\u{F0041}",
        "\u{100000}",
        "😀",
    ]);
    prop::collection::vec(prop_oneof![markup.prop_map(str::to_owned), any::<String>(), "[a-z ]{0,8}"], 0..8)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_printed_value_is_its_text_and_nothing_else(value in any_text()) {
        let templates = one("---\ntitle: \"<{{x}}>\"\nfields:\n  F: \"<{{x}}>\"\n---\n{{x}}");
        let message = templates.message("t", &facts(json!({"x": value}))).unwrap();
        prop_assert!(message.body.len() <= 1);
        for block in &message.body {
            let Block::Paragraph(inlines) = block else { panic!("{block:?}") };
            prop_assert!(inlines.iter().all(|inline| matches!(inline, Inline::Text(_) | Inline::Break)), "{inlines:?}");
        }
        prop_assert_eq!(plain(&message.body), as_shown(&value));
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let clean: String = literal::shown(&value);
        prop_assert_eq!(&message.title, &line(&format!("<{clean}>")));
        prop_assert_eq!(&message.fields[0].value, &format!("<{clean}>"));
        prop_assert_eq!(literal::decode(&literal::encode(&value)), clean);
    }

    #[test]
    fn within_markup_a_value_stays_text(value in any_text()) {
        let templates = one("a **{{x}}** b `{{x}}` c [{{x}}](https://x.example) d\n\n- e {{x}}\n\n> f {{x}}\n\n| g {{x}} |\n|---|\n| h {{x}} |\n");
        let message = templates.message("t", &facts(json!({"x": value}))).unwrap();
        let shape: Vec<std::mem::Discriminant<Block>> = message.body.iter().map(std::mem::discriminant).collect();
        let expected = templates.message("t", &facts(json!({"x": "plain"}))).unwrap();
        let expected: Vec<std::mem::Discriminant<Block>> = expected.body.iter().map(std::mem::discriminant).collect();
        prop_assert_eq!(shape, expected);
        let json = serde_json::to_string(&message.body).unwrap();
        prop_assert_eq!(json.matches("\"url\":").count(), 1);
        let private = |c: &char| ('\u{F0000}'..='\u{100000}').contains(c);
        prop_assert!(value.chars().any(|c| private(&c)) || !json.chars().any(|c| private(&c)), "{}", json);
    }

    #[test]
    fn the_senders_own_markdown_never_panics_and_never_leads_astray(value in any_text()) {
        let message = one("{{{x}}}").message("t", &facts(json!({"x": value}))).unwrap();
        fn links(inlines: &[Inline], urls: &mut Vec<String>) {
            for inline in inlines {
                match inline {
                    Inline::Link { url, text } => {
                        urls.push(url.clone());
                        links(text, urls);
                    }
                    Inline::Strong(inner) | Inline::Emph(inner) | Inline::Strike(inner) => links(inner, urls),
                    _ => {}
                }
            }
        }
        let mut urls = Vec::new();
        for block in &message.body {
            if let Block::Paragraph(inlines) = block {
                links(inlines, &mut urls);
            }
        }
        for url in urls {
            prop_assert!(["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme)), "{}", url);
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(parts in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "{{{", "}}}", "{{#if x}}", "{{/if}}", "{{else}}", "{{else if y}}", "{{^}}", "{{#each l}}", "{{/each}}", "{{~", "~}}", "(", ")", "\"", "'",
        "[", "]", "x", " ", ".", "/", "../", "@index", "@root.", "this", "as |a b|", "=", "|", "\n", "---\n", "title: ", "fields:\n", "  A: ", "\\", "{{!--", "--}}",
        "{{! ", "{{> t}}", "{{>", "{{&", "{{*", "{{#*inline \"a\"}}", "{{#>", "upper ", "len ", "icon", "null", "true", "-1.5", "é", "{{x}}", "{{upper x}}",
    ]), 0..24)) {
        let text = parts.concat();
        if let Ok(templates) = Templates::compile(&[file("t", &text)]) {
            let _rendered = templates.message("t", &facts(json!({"x": "v", "l": [1, 2], "event": "a.b"})));
        }
        if let Ok(templates) = Templates::compile(&[own("t", Kind::Slack, &text)]) {
            let _rendered = templates.own_body("t", Kind::Slack, &facts(json!({"x": "v", "l": [1, 2]})));
        }
    }
}
