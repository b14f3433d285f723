//! Expressions without a rule around them.

use relaybell::domain::expression::{COMPILE_STACK_BYTES, Expression, Flaw, Kind, Over, Vocabulary};
use relaybell::domain::facts::Facts;
use relaybell::source::catalogue::FactKind;
use relaybell::source::qase::catalogue;
use serde_json::Value;

/// What rules may name.
pub fn words() -> Vocabulary {
    let kind = |kind| match kind {
        FactKind::Text | FactKind::Time => Kind::Text,
        FactKind::Number | FactKind::Duration => Kind::Number,
        FactKind::Flag => Kind::Flag,
        FactKind::List => Kind::List,
        FactKind::Object | FactKind::Any => Kind::Any,
    };
    Vocabulary {
        over: Over::Facts,
        facts: catalogue().facts().iter().map(|fact| (fact.name, kind(fact.kind))).collect(),
        duration: relaybell::config::duration,
    }
}

/// Compiles with the stack that compiling needs.
pub fn compile_with(source: &str, words: &Vocabulary) -> Result<Expression, Vec<Flaw>> {
    let (source, words) = (source.to_owned(), words.clone());
    let thread = std::thread::Builder::new().stack_size(COMPILE_STACK_BYTES);
    thread.spawn(move || Expression::compile(&source, &words)).unwrap().join().unwrap()
}

/// Compiles over the facts that rules may name.
pub fn compile(source: &str) -> Expression {
    compile_with(source, &words()).unwrap_or_else(|flaws| panic!("{source}: {flaws:?}"))
}

/// Facts by name.
pub fn facts(values: &Value) -> Facts {
    Facts { values: values.as_object().unwrap().clone(), ..Facts::default() }
}
