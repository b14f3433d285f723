//! The schemas say what the loader takes, and the loader takes what they say.

use std::collections::BTreeSet;
use std::path::Path;

use relaybell::config::Vocabulary;
use relaybell::config::diagnostic::{Diagnostic, Severity};
use relaybell::config::schema::Schema;
use relaybell::config::{Secrets, load_from};
use relaybell::source::qase::catalogue;
use serde_json::{Map, Value, json};

use crate::diagnose::{Memory, base, load};
use crate::docs::{blocks_of_all, shipped};

/// A document with every map that the schema of `relaybell.yaml` has.
const WHOLE_CONFIG: &str = r##"
server: { listen: "127.0.0.1:8480", public_url: "https://bell.example.com", admin_tokens: ["${T}"] }
storage: { url: "sqlite:relaybell.db", keep: 30d }
rules: rules
templates: templates
sources:
  qase: { kind: qase, secrets: ["${S}"], secret_header: X-Secret, app_url: "https://app.qase.io", never_refuse: true, expect_every: { source: 24h, projects: { PAY: 48h } }, api: { token: "${A}", limit: { rate: 60/min } } }
  guarded: { kind: qase, basic: { user: qase, password: "${P}" } }
  robots: { kind: uipath_orchestrator, secrets: ["${S}"], app_url: "https://cloud.uipath.com/a/b/orchestrator_", projects: { 1: PAY }, expect_every: { source: 24h, projects: { PAY: 48h } } }
  manager:
    kind: uipath
    secrets: ["${S}"]
    projects: { 3dae45a4-6fc3-4a10-8c1e-0b49c244dbb8: SHOP }
    expect_every: { source: 24h, projects: { PAY: 48h } }
    api: { url: "https://cloud.uipath.com/acme/Prod/testmanager_", client_id: "${I}", client_secret: "${C}", limit: { rate: 5/s } }
    create_defect: { rule: asked, wait: 20s, late: 504, response: { id: "{{issue.key}}" } }
    defect_kpis:
      from: jira
      jql: { critical: "labels = hot" }
      link: "https://acme.atlassian.net/projects/{{project}}"
      fresh: 5m
      status: { words: [Green, Amber, Red], warning: { open: 10 }, critical: { critical: 2 } }
  dashboard:
    kind: uipath
    secrets: ["${S}"]
    projects: { 3dae45a4-6fc3-4a10-8c1e-0b49c244dbb8: SHOP }
    defect_kpis:
      from: memory
      sources: [qase]
      subjects: [defect]
      count:
        total: { source: qase }
        open: { none_of: [{ status: [resolved, invalid] }] }
        closed: { status: [resolved, invalid] }
        critical: { severity: { at_least: critical } }
        moderate: { severity: [major, normal] }
  ci:
    kind: json
    expect_every: { source: 24h, projects: { PAY: 48h } }
    secrets: ["${S}"]
    map:
      when: has(body.status)
      each: body.items
      event: '"build." + item.status'
      project: body.repo
      subject: 1
      time: body.at
      id: headers["x-id"]
      actor: body.by
      begins: true
      payload: item
      facts: { branch: body.branch, level: { value: body.level, type: number, values: ["1"], meaning: how far } }
      events: [build.failed]
  preset: { preset: github, secrets: ["${S}"], expect_every: { source: 24h, projects: { PAY: 48h } }, map: { project: body.repository.name, facts: { commit: , branch: { value: body.ref } } } }
  events: { kind: cloudevents, secrets: ["${S}"], strip: com.acme., events: { a.b: c.d }, allowed_origins: [a.example], allowed_rate: 600, expect_every: { source: 24h, projects: { PAY: 48h } } }
  signed:
    kind: qase
    signature:
      scheme: hmac-sha256
      secrets: ["${K}"]
      header: X-Signature
      encoding: hex
      prefix: sha256=
      signed: "{timestamp}.{body}"
      timestamp_header: X-Time
      tolerance: 5m
