//! The documentation says what the code does: its examples are in order, and nothing that
//! people write or read is left out of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use relaybell::config::Secrets;
use relaybell::domain::condition::Silent;
use relaybell::domain::facts::Facts;
use relaybell::source::Reason;
use relaybell::source::qase::catalogue;
use serde_json::json;

use crate::diagnose::{Memory, load};
use crate::support::files::Folder;
use crate::support::process::{run, stderr, stdout};

const README: &str = include_str!("../../README.md");
const CONFIGURATION: &str = include_str!("../../docs/configuration.md");
const RULES: &str = include_str!("../../docs/rules.md");
const TEMPLATES: &str = include_str!("../../docs/templates.md");
const TESTING: &str = include_str!("../../docs/testing.md");
const DESTINATIONS: &str = include_str!("../../docs/destinations.md");
const RECIPES: &str = include_str!("../../docs/recipes.md");
const OPERATIONS: &str = include_str!("../../docs/operations.md");

const SOURCES: &str = include_str!("../../docs/sources.md");

const UIPATH: &str = include_str!("../../docs/uipath.md");

const ALL: [(&str, &str); 10] = [
    ("README.md", README),
    ("docs/configuration.md", CONFIGURATION),
    ("docs/sources.md", SOURCES),
    ("docs/uipath.md", UIPATH),
    ("docs/rules.md", RULES),
    ("docs/testing.md", TESTING),
    ("docs/templates.md", TEMPLATES),
    ("docs/destinations.md", DESTINATIONS),
    ("docs/recipes.md", RECIPES),
    ("docs/operations.md", OPERATIONS),
];

/// A fenced block: language, line of its fence, text.
struct Block<'a> {
    language: &'a str,
    line: usize,
    text: String,
}

fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let text: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        blocks.push(Block { language, line: at + 1, text: text.join("\n") + "\n" });
    }
    blocks
}

/// The files that `cat > FILE <<'EOF'` writes in a shell block.
fn pasted(shell: &str) -> Vec<(&str, String)> {
    let mut files = Vec::new();
    let mut lines = shell.lines();
    while let Some(line) = lines.next() {
        let Some(file) = line.strip_prefix("cat > ").and_then(|line| line.strip_suffix(" <<'EOF'")) else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "EOF").collect();
        files.push((file, text.join("\n") + "\n"));
    }
    files
}

/// Every example of the documentation, as a whole configuration.
pub fn blocks_of_all() -> Vec<Memory> {
    let all = ALL.iter().flat_map(|(_, markdown)| blocks(markdown));
    all.filter(|block| ["yaml", "handlebars"].contains(&block.language)).filter_map(|block| whole(&block)).collect()
}

/// The shipped configuration, rules and templates.
pub fn shipped() -> Memory {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Memory::default();
    for folder in ["rules", "templates", "fixtures"] {
        files.take(&root.join(folder), Path::new(folder));
    }
    files.with("relaybell.yaml", include_str!("../../relaybell.yaml"))
}

