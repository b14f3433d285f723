//! Templates: what they say, what they refuse, and what no event can make them do.

use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;
use relaybell::domain::facts::Facts;
use relaybell::domain::ids::EventId;
use relaybell::domain::markdown::{self, literal};
use relaybell::domain::memory::Known;
use relaybell::domain::message::{Block, Color, Inline, Message};
use relaybell::domain::plan::{Arrival, plan_event, see};
use relaybell::domain::render::{FieldTree, TemplateFile, TemplateProblem, Templates};
use relaybell::domain::rule::{Kind, RuleSet};
use relaybell::domain::time::Timestamp;
use relaybell::source::qase::{Qase, samples};
use relaybell::source::{RawHook, Source, prove};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_789_400_000);

fn facts(values: Value) -> Facts {
    let Value::Object(values) = values else { panic!("facts are an object") };
    Facts { values, ..Facts::default() }
}

fn file(name: &str, text: &str) -> TemplateFile {
    TemplateFile { file: format!("templates/{name}.md.hbs"), name: name.to_owned(), kind: None, text: text.to_owned() }
}

fn own(name: &str, kind: Kind, text: &str) -> TemplateFile {
    let file = format!("templates/{name}.{}.json.hbs", kind.word());
    TemplateFile { file, name: name.to_owned(), kind: Some(kind), text: text.to_owned() }
}

fn one(text: &str) -> Templates {
    Templates::compile(&[file("t", text)]).unwrap()
}

/// The body that `text` renders to on `facts`, as plain text.
fn body(text: &str, values: Value) -> Result<String, String> {
    let templates = Templates::compile(&[file("t", text)]).map_err(|problems| shown(&problems))?;
    templates.message("t", &facts(values)).map(|message| plain(&message.body)).map_err(|error| error.message)
}

fn shown(problems: &[TemplateProblem]) -> String {
    problems
        .iter()
        .map(|problem| {
            let help = problem.help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{}:{}:{}: {}{help}", problem.file, problem.line, problem.column, problem.message)
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn plain(blocks: &[Block]) -> String {
    let texts: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Paragraph(inlines) => inlines.iter().map(plain_inline).collect(),
            other => format!("{other:?}"),
        })
        .collect();
    texts.join("\n\n")
}

fn plain_inline(inline: &Inline) -> String {
    match inline {
        Inline::Text(text) => text.clone(),
        Inline::Break => "\n".to_owned(),
        other => format!("{other:?}"),
    }
}

fn shipped() -> Templates {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let mut files: Vec<TemplateFile> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches(".md.hbs").to_owned();
            let text = String::from_utf8(std::fs::File::open(&path).map(read_all).unwrap()).unwrap();
            file(&name, &text)
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Templates::compile(&files).unwrap_or_else(|problems| panic!("{}", shown(&problems)))
}

fn read_all(mut file: std::fs::File) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    bytes
}

fn arrival(body: &str) -> Arrival {
    let source = Qase { name: "qase".to_owned(), secrets: vec![], app_url: "https://app.qase.io".parse().unwrap() };
    let body = Bytes::copy_from_slice(body.as_bytes());
    let verified = prove(&source, RawHook { headers: HeaderMap::new(), body: body.clone() }, NOW).unwrap();
    Arrival {
        id: EventId::new(NOW, [7; 10]),
        source: "qase".into(),
        report: source.normalise(&verified).unwrap().remove(0),
        body,
        received: NOW,
        revision: "r1".into(),
    }
}

/// The facts of the sample `variant`, with what `before` left in memory.
fn sample(variant: &str, before: &[&str]) -> Facts {
    let body = |variant: &str| samples().iter().find(|sample| sample.variant == variant).unwrap().body;
    let mut known = Known::default();
    for variant in before {
        let plan = plan_event(&arrival(body(variant)), &known, &RuleSet::default(), &Templates::default());
        known = Known { memory: plan.memory.map(|change| (change.to, 1)) };
    }
    see(&arrival(body(variant)), &known).facts
}

const SHIPPED: [(&str, &str); 6] = [
    ("defect-opened", "defect.created"),
    ("defect-ticket", "defect.created"),
    ("defect-resolved", "defect.resolved"),
    ("run-failed", "run.completed"),
    ("run-aborted", "run.aborted"),
    ("review-changes-requested", "review.approval_status_changed"),
];

