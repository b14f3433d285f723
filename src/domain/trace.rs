//! What a rule saw, line by line: the thorough recorder.

use serde_json::Value;

use super::condition::{Join, Line, Recorder};
use super::expression::{Expression, Fault};
use super::facts::{Facts, Origin};

/// What a `where` is called among the lines of a rule.
pub const WHERE: &str = "where";

/// A condition as it was evaluated, every line of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Trace {
    /// One line.
    Line(Seen),
    /// Several parts, joined.
    Nest {
        /// How they are joined.
        join: Join,
        /// The parts in the order of the file.
        parts: Vec<Trace>,
        /// The result.
        held: bool,
    },
}

/// One line as it was evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The line of the rule file, from 1; 0 when made without a file.
    pub line: u32,
    /// The fact as the rule names it.
    pub fact: String,
    /// What must hold, in words.
    pub says: String,
    /// The value and where it came from; `None` when the fact is missing.
    pub value: Option<(Value, Origin)>,
    /// Whether it holds.
    pub held: bool,
    /// How it came to its result, when it is a `where`.
    pub working: Option<Working>,
}

/// A `where` as it was evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Working {
    /// The facts it names, each with its value and where that came from; no value: missing.
    pub facts: Vec<(String, Option<(Value, Origin)>)>,
    /// Why it came to no result.
    pub failed: Option<String>,
}

impl Trace {
    /// Whether it held.
    #[must_use]
    pub fn held(&self) -> bool {
        match self {
            Self::Line(seen) => seen.held,
            Self::Nest { held, .. } => *held,
        }
    }

    /// How many lines at least would have had to come out otherwise for the result to be
    /// `wanted`; `usize::MAX` when no line could have changed it.
    #[must_use]
    pub fn away_from(&self, wanted: bool) -> usize {
        match self {
            _ if self.held() == wanted => 0,
            Self::Line(_) => 1,
            Self::Nest { join, parts, .. } => {
                // An `any` that holds fails when all its parts do, and so on.
                let part = if *join == Join::None { !wanted } else { wanted };
                let aways = parts.iter().map(|trace| trace.away_from(part));
                if (*join == Join::Any) == wanted {
                    aways.min().unwrap_or(usize::MAX)
                } else {
                    aways.fold(0, usize::saturating_add)
                }
            }
        }
    }

    /// The first lines, in the order of the file, that kept the result from being `wanted`:
    /// one line, or one of each alternative.
    #[must_use]
    pub fn culprits(&self, wanted: bool) -> Vec<&Seen> {
        match self {
            _ if self.held() == wanted => Vec::new(),
            Self::Line(seen) => vec![seen],
            Self::Nest { join, parts, .. } => {
                let part = if *join == Join::None { !wanted } else { wanted };
                let mut culprits = parts.iter().map(|trace| trace.culprits(part));
                if (*join == Join::Any) == wanted {
                    culprits.flatten().collect()
                } else {
                    culprits.find(|lines| !lines.is_empty()).unwrap_or_default()
                }
            }
        }
    }
}

/// Records every line, also those that cannot change the result any more.
#[derive(Debug)]
pub struct Tracer<'f> {
    facts: &'f Facts,
    open: Vec<(Join, Vec<Trace>)>,
    done: Vec<Trace>,
}

impl<'f> Tracer<'f> {
    /// A tracer of evaluations of `facts`.
    #[must_use]
    pub fn new(facts: &'f Facts) -> Self {
        Self { facts, open: Vec::new(), done: Vec::new() }
    }

    /// What was recorded, a trace for each condition that was evaluated.
    #[must_use]
    pub fn finish(self) -> Vec<Trace> {
        self.done
    }

    fn add(&mut self, trace: Trace) {
        match self.open.last_mut() {
            Some((_, parts)) => parts.push(trace),
            None => self.done.push(trace),
        }
    }
}

impl Recorder for Tracer<'_> {
    const THOROUGH: bool = true;

    fn enter(&mut self, join: Join) {
        self.open.push((join, Vec::new()));
    }

    fn leave(&mut self, held: bool) {
        if let Some((join, parts)) = self.open.pop() {
            self.add(Trace::Nest { join, parts, held });
        }
    }

    fn line(&mut self, line: &Line, seen: Option<&Value>, held: bool) {
        self.add(Trace::Line(Seen {
            line: line.line,
            fact: line.fact.to_string(),
            says: line.says(),
            value: seen.map(|value| (value.clone(), self.facts.origin(line.fact.name()))),
            held,
            working: None,
        }));
    }

    fn expression(&mut self, expression: &Expression, outcome: &Result<bool, Fault>) {
        let seen = |path| {
            let value: Option<&Value> = self.facts.get(path);
            value.map(|value| (value.clone(), self.facts.origin(path.name())))
        };
        let facts = expression.reads().iter().map(|path| (path.to_string(), seen(path))).collect();
        self.add(Trace::Line(Seen {
            line: expression.line,
            fact: WHERE.to_owned(),
            says: expression.says(),
            value: None,
            held: outcome == &Ok(true),
            working: Some(Working { facts, failed: outcome.as_ref().err().map(ToString::to_string) }),
        }));
    }
}
