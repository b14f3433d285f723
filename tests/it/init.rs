//! `init` writes files that are in order, and overwrites nothing; `schema` prints and writes.

use std::fs;

use relaybell::config::Vocabulary;
use relaybell::config::schema::Schema;
use relaybell::config::{Secrets, load};

use crate::support::files::Folder;
use crate::support::process::{run, stderr, stdout};

#[test]
fn what_init_writes_is_in_order_and_has_its_schemas() {
    let folder = tempfile::tempdir().unwrap();
    let made = run(folder.path(), &["init", "bell"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let bell = folder.path().join("bell");
    let listed = stdout(&made);
    for file in listed.lines() {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
    insta::assert_snapshot!("init", format!("{listed}{}", stderr(&made)));

    let snapshot = load(&bell.join("relaybell.yaml"), Secrets::Leave).unwrap_or_else(|found| panic!("{found}"));
    assert!(snapshot.warnings.is_empty(), "{}", snapshot.warnings);
    let tested = run(&bell, &["test"]);
    assert!(tested.status.success() && stdout(&tested).matches("PASS").count() == 4, "{}", stdout(&tested));
    let reached = "rules reached by a test: 4 of 4; messages sent: 4 of 4";
    assert!(stdout(&tested).contains(reached), "{}", stdout(&tested));
    let checked = run(&bell, &["check"]);
    assert!(checked.status.success() && stdout(&checked).is_empty(), "{}", stdout(&checked));
    assert!(stderr(&checked).trim_end().ends_with("in order"), "{}", stderr(&checked));

    for file in ["relaybell.yaml", "rules/defects.yaml", "rules/runs.yaml"] {
        let text = fs::read_to_string(bell.join(file)).unwrap();
        let schema = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap();
        let schema = bell.join(file).parent().unwrap().join(schema);
        let kind = if file == "relaybell.yaml" { Schema::Config } else { Schema::Rules };
        assert_eq!(fs::read_to_string(&schema).unwrap(), kind.text(&Vocabulary::built_in()), "{file}");
        let document = crate::schema::of_yaml(&text);
        assert_eq!(crate::schema::complaints(&kind.json(&Vocabulary::built_in()), &document), [""; 0], "{file}");
    }
}

#[test]
fn init_overwrites_nothing_and_writes_nothing_beside() {
    let folder = Folder::new("", "rules: []\n");
    folder.write("rules/runs.yaml", "mine\n");
    fs::remove_file(folder.config()).unwrap();
    let refused = run(folder.path(), &["init"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(stdout(&refused), "./rules/runs.yaml exists\n");
    assert!(stderr(&refused).contains("Nothing was written"), "{}", stderr(&refused));
    assert_eq!(fs::read_to_string(folder.path().join("rules/runs.yaml")).unwrap(), "mine\n");
    assert!(!folder.config().exists() && !folder.path().join(".relaybell").exists());
}

#[test]
fn schemas_are_printed_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let printed = stdout(&run(folder.path(), &["schema", "rules"]));
    assert_eq!(printed, Schema::Rules.text(&Vocabulary::built_in()));
    let all: serde_json::Value = serde_json::from_str(&stdout(&run(folder.path(), &["schema"]))).unwrap();
    assert_eq!(all["config"], Schema::Config.json(&Vocabulary::built_in()));
    let written = run(folder.path(), &["schema", "--write", "a/b"]);
    assert_eq!(stdout(&written), "a/b/relaybell.json\na/b/rules.json\na/b/template.json\n");
    assert_eq!(
        fs::read_to_string(folder.path().join("a/b/template.json")).unwrap(),
        Schema::Template.text(&Vocabulary::built_in())
    );
    assert_eq!(run(folder.path(), &["schema", "rule"]).status.code(), Some(2));
}
