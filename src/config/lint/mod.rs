//! What is wrong with rules although every word of them is right: facts that never come,
//! values that never are, rules that never match or send what another sends already.
//!
//! Nothing here is a guess. A rule is called impossible only when every way for it to match
//! was tried and led nowhere; two rules are said to overlap only with an event that the
//! evaluator itself finds both to match.

mod carried;
mod literal;
mod never;
mod seen;
mod solve;
mod twice;
mod value;

pub use seen::{Doubt, Unknown, with_traffic};

use std::collections::HashMap;

use self::solve::Budget;
use super::findings::{Findings, Place};
use super::vocabulary::Vocabulary;
use crate::domain::condition::Line;
use crate::domain::facts::Facts;
use crate::domain::rule::Rule;

/// How many combinations of alternatives are followed for all rules together, twice: once
/// for each rule, once for pairs of them. Most rules take one to three.
const STEPS_OF_ALL: usize = 50_000;

/// The numbers of the files, by their names.
type Sheets = HashMap<String, usize>;

/// Judges all `rules`, which are right one by one.
pub fn lint(rules: &[Rule], findings: &mut Findings) {
    let sheets: Sheets = findings.names().map(|(sheet, name)| (name.to_owned(), sheet)).collect();
    let mut budget = Budget::of(STEPS_OF_ALL, findings.words());
    let words = findings.words();
    let mut values = carried::Values::of(words.configured());
    for rule in rules {
        let report = Report { rule, sheets: &sheets };
        if !never::lint(rule, &report, &mut budget, findings) {
            carried::lint(rule, &report, &mut values, findings);
        }
    }
    if let (true, Some(rule)) = (budget.is_spent(), rules.last()) {
        let at = Report { rule, sheets: &sheets }.name(findings);
        let message = "not for every rule was it tried whether it can match at all: there are too many alternatives";
        findings.warning(at, message, "a rule that can never match may go unnoticed here");
    }
    if !findings.failed() {
        twice::lint(rules, &sheets, findings);
    }
}

/// Whether it is proven that no event can match `rule`.
#[must_use]
pub fn is_impossible(rule: &Rule) -> bool {
    matches!(
        solve::outlook(&solve::goals(rule), &mut Budget::of(STEPS_OF_ALL, Vocabulary::built_in())),
        solve::Outlook::Never(_)
    )
}

/// Facts that `rule` may match, as far as such can be made up.
#[must_use]
pub fn example(rule: &Rule) -> Option<Facts> {
    let mut found = None;
    solve::witness(&solve::goals(rule), &mut Budget::of(STEPS_OF_ALL, Vocabulary::built_in()), &mut |facts| {
        found = Some(facts.clone());
        true
    })?;
    found
}

/// Knows where the lines of a rule stand.
struct Report<'a> {
    rule: &'a Rule,
    sheets: &'a Sheets,
}

impl Report<'_> {
    /// The place of `word` on `line`; the whole line when it is written otherwise there.
    fn place(&self, line: &Line, word: &str, findings: &Findings) -> Place {
        self.at(line.line, word, findings)
    }

    /// The place of the rule's name.
    fn name(&self, findings: &Findings) -> Place {
        self.at(self.rule.place.1, &self.rule.name, findings)
    }

    fn at(&self, line: u32, word: &str, findings: &Findings) -> Place {
        let sheet = self.sheets.get(&*self.rule.place.0).copied().unwrap_or_default();
        findings.place_of(sheet, usize::try_from(line).unwrap_or(1), word)
    }
}
