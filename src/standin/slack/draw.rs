//! A Slack message as it looks in Slack.

use serde_json::Value;

use crate::standin::picture::Picture;
use crate::standin::shape::kind;

/// Draws `body` under `head`.
pub fn draw(head: &str, body: &Value) -> String {
    let mut picture = Picture::default();
    let blocks = list(body, "blocks");
    let attachments = list(body, "attachments");
    if blocks.is_empty() {
        picture.text(&mrkdwn(text(body, "text")));
    }
    blocks.iter().for_each(|one| block(one, &mut picture));
    for attachment in attachments {
        picture.indent("▌ ");
        list(attachment, "blocks").iter().for_each(|one| block(one, &mut picture));
        picture.outdent("▌ ");
    }
    picture.framed(head)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn block(block: &Value, picture: &mut Picture) {
    match kind(block) {
        "header" => picture.text(text(&block["text"], "text")),
        "section" => {
            if let Some(object) = block.get("text") {
                picture.text(&object_text(object));
            }
            let fields: Vec<(String, String)> = list(block, "fields")
                .iter()
                .map(|field| {
                    let shown = object_text(field);
                    let (name, value) = shown.split_once('\n').unwrap_or((&shown, ""));
                    (name.trim_matches('*').to_owned(), value.to_owned())
                })
                .collect();
            if !fields.is_empty() {
                picture.gap();
                picture.fields(&fields);
            }
        }
        "divider" => picture.text("────────"),
        "context" => {
            picture.gap();
            list(block, "elements").iter().for_each(|element| picture.text(&object_text(element)));
        }
        "actions" => {
            let buttons: Vec<String> =
                list(block, "elements").iter().map(|button| format!("[ {} ]", text(&button["text"], "text"))).collect();
            picture.gap();
            picture.text(&buttons.join("  "));
        }
        _ => list(block, "elements").iter().for_each(|element| rich_text(element, picture)),
    }
}

fn rich_text(element: &Value, picture: &mut Picture) {
    match kind(element) {
        "rich_text_list" => {
            let indent = "   ".repeat(usize::try_from(element["indent"].as_u64().unwrap_or(0)).unwrap_or(0));
            let first = element["offset"].as_u64().unwrap_or(0) + 1;
            for (number, item) in (first..).zip(list(element, "elements")) {
                let marker =
                    if text(element, "style") == "ordered" { format!("{number}. ") } else { "• ".to_owned() };
                picture.hanging(&format!("{indent}{marker}"), &inlines(item));
            }
        }
        "rich_text_quote" => {
            picture.indent("┃ ");
            picture.text(&inlines(element));
            picture.outdent("┃ ");
        }
        "rich_text_preformatted" => {
            picture.indent("  ");
            picture.text(&inlines(element));
            picture.outdent("  ");
        }
        _ => picture.text(&inlines(element)),
    }
}

fn inlines(element: &Value) -> String {
    let shown = |inline: &'_ Value| match kind(inline) {
        "date" => text(inline, "fallback").to_owned(),
        _ => text(inline, "text").to_owned(),
    };
    list(element, "elements").iter().map(shown).collect()
}

fn object_text(object: &Value) -> String {
    match kind(object) {
        "mrkdwn" => mrkdwn(text(object, "text")),
        _ => text(object, "text").to_owned(),
    }
}

/// mrkdwn as it is read: links by their text, mentions by their name.
fn mrkdwn(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        shown.push_str(before);
        let Some((token, behind)) = after.split_once('>') else {
            rest = after;
            break;
        };
        let word = token.split_once('|').map_or(token, |(_, label)| label);
        match word.strip_prefix("!subteam^") {
            Some(group) => shown.push_str(&format!("@{group}")),
            None => shown.push_str(&word.replacen('!', "@", usize::from(word.starts_with('!')))),
        }
        rest = behind;
    }
    shown.push_str(rest);
    shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
