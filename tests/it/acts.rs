//! What a vendor's body does to its readers beyond showing text: whom it mentions, where it
//! leads. Read the way the vendor reads it.
#![cfg(test)]

use std::collections::BTreeSet;

use serde_json::Value;

/// Whose language a body is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Slack,
    Teams,
    Adf,
    Wiki,
}

/// What a body does.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Acts {
    /// Whom it notifies, as the vendor names them.
    pub mentions: BTreeSet<String>,
    /// Where it leads, percent signs decoded.
    pub links: BTreeSet<String>,
    /// Anything else that is more than text: pictures, macros, unknown tokens.
    pub others: BTreeSet<String>,
    /// Moments that the vendor shows in the reader's zone.
    pub moments: usize,
}

impl Acts {
    fn link(&mut self, url: &str) {
        self.links.insert(decoded(url));
    }

    fn mention(&mut self, who: &str) {
        self.mentions.insert(who.to_owned());
    }

    fn other(&mut self, what: &str) {
        self.others.insert(what.chars().take(60).collect());
    }
}

/// What `body` does.
pub fn acts(language: Language, body: &Value) -> Acts {
    let mut acts = Acts::default();
    match language {
        Language::Slack => {
            mrkdwn(body["text"].as_str().unwrap_or_default(), &mut acts);
            slack(body, &mut acts);
        }
        Language::Teams => teams(body, &mut acts),
        Language::Adf => adf(&body["fields"], &mut acts),
        Language::Wiki => {
            for field in ["description", "environment"] {
                wiki(body["fields"][field].as_str().unwrap_or_default(), &mut acts);
            }
        }
    }
    acts
}

/// `url` with its percent signs decoded, so that two spellings of one address are equal.
pub fn decoded(url: &str) -> String {
    let bytes = url.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = url.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 3;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn each(value: &Value, look: &mut impl FnMut(&Value)) {
    look(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(item, look)),
        Value::Object(map) => map.values().for_each(|value| each(value, look)),
        _ => {}
    }
}

fn slack(body: &Value, acts: &mut Acts) {
    each(body, &mut |node| match text(node, "type") {
        "mrkdwn" => mrkdwn(text(node, "text"), acts),
        "link" | "button" => acts.link(text(node, "url")),
        "date" => acts.moments += 1,
        "user" | "usergroup" | "broadcast" | "channel" => acts.mention(&node.to_string()),
        kind @ ("emoji" | "image" | "video") => acts.other(kind),
        _ => {}
    });
}

/// The tokens in angle brackets; an ampersand that is none of Slack's three escapes shows
/// that something was not escaped.
fn mrkdwn(mut text: &str, acts: &mut Acts) {
    while let Some(at) = text.find(['<', '>', '&']) {
        let rest = &text[at..];
        if let Some(escape) = ["&amp;", "&lt;", "&gt;"].iter().find(|escape| rest.starts_with(**escape)) {
            text = &rest[escape.len()..];
            continue;
        }
        let Some(end) = rest.find('>').filter(|_| rest.starts_with('<')) else {
            acts.other(rest);
            text = &rest[1..];
            continue;
        };
        let token = &rest[1..end];
        if token.starts_with("!date^") {
            acts.moments += 1;
        } else if token.starts_with(['!', '@', '#']) {
            acts.mention(token);
        } else {
            acts.link(&token.split('|').next().unwrap_or_default().replace("&amp;", "&"));
        }
        text = &rest[end + 1..];
    }
}

fn teams(body: &Value, acts: &mut Acts) {
    each(body, &mut |node| {
        let of_markdown = match text(node, "type") {
            "TextBlock" => vec![text(node, "text")],
            "TextRun" => {
                replaced(text(node, "text"), acts);
                Vec::new()
            }
            "Action.OpenUrl" => {
                acts.link(text(node, "url"));
                Vec::new()
            }
            "mention" => {
                acts.mention(&format!("entity {}", text(&node["mentioned"], "id")));
                Vec::new()
            }
            "Image" | "Media" => vec!["![image]"],
            "" => vec![text(node, "title"), text(node, "value")],
            _ => Vec::new(),
        };
        for text in of_markdown {
            replaced(text, acts);
            markdown(text, acts);
        }
    });
}

