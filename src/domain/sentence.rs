//! Rules and their lines in plain English: the same rule always gives the same words.

use super::condition::{Bound, Condition, Join, Limit, Line, Presence, Test, Wanted};
use super::delivery::Action;
use super::expression::Expression;
use super::facts::CHANGED;
use super::how::{IfMissing, Target};
use super::rank;
use super::rule::{Rule, Send};
use super::time::spoken;

impl Rule {
    /// The rule as one sentence: `When a defect is created in PAY, and severity is critical
    /// or worse, post defect-opened to payments.`
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = format!("When {}", clause_of_when(&self.when));
        if let Some(expression) = &self.expression {
            text.push_str(&format!(", and {}", expression.says()));
        }
        if let Some(unless) = &self.unless {
            text.push_str(", unless ");
            text.push_str(&clause(unless, Depth::Top, " and "));
        }
        let sends: Vec<String> = self.send.iter().map(Send::phrase).collect();
        text.push_str(&format!(", {}", sends.join(", and ")));
        for phrase in self.handling.phrases() {
            text.push_str(&format!(", {phrase}"));
        }
        match self.handling.mute_until {
            Some(until) => format!("{text}. Muted until {until}."),
            None => format!("{text}."),
        }
    }
}

impl Expression {
    /// What must hold, in words: ``where `cases >= 10` ``.
    #[must_use]
    pub fn says(&self) -> String {
        let lines: Vec<&str> = self.source().lines().map(str::trim).collect();
        format!("where `{}`", lines.join(" "))
    }
}

impl Send {
    /// The message as a phrase: `post defect-opened to qa-blockers and mention @qa-oncall`.
    #[must_use]
    pub fn phrase(&self) -> String {
        let template = self.template.as_deref();
        let what = template.unwrap_or("the built-in message");
        let to = &self.to;
        let mut text = match self.action {
            Action::Post => format!("post {what} to {to}"),
            Action::Reply if self.how.broadcast => format!("reply with {what} in the thread and the channel of {to}"),
            Action::Reply => format!("reply with {what} in the thread of {to}"),
            Action::Update => format!("update what {to} has with {what}"),
            Action::React => format!("react in {to}"),
            Action::Create => format!("create an issue in {to} from {what}"),
            Action::Comment => format!("comment on the issue in {to} with {what}"),
            Action::Transition => {
                let status = match &self.how.target {
                    Some(Target::Status(name)) => format!(" to {name}"),
                    Some(Target::Category(category)) => {
                        format!(" to whatever is {}", category.word().replace('_', " "))
                    }
                    None => String::new(),
                };
                let said = template.map(|name| format!(" with {name} as comment")).unwrap_or_default();
                format!("move the issue in {to}{status}{said}")
            }
            Action::Request => format!("send {what} to {to}"),
        };
        if let Some(emoji) = &self.how.react {
            text.push_str(&format!(" with :{emoji}:"));
        }
        if self.action.needs_thread() {
            let else_what = match (self.action, self.how.if_missing) {
                (Action::React, _) | (Action::Reply | Action::Update, IfMissing::Begin) => "",
                (_, IfMissing::Begin) => " (or create one)",
                (Action::Comment | Action::Transition, IfMissing::Skip) => "",
                (_, IfMissing::Skip) => " (if there is one)",
            };
            text.push_str(else_what);
        }
        let fields: Vec<&str> = self.fields.names().collect();
        if !fields.is_empty() {
            text.push_str(&format!(" with {}", series(&fields, "and")));
        }
        let names = self.mention.words();
        if !names.is_empty() {
            text.push_str(&format!(" and mention {}", series(&names, "and")));
        }
        text
    }
}

impl Line {
    /// What must hold, in words: `severity is critical or worse`.
    #[must_use]
    pub fn says(&self) -> String {
        if let Some(changes) = self.changes() {
            return changes;
        }
        let tests: Vec<String> = self.tests.iter().map(|test| test.says(self.fact.name(), Sense::Plain)).collect();
        format!("{} {}", self.fact, tests.join(" and "))
    }
}

