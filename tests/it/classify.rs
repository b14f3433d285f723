//! What every answer of a vendor means for the delivery.
#![cfg(test)]

use std::fmt::Write as _;
use std::time::Duration;

use relaybell::destination::jira::Api;
use relaybell::destination::{Answer, Destination, Reply, Step};
use relaybell::domain::delivery::{Extent, Job, Lost, Outcome, Receipt};
use serde_json::{Value, json};

use crate::messages::{ask, jira, job, reply, rich, slack_api, slack_webhook, teams, thin};

const SLACK_URL: &str = "https://hooks.slack.example/services/T0AAA/B0BBB/verysecretend";
const TEAMS_URL: &str =
    "https://env.example/workflows/0a1b/triggers/manual/paths/invoke?api-version=1&sp=%2Ft&sv=1.0&sig=verysecretsig";

/// A step in one line: the class and what people read.
fn shown(step: Step) -> String {
    let wait = |after: Option<Duration>| after.map(|after| format!(" {}s", after.as_secs())).unwrap_or_default();
    match step {
        Step::Ask(ask) => format!("ASK {}", ask.what),
        Step::Done(Outcome::Delivered(Receipt {
            key,
            link,
            channel,
            note,
            accepted_only,
            values: _,
            begins_anew: _,
        })) => {
            let parts = [("key", key), ("link", link), ("channel", channel), ("note", note)];
            let parts = parts.into_iter().filter_map(|(name, value)| Some(format!(" {name}={}", value?)));
            format!("DELIVERED{}{}", if accepted_only { " accepted only" } else { "" }, parts.collect::<String>())
        }
        Step::Done(Outcome::Later { why, after, extent: Extent::Throttled }) => {
            format!("THROTTLED{}: {why}", wait(after))
        }
        Step::Done(Outcome::Later { why, after, extent: Extent::Failing }) => format!("FAILING{}: {why}", wait(after)),
        Step::Done(Outcome::Later { why, after, extent: Extent::Single }) => format!("SINGLE{}: {why}", wait(after)),
        Step::Done(Outcome::Unclear { why }) => format!("UNCLEAR: {why}"),
        Step::Done(Outcome::NotFound { why }) => format!("NOT FOUND: {why}"),
        Step::Done(Outcome::Skipped { why }) => format!("SKIPPED: {why}"),
        Step::Done(Outcome::Refused { why }) => format!("REFUSED: {why}"),
        Step::Done(Outcome::Closed { why }) => format!("CLOSED: {why}"),
    }
}

fn replied(reply: Reply) -> Answer {
    Answer::Replied(reply)
}

/// Checks the class of each answer and gives all lines for the snapshot.
fn check(destination: &dyn Destination, cases: &[(u16, &str, &str)]) -> String {
    let mut all = String::new();
    for (status, body, class) in cases {
        let line = shown(destination.step(&job(thin()), &[replied(reply(*status, body))]));
        assert!(line.starts_with(class), "{status} {body}: {line}");
        for secret in ["verysecret", "xoxb-1", "jira-token"] {
            assert!(!line.contains(secret), "{line}");
        }
        writeln!(all, "{status} {body}\n    {line}").unwrap();
    }
    all
}

#[test]
fn slack_webhook_answers() {
    let lines = check(
        &slack_webhook(SLACK_URL),
        &[
            (200, "ok", "DELIVERED"),
            (200, "<html>login</html>", "FAILING"),
            (400, "invalid_payload", "ASK"),
            (400, "user_not_found", "ASK"),
            (400, "invalid_blocks", "ASK"),
            (400, "no_text", "ASK"),
            (413, "<html>too large</html>", "ASK"),
            (403, "action_prohibited", "CLOSED"),
            (403, "posting_to_general_channel_denied", "CLOSED"),
            (403, "invalid_token", "CLOSED"),
            (403, "something_new", "CLOSED"),
            (404, "channel_not_found", "CLOSED"),
            (404, "no_service", "CLOSED"),
            (404, "no_active_hooks", "CLOSED"),
            (410, "channel_is_archived", "CLOSED"),
            (401, "", "CLOSED"),
            (429, "rate_limited", "THROTTLED"),
            (408, "", "FAILING"),
            (425, "", "FAILING"),
            (500, "rollup_error", "FAILING"),
            (502, "<html>bad gateway</html>", "FAILING"),
            (503, "", "FAILING"),
            (302, "", "CLOSED"),
            (405, "", "REFUSED"),
        ],
    );
    insta::assert_snapshot!("slack_webhook", lines);
}

