//! From the parser's tree to the tree that is evaluated: names, types, and what can only
//! be wrong.

use std::ops::Range;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::functions::{self, SIGNATURES, Style};
use super::node::{Node, Operator};
use super::parse::Parsed;
use super::{Flaw, Kind, Over, Vocabulary};
use crate::domain::facts::FactPath;
use crate::domain::rank;

/// How deep the parts of an expression may nest: the evaluation recurses.
const DEPTH_MAX: usize = 64;

/// A checked part and what its values are.
pub(super) struct Typed {
    pub(super) node: Node,
    pub(super) kind: Kind,
}

impl Typed {
    pub(super) fn new(node: Node, kind: Kind) -> Self {
        Self { node, kind }
    }

    /// The text, if it is nothing else.
    pub(super) fn literal(&self) -> Option<&str> {
        match &self.node {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The fact whose value it is, if it is that of a whole fact.
    pub(super) fn fact(&self) -> Option<&str> {
        match &self.node {
            Node::Read { path, .. } if path.is_plain() => Some(path.name()),
            _ => None,
        }
    }
}

/// Checks all of a condition.
pub(super) fn condition(parsed: &Parsed, source: &str, words: &Vocabulary) -> Result<(Node, Vec<FactPath>), Vec<Flaw>> {
    let (root, reads, mut flaws) = whole(parsed, source, words);
    if let Some(root) = &root {
        let whole = 0..source.len();
        if !matches!(root.kind, Kind::Flag | Kind::Any) {
            let message = format!("this gives {}, not true or false", root.kind.word());
            let help = match root.kind {
                Kind::Text => "compare it: title == \"Smoke\"",
                Kind::List => "ask for something in it: \"smoke\" in tags",
                Kind::Rank(_) => "compare it: rank(severity) >= rank(\"critical\")",
                _ => "compare it: failed > 0",
            };
            flaws.push(Flaw::new(whole, message).help(help));
        }
    }
    match root {
        Some(root) if flaws.is_empty() => Ok((root.node, reads)),
        _ => Err(flaws),
    }
}

/// Checks all of an expression that gives any value.
pub(super) fn value(parsed: &Parsed, source: &str, words: &Vocabulary) -> Result<(Typed, Vec<FactPath>), Vec<Flaw>> {
    let (root, reads, mut flaws) = whole(parsed, source, words);
    if let Some(Typed { kind: Kind::Rank(_), .. }) = root {
        let flaw = Flaw::new(0..source.len(), "a rank is only for comparing, and no value");
        flaws.push(flaw.help("take the word itself: body.severity"));
    }
    match root {
        Some(root) if flaws.is_empty() => Ok((root, reads)),
        _ => Err(flaws),
    }
}

fn whole(parsed: &Parsed, source: &str, words: &Vocabulary) -> (Option<Typed>, Vec<FactPath>, Vec<Flaw>) {
    let mut check =
        Check { parsed, source, words, flaws: Vec::new(), reads: Vec::new(), variables: Vec::new(), depth: 0 };
    let root = check.part(&parsed.root);
    let Check { flaws, reads, .. } = check;
    (root, reads, flaws)
}

pub(super) struct Check<'p> {
    parsed: &'p Parsed,
    pub(super) source: &'p str,
    pub(super) words: &'p Vocabulary,
    pub(super) flaws: Vec<Flaw>,
    reads: Vec<FactPath>,
    pub(super) variables: Vec<String>,
    depth: usize,
}

impl Check<'_> {
    pub(super) fn at(&self, part: &IdedExpr) -> Range<usize> {
        let place = self.parsed.places.offset_for(part.id);
        let (mut start, mut stop) =
            place.map_or((0, self.source.len()), |(start, stop)| (start as usize, stop as usize + 1));
        // A call is said to stand at its bracket; people look at its name.
        if let Expr::Call(call) = &part.expr
            && let Some(before) = self.source.get(..start)
            && before.ends_with(&call.func_name)
        {
            (start, stop) = (start - call.func_name.len(), start);
        }
        let bound = |at: usize| (0..=at.min(self.source.len())).rev().find(|at| self.source.is_char_boundary(*at));
        let start = bound(start).unwrap_or(0);
        start..bound(stop).unwrap_or(0).max(start + 1)
    }

    pub(super) fn flaw(&mut self, flaw: Flaw) {
        // What is too deep is so in many places.
        if !self.flaws.iter().any(|known| known.message == flaw.message && known.at == flaw.at) {
            self.flaws.push(flaw);
        }
    }

