//! `relaybell demo`: it plays to its end, shows what the README shows, and leaves files that
//! people can go on with.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::files::Folder;
use crate::support::process::{run, stderr, stdout};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The pictures of the README, without what differs from run to run.
fn pictures() -> Vec<Vec<String>> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks =
        readme.split("```").filter_map(|block| block.strip_prefix("text\n")).filter(|text| text.starts_with('╭'));
    blocks.map(|block| block.lines().filter(|line| is_stable(line)).map(str::to_owned).collect()).collect()
}

fn is_stable(line: &str) -> bool {
    !line.contains("Labels  relaybell-")
}

#[test]
fn the_demo_plays_to_the_end_and_everything_arrives() {
    let folder = Folder::new("", "");
    let demo = run(folder.path(), &["demo", "--once", "--seconds", "2", "--port", "0"]);
    let text = stdout(&demo);
    assert!(demo.status.success(), "{text}\n{}", stderr(&demo));
    for told in [
        "Everything arrived, once and in order.",
        "Voucher is charged twice",
        "UiPath Orchestrator  the job CheckoutRegression fails on STG-RUNNER-03",
        "🤖 SHOP: CheckoutRegression failed on STG-RUNNER-03",
        "CI  build 5121 of release/7.1 fails: 7 of 120 tests",
        "❌ SHOP: Checkout end to end failed on release/7.1",
        "UiPath Test Manager is answered: PAY-",
        "SHOP:214 Voucher and card split payment",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let shown: Vec<&str> = text.lines().map(str::trim_start).filter(|line| is_stable(line)).collect();
    let pictures = pictures();
    assert_eq!(pictures.len(), 2, "the pictures of the README are gone");
    for picture in pictures {
        assert!(shown.windows(picture.len()).any(|lines| lines == picture), "{}\n{text}", picture.join("\n"));
    }
}

#[test]
fn the_rules_for_the_other_senders_pass_their_tests_without_a_warning() {
    let config = "sources:\n\
        \x20 ci: { preset: ci, secrets: [\"${SECRET}\"] }\n\
        \x20 robots: { kind: uipath_orchestrator, secrets: [\"${SECRET}\"], projects: { 1: SHOP } }\n\
        \x20 test-manager:\n\
        \x20   kind: uipath\n\
        \x20   secrets: [\"${SECRET}\"]\n\
        \x20   create_defect: { rule: uipath-defect }\n\
        \x20   api: { url: \"https://cloud.uipath.com/acme/Prod/testmanager_\", client_id: a, client_secret: \"${SECRET}\" }\n\
        destinations:\n\
        \x20 qa-feed: { kind: slack, webhook_url: \"${SLACK_URL}\" }\n\
        \x20 release-room: { kind: teams, webhook_url: \"${TEAMS_URL}\" }\n\
        \x20 pay-jira: { kind: jira, url: \"https://acme.atlassian.net\", email: bot@acme.example, token: \"${SECRET}\", project: PAY }\n";
    let files = root().join("src/cli/demo/files");
    let folder = Folder::new(config, "rules: []\n");
    let copy = |name: &Path| {
        let text = fs::read_to_string(files.join(name)).unwrap();
        folder.write(name.to_str().unwrap(), &text);
    };
    copy(Path::new("rules/senders.yaml"));
    for entry in fs::read_dir(files.join("templates")).unwrap() {
        copy(&Path::new("templates").join(entry.unwrap().file_name()));
    }
    let tested = run(folder.path(), &["test"]);
    assert!(tested.status.success(), "{}{}", stdout(&tested), stderr(&tested));
    assert!(stdout(&tested).contains("rules reached by a test: 3 of 3; messages sent: 3 of 3"), "{}", stdout(&tested));
    let checked = run(folder.path(), &["check"]);
    assert_eq!((checked.status.code(), stdout(&checked)), (Some(0), String::new()));
}
