//! Values while an expression is evaluated, and the budget of work.

use std::ops::Deref;
use std::rc::Rc;

use serde_json::Value;

use super::Fault;

/// How much work one evaluation may take: a step, a few bytes of text or one element of
/// a list is one.
const WORK_MAX: u64 = 250_000;

/// How many bytes of text one unit of work handles.
const BYTES_PER_WORK: usize = 16;

/// A text; however long it is, another one of it costs nothing.
#[derive(Debug, Clone)]
pub(super) enum Text<'a> {
    /// Of the event or the expression.
    Sent(&'a str),
    /// That the expression made.
    Made(Rc<str>),
}

impl Text<'_> {
    pub(super) fn made(text: String) -> Self {
        Self::Made(text.into())
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Sent(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// A value; what comes from the facts is borrowed.
#[derive(Debug, Clone)]
pub(super) enum Val<'a> {
    Null,
    Flag(bool),
    Number(f64),
    Text(Text<'a>),
    /// A list or an object that the sender sent.
    Sent(&'a Value),
    /// A list that the expression made.
    Made(Rc<Vec<Val<'a>>>),
}

impl<'a> Val<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Self::Text(Text::Sent(text)),
            Value::Array(_) | Value::Object(_) => Self::Sent(value),
        }
    }

    /// What it is, for people.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::Sent(Value::Object(_)) => "an object",
            Self::Sent(_) | Self::Made(_) => "a list",
        }
    }

    /// How many elements it has, if it is a list.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Sent(Value::Array(items)) => Some(items.len()),
            Self::Made(items) => Some(items.len()),
            _ => None,
        }
    }

    /// Its element `at`, if it is a list that has it.
    pub(super) fn element(&self, at: usize) -> Option<Val<'a>> {
        match self {
            Self::Sent(Value::Array(items)) => items.get(at).map(Val::of),
            Self::Made(items) => items.get(at).cloned(),
            _ => None,
        }
    }
}

/// How much work all expressions of one webhook may take together.
const WORK_OF_WEBHOOK_MAX: u64 = 16 * WORK_MAX;

/// What is left of the work that all expressions of one webhook may take.
#[derive(Debug)]
pub struct Work {
    left: u64,
}

impl Work {
    /// The work for one webhook.
    #[must_use]
    pub fn of_webhook() -> Self {
        Self { left: WORK_OF_WEBHOOK_MAX }
    }
}

/// What is left of the budget.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    /// What one evaluation may take.
    pub(super) fn new() -> Self {
        Self { left: WORK_MAX }
    }

    /// What one evaluation may take out of what is left for several.
    pub(super) fn of(work: &Work) -> Self {
        Self { left: WORK_MAX.min(work.left) }
    }

    /// Takes what was used of this, which was made of `work`, from `work`.
    pub(super) fn settle(&self, work: &mut Work) {
        work.left -= WORK_MAX.min(work.left).saturating_sub(self.left);
    }

    /// Whether all of it is spent, so that no result counts any more.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Takes `work`; fails when that is the last of it.
    pub(super) fn take(&mut self, work: u64) -> Result<(), Fault> {
        self.left = self.left.saturating_sub(work);
        if self.is_spent() { Err(Self::fault()) } else { Ok(()) }
    }

    /// Takes what a look at `bytes` bytes of text costs.
    pub(super) fn text(&mut self, bytes: usize) -> Result<(), Fault> {
        self.take((bytes / BYTES_PER_WORK) as u64)
    }

    pub(super) fn fault() -> Fault {
        Fault::of("it is too much work for an event of this size")
    }
}
