//! Every error that a vendor names tells people what to do about it.
#![cfg(test)]

use relaybell::destination::jira::Api;
use relaybell::destination::{Answer, Destination, Finding, Step};
use relaybell::domain::delivery::{Extent, Outcome};
use serde_json::json;

use crate::messages::{jira, job, reply, slack_api, slack_webhook, teams, thin};

/// What follows from an answer that says the same each time it is asked.
fn outcome(destination: &dyn Destination, status: u16, body: &str) -> Outcome {
    let mut answers = Vec::new();
    loop {
        match destination.step(&job(thin()), &answers) {
            Step::Done(outcome) => return outcome,
            Step::Ask(_) => answers.push(Answer::Replied(reply(status, body))),
        }
        assert!(answers.len() < 5, "no end");
    }
}

/// Checks that the outcome quotes `name` and says what to do; gives its words.
fn advises(destination: &dyn Destination, status: u16, body: &str, name: &str, advice: &str) {
    match outcome(destination, status, body) {
        // Nothing is to be done: it is tried again.
        Outcome::Later { why, extent, .. } => {
            assert!(advice.is_empty(), "{name}: {why}");
            assert!(
                matches!(extent, Extent::Throttled | Extent::Failing | Extent::Single) && why.contains(name),
                "{why}"
            );
        }
        Outcome::Refused { why } | Outcome::Closed { why } => {
            assert!(why.contains(name), "{name} is not quoted: {why}");
            assert!(!advice.is_empty() && why.contains(advice), "{name}: no '{advice}' in: {why}");
        }
        other => panic!("{name}: {other:?}"),
    }
}

/// The names that Slack documents for `chat.postMessage`, with what the advice speaks of.
const SLACK: [(&str, &str); 15] = [
    (
        "ratelimited rate_limited message_limit_exceeded service_unavailable request_timeout internal_error fatal_error team_added_to_org org_login_required external_channel_migrating",
        "",
    ),
    ("not_authed invalid_auth account_inactive token_revoked token_expired not_allowed_token_type is_bot", "bot token"),
    ("missing_scope no_permission as_user_not_supported send_on_behalf_not_allowed", "chat:write"),
    (
        "access_denied accesslimited app_access_restricted ekm_access_denied enterprise_is_restricted two_factor_setup_required team_not_found messages_tab_disabled",
        "administrator",
    ),
    ("method_deprecated deprecated_endpoint unknown_method", "`api_url`"),
    ("channel_not_found not_in_channel", "invite the bot"),
    ("is_archived is_inactive", "Unarchive"),
    (
        "restricted_action restricted_action_read_only_channel restricted_action_thread_only_channel restricted_action_non_threadable_channel restricted_action_thread_locked cannot_reply_to_message",
        "posting rights",
    ),
    ("msg_too_long msg_blocks_too_long attachment_payload_limit_exceeded metadata_too_large", "shorten the template"),
    ("no_text", "prints on this event"),
    ("invalid_blocks invalid_blocks_format invalid_attachments", "Block Kit Builder"),
    ("too_many_attachments too_many_contact_cards", "Put less"),
    ("invalid_metadata_format invalid_metadata_schema metadata_must_be_sent_from_app", "`metadata`"),
    (
        "invalid_arg_name invalid_array_arg invalid_charset invalid_form_data invalid_post_type missing_post_type",
        "breaks the request",
    ),
    ("slack_connect_file_link_sharing_blocked slack_connect_canvas_sharing_blocked", "another organisation"),
];