impl Line {
    /// A line about the fact `changed`, told about the facts it names: `severity or title
    /// has changed`.
    fn changes(&self) -> Option<String> {
        if !self.fact.is_plain() || self.fact.name() != CHANGED {
            return None;
        }
        let [test] = self.tests.as_slice() else { return None };
        Some(match test {
            Test::OneOf(wanted) | Test::HasAny(wanted) => format!("{} has changed", series(&words(wanted), "or")),
            Test::HasAll(wanted) => format!("{} have changed", series(&words(wanted), "and")),
            Test::HasNone(wanted) => match wanted.as_slice() {
                [only] => format!("{} has not changed", word(only)),
                several => format!("neither {} has changed", series(&words(several), "nor")),
            },
            _ => return None,
        })
    }
}

/// Whether a test is told as it is or as its contrary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Plain,
    Contrary,
}

impl Test {
    /// The test as a predicate of the fact `fact`: `is critical or worse`.
    fn says(&self, fact: &str, sense: Sense) -> String {
        let does = |word: &str, base: &str| match sense {
            Sense::Plain => word.to_owned(),
            Sense::Contrary => format!("does not {base}"),
        };
        let is = match sense {
            Sense::Plain => "is",
            Sense::Contrary => "is not",
        };
        match self {
            Self::OneOf(wanted) => match (sense, wanted.as_slice()) {
                (_, [Wanted::Glob(pattern)]) => format!("{} {}", does("is like", "look like"), pattern.written()),
                (Sense::Contrary, [_, _, ..]) => format!("is neither {}", series(&words(wanted), "nor")),
                _ => format!("{is} {}", series(&words(wanted), "or")),
            },
            Self::Not(tests) => match (sense, tests.as_slice()) {
                (Sense::Plain, [test]) => test.says(fact, Sense::Contrary),
                (Sense::Contrary, [test]) => test.says(fact, Sense::Plain),
                (Sense::Plain, tests) => format!("is not so that it {}", both(tests, fact)),
                (Sense::Contrary, tests) => both(tests, fact),
            },
            Self::Order(bound, limit) => format!("{is} {}", order(*bound, *limit, fact)),
            Self::StartsWith(part) => format!("{} \"{}\"", does("starts with", "start with"), part.written()),
            Self::EndsWith(part) => format!("{} \"{}\"", does("ends with", "end with"), part.written()),
            Self::Contains(part) => format!("{} \"{}\"", does("contains", "contain"), part.written()),
            Self::Like(pattern) => format!("{} \"{}\"", does("looks like", "look like"), pattern.written()),
            Self::Matches(pattern) => format!("{} /{}/", does("matches", "match"), pattern.as_str()),
            Self::Present(presence) => match (presence, sense) {
                (Presence::There, Sense::Plain) | (Presence::Absent, Sense::Contrary) => "is present".to_owned(),
                _ => "is missing".to_owned(),
            },
            Self::Changed(wanted) => match (wanted, sense) {
                (true, Sense::Plain) | (false, Sense::Contrary) => "has changed".to_owned(),
                _ => "has not changed".to_owned(),
            },
            Self::HasAny(wanted) => format!("{} {}", does("has", "have"), series(&words(wanted), "or")),
            Self::HasAll(wanted) => format!("{} {}", does("has", "have"), series(&words(wanted), "and")),
            Self::HasNone(wanted) => match sense {
                Sense::Plain => format!("does not have {}", series(&words(wanted), "or")),
                Sense::Contrary => format!("has {}", series(&words(wanted), "or")),
            },
        }
    }
}

fn both(tests: &[Test], fact: &str) -> String {
    tests.iter().map(|test| test.says(fact, Sense::Plain)).collect::<Vec<_>>().join(" and ")
}

fn order(bound: Bound, limit: Limit, fact: &str) -> String {
    let limit = match limit {
        Limit::Number(number) => return format!("{} {number}", bound_word(bound)),
        Limit::Seconds(seconds) => return format!("{} {}", bound_word(bound), spoken(seconds.into())),
        Limit::Rank(limit) => limit,
    };
    let words = rank::words(fact).unwrap_or_default();
    let word = words.len().checked_sub(limit).and_then(|place| words.get(place)).copied().unwrap_or("?");
    let (more, less) = if fact == "severity" { ("worse", "milder") } else { ("higher", "lower") };
    match bound {
        Bound::AtLeast => format!("{word} or {more}"),
        Bound::AtMost => format!("{word} or {less}"),
        Bound::Above => format!("{more} than {word}"),
        Bound::Below => format!("{less} than {word}"),
    }
}

fn bound_word(bound: Bound) -> &'static str {
    match bound {
        Bound::AtLeast => "at least",
        Bound::AtMost => "at most",
        Bound::Above => "above",
        Bound::Below => "below",
    }
}