    /// Checks `part`. `None` when it is broken; the reasons are kept.
    pub(super) fn part(&mut self, part: &IdedExpr) -> Option<Typed> {
        if self.depth >= DEPTH_MAX {
            let message = format!("this expression nests deeper than {DEPTH_MAX} parts");
            if !self.flaws.iter().any(|known| known.message == message) {
                self.flaw(Flaw::new(self.at(part), message).help("write several rules"));
            }
            return None;
        }
        self.depth += 1;
        let typed = self.one(part);
        self.depth -= 1;
        typed
    }

    fn one(&mut self, part: &IdedExpr) -> Option<Typed> {
        match &part.expr {
            Expr::Literal(literal) => self.literal(literal, part),
            Expr::Ident(name) => self.name(name, part),
            Expr::Select(_) => self.path(part),
            Expr::List(list) => {
                let items: Vec<Option<Typed>> = list.elements.iter().map(|item| self.part(item)).collect();
                let items = items.into_iter().collect::<Option<Vec<_>>>()?;
                Some(Typed::new(Node::List(items.into_iter().map(|item| item.node).collect()), Kind::List))
            }
            Expr::Call(call) => self.call(call, part),
            Expr::Map(_) | Expr::Struct(_) => {
                self.flaw(Flaw::new(self.at(part), "'{…}' has no use here").help(
                    "a list is written [\"one\", \"two\"]; a table for looking a word up {\"P1\": \"blocker\"}[…]",
                ));
                None
            }
            Expr::Comprehension(_) | Expr::Unspecified => {
                self.flaw(Flaw::new(self.at(part), "this part cannot be read"));
                None
            }
        }
    }

    fn literal(&mut self, literal: &LiteralValue, part: &IdedExpr) -> Option<Typed> {
        #[expect(clippy::cast_precision_loss, reason = "all numbers of an expression are decimals")]
        let (node, kind) = match literal {
            LiteralValue::Boolean(flag) => (Node::Flag(*flag.inner()), Kind::Flag),
            LiteralValue::Double(number) => (Node::Number(*number.inner()), Kind::Number),
            LiteralValue::Int(number) => (Node::Number(*number.inner() as f64), Kind::Number),
            LiteralValue::UInt(number) => (Node::Number(*number.inner() as f64), Kind::Number),
            LiteralValue::String(text) => (Node::Text(text.inner().to_owned()), Kind::Text),
            LiteralValue::Null => {
                let (message, help) = match self.words.over {
                    Over::Facts => (
                        "nothing equals null here: a fact that is null is missing",
                        "to ask whether a fact is there, write has(environment) or !has(environment)",
                    ),
                    Over::Webhook => (
                        "nothing equals null here: what is null is missing",
                        "to ask whether something is there, write has(body.branch) or !has(body.branch)",
                    ),
                };
                self.flaw(Flaw::new(self.at(part), message).help(help));
                return None;
            }
            LiteralValue::Bytes(_) => {
                self.flaw(
                    Flaw::new(self.at(part), "bytes have no use here").help("write the text without the b before it"),
                );
                return None;
            }
        };
        Some(Typed::new(node, kind))
    }

    /// A name alone: a variable of `all` …, or a fact.
    fn name(&mut self, name: &str, part: &IdedExpr) -> Option<Typed> {
        if let Some(at) = self.variables.iter().rposition(|known| known == name) {
            return Some(Typed::new(Node::Variable(at), Kind::Any));
        }
        let known = self.words.facts.iter().find(|(known, _)| *known == name);
        let Some((_, kind)) = known.copied() else {
            if let Some(form) = functions::form(name) {
                let message = match self.words.over {
                    Over::Facts => format!("'{name}' is a function, not a fact"),
                    Over::Webhook => format!("'{name}' is a function, not a value"),
                };
                self.flaw(Flaw::new(self.at(part), message).help(format!("write {form}")));
                return None;
            }
            if self.words.over == Over::Webhook {
                self.unknown_root(name, part);
                return None;
            }
            let help = format!(
                "text stands in quotes: \"{name}\"; a field of the sender's own is reached by its path: payload.…"
            );
            let mut flaw = Flaw::new(self.at(part), format!("unknown fact '{name}'")).help(help);
            if ["severity", "priority"].iter().any(|fact| rank::rank(fact, name).is_some()) {
                self.flaw(flaw);
                return None;
            }
            let mut words: Vec<&'static str> = self.words.facts.iter().map(|(known, _)| *known).collect();
            words.extend(["true", "false"]);
            flaw.unknown = Some((name.to_owned(), words));
            self.flaw(flaw);
            return None;
        };
        let path = FactPath::parse(name).ok()?;
        Some(self.read(path, kind))
    }

