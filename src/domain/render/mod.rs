//! Templates: from facts to messages.
//!
//! A template is read in three looks: `scan` over its text, the library's parser, and
//! `syntax`'s check of what it calls. What passes can fail on an event only for that
//! event's facts, and cannot run away: templates that include each other in a circle are
//! refused, and every rendering has a budget of steps and characters (`engine`).
//!
//! A fact that an event lacks is an error in title, body and link (the built-in message
//! then goes out instead), so that a misspelt name cannot hide. It is none in `{{#if}}`,
//! `default`, comparisons, `icon` and `color`; and an entry of `fields:` whose fact is
//! missing is left out.

mod built_in;
mod described;
mod engine;
mod escape;
mod fields;
mod flavor;
mod front;
mod helpers;
mod library;
mod scan;
mod syntax;

pub use described::{Line, Spot, Tree, Values};
pub use fields::FieldTree;
pub use flavor::Flavor;

use std::collections::BTreeMap;

use handlebars::{Context, Handlebars};
use serde_json::Value;

use super::facts::Facts;
use super::markdown::literal::{one_line, shown};
use super::markdown::{address, parse};
use super::message::{Field, Message};
use super::rule::Kind;
use engine::{Failure, Form, Why};
use front::{Front, Piece};

/// Why a template could not be rendered on an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    /// What went wrong, with template, line and column, for people.
    pub message: String,
    /// Where: the file, the line and the column from 1, and what went wrong without them.
    pub place: Option<(String, usize, usize, String)>,
}

impl RenderError {
    fn at(file: &str, (line, column): (usize, usize), why: &str) -> Self {
        let place = Some((file.to_owned(), line, column, why.to_owned()));
        Self { message: format!("{file}:{line}:{column}: {why}"), place }
    }

    fn nowhere(message: String) -> Self {
        Self { message, place: None }
    }
}

