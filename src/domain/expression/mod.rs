//! `where`: one CEL expression over the facts of an event.
//!
//! The crate `cel` reads the text; what it reads is checked against the vocabulary and
//! becomes a tree of our own. That tree is evaluated here, for three reasons: a number is
//! a number, whether it is written with a decimal point or not; what can only be wrong is
//! wrong when the file is read; and the work is bounded whatever the event.

mod check;
mod compare;
mod evaluate;
mod forms;
mod formula;
mod functions;
mod guard;
mod node;
mod parse;
mod texts;
mod work;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::facts::FactPath;
use super::look::Lookup;
pub use formula::{Formula, Given};
use node::Node;
pub use work::Work;

/// The longest expression, in bytes.
pub const SOURCE_BYTES_MAX: usize = 4 * 1024;

/// The stack that [`Expression::compile`] needs, in bytes: the parser recurses.
pub const COMPILE_STACK_BYTES: usize = 16 << 20;

/// What the values of a fact or a part of an expression are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whatever the sender sent.
    Any,
    /// Text.
    Text,
    /// A number; durations are seconds.
    Number,
    /// True or false.
    Flag,
    /// A list.
    List,
    /// The rank of a word of this fact; of some fact, where it is empty.
    Rank(&'static str),
}

impl Kind {
    /// What it is, for people.
    fn word(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::List => "a list",
            Self::Rank(_) => "a rank",
        }
    }
}

/// What an expression is written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The facts of an event, in rules.
    Facts,
    /// A webhook as it came in, in the mapping of a source.
    Webhook,
}

/// What an expression may name.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// What it is written over, for the words of flaws.
    pub over: Over,
    /// The facts and what they are.
    pub facts: Vec<(&'static str, Kind)>,
    /// Reads a duration as people write it, or says why it is none.
    pub duration: fn(&str) -> Result<Duration, String>,
}

/// Something wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The bytes of the source that it is about.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// A word nobody knows and the words that could be meant.
    pub unknown: Option<(String, Vec<&'static str>)>,
}

impl Flaw {
    fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: None, unknown: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Why an expression came to no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    why: String,
    missing: bool,
}

impl Fault {
    fn of(why: impl Into<String>) -> Self {
        Self { why: why.into(), missing: false }
    }

    fn missing(why: impl Into<String>) -> Self {
        Self { why: why.into(), missing: true }
    }

    /// Whether there is no result only because something is missing.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.missing
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// A checked expression, ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Expression {
    source: String,
    root: Node,
    reads: Vec<FactPath>,
    /// The line of the rule file it stands on, from 1; 0 when made without a file.
    pub line: u32,
}

impl Expression {
    /// Reads and checks `source`. The caller's stack must have [`COMPILE_STACK_BYTES`].
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn compile(source: &str, vocabulary: &Vocabulary) -> Result<Self, Vec<Flaw>> {
        let parsed = parse::parse(source, vocabulary.over).map_err(|flaw| vec![flaw])?;
        let (root, reads) = check::condition(&parsed, source, vocabulary)?;
        Ok(Self { source: source.trim().to_owned(), root, reads, line: 0 })
    }

    /// The expression as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The facts it reads, each once, in the order in which it names them.
    #[must_use]
    pub fn reads(&self) -> &[FactPath] {
        &self.reads
    }

    /// Whether it holds of `facts`. Never panics, and takes bounded time and stack whatever
    /// the facts are.
    ///
    /// # Errors
    /// Why it came to no result: a fact that is missing, values that do not go together,
    /// too much work.
    pub fn eval(&self, facts: &dyn Lookup) -> Result<bool, Fault> {
        evaluate::evaluate(&self.root, facts, &mut work::Budget::new())
    }

    /// As [`Expression::eval`], out of the work that is left for a webhook.
    ///
    /// # Errors
    /// As [`Expression::eval`], and when no work is left.
    pub fn eval_within(&self, facts: &dyn Lookup, work: &mut Work) -> Result<bool, Fault> {
        let mut budget = work::Budget::of(work);
        let held = evaluate::evaluate(&self.root, facts, &mut budget);
        budget.settle(work);
        held
    }
}
