//! The presets: what each makes of its sender's webhooks, and that nothing a sender can send
//! breaks one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use relaybell::config::presets::PRESETS;
use relaybell::config::{Secrets, SourceSpec};
use relaybell::domain::event::{Dedup, Report};
use relaybell::source::{ByHand, Malformed, RawHook};
use serde_json::{Value, json};

use crate::diagnose::{base, load};

/// The source of `relaybell.yaml` whose keys are `source`.
pub fn source(source: &str) -> Arc<SourceSpec> {
    let text = format!(
        "sources:\n  x:\n{}\ndestinations:\n  qa-blockers: {{ kind: slack, webhook_url: \"${{U}}\" }}\n",
        source.lines().map(|line| format!("    {line}\n")).collect::<String>()
    );
    let snapshot = load(&base().with("relaybell.yaml", text), Secrets::Leave).unwrap_or_else(|found| panic!("{found}"));
    Arc::clone(&snapshot.sources["x"])
}

/// What `source` reads of a webhook.
pub fn read(source: &SourceSpec, headers: &Value, body: impl Into<Bytes>) -> Result<Vec<Report>, Malformed> {
    let mut all = HeaderMap::new();
    for (name, value) in headers.as_object().unwrap() {
        let name = HeaderName::try_from(name.as_str()).unwrap();
        all.append(name, HeaderValue::try_from(value.as_str().unwrap()).unwrap());
    }
    ByHand(source.adapter.as_ref()).read(RawHook::posted(all, body.into()))
}

/// A report as people read it.
pub fn told(read: &Result<Vec<Report>, Malformed>) -> String {
    let reports = match read {
        Ok(reports) if reports.is_empty() => return "no event\n".to_owned(),
        Ok(reports) => reports,
        Err(malformed) => return format!("refused: {malformed}\n"),
    };
    let mut text = String::new();
    for report in reports {
        let dedup = match &report.dedup {
            Dedup::SenderId(id) => format!("id {id}"),
            Dedup::BodyHash(hash) => format!("hash{}", hash.find('#').map_or("", |at| &hash[at..])),
        };
        let time = report.time.map_or("no time".to_owned(), |time| time.to_string());
        let known = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        let begins = if report.begins { ", begins" } else { "" };
        writeln!(
            text,
            "{}  {} of {}  {time}  by {dedup}{begins}",
            report.event,
            known(&report.subject),
            known(&report.project)
        )
        .unwrap();
        for (name, value) in &report.facts {
            let derived = if report.derived.contains(&name.as_str()) { " (computed)" } else { "" };
            writeln!(text, "    {name}: {value}{derived}").unwrap();
        }
    }
    text
}

struct Fixture {
    name: String,
    headers: Value,
    body: Value,
}

fn fixtures(preset: &str) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/presets").join(preset);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let all = paths.iter().map(|path| {
        let mut fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        Fixture {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            headers: fixture["headers"].take(),
            body: fixture["body"].take(),
        }
    });
    all.collect()
}

#[test]
fn every_preset_reads_the_webhooks_of_its_sender() {
    for preset in PRESETS {
        let source = source(&format!("preset: {}", preset.name));
        let mut text = String::new();
        let mut events = 0;
        for Fixture { name, headers, body } in fixtures(preset.name) {
            let read = read(&source, &headers, body.to_string());
            events += read.as_ref().map_or(0, Vec::len);
            writeln!(text, "# {name}\n{}", told(&read)).unwrap();
        }
        assert!(events >= 2, "{}: too few fixtures", preset.name);
        assert!(preset.about().len() > 20, "{} does not say what it is for", preset.name);
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots/presets", omit_expression => true }, {
            insta::assert_snapshot!(preset.name, text);
        });
    }
}

#[test]
fn every_fact_of_a_preset_is_seen_in_a_fixture() {
    // Fields of rarer webhooks than those of the fixtures.
    let unseen = ["sentry/comment", "jenkins/log"];
    for preset in PRESETS {
        let source = source(&format!("preset: {}", preset.name));
        let mut seen = std::collections::BTreeSet::new();
        for Fixture { headers, body, .. } in fixtures(preset.name) {
            for report in read(&source, &headers, body.to_string()).unwrap_or_default() {
                seen.extend(report.facts.into_iter().map(|(name, _)| name));
            }
        }
        let (_, facts) = preset.text.split_once("\n  facts:\n").unwrap();
        for line in facts.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     ")) {
            let name = line.trim().split(':').next().unwrap();
            let known = seen.contains(name) || unseen.contains(&format!("{}/{name}", preset.name).as_str());
            assert!(known || name.starts_with('#'), "{}: no fixture has the fact '{name}'", preset.name);
        }
    }
}

