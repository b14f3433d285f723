//! The test results that the stand-in knows: one execution of one project, in which one
//! case failed and one passed.

use serde_json::{Value, json};

use crate::source::Sample;
use crate::source::uipath::answers::{ASSERTIONS, EXECUTION, LOGS, PROJECTS, ROBOT_LOGS};

/// The case that passed, in the same execution.
pub const PASSED_CASE: &str = "d5c1b7ef-63a2-0b00-8b8e-0b4a9cd0ff22";

fn read(sample: &str) -> Value {
    serde_json::from_str(sample).unwrap_or_default()
}

/// The request for a defect of the case that failed.
#[must_use]
pub fn wanted() -> Value {
    let is_minimal = |sample: &&Sample| sample.variant.ends_with("minimal");
    crate::source::uipath::samples().iter().find(is_minimal).map(|sample| read(sample.body)).unwrap_or_default()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn is_ours(execution: &str) -> bool {
    read(EXECUTION)["id"] == execution
}

/// The projects whose prefix or name has `search` in it.
pub(super) fn projects(search: Option<&String>) -> Value {
    let wanted = search.map(|search| search.to_lowercase()).unwrap_or_default();
    let all = read(PROJECTS);
    let fits =
        |one: &&Value| ["name", "projectPrefix"].iter().any(|key| text(one, key).to_lowercase().contains(&wanted));
    let found: Vec<Value> = all["data"].as_array().into_iter().flatten().filter(fits).cloned().collect();
    json!({"data": found})
}

/// The logs of `execution`: the sample's, one of the same case with another variation, and
/// one that passed.
pub(super) fn logs(execution: &str, only_failed: bool) -> Option<Value> {
    let sample = read(LOGS)["data"][0].clone();
    if !is_ours(execution) {
        return None;
    }
    let mut varied = sample.clone();
    varied["id"] = "92f3c8d4-1e6b-0b00-b507-0b4a9cd12031".into();
    varied["variationId"] = "voucher=SPRING-20;card=visa".into();
    varied["info"] = "Verification failed: the card was charged twice".into();
    let mut passed = sample.clone();
    passed["id"] = "a3a4d9e5-2f7c-0b00-8618-0b4a9cd13142".into();
    passed["testCaseId"] = PASSED_CASE.into();
    passed["testCase"] = json!({"id": PASSED_CASE, "name": "Pay by card", "objKey": "SHOP:215"});
    passed["result"] = "Passed".into();
    passed["info"] = Value::Null;
    let all = [sample, varied, passed];
    let shown: Vec<Value> = all.into_iter().filter(|log| !only_failed || log["result"] == "Failed").collect();
    Some(json!({"data": shown}))
}

/// How `execution` went.
pub(super) fn stats(execution: &str) -> Option<Value> {
    is_ours(execution).then(|| read(EXECUTION))
}

/// The assertions of the log of the case that failed; others have none.
pub(super) fn assertions(log: &str) -> Option<Value> {
    let sample = read(LOGS)["data"][0].clone();
    let ours = logs(text(&sample, "testExecutionId"), false)?;
    let known = ours["data"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == log));
    known.then(|| if sample["id"] == log { read(ASSERTIONS) } else { json!({"data": []}) })
}

/// What the robot logged in `execution` for `case`.
pub(super) fn robot_logs(execution: &str, case: &str) -> Option<Value> {
    let failed = read(LOGS)["data"][0]["testCaseId"] == case;
    is_ours(execution).then(|| if failed { read(ROBOT_LOGS) } else { json!({"data": []}) })
}