    fn read(&mut self, path: FactPath, kind: Kind) -> Typed {
        if !self.reads.contains(&path) {
            self.reads.push(path.clone());
        }
        Typed::new(Node::Read { path, as_number: kind == Kind::Number }, kind)
    }

    /// A part of something: `payload.x.y`, `payload.list[0]`, `x.name`.
    pub(super) fn path(&mut self, part: &IdedExpr) -> Option<Typed> {
        if let Some(text) = self.fact_path(part)
            && let Ok(path) = FactPath::parse(&text)
        {
            let kind = self.words.facts.iter().find(|(known, _)| *known == path.name()).map(|(_, kind)| *kind);
            match kind {
                Some(Kind::Any | Kind::List) => return Some(self.read(path, Kind::Any)),
                Some(_) => {
                    let name = path.name();
                    let help = format!("write '{name}' alone, or a path into what was sent: payload.{name}.…");
                    self.flaw(Flaw::new(self.at(part), format!("'{name}' has no parts")).help(help));
                    return None;
                }
                // The name alone says what is wrong.
                None => {}
            }
        }
        match &part.expr {
            Expr::Select(select) => {
                let of = self.part(&select.operand)?;
                if !matches!(of.kind, Kind::Any) {
                    let message =
                        format!("this looks for '{}' in {}, which has no parts", select.field, of.kind.word());
                    self.flaw(Flaw::new(self.at(part), message));
                    return None;
                }
                Some(Typed::new(Node::Member(Box::new(of.node), select.field.clone()), Kind::Any))
            }
            Expr::Call(call) => {
                let [of, index] = call.args.as_slice() else { return None };
                if let Expr::Map(table) = &of.expr {
                    return self.lookup(table, of, index);
                }
                let (of, index) = (self.part(of), self.part(index));
                let (of, index) = (of?, index?);
                if !matches!(of.kind, Kind::Any | Kind::List)
                    || !matches!(index.kind, Kind::Any | Kind::Text | Kind::Number)
                {
                    let message = format!("[…] looks into lists and objects, and this is {}", of.kind.word());
                    self.flaw(Flaw::new(self.at(part), message));
                    return None;
                }
                Some(Typed::new(Node::Index(Box::new(of.node), Box::new(index.node)), Kind::Any))
            }
            _ => None,
        }
    }

