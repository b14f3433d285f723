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
    /// Which of them are closed besides those of which an event has said so.
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
        let said_closed = standing == Some(Standing::Closed);
        let (is_open, is_closed) = match (holds(&self.open), holds(&self.closed)) {
            (Some(open), Some(closed)) => (open, closed || said_closed),
            (Some(open), None) => (open, !open),
            (None, closed) => {
                let closed = closed.unwrap_or_default() || said_closed;
                (!closed, closed)
            }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::domain::condition::{Folded, Line, Test, Wanted};
    use crate::domain::facts::FactPath;
    use crate::domain::memory::Remembered;
    use crate::domain::time::Timestamp;

    fn is(fact: &str, word: &str) -> Option<Condition> {
        let tests = vec![Test::OneOf(vec![Wanted::Text(Folded::new(word))])];
        Some(Condition::Line(Line { fact: FactPath::parse(fact).unwrap(), tests, line: 0 }))
    }

    /// Five defects: what became of them, their status and severity.
    fn counted(census: &Census) -> [u64; 5] {
        let mut counts = Counts::default();
        for (standing, status, severity) in [
            (Some(Standing::Open), "Ready", "Blocker"),
            (Some(Standing::Closed), "Shipped", "critical"),
            (None, "Shipped", "normal"),
            (None, "", "undefined"),
            (Some(Standing::Gone), "Ready", "blocker"),
        ] {
            let since = Timestamp::default();
            let facts = [("status", status), ("severity", severity)]
                .map(|(name, word)| (name.to_owned(), Remembered { value: json!(word), since }));
            let memory = Memory { first_seen: since, facts: BTreeMap::from(facts), standing: None };
            census.add(&mut counts, &facts_of("qase", "PAY", "defect/7", memory), standing);
        }
        [counts.total, counts.open, counts.closed, counts.critical, counts.moderate]
    }

    #[test]
    fn each_condition_changes_one_count() {
        let usual = Census::default;
        for (census, expected) in [
            (usual(), [4, 3, 1, 1, 1]),
            (Census { total: is("status", "shipped"), ..usual() }, [2, 1, 1, 0, 1]),
            (Census { closed: is("status", "shipped"), ..usual() }, [4, 2, 2, 1, 0]),
            (Census { open: is("status", "shipped"), ..usual() }, [4, 2, 2, 1, 1]),
            (Census { open: is("status", "ready"), closed: is("status", "shipped"), ..usual() }, [4, 1, 2, 1, 0]),
            (Census { critical: is("severity", "undefined"), ..usual() }, [4, 3, 1, 1, 1]),
            (Census { moderate: is("project", "PAY"), ..usual() }, [4, 3, 1, 1, 3]),
            (Census { total: is("subject", "defect/8"), ..usual() }, [0, 0, 0, 0, 0]),
            (Census { total: is("source", "qase"), ..usual() }, [4, 3, 1, 1, 1]),
        ] {
            assert_eq!(counted(&census), expected, "{census:?}");
        }
    }
}