/// What Teams replaces wherever text stands.
fn replaced(text: &str, acts: &mut Acts) {
    let lower = text.to_lowercase();
    for (at, _) in lower.match_indices("<at") {
        acts.mention(&lower[at..lower[at..].find("</at>").map_or(lower.len(), |end| at + end + 5)]);
    }
    acts.moments += text.matches("{{DATE(").count() + text.matches("{{TIME(").count();
}

/// Markdown's links and autolinks that no backslash disarms.
fn markdown(text: &str, acts: &mut Acts) {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        let rest = &text[at..];
        match character {
            _ if escaped => {}
            '[' | '`' => match rest.split_once("](").and_then(|(_, url)| url.split_once(')')) {
                Some((url, _)) if character == '[' => acts.link(url),
                _ => acts.other(rest),
            },
            '<' if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.starts_with("<at>") => {
                acts.other(rest);
            }
            _ => {}
        }
        escaped = character == '\\' && !escaped;
    }
}

fn adf(fields: &Value, acts: &mut Acts) {
    each(fields, &mut |node| match text(node, "type") {
        "mention" => acts.mention(text(&node["attrs"], "id")),
        "link" => acts.link(text(&node["attrs"], "href")),
        "inlineCard" | "blockCard" | "embedCard" => acts.link(text(&node["attrs"], "url")),
        kind @ ("emoji" | "media" | "mediaSingle" | "extension" | "bodiedExtension" | "status" | "date") => {
            acts.other(kind);
        }
        _ => {}
    });
}

/// `text` up to the first `end` that no backslash disarms.
fn until(text: &str, end: char) -> &str {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if character == end && !escaped {
            return &text[..at];
        }
        escaped = character == '\\' && !escaped;
    }
    text
}

/// Wiki markup outside the macros that show their text as it is.
fn wiki(markup: &str, acts: &mut Acts) {
    let mut rest = markup.to_owned();
    for (open, close) in [("{noformat}\n", "\n{noformat}"), ("{code:", "\n{code}")] {
        while let Some(start) = rest.find(open) {
            let length = rest[start + open.len()..].find(close).expect("every macro ends");
            rest.replace_range(start..start + open.len() + length + close.len(), "");
        }
    }
    let own = ["{quote}", "{*}", "{_}", "{-}", "{{", "}}"];
    let chars: Vec<(usize, char)> = rest.char_indices().collect();
    let mut skip_to = 0;
    let mut escaped = false;
    for (place, (at, character)) in chars.iter().copied().enumerate() {
        let here = &rest[at..];
        if at < skip_to || escaped {
            escaped = false;
            continue;
        }
        match character {
            '\\' if here.starts_with("\\\\ ") => skip_to = at + 2,
            '\\' => escaped = true,
            '[' => {
                let inner = until(&here[1..], ']');
                match inner.strip_prefix('~') {
                    Some(who) => acts.mention(who),
                    None => acts.link(inner.strip_prefix(until(inner, '|')).unwrap_or(inner).trim_start_matches('|')),
                }
                // The address within has no marks of its own.
                skip_to = at + 1 + inner.len();
            }
            '{' | '}' => match own.iter().find(|own| here.starts_with(**own)) {
                Some(own) => skip_to = at + own.len(),
                None => acts.other(here),
            },
            '!' => acts.other(here),
            ':' if here.starts_with("://") => {
                let word = chars[..place].iter().rev().take(8).rev().map(|(_, c)| c).collect::<String>();
                acts.link(&format!("{word}{}", here.split_whitespace().next().unwrap_or_default()));
            }
            _ => {}
        }
    }
}
