//! Test Manager's answers in Relaybell's vocabulary.

use serde_json::{Map, Value};

use super::request::Request;
use crate::domain::time::Timestamp;

/// The most failed assertions and robot errors that are kept.
const LINES_MAX: usize = 20;

/// The longest text that is kept, in characters.
const TEXT_CHARS_MAX: usize = 4000;

/// Facts in the order they are found.
#[derive(Debug, Default)]
pub(super) struct Reading(pub Map<String, Value>);

impl Reading {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    /// What the log of a test case says.
    pub fn log(&mut self, log: &Value) {
        let case = &log["testCase"];
        let title = text(&case["name"]).or_else(|| text(&log["automationTestCaseName"]));
        self.put("title", title.clone());
        self.put("case_key", text(&case["objKey"]));
        self.put("case_title", title);
        self.put("status", text(&log["result"]).map(|word| word.to_lowercase()));
        self.put("error", text(&log["info"]).map(|info| message_of(&info)));
        self.put("reason", text(&log["resultReason"]));
        self.put("robot", text(&log["robotName"]));
        self.put("host", text(&log["hostMachineName"]));
        self.put("automation", text(&log["executionType"]).map(|word| word.to_lowercase()));
        self.put("case_version", text(&log["testCaseVersion"]));
        self.put("job_key", text(&log["jobKey"]));
        self.put("inputs", text(&log["inputArguments"]));
        self.put("outputs", text(&log["outputArguments"]));
        let [began, ended] = ["executionStart", "executionEnd"].map(|key| text(&log[key]).and_then(|at| moment(&at)));
        self.put("started", began.map(|at| at.to_string()));
        if let (Some(began), Some(ended)) = (began, ended)
            && ended >= began
        {
            self.put("duration", Some(ended.since(began).as_secs_f64().round()));
        }
    }

    /// How the whole execution went.
    pub fn execution(&mut self, stats: &Value) {
        self.put("execution", text(&stats["name"]));
        let counts = ["passed", "failed", "none"].map(|key| stats[key].as_u64());
        for (name, count) in ["passed", "failed", "untested"].into_iter().zip(counts) {
            self.put(name, count);
        }
        if let [Some(passed), Some(failed), Some(untested)] = counts {
            let cases = passed + failed + untested;
            self.put("cases", Some(cases));
            if let (Some(passed), Some(cases)) = (Value::from(passed).as_f64(), Value::from(cases).as_f64())
                && cases > 0.0
            {
                self.put("pass_rate", Some(passed / cases));
            }
        }
    }

    /// Which assertions failed, in their order.
    pub fn assertions(&mut self, list: &Value) {
        let failed = entries(list).iter().filter(|one| one["succeeded"] == Value::Bool(false));
        let said: Vec<Value> =
            failed.filter_map(|one| text(&one["message"])).take(LINES_MAX).map(Value::from).collect();
        self.put("assertions_failed", Some(said));
    }

    /// What the robot logged as an error.
    pub fn robot_logs(&mut self, list: &Value) {
        let is_error = |line: &&Value| {
            let level = line["level"].as_str().unwrap_or_default();
            ["error", "fatal", "critical"].iter().any(|word| level.eq_ignore_ascii_case(word))
        };
        let errors = entries(list).iter().filter(is_error);
        let said: Vec<Value> =
            errors.filter_map(|line| text(&line["message"])).take(LINES_MAX).map(Value::from).collect();
        self.put("robot_errors", Some(said));
    }
}

/// What a list holds: Test Manager writes `{"data": [...]}`.
pub(super) fn entries(list: &Value) -> &[Value] {
    list.get("data").unwrap_or(list).as_array().map_or(&[], Vec::as_slice)
}

/// The log of the result that `request` is about: of its case and variation, the latest if
/// it was run more than once.
pub(super) fn log_of<'l>(request: &Request, list: &'l Value) -> Option<&'l Value> {
    let is = |value: &Value, id: &str| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(id));
    let ours = |log: &&Value| {
        let case = is(&log["testCaseId"], &request.case) || is(&log["testCase"]["id"], &request.case);
        let variation = text(&log["variationId"]);
        case && (request.variation.is_none() || variation.as_deref() == request.variation.as_deref())
    };
    let ended = |log: &&Value| {
        let at = ["executionEnd", "executionStart", "created"].iter().find_map(|key| text(&log[*key]));
        (request.variation.is_some() || text(&log["variationId"]).is_none(), at.and_then(|at| moment(&at)))
    };
    entries(list).iter().filter(ours).max_by_key(ended)
}

/// A moment; one without a zone is in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
}

/// Text that is not blank, cut; a number counts as its text.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if text.is_empty() {
        return None;
    }
    Some(match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    })
}

/// The message within `info`, which is plain text or JSON in a string.
fn message_of(info: &str) -> String {
    let Ok(Value::Object(inner)) = serde_json::from_str::<Value>(info) else { return info.to_owned() };
    let said = ["message", "Message", "errorMessage", "ErrorMessage", "details", "Details"]
        .iter()
        .find_map(|key| inner.get(*key).and_then(text));
    said.unwrap_or_else(|| info.to_owned())
}
