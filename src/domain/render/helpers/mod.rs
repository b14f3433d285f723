//! The helpers of templates.
//!
//! Each is a pure function from values to a value; [`Pure`] joins it to the template
//! library. A helper whose name is also a fact (`duration`) is that fact when it is
//! written without a value: `{{duration}}`.

mod compare;
mod each;
mod figures;
mod moments;
mod signs;
mod text;

pub(super) use signs::color;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
    ScopedJson,
};
use serde_json::Value;

use crate::domain::markdown::literal;
use crate::domain::time::Timestamp;

/// All helpers a template can call.
pub(super) const NAMES: &[&str] = &[
    "if", "unless", "each", "with", "lookup", "len", "and", "or", "not", "eq", "ne", "lt", "le", "lte", "gt", "ge",
    "gte", "icon", "color", "upper", "lower", "truncate", "default", "date", "ago", "duration", "number", "percent",
    "plural", "join", "json",
];

/// The helpers that are blocks.
pub(super) const BLOCKS: &[&str] = &["if", "unless", "each", "with"];

/// What a helper is given.
struct Args<'a> {
    values: Vec<Option<&'a Value>>,
    /// When the event happened, if that can be told.
    time: Option<Timestamp>,
}

impl<'a> Args<'a> {
    /// The value at `at`, unless it is missing or null.
    fn get(&self, at: usize) -> Option<&'a Value> {
        self.values.get(at).copied().flatten().filter(|value| !value.is_null())
    }

    /// The text of the value at `at`.
    fn text(&self, at: usize) -> Option<String> {
        self.get(at).map(plain)
    }

    /// The number at `at`; `what` says what is needed.
    fn number(&self, at: usize, what: &str) -> Result<f64, String> {
        let value = self.get(at).ok_or_else(|| format!("{what} is missing"))?;
        number(value).ok_or_else(|| format!("{what} is needed, not {}", shown(value)))
    }
}

/// What a missing first value means to a helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// The template fails: a fact it needs is not there.
    Fails,
    /// The helper has an answer.
    Fine,
}

/// From values to a value; an error says what is wrong with them.
type Call = fn(&Args<'_>) -> Result<Value, String>;

/// A helper as the template library knows it.
struct Pure {
    name: &'static str,
    missing: Missing,
    call: Call,
}

impl HelperDef for Pure {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        scope: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        if helper.params().is_empty() {
            let fact = scope.evaluate(context, self.name)?;
            let name = self.name.to_owned();
            return if fact.is_missing() { Err(RenderError::strict_error(Some(&name))) } else { Ok(fact) };
        }
        if self.missing == Missing::Fails
            && let Some(missing) = helper.params().iter().find(|param| param.is_value_missing())
        {
            return Err(RenderError::strict_error(missing.relative_path()));
        }
        let values = helper.params().iter().map(|param| (!param.is_value_missing()).then(|| param.value())).collect();
        let time = context.data().get("time").and_then(Value::as_str).and_then(Timestamp::parse);
        (self.call)(&Args { values, time })
            .map(ScopedJson::Derived)
            .map_err(|why| RenderErrorReason::Other(format!("`{}`: {why}", self.name)).into())
    }
}

/// Gives `registry` all helpers; takes away those of the library that write elsewhere.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    for name in ["log", "raw"] {
        registry.unregister_helper(name);
    }
    registry.register_helper("each", Box::new(each::Each));
    use Missing::{Fails, Fine};
    let helpers: [(&'static str, Missing, Call); 23] = [
        ("not", Fine, compare::not),
        ("eq", Fine, compare::eq),
        ("ne", Fine, compare::ne),
        ("lt", Fine, compare::lt),
        ("le", Fine, compare::le),
        ("lte", Fine, compare::le),
        ("gt", Fine, compare::gt),
        ("ge", Fine, compare::ge),
        ("gte", Fine, compare::ge),
        ("icon", Fine, signs::icon_of),
        ("color", Fine, signs::color_of),
        ("upper", Fails, text::upper),
        ("lower", Fails, text::lower),
        ("truncate", Fails, text::truncate),
        ("default", Fine, text::default),
        ("join", Fails, text::join),
        ("json", Fails, text::json),
        ("date", Fails, moments::date),
        ("ago", Fails, moments::ago),
        ("duration", Fails, moments::duration),
        ("number", Fails, figures::number_of),
        ("percent", Fails, figures::percent),
        ("plural", Fails, figures::plural),
    ];
    for (name, missing, call) in helpers {
        registry.register_helper(name, Box::new(Pure { name, missing, call }));
    }
}

/// `{{date time}}` where a message's body prints it: a moment for the reader's own zone. As
/// a value of another helper, and with a format or a zone of its own, it is text.
struct ReadersDate(Pure);

impl HelperDef for ReadersDate {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        scope: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        self.0.call_inner(helper, registry, context, scope)
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        scope: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = self.call_inner(helper, registry, context, scope)?;
        let text = plain(value.as_json());
        let only = (helper.params().len() == 1).then(|| helper.param(0)).flatten();
        let printed = match only.and_then(|param| moments::read(param.value())) {
            Some(at) => literal::moment(at, &text),
            None => literal::encode(&text),
        };
        out.write(&printed)?;
        Ok(())
    }
}

/// Gives `registry`, of the bodies of messages, dates in the reader's zone.
pub(super) fn register_moments(registry: &mut Handlebars<'static>) {
    let date = Pure { name: "date", missing: Missing::Fails, call: moments::date };
    registry.register_helper("date", Box::new(ReadersDate(date)));
}

/// A value as the text it is printed as; what has parts is JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A number, or text that is one.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// A value within an error message.
fn shown(value: &Value) -> String {
    const CHARS_MAX: usize = 40;
    let text = value.to_string();
    if text.chars().count() <= CHARS_MAX {
        return text;
    }
    text.chars().take(CHARS_MAX).chain(['…']).collect()
}
