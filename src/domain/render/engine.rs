//! Runs compiled templates: one registry for each form of output, bounded, with errors in
//! plain words.

use std::io;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderErrorReason, Renderable,
    Template,
};
use serde_json::{Map, Value};

use super::{escape, helpers};
use crate::domain::facts::Facts;
use crate::domain::markdown::{SHORTENED, literal};
use crate::domain::rule::Kind;

/// The most characters one template prints.
const OUTPUT_CHARS_MAX: usize = 256 * 1024;

/// The most steps one rendering takes; a turn of a loop costs as many as its body has parts.
const STEPS_MAX: usize = 20_000;

/// The longest text of a fact that a template sees, in characters: more than any
/// destination takes. The rest is left out, with a mark.
const VALUE_CHARS_MAX: usize = 40_000;

/// What a registry's templates print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Plain text: titles, fields.
    Text,
    /// Markdown, values as literals.
    Markdown,
    /// The JSON body of a vendor.
    Json(Kind),
}

/// Why a rendering failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The included template it failed in, if it was one.
    pub within: Option<String>,
    /// Line and column in the text that was compiled, if known.
    pub place: Option<(usize, usize)>,
    /// What went wrong.
    pub why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// A fact is not there.
    Missing(String),
    /// Something else, in words.
    Other(String),
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(fact) if fact.is_empty() => f.write_str("a value it needs is not in this event"),
            Self::Missing(fact) => write!(f, "'{fact}' is not a fact of this event"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// An empty registry for `form`.
pub(super) fn registry(form: Form) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    helpers::register(&mut registry);
    match form {
        Form::Text => registry.register_escape_fn(handlebars::no_escape),
        Form::Markdown => {
            registry.register_escape_fn(literal::encode);
            helpers::register_moments(&mut registry);
        }
        Form::Json(kind) => {
            registry.register_escape_fn(move |text| escape::in_json(kind, text));
            registry.register_helper("json", Box::new(JsonValue(kind)));
        }
    }
    registry
}

/// What templates see of `facts`.
pub(super) fn context(facts: &Facts) -> Context {
    context_of(&facts.values)
}

/// What templates see of `values`.
pub(super) fn context_of(values: &Map<String, Value>) -> Context {
    Context::from(Value::Object(values.iter().map(|(name, value)| (name.clone(), bounded(value))).collect()))
}

/// `value` with its long texts cut, and without what only a helper may print. No deeper than the JSON it was read from.
fn bounded(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let text = literal::without_marks(text);
            match text.char_indices().nth(VALUE_CHARS_MAX) {
                Some((end, _)) if text.len() > VALUE_CHARS_MAX => format!("{} {SHORTENED}", &text[..end]).into(),
                _ => text.into(),
            }
        }
        Value::Array(items) => items.iter().map(bounded).collect(),
        Value::Object(items) => Value::Object(
            items.iter().map(|(key, value)| (literal::without_marks(key).into_owned(), bounded(value))).collect(),
        ),
        other => other.clone(),
    }
}

/// Renders `template`.
pub(super) fn run(registry: &Handlebars<'static>, template: &Template, context: &Context) -> Result<String, Failure> {
    let mut out = Bounded { text: String::new(), chars: 0, steps: 0 };
    let mut scope = RenderContext::new(template.name.as_ref());
    match template.render(registry, context, &mut scope, &mut out) {
        Ok(()) => Ok(out.text),
        Err(error) => Err(Failure {
            within: error.template_name.clone(),
            place: error.line_no.zip(error.column_no),
            why: in_words(error.reason()),
        }),
    }
}

/// The value that `template` consists of, if it is one fact and nothing else, and that
/// fact is no text: so that a number stays a number where the form of a value matters.
pub(super) fn sole_value(template: &Template, context: &Context) -> Option<Value> {
    use handlebars::template::{Parameter, TemplateElement};
    let [TemplateElement::Expression(expression)] = template.elements.as_slice() else { return None };
    let Parameter::Path(_) = expression.name else { return None };
    let path = expression.name.as_name()?;
    if !expression.params.is_empty() || !expression.hash.is_empty() {
        return None;
    }
    let value = RenderContext::new(None).evaluate(context, path).ok()?;
    match value.as_json() {
        Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Some(value.as_json().clone()),
        _ => None,
    }
}

fn in_words(reason: &RenderErrorReason) -> Why {
    match reason {
        RenderErrorReason::MissingVariable(path) => Why::Missing(path.clone().unwrap_or_default()),
        RenderErrorReason::IOError(error) => Why::Other(error.to_string()),
        RenderErrorReason::ParamNotFoundForIndex(helper, at) => {
            Why::Other(format!("`{helper}` lacks its value number {}", at + 1))
        }
        other => Why::Other(other.to_string()),
    }
}

/// Takes output up to its limits.
struct Bounded {
    text: String,
    chars: usize,
    steps: usize,
}

impl Output for Bounded {
    fn write(&mut self, part: &str) -> Result<(), io::Error> {
        self.steps += 1;
        self.chars += part.chars().count();
        if self.steps > STEPS_MAX {
            return Err(io::Error::other(format!(
                "it takes more than {STEPS_MAX} steps: are there loops within loops?"
            )));
        }
        if self.chars > OUTPUT_CHARS_MAX {
            return Err(io::Error::other(format!("it prints more than {OUTPUT_CHARS_MAX} characters")));
        }
        self.text.push_str(part);
        Ok(())
    }
}

/// `json` within a vendor's body: the value as JSON, in its own right.
struct JsonValue(Kind);

impl HelperDef for JsonValue {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = helper.param(0).filter(|param| !param.is_value_missing());
        let Some(value) = value else {
            let path = helper.param(0).and_then(handlebars::PathAndJson::relative_path);
            return Err(handlebars::RenderError::strict_error(path));
        };
        out.write(&escape::json(self.0, value.value()).to_string())?;
        Ok(())
    }
}
