//! Tests of rules: what the plan makes of a sequence of webhooks, in memory, by a clock that
//! the test moves. Nothing is sent, and the same files give the same outcome.

use std::collections::BTreeSet;

use crate::config::Snapshot;
use crate::config::trials::{Act, Trial};
use crate::domain::Name;
use crate::domain::delivery::Action;
use crate::domain::plan::Decision;
use crate::store::StoreError;

mod bench;
mod judge;
mod why;
mod words;

pub use bench::{Bench, Happening};
pub use judge::{Difference, Got, Mismatch, Missing, Near};
pub use why::Why;
pub use words::{has_message, status_of};

/// What came of one test.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What went wrong, in the order of the steps; nothing: it passed.
    pub failures: Vec<Failure>,
    /// What the test has reached.
    pub reached: Reached,
}

/// What tests have reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// The rules that matched.
    pub rules: BTreeSet<Name>,
    /// What rules have sent: rule, destination, action.
    pub sends: BTreeSet<(Name, Name, &'static str)>,
}

/// What went wrong at one step.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The line of the step.
    pub line: u32,
    /// What went wrong.
    pub kind: FailureKind,
}

/// What went wrong.
#[derive(Debug, Clone)]
pub enum FailureKind {
    /// The deliveries are not those expected.
    Mismatch(Mismatch),
    /// A message was not rendered as written; the built-in one would go out.
    Template {
        /// The template.
        template: Name,
        /// Why.
        why: String,
    },
    /// The event could not be planned.
    Broken {
        /// Why.
        why: String,
    },
}

impl Reached {
    /// Adds what `other` has reached.
    pub fn add(&mut self, other: Self) {
        self.rules.extend(other.rules);
        self.sends.extend(other.sends);
    }

    /// Whether `rule` has done `action` at `to`.
    #[must_use]
    pub fn has_sent(&self, rule: &Name, to: &Name, action: Action) -> bool {
        self.sends.contains(&(rule.clone(), to.clone(), action.word()))
    }

    fn note(&mut self, snapshot: &Snapshot, happening: &Happening) {
        if !happening.repeated {
            let matching = snapshot.rules.matching(&happening.event.facts);
            self.rules.extend(matching.map(|rule| rule.name.clone()));
        }
        for delivery in &happening.deliveries {
            self.sends.insert((delivery.rule.clone(), delivery.destination.clone(), delivery.action.word()));
        }
    }
}

/// Runs one test to its end, also past what fails.
///
/// # Errors
/// When the store in memory refuses a plan, which is a bug.
pub async fn run(snapshot: &Snapshot, trial: &Trial) -> Result<Outcome, StoreError> {
    let mut bench = Bench::new(snapshot, trial.at);
    let mut outcome = Outcome::default();
    let mut since: Vec<Happening> = Vec::new();
    for step in &trial.steps {
        match &step.act {
            Act::Receive(receive) => {
                for happening in bench.receive(receive, step.line).await? {
                    outcome.reached.note(snapshot, &happening);
                    outcome.failures.extend(failures(&happening));
                    since.push(happening);
                }
            }
            Act::After(time) => bench.pass(*time),
            Act::Expect(expected) => {
                let found = judge::judge(snapshot, expected, &since);
                outcome
                    .failures
                    .extend(found.map(|mismatch| Failure { line: step.line, kind: FailureKind::Mismatch(mismatch) }));
                since.clear();
            }
        }
    }
    Ok(outcome)
}

/// What went wrong in planning itself.
fn failures(happening: &Happening) -> Vec<Failure> {
    let line = happening.line;
    let mut failures: Vec<Failure> = Vec::new();
    for (template, why) in &happening.template_failures {
        let kind = FailureKind::Template { template: template.clone(), why: why.clone() };
        failures.push(Failure { line, kind });
    }
    for verdict in &happening.verdicts {
        if let Decision::Broken { why } = &verdict.decision {
            failures.push(Failure { line, kind: FailureKind::Broken { why: why.clone() } });
        }
    }
    failures
}