destinations:
  hook: { kind: slack, webhook_url: "${U}", limit: none, concurrency: 2, timeout: 5s, proxy: "http://proxy:3128", retry: { first: 2s } }
  bot: { kind: slack, token: "${B}", channel: "#a", api_url: "https://slack.com/api", limit: { rate: 60/min, burst: 2 } }
  room: { kind: teams, webhook_url: "${U}", limit: { rate: 1/s }, retry: { first: 1s, max: 10m, give_up_after: 24h } }
  jira: { kind: jira, url: "https://acme.atlassian.net", api: 3, email: a@b.example, token: "${J}", project: PAY, issue_type: Bug, limit: 5/s }
  center: { kind: jira, url: "https://jira.example", token: "${J}", project: PAY, limit: { rate: 5/s }, retry: { max: 1h } }
  tracker:
    kind: rest
    url: "https://tracker.example"
    auth: { basic: { user: bot, password: "${P}" } }
    headers: { X-Version: 3 }
    text: markdown
    ticket_url: "https://tracker.example/{{thread.key}}"
    cut: { title: 100, body: 1000 }
    error: [/message]
    ok: { /ok: true }
    busy: { /code: SLOW }
    retryable: 423
    permanent: [409]
    create: { send: POST /issues, json: { title: "{{title}}" }, remember: { key: /number, url: /url }, success: [201] }
    find: { send: "GET /search?q={{delivery.key}}", remember: { key: /0/number }, ok: { /error: null } }
    request: { send: POST /events, form: { a: b }, headers: { X-A: b } }
    comment: { send: "POST /issues/{{thread.key}}/comments", json: { body: "{{body}}" }, error: /why }
    transition: { send: "PATCH /issues/{{thread.key}}", json_patch: [{ op: add, path: /state, value: "{{status}}" }] }
    update: { send: "PUT /issues/{{thread.key}}", json: { title: "{{title}}" } }
    limit: { rate: 1/s }
    retry: { first: 1s }
  events:
    kind: rest
    url: "https://events.example"
    auth: { bearer: "${T}" }
    sign: { scheme: standard-webhooks, secret: "${K}" }
    envelope: cloudevents
    request: { send: POST, json: { title: "{{title}}" } }
people: { qa-oncall: { slack: S0QAONCALL, teams: a@b.example, jira: abc } }
"##;

/// The same of rules.
const WHOLE_RULES: &str = r##"
rules:
  - name: all
    when:
      event: { not: [case.created] }
      severity: { at_least: major, not: undefined }
      priority: { below: high }
      automation: { not: manual }
      title: { starts_with: a, not: { contains: b } }
      failed: { above: 0 }
      visible: { not: true }
      enabled: { not: true }
      started: { starts_with: "2026" }
      tags: { has_any: [a], has_none: b }
      time: { starts_with: "2026" }
      payload.custom_fields[0].value: { above: 3 }
      any_of: [{ project: PAY }, { all_of: [{ project: SHOP }, { passed: 3 }] }]
      age: { above: 4h }
      changed: { has_any: [severity] }
      duration: { above: 3 }
      case_id: { above: 3 }
      cases_added: { above: 3 }
      comment: { not: { contains: a } }
      environment: { changed: true }
    unless: { project: { ends_with: X } }
    where: failed > 3
    send:
      - { to: pay-jira, template: defect-opened, action: create, fields: { priority: Highest } }
      - { to: qa-blockers, mention: ["@qa-oncall"] }
      - { to: release-room }
    about: [project, run_id]
    priority: urgent
    expires: 3h
    mute_until: 2030-01-01
tests:
  - name: a test
    at: 2026-10-05T10:00:00+03:00
    steps:
      - receive: { source: qase, sample: defect.created, headers: { X-A: b } }
      - after: 4h
      - expect: [{ to: qa-blockers }]
"##;

pub fn of_yaml(text: &str) -> Value {
    let mut yaml: serde_yaml::Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    yaml.apply_merge().unwrap();
    serde_json::to_value(yaml).unwrap()
}

/// What is wrong with `document`, by the schema.
pub fn complaints(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The schema for a file of the configuration, and the document in it.
fn parts(path: &Path, text: &[u8]) -> Option<(Schema, Value)> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    match path.extension()?.to_str()? {
        "yaml" | "yml" if path.parent() == Some(Path::new("")) => Some((Schema::Config, of_yaml(&text))),
        "yaml" | "yml" => Some((Schema::Rules, of_yaml(&text))),
        "hbs" => {
            let front = text.strip_prefix("---\n")?.split("\n---").next()?.to_owned();
            Some((Schema::Template, of_yaml(&front)))
        }
        _ => None,
    }
}

fn fits(files: &Memory, what: &str) -> usize {
    let mut seen = 0;
    for (path, text) in &files.0 {
        let Some((schema, document)) = parts(path, text) else { continue };
        // An empty file is a map without keys.
        if document.is_null() {
            continue;
        }
        let wrong = complaints(&schema.json(&Vocabulary::built_in()), &document);
        assert!(wrong.is_empty(), "{what}: {}:\n{wrong:#?}", path.display());
        seen += 1;
    }
    seen
}

#[test]
fn the_committed_schemas_are_those_of_the_code() {
    for (_, file, schema) in Schema::ALL {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(file);
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == schema.text(&Vocabulary::built_in()),
            "docs/schema/{file}: run  relaybell schema --write docs/schema"
        );
        assert!(jsonschema::meta::is_valid(&schema.json(&Vocabulary::built_in())), "{file} is no schema");
    }
}

