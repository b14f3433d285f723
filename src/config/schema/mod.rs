//! The JSON Schemas of the three kinds of files, for editors: they complete and check while
//! somebody types, and show what a key means. Built from the tables that the loader uses.

mod conditions;
mod front;
mod mapping;
mod parts;
mod rest;
mod rules;
mod settings;
mod sources;
mod trials;
mod uipath;

use serde_json::{Value, json};

use super::vocabulary::Vocabulary;

/// The kinds of files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// `relaybell.yaml`.
    Config,
    /// `rules/*.yaml`.
    Rules,
    /// The front matter of `templates/*.hbs`.
    Template,
}

impl Schema {
    /// All of them, each with its word and the name of its file.
    pub const ALL: [(&'static str, &'static str, Self); 3] = [
        ("config", "relaybell.json", Self::Config),
        ("rules", "rules.json", Self::Rules),
        ("template", "template.json", Self::Template),
    ];

    /// The schema, by JSON Schema of 2020-12, of files that may use `words`.
    #[must_use]
    pub fn json(self, words: &Vocabulary) -> Value {
        let (title, body) = match self {
            Self::Config => ("relaybell.yaml", settings::schema()),
            Self::Rules => ("Rules of Relaybell: rules/*.yaml", rules::schema(words)),
            Self::Template => ("The front matter of a template of Relaybell", front::schema()),
        };
        let mut whole = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title });
        if let (Some(whole), Value::Object(body)) = (whole.as_object_mut(), body) {
            whole.extend(body);
        }
        whole
    }

    /// The schema of files that may use `words`, as its own file has it.
    #[must_use]
    pub fn text(self, words: &Vocabulary) -> String {
        format!("{:#}\n", self.json(words))
    }
}
