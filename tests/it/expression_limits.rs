//! Whatever stands in a rule and whatever comes in, an expression takes bounded time and
//! stack.

use std::time::{Duration, Instant};

use relaybell::config::Secrets;
use relaybell::domain::expression::Expression;
use relaybell::domain::facts::Facts;
use serde_json::{Value, json};

use crate::diagnose::{base, load};
use crate::support::expressions::{compile, facts};

/// The longest that one expression may take here, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Loads a rule with this `where` the way `serve` does, on a small stack.
fn loads(source: &str) -> Result<(), String> {
    let text = serde_json::to_string(source).unwrap();
    let rules = format!(
        "rules:\n  - name: a\n    when: {{ event: run.completed }}\n    where: {text}\n    send: [{{ to: qa-blockers }}]\n"
    );
    on_a_small_stack(move || {
        let began = Instant::now();
        let loaded = load(&base().with("rules/a.yaml", rules), Secrets::Leave).map(drop);
        assert!(began.elapsed() < PATIENCE, "compiling took {:?}", began.elapsed());
        loaded.map_err(|found| found.0[0].message.clone())
    })
}

/// Runs on the stack that a worker of the server has.
fn on_a_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap()
}

/// Evaluates on a small stack, and says how.
fn evaluated(expression: &Expression, facts: &Facts) -> String {
    let (expression, facts) = (expression.clone(), facts.clone());
    on_a_small_stack(move || {
        let began = Instant::now();
        let outcome = expression.eval(&facts);
        assert!(began.elapsed() < PATIENCE, "{} took {:?}", expression.source(), began.elapsed());
        outcome.map_or_else(|why| why.to_string(), |held| held.to_string())
    })
}

/// An event with a body of about a megabyte.
fn a_large_event() -> Facts {
    let list: Vec<Value> = (0..250_000).map(|n| json!(n % 10)).collect();
    let words: Vec<Value> = (0..20_000).map(|n| json!(format!("a word of a list, number {n}"))).collect();
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!([deep]);
    }
    facts(&json!({
        "cases": 3, "title": "x".repeat(200),
        "payload": { "l": list, "m": list, "w": words, "text": "ab".repeat(500_000), "deep": deep, "deeper": [deep] },
    }))
}

#[test]
fn no_expression_is_too_much_for_the_loader() {
    for (source, part) in [
        ("(".repeat(4000), "nest deeper"),
        ("[".repeat(16) + "cases" + &"]".repeat(16) + " == payload.x", ""),
        ("(".repeat(16) + "cases" + &")".repeat(16) + " > 1", ""),
        ("!".repeat(190) + "visible", ""),
        ("-".repeat(190) + "cases > 1", ""),
        ("! ".repeat(2000) + "visible", "more than 200"),
        (vec!["cases"; 60].join(" + ") + " > 1", ""),
        (vec!["cases"; 190].join(" + ") + " > 1", "nests deeper"),
        ("payload".to_owned() + &".x".repeat(190) + " == 1", ""),
        ("payload".to_owned() + &"[0]".repeat(190) + " == 1", ""),
        (vec!["visible"; 400].join(" || "), ""),
        (vec!["visible"; 400].join(" && "), ""),
        ("cases > 1 ? true : ".repeat(66) + "false", "nests too deep"),
        ("cases > 1 ? true : ".repeat(30) + "false", ""),
        ("lower(".repeat(15) + "title" + &")".repeat(15) + " == title", ""),
        ("payload".to_owned() + &".map(x, x".repeat(15) + &")".repeat(15) + " == payload.y", ""),
        ("title == \"".to_owned() + &"x".repeat(4000) + "\"", ""),
        ("title in [".to_owned() + &vec!["\"a\""; 900].join(",") + "]", ""),
        ("a ".repeat(2000), ""),
        ("1 ? 2 : ".repeat(180), ""),
        ("\u{1f980}".repeat(1000), ""),
        ("x.".repeat(190), ""),
    ] {
        let outcome = loads(&source).err().unwrap_or_default();
        assert!(outcome.contains(part), "{}: {outcome}", source.chars().take(60).collect::<String>());
    }
}

#[test]
fn no_event_is_too_much_for_an_expression() {
    let large = a_large_event();
    let spent = "it is too much work for an event of this size";
    let sums = vec!["payload.text"; 60].join(" + ");
    let deep = "title.contains(\"y\") || ".repeat(60) + "cases > 1";
    let nested = "(".repeat(14) + "cases" + &" + 1)".repeat(14) + " > 1";
    for (source, wanted) in [
        ("payload.l.all(x, x in payload.l)", spent),
        ("payload.l.all(x, x >= 0)", spent),
        ("payload.l.all(x, x < 9)", "false"),
        ("payload.w.exists(x, payload.w.exists(y, x + y == \"\"))", spent),
        ("payload.l.map(x, payload.l.map(y, x + y)) == payload.l", spent),
        ("payload.l == payload.m", spent),
        ("payload.l + payload.m == payload.l", spent),
        ("payload.text.matches(\"(a|b)*c\")", spent),
        ("payload.w.all(x, x.matches(\"[a-z ]+, number [0-9]+\"))", spent),
        ("payload.text.contains(\"c\")", "false"),
        ("payload.deep == payload.deeper", "the lists nest too deep to be compared"),
        ("lower(upper(lower(upper(payload.text)))) == \"\"", spent),
        ("payload.w.map(x, x + payload.text).exists(x, x == \"\")", spent),
        ("[payload.text + \"x\"].exists(a, payload.l.all(n, [a, a, a, a, a, a, a] != [n]))", spent),
        (sums.as_str(), spent),
        (deep.as_str(), "true"),
        (nested.as_str(), "true"),
    ] {
        let source = if source == sums { format!("{source} == \"\"") } else { source.to_owned() };
        assert_eq!(evaluated(&compile(&source), &large), wanted, "{}", source.chars().take(80).collect::<String>());
    }
}

#[test]
fn the_deepest_expression_fits_a_small_stack() {
    let mut deep = "cases".to_owned();
    for n in 0..61 {
        deep = if n % 12 == 0 { format!("({deep} + 1)") } else { format!("{deep} + 1") };
    }
    assert_eq!(evaluated(&compile(&format!("{deep} > 1")), &a_large_event()), "true");
    let each = "payload.deeper.exists(x, ".repeat(13) + "x == 1" + &")".repeat(13);
    assert_eq!(evaluated(&compile(&each), &a_large_event()), "false");
}
