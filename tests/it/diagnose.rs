//! What a person reads about a broken configuration: one snapshot for each folder of
//! `tests/cases/config`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use relaybell::config::diagnostic::{Color, Diagnostics, Severity};
use relaybell::config::{Files, Secrets, Snapshot, load_from};

/// Configuration files in memory.
#[derive(Default, Clone)]
pub struct Memory(pub BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    pub fn with(mut self, path: &str, text: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.into(), text.into());
        self
    }

    /// Takes every file below the folder `from`; files taken before stay.
    pub fn take(&mut self, from: &Path, to: &Path) {
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                self.take(&entry.path(), &to);
            } else {
                let mut bytes = Vec::new();
                io::Read::read_to_end(&mut std::fs::File::open(entry.path()).unwrap(), &mut bytes).unwrap();
                self.0.entry(to).or_insert(bytes);
            }
        }
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inside = self.0.keys().filter(|path| path.parent() == Some(folder));
        let names: Vec<String> = inside.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        if names.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(names) }
    }
}

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/config");

/// A small sound configuration that rule files can stand beside.
pub fn base() -> Memory {
    let mut files = Memory::default();
    files.take(&Path::new(CASES).join("_base"), Path::new(""));
    files
}

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "OLD_OFFICE_URL" => "https://acme.webhook.office.com/webhookb2/11111111/IncomingWebhook/2222/3333",
        "OLD_LOGIC_URL" => {
            "https://prod-1.westeurope.logic.azure.com/workflows/4444/triggers/manual/paths/invoke?sig=55555555"
        }
        "CUT_FLOW_URL" => "https://x.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/6666",
        "NOT_AN_ADDRESS" => "hush-hush-hush",
        "SHORT" => "pst!",
        _ => return None,
    };
    Some(value.to_owned())
}

pub fn load(files: &Memory, secrets: Secrets) -> Result<Snapshot, Diagnostics> {
    load_from(files, &variable, Path::new("relaybell.yaml"), secrets)
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| !case.ends_with("_base"));
    cases.sort();
    cases
}

#[test]
fn every_mistake_is_explained() {
    let cases = cases();
    assert!(cases.len() >= 60, "the corpus is gone");
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let mut files = Memory::default();
        files.take(&case, Path::new(""));
        if !files.0.contains_key(Path::new("relaybell.yaml")) {
            files.take(&Path::new(CASES).join("_base"), Path::new(""));
        }
        let mode = if case.join("resolve").exists() { Secrets::Resolve } else { Secrets::Leave };
        let (outcome, found) = match load(&files, mode) {
            Ok(snapshot) => ("fine", snapshot.warnings),
            Err(found) => ("refused", found),
        };
        assert_eq!(outcome == "refused", found.count(Severity::Error) > 0, "{name}");
        for one in &found.0 {
            assert!(!one.to_string().contains('\n'), "{name}: a machine line has several lines");
            for secret in [
                "hush-hush",
                "pst!",
                "swordfish",
                "hunter2",
                "abcdefgh",
                "xoxb-1234",
                "55555555",
                "letmein",
                "98765432",
            ] {
                let shown = format!("{}{}", one.render(Color::Never), one);
                assert!(!shown.contains(secret), "{name} shows a secret:\n{shown}");
            }
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots/diagnose", omit_expression => true }, {
            insta::assert_snapshot!(name, format!("{outcome}\n\n{}", found.render(Color::Never)));
        });
    }
}

#[test]
fn findings_have_a_line_for_machines_and_a_json_form() {
    let files = base()
        .with("rules/a.yaml", "rules:\n  - name: a\n    when: { severty: blocker }\n    send: [{ to: qa-blockers }]\n");
    let found = load(&files, Secrets::Leave).unwrap_err();
    assert_eq!(found.to_string(), "rules/a.yaml:3:13: error: unknown fact 'severty', did you mean 'severity'?");
    let json = found.to_json();
    assert_eq!(json[0]["severity"], "error");
    assert_eq!((&json[0]["line"], &json[0]["column"], &json[0]["width"]), (&3.into(), &13.into(), &7.into()));
    assert!(found.render(Color::Always).contains('\u{1b}') && !found.render(Color::Never).contains('\u{1b}'));
}