#[test]
fn every_good_file_fits_its_schema() {
    let mut seen = fits(&shipped(), "shipped") + fits(&base(), "base");
    for files in blocks_of_all() {
        seen += fits(&files, "an example of the documentation");
    }
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/config");
    for case in std::fs::read_dir(cases).unwrap() {
        let case = case.unwrap().path();
        let mut files = Memory::default();
        files.take(&case, Path::new(""));
        let mut whole = files.clone();
        if !whole.0.contains_key(Path::new("relaybell.yaml")) {
            whole.0.extend(base().0);
        }
        if load(&whole, Secrets::Leave).is_ok() {
            seen += fits(&files, &case.display().to_string());
        }
    }
    assert!(seen > 80, "{seen} files");
}

/// One map of a document that the schema closes, and what the schema says of it.
struct Spot {
    /// Where it is in the document, as a JSON Pointer.
    at: String,
    /// Where it is in the schema.
    of: String,
    keys: BTreeSet<String>,
}

/// Collects the closed maps of `document` with the parts of the schema that are for them.
fn spots(root: &Value, of: &str, document: &Value, at: &str, found: &mut Vec<Spot>) {
    let schema = root.pointer(of).unwrap();
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return spots(root, target.trim_start_matches('#'), document, at, found);
    }
    for join in ["anyOf", "oneOf"] {
        for (n, branch) in schema.get(join).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let mut alone = branch.clone();
            if let Some(definitions) = root.get("$defs") {
                alone["$defs"] = definitions.clone();
            }
            let fits = complaints(&alone, document).is_empty();
            if fits {
                spots(root, &format!("{of}/{join}/{n}"), document, at, found);
            }
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    if let (Value::Object(entries), true) = (document, schema.get("additionalProperties").is_some()) {
        if schema["additionalProperties"] == json!(false) {
            let keys = properties.into_iter().flat_map(Map::keys).cloned().collect();
            found.push(Spot { at: at.to_owned(), of: of.to_owned(), keys });
        }
        for (key, value) in entries {
            let escaped = key.replace('~', "~0").replace('/', "~1");
            let inside = if properties.is_some_and(|known| known.contains_key(key)) {
                format!("{of}/properties/{escaped}")
            } else if schema["additionalProperties"].is_object() {
                format!("{of}/additionalProperties")
            } else {
                let pattern = schema["patternProperties"].as_object().unwrap().keys().next().unwrap();
                format!("{of}/patternProperties/{}", pattern.replace('~', "~0").replace('/', "~1"))
            };
            spots(root, &inside, value, &format!("{at}/{escaped}"), found);
        }
    }
    if let (Value::Array(items), true) = (document, schema.get("items").is_some()) {
        for (n, item) in items.iter().enumerate() {
            spots(root, &format!("{of}/items"), item, &format!("{at}/{n}"), found);
        }
    }
}

