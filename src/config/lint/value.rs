//! Whether one fact can have a value that pleases several lines at once.
//!
//! Values are tried, not computed with: the evaluator itself judges each. Where the values
//! tried are all there are (but for those the lines cannot tell apart), none that fits means
//! that none exists. Where they are not, nothing is said.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

use super::literal::{Literal, Shape, asks_for_change, each_test, is_always_there, text_of, written_of};
use crate::config::vocabulary::Vocabulary;
use crate::domain::condition::{Limit, Presence, Test, Wanted};
use crate::domain::rank;

/// Whether the lines about one fact can all have their will.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// They cannot, whatever the value.
    Never,
    /// They can: with this value, or with none.
    With(Option<Value>),
    /// It is not known.
    Unknown,
}

/// Up to so many digits a number is exactly what its text says.
const EXACT_DIGITS_MAX: usize = 15;

/// Whether one value can please all of `lines`, which are about the same fact.
pub fn answer(lines: &[Literal<'_>], words: &Vocabulary) -> Answer {
    let Some(first) = lines.first() else { return Answer::With(None) };
    if lines.iter().any(|line| asks_for_change(line.line)) {
        // Whether a fact has changed is no matter of its value.
        return Answer::Unknown;
    }
    let path = &first.line.fact;
    let shape = Shape::of(path, words);
    if let ([only], Shape::Text) = (lines, shape)
        && let [Test::OneOf(wanted)] = only.required()
        && let Some(text) = wanted.first().and_then(written_of)
    {
        return Answer::With(Some(text.into()));
    }
    let pleases = |seen: Option<&Value>| lines.iter().all(|line| line.admits(seen));
    let can_be_absent = !is_always_there(path) && pleases(None);
    if can_be_absent {
        return Answer::With(None);
    }
    let must_be_absent =
        |line: &Literal<'_>| line.required().iter().any(|test| matches!(test, Test::Present(Presence::Absent)));
    if lines.iter().any(must_be_absent) || clash(lines, shape) {
        return Answer::Never;
    }
    let (candidates, all) = candidates(lines, path.name(), shape, words);
    if let Some(fits) = candidates.into_iter().find(|value| pleases(Some(value))) {
        return Answer::With(Some(fits));
    }
    if all { Answer::Never } else { Answer::Unknown }
}

/// Values to try, and whether there are no others that the lines could tell from them.
fn candidates(lines: &[Literal<'_>], fact: &str, shape: Shape, words: &Vocabulary) -> (Vec<Value>, bool) {
    match shape {
        Shape::Flag => (vec![true.into(), false.into()], true),
        Shape::Number => (numbers(lines), every(lines, &is_numeric)),
        Shape::Text => texts(lines, fact, words),
        Shape::List => (vec![list(lines)], false),
        Shape::Any => {
            // A line that compares by size is pleased by numbers, and by texts that are read
            // as numbers and compare like them.
            let sized = |line: &Literal<'_>| {
                line.required().iter().any(|test| matches!(test, Test::Order(_, Limit::Number(_))))
            };
            let all = lines.iter().any(sized) && every(lines, &is_purely_numeric);
            let mut values = numbers(lines);
            values.extend(texts(lines, fact, words).0);
            values.extend([true.into(), false.into(), list(lines)]);
            (values, all)
        }
    }
}

fn every(lines: &[Literal<'_>], fits: &dyn Fn(&Test) -> bool) -> bool {
    let mut all = true;
    for line in lines {
        each_test(&line.line.tests, &mut |test| all &= fits(test));
    }
    all
}

/// Whether the test splits the numbers at its constants and nowhere else.
fn is_numeric(test: &Test) -> bool {
    match test {
        Test::OneOf(wanted) => wanted.iter().all(|one| match one {
            Wanted::Glob(_) => false,
            // A longer one may be a whole number that is rounded when it is tried.
            Wanted::Text(text) => text.as_str().len() <= EXACT_DIGITS_MAX,
            Wanted::Number(_) | Wanted::Flag(_) => true,
        }),
        Test::Order(..) | Test::Not(_) | Test::Present(_) => true,
        _ => false,
    }
}

/// The same of texts that are read as numbers.
fn is_purely_numeric(test: &Test) -> bool {
    match test {
        Test::OneOf(wanted) => wanted.iter().all(|one| matches!(one, Wanted::Number(_))),
        Test::Order(_, Limit::Number(_)) | Test::Not(_) | Test::Present(_) => true,
        _ => false,
    }
}

/// The constants of the lines, one number between each two, and one beyond each end.
fn numbers(lines: &[Literal<'_>]) -> Vec<Value> {
    let mut points = vec![0.0];
    for line in lines {
        each_test(&line.line.tests, &mut |test| match test {
            Test::Order(_, Limit::Number(limit)) => points.push(*limit),
            Test::Order(_, Limit::Seconds(limit)) => points.push(f64::from(*limit)),
            Test::OneOf(wanted) => points.extend(wanted.iter().filter_map(|one| match one {
                Wanted::Number(number) => Some(*number),
                other => text_of(other).and_then(|text| text.parse().ok()).filter(|number: &f64| number.is_finite()),
            })),
            _ => {}
        });
    }
    points.sort_by(f64::total_cmp);
    points.dedup_by_key(|point| point.to_bits());
    let (least, most) = (points[0], points[points.len() - 1]);
    let between: Vec<f64> = points.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0).collect();
    let beyond = [least - 1.0, most + 1.0, least * 2.0 - 1.0, most * 2.0 + 1.0];
    points.extend(between.into_iter().chain(beyond));
    let mut values = Vec::new();
    for point in points.into_iter().filter(|point| point.is_finite()) {
        // A whole number is written in two ways, and text tells them apart.
        if point.fract() == 0.0
            && let Ok(whole) = format!("{point:.0}").parse::<i64>()
        {
            values.push(whole.into());
        }
        values.extend(Number::from_f64(point).map(Value::Number));
    }
    values
}

/// Texts to try; all there are when a line names the texts, or compares by rank.
fn texts(lines: &[Literal<'_>], fact: &str, words: &Vocabulary) -> (Vec<Value>, bool) {
    let mut named: BTreeSet<String> = BTreeSet::new();
    let mut all = false;
    let mut parts = Parts::default();
    for line in lines {
        for test in line.required() {
            match test {
                Test::OneOf(wanted) if wanted.iter().all(|one| text_of(one).is_some()) => all = true,
                Test::Order(_, Limit::Rank(_)) => all = true,
                other => parts.take(other),
            }
        }
        each_test(&line.line.tests, &mut |test| match test {
            Test::OneOf(wanted) => named.extend(wanted.iter().filter_map(written_of).map(str::to_owned)),
            // It may tell upper case from lower, which nothing else does.
            Test::Matches(_) => parts.told_apart = true,
            _ => {}
        });
    }
    let ranked = rank::words(fact).unwrap_or_default().iter().copied();
    let known = if fact == "event" && !all { words.events() } else { &[][..] };
    let composed = parts.compose();
    let values = named.into_iter().chain(ranked.chain(known.iter().copied()).map(str::to_owned)).chain([composed]);
    (values.map(Value::String).collect(), all && !parts.told_apart)
}

/// A list with every element that a line asks for.
fn list(lines: &[Literal<'_>]) -> Value {
    let mut elements: Vec<Value> = Vec::new();
    for test in lines.iter().flat_map(Literal::required) {
        let wanted = match test {
            Test::HasAll(wanted) => wanted.as_slice(),
            Test::HasAny(wanted) | Test::OneOf(wanted) => wanted.get(..1).unwrap_or_default(),
            Test::Contains(part) => {
                elements.push(part.as_str().into());
                continue;
            }
            _ => continue,
        };
        elements.extend(wanted.iter().filter_map(text_of).map(Value::from));
    }
    Value::Array(elements)
}

/// What a text must begin with, end with and contain, in lower case.
#[derive(Default)]
struct Parts<'a> {
    begins: Vec<&'a str>,
    ends: Vec<&'a str>,
    contains: Vec<&'a str>,
    told_apart: bool,
}

impl<'a> Parts<'a> {
    fn take(&mut self, test: &'a Test) {
        match test {
            Test::StartsWith(part) => self.begins.push(part.as_str()),
            Test::EndsWith(part) => self.ends.push(part.as_str()),
            Test::Contains(part) => self.contains.push(part.as_str()),
            Test::Like(pattern) => {
                let wild = ['*', '?'];
                let pattern = pattern.as_str();
                self.begins.push(pattern.split(wild).next().unwrap_or_default());
                self.ends.push(pattern.rsplit(wild).next().unwrap_or_default());
            }
            _ => {}
        }
    }

    /// A text with all parts, where they can stand one after the other.
    fn compose(&self) -> String {
        let longest = |parts: &[&'a str]| parts.iter().copied().max_by_key(|part| part.len()).unwrap_or_default();
        let middle = if self.contains.is_empty() { "x".to_owned() } else { self.contains.join(" ") };
        format!("{} {middle} {}", longest(&self.begins), longest(&self.ends)).trim().to_owned()
    }

    /// Whether no text can have all of them.
    fn clash(&self) -> bool {
        let apart = |parts: &[&str], fits: fn(&str, &str) -> bool| {
            parts
                .iter()
                .enumerate()
                .any(|(n, one)| parts[n + 1..].iter().any(|other| !fits(one, other) && !fits(other, one)))
        };
        apart(&self.begins, |one, other| one.starts_with(other)) || apart(&self.ends, |one, other| one.ends_with(other))
    }

    /// Whether a text with all of them has the part that `test` looks for.
    fn imply(&self, test: &Test) -> bool {
        let mut all = self.begins.iter().chain(&self.ends).chain(&self.contains);
        match test {
            Test::StartsWith(part) => self.begins.iter().any(|begin| begin.starts_with(part.as_str())),
            Test::EndsWith(part) => self.ends.iter().any(|end| end.ends_with(part.as_str())),
            Test::Contains(part) => all.any(|own| own.contains(part.as_str())),
            _ => false,
        }
    }
}

/// Whether what one line asks for is what another forbids, so that no value has both.
fn clash(lines: &[Literal<'_>], shape: Shape) -> bool {
    let required: Vec<&Test> = lines.iter().flat_map(Literal::required).collect();
    let mut forbidden = lines.iter().flat_map(Literal::forbidden);
    if shape == Shape::Text {
        let mut parts = Parts::default();
        required.iter().for_each(|test| parts.take(test));
        if parts.clash() || lines.iter().flat_map(Literal::forbidden).any(|test| parts.imply(test)) {
            return true;
        }
    }
    let none: Vec<&Wanted> = required
        .iter()
        .filter_map(|test| if let Test::HasNone(wanted) = test { Some(wanted) } else { None })
        .flatten()
        .collect();
    let lacks = required.iter().any(|test| match test {
        Test::HasAll(wanted) => wanted.iter().any(|one| none.contains(&one)),
        Test::HasAny(wanted) => wanted.iter().all(|one| none.contains(&one)),
        _ => false,
    });
    lacks || forbidden.any(|test| required.iter().any(|one| implies(one, test)))
}

/// Whether a value of which `one` holds is surely a value of which `other` holds.
fn implies(one: &Test, other: &Test) -> bool {
    match (one, other) {
        (Test::OneOf(one), Test::OneOf(other)) | (Test::HasAny(one), Test::HasAny(other)) => {
            one.iter().all(|wanted| other.contains(wanted))
        }
        (Test::HasAll(one), Test::HasAny(other)) => one.iter().any(|wanted| other.contains(wanted)),
        (Test::HasAll(one), Test::HasAll(other)) => other.iter().all(|wanted| one.contains(wanted)),
        (Test::Present(Presence::Absent), _) => false,
        (_, Test::Present(Presence::There)) => true,
        _ => false,
    }
}
