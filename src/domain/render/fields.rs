//! Trees of JSON whose strings are templates: a rule's `fields:`.

use handlebars::{Context, Template};
use serde_json::{Map, Value};

use super::engine::{self, Why};
use super::scan::Raw;
use super::{RenderError, TemplateProblem, Templates, syntax};
use crate::domain::facts::Facts;
use crate::domain::markdown::literal;

/// A tree of JSON whose strings are templates.
///
/// A string that is one fact and nothing else (`"{{cases}}"`) becomes that fact as it is:
/// a number stays a number, a list a list. An entry or element whose fact is missing on an
/// event, or whose text renders empty, is left out there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldTree {
    entries: Vec<(String, Node)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// Stays what it is.
    Fixed(Value),
    /// A template, and its JSON Pointer for errors.
    Text(Box<Template>, String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl FieldTree {
    /// Compiles every string of `tree`.
    ///
    /// # Errors
    /// All strings that are no templates, each with its place inside the string and a
    /// JSON Pointer to it in `file`.
    pub fn compile(tree: &Map<String, Value>) -> Result<Self, Vec<TemplateProblem>> {
        let mut problems = Vec::new();
        let entries = compile_map(tree, "", &mut problems);
        if problems.is_empty() { Ok(Self { entries }) } else { Err(problems) }
    }

    /// The facts that the strings of the tree name, each with the JSON Pointer of its string.
    #[must_use]
    pub fn facts_used(&self) -> Vec<(String, String)> {
        let mut used = Vec::new();
        self.entries.iter().for_each(|(_, node)| facts_of(node, &mut used));
        used
    }

    /// The names of the fields, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Renders every string of the tree.
    ///
    /// # Errors
    /// When a string's template fails on these facts for another reason than a missing fact.
    pub fn render(&self, templates: &Templates, facts: &Facts) -> Result<Map<String, Value>, RenderError> {
        if self.entries.is_empty() {
            return Ok(Map::new());
        }
        render_map(&self.entries, templates, &engine::context(facts))
    }
}

fn facts_of(node: &Node, used: &mut Vec<(String, String)>) {
    match node {
        Node::Fixed(_) => {}
        Node::Text(template, pointer) => {
            used.extend(syntax::facts(template).into_iter().map(|(fact, _)| (fact, pointer.clone())));
        }
        Node::List(items) => items.iter().for_each(|item| facts_of(item, used)),
        Node::Map(entries) => entries.iter().for_each(|(_, item)| facts_of(item, used)),
    }
}

fn compile_map(tree: &Map<String, Value>, pointer: &str, problems: &mut Vec<TemplateProblem>) -> Vec<(String, Node)> {
    tree.iter()
        .map(|(key, value)| {
            let step = key.replace('~', "~0").replace('/', "~1");
            (key.clone(), compile_node(value, &format!("{pointer}/{step}"), problems))
        })
        .collect()
}

fn compile_node(value: &Value, pointer: &str, problems: &mut Vec<TemplateProblem>) -> Node {
    match value {
        Value::String(text) if text.contains("{{") => match syntax::compile(None, text, Raw::Allowed) {
            Ok(template) if !includes(&template) => Node::Text(Box::new(template), pointer.to_owned()),
            Ok(_) => {
                problems.push(TemplateProblem {
                    file: pointer.to_owned(),
                    line: 1,
                    column: 1,
                    message: "a field cannot include a template".to_owned(),
                    help: Some("write the text here".to_owned()),
                });
                Node::Fixed(Value::Null)
            }
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| problem.in_file(pointer)));
                Node::Fixed(Value::Null)
            }
        },
        Value::Array(items) => Node::List(
            items
                .iter()
                .enumerate()
                .map(|(at, item)| compile_node(item, &format!("{pointer}/{at}"), problems))
                .collect(),
        ),
        Value::Object(items) => Node::Map(compile_map(items, pointer, problems)),
        other => Node::Fixed(other.clone()),
    }
}

fn includes(template: &Template) -> bool {
    !syntax::included(template).is_empty()
}

fn render_map(
    entries: &[(String, Node)],
    templates: &Templates,
    context: &Context,
) -> Result<Map<String, Value>, RenderError> {
    let mut map = Map::new();
    for (key, node) in entries {
        if let Some(value) = render_node(node, templates, context)? {
            map.insert(key.clone(), value);
        }
    }
    Ok(map)
}

fn render_node(node: &Node, templates: &Templates, context: &Context) -> Result<Option<Value>, RenderError> {
    Ok(match node {
        Node::Fixed(value) => Some(value.clone()),
        Node::Map(entries) => Some(Value::Object(render_map(entries, templates, context)?)),
        Node::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                match (item, render_node(item, templates, context)?) {
                    // A list in a list's place is taken in: `labels: [qase, "{{tags}}"]`.
                    (Node::Text(..), Some(Value::Array(values))) => list.extend(values),
                    (_, Some(value)) => list.push(value),
                    (_, None) => {}
                }
            }
            Some(Value::Array(list))
        }
        Node::Text(template, pointer) => {
            if let Some(value) = engine::sole_value(template, context) {
                return Ok(Some(value));
            }
            match engine::run(&templates.text, template, context) {
                Ok(text) => Some(literal::shown(&text)).filter(|text| !text.trim().is_empty()).map(Value::from),
                Err(failure) if matches!(failure.why, Why::Missing(_)) => None,
                Err(failure) => return Err(RenderError::nowhere(format!("{pointer}: {}", failure.why))),
            }
        }
    })
}
