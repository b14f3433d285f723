//! Evaluates an expression on the facts of one event, in bounded time and stack.

use std::cmp::Ordering;
use std::rc::Rc;

use serde_json::Value;

use super::Fault;
use super::functions::Function;
use super::node::{Each, Node, Operator, Pattern};
use super::work::{Budget, Text, Val};
use crate::domain::look::Lookup;
use crate::domain::rank;

/// How deep two lists are compared with one another.
const EQUAL_DEPTH_MAX: usize = 64;

/// How many characters of a key a reason quotes.
const KEY_CHARS_MAX: usize = 60;

pub(super) type Outcome<'a> = Result<Val<'a>, Fault>;

pub(super) fn evaluate(root: &Node, facts: &dyn Lookup, budget: &mut Budget) -> Result<bool, Fault> {
    match value(root, facts, budget)? {
        Val::Flag(held) => Ok(held),
        other => Err(fault(format!("it gives {}, not true or false", other.word()))),
    }
}

/// What `root` gives.
pub(super) fn value<'a>(root: &'a Node, facts: &'a dyn Lookup, budget: &mut Budget) -> Outcome<'a> {
    let mut run = Run { facts, variables: Vec::new(), budget };
    let outcome = run.eval(root);
    if run.budget.is_spent() { Err(Budget::fault()) } else { outcome }
}

pub(super) struct Run<'a, 'b> {
    facts: &'a dyn Lookup,
    variables: Vec<Val<'a>>,
    pub(super) budget: &'b mut Budget,
}

pub(super) fn fault(why: impl Into<String>) -> Fault {
    Fault::of(why)
}

