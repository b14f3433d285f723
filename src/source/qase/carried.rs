//! Which event of Qase carries which fact, in which form of its payload. What is not here
//! can still be there: Qase adds fields, and memory fills in what an event lacks.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::catalogue::{FACTS, PASSING};

/// The forms in which Qase has sent the payload of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// All that Qase documents today.
    Full,
    /// Ids only, as Qase documented until the newest form, and still sends.
    Short,
    /// The oldest, of 2019 to 2022, when `event_name` was called `event`.
    Oldest,
}

impl Form {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Short => "short",
            Self::Oldest => "oldest",
        }
    }
}

/// One form of one event and the facts that its payload has.
#[derive(Debug, Clone, Copy)]
struct Payload {
    event: &'static str,
    form: Form,
    facts: &'static [&'static str],
}

/// Facts of every event, whatever its payload.
const ALWAYS: [&str; 7] = ["event", "source", "subject", "time", "age", "changed", "payload"];

/// Facts that the envelope brings; the oldest has no project and no member.
const ENVELOPE: [&str; 4] = ["project", "actor", "actor_id", "url"];

/// Facts that are not remembered because every event has its own.
const OWN: [&str; 6] = ["event", "source", "project", "subject", "time", "payload"];

const fn full(event: &'static str, facts: &'static [&'static str]) -> Payload {
    Payload { event, form: Form::Full, facts }
}

const fn short(event: &'static str, facts: &'static [&'static str]) -> Payload {
    Payload { event, form: Form::Short, facts }
}

const fn oldest(event: &'static str, facts: &'static [&'static str]) -> Payload {
    Payload { event, form: Form::Oldest, facts }
}

const CASE: &[&str] = &[
    "id",
    "title",
    "description",
    "severity",
    "priority",
    "status",
    "behavior",
    "type",
    "automation",
    "tags",
    "attachments",
    "suite_id",
    "milestone_id",
];

/// A review shows the case as it would become.
const REVIEWED_CASE: &[&str] = &[
    "id",
    "title",
    "description",
    "severity",
    "priority",
    "automation",
    "tags",
    "suite_id",
    "milestone_id",
    "case_id",
    "actor_email",
];

const ID: &[&str] = &["id"];
const DONE_BY: &[&str] = &["id", "actor_email"];
const RESULT: &[&str] = &["id", "status", "case_id", "run_id"];

/// Every form of every event. Forms that add no fact to another are left out.
const PAYLOADS: &[Payload] = &[
    full("case.created", CASE),
    full("case.updated", CASE),
    full("case.deleted", CASE),
    full("case.cloned", CASE),
    short("case.updated", ID),
    short("case.deleted", ID),
    short("case.cloned", &["id", "from_id"]),
    oldest("case.created", CASE),
    full("suite.created", &["id", "title", "description", "parent_id"]),
    full("suite.updated", ID),
    full("suite.deleted", ID),
    full("suite.cloned", &["id", "from_id"]),
    full("plan.created", &["id", "title", "description", "cases"]),
    full("plan.updated", &["id", "cases"]),
    full("plan.deleted", ID),
    oldest("plan.deleted", &["id", "cases"]),
    full("shared_step.created", &["id", "title"]),
    full("shared_step.updated", ID),
    full("shared_step.deleted", ID),
    full("milestone.created", &["id", "title", "description"]),
    full("milestone.updated", ID),
    full("milestone.deleted", ID),
    full("custom_field.created", &["id", "title", "type"]),
    full("custom_field.updated", &["id", "title", "type"]),
    full("custom_field.deleted", &["id", "title", "type"]),
    oldest("custom_field.updated", ID),
    oldest("custom_field.deleted", ID),
    full("run.started", &["id", "title", "description", "plan", "plan_id", "cases", "environment"]),
    oldest("run.started", &["id", "title", "description", "plan_id", "cases", "environment"]),
    full("run.updated", &["id", "cases_added"]),
    full(
        "run.aborted",
        &["id", "cases", "passed", "failed", "blocked", "skipped", "untested", "pass_rate", "duration"],
    ),
    oldest("run.aborted", &["id", "cases", "passed", "failed", "blocked", "untested", "pass_rate", "duration"]),
    full("run.completed", &["id", "cases", "passed", "failed", "blocked", "pass_rate", "duration"]),
    full("run.deleted", ID),
    full("run.report_changed", &["id", "visible"]),
    full(
        "defect.created",
        &["id", "title", "severity", "actual_result", "attachments", "ticket", "assignee", "assignee_id"],
    ),
    oldest("defect.created", &["id", "title", "actual_result", "attachments", "case_id"]),
    full("defect.updated", ID),
    full("defect.resolved", ID),
    full("defect.deleted", ID),
    full("review.created", &["id", "title", "case_id", "actor_email"]),
    oldest("review.created", &["id", "title", "case_id", "actor_email", "type", "status"]),
    full("review.updated", REVIEWED_CASE),
    full("review.approval_status_changed", &["id", "status", "actor_email"]),
    full("review.reviewer_added", &["id", "reviewer"]),
    full("review.reviewer_removed", &["id", "reviewer"]),
    full("review.merged", DONE_BY),
    full("review.reopened", REVIEWED_CASE),
    full("review.commented", &["id", "comment", "actor_email"]),
    full("review.declined", DONE_BY),
    full("review.deleted", DONE_BY),
    full("result.created", RESULT),
    full("result.updated", RESULT),
    full("result.deleted", RESULT),
];

/// Facts that no sample of the events that begin so shows, and why they are here all the same.
pub const UNSEEN: &[(&str, &str, &str)] = &[
    (
        "tags",
        "case.",
        "Qase's page of the full case breaks off before its last fields; reviews show that a case has tags",
    ),
    ("cases", "plan.deleted", "Qase's example of the oldest form has them"),
    ("assignee", "defect.created", "no page of webhooks has one; it is read where it comes"),
    ("assignee_id", "defect.created", "no page of webhooks has one; it is read where it comes"),
    (
        "ticket",
        "defect.created",
        "Qase's API has external_data and external issues; its pages of webhooks are silent about them",
    ),
    ("milestone_id", "", "Qase documents it as a number or null, and most samples have null"),
];

/// What one event can have.
#[derive(Debug, Default)]
struct Able {
    /// The facts it carries, each with the forms that have it.
    carries: BTreeMap<&'static str, Vec<Form>>,
    /// All its forms.
    forms: Vec<Form>,
}

static ABLE: LazyLock<BTreeMap<&'static str, Able>> = LazyLock::new(|| {
    let mut all: BTreeMap<&'static str, Able> = BTreeMap::new();
    for payload in PAYLOADS {
        let able = all.entry(payload.event).or_default();
        able.forms.push(payload.form);
        let envelope = if payload.form == Form::Oldest { &[][..] } else { &ENVELOPE[..] };
        for fact in ALWAYS.iter().chain(envelope).chain(payload.facts) {
            able.carries.entry(fact).or_default().push(payload.form);
        }
    }
    all
});

/// How an event comes by a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supply {
    /// The forms of the event whose payload has it.
    pub forms: Vec<Form>,
    /// The forms of the event whose payload lacks it.
    pub forms_without: Vec<Form>,
    /// The events of the same subject from which it is remembered.
    pub remembered_from: Vec<&'static str>,
}

