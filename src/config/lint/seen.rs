//! Rules held against the events that came: what was seen is no mistake, and what was never
//! seen may be one.

use crate::config::Snapshot;
use crate::config::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::config::nearest::did_you_mean;
use crate::config::traffic::{Seen, Traffic};
use crate::config::vocabulary::FactKind;
use crate::domain::condition::{Condition, Line, Sight, Test};
use crate::domain::rule::Rule;

use super::literal::written_of;

/// How many events must have come before something is called never seen.
const ENOUGH: usize = 20;

/// How many values a hint lists.
const LISTED: usize = 8;

/// Facts whose values differ from event to event, so that a new one says nothing.
const ALWAYS_NEW: [&str; 7] = ["event", "source", "subject", "time", "title", "description", "url"];

/// A warning that traffic may prove wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Where the warning is: file, line, column.
    pub at: (String, usize, usize),
    /// What was not known.
    pub of: Unknown,
}

/// What a warning is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// An event of this name.
    Event(String),
    /// This value of this fact.
    Value(String, String),
    /// This fact at these events.
    Fact(String, Vec<&'static str>),
}

impl Unknown {
    fn was_seen(&self, traffic: &Traffic) -> bool {
        match self {
            Self::Event(name) => traffic.has_event(name),
            Self::Value(fact, value) => traffic.has_value(fact, value),
            Self::Fact(fact, events) => {
                events.iter().any(|event| traffic.by_name.get(*event).is_some_and(|seen| seen.facts.contains_key(fact)))
            }
        }
    }
}

/// The warnings of `snapshot` without those that `traffic` proves wrong, and with what no
/// event ever had.
#[must_use]
pub fn with_traffic(snapshot: &Snapshot, traffic: &Traffic) -> Diagnostics {
    let wrong: Vec<_> =
        snapshot.doubts.iter().filter(|doubt| doubt.of.was_seen(traffic)).map(|doubt| &doubt.at).collect();
    let mut all = snapshot.warnings.clone();
    all.0.retain(|one| {
        !wrong.iter().any(|(file, line, column)| (file, line, column) == (&one.file, &one.line, &one.column))
    });
    let mut hints = Hints { snapshot, found: Vec::new() };
    for rule in snapshot.rules.rules() {
        let events = traffic.by_name.iter().filter(|(name, _)| rule.when.admits(name));
        let events: Vec<(&str, &Seen)> = events.map(|(name, seen)| (name.as_str(), seen)).collect();
        hints.condition(rule, &rule.when, &events);
    }
    all.0.extend(hints.found);
    all
}

struct Hints<'a> {
    snapshot: &'a Snapshot,
    found: Vec<Diagnostic>,
}

impl Hints<'_> {
    /// Looks at what `condition` wants; what it leaves out need never come.
    fn condition(&mut self, rule: &Rule, condition: &Condition, events: &[(&str, &Seen)]) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                let inside: Vec<(&str, &Seen)> =
                    events.iter().filter(|(name, _)| condition.admits(name)).copied().collect();
                parts.iter().for_each(|part| self.condition(rule, part, &inside));
            }
            Condition::None(_) => {}
            Condition::Line(line) if !line.holds(Sight::unchanged(None)) => self.line(rule, line, events),
            Condition::Line(_) => {}
        }
    }

    fn line(&mut self, rule: &Rule, line: &Line, events: &[(&str, &Seen)]) {
        let came: usize = events.iter().map(|(_, seen)| seen.events).sum();
        let fact = line.fact.to_string();
        if came < ENOUGH {
            return;
        }
        let of = match events {
            [(only, _)] => format!("none of the last {came} {only}"),
            _ => format!("none of the last {came} events of this rule's kinds"),
        };
        if !events.iter().any(|(_, seen)| has(seen, line)) {
            let help = "right if it is new; relaybell facts --seen says what came";
            self.tell(rule, line, &fact, format!("{of} had '{fact}'"), help.to_owned());
            return;
        }
        self.values(rule, line, events, &of);
    }

    /// Points out values that never came, where all that came are known.
    fn values(&mut self, rule: &Rule, line: &Line, events: &[(&str, &Seen)], of: &str) {
        let name = line.fact.name();
        let is_text = matches!(self.snapshot.words.kind(name), Some(FactKind::Text | FactKind::List));
        let names: Vec<&str> = events.iter().map(|(name, _)| *name).collect();
        if !line.fact.is_plain() || !is_text || ALWAYS_NEW.contains(&name) {
            return;
        }
        let documented =
            self.snapshot.words.configured().words_of(name, names).map(|words| words.words).unwrap_or_default();
        let seen: Vec<_> = events.iter().filter_map(|(_, seen)| seen.facts.get(name)).collect();
        if seen.iter().any(|fact| fact.more) {
            return;
        }
        let mut known: Vec<(&str, usize)> = seen.iter().flat_map(|fact| fact.frequent()).collect();
        known.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut values: Vec<&str> = Vec::new();
        for (value, _) in known {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        for wanted in wanted(line) {
            let same = |value: &&str| value.to_lowercase() == wanted.to_lowercase();
            if values.iter().any(same) || documented.iter().any(same) {
                continue;
            }
            let listed = values.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
            let more = if values.len() > LISTED { " …" } else { "" };
            let message = format!("{of} had {name} '{wanted}'{}", did_you_mean(wanted, values.iter().copied()));
            self.tell(rule, line, wanted, message, format!("seen: {listed}{more}; right if it is still to come"));
        }
    }

    fn tell(&mut self, rule: &Rule, line: &Line, word: &str, message: String, help: String) {
        let file = rule.place.0.to_string();
        let number = line.line as usize;
        let files = &self.snapshot.files;
        let text = files.iter().find(|(name, _)| file.ends_with(name.as_str())).and_then(|(_, text)| text.as_str());
        let source_line = text.unwrap_or_default().lines().nth(number.saturating_sub(1)).unwrap_or_default();
        let column = source_line.find(word).map_or(1, |at| source_line[..at].chars().count() + 1);
        let width = if source_line.contains(word) { word.chars().count() } else { source_line.chars().count().max(1) };
        self.found.push(Diagnostic {
            severity: Severity::Warning,
            file,
            line: number,
            column,
            width,
            source_line: source_line.to_owned(),
            message,
            help: Some(help),
            also: None,
        });
    }
}

/// Whether any of the events had what `line` is about.
fn has(seen: &Seen, line: &Line) -> bool {
    let path = line.fact.to_string();
    if line.fact.is_plain() || line.fact.name() != "payload" {
        return line.fact.name() == "payload" || seen.facts.contains_key(line.fact.name());
    }
    let general: String = path
        .split('[')
        .enumerate()
        .map(|(n, part)| match part.split_once(']') {
            Some((_, rest)) if n > 0 => format!("[]{rest}"),
            _ => part.to_owned(),
        })
        .collect();
    let general = general.trim_end_matches("[]");
    // A path in another spelling is not judged.
    general.contains('"') || seen.fields.contains_key(general)
}

/// The texts of which the line wants one.
fn wanted(line: &Line) -> Vec<&str> {
    let lists = line.tests.iter().filter_map(|test| match test {
        Test::OneOf(wanted) | Test::HasAny(wanted) | Test::HasAll(wanted) => Some(wanted),
        _ => None,
    });
    lists.flatten().filter_map(written_of).collect()
}
