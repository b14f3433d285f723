//! One line of a rule, wanted or left out, and what the values of its fact can be.

use serde_json::Value;

use crate::config::vocabulary::{FactKind, Vocabulary};
use crate::domain::condition::{Line, Sight, Test, Wanted};
use crate::domain::facts::FactPath;

/// A line that must hold, or must not.
#[derive(Debug, Clone, Copy)]
pub struct Literal<'a> {
    /// The line.
    pub line: &'a Line,
    /// Whether it must hold.
    pub wanted: bool,
}

impl<'a> Literal<'a> {
    /// Whether `seen` is as it must be.
    pub fn admits(&self, seen: Option<&Value>) -> bool {
        self.line.holds(Sight::unchanged(seen)) == self.wanted
    }

    /// The tests that must all hold of a value that is there, as far as they are known one by one.
    pub fn required(&self) -> &'a [Test] {
        if self.wanted { &self.line.tests } else { &[] }
    }

    /// The tests that must not hold of a value that is there.
    pub fn forbidden(&self) -> impl Iterator<Item = &'a Test> + use<'a> {
        let inverted = self.required().iter().filter_map(|test| match test {
            Test::Not(tests) => only(tests),
            _ => None,
        });
        let left_out = if self.wanted { None } else { only(&self.line.tests) };
        inverted.chain(left_out)
    }
}

/// The only element, if there is one only.
fn only<T>(all: &[T]) -> Option<&T> {
    match all {
        [only] => Some(only),
        _ => None,
    }
}

/// What the values of a fact can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Texts, and nothing else.
    Text,
    /// Numbers, and nothing else.
    Number,
    /// Truth values, and nothing else.
    Flag,
    /// Lists of texts.
    List,
    /// Whatever the sender sent.
    Any,
}

impl Shape {
    /// The shape of the values at `path`.
    pub fn of(path: &FactPath, words: &Vocabulary) -> Self {
        if !path.is_plain() {
            return Self::Any;
        }
        match words.kind(path.name()) {
            Some(FactKind::Text | FactKind::Time) => Self::Text,
            Some(FactKind::Number | FactKind::Duration) => Self::Number,
            Some(FactKind::Flag) => Self::Flag,
            Some(FactKind::List) => Self::List,
            Some(FactKind::Object | FactKind::Any) | None => Self::Any,
        }
    }
}

/// Whether every event has the fact.
pub fn is_always_there(path: &FactPath) -> bool {
    path.is_plain() && ["event", "source", "time", "payload"].contains(&path.name())
}

/// All tests of `tests`, those inside `not` included.
pub fn each_test<'a>(tests: &'a [Test], told: &mut dyn FnMut(&'a Test)) {
    for test in tests {
        told(test);
        if let Test::Not(inner) = test {
            each_test(inner, told);
        }
    }
}

/// Whether `line` asks if its fact has changed, which is no matter of the value alone.
pub fn asks_for_change(line: &Line) -> bool {
    let mut asks = false;
    each_test(&line.tests, &mut |test| asks |= matches!(test, Test::Changed(_)));
    asks
}

/// The text that `wanted` compares with, in lower case.
pub fn text_of(wanted: &Wanted) -> Option<&str> {
    match wanted {
        Wanted::Text(text) => Some(text.as_str()),
        Wanted::Glob(_) | Wanted::Number(_) | Wanted::Flag(_) => None,
    }
}

/// The same as it was written.
pub fn written_of(wanted: &Wanted) -> Option<&str> {
    match wanted {
        Wanted::Text(text) => Some(text.written()),
        Wanted::Glob(_) | Wanted::Number(_) | Wanted::Flag(_) => None,
    }
}