#[test]
fn every_error_of_slack_says_what_to_do() {
    let api = slack_api("https://slack.com/api", "xoxb-1", "#payments");
    for (names, advice) in SLACK {
        for name in names.split_whitespace() {
            advises(&api, 200, &format!("{{\"ok\":false,\"error\":\"{name}\"}}"), name, advice);
        }
    }
    advises(&api, 200, r#"{"ok":false,"error":"markdown_text_conflict"}"#, "markdown_text_conflict", "`markdown_text`");
    let pointer = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]";
    let body = json!({"ok": false, "error": "invalid_blocks", "errors": [pointer]}).to_string();
    advises(&api, 200, &body, "json-pointer:/blocks/0/text/text", "at the place named here");
    let webhook = slack_webhook("https://hooks.slack.example/services/T0/B0/secretsecret");
    for (status, name, advice) in [
        (400, "invalid_payload", "breaks the request"),
        (400, "user_not_found", "not in this workspace"),
        (400, "missing_text_or_fallback_or_attachments", "prints on this event"),
        (403, "action_prohibited", "administrator"),
        (403, "posting_to_general_channel_denied", "posting rights"),
        (403, "invalid_token", "new incoming webhook"),
        (403, "team_disabled", "administrator"),
        (404, "channel_not_found", "new incoming webhook"),
        (404, "no_service", "new incoming webhook"),
        (404, "no_service_id", "new incoming webhook"),
        (404, "no_team", "new incoming webhook"),
        (404, "no_active_hooks", "new incoming webhook"),
        (410, "channel_is_archived", "Unarchive"),
        (429, "rate_limited", ""),
        (500, "rollup_error", ""),
    ] {
        advises(&webhook, status, name, name, advice);
    }
}

#[test]
fn every_error_of_teams_says_what_to_do() {
    let room = teams("https://env.example/workflows/1/triggers/manual/paths/invoke?api-version=1&sig=secretsecret");
    for (status, name, advice) in [
        (400, "TriggerInputSchemaMismatch", "When a Teams webhook request is received"),
        (400, "MissingApiVersionParameter", "copy it whole"),
        (400, "WorkflowTriggerIsNotEnabled", "switch it on"),
        (404, "WorkflowTriggerIsNotEnabled", "switch it on"),
        (401, "DirectApiAuthorizationRequired", "copy the workflow's address anew"),
        (403, "AuthorizationFailed", "copy the workflow's address anew"),
        (404, "WorkflowNotFound", "make a new one"),
        (410, "WorkflowNotFound", "make a new one"),
        (413, "RequestEntityTooLarge", "shorten"),
        (429, "TooManyRequests", ""),
        (408, "RequestTimeout", ""),
        (502, "BadGateway", ""),
    ] {
        advises(&room, status, &json!({"error": {"code": name, "message": "m"}}).to_string(), name, advice);
    }
}

#[test]
fn every_error_of_jira_says_what_to_do() {
    let errors = |field: &str, what: &str| json!({"errorMessages": [], "errors": {field: what}}).to_string();
    let general = |what: &str| json!({"errorMessages": [what], "errors": {}}).to_string();
    for api in [Api::V3, Api::V2] {
        let project = jira(api, "https://acme.atlassian.net", "jira-token");
        for (status, body, name, advice) in [
            (400, errors("customfield_10042", "Team is required."), "Team is required", "`fields` of the rule"),
            (400, errors("project", "valid project is required"), "valid project", "`project`"),
            (400, errors("issuetype", "The issue type selected is invalid."), "issue type", "`issue_type`"),
            (
                400,
                errors(
                    "description",
                    "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
                ),
                "too long",
                "the template",
            ),
            (400, general("Invalid request payload."), "Invalid request payload", "the template"),
            (413, general("The issue has too many links."), "too many", "the template"),
            (422, general("Unprocessable."), "Unprocessable", "the template"),
            (401, general("Client must be authenticated"), "authenticated", "`token`"),
            (403, general("Forbidden"), "Forbidden", "administrator"),
            (404, general("Gone"), "Gone", "`url`"),
            (410, general("The requested API has been removed."), "removed", "`api`"),
            (409, general("Conflict"), "Conflict", ""),
            (429, general("Rate limit exceeded."), "Rate limit", ""),
            (503, general("Unavailable"), "Unavailable", ""),
        ] {
            advises(&project, status, &body, name, advice);
        }
    }
}

#[test]
fn an_issue_that_is_not_there_is_no_mistake_in_the_configuration() {
    let project = jira(Api::V3, "https://acme.atlassian.net", "jira-token");
    let body = r#"{"errorMessages":["Issue does not exist or you do not have permission to see it."],"errors":{}}"#;
    let told = |status: u16, body: &str| match project.status("SHOP-7", &[Answer::Replied(reply(status, body))]) {
        Some(Finding::Failed { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    let gone = told(404, body);
    assert!(gone.contains("Issue does not exist") && gone.contains("deleted") && !gone.contains("`url`"), "{gone}");
    assert!(told(404, "<html>no such page</html>").contains("`url`"));
}