#[test]
fn shipped_templates_read_well_on_every_sample_of_their_events() {
    let templates = shipped();
    assert_eq!(templates.names().count(), SHIPPED.len());
    for (template, event) in SHIPPED {
        for sample in samples().iter().filter(|sample| sample.event == event) {
            let facts = see(&arrival(sample.body), &Known::default()).facts;
            let message = templates.message(template, &facts).unwrap();
            insta::assert_json_snapshot!(format!("{template}.on.{}", sample.variant), message);
        }
    }
    for (template, variant, before) in [
        ("defect-resolved", "defect.resolved", "defect.created"),
        ("run-failed", "run.completed", "run.started"),
        ("run-aborted", "run.aborted.sparse", "run.started.variant-plan-int"),
        ("review-changes-requested", "review.approval_status_changed.variant-request-changes", "review.created"),
    ] {
        let message = templates.message(template, &sample(variant, &[before])).unwrap();
        insta::assert_json_snapshot!(format!("{template}.on.{variant}.after.{before}"), message);
    }
}

#[test]
fn shipped_templates_need_nothing_but_the_name_of_the_event() {
    let templates = shipped();
    for (template, event) in SHIPPED {
        let message = templates.message(template, &facts(json!({"event": event}))).unwrap();
        assert!(!message.title.contains("  "), "{template}: {:?}", message.title);
        let message = templates.message(template, &facts(json!({"event": event, "cases": 4, "id": "x"}))).unwrap();
        assert!(!message.title.is_empty());
    }
}

#[test]
fn the_built_in_message_says_what_is_known_of_any_sample() {
    let messages: Vec<(&str, Message)> = samples()
        .iter()
        .map(|sample| (sample.variant, Templates::built_in(&see(&arrival(sample.body), &Known::default()).facts)))
        .collect();
    for (variant, message) in &messages {
        assert!(message.title.contains(" · "), "{variant}: {}", message.title);
        assert!(message.link.is_some() || *variant == "gen0-envelope.case.created", "{variant}");
    }
    let shown: Vec<_> = messages
        .iter()
        .filter(|(variant, _)| {
            ["defect.created", "run.completed", "review.commented", "shared_step.deleted"].contains(variant)
        })
        .collect();
    insta::assert_json_snapshot!("built-in", shown);
    assert_eq!(Templates::built_in(&Facts::default()).title, "An event");
}

#[test]
fn front_matter_makes_title_link_colour_and_fields() {
    let templates = one(
        "---\ntitle: \"{{upper project}}:\\n {{title}}\"\nlink: '{{url}}'\ncolor: \"{{severity}}\"\nfields:\n  Severity: \"{{severity}}\"\n  Gone: \"{{missing}}\"\n  Empty: \"{{nothing}}\"\n  Cases: 5\n---\nHello *{{title}}*\n",
    );
    let facts = facts(json!({
        "project": "shop", "title": "a  b", "url": "https://x.example/a b", "severity": "blocker", "nothing": ""
    }));
    let message = templates.message("t", &facts).unwrap();
    assert_eq!(message.title, "SHOP: a b");
    assert_eq!(message.link, None, "an address has no blanks");
    assert_eq!(message.color, Some(Color::Danger));
    let fields: Vec<(&str, &str)> =
        message.fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
    assert_eq!(fields, [("Severity", "blocker"), ("Cases", "5")]);
    assert_eq!(
        message.body,
        [Block::Paragraph(vec![
            Inline::Text("Hello ".to_owned()),
            Inline::Emph(vec![Inline::Text("a  b".to_owned())])
        ])]
    );
}

#[test]
fn a_title_is_never_empty_and_a_link_leads_to_the_web() {
    for (link, kept) in [
        ("https://x.example/a?b=c#d", Some("https://x.example/a?b=c#d")),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("//x.example", None),
        ("", None),
    ] {
        let templates = one("---\ntitle: \"{{title}}\"\nlink: \"{{url}}\"\n---\n");
        let values = json!({"title": " \n", "url": link, "event": "defect.created", "subject": "defect/5"});
        let message = templates.message("t", &facts(values)).unwrap();
        assert_eq!(message.link.as_deref(), kept);
        assert_eq!(message.title, "defect.created · defect/5");
    }
}

