//! The functions that make values: pieces of text, the first of several, tables, moments.

use std::rc::Rc;

use super::Fault;
use super::evaluate::{Outcome, Run, brief, fault, whole};
use super::node::{Key, Node, Pattern};
use super::work::{Text, Val};
use crate::domain::time::Timestamp;

/// Moments from here on are milliseconds: as seconds this is the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

impl<'a> Run<'a, '_> {
    /// The first that is there. What is missing, empty text or nothing is not.
    pub(super) fn first(&mut self, values: &'a [Node]) -> Outcome<'a> {
        for value in values {
            match self.eval(value) {
                Ok(Val::Null) => {}
                Ok(Val::Text(text)) if text.trim().is_empty() => {}
                Err(why) if why.is_missing() => {}
                decided => return decided,
            }
        }
        Err(Fault::missing("none of the values of 'first' is there"))
    }

    /// What the table has for a value. Only the part that is found is evaluated.
    pub(super) fn lookup(&mut self, table: &'a [(Key, Node)], key: &'a Node) -> Outcome<'a> {
        let wanted = self.eval(key)?;
        self.budget.take(table.len() as u64)?;
        let found = table.iter().find(|(key, _)| match (key, &wanted) {
            (Key::Text(key), Val::Text(text)) => **key == **text,
            (Key::Number(key), Val::Number(number)) => key == number,
            (Key::Flag(key), Val::Flag(flag)) => key == flag,
            _ => false,
        });
        match (found, &wanted) {
            (Some((_, value)), _) => self.eval(value),
            (None, Val::Text(text)) => Err(Fault::missing(format!("the table has no '{}'", brief(text)))),
            (None, Val::Number(number)) => Err(Fault::missing(format!("the table has no {number}"))),
            (None, other) => Err(fault(format!("a table is asked for text or a number, not for {}", other.word()))),
        }
    }

    pub(super) fn extract(&mut self, text: &'a Node, pattern: &'a Pattern) -> Outcome<'a> {
        let text = self.text(text, "extract")?;
        self.budget.take(pattern.cost.saturating_mul(text.len() as u64))?;
        let found = pattern.regex.captures(&text).and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
        match found {
            Some(found) => Ok(Val::Text(piece(&text, found.range()))),
            None => Err(Fault::missing("the pattern of 'extract' finds nothing in the text")),
        }
    }

    pub(super) fn substring(&mut self, text: &'a Node, from: &'a Node, to: Option<&'a Node>) -> Outcome<'a> {
        let text = self.text(text, "substring")?;
        let from = self.place(from)?;
        let to = to.map(|to| self.place(to)).transpose()?;
        let byte = |place: usize| text.char_indices().nth(place).map_or(text.len(), |(at, _)| at);
        let start = byte(from);
        let end = to.map_or(text.len(), byte);
        Ok(Val::Text(piece(&text, start..end.max(start))))
    }

    fn place(&mut self, node: &'a Node) -> Result<usize, Fault> {
        let number = self.number(node, "substring")?;
        whole(number).ok_or_else(|| fault("'substring' counts characters from 0"))
    }

    pub(super) fn split(&mut self, text: &'a Node, rest: &'a [Node]) -> Outcome<'a> {
        let text = self.text(text, "split")?;
        let by = self.argument(rest, 0, "split")?;
        if by.is_empty() {
            return Err(fault("'split' needs a text between the parts"));
        }
        let mut parts = Vec::new();
        let mut start = 0;
        for (at, found) in text.match_indices(&*by) {
            self.budget.take(1)?;
            parts.push(Val::Text(piece(&text, start..at)));
            start = at + found.len();
        }
        parts.push(Val::Text(piece(&text, start..text.len())));
        Ok(Val::Made(Rc::new(parts)))
    }

    pub(super) fn join(&mut self, list: &'a Node, rest: &'a [Node]) -> Outcome<'a> {
        let list = self.eval(list)?;
        let Some(length) = list.length() else {
            return Err(fault(format!("'join' needs a list, not {}", list.word())));
        };
        let by = self.argument(rest, 0, "join")?;
        let mut joined = String::new();
        for at in 0..length {
            let before = joined.len();
            if at > 0 {
                joined.push_str(&by);
            }
            match list.element(at) {
                Some(Val::Text(text)) => joined.push_str(&text),
                Some(Val::Number(number)) => joined.push_str(&number.to_string()),
                Some(Val::Flag(flag)) => joined.push_str(if flag { "true" } else { "false" }),
                Some(Val::Null) | None => {}
                Some(other) => return Err(fault(format!("'join' joins texts and numbers, not {}", other.word()))),
            }
            self.budget.take(1)?;
            self.budget.text(joined.len() - before)?;
        }
        Ok(Val::Text(Text::made(joined)))
    }

    pub(super) fn replace(&mut self, text: &'a Node, rest: &'a [Node]) -> Outcome<'a> {
        let text = self.text(text, "replace")?;
        let (from, to) = (self.argument(rest, 0, "replace")?, self.argument(rest, 1, "replace")?);
        if from.is_empty() {
            return Err(fault("'replace' needs a text to replace"));
        }
        let found = text.matches(&*from).count();
        if found == 0 {
            return Ok(Val::Text(text));
        }
        self.budget.text(text.len().saturating_add(found.saturating_mul(to.len())))?;
        Ok(Val::Text(Text::made(text.replace(&*from, &to))))
    }

    pub(super) fn trim(&mut self, text: &'a Node) -> Outcome<'a> {
        let text = self.text(text, "trim")?;
        let start = text.len() - text.trim_start().len();
        let end = text.trim_end().len();
        Ok(Val::Text(piece(&text, start..end.max(start))))
    }

    /// A moment as seconds since 1970, so that a difference of two is a duration.
    pub(super) fn seconds(&mut self, of: &'a Node) -> Outcome<'a> {
        match self.eval(of)? {
            Val::Number(number) if number.abs() >= MILLISECONDS_FROM => Ok(Val::Number(number / 1000.0)),
            Val::Number(number) => Ok(Val::Number(number)),
            Val::Text(text) => match Timestamp::parse(text.trim()) {
                #[expect(clippy::cast_precision_loss, reason = "moments are far below 2^53 milliseconds")]
                Some(moment) => Ok(Val::Number(moment.as_ms() as f64 / 1000.0)),
                None => Err(fault(format!("'{}' is no moment such as 2026-09-14T12:20:00Z", brief(&text)))),
            },
            other => Err(fault(format!("'timestamp' needs a moment, not {}", other.word()))),
        }
    }

    fn argument(&mut self, rest: &'a [Node], at: usize, name: &str) -> Result<Text<'a>, Fault> {
        match rest.get(at) {
            Some(node) => self.text(node, name),
            None => Err(fault(format!("'{name}' has too few values"))),
        }
    }
}

/// A part of a text, which costs nothing where the text is the sender's.
fn piece<'a>(text: &Text<'a>, range: std::ops::Range<usize>) -> Text<'a> {
    match text {
        Text::Sent(text) => Text::Sent(text.get(range).unwrap_or_default()),
        Text::Made(text) => Text::made(text.get(range).unwrap_or_default().to_owned()),
    }
}
