//! `each`, as the library's own, but every turn counts against the budget of the
//! rendering: loops within loops end in an error, even those that print nothing.

use handlebars::{
    BlockContext, BlockParams, Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext,
    RenderError, Renderable, Template,
};
use serde_json::Value;

use crate::domain::render::syntax;

/// The block helper.
pub(super) struct Each;

/// How many steps it takes to render `template` once.
fn weight_of(template: &Template, registry: &Handlebars<'_>) -> usize {
    syntax::weight(template, &mut |name| registry.get_template(name).map_or(0, |inner| weight_of(inner, registry)))
}

impl HelperDef for Each {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        scope: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let Some((list, template)) = helper.param(0).zip(helper.template()) else { return Ok(()) };
        let turns = turns(list.value());
        if turns.is_empty() {
            return match helper.inverse() {
                Some(otherwise) => otherwise.render(registry, context, scope, out),
                None if list.is_value_missing() => Err(RenderError::strict_error(list.relative_path())),
                None => Ok(()),
            };
        }
        let path = list.context_path();
        let steps = weight_of(template, registry).max(1);
        scope.push_block(BlockContext::new());
        let last = turns.len() - 1;
        for (at, (key, value)) in turns.into_iter().enumerate() {
            for _ in 0..steps {
                out.write("")?;
            }
            if let Some(block) = scope.block_mut() {
                block.set_local_var("first", (at == 0).into());
                block.set_local_var("last", (at == last).into());
                block.set_local_var("index", at.into());
                block.set_local_var("key", key.clone());
                match path {
                    Some(path) => *block.base_path_mut() = [path.as_slice(), &[segment(&key)]].concat(),
                    None => block.set_base_value(value.clone()),
                }
                block.set_block_params(params(helper, path.is_some(), key, value)?);
            }
            template.render(registry, context, scope, out)?;
        }
        scope.pop_block();
        Ok(())
    }
}

/// The turns over `value`: index or key, and element.
fn turns(value: &Value) -> Vec<(Value, &Value)> {
    match value {
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.into(), item)).collect(),
        Value::Object(items) => items.iter().map(|(key, item)| (key.as_str().into(), item)).collect(),
        _ => Vec::new(),
    }
}

fn segment(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

/// The names that `as |item key|` gives.
fn params<'rc>(
    helper: &Helper<'rc>,
    by_path: bool,
    key: Value,
    value: &Value,
) -> Result<BlockParams<'rc>, RenderError> {
    let mut params = BlockParams::new();
    let (item, key_name) = match helper.block_param_pair() {
        Some((item, key)) => (Some(item), Some(key)),
        None => (helper.block_param(), None),
    };
    if let Some(item) = item {
        if by_path {
            params.add_path(item, Vec::new())?;
        } else {
            params.add_value(item, value.clone())?;
        }
    }
    if let Some(name) = key_name {
        params.add_value(name, key)?;
    }
    Ok(params)
}
