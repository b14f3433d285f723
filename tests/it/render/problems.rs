//! What is wrong with a template, in the words its author reads.

use relaybell::domain::render::{TemplateFile, Templates};
use relaybell::domain::rule::Kind;
use serde_json::json;

use super::{body, facts, file, one, own, plain, shown};

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
