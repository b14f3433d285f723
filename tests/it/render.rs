//! Templates: what they say, what they refuse, and what no event can make them do.

mod problems;
mod properties;
mod shipped;

use relaybell::domain::facts::Facts;
use relaybell::domain::markdown;
use relaybell::domain::message::{Block, Color, Inline};
use relaybell::domain::render::{FieldTree, TemplateFile, TemplateProblem, Templates};
use relaybell::domain::rule::Kind;
use serde_json::{Value, json};

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
    Templates::compile(&[file("t", text)]).unwrap_or_else(|problems| panic!("{}", shown(&problems)))
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
        Inline::Moment { text, .. } => format!("<{text}>"),
        other => format!("{other:?}"),
    }
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
fn a_vendors_own_body_is_json_that_no_value_breaks() {
    let text = "{\"text\": \"{{title}}\", \"tags\": {{json tags}}, \"n\": {{cases}}, \"x\": \"{{upper title}}\"}";
    let hostile = "\"}, <!channel> [a](http://b) \\ *b* [~admin] \n\u{0} <at>x</at> &";
    let facts = facts(json!({"title": hostile, "tags": ["<!here>", {"k\"": 1}], "cases": 5}));
    // What a described destination gets stands in its description.
    for (_, kind) in Kind::WORDS.into_iter().filter(|(_, kind)| *kind != Kind::Rest) {
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
        error.starts_with("templates/t.teams.json.hbs:1:1: it renders to no valid JSON: expected value at line 2"),
        "{error}"
    );
    let templates = Templates::compile(&[own("t", Kind::Jira, "{\n  \"a\": \"{{gone}}\"}")]).unwrap();
    let error = templates.own_body("t", Kind::Jira, &facts).unwrap().unwrap_err().message;
    assert_eq!(error, "templates/t.jira.json.hbs:2:9: 'gone' is not a fact of this event");
    for raw in ["{{{title}}}", "{{&title}}", "{{~{title}~}}"] {
        let problems = Templates::compile(&[own("t", Kind::Slack, raw)]).unwrap_err();
        assert!(problems[0].message.contains("are not allowed here"), "{}", shown(&problems));
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