/// One template file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFile {
    /// The file as the user names it, `templates/defect-opened.md.hbs`.
    pub file: String,
    /// The template's name, `defect-opened`.
    pub name: String,
    /// The kind whose body it replaces; `None` for the Markdown template.
    pub kind: Option<Kind>,
    /// The text.
    pub text: String,
}

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The file; for a string within a rule's `fields:` its JSON Pointer there.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong, for people.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// All templates of one configuration.
#[derive(Debug)]
pub struct Templates {
    /// For titles and fields.
    text: Handlebars<'static>,
    /// The bodies of messages.
    markdown: Handlebars<'static>,
    /// The vendors' own bodies, with the form of each.
    vendors: [(Kind, Handlebars<'static>); Kind::WORDS.len()],
    /// The front matter of each Markdown template.
    fronts: BTreeMap<String, Front>,
    /// The files by kind's word (empty for Markdown) and template's name.
    files: BTreeMap<(&'static str, String), String>,
}

impl Default for Templates {
    fn default() -> Self {
        Self {
            text: engine::registry(Form::Text),
            markdown: engine::registry(Form::Markdown),
            vendors: Kind::WORDS.map(|(_, kind)| (kind, engine::registry(Form::Json(kind)))),
            fronts: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }
}

impl Templates {
    /// Compiles `files`.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn compile(files: &[TemplateFile]) -> Result<Self, Vec<TemplateProblem>> {
        library::compile(files)
    }

    /// The names of all templates, each once, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self.files.keys().map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }

    /// Renders the template `name`.
    ///
    /// # Errors
    /// When there is no such template or it fails on these facts.
    pub fn message(&self, name: &str, facts: &Facts) -> Result<Message, RenderError> {
        let (Some(front), Some(body)) = (self.fronts.get(name), self.markdown.get_template(name)) else {
            return self.no_markdown(name, facts);
        };
        let context = engine::context(facts);
        let title = match &front.title {
            Some(piece) => one_line(&shown(&self.line(name, piece, &context)?)),
            None => String::new(),
        };
        let body = engine::run(&self.markdown, body, &context).map_err(|failure| self.failed("", name, &failure))?;
        let link = front.link.as_ref().map(|piece| self.line(name, piece, &context)).transpose()?;
        let color = front.color.as_ref().map(|piece| self.line(name, piece, &context)).transpose()?;
        Ok(Message {
            title: if title.is_empty() { built_in::title(facts) } else { title },
            body: parse(&body),
            fields: self.fields(name, front, &context)?,
            link: link.as_deref().and_then(address),
            color: color.as_deref().and_then(helpers::color),
            ..Message::default()
        })
    }

    /// Renders the vendor's own body that replaces the template `name` for `kind`;
    /// `None` when there is none.
    #[must_use]
    pub fn own_body(&self, name: &str, kind: Kind, facts: &Facts) -> Option<Result<Value, RenderError>> {
        let (_, registry) = self.vendors.iter().find(|(one, _)| *one == kind)?;
        let template = registry.get_template(name)?;
        let rendered = engine::run(registry, template, &engine::context(facts))
            .map_err(|failure| self.failed(kind.word(), name, &failure))
            .and_then(|text| {
                serde_json::from_str::<Value>(&text).map_err(|error| {
                    let file = self.file(kind.word(), name);
                    let lines: Vec<&str> = text.lines().collect();
                    let line = error.line().checked_sub(1).and_then(|at| lines.get(at)).copied().unwrap_or_default();
                    let line: String = line.trim().chars().take(LINE_SHOWN_CHARS_MAX).collect();
                    RenderError::at(file, (1, 1), &format!("it renders to no valid JSON: {error}, in: {line}"))
                })
            });
        Some(rendered)
    }

    /// The message for an event without a (working) template. Never fails.
    #[must_use]
    pub fn built_in(facts: &Facts) -> Message {
        built_in::message(facts)
    }

    /// The facts that the built-in message shows.
    pub fn built_in_reads() -> impl Iterator<Item = &'static str> {
        built_in::reads()
    }

    /// The facts that the template `name` reads, each with file and line: as far as can be
    /// told without an event. What stands within `each` and `with` is not looked at.
    #[must_use]
    pub fn facts_used(&self, name: &str) -> Vec<(String, String, usize)> {
        let mut used = Vec::new();
        let mut add = |word: &'static str, facts: Vec<(String, usize)>, first_line: usize| {
            let file = self.file(word, name);
            used.extend(facts.into_iter().map(|(fact, line)| (fact, file.to_owned(), line + first_line - 1)));
        };
        if let Some(front) = self.fronts.get(name) {
            let pieces = [&front.title, &front.link, &front.color].into_iter().flatten();
            for piece in pieces.chain(front.fields.iter().map(|(_, piece)| piece)) {
                add("", syntax::facts(&piece.template), piece.line);
            }
        }
        if let Some(body) = self.markdown.get_template(name) {
            add("", syntax::facts(body), 1);
        }
        for (kind, registry) in &self.vendors {
            if let Some(body) = registry.get_template(name) {
                add(kind.word(), syntax::facts(body), 1);
            }
        }
        used
    }

    /// A template that is only a vendor's own body has no message of its own: the built-in
    /// one stands for it at other destinations.
    fn no_markdown(&self, name: &str, facts: &Facts) -> Result<Message, RenderError> {
        if self.files.keys().any(|(_, known)| known == name) {
            return Ok(built_in::message(facts));
        }
        Err(RenderError::nowhere(format!("there is no template '{name}'")))
    }

    /// Renders a string of the front matter.
    fn line(&self, name: &str, piece: &Piece, context: &Context) -> Result<String, RenderError> {
        engine::run(&self.text, &piece.template, context).map_err(|failure| self.failed_piece(name, piece, &failure))
    }

    fn fields(&self, name: &str, front: &Front, context: &Context) -> Result<Vec<Field>, RenderError> {
        let mut fields = Vec::new();
        for (label, piece) in &front.fields {
            match engine::run(&self.text, &piece.template, context) {
                Ok(value) => {
                    let value = shown(&value).trim().to_owned();
                    if !value.is_empty() {
                        fields.push(Field { name: label.clone(), value });
                    }
                }
                Err(Failure { why: Why::Missing(_), .. }) => {}
                Err(failure) => return Err(self.failed_piece(name, piece, &failure)),
            }
        }
        Ok(fields)
    }

    fn file<'a>(&'a self, word: &'static str, name: &'a str) -> &'a str {
        self.files.get(&(word, name.to_owned())).map_or(name, String::as_str)
    }

    fn failed(&self, word: &'static str, name: &str, failure: &Failure) -> RenderError {
        let file = self.file(word, failure.within.as_deref().unwrap_or(name));
        RenderError::at(file, failure.place.unwrap_or((1, 1)), &failure.why.to_string())
    }

    fn failed_piece(&self, name: &str, piece: &Piece, failure: &Failure) -> RenderError {
        let place = piece.in_file(failure.place.unwrap_or((1, 1)));
        RenderError::at(self.file("", name), place, &failure.why.to_string())
    }
}

/// How much of a line an error quotes, in characters.
const LINE_SHOWN_CHARS_MAX: usize = 80;
