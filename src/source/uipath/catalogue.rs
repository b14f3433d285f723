//! What Test Manager can report: one event, and the facts that its API adds.

use std::sync::{Arc, LazyLock};

use super::DEFECT_REQUESTED;
use crate::source::catalogue::{Catalogue, Description, FactInfo, FactKind, KnownWords, fact};

/// The facts of Test Manager's event beside those of every event.
const FACTS: &[FactInfo] = &[
    fact("title", FactKind::Text, "the name of the test case"),
    fact("run_id", FactKind::Text, "the id of the test execution"),
    fact("case_id", FactKind::Text, "the id of the test case"),
    fact("variation", FactKind::Text, "the variation of the test case, as voucher=SPRING-20;card=visa"),
    fact("url", FactKind::Text, "where to look at the result in Test Manager"),
    fact("case_key", FactKind::Text, "the key of the test case in Test Manager, as SHOP:214"),
    fact("case_title", FactKind::Text, "the name of the test case"),
    fact("status", FactKind::Text, "the result: failed, passed, none or restricted"),
    fact("error", FactKind::Text, "why the test failed, in the robot's words"),
    fact("reason", FactKind::Text, "the reason that a person gave for the result"),
    fact("robot", FactKind::Text, "the robot that ran the test"),
    fact("host", FactKind::Text, "the machine that it ran on"),
    fact("automation", FactKind::Text, "how the test was run: automated or manual"),
    fact("case_version", FactKind::Text, "the version of the test case"),
    fact("job_key", FactKind::Text, "the key of the job in Orchestrator"),
    fact("inputs", FactKind::Text, "the arguments that the test was given, as JSON in a text"),
    fact("outputs", FactKind::Text, "what the test gave back, as JSON in a text"),
    fact("started", FactKind::Time, "when the test began"),
    fact("duration", FactKind::Number, "how long the test took, in seconds"),
    fact("execution", FactKind::Text, "the name of the test execution"),
    fact("passed", FactKind::Number, "how many cases of the execution passed"),
    fact("failed", FactKind::Number, "how many cases of the execution failed"),
    fact("untested", FactKind::Number, "how many cases of the execution have no result"),
    fact("cases", FactKind::Number, "how many cases the execution has"),
    fact("pass_rate", FactKind::Number, "passed / cases, from 0 to 1; absent when there are no cases"),
    fact("assertions_failed", FactKind::List, "what the failed assertions said, in their order"),
    fact("robot_errors", FactKind::List, "what the robot logged as errors"),
];

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let facts: Vec<&'static str> = ["project"].into_iter().chain(FACTS.iter().map(|fact| fact.name)).collect();
    let results = KnownWords {
        fact: "status",
        events: DEFECT_REQUESTED,
        words: vec!["failed", "passed", "none", "restricted"],
        closed: false,
    };
    let described =
        Description { facts: FACTS.to_vec(), words: vec![results], begins: |_| true, ..Description::new("uipath") };
    Arc::new(Catalogue::of(described.event(DEFECT_REQUESTED, &facts)))
});

/// What Test Manager can report: a person presses *Create Defect*.
#[must_use]
pub fn catalogue() -> &'static Arc<Catalogue> {
    &CATALOGUE
}
