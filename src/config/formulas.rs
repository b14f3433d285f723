//! The expressions of a mapping: from YAML values to checked expressions over a webhook.

use std::sync::LazyLock;

use super::expressions::{compile_by, report};
use super::fields::text;
use super::findings::Findings;
use super::node::{Node, Tree};
use super::values;
use crate::domain::expression::{Expression, Flaw, Formula, Kind, Over, Vocabulary};

/// What the expressions of one mapping may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roots {
    /// The body and the headers.
    Whole,
    /// The item at hand and its place too.
    Item,
}

static WHOLE: LazyLock<Vocabulary> = LazyLock::new(|| vocabulary(vec![("body", Kind::Any), ("headers", Kind::Any)]));

static ITEM: LazyLock<Vocabulary> = LazyLock::new(|| {
    vocabulary(vec![("body", Kind::Any), ("headers", Kind::Any), ("item", Kind::Any), ("index", Kind::Number)])
});

fn vocabulary(facts: Vec<(&'static str, Kind)>) -> Vocabulary {
    Vocabulary { over: Over::Webhook, facts, duration: values::duration }
}

impl Roots {
    fn vocabulary(self) -> &'static Vocabulary {
        match self {
            Self::Whole => &WHOLE,
            Self::Item => &ITEM,
        }
    }
}

/// Reads an expression that gives a value. `None` when it is broken; the reasons are reported.
pub fn formula(node: &Node, what: &str, roots: Roots, findings: &mut Findings) -> Option<Formula> {
    let source = source(node, what, findings)?;
    let words = roots.vocabulary();
    let compiled = compile_by(source, move |source| Formula::compile(source, words));
    told(compiled, source, node, findings)
}

/// Reads an expression that holds or does not.
pub fn condition(node: &Node, what: &str, roots: Roots, findings: &mut Findings) -> Option<Expression> {
    let source = source(node, what, findings)?;
    let words = roots.vocabulary();
    let compiled = compile_by(source, move |source| Expression::compile(source, words));
    told(compiled, source, node, findings)
}

/// The text of an expression; numbers, `true` and `false` are expressions as they are written.
fn source<'n>(node: &'n Node, what: &str, findings: &mut Findings) -> Option<&'n str> {
    match &node.tree {
        Tree::Scalar(_, written) if !node.is_nothing() && node.text().is_none() => Some(written),
        _ => text(node, what, findings),
    }
}

fn told<T>(compiled: Result<T, Vec<Flaw>>, source: &str, node: &Node, findings: &mut Findings) -> Option<T> {
    match compiled {
        Ok(compiled) => Some(compiled),
        Err(flaws) => {
            for flaw in flaws {
                report(flaw, source, node.at, findings);
            }
            None
        }
    }
}
