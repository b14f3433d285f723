//! The shape of JSON as a vendor demands it: what is wrong, and where.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

/// Collects what is wrong with a body, each with its JSON Pointer.
#[derive(Debug, Default)]
pub struct Shape {
    problems: Vec<String>,
}

impl Shape {
    /// Everything found wrong, in order.
    #[must_use]
    pub fn problems(self) -> Vec<String> {
        self.problems
    }

    /// Notes that `what` is wrong at the pointer `at`.
    pub fn wrong(&mut self, at: &str, what: impl AsRef<str>) {
        self.problems.push(format!("{} [json-pointer:{at}]", what.as_ref()));
    }

    /// The object at `at`, which has no key but the `known`.
    pub fn object<'a>(&mut self, value: &'a Value, at: &str, known: &[&str]) -> Option<&'a Map<String, Value>> {
        let Some(map) = value.as_object() else {
            self.wrong(at, "must be an object");
            return None;
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.wrong(&format!("{at}/{key}"), format!("unknown key '{key}'"));
        }
        Some(map)
    }

    /// The text under `key`, required and within `units` (UTF-16).
    pub fn text<'a>(
        &mut self,
        map: &'a Map<String, Value>,
        at: &str,
        key: &str,
        units: RangeInclusive<usize>,
    ) -> Option<&'a str> {
        let at = format!("{at}/{key}");
        let Some(text) = map.get(key).and_then(Value::as_str) else {
            self.wrong(&at, "missing required text");
            return None;
        };
        let length = text.encode_utf16().count();
        if length < *units.start() || (length > 0 && text.trim().is_empty() && *units.start() > 0 && text != "\n\n") {
            self.wrong(&at, format!("must be more than {} characters", units.start().saturating_sub(1)));
        }
        if length > *units.end() {
            self.wrong(&at, format!("must be less than {} characters", units.end() + 1));
        }
        Some(text)
    }

    /// The list under `key`, required and of a length within `count`.
    pub fn list<'a>(
        &mut self,
        map: &'a Map<String, Value>,
        at: &str,
        key: &str,
        count: RangeInclusive<usize>,
    ) -> &'a [Value] {
        let at = format!("{at}/{key}");
        let Some(list) = map.get(key).and_then(Value::as_array) else {
            self.wrong(&at, "missing required list");
            return &[];
        };
        if !count.contains(&list.len()) {
            self.wrong(&at, format!("must have {} to {} items, has {}", count.start(), count.end(), list.len()));
        }
        list
    }

    /// The address under `key`, which leads to the web.
    pub fn address(&mut self, map: &Map<String, Value>, at: &str, key: &str) {
        if let Some(text) = self.text(map, at, key, 1..=3000) {
            let ok = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"));
            if !ok {
                self.wrong(&format!("{at}/{key}"), "invalid URL");
            }
        }
    }
}

/// The `type` of a node; empty when it has none.
#[must_use]
pub fn kind(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}