impl<'a> Run<'a, '_> {
    pub(super) fn eval(&mut self, node: &'a Node) -> Outcome<'a> {
        self.budget.take(1)?;
        match node {
            Node::Text(text) => Ok(Val::Text(Text::Sent(text))),
            Node::Number(number) => Ok(Val::Number(*number)),
            Node::Flag(flag) => Ok(Val::Flag(*flag)),
            Node::Read { path, as_number } => match self.facts.get(path) {
                None => Err(Fault::missing(format!("'{path}' is missing"))),
                Some(Value::String(text)) if *as_number => {
                    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
                    Ok(number.map_or_else(|| Val::Text(Text::Sent(text)), Val::Number))
                }
                Some(value) => Ok(Val::of(value)),
            },
            Node::Variable(at) => self.variables.get(*at).cloned().ok_or_else(|| fault("a variable has no value")),
            Node::Member(of, key) => {
                let of = self.eval(of)?;
                member(&of, key)
            }
            Node::Index(of, index) => self.index(of, index),
            Node::List(items) => self.list(items),
            Node::Has(path) => self.has(path).map(Val::Flag),
            Node::Not(part) => self.flag(part, "!").map(|flag| Val::Flag(!flag)),
            Node::Negate(part) => self.number(part, "-").map(|number| Val::Number(-number)),
            Node::And(left, right) => self.either(left, right, false),
            Node::Or(left, right) => self.either(left, right, true),
            Node::Choose(parts) => {
                let [condition, yes, no] = &**parts;
                if self.flag(condition, "?")? { self.eval(yes) } else { self.eval(no) }
            }
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                self.binary(*operator, left, right)
            }
            Node::Call(function, arguments) => self.call(*function, arguments),
            Node::Matches(text, pattern) => self.matches(text, pattern),
            Node::Each(each, list, body) => self.each(*each, list, body),
            Node::First(values) => self.first(values),
            Node::Extract(text, pattern) => self.extract(text, pattern),
            Node::Substring(text, from, to) => self.substring(text, from, to.as_deref()),
            Node::Lookup(table, key) => self.lookup(table, key),
        }
    }

    fn list(&mut self, items: &'a [Node]) -> Outcome<'a> {
        let items = items.iter().map(|item| self.eval(item)).collect::<Result<Vec<_>, _>>()?;
        Ok(Val::Made(Rc::new(items)))
    }

    fn flag(&mut self, node: &'a Node, sign: &str) -> Result<bool, Fault> {
        match self.eval(node)? {
            Val::Flag(flag) => Ok(flag),
            other => Err(fault(format!("'{sign}' needs true or false, not {}", other.word()))),
        }
    }

    pub(super) fn number(&mut self, node: &'a Node, sign: &str) -> Result<f64, Fault> {
        match self.eval(node)? {
            Val::Number(number) => Ok(number),
            other => Err(fault(format!("'{sign}' needs a number, not {}", other.word()))),
        }
    }

    pub(super) fn text(&mut self, node: &'a Node, function: &str) -> Result<Text<'a>, Fault> {
        match self.eval(node)? {
            Val::Text(text) => {
                self.budget.text(text.len())?;
                Ok(text)
            }
            other => Err(fault(format!("'{function}' needs text, not {}", other.word()))),
        }
    }

    /// `&&` and `||`: the side that decides wins, even over an error of the other.
    fn either(&mut self, left: &'a Node, right: &'a Node, decides: bool) -> Outcome<'a> {
        let sign = if decides { "||" } else { "&&" };
        let first = self.flag(left, sign);
        if first == Ok(decides) {
            return Ok(Val::Flag(decides));
        }
        let second = self.flag(right, sign);
        if second == Ok(decides) {
            return Ok(Val::Flag(decides));
        }
        first.and(second).map(Val::Flag)
    }

    fn index(&mut self, of: &'a Node, index: &'a Node) -> Outcome<'a> {
        let (of, index) = (self.eval(of)?, self.eval(index)?);
        match (&of, &index) {
            (Val::Sent(Value::Object(_)), Val::Text(key)) => member(&of, key),
            (_, Val::Number(number)) if of.length().is_some() => {
                let found = whole(*number).and_then(|at| of.element(at));
                found.ok_or_else(|| Fault::missing(format!("the list has no element [{number}]")))
            }
            _ => Err(fault(format!("[…] looks into lists and objects, not into {}", of.word()))),
        }
    }

    fn has(&mut self, path: &'a Node) -> Result<bool, Fault> {
        match path {
            Node::Read { path, .. } => Ok(self.facts.get(path).is_some()),
            Node::Member(of, key) => Ok(match (self.has_value(of)?, key) {
                (Some(Val::Sent(Value::Object(parts))), key) => parts.get(key).is_some_and(|part| !part.is_null()),
                _ => false,
            }),
            Node::Index(of, index) => {
                let Some(of) = self.has_value(of)? else { return Ok(false) };
                Ok(match (of, self.eval(index)?) {
                    (Val::Sent(Value::Object(parts)), Val::Text(key)) => {
                        parts.get(&*key).is_some_and(|part| !part.is_null())
                    }
                    (list, Val::Number(number)) => whole(number).and_then(|at| list.element(at)).is_some(),
                    _ => false,
                })
            }
            other => self.eval(other).map(|_| true),
        }
    }

    /// What `has` looks into; nothing where a part before the last is missing already.
    fn has_value(&mut self, of: &'a Node) -> Result<Option<Val<'a>>, Fault> {
        if matches!(of, Node::Read { .. } | Node::Member(..) | Node::Index(..)) && !self.has(of)? {
            return Ok(None);
        }
        self.eval(of).map(Some)
    }

    fn binary(&mut self, operator: Operator, left: Val<'a>, right: Val<'a>) -> Outcome<'a> {
        match operator {
            Operator::Equal => self.equal(&left, &right, 0).map(Val::Flag),
            Operator::Unequal => self.equal(&left, &right, 0).map(|equal| Val::Flag(!equal)),
            Operator::In => self.contains(&left, &right),
            Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast => {
                let order = match (&left, &right) {
                    (Val::Number(left), Val::Number(right)) => left.partial_cmp(right),
                    (Val::Flag(left), Val::Flag(right)) => Some(left.cmp(right)),
                    (Val::Text(left), Val::Text(right)) => {
                        self.budget.text(left.len().min(right.len()))?;
                        Some((**left).cmp(&**right))
                    }
                    _ => return Err(together(operator, &left, &right)),
                };
                Ok(Val::Flag(match operator {
                    Operator::Less => order == Some(Ordering::Less),
                    Operator::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    Operator::Greater => order == Some(Ordering::Greater),
                    _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                }))
            }
            _ => self.arithmetic(operator, left, right),
        }
    }

    fn arithmetic(&mut self, operator: Operator, left: Val<'a>, right: Val<'a>) -> Outcome<'a> {
        let (left, right) = match (left, right) {
            (Val::Number(left), Val::Number(right)) => (left, right),
            (Val::Text(left), Val::Text(right)) if operator == Operator::Add => {
                self.budget.text(left.len() + right.len())?;
                return Ok(Val::Text(Text::made([&*left, &*right].concat())));
            }
            (left, right) if operator == Operator::Add && left.length().is_some() && right.length().is_some() => {
                let lengths = left.length().unwrap_or_default() + right.length().unwrap_or_default();
                self.budget.take(lengths as u64)?;
                let of =
                    |list: &Val<'a>| (0..list.length().unwrap_or_default()).filter_map(|at| list.element(at)).collect();
                let mut all: Vec<Val<'a>> = of(&left);
                all.extend::<Vec<_>>(of(&right));
                return Ok(Val::Made(Rc::new(all)));
            }
            (left, right) => return Err(together(operator, &left, &right)),
        };
        if right == 0.0 && matches!(operator, Operator::Divide | Operator::Remainder) {
            return Err(fault(format!("'{}' divides by zero", operator.sign())));
        }
        let result = match operator {
            Operator::Add => left + right,
            Operator::Subtract => left - right,
            Operator::Multiply => left * right,
            Operator::Divide => left / right,
            _ => left % right,
        };
        if result.is_finite() { Ok(Val::Number(result)) } else { Err(fault("a number became too large")) }
    }

    fn contains(&mut self, wanted: &Val<'a>, list: &Val<'a>) -> Outcome<'a> {
        if let (Val::Text(key), Val::Sent(Value::Object(parts))) = (wanted, list) {
            return Ok(Val::Flag(parts.contains_key(&**key)));
        }
        let Some(length) = list.length() else {
            return Err(fault(format!("'in' looks into a list, not into {}", list.word())));
        };
        for at in 0..length {
            if let Some(element) = list.element(at)
                && self.equal(wanted, &element, 0)?
            {
                return Ok(Val::Flag(true));
            }
        }
        Ok(Val::Flag(false))
    }

    /// Equality; values of different kinds differ.
    fn equal(&mut self, left: &Val<'a>, right: &Val<'a>, depth: usize) -> Result<bool, Fault> {
        self.budget.take(1)?;
        if depth > EQUAL_DEPTH_MAX {
            return Err(fault("the lists nest too deep to be compared"));
        }
        match (left, right) {
            (Val::Null, Val::Null) => Ok(true),
            (Val::Flag(left), Val::Flag(right)) => Ok(left == right),
            (Val::Number(left), Val::Number(right)) => Ok(left == right),
            (Val::Text(left), Val::Text(right)) => {
                self.budget.text(left.len().min(right.len()))?;
                Ok(**left == **right)
            }
            (Val::Sent(Value::Object(left)), Val::Sent(Value::Object(right))) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (key, value) in left {
                    let Some(other) = right.get(key) else { return Ok(false) };
                    if !self.equal(&Val::of(value), &Val::of(other), depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (left, right) => match (left.length(), right.length()) {
                (Some(length), Some(other)) if length == other => {
                    for at in 0..length {
                        let (Some(left), Some(right)) = (left.element(at), right.element(at)) else { return Ok(false) };
                        if !self.equal(&left, &right, depth + 1)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                _ => Ok(false),
            },
        }
    }

    fn call(&mut self, function: Function, arguments: &'a [Node]) -> Outcome<'a> {
        let [first, rest @ ..] = arguments else { return Err(fault("a function has no argument")) };
        match function {
            Function::StartsWith => self.two(first, rest, "startsWith", |text, part| text.starts_with(part)),
            Function::EndsWith => self.two(first, rest, "endsWith", |text, part| text.ends_with(part)),
            Function::Contains => self.two(first, rest, "contains", |text, part| text.contains(part)),
            Function::Lower => self.text(first, "lower").map(|text| Val::Text(Text::made(text.to_lowercase()))),
            Function::Upper => self.text(first, "upper").map(|text| Val::Text(Text::made(text.to_uppercase()))),
            Function::Rank => self.text(first, "rank").map(|word| Val::Number(ranked(&word))),
            Function::Size => self.size(first),
            Function::Double => self.as_number(first, "double").map(Val::Number),
            Function::Int => self.as_number(first, "int").map(|number| Val::Number(number.trunc())),
            Function::Text => match self.eval(first)? {
                Val::Text(text) => Ok(Val::Text(text)),
                Val::Number(number) => Ok(Val::Text(Text::made(self.digits(first, number)))),
                Val::Flag(flag) => Ok(Val::Text(Text::Sent(if flag { "true" } else { "false" }))),
                other => Err(fault(format!("'string' cannot make text of {}", other.word()))),
            },
            Function::Split => self.split(first, rest),
            Function::Join => self.join(first, rest),
            Function::Replace => self.replace(first, rest),
            Function::Trim => self.trim(first),
            Function::Seconds => self.seconds(first),
        }
    }

    /// A number as text: as the sender wrote it where it stands in the event as such, so that
    /// long ids keep all their digits.
    fn digits(&self, node: &Node, number: f64) -> String {
        match node {
            Node::Read { path, .. } => match self.facts.get(path) {
                Some(Value::Number(sent)) if sent.is_u64() || sent.is_i64() => sent.to_string(),
                _ => number.to_string(),
            },
            _ => number.to_string(),
        }
    }

    fn two(&mut self, first: &'a Node, rest: &'a [Node], name: &str, test: fn(&str, &str) -> bool) -> Outcome<'a> {
        let text = self.text(first, name)?;
        let [second] = rest else { return Err(fault(format!("'{name}' has no argument"))) };
        let part = self.text(second, name)?;
        Ok(Val::Flag(test(&text, &part)))
    }

    fn size(&mut self, of: &'a Node) -> Outcome<'a> {
        let of = self.eval(of)?;
        let size = match &of {
            Val::Text(text) => {
                self.budget.text(text.len())?;
                text.chars().count()
            }
            Val::Sent(Value::Object(parts)) => parts.len(),
            other => other.length().ok_or_else(|| fault(format!("{} has no size", other.word())))?,
        };
        #[expect(clippy::cast_precision_loss, reason = "no event has 2^53 of anything")]
        Ok(Val::Number(size as f64))
    }

    fn as_number(&mut self, of: &'a Node, name: &str) -> Result<f64, Fault> {
        match self.eval(of)? {
            Val::Number(number) => Ok(number),
            Val::Text(text) => {
                let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
                number.ok_or_else(|| fault(format!("'{name}' cannot read a number from this text")))
            }
            other => Err(fault(format!("'{name}' cannot make a number of {}", other.word()))),
        }
    }

    fn matches(&mut self, text: &'a Node, pattern: &'a Pattern) -> Outcome<'a> {
        let text = self.text(text, "matches")?;
        self.budget.take(pattern.cost.saturating_mul(text.len() as u64))?;
        Ok(Val::Flag(pattern.regex.is_match(&text)))
    }

    /// `all`, `exists` … over the elements of a list. As with `&&` and `||`, the element
    /// that decides wins over the error of another.
    fn each(&mut self, each: Each, list: &'a Node, body: &'a Node) -> Outcome<'a> {
        let list = self.eval(list)?;
        let Some(length) = list.length() else {
            return Err(fault(format!("only a list can be looked through, not {}", list.word())));
        };
        let (mut made, mut found, mut failed) = (Vec::new(), 0_usize, None);
        for at in 0..length {
            let Some(element) = list.element(at) else { break };
            self.variables.push(element.clone());
            let seen = self.eval(body);
            self.variables.pop();
            if self.budget.is_spent() {
                return Err(Budget::fault());
            }
            let seen = match (each, seen) {
                (Each::Map, Ok(value)) => {
                    made.push(value);
                    continue;
                }
                (_, Ok(Val::Flag(flag))) => flag,
                (_, Ok(other)) => {
                    failed =
                        failed.or(Some(fault(format!("each element must give true or false, not {}", other.word()))));
                    continue;
                }
                (Each::All | Each::Exists, Err(why)) => {
                    failed = failed.or(Some(why));
                    continue;
                }
                (_, Err(why)) => return Err(why),
            };
            match (each, seen) {
                (Each::All, false) => return Ok(Val::Flag(false)),
                (Each::Exists, true) => return Ok(Val::Flag(true)),
                (Each::ExistsOne, true) => found += 1,
                (Each::Filter, true) => made.push(element),
                _ => {}
            }
        }
        match (failed, each) {
            (Some(why), _) => Err(why),
            (None, Each::All) => Ok(Val::Flag(true)),
            (None, Each::Exists) => Ok(Val::Flag(false)),
            (None, Each::ExistsOne) => Ok(Val::Flag(found == 1)),
            (None, Each::Filter | Each::Map) => Ok(Val::Made(Rc::new(made))),
        }
    }
}

fn member<'a>(of: &Val<'a>, key: &str) -> Outcome<'a> {
    match of {
        Val::Sent(Value::Object(parts)) => match parts.get(key) {
            None | Some(Value::Null) => Err(Fault::missing(format!("'{}' is missing", brief(key)))),
            Some(part) => Ok(Val::of(part)),
        },
        other => Err(fault(format!("'{}' is looked for in {}, which has no parts", brief(key), other.word()))),
    }
}

/// The beginning of a key, which may be text of the event.
pub(super) fn brief(key: &str) -> String {
    key.chars().take(KEY_CHARS_MAX).collect()
}

fn together(operator: Operator, left: &Val<'_>, right: &Val<'_>) -> Fault {
    fault(format!("'{}' cannot take {} and {}", operator.sign(), left.word(), right.word()))
}

/// The rank of a word of severity or priority. A word without rank is neither above nor
/// below any, as in a line of a rule.
fn ranked(word: &str) -> f64 {
    let rank = rank::rank("severity", word).or_else(|| rank::rank("priority", word));
    #[expect(clippy::cast_precision_loss, reason = "there are a handful of ranks")]
    rank.map_or(f64::NAN, |rank| rank as f64)
}

/// A number as the place of an element.
pub(super) fn whole(number: f64) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and in range")]
    (number >= 0.0 && number.fract() == 0.0 && number < 9e15).then_some(number as usize)
}
