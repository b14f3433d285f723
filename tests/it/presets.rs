//! The presets: what each makes of its sender's webhooks, and that nothing a sender can send
//! breaks one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use relaybell::config::presets::PRESETS;
use relaybell::config::{Secrets, SourceSpec, rehearse};
use relaybell::domain::event::{Dedup, Report};
use relaybell::source::{ByHand, Malformed, RawHook, Sample};
use serde_json::{Value, json};

use crate::diagnose::{Memory, base, load};
use crate::support::files::Folder;
use crate::support::process::{run, stderr, stdout};

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

/// The samples that are no events.
const NO_EVENTS: [&str; 4] = ["installation.created", "ping", "sprint_started", "wiki_page"];

/// What `source` reads of a sample.
fn read_sample(source: &SourceSpec, sample: &Sample) -> Result<Vec<Report>, Malformed> {
    ByHand(source.adapter.as_ref()).read(sample.hook())
}

#[test]
fn every_preset_reads_the_webhooks_of_its_sender() {
    for preset in PRESETS {
        let source = source(&format!("preset: {}", preset.name));
        let mut text = String::new();
        let mut events = 0;
        for sample in preset.samples {
            let read = read_sample(&source, sample);
            events += read.as_ref().map_or(0, Vec::len);
            writeln!(text, "# {}\n{}", sample.variant, told(&read)).unwrap();
        }
        assert!(events >= 2, "{}: too few samples", preset.name);
        assert!(preset.about().len() > 20, "{} does not say what it is for", preset.name);
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots/presets", omit_expression => true }, {
            insta::assert_snapshot!(preset.name, text);
        });
    }
}

#[test]
fn the_samples_of_a_preset_are_complete_and_called_as_their_events() {
    for preset in PRESETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/presets/samples").join(preset.name);
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_str().unwrap().trim_end_matches(".json").to_owned())
            .collect();
        files.sort();
        let listed: Vec<&str> = preset.samples.iter().map(|sample| sample.variant).collect();
        assert_eq!(listed, files, "{}", preset.name);
        let source = source(&format!("preset: {}", preset.name));
        assert_eq!(source.adapter.samples(), preset.samples);
        for sample in preset.samples {
            let what = format!("{} {}", preset.name, sample.variant);
            assert!(
                sample.variant == sample.event || sample.variant.starts_with(&format!("{}.variant-", sample.event))
            );
            let read = read_sample(&source, sample).unwrap_or_else(|why| panic!("{what}: {why}"));
            let is_told = read.iter().any(|report| report.event == sample.event);
            assert!(is_told != NO_EVENTS.contains(&sample.variant) && is_told != read.is_empty(), "{what}");
        }
    }
    assert!(source("kind: json\nmap: { event: body.event }").adapter.samples().is_empty());
}

#[test]
fn every_fact_of_a_preset_is_seen_in_a_sample() {
    // Fields of rarer webhooks than those of the samples.
    let unseen = ["sentry/comment", "jenkins/log"];
    for preset in PRESETS {
        let source = source(&format!("preset: {}", preset.name));
        let mut seen = std::collections::BTreeSet::new();
        for sample in preset.samples {
            for report in read_sample(&source, sample).unwrap_or_default() {
                seen.extend(report.facts.into_iter().map(|(name, _)| name));
            }
        }
        let (_, facts) = preset.text.split_once("\n  facts:\n").unwrap();
        for line in facts.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     ")) {
            let name = line.trim().split(':').next().unwrap();
            let known = seen.contains(name) || unseen.contains(&format!("{}/{name}", preset.name).as_str());
            assert!(known || name.starts_with('#'), "{}: no sample has the fact '{name}'", preset.name);
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
        PRESETS.iter().map(|preset| (source(&format!("preset: {}", preset.name)), preset.samples)).collect();
    let strategy = (0..sources.len(), any::<prop::sample::Index>(), 0_usize..60, anything());
    let config = ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |((preset, sample, at, with) in strategy)| {
        let (source, samples) = &sources[preset];
        let sample = samples[sample.index(samples.len())];
        let mut body: Value = serde_json::from_str(sample.body).unwrap();
        spoil(&mut body, &mut at.clone(), &with);
        let began = Instant::now();
        for body in [body, with] {
            let hook = RawHook { body: body.to_string().into(), ..sample.hook() };
            if let Ok(reports) = ByHand(source.adapter.as_ref()).read(hook) {
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
    let items: Vec<Value> = (0..2001).map(|at| json!({ "n": at, "words": [] })).collect();
    let refused = read(&many, &json!({}), json!({ "items": items }).to_string()).map(|reports| reports.len());
    let why = refused.unwrap_err().why;
    assert!(why.starts_with("map.each: the list has 2001 items, and at most 2000 can be taken"), "{why}");
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

/// Two senders of builds, and one rule with its template.
fn rehearsed(when: &str, template: &str) -> String {
    let sources = "sources: { github: { preset: github }, jenkins: { preset: jenkins } }\n\
                   destinations: { chat: { kind: slack, webhook_url: \"${U}\" } }\n";
    let rule = format!("rules: [{{ name: failed, when: {when}, send: [{{ to: chat, template: t }}] }}]\n");
    let files = Memory::default()
        .with("relaybell.yaml", sources)
        .with("rules/r.yaml", rule)
        .with("templates/t.md.hbs", format!("---\ntitle: \"{template}\"\n---\n"));
    let snapshot = load(&files, Secrets::Leave).unwrap_or_else(|found| panic!("{found}"));
    let found = rehearse(&snapshot);
    found.0.iter().map(|one| format!("{}\n", one.message)).collect()
}

#[test]
fn templates_are_rehearsed_on_the_samples_of_the_senders_that_a_rule_is_for() {
    let (all, of_github) = ("{ event: build.failed }", "{ event: build.failed, source: github }");
    assert_eq!(rehearsed(all, "{{title}} of {{branch}}"), "");
    assert_eq!(
        rehearsed(all, "{{title}}: {{workflow}}"),
        "'workflow' is not a fact of this event, when it is the sample 'build.failed' for rule 'failed'\n"
    );
    assert_eq!(rehearsed(of_github, "{{title}}: {{workflow}}"), "", "Jenkins has nothing to do with this rule");
    let too_much = rehearsed(of_github, "{{title}}: {{passed}} passed");
    assert!(too_much.contains("'passed' is not a fact of this event"), "{too_much}");
    assert_eq!(rehearsed("{ event: build.failed, source: [jenkins] }", "{{passed}} passed"), "");
}

#[test]
fn the_command_lists_presets_and_prints_one() {
    let folder = Folder::new("", "");
    let listed = stdout(&run(folder.path(), &["presets"]));
    assert_eq!(listed.lines().count(), PRESETS.len());
    assert!(listed.contains("\nci            "), "{listed}");
    let one = stdout(&run(folder.path(), &["presets", "ci"]));
    let samples = "# samples, for tests of rules, explain and render:\n#   build.failed\n\
                   #   build.failed.variant-browserstack\n#   deployment.completed\n";
    assert_eq!(one, format!("{}\n{samples}", PRESETS.iter().find(|one| one.name == "ci").unwrap().text.trim_end()));
    let all: Value = serde_json::from_str(&stdout(&run(folder.path(), &["presets", "--json"]))).unwrap();
    assert_eq!(all[0]["samples"], json!(["alert.firing", "alert.resolved"]));
    let unknown = run(folder.path(), &["presets", "githb"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("there is no preset 'githb', did you mean 'github'?"), "{}", stderr(&unknown));
}