/// The shipped files with the rules replaced by `rules`.
fn with_rules(rules: String) -> Memory {
    let mut files = shipped();
    files.0.retain(|path, _| !path.starts_with("rules"));
    files.with("rules/doc.yaml", rules)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// What the block is part of, as a whole configuration; `None` when it is another program's.
fn whole(block: &Block<'_>) -> Option<Memory> {
    let text = block.text.clone();
    let first = text.lines().next().unwrap_or_default();
    if UIPATH.contains(&text) {
        let files = one_configuration(UIPATH);
        if files.0.values().any(|file| text.as_bytes().ends_with(file)) {
            return Some(files);
        }
    }
    if block.language == "handlebars" {
        let name = first.trim_start_matches("{{!-- ").trim_end_matches(" --}}").to_owned();
        assert!(name.starts_with("templates/"), "line {}: the first line names the file", block.line);
        let body = text.split_once('\n').map(|(_, body)| body.to_owned()).unwrap_or_default();
        return Some(shipped().with("templates/example.md.hbs", "{{event}}\n").with(&name, body));
    }
    match first {
        "# prometheus rules" => None,
        "# relaybell.yaml" | "destinations:" => {
            let folders = Memory::default().with("rules/none.yaml", "rules: []\n").with("templates/t.md.hbs", "\n");
            Some(folders.with("relaybell.yaml", text))
        }
        "when:" => {
            Some(with_rules(format!("rules:\n  - name: doc\n{}    send: [{{ to: qa-feed }}]\n", indented(&text))))
        }
        "send:" => Some(with_rules(format!(
            "rules:\n  - name: doc\n    when: {{ event: defect.created }}\n{}",
            indented(&text)
        ))),
        _ if RECIPES.contains(&text) => Some(with_rules(text).with("relaybell.yaml", all_recipes())),
        _ if first.starts_with("# rules/") => Some(with_rules(text)),
        _ => panic!("line {}: '{first}' does not say which file this is", block.line),
    }
}

/// The one configuration that the examples of `markdown` make together, each in the file
/// that its first line names; the first of each file, for later ones stand for themselves.
fn one_configuration(markdown: &str) -> Memory {
    let mut files = Memory::default();
    for block in blocks(markdown).iter().filter(|block| ["yaml", "handlebars"].contains(&block.language)) {
        let first = block.text.lines().next().unwrap_or_default();
        let name = first.trim_start_matches("# ").trim_start_matches("{{!-- ").trim_end_matches(" --}}");
        let whole = block.text.strip_prefix("{{!-- ").and_then(|text| text.split_once('\n'));
        if !files.0.contains_key(Path::new(name)) {
            files = files.with(name, whole.map_or(block.text.as_str(), |(_, text)| text));
        }
    }
    files
}

/// One configuration with the destinations of all recipes.
fn all_recipes() -> String {
    let blocks = blocks(RECIPES);
    let recipes = blocks.iter().filter_map(|block| block.text.strip_prefix("destinations:\n"));
    format!("destinations:\n{}", recipes.collect::<String>())
}

#[test]
fn every_example_is_in_order() {
    let mut seen = 0;
    for (name, markdown) in ALL {
        for block in blocks(markdown).iter().filter(|block| ["yaml", "handlebars"].contains(&block.language)) {
            let Some(files) = whole(block) else { continue };
            if let Err(found) = load(&files, Secrets::Leave) {
                panic!("{name}:{}:\n{found}", block.line);
            }
            seen += 1;
        }
    }
    assert!(seen >= 18, "the examples are gone: {seen} found");
}

#[test]
fn every_block_begins_with_its_language_and_ends() {
    for (page, text) in ALL {
        let mut is_open = false;
        for (at, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with("```")) {
            let is_end = line == "```";
            assert_eq!(is_end, is_open, "{page}:{}: {line}", at + 1);
            is_open = !is_end;
        }
        assert!(!is_open, "{page}: the last block does not end");
    }
}

#[test]
fn the_first_rule_is_read_as_the_page_says() {
    let first = blocks(RULES).into_iter().next().unwrap();
    let snapshot = load(&whole(&first).unwrap(), Secrets::Leave).unwrap_or_else(|found| panic!("{found}"));
    let sentence = snapshot.rules.rules()[0].sentence();
    assert!(RULES.contains(&format!("\n> {sentence}\n")), "not on the page: {sentence}");
}

#[test]
fn the_first_alert_of_the_readme_works_as_pasted() {
    let mut files = Memory::default();
    for block in blocks(README).iter().filter(|block| block.language == "sh") {
        for (file, text) in pasted(&block.text) {
            files = files.with(file, text);
        }
    }
    assert_eq!(files.0.len(), 3);
    let snapshot = load(&files, Secrets::Leave).unwrap_or_else(|found| panic!("{found}"));
    assert!(snapshot.warnings.0.is_empty(), "{}", snapshot.warnings);
    let facts = json!({
        "event": "defect.created", "project": "PAY", "title": "Checkout fails for guests", "severity": "blocker",
        "actual_result": "HTTP 500 after Pay now.", "actor": "member 4", "url": "https://app.qase.io/defect/PAY",
    });
    let facts = Facts { values: facts.as_object().unwrap().clone(), ..Facts::default() };
    assert!(snapshot.rules.rules()[0].matches(&facts, &mut Silent));
    let message = snapshot.templates.message("defect-opened", &facts).unwrap();
    assert_eq!(message.title, "🚨 PAY: Checkout fails for guests");
    assert_eq!(message.fields.len(), 2);
}

/// All words that stand in quotes after `before` in `code`.
fn words_after<'c>(code: &'c str, before: &str) -> BTreeSet<&'c str> {
    code.split(before).skip(1).filter_map(|rest| rest.strip_prefix('"')?.split('"').next()).collect()
}

