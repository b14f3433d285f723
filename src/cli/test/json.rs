//! The results for programs.

use serde_json::{Value, json};

use crate::relay::trial::{Difference, FailureKind, Got};

use super::Ran;
use super::coverage::Coverage;
use super::failures::{detail, headline};

pub(super) fn whole(ran: &[Ran<'_>], coverage: Option<&Coverage<'_>>) -> Value {
    let tests: Vec<Value> = ran.iter().map(one).collect();
    json!({
        "passed": ran.iter().filter(|one| one.passed()).count(),
        "failed": ran.iter().filter(|one| !one.passed()).count(),
        "tests": tests,
        "coverage": coverage.map(Coverage::json),
    })
}

fn one(ran: &Ran<'_>) -> Value {
    let (file, line) = &ran.trial.place;
    let failures: Vec<Value> = ran
        .outcome
        .failures
        .iter()
        .map(|failure| {
            let mut one = json!({
                "line": failure.line,
                "message": headline(&failure.kind),
                "detail": detail(&failure.kind),
            });
            if let FailureKind::Mismatch(mismatch) = &failure.kind {
                one["missing"] = mismatch
                    .missing
                    .iter()
                    .map(|one| json!({ "to": one.expected.to, "line": one.expected.line }))
                    .collect();
                one["different"] = mismatch
                    .near
                    .iter()
                    .map(|near| {
                        let mut one = got(&near.got);
                        one["line"] = json!(near.expected.line);
                        one["differences"] = near.differences.iter().map(difference).collect();
                        one
                    })
                    .collect();
                one["not_expected"] = mismatch.unexpected.iter().map(got).collect();
            }
            one
        })
        .collect();
    json!({
        "name": ran.trial.name,
        "file": file,
        "line": line,
        "passed": ran.passed(),
        "ms": ran.took.as_secs_f64() * 1000.0,
        "failures": failures,
    })
}

fn got(got: &Got) -> Value {
    json!({ "to": got.to, "action": got.action.word(), "rule": got.rule, "received_line": got.line, "text": got.text })
}

fn difference(difference: &Difference) -> Value {
    match difference {
        Difference::Part { part, expected, got } => json!({ "part": part, "expected": expected, "got": got }),
        Difference::Lacks(text) => json!({ "part": "text", "lacks": text }),
        Difference::Says(text) => json!({ "part": "text", "says": text }),
    }
}