/// Refused with this message, and not at the cost of time or memory: a bomb that went off
/// would not end at all.
fn refused(rules: impl Into<Vec<u8>>, message: &str) {
    let found = load(&base().with("rules/a.yaml", rules), Secrets::Leave).unwrap_err();
    let messages: Vec<&str> = found.0.iter().map(|one| one.message.as_str()).collect();
    assert!(messages.iter().any(|one| one.contains(message)), "{messages:#?}");
}

#[test]
fn bombs_are_refused() {
    let mut laughs = "a0: &a0 [ha, ha]\n".to_owned();
    for i in 1..40 {
        laughs.push_str(&format!("a{i}: &a{i} [*a{0}, *a{0}, *a{0}, *a{0}]\n", i - 1));
    }
    refused(laughs, "more than 200000 values");
    refused("[".repeat(20_000), "nest too deep");
    refused("{a: ".repeat(20_000), "nest too deep");
    refused((0..5000).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>(), "nest too deep");
    refused(format!("rules: \"{}\"", "x".repeat(3 << 20)), "longer than 64 KiB");
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for i in 1..60 {
        chain.push_str(&format!("a{i}: &a{i} [*a{}]\n", i - 1));
    }
    refused(chain, "nest deeper than 48");
    refused("rules: &a [*a]\n", "cannot contain itself");
    refused(b"rules: [\xff\xfe]\n".to_vec(), "not UTF-8");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relaybell.yaml");
    std::fs::File::create(&path).unwrap().set_len((64 << 20) + 1).unwrap();
    let found = relaybell::config::load(&path, Secrets::Leave).unwrap_err();
    assert!(found.0[0].message.ends_with("it is larger than 64 MiB"), "{found}");
}

/// Text that looks like YAML, like our files, and like neither.
fn yamlish() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z_]{1,8}",
        Just("rules".to_owned()),
        Just("name".to_owned()),
        Just("when".to_owned()),
        Just("send".to_owned()),
        Just("event".to_owned()),
        Just("severity".to_owned()),
        Just("destinations".to_owned()),
        Just("${X}".to_owned()),
        Just("${".to_owned()),
        Just("007".to_owned()),
        Just("1e999".to_owned()),
        Just("é☃\u{1f980}".to_owned()),
    ];
    let joint = prop_oneof![
        Just(": "),
        Just("\n"),
        Just("\n  "),
        Just("\n- "),
        Just("\n    "),
        Just(", "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just("\""),
        Just("'"),
        Just("&a "),
        Just("*a"),
        Just("<<: "),
        Just("|\n"),
        Just(">-\n"),
        Just("\t"),
        Just("#"),
        Just("---\n"),
        Just("!x "),
        Just("\r\n"),
        Just("\u{feff}"),
        Just("\0"),
        Just("%"),
        Just("\\"),
        Just("? "),
        Just("\u{2028}"),
    ];
    prop::collection::vec((word, joint), 0..40)
        .prop_map(|parts| parts.into_iter().map(|(word, joint)| format!("{word}{joint}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn no_text_makes_the_loader_panic(main in yamlish(), rules in yamlish(), any in ".{0,80}") {
        for files in [
            base().with("rules/a.yaml", rules.clone()).with("rules/b.yaml", any.clone()),
            Memory::default().with("relaybell.yaml", main.clone()).with("rules/a.yaml", rules.clone()),
            Memory::default().with("relaybell.yaml", any.clone()),
        ] {
            let found = match load(&files, Secrets::Resolve) {
                Ok(snapshot) => snapshot.warnings,
                Err(found) => {
                    prop_assert!(found.count(Severity::Error) > 0);
                    found
                }
            };
            prop_assert!(found.render(Color::Never).len() < 1 << 20);
        }
    }
}
