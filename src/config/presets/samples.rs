//! Webhooks of the senders that have a preset, as those document them: what rules and
//! templates are tried on before a real one comes.
//!
//! Each is called as the event that its preset makes of it; one that is no event, by the
//! sender's own word for it.

use crate::source::Sample;

macro_rules! sample {
    ($preset:literal, $variant:literal) => {
        sample!($preset, $variant, $variant, [])
    };
    ($preset:literal, $event:literal, $variant:literal) => {
        sample!($preset, $event, $variant, [])
    };
    ($preset:literal, $event:literal, $variant:literal, $headers:expr) => {
        Sample {
            event: $event,
            variant: $variant,
            path: "",
            headers: &$headers,
            body: include_str!(concat!("samples/", $preset, "/", $variant, ".json")),
        }
    };
}

/// What it is, and the end of the delivery's id.
macro_rules! github {
    ($variant:literal, $what:literal, $id:literal) => {
        sample!(
            "github",
            $variant,
            $variant,
            [("x-github-event", $what), ("x-github-delivery", concat!("72d3162e-cc78-11e3-81ab-4c9367dc09", $id)),]
        )
    };
}

macro_rules! gitlab {
    ($variant:literal, $what:literal, $id:literal) => {
        sample!(
            "gitlab",
            $variant,
            $variant,
            [("x-gitlab-event", $what), ("idempotency-key", concat!("f5e57e1a-0000-4000-8000-", $id)),]
        )
    };
}

macro_rules! jira {
    ($variant:literal, $id:literal) => {
        sample!(
            "jira",
            $variant,
            $variant,
            [("x-atlassian-webhook-identifier", concat!("6d0c1a2e-0000-4000-8000-0000000000", $id))]
        )
    };
}

macro_rules! sentry {
    ($event:literal, $variant:literal, $what:literal, $id:literal) => {
        sample!(
            "sentry",
            $event,
            $variant,
            [
                ("request-id", concat!("3b6ab8f2f2f84b8d9d3e7b3a0a0000", $id)),
                ("sentry-hook-resource", $what),
                ("sentry-hook-timestamp", "1789380000"),
            ]
        )
    };
}

pub(super) const ALERTMANAGER: &[Sample] =
    &[sample!("alertmanager", "alert.firing"), sample!("alertmanager", "alert.resolved")];

pub(super) const CI: &[Sample] = &[
    sample!("ci", "build.failed"),
    sample!("ci", "build.failed", "build.failed.variant-browserstack"),
    sample!("ci", "deployment.completed"),
];

pub(super) const GITHUB: &[Sample] = &[
    github!("branch.pushed", "push", "13"),
    github!("build.failed", "workflow_run", "01"),
    github!("build.started", "workflow_run", "02"),
    github!("checks.completed", "check_suite", "04"),
    github!("comment.created", "issue_comment", "07"),
    github!("deployment.failed", "deployment_status", "11"),
    github!("issue.closed", "issues", "06"),
    github!("issue.opened", "issues", "05"),
    github!("job.failed", "workflow_job", "03"),
    github!("ping", "ping", "15"),
    github!("pull_request.changes_requested", "pull_request_review", "10"),
    github!("pull_request.merged", "pull_request", "09"),
    github!("pull_request.opened", "pull_request", "08"),
    github!("release.published", "release", "12"),
    github!("star.created", "star", "14"),
];

pub(super) const GITLAB: &[Sample] = &[
    gitlab!("branch.pushed", "Push Hook", "707573680000"),
    gitlab!("build.failed", "Pipeline Hook", "706970656c69"),
    gitlab!("comment.created", "Note Hook", "6e6f74652e69"),
    gitlab!("deployment.failed", "Deployment Hook", "6465706c6f79"),
    gitlab!("issue.opened", "Issue Hook", "69737375652e"),
    gitlab!("job.failed", "Job Hook", "6a6f622e6661"),
    gitlab!("pull_request.merged", "Merge Request Hook", "6d657267655f"),
    gitlab!("release.published", "Release Hook", "72656c656173"),
    gitlab!("wiki_page", "Wiki Page Hook", "77696b695f70"),
];

pub(super) const GRAFANA: &[Sample] = &[sample!("grafana", "alert.firing"), sample!("grafana", "alert.resolved")];

pub(super) const JENKINS: &[Sample] = &[
    sample!("jenkins", "build.completed"),
    sample!("jenkins", "build.failed"),
    sample!("jenkins", "build.failed", "build.failed.variant-finalized"),
    sample!("jenkins", "build.started"),
];

pub(super) const JIRA: &[Sample] = &[
    jira!("comment.created", "05"),
    jira!("issue.assigned", "02"),
    jira!("issue.closed", "03"),
    jira!("issue.deleted", "04"),
    jira!("issue.opened", "01"),
    jira!("sprint_started", "06"),
];

pub(super) const SENTRY: &[Sample] = &[
    sentry!("alert.firing", "alert.firing", "metric_alert", "04"),
    sentry!("alert.firing", "alert.firing.variant-issue-alert", "event_alert", "03"),
    sentry!("alert.resolved", "alert.resolved", "metric_alert", "05"),
    sentry!("installation.created", "installation.created", "installation", "06"),
    sentry!("issue.closed", "issue.closed", "issue", "02"),
    sentry!("issue.opened", "issue.opened", "issue", "01"),
];