#[test]
fn helpers_say_what_they_are_for() {
    let values = json!({
        "event": "run.completed", "severity": "critical", "none": null, "empty": "", "text": "One two three four", "n": 1234567.5, "one": 1, "many": 5,
        "rate": 0.86, "nearly": 0.9996, "third": 0.333_333, "time": "2026-09-14T12:00:00.000Z", "seconds": 3421, "duration": 64,
        "list": ["a", 1, true], "stamp": 1_789_382_400, "zoneless": "2026-09-14 10:30:00", "later": "2026-09-16T12:00:00Z",
        "nested": {"k": [1, {"a": "b"}]}, "undefined": "undefined"
    });
    let table: Vec<(&str, String)> = [
        "{{icon severity}} {{icon event}} {{icon missing}} {{icon text severity}}",
        "{{color severity}} {{color event}} {{color missing}}",
        "{{upper text}} {{lower text}}",
        "{{truncate text 12}}|{{truncate text 7}}|{{truncate text 3}}|{{truncate text 99}}|{{truncate text 1}}",
        "{{default missing none empty \"y\"}} {{default text \"y\"}} {{default many 0}} {{default missing}}",
        "{{date time}} | {{date time \"%d %b %H:%M\"}} | {{date time \"%H:%M %Z\" \"Europe/Kyiv\"}} | {{date stamp \"%F\"}}",
        "{{ago zoneless}} | {{ago stamp}} | {{ago later}} | {{ago time}}",
        "{{duration seconds}} | {{duration 90061}} | {{duration 415000 \"ms\"}} | {{duration 0}} | {{duration 3600}} | {{duration}}",
        "{{number n}} {{number many}} {{number -1234}} {{number \"1000\"}}",
        "{{percent rate}} | {{percent nearly}} | {{percent third}} | {{percent 1}} | {{percent 0}} | {{percent 0.0001}}",
        "{{plural one \"case\" \"cases\"}}, {{plural many \"case\"}}, {{plural 0 \"entry\" \"entries\"}}",
        "{{join list}} | {{join list \" / \"}} | {{join text}}",
        "`{{json nested}}`",
        "{{#if (ge severity \"major\")}}bad{{/if}}{{#if (lt severity \"major\")}}fine{{/if}}{{#if (gt undefined \"minor\")}}?{{/if}}",
        "{{#if (eq severity \"CRITICAL\")}}same{{/if}} {{#if (eq many \"5\")}}five{{/if}} {{#if (ne missing \"x\")}}other{{/if}}",
        "{{#if (and severity (not missing))}}and{{/if}} {{#if (or missing empty)}}or{{else}}neither{{/if}}",
        "{{#if (gt missing 3)}}more{{else if (le many 5)}}at most{{else}}?{{/if}}",
        "{{#each list}}{{@index}}{{#if @last}}.{{else}}, {{/if}}{{/each}} {{#each list as |item at|}}{{at}}={{item}} {{/each}}",
        "{{#each missing}}x{{else}}none{{/each}} {{#each nested.k}}{{#if a}}{{a}} {{../text}}{{/if}}{{/each}}",
        "{{#each nested}}{{@key}}: {{len this}}{{/each}} {{#with nested}}{{k.[0]}}{{/with}} {{lookup list 1}}",
        "\\{{text}} {{!-- hidden {{x}} --}}{{! hidden }}shown",
    ]
    .into_iter()
    .map(|text| (text, body(text, values.clone()).unwrap_or_else(|error| format!("ERROR {error}"))))
    .collect();
    insta::assert_json_snapshot!("helpers", table);
}

