//! From text to a checked template: whatever is wrong with it is said here, at load.

use handlebars::Template;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Path, TemplateError, TemplateErrorReason};

use super::helpers;
use super::scan::{Raw, scan};

/// The longest template, in bytes.
pub(super) const TEMPLATE_BYTES_MAX: usize = 64 * 1024;

/// What is wrong with a text, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
    pub help: Option<String>,
}

/// The problem at byte `at` of `text`.
pub(super) fn problem(text: &str, at: usize, message: String, help: Option<String>) -> Problem {
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Problem { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1, message, help }
}

/// Compiles `text`, called `name` where other templates can include it.
pub(super) fn compile(name: Option<&str>, text: &str, raw: Raw) -> Result<Template, Vec<Problem>> {
    if text.len() > TEMPLATE_BYTES_MAX {
        let message = format!("the template is longer than {} KiB", TEMPLATE_BYTES_MAX / 1024);
        return Err(vec![problem(text, 0, message, None)]);
    }
    scan(text, raw).map_err(|problem| vec![problem])?;
    let compiled = match name {
        Some(name) => Template::compile_with_name(text, name.to_owned()),
        None => Template::compile(text),
    };
    let template = compiled.map_err(|error| vec![in_words(text, &error)])?;
    let mut check = Check { found: Vec::new() };
    check.template(&template, (1, 1));
    if check.found.is_empty() { Ok(template) } else { Err(check.found) }
}

/// The library's complaint in plain words.
fn in_words(text: &str, error: &TemplateError) -> Problem {
    let (line, column) = error.pos().unwrap_or((1, 1));
    let (message, help) = match error.reason() {
        TemplateErrorReason::InvalidParam(param) => (format!("{param} cannot stand here"), None),
        _ => {
            let here = text.lines().nth(line - 1).map_or("", |line| line.trim());
            let shown: String = here.chars().take(60).collect();
            (
                format!("this is no expression that Handlebars knows: {shown}"),
                Some("an expression is `{{fact}}`, `{{helper fact}}` or `{{#if fact}}…{{/if}}`".to_owned()),
            )
        }
    };
    Problem { line, column, message, help }
}

/// Looks for helpers that do not exist.
struct Check {
    found: Vec<Problem>,
}

impl Check {
    fn template(&mut self, template: &Template, outer: (usize, usize)) {
        for (at, element) in template.elements.iter().enumerate() {
            let place = template.mapping.get(at).map_or(outer, |place| (place.0, place.1));
            match element {
                TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
                    self.expression(helper, place);
                }
                TemplateElement::HelperBlock(helper) => self.block(helper, place),
                TemplateElement::PartialExpression(partial) => {
                    partial.params.iter().chain(partial.hash.values()).for_each(|one| self.parameter(one, place));
                }
                _ => {}
            }
        }
    }

    fn expression(&mut self, helper: &HelperTemplate, place: (usize, usize)) {
        if !helper.params.is_empty() || !helper.hash.is_empty() {
            self.known(&helper.name, helpers::NAMES, place);
        } else if let Parameter::Subexpression(_) = &helper.name {
            self.parameter(&helper.name, place);
        }
        helper.params.iter().chain(helper.hash.values()).for_each(|one| self.parameter(one, place));
    }

    fn block(&mut self, helper: &HelperTemplate, place: (usize, usize)) {
        let name = helper.name.as_name().unwrap_or_default();
        if helpers::NAMES.contains(&name) && !helpers::BLOCKS.contains(&name) {
            self.add(
                place,
                format!("`{name}` is no block"),
                Some(format!("write `{{{{#if ({name} …)}}}}…{{{{/if}}}}`")),
            );
        } else {
            self.known(&helper.name, helpers::BLOCKS, place);
        }
        if helper.params.is_empty() && helpers::BLOCKS.contains(&name) {
            self.add(
                place,
                format!("`{{{{#{name}}}}}` lacks what it is about"),
                Some(format!("write `{{{{#{name} fact}}}}`")),
            );
        }
        helper.params.iter().chain(helper.hash.values()).for_each(|one| self.parameter(one, place));
        for inner in [&helper.template, &helper.inverse].into_iter().flatten() {
            self.template(inner, place);
        }
    }

    fn parameter(&mut self, parameter: &Parameter, place: (usize, usize)) {
        if let Parameter::Subexpression(inner) = parameter
            && let TemplateElement::Expression(helper) = inner.as_element()
        {
            self.known(&helper.name, helpers::NAMES, place);
            helper.params.iter().chain(helper.hash.values()).for_each(|one| self.parameter(one, place));
        }
    }

    fn known(&mut self, name: &Parameter, known: &[&str], place: (usize, usize)) {
        let name = name.as_name().unwrap_or_default();
        if !known.contains(&name) {
            let help = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            self.add(place, format!("there is no helper `{name}`"), help);
        }
    }

    fn add(&mut self, (line, column): (usize, usize), message: String, help: Option<String>) {
        self.found.push(Problem { line, column, message, help });
    }
}

