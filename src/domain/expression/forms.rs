//! Checks of what makes values: `first`, `extract`, `substring`, tables, and the names of
//! what a webhook has.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, MapExpr};

use super::check::{Check, Typed};
use super::node::{Key, Node};
use super::{Flaw, Kind};

impl Check<'_> {
    /// A name that nothing of a webhook has.
    pub(super) fn unknown_root(&mut self, name: &str, part: &IdedExpr) {
        let known: Vec<&'static str> = self.words.facts.iter().map(|(known, _)| *known).collect();
        let whole = self.source.trim();
        let is_path = self.words.facts.iter().any(|(root, _)| whole.starts_with(root));
        let is_word = !is_path && whole.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ' '));
        let help = if matches!(name, "item" | "index") {
            format!("'{name}' is there once 'each' says which list has the items")
        } else if is_word {
            format!(
                "text stands in quotes of its own: '\"{whole}\"'; what was sent is reached by its path: body.{name}"
            )
        } else {
            format!(
                "what was sent is reached by its path: body.{name}; a header by its name in small letters: \
                 headers[\"x-{}\"]",
                name.to_lowercase()
            )
        };
        let mut flaw = Flaw::new(self.at(part), format!("unknown name '{name}'")).help(help);
        flaw.unknown = Some((name.to_owned(), known));
        self.flaw(flaw);
    }

    pub(super) fn first(&mut self, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        if call.target.is_some() || call.args.is_empty() {
            return self.wrong(call, part, "'first' takes the values to choose from, the best first");
        }
        let values: Vec<Option<Typed>> = call.args.iter().map(|value| self.part(value)).collect();
        let values = values.into_iter().collect::<Option<Vec<_>>>()?;
        let kind = values.first().map_or(Kind::Any, |first| first.kind);
        let kind = if values.iter().all(|value| value.kind == kind) { kind } else { Kind::Any };
        Some(Typed::new(Node::First(values.into_iter().map(|value| value.node).collect()), kind))
    }

    pub(super) fn extract(&mut self, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        let (text, pattern) = match (call.target.as_deref(), call.args.as_slice()) {
            (Some(text), [pattern]) | (None, [text, pattern]) => (text, pattern),
            _ => return self.wrong(call, part, "'extract' takes a text and a pattern"),
        };
        let text = self.wants(text, Kind::Text, "'extract' looks into text");
        let pattern = self.pattern(call, pattern)?;
        Some(Typed::new(Node::Extract(Box::new(text?.node), Box::new(pattern)), Kind::Text))
    }

    pub(super) fn substring(&mut self, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        let (Some(text), [from, to @ ..]) = (call.target.as_deref(), call.args.as_slice()) else {
            return self.wrong(call, part, "'substring' stands after a text and says from where to where");
        };
        if to.len() > 1 {
            return self.wrong(call, part, "'substring' says from where to where, and no more");
        }
        let text = self.wants(text, Kind::Text, "'substring' is a part of text");
        let why = "'substring' counts characters";
        let from = self.wants(from, Kind::Number, why);
        let to = match to.first() {
            Some(to) => Some(Box::new(self.wants(to, Kind::Number, why)?.node)),
            None => None,
        };
        Some(Typed::new(Node::Substring(Box::new(text?.node), Box::new(from?.node), to), Kind::Text))
    }

    /// `{"P1": "blocker"}[body.priority]`.
    pub(super) fn lookup(&mut self, table: &MapExpr, at: &IdedExpr, key: &IdedExpr) -> Option<Typed> {
        let key = self.part(key);
        let mut lines: Vec<(Key, Typed)> = Vec::new();
        let mut whole = true;
        for entry in &table.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
            let name = self.table_key(&entry.key);
            let value = self.part(&entry.value);
            let (Some(name), Some(value)) = (name, value) else {
                whole = false;
                continue;
            };
            if lines.iter().any(|(known, _)| *known == name) {
                self.flaw(Flaw::new(self.at(&entry.key), "the table has this word twice").help("remove one of them"));
                whole = false;
            }
            lines.push((name, value));
        }
        if table.entries.is_empty() {
            let flaw = Flaw::new(self.at(at), "this table is empty");
            self.flaw(
                flaw.help("write what stands for what: {\"P1\": \"blocker\", \"P2\": \"critical\"}[body.priority]"),
            );
            return None;
        }
        let key = key.filter(|_| whole)?;
        if !matches!(key.kind, Kind::Any | Kind::Text | Kind::Number | Kind::Flag) {
            let message = format!("a table is asked for text or a number, and this is {}", key.kind.word());
            self.flaw(Flaw::new(self.at(at), message));
            return None;
        }
        let kind = lines.first().map_or(Kind::Any, |(_, value)| value.kind);
        let kind = if lines.iter().all(|(_, value)| value.kind == kind) { kind } else { Kind::Any };
        let lines = lines.into_iter().map(|(key, value)| (key, value.node)).collect();
        Some(Typed::new(Node::Lookup(lines, Box::new(key.node)), kind))
    }

    fn table_key(&mut self, key: &IdedExpr) -> Option<Key> {
        #[expect(clippy::cast_precision_loss, reason = "all numbers of an expression are decimals")]
        let known = match &key.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(Key::Text(text.inner().to_owned())),
            Expr::Literal(LiteralValue::Int(number)) => Some(Key::Number(*number.inner() as f64)),
            Expr::Literal(LiteralValue::UInt(number)) => Some(Key::Number(*number.inner() as f64)),
            Expr::Literal(LiteralValue::Double(number)) => Some(Key::Number(*number.inner())),
            Expr::Literal(LiteralValue::Boolean(flag)) => Some(Key::Flag(*flag.inner())),
            _ => None,
        };
        if known.is_none() {
            let flaw = Flaw::new(self.at(key), "what a table is asked for must stand here itself");
            self.flaw(flaw.help("text in quotes, or a number: {\"P1\": \"blocker\", 2: \"critical\"}[body.priority]"));
        }
        known
    }
}