#[test]
fn what_fails_on_an_event_says_where_and_why() {
    let values = json!({"title": "x", "word": "soon", "list": (0..300).collect::<Vec<_>>(), "time": "2026-09-14T12:00:00Z", "long": "x".repeat(50_000)});
    let front = "---\ntitle: \"a\"\n---\n";
    let table: Vec<(String, String)> = [
        "{{missing}}",
        "a\nb {{payload.custom.x}}",
        "{{upper missing}}",
        "{{#each missing}}{{/each}}",
        "{{#with missing}}{{/with}}",
        "{{#each list}}{{nope}}{{/each}}",
        "{{date word}}",
        "{{date time \"%!\"}}",
        "{{date time \"%H\" \"Mars/Base\"}}",
        "{{number word}}",
        "{{percent word}}",
        "{{plural list}}",
        "{{plural 3}}",
        "{{truncate title 0}}",
        "{{duration word}}",
        "{{duration 5 \"h\"}}",
        "{{icon}}",
        "{{lookup title}}",
        "{{#each list}}{{#each ../list}}{{#each ../../list}}{{/each}}{{/each}}{{/each}}",
        "{{#each list}}{{../long}}{{/each}}",
    ]
    .into_iter()
    .map(|text| (text.to_owned(), body(&format!("{front}{text}"), values.clone()).unwrap_err()))
    .collect();
    insta::assert_json_snapshot!("render-errors", table);
    let title = one("---\n# a comment\nlink: x\ntitle: \"a {{missing}}\"\n---\n").message("t", &facts(json!({})));
    assert_eq!(title.unwrap_err().message, "templates/t.md.hbs:4:11: 'missing' is not a fact of this event");
    let inner = Templates::compile(&[file("outer", "x\n{{> inner}}"), file("inner", "\n\n{{gone}}")]).unwrap();
    let error = inner.message("outer", &facts(json!({}))).unwrap_err();
    assert_eq!(error.message, "templates/inner.md.hbs:3:1: 'gone' is not a fact of this event");
    assert_eq!(inner.message("other", &facts(json!({}))).unwrap_err().message, "there is no template 'other'");
}

#[test]
fn what_is_no_template_is_refused_in_plain_words() {
    let deep = format!("{}x{}", "{{#if a}}".repeat(33), "{{/if}}".repeat(33));
    let chain = format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}".repeat(40));
    let brackets = format!("{{{{len {}a{}}}}}", "(len ".repeat(60), ")".repeat(60));
    let open = format!("{{{{len {}", "(len ".repeat(9_000));
    let long = "x".repeat(65 * 1024);
    let table: Vec<(String, String)> = [
        "a {{title b",
        "a {{title\nb {{project}}",
        "{{#if title}}\nx",
        "{{#if title}}\n{{#each list}}x{{/if}}",
        "{{/if}}",
        "{{else}}",
        "{{#if a}}{{else}}{{else}}{{/if}}",
        "{{}}",
        "{{ }}",
        "{{tite title}}",
        "{{uper title}}",
        "{{#iff title}}x{{/iff}}",
        "{{#eq a b}}x{{/eq}}",
        "{{#if}}x{{/if}}",
        "{{#if (uper title)}}x{{/if}}",
        "{{title}",
        "{{title \"x}}",
        "{{len (title}}",
        "{{len {a} }}",
        "{{payload.[odd}}",
        "{{payload.[it's]}}",
        "{{!-- never closed",
        "{{{{raw}}}}x{{{{/raw}}}}",
        "{{#*inline \"a\"}}{{> a}}{{/inline}}",
        "{{#> layout}}x{{/layout}}",
        "{{> @partial-block}}",
        "{{> (lookup . \"name\")}}",
        "{{> missing}}",
        "{{> t}}",
        "{{*decorate}}",
        "{{log title}}",
        "{{title..}}",
        "{{a b=}}",
        "---\ntitle: x\n",
        "---\ntitel: x\nlink: y\ncolour: z\nsubject: a\n---\n",
        "---\ntitle: {{title}}\n---\n",
        "---\ntitle: \"{{uper title}}\"\nfields:\n  A: \"{{#if x}}\"\n  B: \"x {{> t}}\"\n---\n{{nope x}}",
        "---\ntitle: a\ntitle: b\n---\n",
        "---\ntitle: [a, b]\nfields: x\n---\n",
        "---\n- a\n---\n",
        "---\ntitle: 'a\n---\n",
        "---\n\ttitle: a\n---\n",
        "---\nfields:\n  A: |\n    one\n    {{uper x}}\n---\n",
        &deep,
        &chain,
        &brackets,
        &open,
        &long,
    ]
    .into_iter()
    .map(|text| {
        let shown_text = if text.len() > 200 { format!("({} bytes)", text.len()) } else { text.to_owned() };
        let problems = Templates::compile(&[file("t", text)]).expect_err(&shown_text);
        (shown_text, shown(&problems))
    })
    .collect();
    insta::assert_json_snapshot!("template-problems", table);
}