/// The name of `known` that `name` most likely is a slip of.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, known)| *distance <= 1.max(known.chars().count() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The names of the templates that `template` includes, each with its place.
pub(super) fn included(template: &Template) -> Vec<(String, usize, usize)> {
    let mut names = Vec::new();
    visit(template, (1, 1), &mut |element, (line, column)| {
        if let TemplateElement::PartialExpression(partial) = element
            && let Some(name) = partial.name.as_name()
        {
            names.push((name.to_owned(), line, column));
        }
    });
    names
}

/// The facts that `template` reads, each with its line: first steps of paths, apart from
/// those within `each` and `with`, which read parts of something else.
pub(super) fn facts(template: &Template) -> Vec<(String, usize)> {
    let mut facts = Vec::new();
    facts_of(template, 1, &mut facts);
    facts
}

fn facts_of(template: &Template, outer: usize, facts: &mut Vec<(String, usize)>) {
    for (at, element) in template.elements.iter().enumerate() {
        let line = template.mapping.get(at).map_or(outer, |place| place.0);
        match element {
            TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
                facts_of_helper(helper, line, facts);
            }
            TemplateElement::HelperBlock(helper) => {
                facts_of_helper(helper, line, facts);
                let same_scope = !matches!(helper.name.as_name(), Some("each" | "with"));
                let inner = helper.template.iter().filter(|_| same_scope);
                inner.chain(&helper.inverse).for_each(|inner| facts_of(inner, line, facts));
            }
            _ => {}
        }
    }
}

fn facts_of_helper(helper: &HelperTemplate, line: usize, facts: &mut Vec<(String, usize)>) {
    if helper.params.is_empty() && helper.hash.is_empty() {
        facts_of_parameter(&helper.name, line, facts);
    }
    helper.params.iter().chain(helper.hash.values()).for_each(|one| facts_of_parameter(one, line, facts));
}

fn facts_of_parameter(parameter: &Parameter, line: usize, facts: &mut Vec<(String, usize)>) {
    match parameter {
        Parameter::Path(Path::Relative((_, raw))) => {
            let raw = raw.trim_start_matches("@root.").trim_start_matches("@root/").trim_start_matches("this.");
            let name = raw.split(['.', '/', '[']).next().unwrap_or_default();
            if !name.is_empty() && name != "this" {
                facts.push((name.to_owned(), line));
            }
        }
        Parameter::Subexpression(inner) => {
            if let TemplateElement::Expression(helper) = inner.as_element() {
                facts_of_helper(helper, line, facts);
            }
        }
        _ => {}
    }
}

/// All paths that `template` reads, as their steps, those within `each` and `with` too.
pub(super) fn paths(template: &Template) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    visit(template, (1, 1), &mut |element, _| match element {
        TemplateElement::Expression(helper)
        | TemplateElement::HtmlExpression(helper)
        | TemplateElement::HelperBlock(helper) => paths_of_helper(helper, &mut paths),
        _ => {}
    });
    paths
}

fn paths_of_helper(helper: &HelperTemplate, paths: &mut Vec<Vec<String>>) {
    if helper.params.is_empty() && helper.hash.is_empty() {
        paths_of_parameter(&helper.name, paths);
    }
    helper.params.iter().chain(helper.hash.values()).for_each(|one| paths_of_parameter(one, paths));
}

fn paths_of_parameter(parameter: &Parameter, paths: &mut Vec<Vec<String>>) {
    match parameter {
        Parameter::Path(Path::Relative((_, raw))) => {
            let path = steps(raw);
            if !path.is_empty() && !paths.contains(&path) {
                paths.push(path);
            }
        }
        Parameter::Subexpression(inner) => {
            if let TemplateElement::Expression(helper) = inner.as_element() {
                paths_of_helper(helper, paths);
            }
        }
        _ => {}
    }
}

/// The steps of a path: `payload.[odd name].x` has three. Where it begins does not matter.
fn steps(raw: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut rest = raw;
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((step, after)) => (step, after),
            None => rest.split_at(rest.find(['.', '/', '[']).unwrap_or(rest.len())),
        };
        if !matches!(step, "" | "this" | "@root") {
            steps.push(step.to_owned());
        }
        rest = after.strip_prefix(['.', '/']).unwrap_or(after);
    }
    steps
}

/// Calls `see` for every element of `template`, inner ones included.
fn visit<'t>(template: &'t Template, outer: (usize, usize), see: &mut dyn FnMut(&'t TemplateElement, (usize, usize))) {
    for (at, element) in template.elements.iter().enumerate() {
        let place = template.mapping.get(at).map_or(outer, |place| (place.0, place.1));
        see(element, place);
        if let TemplateElement::HelperBlock(helper) = element {
            for inner in [&helper.template, &helper.inverse].into_iter().flatten() {
                visit(inner, place, see);
            }
        }
    }
}

/// How many steps it takes to render `template` once, loops counted once and templates it
/// includes as `weight_of` says.
pub(super) fn weight(template: &Template, weight_of: &mut dyn FnMut(&str) -> usize) -> usize {
    let mut weight = 0_usize;
    visit(template, (1, 1), &mut |element, _| {
        weight = weight.saturating_add(match element {
            TemplateElement::PartialExpression(partial) => {
                INCLUDE_WEIGHT.saturating_add(partial.name.as_name().map_or(0, &mut *weight_of))
            }
            _ => 1,
        });
    });
    weight
}

/// What including a template costs: all facts are copied for it.
const INCLUDE_WEIGHT: usize = 100;
