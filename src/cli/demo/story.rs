//! The demo's story: a day of a web shop's QA, as the webhooks that Qase and others would send.

use serde_json::{Value, json};

use super::senders::Sender;
use crate::source::qase::samples;
use crate::standin::uipath::wanted;

/// One webhook of the story.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// Who sends it.
    pub(super) by: Sender,
    /// The time of day, as told.
    pub(super) at: String,
    /// What happens, in a few words.
    pub(super) told: String,
    /// The webhook's body.
    pub(super) body: String,
    /// The destinations that must be told, in their order; `None` when it is not foretold.
    pub(super) expects: Option<Vec<&'static str>>,
}

/// The day begins at this moment: 2026-09-14 08:00 UTC.
const MORNING: i64 = 1_789_372_800;

/// The members of the team by id.
const MIRA: i64 = 112;
const TOMAS: i64 = 118;
const ROBOT: i64 = 0;

struct Day {
    scenes: Vec<Scene>,
}

impl Day {
    fn tell(&mut self, at: (i64, i64), told: &str, by: (i64, &str), event: &str, payload: &Value, to: &[&'static str]) {
        let ((hour, minute), (who, project)) = (at, by);
        let body = json!({
            "event_name": event,
            "timestamp": MORNING + (hour - 8) * 3600 + minute * 60,
            "payload": payload,
            "team_member_id": who,
            "project_code": project,
        });
        self.send((hour, minute), Sender::Qase, told, &body, to);
    }

    fn send(&mut self, (hour, minute): (i64, i64), by: Sender, told: &str, body: &Value, to: &[&'static str]) {
        let mut expects = to.to_vec();
        expects.sort_unstable();
        self.scenes.push(Scene {
            by,
            at: format!("{hour:02}:{minute:02}"),
            told: told.to_owned(),
            body: body.to_string(),
            expects: Some(expects),
        });
    }

    fn robot(&mut self, at: (i64, i64), process: &str, host: &str, error: &str) {
        let body = json!({
            "Type": "job.faulted", "EventId": "8d1f0a5c3f5e4f0e9a53d1c6a7b8e901",
            "Timestamp": "2026-09-14T12:10:00Z", "TenantId": 777, "OrganizationUnitId": 1,
            "Job": {
                "Id": 148671, "Key": "5d0c4d0e-5d7a-4b55-9d77-7a5f0f4b5b61", "State": "Faulted", "Info": error,
                "StartTime": "2026-09-14T12:08:10Z", "EndTime": "2026-09-14T12:09:58Z",
                "Robot": { "Id": 4778, "Name": "shop-robot-03", "MachineName": host },
                "Release": { "Id": 358, "Key": "8fad9c36-237b-49a6-a939-47963fb8099a", "ProcessKey": process },
            },
        });
        self.send(at, Sender::Orchestrator, &format!("the job {process} fails on {host}"), &body, &["qa-feed"]);
    }

    fn build(&mut self, at: (i64, i64), number: i64, branch: &str, title: &str, (cases, failed): (i64, i64)) {
        let body = json!({
            "project": "SHOP", "build": number, "status": "failed", "title": title, "branch": branch,
            "commit": "acb5820", "stage": "e2e", "cases": cases, "passed": cases - failed, "failed": failed,
            "url": format!("https://ci.acme.example/builds/{number}"), "actor": "Mira Holt",
        });
        let told = format!("build {number} of {branch} fails: {failed} of {cases} tests");
        self.send(at, Sender::Ci, &told, &body, &["release-room"]);
    }

    /// The result is one that the stand-in of Test Manager knows.
    fn wanted(&mut self, at: (i64, i64)) {
        let told = "somebody presses Create Defect on a failed result, and waits for the link";
        self.send(at, Sender::TestManager, told, &wanted(), &["pay-jira"]);
    }

    fn defect(&mut self, at: (i64, i64), project: &str, id: i64, severity: &str, title: &str, result: &str) {
        let payload =
            json!({ "id": id, "title": title, "severity": severity, "actual_result": result, "attachments": [] });
        let told = format!("{severity} defect {project}-{id}: {title}");
        let to: &[&str] = match (severity, project) {
            ("blocker" | "critical", "PAY") => &["qa-blockers", "pay-jira", "payments"],
            ("blocker" | "critical", _) => &["qa-blockers", "pay-jira"],
            _ => &["qa-feed"],
        };
        self.tell(at, &told, (MIRA, project), "defect.created", &payload, to);
    }

    fn resolved(&mut self, at: (i64, i64), project: &str, id: i64, severity: &str) {
        let to: &[&str] = match (severity, project) {
            ("blocker" | "critical", "PAY") => &["qa-blockers", "pay-jira", "payments"],
            ("blocker" | "critical", _) => &["qa-blockers", "pay-jira"],
            _ => &[],
        };
        let told = format!("defect {project}-{id} is resolved (the webhook carries nothing but the id)");
        self.tell(at, &told, (TOMAS, project), "defect.resolved", &json!({ "id": id }), to);
    }

    fn run(&mut self, at: (i64, i64), project: &str, id: i64, title: &str, cases: i64) {
        let payload = json!({
            "id": id, "title": title, "description": null, "plan": { "id": 9, "title": title },
            "cases_count": cases, "environment": "staging",
        });
        let told = format!("run {project} {id} starts: {title}");
        self.tell(at, &told, (ROBOT, project), "run.started", &payload, &[]);
    }

    fn completed(&mut self, at: (i64, i64), project: &str, id: i64, (passed, failed, blocked): (i64, i64, i64)) {
        let cases = passed + failed + blocked;
        let payload = json!({
            "id": id, "cases": cases, "passed": passed, "failed": failed, "blocked": blocked, "duration": 1_260_000,
        });
        let told = format!("run {project} {id} ends: {passed} of {cases} passed");
        let to: &[&str] = if failed > 0 { &["release-room"] } else { &[] };
        self.tell(at, &told, (ROBOT, project), "run.completed", &payload, to);
    }

    fn review(&mut self, at: (i64, i64), id: i64, status: &str) {
        let payload = json!({
            "id": id, "status": status, "updated_by": { "email": "tomas.rey@example.test", "name": "Tomás Rey" },
        });
        let to: &[&str] = if status == "request changes" { &["qa-feed"] } else { &[] };
        let told = format!("review {id}: {status}");
        self.tell(at, &told, (TOMAS, "SHOP"), "review.approval_status_changed", &payload, to);
    }
}

/// The whole day in its order.
#[must_use]
pub(super) fn day() -> Vec<Scene> {
    let mut day = Day { scenes: Vec::new() };
    morning(&mut day);
    afternoon(&mut day);
    day.scenes
}

fn morning(day: &mut Day) {
    day.run((8, 5), "SHOP", 301, "Nightly checkout regression", 120);
    day.completed((8, 31), "SHOP", 301, (112, 6, 2));
    let voucher =
        "1. Pay with voucher + declined card\n2. Retry with a good card\n\nThe voucher is redeemed **twice**.";
    day.defect((8, 40), "SHOP", 501, "blocker", "Voucher is charged twice when the card is declined", voucher);
    day.defect((8, 52), "SHOP", 502, "minor", "Footer overlaps the basket on small phones", "See the screenshot.");
    day.defect((9, 5), "PAY", 77, "critical", "Refunds over 1,000 EUR are rejected", "HTTP 422 from `/refunds`");
    day.run((9, 20), "PAY", 88, "Payments smoke", 24);
    day.completed((9, 34), "PAY", 88, (24, 0, 0));
    let hostile = "Search shows <!channel> & <script>alert(1)</script> as [typed](javascript:alert(1))";
    day.defect((9, 50), "SHOP", 503, "critical", hostile, "Input is echoed: `@here` *bold* ~gone~ {{7*7}}");
    day.tell(
        (10, 10),
        "review 17 is opened",
        (MIRA, "SHOP"),
        "review.created",
        &json!({
            "id": 17, "title": "Guest can pay with a saved voucher and a card", "case_id": 214, "project": "SHOP",
            "created_by": { "email": "mira.holt@example.test", "name": "Mira Holt" }, "created": "2026-09-14 10:10:00",
        }),
        &[],
    );
    day.review((10, 25), 17, "request changes");
    day.review((11, 2), 17, "approved");
    day.resolved((11, 30), "PAY", 77, "critical");
}

fn afternoon(day: &mut Day) {
    day.robot((12, 10), "CheckoutRegression", "STG-RUNNER-03", "Expected total 25.90 EUR but was 45.90 EUR");
    day.run((13, 0), "SHOP", 302, "Checkout regression, build 5121", 120);
    day.tell(
        (13, 25),
        "run SHOP 302 is aborted",
        (MIRA, "SHOP"),
        "run.aborted",
        &json!({ "id": 302, "cases": 120, "passed": 31, "untested": 84, "failed": 4, "blocked": 1, "skipped": 0, "duration": 1_500_000 }),
        &["release-room"],
    );
    day.defect((13, 30), "SHOP", 504, "blocker", "Checkout button does nothing in Safari 19", "No request is sent.");
    day.build((14, 2), 5121, "release/7.1", "Checkout end to end", (120, 7));
    day.resolved((14, 10), "SHOP", 501, "blocker");
    day.run((14, 20), "SHOP", 303, "Checkout regression, build 5122", 120);
    day.resolved((14, 45), "SHOP", 502, "minor");
    day.completed((14, 58), "SHOP", 303, (119, 1, 0));
    day.wanted((15, 5));
    day.resolved((15, 20), "SHOP", 504, "blocker");
    day.run((15, 30), "SHOP", 304, "Release candidate", 140);
    day.defect(
        (15, 41),
        "PAY",
        78,
        "blocker",
        "Zahlung hängt bei 3-D Secure 支払い 💳",
        "Spinner for ever. العربية too.",
    );
    day.completed((16, 2), "SHOP", 304, (140, 0, 0));
    day.resolved((16, 30), "PAY", 78, "blocker");
}

/// Every sample webhook of the documentation, all generations and variants.
#[must_use]
pub(super) fn every_sample() -> Vec<Scene> {
    samples()
        .iter()
        .map(|sample| Scene {
            by: Sender::Qase,
            at: "17:00".to_owned(),
            told: sample.variant.to_owned(),
            body: sample.body.to_owned(),
            expects: None,
        })
        .collect()
}