#[test]
fn a_source_changes_what_it_likes_of_its_preset() {
    let body = json!({
        "project": "PAY", "build": 7, "status": "failed", "title": "Nightly", "branch": "main", "squad": "cards",
    });
    let of = |keys: &str| told(&read(&source(&format!("preset: ci\n{keys}")), &json!({}), body.to_string()));
    assert_eq!(of(""), of("kind: json"));
    let changed = of(concat!(
        "map:\n",
        "  event: '\"pipeline.\" + body.status'\n",
        "  facts:\n",
        "    branch:\n",
        "    title: upper(body.title)\n",
        "    squad: { value: body.squad, type: text }\n",
    ));
    insta::assert_snapshot!(changed, @r#"
    pipeline.failed  build/7 of PAY  no time  by hash
        title: "NIGHTLY"
        status: "failed"
        squad: "cards"
    "#);
}

/// Any JSON, as deep and odd as senders can make it.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,8}", inner), 0..5)
                .prop_map(|parts| Value::Object(parts.into_iter().collect())),
        ]
    })
}

/// Puts `with` in the place of the `at`th value inside `value`.
fn spoil(value: &mut Value, at: &mut usize, with: &Value) -> bool {
    if *at == 0 {
        *value = with.clone();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| spoil(item, at, with)),
        Value::Object(parts) => parts.values_mut().any(|part| spoil(part, at, with)),
        _ => false,
    }
}

#[test]
fn no_webhook_breaks_a_preset() {
    let sources: Vec<_> =
        PRESETS.iter().map(|preset| (source(&format!("preset: {}", preset.name)), fixtures(preset.name))).collect();
    let strategy = (0..sources.len(), any::<prop::sample::Index>(), 0_usize..60, anything());
    let config = ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((preset, fixture, at, with) in strategy)| {
        let (source, fixtures) = &sources[preset];
        let fixture = &fixtures[fixture.index(fixtures.len())];
        let mut body = fixture.body.clone();
        spoil(&mut body, &mut at.clone(), &with);
        let began = Instant::now();
        for body in [body, with] {
            if let Ok(reports) = read(source, &fixture.headers, body.to_string()) {
                for report in reports {
                    prop_assert!(!report.event.is_empty() && report.event.is_ascii());
                    prop_assert!(report.subject.is_none_or(|subject| !subject.contains(char::is_control)));
                }
            }
        }
        prop_assert!(began.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn a_large_webhook_takes_bounded_work() {
    let text = "x".repeat(900 << 10);
    let source = source(concat!(
        "kind: json\n",
        "map:\n",
        "  event: '\"big.one\"'\n",
        "  facts:\n",
        "    a: body.text.replace(\"x\", \"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\")\n",
    ));
    let began = Instant::now();
    let refused = read(&source, &json!({}), json!({ "text": text }).to_string()).unwrap_err();
    assert_eq!(refused.why, "map.facts.a: it is too much work for an event of this size");
    let many = source_of_items();
    // Each item alone is not too much, all of them together are.
    let few = |count: usize| -> Vec<Value> {
        (0..count).map(|at| json!({ "n": at, "words": vec!["abcdefgh"; 100] })).collect()
    };
    assert_eq!(read(&many, &json!({}), json!({ "items": few(20) }).to_string()).map(|reports| reports.len()), Ok(20));
    let refused = read(&many, &json!({}), json!({ "items": few(150) }).to_string()).map(|reports| reports.len());
    assert_eq!(refused.unwrap_err().why, "map.facts.others: it is too much work for an event of this size");
    let items: Vec<Value> = (0..501).map(|at| json!({ "n": at, "words": [] })).collect();
    let refused = read(&many, &json!({}), json!({ "items": items }).to_string()).map(|reports| reports.len());
    assert_eq!(refused.unwrap_err().why, "map.each: the list has 501 items, and at most 500 can be taken");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

fn source_of_items() -> Arc<SourceSpec> {
    source(concat!(
        "kind: json\n",
        "map:\n",
        "  each: body.items\n",
        "  event: '\"item.seen\"'\n",
        "  facts:\n",
        "    others: size(body.items.filter(one, one.words.exists(word, word == item.n)))\n",
    ))
}