#[test]
fn templates_may_include_each_other_but_not_in_a_circle_nor_without_end() {
    let chain = |depth: usize| -> Vec<TemplateFile> {
        (0..depth)
            .map(|at| {
                file(&format!("t{at}"), &if at + 1 < depth { format!("{{{{> t{}}}}}", at + 1) } else { "end".into() })
            })
            .collect()
    };
    let templates = Templates::compile(&chain(8)).unwrap();
    assert_eq!(plain(&templates.message("t0", &facts(json!({}))).unwrap().body), "end");
    let bomb: Vec<TemplateFile> = (0..8)
        .map(|at| file(&format!("t{at}"), &format!("{{{{> t{}}}}}", at + 1).repeat(10)))
        .chain([file("t8", "")])
        .collect();
    let table: Vec<(&str, String)> = [
        ("two", vec![file("a", "{{> b}}"), file("b", "x {{> a}}")]),
        (
            "three",
            vec![
                file("a", "{{> b}}"),
                file("b", "{{#if x}}{{> c}}{{/if}}"),
                file("c", "{{> a}}"),
                file("d", "{{> a}}"),
            ],
        ),
        ("itself", vec![file("a", "{{> a}}")]),
        (
            "vendor",
            vec![own("a", Kind::Slack, "{{> b}}"), own("b", Kind::Slack, "{{> a}}"), own("c", Kind::Teams, "{{> a}}")],
        ),
        ("deep", chain(9)),
        ("bomb", bomb),
        ("twice", vec![file("a", ""), file("a", "")]),
        ("near", vec![file("footer", ""), file("a", "{{> foter}}")]),
    ]
    .into_iter()
    .map(|(name, files)| (name, shown(&Templates::compile(&files).unwrap_err())))
    .collect();
    insta::assert_json_snapshot!("template-circles", table);
    assert!(Templates::compile(&chain(5_000)).is_err());
}