fn words(wanted: &[Wanted]) -> Vec<String> {
    wanted.iter().map(word).collect()
}

/// A value as it is written in a rule; in quotes where it has more than one word.
fn word(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Text(text) | Wanted::Glob(text) => {
            let text = text.written();
            let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "._-/@#*?".contains(c));
            if plain { text.to_owned() } else { format!("\"{text}\"") }
        }
        Wanted::Number(number) => number.to_string(),
        Wanted::Flag(flag) => flag.to_string(),
    }
}

/// `one, two or three`.
fn series(words: &[impl AsRef<str>], last: &str) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

/// Whether a clause stands by itself or inside another, where it may need parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    Top,
    Inside,
}

/// `when`, beginning with the event and its project.
fn clause_of_when(when: &Condition) -> String {
    let Condition::All(parts) = when else { return clause(when, Depth::Top, ", and ") };
    let named = |name: &str| {
        parts.iter().position(|part| matches!(part, Condition::Line(line) if line.fact.to_string() == name))
    };
    let event = named("event").and_then(|at| Some((at, happens(wanted_of(parts.get(at)?)?))));
    let Some((event_at, mut text)) = event else {
        return match parts.as_slice() {
            [] => "anything happens".to_owned(),
            _ => format!("anything happens and {}", clause(when, Depth::Top, ", and ")),
        };
    };
    let project = named("project").and_then(|at| Some((at, wanted_of(parts.get(at)?)?)));
    if let Some((_, wanted)) = project {
        text.push_str(&format!(" in {}", series(&words(wanted), "or")));
    }
    for (at, part) in parts.iter().enumerate() {
        if at != event_at && project.is_none_or(|(project_at, _)| project_at != at) {
            text.push_str(", and ");
            text.push_str(&clause(part, Depth::Top, ", and "));
        }
    }
    text
}

/// The values of a line that asks for nothing but one of them.
fn wanted_of(part: &Condition) -> Option<&[Wanted]> {
    let Condition::Line(line) = part else { return None };
    match line.tests.as_slice() {
        [Test::OneOf(wanted)] => Some(wanted),
        _ => None,
    }
}

/// `a defect is created or a run is completed`.
fn happens(events: &[Wanted]) -> String {
    let clauses: Vec<String> = events.iter().map(|event| happening(&word(event))).collect();
    series(&clauses, "or")
}

fn happening(event: &str) -> String {
    match event.split_once('.') {
        Some((subject, verb))
            if verb.ends_with("ed") && event.chars().all(|c| c.is_alphabetic() || "._".contains(c)) =>
        {
            let article = if subject.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            match verb.rsplit_once('_') {
                Some((what, verb)) => {
                    format!("{article} {}'s {} is {verb}", subject.replace('_', " "), what.replace('_', " "))
                }
                None => format!("{article} {} is {verb}", subject.replace('_', " ")),
            }
        }
        _ if event.contains(['*', '?']) => format!("any {event} happens"),
        _ => format!("{event} happens"),
    }
}

fn clause(condition: &Condition, depth: Depth, and: &str) -> String {
    let (join, parts) = match condition {
        Condition::Line(line) => return line.says(),
        Condition::All(parts) => (Join::All, parts),
        Condition::Any(parts) => (Join::Any, parts),
        Condition::None(parts) => (Join::None, parts),
    };
    if let ([only], Join::All | Join::Any) = (parts.as_slice(), join) {
        return clause(only, depth, and);
    }
    let inside: Vec<String> = parts.iter().map(|part| clause(part, Depth::Inside, " and ")).collect();
    let text = match join {
        Join::All => inside.join(and),
        Join::Any => format!("either {}", inside.join(" or ")),
        Join::None => match inside.as_slice() {
            [only] => format!("not {only}"),
            several => format!("neither {}", several.join(" nor ")),
        },
    };
    match depth {
        Depth::Top => text,
        Depth::Inside => format!("({text})"),
    }
}

#[cfg(test)]
mod tests {
    use super::happening;

    #[test]
    fn events_become_clauses() {
        let told = ["defect.created", "shared_step.updated", "run.report_changed", "review.reviewer_added", "defect.*"];
        let clauses: Vec<String> = told.into_iter().map(happening).collect();
        assert_eq!(
            clauses,
            [
                "a defect is created",
                "a shared step is updated",
                "a run's report is changed",
                "a review's reviewer is added",
                "any defect.* happens"
            ]
        );
    }
}