impl Supply {
    /// Whether the event can have the fact at all.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        !self.forms.is_empty() || !self.remembered_from.is_empty()
    }
}

/// The events whose facts are known, documented or not, by name.
pub fn described() -> impl Iterator<Item = &'static str> {
    ABLE.keys().copied()
}

/// How an event called `event` comes by `fact`; `None` when nothing is known of the event.
#[must_use]
pub fn supply(event: &str, fact: &str) -> Option<Supply> {
    let able = ABLE.get(event)?;
    let forms = able.carries.get(fact).cloned().unwrap_or_default();
    Some(Supply {
        forms_without: able.forms.iter().filter(|form| !forms.contains(form)).copied().collect(),
        forms,
        remembered_from: remembered_from(event, fact).collect(),
    })
}

/// Whether an event called `event` can have `fact`, by its payload or by memory; true when
/// nothing is known of the event.
#[must_use]
pub fn can_have(event: &str, fact: &str) -> bool {
    ABLE.get(event).is_none_or(|able| able.carries.contains_key(fact) || remembered_from(event, fact).next().is_some())
}

/// The events that carry `fact` in any form of their payload.
pub fn carriers(fact: &str) -> impl Iterator<Item = &'static str> {
    ABLE.iter().filter(move |(_, able)| able.carries.contains_key(fact)).map(|(event, _)| *event)
}

/// The events from which `fact` is remembered when `event` comes.
fn remembered_from<'f>(event: &str, fact: &'f str) -> impl Iterator<Item = &'static str> + use<'f> {
    let entity = if is_remembered(fact) && !super::begins(event) { entity(event) } else { "" }.to_owned();
    let event = event.to_owned();
    let comes_before = move |earlier: &&str| *earlier != event && !earlier.ends_with(".deleted");
    carriers(fact).filter(move |earlier| comes_before(earlier) && self::entity(earlier) == entity)
}

/// Whether a fact stays known of its subject.
fn is_remembered(fact: &str) -> bool {
    !PASSING.contains(&fact) && !OWN.contains(&fact) && FACTS.iter().any(|known| known.name == fact)
}

/// What an event is about: the part before the dot.
fn entity(event: &str) -> &str {
    event.split_once('.').map_or(event, |(entity, _)| entity)
}