#[test]
fn the_deepest_template_renders_within_a_small_stack() {
    let level = |at: usize| {
        let inner = if at == 7 { "x".to_owned() } else { format!("{{{{> t{}}}}}", at + 1) };
        format!("{}{inner}{}", "{{#if a}}".repeat(32), "{{/if}}".repeat(32))
    };
    let files: Vec<TemplateFile> = (0..8).map(|at| file(&format!("t{at}"), &level(at))).collect();
    let render = move || {
        let templates = Templates::compile(&files).unwrap();
        plain(&templates.message("t0", &facts(json!({"a": 1}))).unwrap().body)
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(render).unwrap();
    assert_eq!(thread.join().unwrap(), "x");
}

#[test]
fn a_vendors_own_body_is_json_that_no_value_breaks() {
    let text = "{\"text\": \"{{title}}\", \"tags\": {{json tags}}, \"n\": {{cases}}, \"x\": \"{{upper title}}\"}";
    let hostile = "\"}, <!channel> [a](http://b) \\ *b* [~admin] \n\u{0} <at>x</at> &";
    let facts = facts(json!({"title": hostile, "tags": ["<!here>", {"k\"": 1}], "cases": 5}));
    for (_, kind) in Kind::WORDS {
        let templates = Templates::compile(&[own("t", kind, text)]).unwrap();
        let body = templates.own_body("t", kind, &facts).unwrap().unwrap();
        assert_eq!(body["n"], 5);
        insta::assert_json_snapshot!(format!("own-body.{}", kind.word()), body);
        assert!(templates.own_body("u", kind, &facts).is_none());
        assert_eq!(templates.message("t", &facts).unwrap(), Templates::built_in(&facts));
    }
    let templates = Templates::compile(&[own("t", Kind::Teams, "{\n\"a\": {{title}}\n}")]).unwrap();
    assert!(templates.own_body("t", Kind::Slack, &facts).is_none());
    let error = templates.own_body("t", Kind::Teams, &facts).unwrap().unwrap_err().message;
    assert!(
        error.starts_with("templates/t.teams.json.hbs renders to no valid JSON: expected value at line 2"),
        "{error}"
    );
    let templates = Templates::compile(&[own("t", Kind::Jira, "{\n  \"a\": \"{{gone}}\"}")]).unwrap();
    let error = templates.own_body("t", Kind::Jira, &facts).unwrap().unwrap_err().message;
    assert_eq!(error, "templates/t.jira.json.hbs:2:9: 'gone' is not a fact of this event");
    for raw in ["{{{title}}}", "{{&title}}", "{{~{title}~}}"] {
        let problems = Templates::compile(&[own("t", Kind::Slack, raw)]).unwrap_err();
        assert!(problems[0].message.contains("not allowed in a vendor's own body"), "{}", shown(&problems));
    }
}

#[test]
fn a_tree_of_fields_keeps_its_form() {
    let Value::Object(tree) = json!({
        "priority": "Highest",
        "labels": ["qase", "{{project}}", "{{tags}}", "{{missing}}", "{{empty}}", "x-{{id}}"],
        "points": "{{cases}}", "as text": "{{cases}} cases", "flag": true, "deep": {"a": ["{{title}}"]},
        "left out": "{{missing}}", "empty": "{{empty}}", "quoted": "{{json title}}"
    }) else {
        panic!()
    };
    let facts =
        facts(json!({"project": "PAY", "tags": ["a", "b"], "empty": "", "id": 7, "cases": 5, "title": "a \"b\"\n<c>"}));
    let templates = Templates::default();
    let fields = FieldTree::compile(&tree).unwrap().render(&templates, &facts).unwrap();
    assert_eq!(
        Value::Object(fields),
        json!({
            "priority": "Highest", "labels": ["qase", "PAY", "a", "b", "x-7"], "points": 5, "as text": "5 cases",
            "flag": true, "deep": {"a": ["a \"b\"\n<c>"]}, "quoted": "\"a \\\"b\\\"\\n<c>\""
        })
    );
    let Value::Object(tree) = json!({"a/b": ["x", "{{uper x}}"], "c": "{{> t}}", "d": "{{#if"}) else { panic!() };
    insta::assert_snapshot!("field-problems", shown(&FieldTree::compile(&tree).unwrap_err()));
    let Value::Object(tree) = json!({"a": "{{percent title}}"}) else { panic!() };
    let error = FieldTree::compile(&tree).unwrap().render(&templates, &facts).unwrap_err();
    assert_eq!(error.message, "/a: `percent`: a number such as 0.86 is needed, not \"a \\\"b\\\"\\n<c>\"");
}

#[test]
fn the_facts_a_template_reads_are_listed_with_their_lines() {
    let templates = Templates::compile(&[
        file("t", "---\ntitle: \"{{title}}\"\nfields:\n  A: \"{{upper (default b c)}}\"\n---\n{{payload.x.[0]}}\n{{#if d}}\n{{#each e}}{{f}}{{else}}{{g}}{{/each}}{{/if}} {{@root.h}} {{duration}}\n"),
        own("t", Kind::Slack, "\n{{i}}"),
    ])
    .unwrap();
    let used = templates.facts_used("t");
    let used: Vec<(&str, &str, usize)> =
        used.iter().map(|(fact, file, line)| (fact.as_str(), &file[12..], *line)).collect();
    assert_eq!(
        used,
        [
            ("title", "md.hbs", 2),
            ("b", "md.hbs", 4),
            ("c", "md.hbs", 4),
            ("payload", "md.hbs", 6),
            ("d", "md.hbs", 7),
            ("e", "md.hbs", 8),
            ("g", "md.hbs", 8),
            ("h", "md.hbs", 8),
            ("duration", "md.hbs", 8),
            ("i", "slack.json.hbs", 2),
        ]
    );
}

#[test]
fn long_values_are_cut_with_a_mark_and_do_not_fail() {
    let long = "word ".repeat(100_000);
    let message = one("{{x}}\n\n{{{x}}}").message("t", &facts(json!({"x": long}))).unwrap();
    let text = plain(&message.body);
    assert!(text.ends_with(markdown::SHORTENED));
    assert!(text.chars().count() < 100_000);
}

/// What a literal shows of `value` in a body: line ends as `\n`, no other control
/// characters but the tab, no blank lines at either end and one at most between.
fn as_shown(value: &str) -> String {
    let clean: String = value
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let mut text = clean.trim_matches('\n').to_owned();
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    if text.trim().is_empty() { String::new() } else { text }
}

fn any_text() -> impl Strategy<Value = String> {
    let markup = prop::sample::select(vec![
        "**",
        "_",
        "`",
        "```\n",
        "\n",
        "\r\n",
        "\n\n",
        "# ",
        "> ",
        "- ",
        "1. ",
        "[a](http://b)",
        "<!channel>",
        "<@U1>",
        "<at>x</at>",
        "|",
        "---\n",
        "\\",
        "&amp;",
        "{{x}}",
        "{{{x}}}",
        "http://x.example",
        "~~",
        "![i](http://i)",
        "    ",
        "\t",
        "\u{0}",
        "\u{F0041}",
        "\u{100000}",
        "😀",
    ]);
    prop::collection::vec(prop_oneof![markup.prop_map(str::to_owned), any::<String>(), "[a-z ]{0,8}"], 0..8)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_printed_value_is_its_text_and_nothing_else(value in any_text()) {
        let templates = one("---\ntitle: \"<{{x}}>\"\nfields:\n  F: \"<{{x}}>\"\n---\n{{x}}");
        let message = templates.message("t", &facts(json!({"x": value}))).unwrap();
        prop_assert!(message.body.len() <= 1);
        for block in &message.body {
            let Block::Paragraph(inlines) = block else { panic!("{block:?}") };
            prop_assert!(inlines.iter().all(|inline| matches!(inline, Inline::Text(_) | Inline::Break)), "{inlines:?}");
        }
        prop_assert_eq!(plain(&message.body), as_shown(&value));
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let clean: String = literal::shown(&value);
        prop_assert_eq!(&message.title, &line(&format!("<{clean}>")));
        prop_assert_eq!(&message.fields[0].value, &format!("<{clean}>"));
        prop_assert_eq!(literal::decode(&literal::encode(&value)), clean);
    }

    #[test]
    fn within_markup_a_value_stays_text(value in any_text()) {
        let templates = one("a **{{x}}** b `{{x}}` c [{{x}}](https://x.example) d\n\n- e {{x}}\n\n> f {{x}}\n\n| g {{x}} |\n|---|\n| h {{x}} |\n");
        let message = templates.message("t", &facts(json!({"x": value}))).unwrap();
        let shape: Vec<std::mem::Discriminant<Block>> = message.body.iter().map(std::mem::discriminant).collect();
        let expected = templates.message("t", &facts(json!({"x": "plain"}))).unwrap();
        let expected: Vec<std::mem::Discriminant<Block>> = expected.body.iter().map(std::mem::discriminant).collect();
        prop_assert_eq!(shape, expected);
        let json = serde_json::to_string(&message.body).unwrap();
        prop_assert_eq!(json.matches("\"url\":").count(), 1);
        prop_assert!(!json.chars().any(|c| ('\u{F0000}'..='\u{100000}').contains(&c)), "{}", json);
    }

    #[test]
    fn the_senders_own_markdown_never_panics_and_never_leads_astray(value in any_text()) {
        let message = one("{{{x}}}").message("t", &facts(json!({"x": value}))).unwrap();
        fn links(inlines: &[Inline], urls: &mut Vec<String>) {
            for inline in inlines {
                match inline {
                    Inline::Link { url, text } => {
                        urls.push(url.clone());
                        links(text, urls);
                    }
                    Inline::Strong(inner) | Inline::Emph(inner) | Inline::Strike(inner) => links(inner, urls),
                    _ => {}
                }
            }
        }
        let mut urls = Vec::new();
        for block in &message.body {
            if let Block::Paragraph(inlines) = block {
                links(inlines, &mut urls);
            }
        }
        for url in urls {
            prop_assert!(["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme)), "{}", url);
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(parts in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "{{{", "}}}", "{{#if x}}", "{{/if}}", "{{else}}", "{{else if y}}", "{{^}}", "{{#each l}}", "{{/each}}", "{{~", "~}}", "(", ")", "\"", "'",
        "[", "]", "x", " ", ".", "/", "../", "@index", "@root.", "this", "as |a b|", "=", "|", "\n", "---\n", "title: ", "fields:\n", "  A: ", "\\", "{{!--", "--}}",
        "{{! ", "{{> t}}", "{{>", "{{&", "{{*", "{{#*inline \"a\"}}", "{{#>", "upper ", "len ", "icon", "null", "true", "-1.5", "é", "{{x}}", "{{upper x}}",
    ]), 0..24)) {
        let text = parts.concat();
        if let Ok(templates) = Templates::compile(&[file("t", &text)]) {
            let _rendered = templates.message("t", &facts(json!({"x": "v", "l": [1, 2], "event": "a.b"})));
        }
        if let Ok(templates) = Templates::compile(&[own("t", Kind::Slack, &text)]) {
            let _rendered = templates.own_body("t", Kind::Slack, &facts(json!({"x": "v", "l": [1, 2]})));
        }
    }
}
