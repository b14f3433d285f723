//! The fields of a payload that facts are read from.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use serde_json::{Map, Value};

use super::envelope::Envelope;

macro_rules! fields {
    ($($field:ident $name:literal,)*) => {
        /// A field of a payload that facts are read from, with all below it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field {
            $(
                #[doc = concat!("`", $name, "`")]
                $field,
            )*
        }

        impl Field {
            /// All of them.
            pub(super) const ALL: &[Self] = &[$(Self::$field,)*];

            /// Its name.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)*
                }
            }
        }
    };
}

fields! {
    Assignee "assignee",
    AssigneeId "assignee_id",
    AssignedTo "assigned_to",
    ExternalIssue "external_issue",
    ExternalIssues "external_issues",
    ExternalData "external_data",
    ExternalLink "external_link",
    Id "id",
    Hash "hash",
    Title "title",
    Data "data",
    Severity "severity",
    Priority "priority",
    Status "status",
    Description "description",
    ActualResult "actual_result",
    Comment "comment",
    Behavior "behavior",
    Type "type",
    Automation "automation",
    Tags "tags",
    Attachments "attachments",
    SuiteId "suite_id",
    MilestoneId "milestone_id",
    CaseId "case_id",
    RunId "run_id",
    PlanId "plan_id",
    ParentId "parent_id",
    FromId "from_id",
    Case "case",
    Run "run",
    Project "project",
    Cases "cases",
    CasesCount "cases_count",
    CasesAdded "cases_added",
    Passed "passed",
    Failed "failed",
    Blocked "blocked",
    Skipped "skipped",
    Skiped "skiped",
    Untested "untested",
    Duration "duration",
    Environment "environment",
    Plan "plan",
    Visible "visible",
    Reviewer "reviewer",
    Created "created",
    Updated "updated",
    Approves "approves",
    CreatedBy "created_by",
    UpdatedBy "updated_by",
    CommentedBy "commented_by",
    MergedBy "merged_by",
    DeclinedBy "declined_by",
    DeletedBy "deleted_by",
    ResolvedBy "resolved_by",
    ReopenedBy "reopened_by",
    Author "author",
}

/// How many fields there are.
pub(super) const FIELDS: usize = Field::ALL.len();

/// Under which fields a payload names the user who did it.
pub(super) const ACTORS: [Field; 9] = [
    Field::CreatedBy,
    Field::UpdatedBy,
    Field::CommentedBy,
    Field::MergedBy,
    Field::DeclinedBy,
    Field::DeletedBy,
    Field::ResolvedBy,
    Field::ReopenedBy,
    Field::Author,
];

static BY_NAME: LazyLock<HashMap<&'static str, Field, FixedState>> =
    LazyLock::new(|| Field::ALL.iter().map(|field| (field.name(), *field)).collect());

impl Field {
    /// The field called `name`.
    pub(super) fn of(name: &str) -> Option<Self> {
        BY_NAME.get(name).copied()
    }
}

/// The fields of one payload.
pub(super) trait Fields {
    /// The value of `field`, if the payload has it.
    fn get(&self, field: Field) -> Option<&Value>;
}

/// The fields of a payload that is there as a whole.
pub(super) struct Whole<'p>([Option<&'p Value>; FIELDS]);

impl<'p> Whole<'p> {
    /// Those of `payload`: each of its keys is looked at once, whatever is asked then.
    pub(super) fn of(payload: &'p Map<String, Value>) -> Self {
        let mut fields = [None; FIELDS];
        for (name, value) in payload {
            if let Some(field) = Field::of(name) {
                fields[field as usize] = Some(value);
            }
        }
        Self(fields)
    }
}

impl Fields for Whole<'_> {
    fn get(&self, field: Field) -> Option<&Value> {
        self.0[field as usize]
    }
}

/// The payload of a webhook's body, whoever sent it; `None` when it is no webhook of Qase.
#[must_use]
pub fn payload_of(body: &[u8]) -> Option<Value> {
    Envelope::read(body).ok().map(|envelope| envelope.payload.into())
}

/// Whether Relaybell reads a fact from the field `name` of a payload, or knows it to say nothing.
#[must_use]
pub fn is_read(name: &str) -> bool {
    Field::of(name).is_some()
}
