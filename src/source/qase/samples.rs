//! One body of every shape that Qase documents, and of those it may send: what rules and
//! templates are tried on before a real webhook comes.

use crate::source::Sample;

macro_rules! sample {
    ($event:literal, $variant:literal) => {
        Sample::of($event, $variant, include_str!(concat!("samples/", $variant, ".json")))
    };
}

/// All samples, sorted by `variant`.
#[must_use]
pub fn samples() -> &'static [Sample] {
    SAMPLES
}

const SAMPLES: &[Sample] = &[
    sample!("case.cloned", "case.cloned"),
    sample!("case.cloned", "case.cloned.sparse"),
    sample!("case.created", "case.created"),
    sample!("case.created", "case.created.sparse"),
    sample!("case.created", "case.created.variant-all-nulls"),
    sample!("case.deleted", "case.deleted"),
    sample!("case.deleted", "case.deleted.sparse"),
    sample!("case.updated", "case.updated"),
    sample!("case.updated", "case.updated.sparse"),
    sample!("custom_field.created", "custom_field.created"),
    sample!("custom_field.deleted", "custom_field.deleted"),
    sample!("custom_field.deleted", "custom_field.deleted.sparse"),
    sample!("custom_field.updated", "custom_field.updated"),
    sample!("custom_field.updated", "custom_field.updated.sparse"),
    sample!("defect.created", "defect.created"),
    sample!("defect.created", "defect.created.variant-attachment-objects"),
    sample!("defect.created", "defect.created.variant-gen0"),
    sample!("defect.deleted", "defect.deleted"),
    sample!("defect.resolved", "defect.resolved"),
    sample!("defect.updated", "defect.updated"),
    sample!("case.created", "gen0-envelope.case.created"),
    sample!("milestone.created", "milestone.created"),
    sample!("milestone.deleted", "milestone.deleted"),
    sample!("milestone.updated", "milestone.updated"),
    sample!("plan.created", "plan.created"),
    sample!("plan.created", "plan.created.variant-cases-array"),
    sample!("plan.deleted", "plan.deleted"),
    sample!("plan.updated", "plan.updated"),
    sample!("result.created", "result.created"),
    sample!("result.deleted", "result.deleted"),
    sample!("result.updated", "result.updated"),
    sample!("review.approval_status_changed", "review.approval_status_changed"),
    sample!("review.approval_status_changed", "review.approval_status_changed.variant-request-changes"),
    sample!("review.approval_status_changed", "review.approval_status_changed.variant-unapproved"),
    sample!("review.commented", "review.commented"),
    sample!("review.created", "review.created"),
    sample!("review.created", "review.created.variant-gen0-type-status"),
    sample!("review.declined", "review.declined"),
    sample!("review.deleted", "review.deleted"),
    sample!("review.merged", "review.merged"),
    sample!("review.reopened", "review.reopened"),
    sample!("review.reopened", "review.reopened.variant-string-ids"),
    sample!("review.reviewer_added", "review.reviewer_added"),
    sample!("review.reviewer_removed", "review.reviewer_removed"),
    sample!("review.updated", "review.updated"),
    sample!("run.aborted", "run.aborted"),
    sample!("run.aborted", "run.aborted.sparse"),
    sample!("run.completed", "run.completed"),
    sample!("run.completed", "run.completed.variant-green-seconds"),
    sample!("run.deleted", "run.deleted"),
    sample!("run.report_changed", "run.report_changed"),
    sample!("run.report_changed", "run.report_changed.variant-hidden"),
    sample!("run.started", "run.started"),
    sample!("run.started", "run.started.variant-plan-int"),
    sample!("run.started", "run.started.variant-plan-null"),
    sample!("run.updated", "run.updated"),
    sample!("run.updated", "run.updated.variant-cases-count"),
    sample!("shared_step.created", "shared_step.created"),
    sample!("shared_step.created", "shared_step.created.variant-flat"),
    sample!("shared_step.deleted", "shared_step.deleted"),
    sample!("shared_step.updated", "shared_step.updated"),
    sample!("suite.cloned", "suite.cloned"),
    sample!("suite.created", "suite.created"),
    sample!("suite.created", "suite.created.variant-root"),
    sample!("suite.deleted", "suite.deleted"),
    sample!("suite.updated", "suite.updated"),
    sample!("case.archived", "unknown.future_event"),
];
