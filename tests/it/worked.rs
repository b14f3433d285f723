//! The worked examples of the documentation: each passes its tests, and every mistake in
//! one is told.

use std::fs;
use std::path::Path;

use crate::diagnose::Memory;
use crate::support::files::Folder;
use crate::support::process::{run, stdout};
use crate::trials::{root, told};

/// The examples: a folder, the file that is made wrong, what is replaced by what, and a part
/// of what is said then.
const SPOILT: &[(&str, &str, &str, &str, &str)] = &[
    (
        "1-blocker",
        "rules/blocker.yaml",
        "at_least: critical",
        "at_leats: critical",
        "unknown operator 'at_leats', did you mean 'at_least'?",
    ),
    (
        "1-blocker",
        "rules/blocker.yaml",
        "at_least: critical",
        "above: blocker",
        "can never match: nothing is so that 'severity is worse than blocker'",
    ),
    (
        "1-blocker",
        "rules/blocker.yaml",
        "priority: Highest, labels: [qase, \"",
        "priority: High, labels: [qase, \"",
        "got       \"High\"",
    ),
    (
        "1-blocker",
        "relaybell.yaml",
        "pay-jira:",
        "pay-jria:",
        "unknown destination 'pay-jira', did you mean 'pay-jria'?",
    ),
    ("2-bad-run", "rules/runs.yaml", "above: 0", "above: 1", "needs: failed is above 1; seen: 1"),
    (
        "2-bad-run",
        "rules/runs.yaml",
        "below: 0.9 }",
        "below: 0.8 }",
        "or: pass_rate is below 0.8; seen: 0.85 (computed)",
    ),
    ("2-bad-run", "rules/runs.yaml", "below: 0.9 }", "below: 90 }", "not expected  post to release-room by bad-run"),
    ("2-bad-run", "rules/runs.yaml", "any_of:", "all_of:", "needs: pass_rate is below 0.9; seen: 0.99 (computed)"),
    (
        "3-resolved-by-id",
        "rules/resolved.yaml",
        "event: defect.resolved",
        "event: defect.updated",
        "needs: event is defect.updated; seen: defect.resolved",
    ),
    (
        "3-resolved-by-id",
        "rules/resolved.yaml",
        "file: fixtures/defect-resolved.json",
        "file: fixtures/resolved.json",
        "there is no file 'fixtures/resolved.json'",
    ),
    (
        "3-resolved-by-id",
        "fixtures/defect-resolved.json",
        "\"id\": 7",
        "\"id\": 8",
        "needs: severity is critical or worse; seen: missing",
    ),
    (
        "4-no-drafts",
        "rules/defects.yaml",
        "starts_with: \"[draft]\"",
        "contains: \"[draft]\"",
        "excluded: title contains \"[draft]\"; seen: Mail says [draft] twice",
    ),
    (
        "4-no-drafts",
        "rules/defects.yaml",
        "starts_with: \"[draft]\"",
        "starts_with: \"[drft]\"",
        "not expected  post to qa-feed by defect-feed",
    ),
    (
        "5-changed-severity",
        "rules/cases.yaml",
        "severity: { changed: true }",
        "severity: { chnaged: true }",
        "unknown operator 'chnaged', did you mean 'changed'?",
    ),
    (
        "5-changed-severity",
        "rules/cases.yaml",
        "severity: { changed: true }",
        "title: { changed: true }",
        "not expected  post to qa-feed by severity-changed",
    ),
    (
        "5-changed-severity",
        "rules/cases.yaml",
        "severity: critical },",
        "severity: normal },",
        "did not match case.updated:",
    ),
    (
        "6-changes-requested",
        "rules/reviews.yaml",
        "status: changes_requested",
        "status: approved",
        "needs: status is approved; seen: changes_requested",
    ),
    (
        "6-changes-requested",
        "rules/reviews.yaml",
        "sample: review.approval_status_changed }",
        "sample: review.aproval_status_changed }",
        "did you mean 'review.approval_status_changed'?",
    ),
    (
        "7-other-senders",
        "rules/builds.yaml",
        "starts_with: release/",
        "starts_with: relase/",
        "needs: branch starts with \"relase/\"; seen: release/7",
    ),
    ("7-other-senders", "rules/builds.yaml", "at_least: 3", "at_least: 30", "needs: failed is at least 30; seen: 3"),
    (
        "7-other-senders",
        "rules/alerts.yaml",
        "- { status: resolved,",
        "- { state: resolved,",
        "is no webhook that 'alertmanager' can read: map.event: 'item.status' is missing",
    ),
    (
        "7-other-senders",
        "rules/alerts.yaml",
        "source: jira, sample: issue.closed",
        "source: jira, sample: bug.closed",
        "unknown sample 'bug.closed'",
    ),
    (
        "7-other-senders",
        "relaybell.yaml",
        "preset: grafana",
        "preset: grafna",
        "unknown preset 'grafna', did you mean 'grafana'?",
    ),
];

fn example(folder: &str) -> Folder {
    let mut files = Memory::default();
    files.take(&root().join("docs/examples").join(folder), Path::new(""));
    let made = Folder::new("", "rules: []\n");
    for (path, text) in files.0 {
        made.write(path.to_str().unwrap(), &String::from_utf8(text).unwrap());
    }
    made
}

#[test]
fn every_example_passes_its_tests_without_a_warning() {
    let page = fs::read_to_string(root().join("docs/testing.md")).unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(root().join("docs/examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(page.contains(&format!("| [{name}](examples/{name}/")), "{name} is not in docs/testing.md");
        let spoilt = SPOILT.iter().filter(|spoilt| spoilt.0 == name).count();
        assert!(spoilt >= 2, "{name} is never made wrong");
        let folder = example(&name);
        let (code, out, err) = told(folder.path(), &["test"]);
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(!out.contains("not reached") && !out.contains("never sent"), "{name}: {out}");
        let check = run(folder.path(), &["check"]);
        assert_eq!((check.status.code(), stdout(&check)), (Some(0), String::new()), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 7, "the examples are gone");
}

#[test]
fn every_mistake_in_an_example_is_told() {
    for (name, file, from, to, told_then) in SPOILT {
        let folder = example(name);
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(text.contains(from), "{name}/{file} has no '{from}'");
        folder.write(file, &text.replacen(from, to, 1));
        let (code, out, err) = told(folder.path(), &["test"]);
        assert_eq!(code, Some(1), "{name}: {from} → {to}: {out}{err}");
        assert!(format!("{out}\n{err}").contains(told_then), "{name}: {from} → {to}:\n{out}\n{err}");
    }
}
