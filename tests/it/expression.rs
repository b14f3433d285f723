//! `where`: what expressions give, held against tables and against CEL's own interpreter.

use std::sync::Arc;

use cel::objects::Key;
use proptest::prelude::*;
use relaybell::domain::expression::{Kind, Over, Vocabulary};
use serde_json::{Value, json};

use crate::support::expressions::{compile, compile_with, facts};

fn an_event() -> Value {
    json!({
        "event": "run.completed", "project": "SHOP", "title": "Nightly Checkout", "severity": "critical",
        "priority": "low", "cases": 12, "passed": 11, "failed": 1, "blocked": "3", "pass_rate": 0.9166, "visible": true,
        "tags": ["smoke", "Release-7"], "age": 15_000, "changed": ["title"], "case_id": 214,
        "payload": { "x": { "y": 5, "none": null, "text": "a" }, "list": [1, 2.5, "z"], "odd key": [{ "z": "a" }],
            "empty": [], "mixed": [1, "a", null, { "k": true }], "flag": false, "number": "7.5" },
    })
}

/// What an expression gives: `true`, `false`, or why it gives nothing.
fn gives(source: &str, event: &Value) -> String {
    match compile(source).eval(&facts(event)) {
        Ok(held) => held.to_string(),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn expressions_give_what_they_say() {
    for (source, wanted) in [
        // Numbers are numbers, with a decimal point or without.
        ("passed / cases > 0.9", "true"),
        ("passed / cases > 0.92", "false"),
        ("failed + 1.5 == 2.5", "true"),
        ("1 / 2 * cases == 6", "true"),
        ("cases == 12.0 && cases >= 12u", "true"),
        ("-failed < 0 && 7 % 4 == cases - 9", "true"),
        ("size(tags) + 1 == 3", "true"),
        ("payload.list[0] + payload.list[1] == 3.5", "true"),
        ("payload.list[failed] == 2.5", "true"),
        ("failed > 0.1 ? cases > 10 : cases > 100", "true"),
        ("blocked + 1 == 4", "true"),
        ("double(payload.number) > 7 && int(payload.number) == 7 && string(cases) == \"12\"", "true"),
        // Text has regard to case.
        ("title.startsWith(\"Nightly\") && !title.startsWith(\"nightly\")", "true"),
        ("lower(title) == \"nightly checkout\" && upper(project) == project", "true"),
        ("title.endsWith('out') && title.contains(\"Check\") && title.matches(\"^Night.y\")", "true"),
        ("title < \"O\" && title > \"M\" && title >= \"Nightly\"", "true"),
        ("project in [\"PAY\", \"SHOP\"]", "true"),
        ("project + \"!\" == \"SHOP!\"", "true"),
        ("size(title) == 16", "true"),
        ("title.matches(r\"\\w+ \\w+\")", "true"),
        // Ranks.
        ("rank(severity) >= rank(\"critical\") && rank(severity) < rank(\"blocker\")", "true"),
        ("rank(priority) > rank(\"low\")", "false"),
        ("severity in [\"blocker\", \"critical\"] && severity != \"minor\"", "true"),
        // Lists.
        ("\"smoke\" in tags && !(\"Smoke\" in tags)", "true"),
        ("tags.exists(t, lower(t).startsWith(\"release\"))", "true"),
        ("tags.all(t, size(t) > 4)", "true"),
        ("tags.exists_one(t, t == \"smoke\")", "true"),
        ("size(tags.filter(t, t != \"smoke\")) == 1", "true"),
        ("\"release-7\" in tags.map(t, lower(t))", "true"),
        ("tags + [\"x\"] == [\"smoke\", \"Release-7\", \"x\"]", "true"),
        ("payload.empty.all(x, x > 1) && !payload.empty.exists(x, true)", "true"),
        ("payload.list.exists(a, tags.exists(t, t == \"smoke\" && a == \"z\"))", "true"),
        ("\"title\" in changed", "true"),
        // Presence.
        ("has(environment)", "false"),
        ("has(title) && has(payload.x.y) && has(payload.list[2]) && has(payload[\"odd key\"][0].z)", "true"),
        ("has(payload.x.none) || has(payload.q.r.s) || has(payload.list[3]) || has(title.x)", "'title' has no parts"),
        ("has(payload.x.none) || has(payload.q.r.s) || has(payload.list[3]) || has(payload.x.y.z)", "false"),
        ("\"x\" in payload && !(\"q\" in payload)", "true"),
        ("has(environment) && environment == \"live\"", "false"),
        ("!has(environment) || environment == \"live\"", "true"),
        ("environment == \"live\" || cases > 1", "true"),
        ("environment == \"live\" && cases > 100", "false"),
        ("payload.mixed.exists(x, x == \"a\")", "true"),
        ("payload.mixed.all(x, x > 5)", "false"),
        // Durations.
        ("age > duration(\"4h\") && age > 4 * 3600 && age < duration(\"5h\")", "true"),
        // What gives nothing says why.
        ("environment == \"live\"", "'environment' is missing"),
        ("environment == \"live\" || cases > 100", "'environment' is missing"),
        ("payload.x.none == 1", "'payload.x.none' is missing"),
        ("payload.list[9] == 1", "'payload.list[9]' is missing"),
        ("payload.list[failed + 7] == 1", "the list has no element [8]"),
        ("payload.x.y && true", "'&&' needs true or false, not a number"),
        ("payload.x.text > 1", "'>' cannot take text and a number"),
        ("payload.x + 1 > 1", "'+' cannot take an object and a number"),
        ("cases / (failed - 1) > 1", "'/' divides by zero"),
        ("cases % (failed - 1) > 1", "'%' divides by zero"),
        ("payload.x.y", "it gives a number, not true or false"),
        ("payload.x.text.startsWith(payload.x.y)", "'startsWith' needs text, not a number"),
        ("double(payload.x.text) > 1", "'double' cannot read a number from this text"),
        ("payload.list.all(x, x > 0)", "'>' cannot take text and a number"),
        ("payload.x.all(x, x > 0)", "only a list can be looked through, not an object"),
        ("1e308 * 1e308 * cases > 1", "a number became too large"),
    ] {
        let given = match compile_with(source, &crate::support::expressions::words()) {
            Ok(_) => gives(source, &an_event()),
            Err(flaws) => flaws[0].message.clone(),
        };
        assert_eq!(given, wanted, "{source}");
    }
}

#[test]
fn a_word_without_rank_is_neither_above_nor_below() {
    let event = json!({ "severity": "undefined" });
    for source in ["rank(severity) >= rank(\"trivial\")", "rank(severity) < rank(\"blocker\")"] {
        assert_eq!(gives(source, &event), "false", "{source}");
    }
}

#[test]
fn an_expression_knows_the_facts_it_reads() {
    let expression = compile("payload.a[0][\"odd key\"] == title && has(payload.b) && tags.exists(t, t == title)");
    let reads: Vec<String> = expression.reads().iter().map(ToString::to_string).collect();
    assert_eq!(reads, ["payload.a[0].odd key", "title", "payload.b", "tags"]);
}

/// A number as it stands in an expression, and its value.
fn number() -> impl Strategy<Value = (String, f64)> {
    prop_oneof![
        (0_u32..1_000_000).prop_map(|number| (number.to_string(), f64::from(number))),
        (0_u32..1_000_000, 1_u32..1000).prop_map(|(number, parts)| {
            let number = f64::from(number) / f64::from(parts);
            (format!("{number:?}"), number)
        }),
    ]
}

/// A sum of numbers as text, and what it comes to.
fn sum() -> impl Strategy<Value = (String, f64)> {
    number().prop_recursive(4, 12, 2, |inner| {
        (inner.clone(), prop::sample::select(vec!["+", "-", "*", "/"]), inner).prop_map(
            |((left, a), sign, (right, b))| {
                let value = match sign {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    _ => a / b,
                };
                (format!("({left} {sign} {right})"), value)
            },
        )
    })
}

/// What a generated part should be; now and then it is something else at run time.
#[derive(Debug, Clone, Copy)]
enum Sort {
    Flag,
    Number,
    Text,
    List,
}

fn leaf(sort: Sort) -> BoxedStrategy<String> {
    let words: &[&str] = match sort {
        Sort::Flag => &["f", "true", "false", "has(o.k)", "has(o.q)", "missing", "x"],
        Sort::Number => &["n", "m", "o.k", "2.0", "0.5", "x", "missing"],
        Sort::Text => &["t", "u", "o.t", "\"a\"", "\"ab\"", "o.none", "x", "n"],
        Sort::List => &["l", "[1.0, 2.5]", "[\"a\", \"b\"]", "[true, f]", "[n, t]", "l", "t"],
    };
    prop::sample::select(words.to_vec()).prop_map(str::to_owned).boxed()
}

/// An expression that CEL knows as well; `x` is known within `all` and its like alone.
fn cel_expression(sort: Sort, depth: u32) -> BoxedStrategy<String> {
    if depth == 0 {
        return leaf(sort);
    }
    let part = |sort| cel_expression(sort, depth - 1);
    let infix = |left: BoxedStrategy<String>, signs: &[&'static str], right: BoxedStrategy<String>| {
        let sign = prop::sample::select(signs.to_vec());
        (left, sign, right).prop_map(|(left, sign, right)| format!("({left} {sign} {right})"))
    };
    let choice = (part(Sort::Flag), part(sort), part(sort)).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})"));
    match sort {
        Sort::Flag => {
            let any = prop_oneof![Just(Sort::Number), Just(Sort::Text), Just(Sort::List), Just(Sort::Flag)];
            let equal = any.clone().prop_flat_map(move |sort| {
                (cel_expression(sort, depth - 1), prop::bool::ANY, cel_expression(sort, depth - 1))
                    .prop_map(|(a, same, b)| format!("({a} {} {b})", if same { "==" } else { "!=" }))
            });
            let within = any.prop_flat_map(move |sort| {
                (cel_expression(sort, depth - 1), cel_expression(Sort::List, depth - 1))
                    .prop_map(|(a, b)| format!("({a} in {b})"))
            });
            let method = prop::sample::select(vec!["startsWith", "endsWith", "contains"]);
            let each = prop::sample::select(vec!["all", "exists", "exists_one"]);
            prop_oneof![
                4 => infix(part(sort), &["&&", "||"], part(sort)),
                2 => infix(part(Sort::Number), &["<", "<=", ">", ">="], part(Sort::Number)),
                1 => infix(part(Sort::Text), &["<", "<=", ">", ">="], part(Sort::Text)),
                2 => equal,
                1 => within,
                1 => part(sort).prop_map(|a| format!("!({a})")),
                1 => (part(Sort::Text), method, part(Sort::Text)).prop_map(|(a, name, b)| format!("({a}).{name}({b})")),
                3 => (part(Sort::List), each, part(sort)).prop_map(|(a, name, b)| format!("({a}).{name}(x, {b})")),
                1 => part(Sort::List).prop_map(|a| format!("(size({a}) > 1)")),
                1 => choice,
                1 => leaf(sort),
            ]
            .boxed()
        }
        Sort::Number => prop_oneof![
            infix(part(sort), &["+", "-", "*"], part(sort)),
            part(sort).prop_map(|a| format!("-({a})")),
            choice,
            leaf(sort),
        ]
        .boxed(),
        Sort::Text => prop_oneof![infix(part(sort), &["+"], part(sort)), choice, leaf(sort)].boxed(),
        Sort::List => prop_oneof![
            infix(part(sort), &["+"], part(sort)),
            (part(sort), part(Sort::Flag)).prop_map(|(a, b)| format!("({a}).filter(x, {b})")),
            (part(sort), part(Sort::Text)).prop_map(|(a, b)| format!("({a}).map(x, {b})")),
            leaf(sort),
            leaf(sort),
        ]
        .boxed(),
    }
}

