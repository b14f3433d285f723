//! Compiles all template files of a configuration together: they can include each other.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::Handlebars;

use super::engine::Form;
use super::scan::Raw;
use super::syntax::{self, Problem, included, nearest};
use super::{TemplateFile, TemplateProblem, Templates, front};

/// The most steps one rendering may take before any loop, included templates counted.
const WEIGHT_MAX: usize = 10_000;

/// How many templates stand within each other.
const INCLUDE_DEPTH_MAX: usize = 8;

impl Problem {
    /// The same problem, in `file`.
    pub(super) fn in_file(self, file: &str) -> TemplateProblem {
        TemplateProblem {
            file: file.to_owned(),
            line: self.line,
            column: self.column,
            message: self.message,
            help: self.help,
        }
    }
}

/// Compiles `files`.
pub(super) fn compile(files: &[TemplateFile]) -> Result<Templates, Vec<TemplateProblem>> {
    let mut templates = Templates::default();
    let mut problems = Vec::new();
    for file in files {
        let word = file.kind.map_or("", |kind| kind.word());
        if let Some(other) = templates.files.insert((word, file.name.clone()), file.file.clone()) {
            let message = format!("the template '{}' is there already, in {other}", file.name);
            problems.push(Problem { line: 1, column: 1, message, help: None }.in_file(&file.file));
            continue;
        }
        if let Err(found) = add(&mut templates, file) {
            problems.extend(found.into_iter().map(|problem| problem.in_file(&file.file)));
        }
    }
    for form in [Form::Markdown].into_iter().chain(templates.vendors.each_ref().map(|(kind, _)| Form::Json(*kind))) {
        problems.extend(check_includes(&templates, form));
    }
    if problems.is_empty() { Ok(templates) } else { Err(problems) }
}

fn add(templates: &mut Templates, file: &TemplateFile) -> Result<(), Vec<Problem>> {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text).replace("\r\n", "\n");
    if let Some(kind) = file.kind {
        let template = syntax::compile(Some(&file.name), &text, Raw::Refused)?;
        if let Some((_, registry)) = templates.vendors.iter_mut().find(|(one, _)| *one == kind) {
            registry.register_template(&file.name, template);
        }
        return Ok(());
    }
    let (yaml, body) = front::split(&text).map_err(|problem| vec![problem])?;
    let (front, mut problems) = yaml.map(|yaml| front::read(&yaml)).unwrap_or_default();
    match syntax::compile(Some(&file.name), &body, Raw::Allowed) {
        Ok(template) => {
            templates.markdown.register_template(&file.name, template);
            templates.fronts.insert(file.name.clone(), front);
        }
        Err(found) => problems.extend(found),
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Each template with what it includes, and where.
type Includes<'a> = BTreeMap<&'a str, Vec<(String, usize, usize)>>;

/// Looks for included templates that are not there, for circles, and for templates that
/// include too much.
fn check_includes(templates: &Templates, form: Form) -> Vec<TemplateProblem> {
    let (word, registry) = match form {
        Form::Json(kind) => match templates.vendors.iter().find(|(one, _)| *one == kind) {
            Some((kind, registry)) => (kind.word(), registry),
            None => return Vec::new(),
        },
        Form::Text | Form::Markdown => ("", &templates.markdown),
    };
    let all: BTreeMap<&str, Vec<(String, usize, usize)>> =
        registry.get_templates().iter().map(|(name, template)| (name.as_str(), included(template))).collect();
    let mut problems = Vec::new();
    let knotted = knotted(&all);
    for (name, includes) in &all {
        let file = templates.file(word, name);
        for (inner, line, column) in includes {
            let (line, column) = (*line, *column);
            let (message, help) = if !all.contains_key(inner.as_str()) {
                let near = nearest(inner, all.keys().copied()).map(|near| format!("did you mean '{near}'?"));
                // What has problems of its own is not in the registry, but it is there.
                if templates.files.contains_key(&(word, inner.clone())) {
                    continue;
                }
                (format!("there is no template '{inner}' to include"), near)
            } else if knotted.contains(inner.as_str()) && reaches(&all, inner, name) {
                let help = "take out what both need into a third template".to_owned();
                let message = if inner == name {
                    format!("'{name}' includes itself")
                } else {
                    format!("'{name}' includes '{inner}', which includes '{name}' again")
                };
                (message, Some(help))
            } else {
                continue;
            };
            problems.push(Problem { line, column, message, help }.in_file(file));
        }
    }
    if knotted.is_empty() {
        let mut weights = BTreeMap::new();
        for name in all.keys() {
            let weight = weigh(registry, name, 0, &mut weights);
            let message = if weight.steps > WEIGHT_MAX {
                Some(format!("rendering '{name}' takes more than {WEIGHT_MAX} steps"))
            } else if weight.depth > INCLUDE_DEPTH_MAX {
                Some(format!("'{name}' includes templates more than {INCLUDE_DEPTH_MAX} deep"))
            } else {
                None
            };
            if let Some(message) = message {
                let problem =
                    Problem { line: 1, column: 1, message, help: Some("make it shorter, or include less".to_owned()) };
                problems.push(problem.in_file(templates.file(word, name)));
            }
        }
    }
    problems
}

/// The templates whose includes lead into a circle: those left when all are taken away that
/// include only what was taken away before.
fn knotted<'a>(all: &Includes<'a>) -> BTreeSet<&'a str> {
    let mut left: BTreeSet<&str> = all.keys().copied().collect();
    let mut includers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut pending: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, includes) in all {
        let inner =
            includes.iter().filter_map(|(inner, ..)| all.get_key_value(inner.as_str()).map(|(inner, _)| *inner));
        for inner in inner {
            includers.entry(inner).or_default().push(name);
            *pending.entry(name).or_default() += 1;
        }
    }
    let mut free: Vec<&str> = left.iter().copied().filter(|name| !pending.contains_key(name)).collect();
    while let Some(name) = free.pop() {
        left.remove(name);
        for includer in includers.get(name).into_iter().flatten() {
            if let Some(count) = pending.get_mut(includer) {
                *count -= 1;
                if *count == 0 {
                    free.push(includer);
                }
            }
        }
    }
    left
}

/// Whether `from` includes `to`, directly or through others.
fn reaches(all: &Includes<'_>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(name) = next.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            next.extend(all.get(name).into_iter().flatten().map(|(inner, ..)| inner.as_str()));
        }
    }
    false
}

/// What including a template amounts to.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    /// The steps of one rendering.
    steps: usize,
    /// How many templates stand within each other.
    depth: usize,
}

/// The weight of `name`, each template weighed once. There must be no circles.
fn weigh(registry: &Handlebars<'static>, name: &str, above: usize, weights: &mut BTreeMap<String, Weight>) -> Weight {
    if let Some(weight) = weights.get(name) {
        return *weight;
    }
    // Deeper than allowed already: no need to look, nor to recurse, any further.
    if above > INCLUDE_DEPTH_MAX {
        return Weight { steps: 1, depth: 1 };
    }
    let mut depth = 0;
    let steps = registry.get_template(name).map_or(0, |template| {
        syntax::weight(template, &mut |inner| {
            let inner = weigh(registry, inner, above + 1, weights);
            depth = depth.max(inner.depth);
            inner.steps
        })
    });
    let weight = Weight { steps, depth: depth + 1 };
    weights.insert(name.to_owned(), weight);
    weight
}
