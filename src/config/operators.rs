//! The lines of a rule: from `severity: { at_least: critical }` to tests.

use std::collections::BTreeSet;

use regex::RegexBuilder;
use serde_yaml::Value;

use super::findings::{Findings, Place};
use super::lint::Unknown;
use super::nearest::{any_of, did_you_mean, slip_of};
use super::node::{Entry, Node, Tree};
use super::values;
use super::vocabulary::{FactKind, OPERATORS, SYNONYMS};
use crate::domain::Name;
use crate::domain::condition::{Bound, Folded, Limit, Presence, Test, Wanted};
use crate::domain::rank;

/// The longest regular expression, in bytes.
const PATTERN_BYTES_MAX: usize = 1000;

/// The most memory a compiled regular expression may take, in bytes.
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// Reads what must hold of one fact.
pub struct Line<'a> {
    /// The fact's path as written.
    pub fact: &'a str,
    /// The fact's name.
    pub name: &'a str,
    /// What its values are.
    pub kind: FactKind,
    /// The names of the sources.
    pub sources: &'a BTreeSet<Name>,
    /// Where findings go.
    pub findings: &'a mut Findings,
}

impl Line<'_> {
    /// The tests that `node` asks for. `None` when any is broken; the reasons are reported.
    pub fn tests(&mut self, node: &Node) -> Option<Vec<Test>> {
        match &node.tree {
            Tree::Map(entries) if entries.is_empty() => {
                let help = format!("write what must hold, as in {}: {{ present: true }}", self.fact);
                self.findings.error_help(node.at, format!("'{}' says nothing", self.fact), help);
                None
            }
            Tree::Map(entries) => {
                let tests: Vec<Option<Test>> = entries.iter().map(|entry| self.operator(entry)).collect();
                tests.into_iter().collect()
            }
            _ => Some(vec![Test::OneOf(self.wanted_list(node)?)]),
        }
    }

    fn operator(&mut self, entry: &Entry) -> Option<Test> {
        let value = &entry.value;
        match entry.key.as_str() {
            "not" => Some(Test::Not(self.tests(value)?)),
            "at_least" => self.order(Bound::AtLeast, entry),
            "at_most" => self.order(Bound::AtMost, entry),
            "above" => self.order(Bound::Above, entry),
            "below" => self.order(Bound::Below, entry),
            "starts_with" => Some(Test::StartsWith(self.part(entry)?)),
            "ends_with" => Some(Test::EndsWith(self.part(entry)?)),
            "contains" => Some(Test::Contains(self.part(entry)?)),
            "like" => Some(Test::Like(self.part(entry)?)),
            "matches" => self.matches(entry),
            "present" => {
                let presence = if self.flag(entry)? { Presence::There } else { Presence::Absent };
                Some(Test::Present(presence))
            }
            "has_any" => Some(Test::HasAny(self.elements(entry)?)),
            "has_all" => Some(Test::HasAll(self.elements(entry)?)),
            "has_none" => Some(Test::HasNone(self.elements(entry)?)),
            "changed" => self.changed(entry),
            other => {
                let meant = SYNONYMS.iter().find(|(word, _)| *word == other).map(|(_, operator)| *operator);
                let meant = match meant {
                    Some(operator) => format!(", did you mean '{operator}'?"),
                    None => did_you_mean(other, OPERATORS),
                };
                let message = format!("unknown operator '{other}'{meant}");
                self.findings.error_help(entry.key_at, message, format!("operators are: {}", OPERATORS.join(", ")));
                None
            }
        }
    }

    fn flag(&mut self, entry: &Entry) -> Option<bool> {
        let value = &entry.value;
        if let Tree::Scalar(Value::Bool(flag), _) = &value.tree {
            return Some(*flag);
        }
        self.findings.error(value.at, format!("'{}' is true or false, but this is {}", entry.key, value.kind()));
        None
    }

    /// `changed: true`, of a fact that memory can know.
    fn changed(&mut self, entry: &Entry) -> Option<Test> {
        let fact = self.fact;
        if self.name != fact {
            let message = format!("'{fact}' is not remembered, so it cannot change: only named facts are");
            self.findings.error_help(entry.key_at, message, "relaybell facts  lists them");
            return None;
        }
        if !self.findings.words().is_remembered(fact) {
            let message = format!("'{fact}' is not remembered of a subject, so it cannot change");
            self.findings.error(entry.key_at, message);
            return None;
        }
        self.flag(entry).map(Test::Changed)
    }

    /// One value or a list of them.
    fn wanted_list(&mut self, node: &Node) -> Option<Vec<Wanted>> {
        let Tree::List(items) = &node.tree else { return Some(vec![self.wanted(node)?]) };
        if items.is_empty() {
            self.findings.error(node.at, "an empty list matches nothing");
            return None;
        }
        let wanted: Vec<Option<Wanted>> = items.iter().map(|item| self.wanted(item)).collect();
        wanted.into_iter().collect()
    }

    /// One value the fact may equal.
    fn wanted(&mut self, node: &Node) -> Option<Wanted> {
        let fact = self.fact;
        let Tree::Scalar(value, written) = &node.tree else {
            let message = format!("'{fact}' is compared with one value or a flat list of values, not {}", node.kind());
            self.findings.error(node.at, message);
            return None;
        };
        match (self.kind, value) {
            (FactKind::Duration, Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
                let example = if values::duration(written).is_ok() { written.as_str() } else { "4h" };
                let help = format!("write {fact}: {{ above: {example} }} or {fact}: {{ at_most: {example} }}");
                self.findings.error_help(node.at, format!("'{fact}' is never exactly one value"), help);
                None
            }
            (_, Value::Null) => {
                let help = format!("to ask whether the fact is missing, write {fact}: {{ present: false }}");
                self.findings.error_help(node.at, format!("'{fact}' is compared with nothing"), help);
                None
            }
            (FactKind::Number, Value::String(text)) if text.trim().parse::<f64>().is_err() => {
                let help = format!("write a number, or compare: {fact}: {{ above: 0 }}");
                self.findings.error_help(node.at, format!("'{fact}' is a number, and '{text}' is none"), help);
                None
            }
            (FactKind::Number, Value::Bool(flag)) => {
                let help = format!("write a number, or ask whether it is there: {fact}: {{ present: {flag} }}");
                self.findings.error_help(node.at, format!("'{fact}' is a number, and this is {flag}"), help);
                None
            }
            (FactKind::Flag, Value::String(_) | Value::Number(_)) => {
                let message = format!("'{fact}' is true or false, and this is {}", node.kind());
                self.findings.error_help(
                    node.at,
                    message,
                    "in YAML 1.2 yes, no, on and off are text: write true or false",
                );
                None
            }
            (FactKind::Text, Value::Number(_) | Value::Bool(_)) => self.word(written, node.at),
            (_, Value::Bool(flag)) => Some(Wanted::Flag(*flag)),
            (_, Value::Number(number)) => number.as_f64().map(Wanted::Number),
            (_, Value::String(text)) => self.word(text, node.at),
            _ => None,
        }
    }

    /// A text the fact may equal, held against the vocabulary.
    fn word(&mut self, text: &str, at: Place) -> Option<Wanted> {
        if self.name == self.fact {
            if let Some(ranked) = rank::words(self.fact) {
                self.ranked(text, ranked, at)?;
            }
            if self.fact == "source" && !self.sources.iter().any(|known| known.eq_ignore_ascii_case(text)) {
                let known = self.sources.iter().map(AsRef::as_ref);
                let message = format!("unknown source '{text}'{}", did_you_mean(text, known));
                self.findings.warning(at, message, "no event comes from it: relaybell.yaml has no source of this name");
            }
            if self.fact == "changed" {
                self.name_of_fact(text, at)?;
            }
            if self.fact == "event" {
                self.event(text, at);
                if text.contains(['*', '?']) {
                    return Some(Wanted::Glob(Folded::new(text)));
                }
            }
        }
        Some(Wanted::Text(Folded::new(text)))
    }

    /// Reports an element of `changed` that is no fact that can change.
    fn name_of_fact(&mut self, text: &str, at: Place) -> Option<()> {
        let words = self.findings.words();
        let known = || words.names().filter(|known| words.is_remembered(known));
        if known().any(|known| known.eq_ignore_ascii_case(text)) {
            return Some(());
        }
        let is_fact = words.names().any(|known| known.eq_ignore_ascii_case(text));
        let message = if is_fact {
            format!("'{text}' is not remembered of a subject, so it cannot change")
        } else {
            format!("unknown fact '{text}'{}", did_you_mean(text, known()))
        };
        self.findings.error_help(at, message, "'changed' lists the names of facts");
        None
    }

    /// Reports a word that is no severity or priority.
    fn ranked(&mut self, text: &str, ranked: &'static [&'static str], at: Place) -> Option<()> {
        let fact = self.fact;
        let fits = |known: &str| known.eq_ignore_ascii_case(text.trim());
        if ranked.iter().copied().any(fits) || (fact == "severity" && fits(rank::UNDEFINED)) {
            return Some(());
        }
        let message = format!("unknown {fact} '{text}'{}", did_you_mean(text, ranked.iter().copied()));
        self.findings.error_help(at, message, format!("from the highest down: {}", ranked.join(", ")));
        None
    }

    /// Points out an event that no source is known to send.
    fn event(&mut self, text: &str, at: Place) {
        let words = self.findings.words();
        let known = words.events();
        let folded = text.to_lowercase();
        let help = "right if the sender has added it since; no documented event has this name";
        if text.contains(['*', '?']) {
            if !known.iter().any(|event| crate::domain::condition::glob(&folded, &event.to_lowercase())) {
                self.findings.warning(at, format!("no known event fits '{text}'"), help);
            }
        } else if !known.iter().any(|event| event.eq_ignore_ascii_case(text)) {
            let message = format!("unknown event '{text}'{}", did_you_mean(text, known.iter().copied()));
            match slip_of(text, known.iter().copied()) {
                // Almost surely a typo, and a rule with it would keep silent for ever.
                Some(_) if !words.configured().has_open() => {
                    let help = format!("if the sender really sends this, write it as a pattern: \"{text}*\"");
                    self.findings.error_help(at, message, help);
                }
                _ => self.findings.doubt(at, message, help, Unknown::Event(text.to_owned())),
            }
        }
    }

    fn order(&mut self, bound: Bound, entry: &Entry) -> Option<Test> {
        let (fact, operator, node) = (self.fact, entry.key.as_str(), &entry.value);
        if self.name == fact
            && let Some(ranked) = rank::words(fact)
        {
            let Some(word) = node.text() else {
                let message = format!("'{operator}' compares '{fact}' with a word, but this is {}", node.kind());
                self.findings.error_help(node.at, message, format!("from the highest down: {}", ranked.join(", ")));
                return None;
            };
            if word.eq_ignore_ascii_case(rank::UNDEFINED) {
                self.findings.error(node.at, format!("'{word}' has no rank, so nothing is above or below it"));
                return None;
            }
            self.ranked(word, ranked, node.at)?;
            return rank::rank(fact, word.trim()).map(|rank| Test::Order(bound, Limit::Rank(rank)));
        }
        let what = match self.kind {
            FactKind::Duration => return self.seconds(node).map(|limit| Test::Order(bound, limit)),
            FactKind::Number | FactKind::Object | FactKind::Any => None,
            FactKind::Text => Some("text"),
            FactKind::Flag => Some("true or false"),
            FactKind::List => Some("a list"),
            FactKind::Time => Some("a time"),
        };
        if let Some(what) = what {
            let message = format!("'{operator}' compares numbers, and '{fact}' is {what}");
            self.findings.error(entry.key_at, message);
            return None;
        }
        let Tree::Scalar(Value::Number(number), _) = &node.tree else {
            let message = format!("'{operator}' needs a number, but this is {}", node.kind());
            let help = match node.text() {
                Some(text) if text.trim().parse::<f64>().is_ok() => "write it without quotes",
                Some(text) if text.trim_end().ends_with('%') => "write a share from 0 to 1: 0.9 for 90 %",
                _ => "write a number such as 10 or 0.9",
            };
            self.findings.error_help(node.at, message, help);
            return None;
        };
        let number = number.as_f64()?;
        if fact == "pass_rate" && number > 1.0 {
            let message = "'pass_rate' is a share from 0 to 1, so it is never above 1";
            self.findings.warning(node.at, message, format!("write {} for {number} %", number / 100.0));
        }
        Some(Test::Order(bound, Limit::Number(number)))
    }

    fn compared(&self) -> String {
        format!("compare it: {}: {{ above: 4h }}", self.fact)
    }

    /// A duration with its unit.
    fn seconds(&mut self, node: &Node) -> Option<Limit> {
        let fact = self.fact;
        let why = match &node.tree {
            Tree::Scalar(Value::Number(_), written) => {
                let help = format!("add the unit: {written}s, {written}m, {written}h or {written}d");
                self.findings.error_help(node.at, format!("'{fact}' is a duration, and {written} has no unit"), help);
                return None;
            }
            Tree::Scalar(Value::String(text), _) => match values::duration(text) {
                Ok(duration) => return u32::try_from(duration.as_secs()).ok().map(Limit::Seconds),
                Err(why) => why,
            },
            _ => "write a whole number and a unit: 30s, 10m, 4h, 30d".to_owned(),
        };
        self.findings.error_help(node.at, format!("'{fact}' is compared with a duration, not {}", node.kind()), why);
        None
    }

    /// The text an operator looks for.
    fn part(&mut self, entry: &Entry) -> Option<Folded> {
        self.text_of(entry).map(|text| Folded::new(&text))
    }

    fn text_of(&mut self, entry: &Entry) -> Option<String> {
        let (operator, node) = (entry.key.as_str(), &entry.value);
        let what = match self.kind {
            FactKind::Flag => Some("true or false"),
            FactKind::Number => Some("a number"),
            FactKind::Duration => Some("a duration"),
            FactKind::Text | FactKind::List | FactKind::Time | FactKind::Object | FactKind::Any => None,
        };
        if let Some(what) = what {
            let message = format!("'{operator}' looks into text, and '{}' is {what}", self.fact);
            let help = match self.kind {
                FactKind::Number => format!("compare it: {}: {{ at_least: 1, at_most: 5 }}", self.fact),
                FactKind::Duration => self.compared(),
                _ => format!("write {}: true, or {}: false", self.fact, self.fact),
            };
            self.findings.error_help(entry.key_at, message, help);
            return None;
        }
        let text = match &node.tree {
            Tree::Scalar(Value::String(_) | Value::Number(_), written) => written.clone(),
            Tree::List(_) => {
                let help =
                    format!("one value here; for several write any_of with one '{operator}' each, or use 'matches'");
                self.findings.error_help(node.at, format!("'{operator}' looks for one text, but this is a list"), help);
                return None;
            }
            _ => {
                self.findings.error(node.at, format!("'{operator}' looks for a text, but this is {}", node.kind()));
                return None;
            }
        };
        if text.is_empty() {
            self.findings.error(node.at, format!("'{operator}' looks for an empty text, which is in every text"));
            return None;
        }
        Some(text)
    }

    fn matches(&mut self, entry: &Entry) -> Option<Test> {
        let text = self.text_of(entry)?;
        let at = entry.value.at;
        if text.len() > PATTERN_BYTES_MAX {
            self.findings.error(at, format!("this regular expression is longer than {PATTERN_BYTES_MAX} bytes"));
            return None;
        }
        match RegexBuilder::new(&text).case_insensitive(true).size_limit(PATTERN_SIZE_MAX).build() {
            Ok(pattern) => Some(Test::Matches(pattern)),
            Err(error) => {
                let said = error.to_string();
                let why = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
                let why = why.trim_start_matches("error: ");
                let (message, help) = match error {
                    regex::Error::CompiledTooBig(_) => {
                        ("this regular expression is too big".to_owned(), "repeat less: {1000} of {1000} has no end")
                    }
                    _ if why.contains("look-around") => (
                        "this is no regular expression: look-ahead and look-behind do not exist here".to_owned(),
                        "use two lines, or 'not: { matches: … }'",
                    ),
                    _ if why.contains("backreferences") => (
                        "this is no regular expression: references to groups do not exist here".to_owned(),
                        "every pattern takes linear time",
                    ),
                    _ => (
                        format!("this is no regular expression: {why}"),
                        "a sign that stands for itself needs a backslash: \\( \\[ \\.",
                    ),
                };
                self.findings.error_help(at, message, help);
                None
            }
        }
    }

    /// The elements an operator looks for in a list.
    fn elements(&mut self, entry: &Entry) -> Option<Vec<Wanted>> {
        let what = match self.kind {
            FactKind::List | FactKind::Object | FactKind::Any => return self.wanted_list(&entry.value),
            FactKind::Text => "text",
            FactKind::Number => "a number",
            FactKind::Flag => "true or false",
            FactKind::Time => "a time",
            FactKind::Duration => "a duration",
        };
        let message = format!("'{}' looks into lists, and '{}' is {what}", entry.key, self.fact);
        let help = match self.kind {
            FactKind::Duration => self.compared(),
            _ => format!("write {}: {}", self.fact, any_of(["[one, two]", "{ contains: … }"])),
        };
        self.findings.error_help(entry.key_at, message, help);
        None
    }
}