#[test]
fn slack_api_answers() {
    let named = |name: &str| format!("{{\"ok\":false,\"error\":\"{name}\"}}");
    let classes = [
        ("THROTTLED", "ratelimited rate_limited message_limit_exceeded"),
        ("THROTTLED 600s", "team_added_to_org org_login_required external_channel_migrating"),
        ("FAILING", "service_unavailable request_timeout internal_error fatal_error"),
        (
            "CLOSED",
            "not_authed invalid_auth account_inactive token_revoked token_expired missing_scope no_permission \
             not_allowed_token_type access_denied accesslimited app_access_restricted ekm_access_denied \
             enterprise_is_restricted two_factor_setup_required is_bot team_not_found method_deprecated \
             deprecated_endpoint unknown_method messages_tab_disabled as_user_not_supported \
             send_on_behalf_not_allowed channel_not_found not_in_channel is_archived is_inactive restricted_action \
             restricted_action_read_only_channel restricted_action_thread_only_channel cannot_reply_to_message \
             duplicate_channel_not_found",
        ),
        (
            "ASK",
            "invalid_blocks invalid_blocks_format msg_blocks_too_long msg_too_long no_text too_many_attachments \
             attachment_payload_limit_exceeded invalid_attachments metadata_too_large invalid_arg_name \
             invalid_post_type slack_connect_file_link_sharing_blocked never_seen_before",
        ),
    ];
    let api = slack_api("https://slack.com/api", "xoxb-1", "#payments");
    let mut lines = String::new();
    for (class, names) in classes {
        for name in names.split_whitespace() {
            lines.push_str(&check(&api, &[(200, &named(name), class)]));
        }
    }
    lines.push_str(&check(
        &api,
        &[
            (
                200,
                r#"{"ok":true,"channel":"C123","ts":"1790000000.000100","message":{}}"#,
                "DELIVERED key=1790000000.000100 channel=C123",
            ),
            (200, r#"{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"identify"}"#, "CLOSED"),
            (429, r#"{"ok":false,"error":"ratelimited"}"#, "THROTTLED"),
            (200, "<html>proxy</html>", "FAILING"),
            (404, "<html>nothing here</html>", "CLOSED"),
            (503, "", "FAILING"),
        ],
    ));
    insta::assert_snapshot!("slack_api", lines);
}

#[test]
fn teams_answers() {
    let old = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error";
    let lines = check(
        &teams(TEAMS_URL),
        &[
            (202, "", "DELIVERED accepted only"),
            (200, "1", "DELIVERED"),
            (200, &format!("{old} 429 with ContextId tcid=0"), "THROTTLED"),
            (200, &format!("{old} 413 with ContextId tcid=0"), "ASK"),
            (200, "Webhook message delivery failed with error: unknown", "SINGLE"),
            (
                400,
                r#"{"error":{"code":"TriggerInputSchemaMismatch","message":"The input body is not as expected."}}"#,
                "ASK",
            ),
            (413, "", "ASK"),
            (400, r#"{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"off"}}"#, "CLOSED"),
            (404, r#"{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"off"}}"#, "CLOSED"),
            (400, r#"{"error":{"code":"MissingApiVersionParameter","message":"missing"}}"#, "CLOSED"),
            (
                401,
                r#"{"error":{"code":"DirectApiAuthorizationRequired","message":"sig=verysecretsig is not valid"}}"#,
                "CLOSED",
            ),
            (403, "", "CLOSED"),
            (404, "", "CLOSED"),
            (410, "", "CLOSED"),
            (301, "", "CLOSED"),
            (408, "", "FAILING"),
            (429, "", "THROTTLED"),
            (500, "", "FAILING"),
            (502, "", "FAILING"),
            (504, "", "FAILING"),
            (405, "", "REFUSED"),
        ],
    );
    insta::assert_snapshot!("teams", lines);
}

#[test]
fn jira_answers() {
    let created = r#"{"id":"10001","key":"PAY-17","self":"https://acme.atlassian.net/rest/api/3/issue/10001"}"#;
    let lines = check(
        &jira(Api::V3, "https://acme.atlassian.net", "jira-token"),
        &[
            (201, created, "DELIVERED key=PAY-17 link=https://acme.atlassian.net/browse/PAY-17"),
            (201, "", "UNCLEAR"),
            (
                400,
                r#"{"errorMessages":[],"errors":{"labels":"Field 'labels' cannot be set. It is not on the appropriate screen, or unknown."}}"#,
                "ASK",
            ),
            (
                400,
                r#"{"errorMessages":["Operation value must be an Atlassian Document (see the Atlassian Document Format)"],"errors":{}}"#,
                "ASK",
            ),
            (
                400,
                r#"{"errorMessages":[],"errors":{"description":"The entered text is too long. It exceeds the allowed limit of 32,767 characters."}}"#,
                "ASK",
            ),
            (400, r#"{"errorMessages":[],"errors":{"customfield_10010":"Team is required."}}"#, "REFUSED"),
            (400, r#"{"errorMessages":[],"errors":{"project":"valid project is required"}}"#, "CLOSED"),
            (400, r#"{"errorMessages":[],"errors":{"issuetype":"The issue type selected is invalid."}}"#, "CLOSED"),
            (401, r#"{"errorMessages":["You are not authenticated."],"errors":{}}"#, "CLOSED"),
            (403, "", "CLOSED"),
            (404, "", "CLOSED"),
            (410, "", "CLOSED"),
            (302, "", "CLOSED"),
            (409, "", "SINGLE"),
            (413, "", "ASK"),
            (422, "", "ASK"),
            (429, "", "THROTTLED"),
            (408, "", "FAILING"),
            (503, "", "FAILING"),
            (500, "", "UNCLEAR"),
            (502, "", "UNCLEAR"),
            (504, "", "UNCLEAR"),
            (418, "", "REFUSED"),
        ],
    );
    insta::assert_snapshot!("jira", lines);
}

#[test]
fn waits_are_obeyed_in_seconds_and_as_a_date_but_not_beyond_a_day() {
    let cases = [
        ("retry-after", "3", "THROTTLED 3s"),
        ("retry-after", "1.2", "THROTTLED 2s"),
        ("retry-after", "0", "THROTTLED 0s"),
        // The answer came at 12:20:00.
        ("retry-after", "Mon, 14 Sep 2026 12:21:30 GMT", "THROTTLED 90s"),
        ("retry-after", "Mon, 14 Sep 2026 12:00:00 GMT", "THROTTLED 0s"),
        ("retry-after", "9999999999", "THROTTLED 86400s"),
        ("retry-after", "1e300", "THROTTLED 86400s"),
        ("retry-after", "-5", "THROTTLED:"),
        ("retry-after", "soon", "THROTTLED:"),
        ("retry-after", "NaN", "THROTTLED:"),
        ("x-ratelimit-reset", "2026-09-14T12:20:45Z", "THROTTLED 45s"),
        ("x-ratelimit-reset", "2026-09-14T12:30Z", "THROTTLED 600s"),
    ];
    let jira = jira(Api::V3, "https://acme.atlassian.net", "jira-token");
    for (name, value, class) in cases {
        let mut answer = reply(429, "");
        answer.headers.insert(name, value.parse().unwrap());
        let line = shown(jira.step(&job(thin()), &[replied(answer)]));
        assert!(line.starts_with(class), "{name}: {value} gives {line}");
    }
    let mut one_issue = reply(429, "");
    one_issue.headers.insert("ratelimit-reason", "jira-per-issue-on-write".parse().unwrap());
    one_issue.headers.insert("retry-after", "2".parse().unwrap());
    assert!(shown(jira.step(&job(thin()), &[replied(one_issue)])).starts_with("SINGLE 2s"));
    let mut busy = reply(503, "");
    busy.headers.insert("retry-after", "30".parse().unwrap());
    let slack = slack_webhook(SLACK_URL);
    assert!(shown(slack.step(&job(thin()), &[replied(busy)])).starts_with("FAILING 30s"));
}

#[test]
fn a_lost_answer_is_unclear_only_when_the_request_may_have_arrived() {
    let destinations: [Box<dyn Destination>; 3] = [
        Box::new(slack_webhook(SLACK_URL)),
        Box::new(teams(TEAMS_URL)),
        Box::new(jira(Api::V3, "https://acme.atlassian.net", "jira-token")),
    ];
    for destination in destinations {
        let not_sent = Answer::Lost(Lost::NotSent(format!("connection refused: {SLACK_URL} {TEAMS_URL}")));
        let line = shown(destination.step(&job(thin()), &[not_sent]));
        assert!(line.starts_with("FAILING: not sent: connection refused"), "{line}");
        let unknown = Answer::Lost(Lost::Unknown("timed out".into()));
        assert_eq!(shown(destination.step(&job(thin()), &[unknown])), "UNCLEAR: no answer: timed out");
    }
}

#[test]
fn no_secret_and_no_control_character_is_quoted() {
    let echoed = format!("<p>\u{1b}[31mcannot POST {TEAMS_URL} {SLACK_URL}</p>{}", "x".repeat(2_000));
    for destination in [&slack_webhook(SLACK_URL) as &dyn Destination, &teams(TEAMS_URL)] {
        let line = shown(destination.step(&job(thin()), &[replied(reply(500, &echoed))]));
        let own = if format!("{destination:?}").contains("Teams") { "verysecretsig" } else { "verysecretend" };
        assert!(!line.contains(own), "{line}");
        assert!(!line.contains('\u{1b}') && line.chars().count() < 560, "{line}");
    }
}

#[test]
fn slack_gets_plain_text_once_when_it_refuses_blocks() {
    let api = slack_api("https://slack.com/api", "xoxb-1", "#payments");
    let job = job(rich());
    let refused = r#"{"ok":false,"error":"invalid_blocks","errors":["must be less than 3001 characters [json-pointer:/blocks/0/text/text]"]}"#;
    let refused = replied(reply(200, refused));
    let second: Value = serde_json::from_slice(ask(&api, &job, std::slice::from_ref(&refused)).request.body()).unwrap();
    assert!(second.get("blocks").is_none() && second.get("attachments").is_none());
    insta::assert_snapshot!("slack_plain", second["text"].as_str().unwrap());

    let ok = replied(reply(200, r#"{"ok":true,"channel":"C1","ts":"1.2"}"#));
    let line = shown(api.step(&job, &[refused.clone(), ok]));
    assert_eq!(
        line,
        "DELIVERED key=1.2 channel=C1 note=sent as plain text, because Slack answered invalid_blocks \
         (must be less than 3001 characters [json-pointer:/blocks/0/text/text])"
    );
    let line = shown(api.step(&job, &[refused.clone(), refused.clone()]));
    assert!(line.starts_with("REFUSED: ") && line.contains("[json-pointer:/blocks/0/text/text]"), "{line}");
    let line = shown(api.step(&job, &[refused, replied(reply(503, ""))]));
    assert!(line.starts_with("FAILING"), "{line}");
}

#[test]
fn teams_gets_a_plain_card_once_when_it_refuses_the_first() {
    let teams = teams(TEAMS_URL);
    let job = job(rich());
    let refused = replied(reply(413, ""));
    let second: Value =
        serde_json::from_slice(ask(&teams, &job, std::slice::from_ref(&refused)).request.body()).unwrap();
    assert_eq!(relaybell::standin::teams::check::check_message(&second), Ok(()));
    assert_eq!(relaybell::standin::teams::check::check_cards(&second), Ok(()));
    assert!(second.to_string().contains("Checkout fails with a voucher"));
    assert!(!second.to_string().contains("FactSet"));
    let line = shown(teams.step(&job, &[refused.clone(), replied(reply(202, ""))]));
    assert_eq!(line, "DELIVERED accepted only note=sent as a plain card, because Teams answered 413");
    assert!(shown(teams.step(&job, &[refused.clone(), refused])).starts_with("REFUSED"));
}

#[test]
fn jira_gets_the_issue_once_more_without_what_it_complains_about() {
    let jira = jira(Api::V3, "https://acme.atlassian.net", "jira-token");
    let mut job = job(rich());
    job.content.fields = json!({"priority": "Urgent", "customfield_10010": "x"}).as_object().unwrap().clone();
    let refused = r#"{"errorMessages":[],"errors":{"priority":"The priority selected is invalid."}}"#;
    let refused = replied(reply(400, refused));
    let second: Value =
        serde_json::from_slice(ask(&jira, &job, std::slice::from_ref(&refused)).request.body()).unwrap();
    assert!(second["fields"].get("priority").is_none());
    assert_eq!(second["fields"]["customfield_10010"], "x");
    assert_eq!(second["fields"]["labels"][0], format!("relaybell-{}", job.key));
    let created = replied(reply(201, r#"{"id":"1","key":"PAY-2"}"#));
    assert_eq!(
        shown(jira.step(&job, &[refused.clone(), created])),
        "DELIVERED key=PAY-2 link=https://acme.atlassian.net/browse/PAY-2 note=left out priority, because \
         Jira answered 400: priority: The priority selected is invalid."
    );
    assert!(shown(jira.step(&job, &[refused.clone(), refused])).starts_with("REFUSED"));
}

#[test]
fn an_old_jira_gets_a_description_it_can_store() {
    let jira = jira(Api::V2, "https://jira.acme.example/jira/", "jira-token");
    let job = job(rich());
    let refused =
        r#"{"errorMessages":["The data could not be saved, this could be due to unsupported content"],"errors":{}}"#;
    let refused = replied(reply(400, refused));
    let ask = ask(&jira, &job, &[refused]);
    assert_eq!(ask.request.uri(), "https://jira.acme.example/jira/rest/api/2/issue");
    let second: Value = serde_json::from_slice(ask.request.body()).unwrap();
    assert_eq!(second["fields"]["summary"], "PAY: Checkout fails with a voucher");
    insta::assert_snapshot!("jira2_plain", second["fields"]["description"].as_str().unwrap());
}

#[test]
fn jira_looks_for_the_issue_of_an_unclear_attempt_first() {
    let unsure = Job { unsure: true, ..job(thin()) };
    let label = format!("relaybell-{}", unsure.key);
    for (api, path) in [(Api::V3, "/rest/api/3/search/jql"), (Api::V2, "/rest/api/2/search")] {
        let jira = jira(api, "https://acme.atlassian.net", "jira-token");
        let search = ask(&jira, &unsure, &[]);
        assert_eq!(search.request.uri().path(), path);
        let asked: Value = serde_json::from_slice(search.request.body()).unwrap();
        assert!(asked["jql"].as_str().unwrap().contains(&format!("labels = \"{label}\"")));

        let found = replied(reply(200, r#"{"issues":[{"id":"1","key":"PAY-9"}]}"#));
        let line = shown(jira.step(&unsure, &[found]));
        assert!(line.starts_with("DELIVERED key=PAY-9 link=https://acme.atlassian.net/browse/PAY-9"), "{line}");

        let none = replied(reply(200, r#"{"issues":[]}"#));
        for looks in [0, 1] {
            let line = shown(jira.step(&Job { looks, ..unsure.clone() }, std::slice::from_ref(&none)));
            assert!(line.starts_with("NOT FOUND"), "the search lags: {line}");
        }
        let last = Job { looks: 2, ..unsure.clone() };
        assert!(ask(&jira, &last, std::slice::from_ref(&none)).what.contains("create issue"));
        let created = replied(reply(201, r#"{"id":"1","key":"PAY-10"}"#));
        assert!(shown(jira.step(&last, &[none, created])).starts_with("DELIVERED key=PAY-10"));

        // Without a search nothing is created.
        for (status, class) in
            [(503, "FAILING"), (500, "FAILING"), (401, "CLOSED"), (429, "THROTTLED"), (400, "REFUSED")]
        {
            let line = shown(jira.step(&unsure, &[replied(reply(status, ""))]));
            assert!(line.starts_with(class), "{status}: {line}");
        }
        let lost = Answer::Lost(Lost::Unknown("timed out".into()));
        assert!(shown(jira.step(&unsure, &[lost])).starts_with("FAILING"));
    }
}
