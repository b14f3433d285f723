//! What Test Manager's API answers about one failed result: what templates are tried on
//! before anything real is asked.

use serde_json::{Map, Value};

use super::reading::{Reading, entries};

/// `GET /api/v2/projects`.
pub const PROJECTS: &str = include_str!("samples/api.projects.json");
/// `GET …/testcaselogs/testexecution/ID/paged`.
pub const LOGS: &str = include_str!("samples/api.testcaselogs.paged.json");
/// `GET …/testexecutions/ID/withStats`.
pub const EXECUTION: &str = include_str!("samples/api.testexecution.withstats.json");
/// `GET …/testcaselogartifacts/ID/assertions`.
pub const ASSERTIONS: &str = include_str!("samples/api.assertions.json");
/// `GET …/orchestrator/testexecution/ID/robotlogs/paged`.
pub const ROBOT_LOGS: &str = include_str!("samples/api.robotlogs.paged.json");

/// The facts that these answers give.
pub(super) fn facts() -> Map<String, Value> {
    let read = |answer: &str| serde_json::from_str::<Value>(answer).unwrap_or_default();
    let mut reading = Reading::default();
    if let Some(log) = entries(&read(LOGS)).first() {
        reading.log(log);
    }
    reading.execution(&read(EXECUTION));
    reading.assertions(&read(ASSERTIONS));
    reading.robot_logs(&read(ROBOT_LOGS));
    reading.0
}
