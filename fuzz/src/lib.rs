//! What is fuzzed: text that people write, read and used as the relay does. `cargo fuzz`
//! drives it, and `tests/it/fuzz.rs` replays what that found.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use relaybell::config::diagnostic::{Color, Severity};
use relaybell::config::{Files, Secrets, load_from, samples_of};
use relaybell::domain::expression::{COMPILE_STACK_BYTES, Expression, Kind, Over, Vocabulary};
use relaybell::domain::facts::Facts;
use relaybell::domain::time::Timestamp;
use relaybell::source::catalogue::FactKind;
use relaybell::source::proof::Proof;
use relaybell::source::qase::{Qase, catalogue};
use serde_json::json;

/// The most input that is looked at, in bytes.
pub const INPUT_BYTES_MAX: usize = 8 * 1024;

/// Between the files of one input for the loader.
pub const SEPARATOR: &str = "\n===\n";

static WORDS: LazyLock<Vocabulary> = LazyLock::new(|| {
    let kind = |kind| match kind {
        FactKind::Text | FactKind::Time => Kind::Text,
        FactKind::Number | FactKind::Duration => Kind::Number,
        FactKind::Flag => Kind::Flag,
        FactKind::List => Kind::List,
        FactKind::Object | FactKind::Any => Kind::Any,
    };
    let facts = catalogue().facts().iter().map(|fact| (fact.name, kind(fact.kind))).collect();
    Vocabulary { over: Over::Facts, facts, duration: relaybell::config::duration }
});

static EVENTS: LazyLock<Vec<Facts>> = LazyLock::new(|| {
    let large: Vec<_> = (0..5_000).map(|n| json!([n, n.to_string()])).collect();
    let odd = json!({
        "event": "run.completed", "title": "Pay ☃", "severity": "undefined", "cases": "7", "passed": 0,
        "tags": ["a", 1, null, ["b"]], "age": 1e300, "payload": { "x": { "y": [1, { "z": null }] }, "l": large },
    });
    let app_url = "https://app.qase.io".parse().expect("Qase's own address");
    let qase = Qase { name: "qase".to_owned(), proof: Proof::Nothing, app_url };
    let mut events: Vec<Facts> =
        samples_of(&"qase".into(), &qase).into_iter().take(6).map(|(_, event)| event.facts).collect();
    events.push(Facts::default());
    events.push(Facts { values: odd.as_object().cloned().unwrap_or_default(), ..Facts::default() });
    events
});

/// Any text as a `where`, on a few events.
pub fn expression(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(&data[..data.len().min(INPUT_BYTES_MAX)]) else { return };
    let source = source.to_owned();
    let thread = std::thread::Builder::new().stack_size(COMPILE_STACK_BYTES);
    let compiled = thread.spawn(move || {
        let compiled = Expression::compile(&source, &WORDS);
        if let Err(flaws) = &compiled {
            assert!(!flaws.is_empty(), "refused without a reason");
            for flaw in flaws {
                assert!(flaw.at.start <= flaw.at.end && flaw.at.start <= source.len(), "{flaw:?} stands nowhere");
                assert!(source.is_char_boundary(flaw.at.start), "{flaw:?} stands within a sign");
            }
        }
        compiled
    });
    let compiled = thread_outcome(compiled);
    if let Ok(expression) = compiled {
        for facts in EVENTS.iter() {
            let first = expression.eval(facts);
            assert_eq!(first, expression.eval(facts), "the same event gives another result");
        }
    }
}

fn thread_outcome<T>(started: io::Result<std::thread::JoinHandle<T>>) -> T {
    match started.map(std::thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => panic!("no thread: {error}"),
    }
}

const MAIN: &str = "sources: { qase: { kind: qase, secrets: [\"${S}\"] } }\n\
    destinations:\n  chat: { kind: slack, webhook_url: \"${C}\" }\n";
const RULES: &str = "rules:\n  - { name: a, when: { event: defect.* }, send: [{ to: chat, template: t }] }\n";
const TEMPLATE: &str = "---\ntitle: x\n---\n";

struct Memory(BTreeMap<PathBuf, String>);

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inside = self.0.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }
}

/// Any text as a rule file; or as a configuration, a rule file and a template, with
/// [`SEPARATOR`] between.
pub fn loader(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(&data[..data.len().min(INPUT_BYTES_MAX)]) else { return };
    let parts: Vec<&str> = text.splitn(3, SEPARATOR).collect();
    let (main, rules, template) = match parts.as_slice() {
        [main, rules, template] => (*main, *rules, *template),
        [main, rules] => (*main, *rules, TEMPLATE),
        [rules] => (MAIN, *rules, TEMPLATE),
        _ => (MAIN, RULES, TEMPLATE),
    };
    let or = |part: &str, default: &str| if part.trim().is_empty() { default.to_owned() } else { part.to_owned() };
    let files = [
        ("relaybell.yaml", or(main, MAIN)),
        ("rules/a.yaml", or(rules, RULES)),
        ("templates/t.md.hbs", or(template, TEMPLATE)),
    ];
    let files = Memory(files.into_iter().map(|(path, text)| (path.into(), text)).collect());
    match load_from(&files, &|_| None, Path::new("relaybell.yaml"), Secrets::Leave) {
        Err(found) => {
            assert!(found.count(Severity::Error) > 0, "refused without a reason");
            assert!(!found.render(Color::Never).is_empty());
        }
        Ok(snapshot) => {
            for facts in EVENTS.iter() {
                for (rule, _) in snapshot.rules.judged(facts) {
                    assert!(!rule.sentence().is_empty());
                    for template in rule.send.iter().filter_map(|send| send.template.as_deref()) {
                        // A template may fail on an event; it may not take the relay along.
                        drop(snapshot.templates.message(template, facts));
                    }
                }
                drop(relaybell::domain::explain::explain(&snapshot.rules, facts, Timestamp::default()));
            }
        }
    }
}