/// The value as CEL's own interpreter takes it: all numbers are decimals.
fn as_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(*flag),
        Value::Number(number) => cel::Value::Float(number.as_f64().unwrap()),
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(as_cel).collect())),
        Value::Object(parts) => {
            let parts = parts.iter().map(|(key, value)| (Key::from(key.as_str()), as_cel(value)));
            cel::Value::Map(cel::objects::Map { map: Arc::new(parts.collect()) })
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn arithmetic_is_that_of_decimals((source, value) in sum(), cases in 0_u32..10) {
        prop_assume!(value.is_finite() && !source.contains("/ 0"));
        // Nothing in between may have been without bounds either.
        let text = format!("{source} + cases == payload.wanted && {source} - cases <= payload.wanted");
        let event = json!({ "cases": cases, "payload": { "wanted": value + f64::from(cases) } });
        let outcome = compile(&text).eval(&facts(&event));
        prop_assert!(outcome == Ok(true) || outcome.as_ref().is_err_and(|why| why.to_string().contains("zero")), "{} {:?}", text, outcome);
    }

    #[test]
    fn expressions_mean_what_cel_means(
        source in (1_u32..5).prop_flat_map(|depth| cel_expression(Sort::Flag, depth)),
        n in prop::sample::select(vec![json!(0), json!(2), json!(2.5)]),
        t in prop::sample::select(vec!["a", "ab", ""]),
        list in prop::sample::select(vec![json!([]), json!([2, "a"]), json!(["a", "ab"]), json!([true])]),
    ) {
        let event = json!({ "n": n, "m": 2, "t": t, "u": "b", "f": true, "l": list, "o": { "k": 2, "t": "a" } });
        let names = ["n", "m", "t", "u", "f", "l", "o", "missing"];
        let words = Vocabulary { over: Over::Facts, facts: names.map(|name| (name, Kind::Any)).to_vec(), duration: relaybell::config::duration };
        // What can only be wrong is refused; CEL would say so when it runs.
        let Ok(expression) = compile_with(&source, &words) else { return Ok(()) };
        let ours = expression.eval(&facts(&event));
        let event = event.as_object().unwrap().clone();
        let theirs = std::thread::Builder::new().stack_size(64 << 20).spawn({
            let source = source.clone();
            move || {
                let mut context = cel::Context::default();
                for (name, value) in &event {
                    context.add_variable_from_value(name.as_str(), as_cel(value));
                }
                cel::Program::compile(&source).unwrap().execute(&context).map_err(|error| error.to_string())
            }
        }).unwrap().join().unwrap();
        match (&ours, &theirs) {
            (Ok(ours), Ok(cel::Value::Bool(theirs))) => prop_assert_eq!(ours, theirs, "{}", source),
            (Err(_), Err(_)) => {}
            (Err(_), Ok(other)) => prop_assert!(!matches!(other, cel::Value::Bool(_)), "{}: {:?} but {:?}", source, ours, other),
            (Ok(_), other) => prop_assert!(false, "{}: {:?} but {:?}", source, ours, other),
        }
    }
}
