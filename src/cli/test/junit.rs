//! The results as JUnit XML: a suite for each rule file.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Ran;
use super::failures::{detail, headline};

pub(super) fn report(ran: &[Ran<'_>], took: Duration) -> anyhow::Result<String> {
    let mut report = Report::new("relaybell");
    report.set_time(took);
    for file in ran.chunk_by(|one, next| one.trial.place.0 == next.trial.place.0) {
        let Some(first) = file.first() else { continue };
        let name = &*first.trial.place.0;
        let mut suite = TestSuite::new(name);
        suite.set_time(file.iter().map(|one| one.took).sum());
        for one in file {
            let mut case = TestCase::new(&*one.trial.name, status(one));
            case.set_classname(name).set_time(one.took);
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    Ok(report.to_string()?)
}

fn status(one: &Ran<'_>) -> TestCaseStatus {
    if one.passed() {
        return TestCaseStatus::success();
    }
    let file = &one.trial.place.0;
    let failures = &one.outcome.failures;
    let heads: Vec<String> = failures.iter().map(|one| headline(&one.kind)).collect();
    let told: Vec<String> = failures
        .iter()
        .map(|one| format!("{file}:{}  {}\n{}", one.line, headline(&one.kind), detail(&one.kind).join("\n")))
        .collect();
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(heads.join("; ")).set_type("expectation").set_description(told.join("\n\n"));
    status
}
