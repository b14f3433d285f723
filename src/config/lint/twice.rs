//! Two rules that send to the same destination what happens once: the second message is
//! silently the first rule's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::literal::text_of;
use super::solve::{Budget, goals, witness};
use super::{Report, Sheets};
use crate::config::findings::Findings;
use crate::config::vocabulary::Vocabulary;
use crate::domain::Name;
use crate::domain::condition::{Condition, Silent, Test};
use crate::domain::delivery::Action;
use crate::domain::facts::{FactPath, Facts};
use crate::domain::rule::{Rule, Send};
use crate::source::catalogue::Catalogues;

/// How many pairs of rules are compared at most.
const PAIRS_MAX: usize = 10_000;

/// How many combinations of alternatives are followed for all pairs together.
const STEPS_MAX: usize = 20_000;

/// How many pairs are told at most.
const TOLD_MAX: usize = 20;

/// Up to so many messages are compared each with each rather than divided further.
const GROUP_MAX: usize = 8;

/// A message of a rule, by the rule's place in the list.
type Message<'r> = (usize, &'r Send);

/// Points out pairs of rules of which one message goes under.
pub(super) fn lint(rules: &[Rule], sheets: &Sheets, findings: &mut Findings) {
    let mut search = Search {
        rules,
        compared: HashSet::new(),
        found: Vec::new(),
        budget: Budget::of(STEPS_MAX, findings.words()),
        words: findings.words(),
        bounded: false,
    };
    for messages in by_lane(rules).into_values() {
        search.divide(&messages, &mut Vec::new());
    }
    let Search { mut found, bounded, .. } = search;
    found.sort_by_key(|overlap| (overlap.second.0, overlap.first.0));
    for overlap in &found {
        overlap.tell(rules, sheets, findings);
    }
    if let (true, Some(rule)) = (bounded, rules.last()) {
        let at = Report { rule, sheets }.name(findings);
        let message = "not every rule was held against every other: there are too many that send to one destination";
        findings.warning(at, message, "a message that another rule sends already may go unnoticed here");
    }
}

/// The messages that go to one destination by one action, where they are not all the same.
fn by_lane(rules: &[Rule]) -> BTreeMap<(Name, &'static str), Vec<Message<'_>>> {
    let mut lanes: BTreeMap<(Name, &'static str), Vec<Message<'_>>> = BTreeMap::new();
    for (place, rule) in rules.iter().enumerate() {
        for send in &rule.send {
            lanes.entry((send.to.clone(), send.action.word())).or_default().push((place, send));
        }
    }
    lanes.retain(|_, messages| messages.iter().any(|(_, send)| !says_the_same(send, messages[0].1)));
    lanes
}

/// Whether it makes no difference which of the two is sent.
fn says_the_same(one: &Send, other: &Send) -> bool {
    one.template == other.template && one.mention == other.mention && one.fields == other.fields && one.how == other.how
}

/// Whether messages of the two are in one conversation. A rule that is muted is about to change.
fn may_meet(one: &Rule, other: &Rule) -> bool {
    let (one, other) = (&one.handling, &other.handling);
    one.about == other.about && one.mute_until.is_none() && other.mute_until.is_none()
}

struct Search<'r> {
    rules: &'r [Rule],
    compared: HashSet<(usize, usize)>,
    found: Vec<Overlap<'r>>,
    budget: Budget,
    words: Arc<Vocabulary>,
    bounded: bool,
}

/// Two messages of which the second is not sent when both rules match, and facts that do so.
struct Overlap<'r> {
    first: Message<'r>,
    second: Message<'r>,
    facts: Facts,
}

impl<'r> Search<'r> {
    /// Divides messages by what their rules want a fact to equal, so that those are never
    /// compared that differ in it; compares what is left.
    fn divide(&mut self, messages: &[Message<'r>], asked: &mut Vec<&'r FactPath>) {
        let split = if messages.len() > GROUP_MAX { self.best(messages, asked) } else { None };
        let Some(fact) = split else { return self.compare(messages) };
        let mut groups: BTreeMap<String, Vec<Message<'r>>> = BTreeMap::new();
        let mut others = Vec::new();
        for message in messages {
            match wants(&self.rules[message.0].when).find(|(wanted, _)| *wanted == fact) {
                None => others.push(*message),
                Some((_, texts)) => {
                    for text in texts {
                        groups.entry(text.to_owned()).or_default().push(*message);
                    }
                }
            }
        }
        asked.push(fact);
        for mut group in groups.into_values() {
            group.extend(&others);
            group.sort_by_key(|(rule, _)| *rule);
            self.divide(&group, asked);
        }
        self.divide(&others, asked);
        asked.pop();
    }

    /// The fact, not asked yet, that the most of the rules want to equal some texts; `None`
    /// when it is fewer than half of them.
    fn best(&self, messages: &[Message<'r>], asked: &[&'r FactPath]) -> Option<&'r FactPath> {
        let mut counts: HashMap<&'r FactPath, usize> = HashMap::new();
        for (rule, _) in messages {
            let facts: HashSet<&FactPath> = wants(&self.rules[*rule].when).map(|(fact, _)| fact).collect();
            for fact in facts.into_iter().filter(|fact| !asked.contains(fact)) {
                *counts.entry(fact).or_default() += 1;
            }
        }
        let most = counts.into_iter().max_by_key(|(fact, count)| (*count, std::cmp::Reverse(fact.to_string())));
        most.filter(|(_, count)| count * 2 >= messages.len()).map(|(fact, _)| fact)
    }