    /// The path of a fact as rules write it, where every step is known beforehand.
    fn fact_path(&self, part: &IdedExpr) -> Option<String> {
        let quoted = |of: String, key: &str| {
            let plain = !key.is_empty() && !key.contains(['.', '[', ']', '"']);
            if plain { format!("{of}.{key}") } else { format!("{of}.\"{key}\"") }
        };
        match &part.expr {
            Expr::Ident(name) if !self.variables.contains(name) => Some(name.clone()),
            Expr::Select(select) => Some(quoted(self.fact_path(&select.operand)?, &select.field)),
            Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::INDEX => {
                let [of, index] = args.as_slice() else { return None };
                match &index.expr {
                    Expr::Literal(LiteralValue::Int(number)) if *number.inner() >= 0 => {
                        Some(format!("{}[{}]", self.fact_path(of)?, number.inner()))
                    }
                    Expr::Literal(LiteralValue::String(key)) => Some(quoted(self.fact_path(of)?, key.inner())),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn call(&mut self, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        if call.target.is_none() {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::INDEX, _) => return self.path(part),
                (operators::LOGICAL_NOT, [of]) => {
                    let of = self.wants(of, Kind::Flag, "'!' turns true or false round")?;
                    return Some(Typed::new(Node::Not(Box::new(of.node)), Kind::Flag));
                }
                (operators::NEGATE, [of]) => {
                    let of = self.wants(of, Kind::Number, "'-' needs a number")?;
                    return Some(Typed::new(Node::Negate(Box::new(of.node)), Kind::Number));
                }
                (sign @ (operators::LOGICAL_AND | operators::LOGICAL_OR), [left, right]) => {
                    let word =
                        if sign == operators::LOGICAL_AND { "'&&' joins conditions" } else { "'||' joins conditions" };
                    let (left, right) = (self.wants(left, Kind::Flag, word), self.wants(right, Kind::Flag, word));
                    let (left, right) = (Box::new(left?.node), Box::new(right?.node));
                    let node =
                        if sign == operators::LOGICAL_AND { Node::And(left, right) } else { Node::Or(left, right) };
                    return Some(Typed::new(node, Kind::Flag));
                }
                (operators::CONDITIONAL, [condition, yes, no]) => {
                    let condition = self.wants(condition, Kind::Flag, "what stands before '?' must be a condition");
                    let (yes, no) = (self.part(yes), self.part(no));
                    let (condition, yes, no) = (condition?, yes?, no?);
                    let kind = if yes.kind == no.kind { yes.kind } else { Kind::Any };
                    return Some(Typed::new(Node::Choose(Box::new([condition.node, yes.node, no.node])), kind));
                }
                (sign, [left, right]) if let Some(operator) = operator(sign) => {
                    return self.binary(operator, left, right, part);
                }
                _ => {}
            }
        }
        self.function(call, part)
    }

    /// Checks `part`, whose values must be of this kind.
    pub(super) fn wants(&mut self, part: &IdedExpr, kind: Kind, why: &str) -> Option<Typed> {
        let typed = self.part(part)?;
        if typed.kind == kind || typed.kind == Kind::Any {
            return Some(typed);
        }
        let message = format!("{why}, and this is {}", typed.kind.word());
        self.flaw(Flaw::new(self.at(part), message));
        None
    }

    /// A call of a plain function, `lower(title)` or `title.lower()`.
    pub(super) fn plain(&mut self, call: &CallExpr, part: &IdedExpr) -> Option<Typed> {
        let name = call.func_name.as_str();
        let signature = SIGNATURES.iter().find(|one| one.name == name)?;
        let form = format!("write {}", signature.form);
        match (&call.target, signature.style) {
            (None, Style::Method) => {
                self.flaw(Flaw::new(self.at(part), format!("'{name}' stands after what it looks at")).help(form));
                return None;
            }
            (Some(_), Style::Call) => {
                self.flaw(Flaw::new(self.at(part), format!("'{name}' stands before what it takes")).help(form));
                return None;
            }
            _ => {}
        }
        let arguments: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        if arguments.len() != signature.takes.len() {
            let wanted = signature.takes.len() - usize::from(call.target.is_some());
            let message = format!(
                "'{name}' takes {wanted} value{}, and here are {}",
                if wanted == 1 { "" } else { "s" },
                call.args.len()
            );
            self.flaw(Flaw::new(self.at(part), message).help(form));
            return None;
        }
        let mut typed = Vec::new();
        for (argument, kind) in arguments.iter().zip(signature.takes) {
            typed.push(self.argument(argument, *kind, name));
        }
        let typed = typed.into_iter().collect::<Option<Vec<_>>>()?;
        let kind = self.given(signature, &typed, arguments[0])?;
        Some(Typed::new(Node::Call(signature.function, typed.into_iter().map(|one| one.node).collect()), kind))
    }

    fn argument(&mut self, argument: &IdedExpr, kind: Kind, name: &str) -> Option<Typed> {
        let typed = self.part(argument)?;
        let fits = match (kind, typed.kind) {
            (_, Kind::Any) | (Kind::Any, _) => !(name == "size" && matches!(typed.kind, Kind::Number | Kind::Flag)),
            (kind, seen) => kind == seen,
        };
        if fits {
            return Some(typed);
        }
        let flaw = if name == "size" {
            Flaw::new(self.at(argument), format!("{} has no size", typed.kind.word()))
                .help("text and lists have one: size(tags)")
        } else {
            let flaw = Flaw::new(
                self.at(argument),
                format!("'{name}' needs {}, and this is {}", kind.word(), typed.kind.word()),
            );
            match typed.kind {
                Kind::List => flaw.help("to look into a list, write \"smoke\" in tags"),
                Kind::Number => flaw.help("text of a number is written string(id)"),
                _ => flaw,
            }
        };
        self.flaw(flaw);
        None
    }
}

fn operator(sign: &str) -> Option<Operator> {
    Some(match sign {
        operators::ADD => Operator::Add,
        operators::SUBSTRACT => Operator::Subtract,
        operators::MULTIPLY => Operator::Multiply,
        operators::DIVIDE => Operator::Divide,
        operators::MODULO => Operator::Remainder,
        operators::EQUALS => Operator::Equal,
        operators::NOT_EQUALS => Operator::Unequal,
        operators::LESS => Operator::Less,
        operators::LESS_EQUALS => Operator::AtMost,
        operators::GREATER => Operator::Greater,
        operators::GREATER_EQUALS => Operator::AtLeast,
        operators::IN => Operator::In,
        _ => return None,
    })
}
