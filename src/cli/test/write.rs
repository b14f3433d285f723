//! Writes a test as YAML, ready to stand below `tests:`.

use std::time::Duration;

use serde_json::Value;

use crate::domain::delivery::NewDelivery;
use crate::domain::time::Timestamp;
use crate::relay::trial::{has_message, status_of};

use super::from::Told;

/// The test `name`, which begins at `at`.
pub(super) fn test(name: &str, at: Timestamp, told: &[Told]) -> String {
    let mut lines = vec![format!("  - name: {}", quoted(name)), format!("    at: {at}"), "    steps:".to_owned()];
    for one in told {
        if one.after > Duration::ZERO {
            lines.push(format!("      - after: {}", spell(one.after)));
        }
        lines.push("      - receive:".to_owned());
        lines.push(format!("          source: {}", one.source));
        lines.push("          body:".to_owned());
        block(&one.body, 12, &mut lines);
        let deliveries: Vec<&NewDelivery> = one.happenings.iter().flat_map(|one| &one.deliveries).collect();
        if deliveries.is_empty() {
            lines.push("      - expect: []".to_owned());
            continue;
        }
        lines.push("      - expect:".to_owned());
        lines.extend(deliveries.into_iter().map(|delivery| format!("          - {}", expected(delivery))));
    }
    lines.join("\n")
}

fn expected(delivery: &NewDelivery) -> String {
    let NewDelivery { destination, action, rule, content, .. } = delivery;
    let mut text = format!("{{ to: {destination}, action: {action}, rule: {rule}");
    if let Some(status) = status_of(content) {
        text.push_str(&format!(", status: {}", quoted(status)));
    }
    // A vendor's own body replaces the message, title and all.
    if content.body.is_none() && has_message(*action, content) {
        text.push_str(&format!(", title: {}", quoted(&content.message.title)));
    }
    text + " }"
}

/// `value` in lines: maps as lines, the rest in brackets.
fn block(value: &Value, indent: usize, lines: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                match value {
                    Value::Object(inner) if !inner.is_empty() => {
                        lines.push(format!("{pad}{}:", self::key(key)));
                        block(value, indent + 2, lines);
                    }
                    _ => lines.push(format!("{pad}{}: {}", self::key(key), flow(value))),
                }
            }
        }
        _ => lines.push(format!("{pad}{}", flow(value))),
    }
}

/// `value` on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) if !items.is_empty() => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Object(entries) if !entries.is_empty() => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", self::key(key), flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// A key, in quotes unless it is a plain word.
fn key(key: &str) -> String {
    let is_word = key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !matches!(key, "true" | "false" | "null");
    if is_word { key.to_owned() } else { quoted(key) }
}

/// A text in double quotes: JSON's form, with everything escaped that YAML does not print.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    for c in Value::from(text).to_string().chars() {
        let hidden = ('\u{7f}'..='\u{9f}').contains(&c)
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
        if hidden {
            quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            quoted.push(c);
        }
    }
    quoted
}

/// A span in the largest unit that says it exactly.
fn spell(span: Duration) -> String {
    let ms = span.as_millis();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if ms >= size && ms.is_multiple_of(size) {
            return format!("{}{unit}", ms / size);
        }
    }
    format!("{ms}ms")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;
    use crate::config::diagnostic::Color;
    use crate::config::trials::Act;
    use crate::config::{Files, Secrets, load_from};

    /// A configuration whose one rule file is this.
    struct Written(String);

    impl Files for Written {
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            match path.to_str() {
                Some("relaybell.yaml") => Ok(b"sources: { qase: { kind: qase } }\n".to_vec()),
                Some("rules/a.yaml") => Ok(self.0.clone().into_bytes()),
                _ => Err(io::ErrorKind::NotFound.into()),
            }
        }

        fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
            if folder == Path::new("rules") {
                Ok(vec!["a.yaml".to_owned()])
            } else {
                Err(io::ErrorKind::NotFound.into())
            }
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "(?s).{0,10}",
            "[a-z0-9:#&*!|>'\"%@`,?{}\\[\\] ~\n\t\\\\-]{0,12}",
            prop::sample::select(vec!["no", "~", "null", "007", "1e3", "0x1F", "22:00", "<<", "- a", "---", "\u{85}"])
                .prop_map(str::to_owned),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((text.clone(), inner), 0..4)
                    .prop_map(|entries| Value::from(entries.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        /// A body that is written as YAML is read back as it was, whatever it holds.
        #[test]
        fn what_is_written_is_read_back(payload in any_json(), name in "[^\\p{C}]{1,40}") {
            let body = json!({ "event_name": "case.archived", "payload": { "inner": payload } });
            let after = Duration::from_millis(90_500);
            let told =
                [Told { after, source: "qase".to_owned(), body: body.clone(), happenings: Vec::new() }];
            let at = Timestamp::from_ms(1_789_372_800_123);
            let name = format!("x{name}x");
            let text = format!("rules: []\ntests:\n{}\n", test(&name, at, &told));
            let loaded = load_from(&Written(text.clone()), &|_| None, Path::new("relaybell.yaml"), Secrets::Leave);
            let snapshot = loaded.map_err(|found| TestCaseError::fail(format!("{text}\n{}", found.render(Color::Never))))?;
            let trial = &snapshot.trials[0];
            prop_assert_eq!((&*trial.name, trial.at), (name.as_str(), at));
            let [after_step, received, _] = trial.steps.as_slice() else { panic!("{text}") };
            prop_assert!(matches!(after_step.act, Act::After(time) if time == after));
            let Act::Receive(receive) = &received.act else { panic!("{text}") };
            prop_assert_eq!(serde_json::from_slice::<Value>(&receive.body).unwrap(), body, "{}", text);
        }
    }
}