    fn compare(&mut self, messages: &[Message<'r>]) {
        for (n, first) in messages.iter().enumerate() {
            for second in &messages[n + 1..] {
                if first.0 == second.0
                    || says_the_same(first.1, second.1)
                    || !may_meet(&self.rules[first.0], &self.rules[second.0])
                {
                    continue;
                }
                if self.compared.len() >= PAIRS_MAX || self.budget.is_spent() || self.found.len() >= TOLD_MAX {
                    self.bounded = true;
                    return;
                }
                if !self.compared.insert((first.0, second.0)) {
                    continue;
                }
                if let Some(facts) =
                    both(&self.rules[first.0], &self.rules[second.0], self.words.configured(), &mut self.budget)
                {
                    self.found.push(Overlap { first: *first, second: *second, facts });
                }
            }
        }
    }
}

/// What must hold for `condition` to hold: its lines that want a fact to equal one of some texts.
fn wants<'a>(condition: &'a Condition) -> Box<dyn Iterator<Item = (&'a FactPath, Vec<&'a str>)> + 'a> {
    match condition {
        Condition::All(parts) => Box::new(parts.iter().flat_map(wants)),
        Condition::Line(line) => Box::new(line.tests.iter().filter_map(|test| {
            let Test::OneOf(wanted) = test else { return None };
            Some((&line.fact, wanted.iter().map(text_of).collect::<Option<Vec<_>>>()?))
        })),
        Condition::Any(_) | Condition::None(_) => Box::new(std::iter::empty()),
    }
}

/// Facts of a documented event that both rules match, if such can be made up.
fn both(one: &Rule, other: &Rule, sources: &Catalogues, budget: &mut Budget) -> Option<Facts> {
    let mut all = goals(one);
    all.extend(goals(other));
    let (mut found, events) = (None, sources.events());
    witness(&all, budget, &mut |facts| {
        found = events.iter().find_map(|event| {
            let mut facts = facts.clone();
            facts.values.insert("event".to_owned(), (*event).into());
            let matched = one.matches(&facts, &mut Silent) && other.matches(&facts, &mut Silent);
            let real = || facts.values.keys().all(|fact| sources.can_have(event, fact));
            (matched && real()).then_some(facts)
        });
        found.is_some()
    })?;
    found
}

impl Overlap<'_> {
    fn tell(&self, rules: &[Rule], sheets: &Sheets, findings: &mut Findings) {
        let (first, second) = (&rules[self.first.0], &rules[self.second.0]);
        let send = self.second.1;
        let message = format!(
            "'{}' and '{}' both {} {} '{}' for {}; it happens once, as '{}' says",
            first.name,
            second.name,
            send.action.word(),
            if send.action == Action::Post { "to" } else { "at" },
            send.to,
            self.event(),
            first.name,
        );
        let at = Report { rule: second, sheets }.name(findings);
        let wins = Report { rule: first, sheets }.name(findings);
        let label = match &self.first.1.template {
            Some(template) => format!("wins, with the template '{template}'"),
            None => "wins, with the built-in message".to_owned(),
        };
        let help = format!("leave out in '{}' what '{}' tells already, or send it elsewhere", second.name, first.name);
        findings.warning_also(at, message, help, wins, &label);
    }

    /// The event that both match, in words.
    fn event(&self) -> String {
        let value = |name: &str| {
            let value = self.facts.values.get(name)?;
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let mut text = value("event").unwrap_or_default();
        if let Some(project) = value("project") {
            text.push_str(&format!(" of {project}"));
        }
        let others = self.facts.values.keys().filter(|name| !["event", "project"].contains(&name.as_str()));
        let others: Vec<String> = others.filter_map(|name| Some(format!("{name} {}", value(name)?))).collect();
        if !others.is_empty() {
            text.push_str(&format!(" with {}", others.join(" and ")));
        }
        text
    }
}
