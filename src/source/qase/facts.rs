//! How each fact is read from a payload: which of its fields speak of it, and what they say.

use serde_json::Value;

use super::envelope::Head;
use super::fields::{ACTORS, Field, Fields};
use super::words;

/// What one webhook says.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) head: &'a Head,
    pub(super) fields: &'a dyn Fields,
}

/// How one fact is read.
pub(super) struct Fact {
    /// Its name. Of two entries of one name the later wins where it reads something.
    pub(super) name: &'static str,
    /// The fields that it is read from, and no others.
    pub(super) from: &'static [Field],
    pub(super) read: fn(&Said<'_>) -> Option<Value>,
    /// Whether it is computed, not sent.
    pub(super) is_derived: bool,
}

const fn fact(name: &'static str, from: &'static [Field], read: fn(&Said<'_>) -> Option<Value>) -> Fact {
    Fact { name, from, read, is_derived: false }
}

const fn derived(name: &'static str, from: &'static [Field], read: fn(&Said<'_>) -> Option<Value>) -> Fact {
    Fact { name, from, read, is_derived: true }
}

/// The fields that the subject is read from.
pub(super) const SUBJECT: &[Field] = &[Field::Id, Field::Hash];

fn id(said: &Said<'_>) -> Option<Value> {
    said.id()
}

fn cases(said: &Said<'_>) -> Option<Value> {
    said.cases()
}

/// All facts that are read from a payload, in the order they are shown.
pub(super) const FACTS_READ: &[Fact] = &[
    fact("id", SUBJECT, id),
    fact("title", &[Field::Title], |said| said.text(Field::Title)),
    fact("severity", &[Field::Severity, Field::Data], |said| {
        said.own(Field::Severity).and_then(words::severity).made()
    }),
    fact("priority", &[Field::Priority, Field::Data], |said| {
        said.own(Field::Priority).and_then(words::priority).made()
    }),
    fact("status", &[Field::Status], |said| said.status().made()),
    fact("description", &[Field::Description, Field::Data], |said| {
        said.own(Field::Description).and_then(words::text).made()
    }),
    fact("actual_result", &[Field::ActualResult], |said| said.text(Field::ActualResult)),
    fact("ticket", TICKET, |said| said.ticket().made()),
    fact("comment", &[Field::Comment], |said| said.text(Field::Comment)),
    fact("actor", &ACTORS, |said| said.actor().made()),
    fact("actor_id", &[], |said| said.head.member.made()),
    fact("actor_email", &ACTORS, |said| said.user()?.get("email").and_then(words::text).made()),
    fact("assignee", ASSIGNEE, |said| {
        said.assignee().and_then(user_name).filter(|name| !name.chars().all(|c| c.is_ascii_digit())).made()
    }),
    fact("assignee_id", &[Field::AssigneeId, Field::Assignee, Field::AssignedTo], |said| {
        let assignee = said.assignee();
        let id = said.get(Field::AssigneeId).or_else(|| assignee?.get("id")).or(assignee);
        id.and_then(words::integer).made()
    }),
    fact("reviewer", &[Field::Reviewer], |said| said.get(Field::Reviewer).and_then(user_name).made()),
    fact("cases", CASES, cases),
    fact("cases_added", &[Field::CasesAdded, Field::CasesCount], |said| {
        // "Cases added to run": the table of its documentation calls the number `cases_count`.
        let called_otherwise = || said.count(Field::CasesCount).filter(|_| said.adds_cases());
        said.count(Field::CasesAdded).or_else(called_otherwise)
    }),
    fact("passed", &[Field::Passed], |said| said.count(Field::Passed)),
    fact("failed", &[Field::Failed], |said| said.count(Field::Failed)),
    fact("blocked", &[Field::Blocked], |said| said.count(Field::Blocked)),
    fact("skipped", &[Field::Skipped, Field::Skiped], |said| {
        said.count(Field::Skipped).or_else(|| said.count(Field::Skiped))
    }),
    fact("untested", &[Field::Untested], |said| said.count(Field::Untested)),
    derived("pass_rate", &[Field::Passed, Field::Cases, Field::CasesCount], |said| said.pass_rate().made()),
    fact("duration", &[Field::Duration], |said| said.get(Field::Duration).and_then(words::number)),
    fact("environment", &[Field::Environment], |said| said.get(Field::Environment).and_then(words::title).made()),
    fact("plan", &[Field::Plan], |said| {
        let plan = said.get(Field::Plan)?;
        words::title(plan).filter(|_| words::integer(plan).is_none()).made()
    }),
    fact("plan_id", &[Field::Plan], |said| {
        let plan = said.get(Field::Plan)?;
        words::integer(plan.get("id").unwrap_or(plan)).made()
    }),
    fact("visible", &[Field::Visible], |said| said.get(Field::Visible).and_then(Value::as_bool).made()),
    fact("behavior", &[Field::Behavior, Field::Data], |said| said.own(Field::Behavior).and_then(words::word).made()),
    fact("type", &[Field::Type, Field::Data], |said| said.own(Field::Type).and_then(words::word).made()),
    fact("automation", &[Field::Automation, Field::Data], |said| {
        said.own(Field::Automation).and_then(words::automation).made()
    }),
    fact("tags", &[Field::Tags, Field::Data], |said| said.own(Field::Tags).and_then(tags)),
    fact("attachments", &[Field::Attachments], |said| said.get(Field::Attachments)?.as_array().map(Vec::len).made()),
    fact("suite_id", &[Field::SuiteId, Field::Data], |said| said.own(Field::SuiteId).and_then(words::id)),
    fact("milestone_id", &[Field::MilestoneId, Field::Data], |said| said.own(Field::MilestoneId).and_then(words::id)),
    fact("case_id", &[Field::CaseId], |said| said.id_of(Field::CaseId)),
    fact("run_id", &[Field::RunId], |said| said.id_of(Field::RunId)),
    fact("plan_id", &[Field::PlanId], |said| said.id_of(Field::PlanId)),
    fact("parent_id", &[Field::ParentId], |said| said.id_of(Field::ParentId)),
    fact("from_id", &[Field::FromId], |said| said.id_of(Field::FromId)),
    fact("case_id", &[Field::CaseId, Field::Case], |said| {
        said.id_of(Field::CaseId).or_else(|| said.id_of(Field::Case))
    }),
    fact("run_id", &[Field::RunId, Field::Run], |said| said.id_of(Field::RunId).or_else(|| said.id_of(Field::Run))),
];

const TICKET: &[Field] = &[Field::ExternalIssue, Field::ExternalIssues, Field::ExternalLink, Field::ExternalData];
const ASSIGNEE: &[Field] = &[Field::Assignee, Field::AssignedTo];
const CASES: &[Field] = &[Field::Cases, Field::CasesCount];

/// What was read, as the value of a fact.
trait Made {
    fn made(self) -> Option<Value>;
}

impl<T: Into<Value>> Made for Option<T> {
    fn made(self) -> Option<Value> {
        self.map(Into::into)
    }
}

impl<'a> Said<'a> {
    pub(super) fn get(&self, field: Field) -> Option<&'a Value> {
        self.fields.get(field)
    }

    /// What the event is about: `defect/58`.
    pub(super) fn subject(&self) -> Option<String> {
        let id = self.id()?;
        let entity = self.head.entity();
        Some(id.as_str().map_or_else(|| format!("{entity}/{id}"), |id| format!("{entity}/{id}")))
    }

    fn id(&self) -> Option<Value> {
        self.id_of(Field::Id).or_else(|| self.id_of(Field::Hash))
    }

    fn id_of(&self, field: Field) -> Option<Value> {
        self.get(field).and_then(words::id)
    }

    fn text(&self, field: Field) -> Option<Value> {
        self.get(field).and_then(words::text).made()
    }

    /// The field, or that of the case as it would become, which a review carries under `data`.
    fn own(&self, field: Field) -> Option<&'a Value> {
        self.get(field).or_else(|| self.get(Field::Data)?.as_object()?.get(field.name()))
    }

    fn status(&self) -> Option<String> {
        let status = self.get(Field::Status)?;
        match self.head.entity() {
            "review" => words::review_status(status),
            "case" => words::case_status(status),
            _ => words::word(status),
        }
    }

    /// Who did it.
    fn user(&self) -> Option<&'a Value> {
        ACTORS.iter().find_map(|field| self.get(*field))
    }

