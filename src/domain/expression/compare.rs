//! Checks of operators and functions: values that cannot go together, words that are no
//! severity, and the functions that are more than a call.

use cel::common::ast::{CallExpr, Expr, IdedExpr};
use regex::RegexBuilder;

use super::check::{Check, Typed};
use super::functions::{self, Function, SYNONYMS, Signature};
use super::node::{Each, Node, Operator, Pattern};
use super::{Flaw, Kind};
use crate::domain::rank;

/// The longest regular expression, in bytes.
const PATTERN_BYTES_MAX: usize = 1000;

/// How large a compiled regular expression may be, and what one byte of text then costs.
const PATTERN_COSTS: [(usize, u64); 3] = [(16 << 10, 1), (64 << 10, 4), (256 << 10, 16)];

impl Check<'_> {
    pub(super) fn binary(
        &mut self,
        operator: Operator,
        left: &IdedExpr,
        right: &IdedExpr,
        part: &IdedExpr,
    ) -> Option<Typed> {
        let (one, other) = (self.part(left), self.part(right));
        let (one, other) = (one?, other?);
        let kind = match operator {
            Operator::Equal | Operator::Unequal => {
                self.alike(operator, &one, &other, part)?;
                self.a_word(&one, &other, right)?;
                self.a_word(&other, &one, left)?;
                Kind::Flag
            }
            Operator::In => {
                if !matches!(other.kind, Kind::List | Kind::Any) {
                    let flaw =
                        Flaw::new(self.at(part), format!("'in' looks into a list, and this is {}", other.kind.word()));
                    self.flaw(
                        flaw.help(
                            "write project in [\"PAY\", \"SHOP\"]; for a part of a text, title.contains(\"card\")",
                        ),
                    );
                    return None;
                }
                if let (Node::List(items), Expr::List(written)) = (&other.node, &right.expr) {
                    for (item, written) in items.iter().zip(&written.elements) {
                        self.a_word(&one, &Typed::new(item.clone(), Kind::Text), written)?;
                    }
                }
                Kind::Flag
            }
            Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast => {
                self.ordered(operator, &one, &other, part)?;
                Kind::Flag
            }
            Operator::Add => self.sum(&one, &other, part)?,
            _ => {
                for typed in [&one, &other] {
                    self.numeric(operator, typed, part)?;
                }
                Kind::Number
            }
        };
        Some(Typed::new(Node::Binary(operator, Box::new(one.node), Box::new(other.node)), kind))
    }

    fn numeric(&mut self, operator: Operator, typed: &Typed, part: &IdedExpr) -> Option<()> {
        if matches!(typed.kind, Kind::Number | Kind::Any) {
            return Some(());
        }
        let message = format!("'{}' needs numbers, and one of these is {}", operator.sign(), typed.kind.word());
        self.flaw(Flaw::new(self.at(part), message));
        None
    }

    fn sum(&mut self, one: &Typed, other: &Typed, part: &IdedExpr) -> Option<Kind> {
        let fits = |kind: Kind| matches!(kind, Kind::Number | Kind::Text | Kind::List);
        match (one.kind, other.kind) {
            (Kind::Any, kind) | (kind, Kind::Any) if fits(kind) => Some(kind),
            (Kind::Any, Kind::Any) => Some(Kind::Any),
            (kind, same) if kind == same && fits(kind) => Some(kind),
            (kind, unlike) => {
                let message = format!("'+' cannot add {} and {}", kind.word(), unlike.word());
                self.flaw(Flaw::new(self.at(part), message).help("text of a number is written string(failed)"));
                None
            }
        }
    }

    /// Whether the two can ever be equal.
    fn alike(&mut self, operator: Operator, one: &Typed, other: &Typed, part: &IdedExpr) -> Option<()> {
        if one.kind == other.kind || [one.kind, other.kind].contains(&Kind::Any) {
            return Some(());
        }
        if let (Kind::Rank(_), Kind::Rank(_)) = (one.kind, other.kind) {
            return self.ranks(one.kind, other.kind, part);
        }
        let always = if operator == Operator::Equal { "never equal" } else { "always unequal" };
        let message = format!("this compares {} with {}: they are {always}", one.kind.word(), other.kind.word());
        let help = match (one.kind, other.kind) {
            (Kind::List, _) | (_, Kind::List) => "to look into a list, write \"smoke\" in tags",
            (Kind::Number, Kind::Text) | (Kind::Text, Kind::Number) => "a number stands without quotes, text in quotes",
            (Kind::Flag, _) | (_, Kind::Flag) => "true and false stand without quotes",
            _ => "both sides must be of one kind",
        };
        self.flaw(Flaw::new(self.at(part), message).help(help));
        None
    }

    fn ordered(&mut self, operator: Operator, one: &Typed, other: &Typed, part: &IdedExpr) -> Option<()> {
        let sign = operator.sign();
        let ranked = [one, other].into_iter().filter_map(Typed::fact).find(|fact| rank::words(fact).is_some());
        if let Some(fact) = ranked {
            let word = one.literal().or(other.literal()).filter(|word| rank::rank(fact, word).is_some());
            let word = word.unwrap_or(if fact == "severity" { "critical" } else { "medium" });
            let message = format!("'{sign}' would compare {fact} by its letters, not by its rank");
            let operator = if one.fact() == Some(fact) { operator } else { mirrored(operator) };
            let (sign, line) = (operator.sign(), line_word(operator));
            let help = format!(
                "write rank({fact}) {sign} rank(\"{word}\"), or under 'when' the line  {fact}: {{ {line}: {word} }}"
            );
            self.flaw(Flaw::new(self.at(part), message).help(help));
            return None;
        }
        let literal = one.literal().or(other.literal());
        match (one.kind, other.kind) {
            (Kind::Rank(_), Kind::Rank(_)) => self.ranks(one.kind, other.kind, part),
            (Kind::Rank(_), Kind::Any) | (Kind::Any, Kind::Rank(_)) => Some(()),
            (Kind::Number | Kind::Text | Kind::Any, Kind::Any) | (Kind::Any, Kind::Number | Kind::Text) => Some(()),
            (Kind::Number, Kind::Number) | (Kind::Text, Kind::Text) => Some(()),
            (one, other) => {
                let message = format!(
                    "'{sign}' compares two numbers or two texts, and here are {} and {}",
                    one.word(),
                    other.word()
                );
                let flaw = Flaw::new(self.at(part), message);
                let duration = literal.filter(|text| (self.words.duration)(text).is_ok());
                self.flaw(match (one, other) {
                    (Kind::Number, Kind::Text) | (Kind::Text, Kind::Number) if let Some(text) = duration => {
                        flaw.help(format!("a duration is written duration(\"{text}\")"))
                    }
                    (Kind::Rank(_), _) | (_, Kind::Rank(_)) => flaw.help("write rank(severity) >= rank(\"critical\")"),
                    (Kind::Number, Kind::Text) | (Kind::Text, Kind::Number) => {
                        flaw.help("a number stands without quotes")
                    }
                    (Kind::List, _) | (_, Kind::List) => {
                        flaw.help("how many elements a list has is written size(tags)")
                    }
                    _ => flaw,
                });
                None
            }
        }
    }

    fn ranks(&mut self, one: Kind, other: Kind, part: &IdedExpr) -> Option<()> {
        match (one, other) {
            (Kind::Rank(one), Kind::Rank(other)) if one != other && !one.is_empty() && !other.is_empty() => {
                self.flaw(Flaw::new(
                    self.at(part),
                    format!("this compares the rank of a {one} with that of a {other}"),
                ));
                None
            }
            _ => Some(()),
        }
    }

    /// Refuses a text that the fact it is compared with never is.
    fn a_word(&mut self, of: &Typed, text: &Typed, at: &IdedExpr) -> Option<()> {
        let (Some(fact), Some(word)) = (of.fact(), text.literal()) else { return Some(()) };
        let Some(words) = rank::words(fact) else { return Some(()) };
        let extra = (fact == "severity").then_some(rank::UNDEFINED);
        if words.iter().copied().chain(extra).any(|known| known == word) {
            return Some(());
        }
        let mut flaw = Flaw::new(self.at(at), format!("unknown {fact} '{word}'"))
            .help(format!("in small letters, from the highest down: {}", words.join(", ")));
        flaw.unknown = Some((word.to_owned(), words.to_vec()));
        self.flaw(flaw);
        None
    }

    /// What `signature` gives for these arguments; checks the words of `rank`.
    pub(super) fn given(&mut self, signature: &Signature, typed: &[Typed], at: &IdedExpr) -> Option<Kind> {
        if signature.function != Function::Rank {
            return Some(signature.gives);
        }
        let argument = typed.first()?;
        if let Some(word) = argument.literal() {
            let of = ["severity", "priority"].into_iter().find(|fact| rank::rank(fact, word).is_some());
            if of.is_none() {
                let words: Vec<&'static str> = rank::SEVERITIES.iter().chain(&rank::PRIORITIES).copied().collect();
                let mut flaw = Flaw::new(self.at(at), format!("'{word}' has no rank")).help(format!(
                    "severities: {}; priorities: {}",
                    rank::SEVERITIES.join(", "),
                    rank::PRIORITIES.join(", ")
                ));
                flaw.unknown = Some((word.to_owned(), words));
                self.flaw(flaw);
            }
            return of.map(Kind::Rank);
        }
        Some(match argument.fact() {
            Some("severity") => Kind::Rank("severity"),
            Some("priority") => Kind::Rank("priority"),
            _ => Kind::Rank(""),
        })
    }

    /// A call of anything that is no operator.
    pub(super) fn function(&mut self, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        let name = call.func_name.as_str();
        let each = match name {
            "all" => Some(Each::All),
            "exists" => Some(Each::Exists),
            "exists_one" | "existsOne" => Some(Each::ExistsOne),
            "filter" => Some(Each::Filter),
            "map" => Some(Each::Map),
            _ => None,
        };
        match (each, name) {
            (Some(each), _) => self.each(each, call, part),
            (_, "has") => self.has(call, part),
            (_, "matches") => self.matches(call, part),
            (_, "extract") => self.extract(call, part),
            (_, "first") => self.first(call, part),
            (_, "substring") => self.substring(call, part),
            (_, "duration") => self.duration(call, part),
            _ if functions::form(name).is_some() => self.plain(call, part),
            _ => {
                let meant =
                    SYNONYMS.iter().find(|(word, _)| *word == name).and_then(|(_, known)| functions::form(known));
                let mut flaw = Flaw::new(self.at(part), format!("unknown function '{name}'"));
                match meant {
                    Some(form) => flaw = flaw.help(format!("write {form}")),
                    None => {
                        let names = functions::names();
                        flaw = flaw.help(format!("functions are: {}", names.join(", ")));
                        flaw.unknown = Some((name.to_owned(), names));
                    }
                }
                self.flaw(flaw);
                None
            }
        }
    }

    pub(super) fn wrong(&mut self, call: &CallExpr, part: &IdedExpr, message: &str) -> Option<Typed> {
        let form = functions::form(&call.func_name).or_else(|| functions::form("exists_one")).unwrap_or_default();
        self.flaw(Flaw::new(self.at(part), message).help(format!("write {form}")));
        None
    }

    fn has(&mut self, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        let (None, [of]) = (&call.target, call.args.as_slice()) else {
            return self.wrong(call, part, "'has' asks of one fact or path whether it is there");
        };
        let path = self.part(of)?;
        if !matches!(path.node, Node::Read { .. } | Node::Member(..) | Node::Index(..)) {
            return self.wrong(call, of, "'has' asks of one fact or path whether it is there");
        }
        Some(Typed::new(Node::Has(Box::new(path.node)), Kind::Flag))
    }

    fn matches(&mut self, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        let (Some(text), [pattern]) = (call.target.as_deref(), call.args.as_slice()) else {
            return self.wrong(call, part, "'matches' stands after the text it looks at and takes one pattern");
        };
        let text = self.wants(text, Kind::Text, "'matches' looks into text")?;
        let pattern = self.pattern(call, pattern)?;
        Some(Typed::new(Node::Matches(Box::new(text.node), Box::new(pattern)), Kind::Flag))
    }

    /// The regular expression that `call` takes.
    pub(super) fn pattern(&mut self, call: &CallExpr, pattern: &IdedExpr) -> Option<Pattern> {
        let typed = self.part(pattern)?;
        let Some(written) = typed.literal() else {
            self.wrong(call, pattern, &format!("the pattern of '{}' must stand here in quotes", call.func_name));
            return None;
        };
        if written.len() > PATTERN_BYTES_MAX {
            let message = format!("this regular expression is longer than {PATTERN_BYTES_MAX} bytes");
            self.flaw(Flaw::new(self.at(pattern), message));
            return None;
        }
        let mut last = None;
        for (size, cost) in PATTERN_COSTS {
            match RegexBuilder::new(written).size_limit(size).build() {
                Ok(regex) => return Some(Pattern { regex, cost }),
                Err(error) => last = Some(error),
            }
        }
        let flaw = match last {
            Some(regex::Error::CompiledTooBig(_)) | None => {
                Flaw::new(self.at(pattern), "this regular expression is too big")
                    .help("repeat less: {1000} of {1000} has no end")
            }
            Some(error) => {
                let said = error.to_string();
                let why = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
                let why = why.trim().trim_start_matches("error: ");
                Flaw::new(self.at(pattern), format!("this is no regular expression: {why}"))
                    .help("a sign that stands for itself needs two backslashes here: \"\\\\(\"")
            }
        };
        self.flaw(flaw);
        None
    }

    fn duration(&mut self, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        let (None, [of]) = (&call.target, call.args.as_slice()) else {
            return self.wrong(call, part, "'duration' takes one text such as \"4h\"");
        };
        let typed = self.part(of)?;
        let Some(text) = typed.literal() else {
            return self.wrong(call, of, "'duration' takes one text such as \"4h\"");
        };
        match (self.words.duration)(text) {
            Ok(duration) => Some(Typed::new(Node::Number(duration.as_secs_f64()), Kind::Number)),
            Err(why) => {
                self.flaw(Flaw::new(self.at(of), format!("'{text}' is no duration")).help(why));
                None
            }
        }
    }

    fn each(&mut self, each: Each, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        let (Some(list), [variable, body]) = (call.target.as_deref(), call.args.as_slice()) else {
            return self.wrong(
                call,
                part,
                &format!("'{}' stands after a list and takes a name and a condition", call.func_name),
            );
        };
        let list = self.wants(list, Kind::List, &format!("'{}' looks through a list", call.func_name));
        let Expr::Ident(name) = &variable.expr else {
            return self.wrong(call, variable, "a name for the element must stand here");
        };
        if self.words.facts.iter().any(|(fact, _)| fact == name) {
            return self.wrong(
                call,
                variable,
                &format!("'{name}' has a meaning already; give the element another name"),
            );
        }
        self.variables.push(name.clone());
        let body = if each == Each::Map {
            self.part(body)
        } else {
            self.wants(body, Kind::Flag, "a condition must stand here")
        };
        self.variables.pop();
        let kind = if matches!(each, Each::Map | Each::Filter) { Kind::List } else { Kind::Flag };
        Some(Typed::new(Node::Each(each, Box::new(list?.node), Box::new(body?.node)), kind))
    }
}

/// The operator that says the same with its sides exchanged.
fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::AtMost => Operator::AtLeast,
        Operator::Greater => Operator::Less,
        Operator::AtLeast => Operator::AtMost,
        other => other,
    }
}

/// The operator of a line of a rule that says the same.
fn line_word(operator: Operator) -> &'static str {
    match operator {
        Operator::Less => "below",
        Operator::AtMost => "at_most",
        Operator::Greater => "above",
        _ => "at_least",
    }
}
