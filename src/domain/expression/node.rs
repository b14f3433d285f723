//! The tree that is evaluated.

use regex::Regex;

use super::functions::Function;
use crate::domain::facts::FactPath;

/// One part of an expression.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Text(String),
    Number(f64),
    Flag(bool),
    /// The value of a fact, or of a part of the payload; text that is a number counts as
    /// one where the fact is a number.
    Read {
        path: FactPath,
        as_number: bool,
    },
    /// What the `n`th enclosing `all`, `exists` … looks at, counted from the outermost.
    Variable(usize),
    Member(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    List(Vec<Node>),
    /// Whether this path is there.
    Has(Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Choose(Box<[Node; 3]>),
    Binary(Operator, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
    Matches(Box<Node>, Box<Pattern>),
    /// The first of these that is there.
    First(Vec<Node>),
    /// What the pattern finds in a text: its first group, or all of it.
    Extract(Box<Node>, Box<Pattern>),
    /// The characters of a text from one place on, up to another or to its end.
    Substring(Box<Node>, Box<Node>, Option<Box<Node>>),
    /// What a table `{"P1": "blocker"}` has for a value.
    Lookup(Vec<(Key, Node)>, Box<Node>),
    Each(Each, Box<Node>, Box<Node>),
}

/// What a line of a table is found by.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    Text(String),
    Number(f64),
    Flag(bool),
}

/// An operator of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
}

impl Operator {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
        }
    }
}

/// What is done with each element of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Each {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

/// A compiled regular expression, and what looking at one byte with it costs at worst.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) regex: Regex,
    pub(super) cost: u64,
}