/// Every part of the schema that closes a map.
fn closed(schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(entries) => {
            if entries.get("additionalProperties") == Some(&json!(false)) {
                found.insert(at.to_owned());
            }
            for (key, value) in entries {
                closed(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                closed(item, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

const BOGUS: &str = "zzz_bogus";

/// What the loader says of the key that no map has.
fn refusal(files: &Memory) -> Diagnostic {
    let found = load(files, Secrets::Leave).unwrap_err();
    found.0.into_iter().find(|one| one.message.contains(BOGUS)).expect("the key is not refused")
}

/// Puts a key that no map has into every map, one after the other.
fn every_map_is_as_closed(schema: Schema, whole: &str, with: &dyn Fn(String) -> Memory) {
    let schema = schema.json(&Vocabulary::built_in());
    let document = of_yaml(whole);
    assert_eq!(complaints(&schema, &document), [""; 0]);
    if let Err(found) = load(&with(document.to_string()), Secrets::Leave) {
        panic!("{found}");
    }
    let mut found = Vec::new();
    spots(&schema, "", &document, "", &mut found);
    let mut all = BTreeSet::new();
    closed(&schema, "", &mut all);
    for spot in &found {
        all.remove(&spot.of);
        let mut document = document.clone();
        document.pointer_mut(&spot.at).unwrap()[BOGUS] = json!("x");
        let said = refusal(&with(document.to_string()));
        let help = said.help.unwrap_or_default();
        let listed: BTreeSet<String> = help
            .split_once(" has: ")
            .map(|(_, keys)| keys.split(", ").map(str::to_owned).collect())
            .unwrap_or_default();
        if said.message.starts_with("unknown fact") {
            let words = Vocabulary::built_in();
            let known = words.names().chain(["any_of", "all_of", "none_of"]);
            assert_eq!(spot.keys, known.map(str::to_owned).collect(), "{}", spot.of);
        } else if said.message.starts_with("unknown operator") {
            let operators: BTreeSet<String> =
                help.trim_start_matches("operators are: ").split(", ").map(str::to_owned).collect();
            assert!(spot.keys.is_subset(&operators) && !spot.keys.is_empty(), "{}", spot.of);
        } else {
            assert_eq!(spot.keys, listed, "{} at {}: {}", spot.of, spot.at, said.message);
        }
    }
    assert!(all.is_empty(), "not tried: {all:#?}");
}

#[test]
fn every_map_of_the_configuration_has_the_keys_that_its_schema_says() {
    every_map_is_as_closed(Schema::Config, WHOLE_CONFIG, &|text| {
        let asked = "rules:\n  - name: asked\n    when: { event: defect.requested }\n    send: [{ to: jira }]\n";
        let folders = Memory::default().with("rules/asked.yaml", asked).with("templates/t.md.hbs", "\n");
        folders.with("relaybell.yaml", text)
    });
}

#[test]
fn every_map_of_rules_has_the_keys_that_its_schema_says() {
    every_map_is_as_closed(Schema::Rules, WHOLE_RULES, &|text| base().with("rules/a.yaml", text));
}

#[test]
fn the_front_matter_has_the_keys_that_its_schema_says() {
    let with = |keys: &str| base().with("templates/t.md.hbs", format!("---\n{keys}\n---\n"));
    let schema = Schema::Template.json(&Vocabulary::built_in());
    for key in schema["properties"].as_object().unwrap().keys() {
        let value = if key == "fields" { "{ A: b }" } else { "b" };
        assert!(load(&with(&format!("{key}: {value}")), Secrets::Leave).is_ok(), "{key}");
    }
    let said = refusal(&with(&format!("{BOGUS}: x")));
    let keys: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(said.help.unwrap(), format!("known are {}", keys.join(", ")));
}

#[test]
fn every_operator_fits_the_facts_that_the_schema_says() {
    let schema = jsonschema::draft202012::new(&Schema::Rules.json(&Vocabulary::built_in())).unwrap();
    let operators = [
        "not",
        "at_least",
        "at_most",
        "above",
        "below",
        "starts_with",
        "ends_with",
        "contains",
        "like",
        "matches",
        "present",
        "has_any",
        "has_all",
        "has_none",
        "changed",
    ];
    let arguments =
        [json!(true), json!(5), json!("x"), json!(["x"]), json!("Major"), json!("medium"), json!("4h"), json!({})];
    let known = Value::Object(catalogue().facts().iter().map(|fact| (fact.name.to_owned(), json!(0))).collect());
    assert_eq!(known.as_object().unwrap().len(), catalogue().facts().len());
    for fact in catalogue().facts().iter().map(|fact| fact.name).chain(["payload.a", "tags[0]"]) {
        for operator in operators {
            for argument in &arguments {
                let when = json!({ fact: { operator: argument } });
                let document = json!({ "rules": [{ "name": "a", "when": when, "send": [{ "to": "qa-blockers" }] }] });
                let by_schema = schema.is_valid(&document);
                let loaded = load(&base().with("rules/a.yaml", document.to_string()), Secrets::Leave);
                let said = loaded.as_ref().err().map(|found| found.0[0].message.clone());
                assert_eq!(by_schema, loaded.is_ok(), "{fact}: {{ {operator}: {argument} }}: {said:?}");
            }
        }
    }
}

#[test]
fn every_key_and_operator_is_explained() {
    fn walk(schema: &Value, at: &str, bare: &mut Vec<String>) {
        let Some(entries) = schema.as_object() else { return };
        for (name, value) in entries.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if value["description"].as_str().is_none_or(str::is_empty) {
                bare.push(format!("{at}/{name}"));
            }
        }
        for (key, value) in entries {
            match value {
                Value::Object(_) => walk(value, &format!("{at}/{key}"), bare),
                Value::Array(items) => items.iter().for_each(|item| walk(item, &format!("{at}/{key}"), bare)),
                _ => {}
            }
        }
    }
    let mut bare = Vec::new();
    for (word, _, schema) in Schema::ALL {
        walk(&schema.json(&Vocabulary::built_in()), word, &mut bare);
    }
    bare.retain(|at| !at.ends_with("/kind"));
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
fn the_shipped_files_name_their_schema() {
    let files = shipped();
    let mut seen = 0;
    for (path, text) in files.0.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "yaml")) {
        let text = String::from_utf8_lossy(text);
        let first = text.lines().next().unwrap_or_default();
        let named =
            first.strip_prefix("# yaml-language-server: $schema=").unwrap_or_else(|| panic!("{}", path.display()));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(root.join(path.parent().unwrap()).join(named).exists(), "{}: {named}", path.display());
        seen += 1;
    }
    assert!(seen >= 4);
    let none = |_: &str| None;
    let loaded = load_from(&files, &none, Path::new("relaybell.yaml"), Secrets::Leave).unwrap();
    assert_eq!(loaded.warnings.count(Severity::Warning), 0, "{}", loaded.warnings);
}