    fn actor(&self) -> Option<String> {
        self.user().and_then(user_name).or_else(|| match self.head.member? {
            0 => Some("automation".to_owned()),
            member => Some(format!("member {member}")),
        })
    }

    fn assignee(&self) -> Option<&'a Value> {
        self.get(Field::Assignee).or_else(|| self.get(Field::AssignedTo))
    }

    /// Whether the event tells of cases that were added, not of all cases.
    fn adds_cases(&self) -> bool {
        self.head.event == "run.updated"
    }

    fn cases(&self) -> Option<Value> {
        if self.adds_cases() {
            return None;
        }
        self.count(Field::Cases).or_else(|| self.count(Field::CasesCount))
    }

    /// A number, or how many elements a list or object has.
    fn count(&self, field: Field) -> Option<Value> {
        match self.get(field)? {
            Value::Array(items) => Some(items.len().into()),
            Value::Object(items) => Some(items.len().into()),
            other => words::number(other),
        }
    }

    fn pass_rate(&self) -> Option<f64> {
        let passed = self.count(Field::Passed)?.as_f64()?;
        let cases = self.cases()?.as_f64()?;
        (cases > 0.0).then(|| passed / cases)
    }

    /// The issue that is linked: Qase's API calls it `external_issue` (a run), `external_issues`
    /// (a case) and `external_data` (a defect: text, in which an address or JSON was seen).
    fn ticket(&self) -> Option<String> {
        let of_object =
            |issue: &Value| ["link", "url", "key", "id"].iter().find_map(|key| words::text(issue.get(*key)?));
        let of_list = |issues: &Value| issues.as_array()?.iter().find_map(of_object);
        let of_data = |data: &Value| match data {
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                Ok(inner @ (Value::Object(_) | Value::Array(_))) => of_object(&inner).or_else(|| of_list(&inner)),
                _ => words::text(data),
            },
            other => of_object(other).or_else(|| of_list(other)),
        };
        self.get(Field::ExternalIssue)
            .and_then(of_object)
            .or_else(|| self.get(Field::ExternalIssues).and_then(of_list))
            .or_else(|| self.get(Field::ExternalLink).and_then(words::text))
            .or_else(|| self.get(Field::ExternalData).and_then(of_data))
    }
}

fn user_name(user: &Value) -> Option<String> {
    words::title(user).or_else(|| user.get("email").and_then(words::text))
}

fn tags(tags: &Value) -> Option<Value> {
    let tags = tags.as_array()?;
    Some(tags.iter().filter_map(words::title).map(Value::from).collect())
}
