//! How many defects there are among the subjects that are remembered, and of what sort.

use serde_json::Value;

use super::condition::{Condition, Silent};
use super::defects::Counts;
use super::facts::Facts;
use super::memory::Memory;
use super::standing::Standing;

/// The severities that are critical unless conditions say otherwise.
const CRITICAL: [&str; 2] = ["blocker", "critical"];

/// The severities that are moderate unless conditions say otherwise.
const MODERATE: [&str; 2] = ["major", "normal"];

/// What counts as what. Where there is no condition, what became of a defect tells whether
/// it is closed, and its severity how bad it is.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// Which subjects are counted at all; those that were deleted never are.
    pub total: Option<Condition>,
    /// Which of them are open; without it those that are not closed.
    pub open: Option<Condition>,
    /// Which of them are closed; without it those that are not open.
    pub closed: Option<Condition>,
    /// Which of the open ones are critical.
    pub critical: Option<Condition>,
    /// Which of the open ones are moderate.
    pub moderate: Option<Condition>,
}

/// A subject of `project` of `source` that is remembered, as conditions see it.
#[must_use]
pub fn facts_of(source: &str, project: &str, subject: &str, memory: Memory) -> Facts {
    let mut facts = Facts::default();
    let own = [("source", source), ("project", project), ("subject", subject)];
    facts.values.extend(own.map(|(name, value)| (name.to_owned(), Value::from(value))));
    facts.values.extend(memory.facts.into_iter().map(|(name, remembered)| (name, remembered.value)));
    facts
}

impl Census {
    /// Adds a subject with these facts to `counts`.
    pub fn add(&self, counts: &mut Counts, facts: &Facts, standing: Option<Standing>) {
        let holds = |condition: &Option<Condition>| condition.as_ref().map(|one| one.eval(facts, &mut Silent));
        if standing == Some(Standing::Gone) || holds(&self.total) == Some(false) {
            return;
        }
        counts.total += 1;
        let (is_open, is_closed) = match (holds(&self.open), holds(&self.closed)) {
            (Some(open), Some(closed)) => (open, closed),
            (Some(open), None) => (open, !open),
            (None, Some(closed)) => (!closed, closed),
            (None, None) => (standing != Some(Standing::Closed), standing == Some(Standing::Closed)),
        };
        counts.closed += u64::from(is_closed);
        if !is_open {
            return;
        }
        counts.open += 1;
        let severity = facts.text("severity").unwrap_or_default();
        let is_one_of = |words: [&str; 2]| words.iter().any(|word| word.eq_ignore_ascii_case(severity));
        counts.critical += u64::from(holds(&self.critical).unwrap_or_else(|| is_one_of(CRITICAL)));
        counts.moderate += u64::from(holds(&self.moderate).unwrap_or_else(|| is_one_of(MODERATE)));
    }
}
