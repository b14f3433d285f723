//! The request that Test Manager makes when a person runs *Create Defect*.

use serde_json::{Map, Value};
use url::Url;

use super::TestManager;
use crate::domain::event::{Dedup, Report};
use crate::source::Malformed;

/// The event: a person wants a defect for a test result.
pub const DEFECT_REQUESTED: &str = "defect.requested";

/// The longest id that is kept, in characters. Test Manager's own have 36.
const ID_CHARS_MAX: usize = 64;

/// The longest name of a variation that is kept, in characters.
const VARIATION_CHARS_MAX: usize = 1000;

/// The longest prefix of a project that is kept, in characters.
const PREFIX_CHARS_MAX: usize = 20;

/// The part of a link that follows the project's prefix.
const EXECUTIONS: &str = "testexecutions";

/// For which test result a defect is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// `testExecutionId`, in small letters.
    pub execution: String,
    /// `testCaseId`, in small letters.
    pub case: String,
    /// `variationId`.
    pub variation: Option<String>,
    /// `linkToTestCaseLog`, where it is an address.
    pub link: Option<String>,
    /// The prefix of the project, of the link.
    pub prefix: Option<String>,
    body: Map<String, Value>,
}

impl Request {
    /// Reads `body`. Of duplicate keys the last wins; unknown keys are no concern of ours.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let body: Value = match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(_) if body.iter().all(u8::is_ascii_whitespace) => return Err(malformed("the body is empty")),
            Err(error) => return Err(malformed(format!("the body is not JSON: {error}"))),
        };
        let Value::Object(body) = body else {
            return Err(malformed("the body is no object: is this Test Manager's Create Defect?"));
        };
        let link = body.get("linkToTestCaseLog").and_then(Value::as_str).and_then(web_address);
        Ok(Self {
            execution: id(&body, "testExecutionId")?,
            case: id(&body, "testCaseId")?,
            variation: variation(&body)?,
            prefix: link.as_ref().and_then(prefix),
            link: link.map(String::from),
            body,
        })
    }

    /// The result that `report` is about; `None` when it is none of ours.
    pub fn of(report: &Report) -> Option<Self> {
        let Value::Object(body) = &report.payload else { return None };
        Self::read(&serde_json::to_vec(body).ok()?).ok()
    }

    /// The code of its project, as far as the request tells: `projects` may call it otherwise
    /// than Test Manager, which then only the API knows.
    fn project(&self, source: &TestManager) -> Option<String> {
        let mut codes = source.projects.values();
        let Some(prefix) = &self.prefix else {
            return codes.next().filter(|_| source.projects.len() == 1).cloned();
        };
        let known = codes.find(|code| code.eq_ignore_ascii_case(prefix)).cloned();
        let asks = source.api.is_some() && !source.projects.is_empty();
        known.or_else(|| (!asks).then(|| prefix.clone()))
    }

    /// What is known of it without asking.
    pub fn report(self, source: &TestManager) -> Report {
        let mut facts = Map::new();
        let mut derived = Vec::new();
        if source.api.is_none() {
            facts.insert("title".to_owned(), format!("Test case {} of a test execution", short(&self.case)).into());
            derived.push("title");
        }
        facts.insert("run_id".to_owned(), self.execution.as_str().into());
        facts.insert("case_id".to_owned(), self.case.as_str().into());
        for (name, value) in [("variation", &self.variation), ("url", &self.link)] {
            if let Some(value) = value {
                facts.insert(name.to_owned(), value.as_str().into());
            }
        }
        let project = self.project(source);
        let variation = self.variation.as_deref().map(|one| format!("/{one}")).unwrap_or_default();
        let subject = format!("result/{}/{}{variation}", self.execution, self.case);
        Report {
            event: DEFECT_REQUESTED.to_owned(),
            project,
            time: None,
            facts,
            derived,
            passing: Vec::new(),
            payload: Value::Object(self.body),
            // Whoever asks again for a defect of the same result is answered with the same.
            dedup: Dedup::SenderId(subject.clone()),
            subject: Some(subject),
            begins: true,
            alone: None,
        }
    }
}

/// Whether `text` can be part of an address as it is.
pub(super) fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether `text` can be the prefix of a project.
pub(super) fn is_prefix(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=PREFIX_CHARS_MAX).contains(&text.len()) && text.bytes().all(fits)
}

fn id(body: &Map<String, Value>, key: &str) -> Result<String, Malformed> {
    match body.get(key) {
        Some(Value::String(text)) if is_id(text.trim()) => Ok(text.trim().to_ascii_lowercase()),
        Some(Value::Null) | None => {
            Err(malformed(format!("there is no `{key}`: is this Test Manager's Create Defect?")))
        }
        Some(_) => {
            Err(malformed(format!("`{key}` is no id: 1 to {ID_CHARS_MAX} letters, digits and '-' are expected")))
        }
    }
}

/// Nothing, null and blank are the same: no variation.
fn variation(body: &Map<String, Value>) -> Result<Option<String>, Malformed> {
    match body.get("variationId") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) if text.chars().count() > VARIATION_CHARS_MAX || text.contains(char::is_control) => {
            Err(malformed(format!(
                "`variationId` is longer than {VARIATION_CHARS_MAX} characters, or has control characters in it"
            )))
        }
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(malformed("`variationId` is no text")),
    }
}

fn web_address(text: &str) -> Option<Url> {
    Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The prefix of the project that a link leads into: `…/SHOP/testexecutions/…`.
fn prefix(link: &Url) -> Option<String> {
    let parts: Vec<&str> = link.path_segments()?.collect();
    let at = parts.iter().position(|part| part.eq_ignore_ascii_case(EXECUTIONS))?;
    let prefix = parts.get(at.checked_sub(1)?)?;
    (is_prefix(prefix) && !prefix.ends_with('_')).then(|| (*prefix).to_owned())
}

/// The beginning of an id, enough for people to tell it from others.
fn short(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

fn malformed(why: impl Into<String>) -> Malformed {
    Malformed::refused(why)
}
