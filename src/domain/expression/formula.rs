//! Expressions that give a value: how a webhook of any sender becomes facts.

use serde_json::{Number, Value};

use super::node::{Node, Operator};
use super::work::{Budget, Val, Work};
use super::{Fault, Flaw, Kind, Vocabulary, check, evaluate, parse};
use crate::domain::facts::{FactPath, Facts};

/// How deep a value may nest that an expression gives.
const DEPTH_MAX: usize = 128;

/// From here on not every whole number can be told apart in a decimal.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Larger numbers are not rounded.
const ROUNDED_BELOW: f64 = 1e9;

/// The most texts that are told of what an expression can give.
const OUTCOMES_MAX: usize = 200;

/// A checked expression that gives a value.
#[derive(Debug, Clone)]
pub struct Formula {
    source: String,
    root: Node,
    kind: Kind,
    reads: Vec<FactPath>,
}

/// What a formula gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// This.
    Value(Value),
    /// The sender says that there is nothing: `null`.
    Nothing,
    /// The sender does not say.
    Missing(Fault),
}

impl Formula {
    /// Reads and checks `source`. The caller's stack must have [`super::COMPILE_STACK_BYTES`].
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn compile(source: &str, vocabulary: &Vocabulary) -> Result<Self, Vec<Flaw>> {
        let parsed = parse::parse(source, vocabulary.over).map_err(|flaw| vec![flaw])?;
        let (root, reads) = check::value(&parsed, source, vocabulary)?;
        Ok(Self { source: source.trim().to_owned(), kind: root.kind, root: root.node, reads })
    }

    /// The expression as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What its values are, as far as that is known beforehand.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it reads anything of `root`.
    #[must_use]
    pub fn reads(&self, root: &str) -> bool {
        self.reads.iter().any(|path| path.name() == root)
    }

    /// The paths that it reads, each once.
    #[must_use]
    pub fn paths(&self) -> &[FactPath] {
        &self.reads
    }

    /// The path that it reads, if it does nothing else.
    #[must_use]
    pub fn path(&self) -> Option<&FactPath> {
        match &self.root {
            Node::Read { path, as_number: false } => Some(path),
            _ => None,
        }
    }

    /// Every text that it can give; `None` when that depends on what is sent.
    #[must_use]
    pub fn outcomes(&self) -> Option<Vec<String>> {
        let mut texts = outcomes(&self.root)?;
        let mut seen = std::collections::BTreeSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        Some(texts)
    }

    /// What it gives of `scope`, out of the work that is left. Never panics, and takes
    /// bounded time and stack whatever was sent.
    ///
    /// # Errors
    /// Values that do not go together, and too much work.
    pub fn give(&self, scope: &Facts, work: &mut Work) -> Result<Given, Fault> {
        let mut budget = Budget::of(work);
        let given = evaluate::value(&self.root, scope, &mut budget).and_then(|value| written(value, &mut budget, 0));
        let given = if budget.is_spent() { Err(Budget::fault()) } else { given };
        budget.settle(work);
        match given {
            Ok(Value::Null) => Ok(Given::Nothing),
            // The number as it was sent: a decimal would lose the end of a long id.
            Ok(Value::Number(_)) if let Some(sent) = self.as_sent(scope) => Ok(Given::Value(sent.clone())),
            Ok(value) => Ok(Given::Value(value)),
            Err(why) if why.is_missing() && says_nothing(&self.root, scope) => Ok(Given::Nothing),
            Err(why) if why.is_missing() => Ok(Given::Missing(why)),
            Err(why) => Err(why),
        }
    }

    fn as_sent<'s>(&self, scope: &'s Facts) -> Option<&'s Value> {
        match &self.root {
            Node::Read { path, .. } => scope.get(path).filter(|value| value.is_number()),
            _ => None,
        }
    }
}

/// Whether what is missing is null, which says more: what was known of it is no more.
fn says_nothing(node: &Node, scope: &Facts) -> bool {
    match node {
        Node::Read { path, .. } => path.walk(&scope.values).is_some_and(Value::is_null),
        Node::First(values) => values.iter().any(|value| says_nothing(value, scope)),
        _ => false,
    }
}

fn written(value: Val<'_>, budget: &mut Budget, depth: usize) -> Result<Value, Fault> {
    budget.take(1)?;
    if depth > DEPTH_MAX {
        return Err(Fault::of("what it gives nests too deep"));
    }
    Ok(match value {
        Val::Null => Value::Null,
        Val::Flag(flag) => flag.into(),
        Val::Number(number) => plain(number).map_or(Value::Null, Value::Number),
        Val::Text(text) => {
            budget.text(text.len())?;
            (*text).into()
        }
        Val::Sent(value) => {
            weigh(value, budget)?;
            value.clone()
        }
        Val::Made(items) => {
            let items = items.iter().map(|item| written(item.clone(), budget, depth + 1));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
    })
}

/// Takes what copying `value` costs. What was sent nests as deep as the reader of JSON allows.
fn weigh(value: &Value, budget: &mut Budget) -> Result<(), Fault> {
    budget.take(1)?;
    match value {
        Value::String(text) => budget.text(text.len()),
        Value::Array(items) => items.iter().try_for_each(|item| weigh(item, budget)),
        Value::Object(parts) => parts.iter().try_for_each(|(key, part)| {
            budget.text(key.len())?;
            weigh(part, budget)
        }),
        _ => Ok(()),
    }
}

/// A number as JSON has it: whole where it is whole. What is computed is rounded to a
/// millionth, because the difference of two moments is exact only so far.
fn plain(number: f64) -> Option<Number> {
    let number = if number.abs() < ROUNDED_BELOW { (number * 1e6).round() / 1e6 } else { number };
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    if number.fract() == 0.0 && number.abs() < WHOLE_MAX {
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

fn outcomes(node: &Node) -> Option<Vec<String>> {
    let all = |nodes: &mut dyn Iterator<Item = &Node>| {
        let mut texts = Vec::new();
        for node in nodes {
            texts.extend(outcomes(node)?);
        }
        (texts.len() <= OUTCOMES_MAX).then_some(texts)
    };
    match node {
        Node::Text(text) => Some(vec![text.clone()]),
        Node::Choose(parts) => all(&mut parts.iter().skip(1)),
        Node::First(values) => all(&mut values.iter()),
        Node::Lookup(table, _) => all(&mut table.iter().map(|(_, value)| value)),
        Node::Binary(Operator::Add, left, right) => {
            let (left, right) = (outcomes(left)?, outcomes(right)?);
            if left.len() * right.len() > OUTCOMES_MAX {
                return None;
            }
            Some(left.iter().flat_map(|one| right.iter().map(move |other| format!("{one}{other}"))).collect())
        }
        _ => None,
    }
}