/// All words in quotes of the list that begins with `head` and ends with `];`.
fn list<'c>(code: &'c str, head: &str) -> BTreeSet<&'c str> {
    let (_, rest) = code.split_once(head).unwrap_or_else(|| panic!("'{head}' is gone"));
    let (list, _) = rest.split_once("];").unwrap_or((rest, ""));
    list.split('"').skip(1).step_by(2).collect()
}

/// Fails when a word does not stand in `page` as `code`.
fn all_in(page: &str, words: &BTreeSet<&str>, what: &str) {
    assert!(words.len() >= 3, "no {what}");
    let missing: Vec<&str> = words.iter().filter(|word| !page.contains(&format!("`{word}`"))).copied().collect();
    assert!(missing.is_empty(), "not documented: {what} {}", missing.join(", "));
}

#[test]
fn every_key_of_the_configuration_is_documented() {
    let mut keys = BTreeSet::new();
    for code in [
        include_str!("../../src/config/settings.rs"),
        include_str!("../../src/config/destinations.rs"),
        include_str!("../../src/config/people.rs"),
    ] {
        keys.extend(words_after(code, "fields.take("));
        keys.extend(words_after(code, "fields.require("));
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/sources");
    let codes: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    for code in &codes {
        for before in ["fields.take(", "fields.require(", "parts.take("] {
            keys.extend(words_after(code, before));
        }
    }
    for section in ["server", "storage", "sources", "destinations", "people", "qase", "slack", "teams", "jira"] {
        keys.insert(section);
    }
    assert!(keys.len() > 25, "the keys are gone");
    let pages = format!("{CONFIGURATION}\n{SOURCES}\n{UIPATH}");
    all_in(&pages, &keys, "keys of relaybell.yaml");
}

#[test]
fn every_way_of_proving_a_sender_is_documented() {
    let code = include_str!("../../src/config/sources/proof.rs");
    let mut keys = words_after(code, "fields.take(");
    keys.extend(words_after(code, "fields.require("));
    // Shown as the parts of `basic`.
    for inner in ["user", "password"] {
        assert!(keys.remove(inner) && SOURCES.contains(&format!("{inner}: ")), "{inner}");
    }
    all_in(SOURCES, &keys, "keys of a proof");
    all_in(SOURCES, &Reason::ALL.iter().map(|reason| reason.word()).collect(), "reasons of a refusal");
    for scheme in words_after(code, "    (") {
        assert!(SOURCES.contains(&format!("`{scheme}`")), "{scheme}");
    }
}

#[test]
fn every_key_of_a_source_is_documented() {
    let mut keys = BTreeSet::new();
    for code in [
        include_str!("../../src/config/sources/orchestrator.rs"),
        include_str!("../../src/config/sources/cloudevents.rs"),
    ] {
        keys.extend(words_after(code, "fields.take("));
    }
    all_in(SOURCES, &keys, "keys of a source");
}

#[test]
fn every_word_of_test_manager_is_documented() {
    let code = include_str!("../../src/config/sources/uipath.rs");
    let mut keys = BTreeSet::new();
    for code in [code, include_str!("../../src/config/sources/kpis.rs")] {
        keys.extend(words_after(code, "fields.take("));
        keys.extend(words_after(code, "fields.require("));
    }
    keys.extend(relaybell::domain::defects::COUNTED);
    // Shown in the example.
    for inner in ["words", "warning", "critical"] {
        assert!(UIPATH.contains(inner), "{inner}");
        keys.remove(inner);
    }
    all_in(UIPATH, &keys, "keys of a source of Test Manager");
    let common: Vec<&str> = relaybell::source::catalogue::COMMON.iter().map(|fact| fact.name).collect();
    let facts = relaybell::source::uipath::catalogue().facts().iter().map(|fact| fact.name);
    all_in(UIPATH, &facts.filter(|fact| !common.contains(fact)).collect(), "facts of Test Manager");
    for word in list(code, "ISSUE: [&str; 6] = [") {
        assert!(UIPATH.contains(&format!("`issue.{word}`")), "{word}");
    }
}

#[test]
fn every_key_of_a_description_is_documented() {
    let mut keys = BTreeSet::new();
    for code in [
        include_str!("../../src/config/rest.rs"),
        include_str!("../../src/config/rest_call.rs"),
        include_str!("../../src/config/rest_answers.rs"),
    ] {
        keys.extend(words_after(code, "fields.take("));
        keys.extend(words_after(code, "fields.require("));
    }
    // Their forms are shown where `auth` and `sign` are.
    for inner in ["bearer", "basic", "user", "password", "scheme", "secret"] {
        assert!(keys.remove(inner) && DESTINATIONS.contains(&format!("{inner}: ")), "{inner}");
    }
    assert!(keys.len() > 20, "the keys are gone");
    all_in(DESTINATIONS, &keys, "keys of a description");
    let call = include_str!("../../src/config/rest_call.rs");
    all_in(DESTINATIONS, &list(call, "OWN: [&str; 7] = ["), "names of a description");
    all_in(DESTINATIONS, &list(call, "DELIVERY: [&str; 3] = ["), "parts of a delivery");
    all_in(
        DESTINATIONS,
        &list(include_str!("../../src/domain/render/flavor.rs"), "WORDS: [(&'static str, Self); 4] ="),
        "markups",
    );
}

#[test]
fn the_rule_language_is_documented() {
    let vocabulary = include_str!("../../src/config/vocabulary.rs");
    let code = include_str!("../../src/config/rules.rs");
    let mut keys = words_after(code, "fields.take(");
    keys.extend(words_after(code, "fields.require("));
    keys.remove("rules");
    all_in(RULES, &keys, "keys of a rule");
    all_in(RULES, &list(vocabulary, "OPERATORS: [&str; 15] = ["), "operators");
    all_in(RULES, &list(vocabulary, "NESTS: [&str; 3] = ["), "nests");
    all_in(RULES, &catalogue().events().iter().copied().collect(), "events");
    all_in(RULES, &catalogue().facts().iter().map(|fact| fact.name).collect(), "facts");
}

#[test]
fn the_tests_of_the_page_pass_and_fail_as_it_says() {
    let tests: Vec<Block<'_>> = blocks(TESTING)
        .into_iter()
        .filter(|block| block.language == "yaml" && block.text.contains("\ntests:"))
        .collect();
    assert!(tests.len() >= 2, "the examples are gone");
    let told = |text: &str| {
        let mut files = shipped();
        files.0.retain(|path, _| !path.starts_with("rules"));
        let folder = Folder::new("", "rules: []\n");
        for (path, bytes) in files.0 {
            folder.write(path.to_str().unwrap(), &String::from_utf8(bytes).unwrap());
        }
        folder.write(text.lines().next().unwrap().trim_start_matches("# "), text);
        let output = run(folder.path(), &["test"]);
        (output.status.success(), stdout(&output) + &stderr(&output))
    };
    for block in &tests {
        let (passed, text) = told(&block.text);
        assert!(passed && !text.contains("not reached") && !text.contains("never sent"), "{}: {text}", block.line);
    }
    let first = &tests[0].text;
    let (_, text) = told(first);
    assert!(text.contains("  rules/first.yaml  a blocker is told at once\n"), "{text}");
    let (_, text) = told(&first.replace("at_least: critical", "at_least: blockr"));
    assert!(text.contains("did you mean 'blocker'?"), "{text}");
    let (passed, text) = told(&first.replace("event: defect.created,", "event: defect.updated,"));
    let failure = blocks(TESTING).into_iter().find(|block| block.text.starts_with("FAIL")).unwrap().text;
    assert!(!passed && text.contains(&failure), "not as the page says:\n{text}");
}

#[test]
fn the_language_of_tests_is_documented() {
    let mut keys: BTreeSet<&str> = ["receive", "after", "expect", "body", "file", "sample"].into();
    for code in [
        include_str!("../../src/config/trials/read.rs"),
        include_str!("../../src/config/trials/receives.rs"),
        include_str!("../../src/config/trials/expects.rs"),
    ] {
        keys.extend(words_after(code, "fields.take("));
        keys.extend(words_after(code, "fields.require("));
    }
    assert!(keys.len() >= 19, "the keys are gone: {keys:?}");
    all_in(TESTING, &keys, "keys of a test");
    let begins = relaybell::config::trials::TRIAL_BEGINS.to_string();
    assert_eq!(begins, "2026-01-05T09:00:00.000Z");
    assert!(TESTING.contains("Monday, 5 January 2026, 09:00 UTC"));
}

#[test]
fn every_helper_is_documented() {
    all_in(TEMPLATES, &list(include_str!("../../src/domain/render/helpers/mod.rs"), "NAMES: &[&str] = &["), "helpers");
    all_in(TEMPLATES, &list(include_str!("../../src/domain/render/front.rs"), "KEYS: [&str; 4] = ["), "front matter");
}

#[test]
fn helpers_give_what_their_examples_say() {
    let facts = json!({
        "event": "run.completed", "time": "2026-09-14T12:00:00.000Z", "severity": "critical", "project": "shop",
        "failed": 5, "pass_rate": 0.86, "duration": 3421, "tags": ["smoke", "release"],
        "payload": { "created": "2026-09-14 09:00:00" },
    });
    let facts = Facts { values: facts.as_object().unwrap().clone(), ..Facts::default() };
    let (_, section) = TEMPLATES.split_once("## Helpers").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() > 20, "the table is gone");
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, example, gives] = cells.as_slice() else { panic!("not four cells: {row}") };
        let text = format!("---\ntitle: '{}'\n---\n", example.trim_matches('`'));
        let files = shipped().with("templates/doc.md.hbs", text);
        let snapshot = load(&files, Secrets::Leave).unwrap_or_else(|found| panic!("{row}\n{found}"));
        let message = snapshot.templates.message("doc", &facts).unwrap_or_else(|error| panic!("{row}\n{error}"));
        assert_eq!(message.title, *gives, "{row}");
    }
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let names = |text: &'static str| -> BTreeSet<&'static str> {
        let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
        let starts = text.match_indices("relaybell_").map(|(at, _)| &text[at..]);
        starts.map(|rest| rest.split(|c| !is_part(c)).next().unwrap_or_default()).collect()
    };
    let mut known = names(include_str!("../../src/telemetry.rs"));
    all_in(OPERATIONS, &known, "metrics");
    known.insert("relaybell_build_info");
    for (page, text) in ALL {
        let strange: Vec<&str> = names(text).difference(&known).copied().collect();
        assert!(strange.is_empty(), "{page} names metrics that do not exist: {}", strange.join(", "));
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let anchors = |page: &str| -> BTreeSet<String> {
        let (_, text) = ALL.iter().find(|(name, _)| *name == page).unwrap_or_else(|| panic!("no page {page}"));
        let slug = |title: &str| -> String {
            let kept =
                title.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
            kept.trim().replace(' ', "-")
        };
        text.lines().filter(|line| line.starts_with('#')).map(|line| slug(line.trim_start_matches('#'))).collect()
    };
    for (page, text) in ALL {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("http") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(page).parent().unwrap();
            let path = if file.is_empty() { Path::new(page).to_owned() } else { folder.join(file) };
            let exists = Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).exists();
            assert!(exists, "{page} links to {target}, which is not there");
            let known = anchor.is_empty() || anchors(path.to_str().unwrap()).contains(anchor);
            assert!(known, "{page} links to {target}, and there is no such heading");
        }
    }
}
