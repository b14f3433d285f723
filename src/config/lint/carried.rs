//! Lines that hold a fact against events that never have it, or against values it never has.

use std::collections::HashMap;

use super::Report;
use crate::config::findings::Findings;
use crate::config::nearest::{any_of, did_you_mean};
use crate::domain::condition::{Condition, Line, Sight, Test};
use crate::domain::rule::Rule;
use crate::source::catalogue::{Catalogues, Words};

use super::Unknown;
use super::literal::{asks_for_change, each_test, text_of};

/// How many events a message names.
const EVENTS_NAMED: usize = 4;

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The rule wants it.
    Wanted,
    /// It is one of several alternatives.
    Alternative,
    /// It leaves something out.
    LeftOut,
}

/// The values of facts at events, as far as they were asked for already: most rules ask
/// for the same ones.
pub(super) struct Values<'c> {
    sources: &'c Catalogues,
    events: Vec<&'static str>,
    found: HashMap<(String, Vec<&'static str>), Option<Words>>,
}

impl<'c> Values<'c> {
    /// Nothing is asked yet of what `sources` can report.
    pub(super) fn of(sources: &'c Catalogues) -> Self {
        Self { sources, events: sources.events(), found: HashMap::new() }
    }

    /// The values that the fact has, told by `events` or by earlier events of their subjects.
    fn at(&mut self, fact: &str, events: &[&'static str]) -> Option<Words> {
        let sources = self.sources;
        let find = || sources.words_of(fact, tellers(sources, fact, events).iter().copied());
        self.found.entry((fact.to_owned(), events.to_vec())).or_insert_with(find).clone()
    }
}

/// Points out the lines of `rule` that its events cannot satisfy.
pub(super) fn lint(rule: &Rule, report: &Report, values: &mut Values<'_>, findings: &mut Findings) {
    let events = values.events.clone();
    let mut walk = Walk { report, values, findings };
    walk.condition(&rule.when, &events, Part::Wanted);
    if let Some(unless) = &rule.unless {
        let events = admitted(&rule.when, &events);
        walk.condition(unless, &events, Part::LeftOut);
    }
}

fn admitted(condition: &Condition, events: &[&'static str]) -> Vec<&'static str> {
    events.iter().copied().filter(|event| condition.admits(event)).collect()
}

struct Walk<'a, 'c> {
    report: &'a Report<'a>,
    values: &'a mut Values<'c>,
    findings: &'a mut Findings,
}

impl Walk<'_, '_> {
    /// Looks at `condition`, which stands beside lines that let `events` through.
    fn condition(&mut self, condition: &Condition, events: &[&'static str], part: Part) {
        let (parts, inside) = match condition {
            Condition::Line(line) => return self.line(line, events, part),
            Condition::All(parts) => (parts, part),
            Condition::Any(parts) => (parts, if part == Part::Wanted { Part::Alternative } else { part }),
            Condition::None(parts) => (parts, Part::LeftOut),
        };
        let events = if matches!(condition, Condition::All(_)) { admitted(condition, events) } else { events.to_vec() };
        for one in parts {
            self.condition(one, &events, inside);
        }
    }

    fn line(&mut self, line: &Line, events: &[&'static str], part: Part) {
        let fact = line.fact.name();
        // Without a known event nothing is known; a line that a missing fact pleases is right.
        if events.is_empty() || fact == "event" || line.holds(Sight::unchanged(None)) {
            return;
        }
        if !events.iter().any(|event| self.values.sources.can_have(event, fact)) {
            return self.never_there(line, events, part);
        }
        if line.fact.is_plain()
            && let Some(words) = self.values.at(fact, events)
        {
            self.values(line, &words, events);
        }
    }

    fn never_there(&mut self, line: &Line, events: &[&'static str], part: Part) {
        let fact = line.fact.name();
        let so = match part {
            Part::Wanted => "so this rule never matches",
            Part::Alternative => "so this alternative never holds",
            Part::LeftOut => "so this line leaves nothing out",
        };
        let message =
            format!("{} never {} '{fact}', {so}", named(events, "and"), if events.len() == 1 { "has" } else { "have" });
        let with = self.values.sources.carriers(fact);
        let help = format!("'{fact}' comes with {}; see  relaybell facts", named(&with, "and"));
        let at = self.report.place(line, &line.fact.to_string(), self.findings);
        self.findings.doubt(at, message, help, Unknown::Fact(fact.to_owned(), events.to_vec()));
    }

    /// Holds the values of `line` against those that its fact has at `events`.
    fn values(&mut self, line: &Line, words: &Words, events: &[&'static str]) {
        let mut unknown = Vec::new();
        let mut names_values = false;
        each_test(&line.tests, &mut |test| {
            if let Test::OneOf(wanted) = test {
                names_values = true;
                let texts = wanted.iter().filter_map(text_of);
                unknown.extend(texts.filter(|text| !words.words.contains(text)));
            }
        });
        let help = format!("it has: {}", words.words.join(", "));
        let fact = &line.fact;
        for word in unknown {
            let at = self.report.place(line, word, self.findings);
            let message = format!("unknown {fact} '{word}'{}", did_you_mean(word, words.words.iter().copied()));
            if words.closed {
                self.findings.error_help(at, message, help.clone());
            } else {
                let help = format!(
                    "{help}; right if yours has more",
                    help = help.replace("it has", &format!("{} has", named(events, "or")))
                );
                self.findings.doubt(at, message, help, Unknown::Value(fact.to_string(), word.to_owned()));
            }
        }
        let fits = || words.words.iter().any(|word| line.holds(Sight::unchanged(Some(&(*word).into()))));
        let is_flag = words.words == ["true", "false"];
        if !names_values && !is_flag && !asks_for_change(line) && !fits() {
            let at = self.report.place(line, &fact.to_string(), self.findings);
            self.findings.warning(at, format!("no known {fact} is so that '{}'", line.says()), help);
        }
    }
}

/// The events that tell the value of `fact` when one of `events` comes: itself, or an
/// earlier one of its subject.
fn tellers(sources: &Catalogues, fact: &str, events: &[&'static str]) -> Vec<&'static str> {
    let mut all = Vec::new();
    for event in events {
        let Some(supply) = sources.supply(event, fact) else { continue };
        if !supply.forms.is_empty() {
            all.push(*event);
        }
        all.extend(supply.remembered_from);
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// `defect.created and defect.updated`; the first few and a count where there are many.
fn named(events: &[&str], last: &str) -> String {
    if events.len() > EVENTS_NAMED + 1 {
        let rest = events.len() - EVENTS_NAMED;
        return format!("{} {last} {rest} other events", events[..EVENTS_NAMED].join(", "));
    }
    any_of(events.iter().copied()).replace(" or ", &format!(" {last} "))
}
