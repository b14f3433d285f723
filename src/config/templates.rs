//! `templates/*.hbs`.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::name;
use super::findings::{Findings, Place};
use super::nearest::did_you_mean;
use crate::domain::Name;
use crate::domain::render::{TemplateFile, Templates};
use crate::domain::rule::Kind;

/// The template files of one configuration.
#[derive(Default)]
pub struct TemplateFiles {
    files: Vec<TemplateFile>,
    /// The sheet of each file, by the file's name.
    sheets: BTreeMap<String, usize>,
    /// The names of the Markdown templates and their sheets.
    names: BTreeMap<Name, usize>,
}

impl TemplateFiles {
    /// Takes the file `sheet`, called `file_name` in its folder.
    pub fn take(&mut self, file_name: &str, sheet: usize, findings: &mut Findings) {
        let at = Place::file(sheet);
        let Some(stem) = file_name.strip_suffix(".hbs") else { return };
        let (called, kind) = if let Some(called) = stem.strip_suffix(".md") {
            (called, None)
        } else if let Some((called, word)) = stem.strip_suffix(".json").and_then(|stem| stem.rsplit_once('.')) {
            if word == "rest" {
                let help = "in relaybell.yaml: create: { send: POST /…, json: { title: \"{{title}}\" } }";
                findings.error_help(at, "the body for a 'rest' destination is described with the destination", help);
                return;
            }
            match Kind::WORDS.iter().find(|(known, _)| *known == word) {
                Some((_, kind)) => (called, Some(*kind)),
                None => return misnamed(at, findings),
            }
        } else {
            return misnamed(at, findings);
        };
        let Some(called) = name(called, "template", at, findings) else { return };
        let sheet_of = findings.sheet(sheet);
        self.files.push(TemplateFile {
            file: sheet_of.name.clone(),
            name: called.to_string(),
            kind,
            text: sheet_of.text.clone(),
        });
        self.sheets.insert(sheet_of.name.clone(), sheet);
        if kind.is_none() {
            self.names.insert(called, sheet);
        }
    }

    /// The names that rules may use.
    pub fn names(&self) -> BTreeSet<Name> {
        self.names.keys().cloned().collect()
    }

    /// Points out templates that no rule uses.
    pub fn unused(&self, used: &BTreeSet<Name>, findings: &mut Findings) {
        for (name, sheet) in self.names.iter().filter(|(name, _)| !used.contains(*name)) {
            findings.warning(
                Place::file(*sheet),
                format!("no rule uses the template '{name}'"),
                "remove the file if it has had its day",
            );
        }
    }

    /// Compiles all; what is wrong goes to `findings`.
    pub fn compile(&self, findings: &mut Findings) -> Option<Templates> {
        for file in self.files.iter().filter(|file| file.kind.is_some() && !self.names.contains_key(&*file.name)) {
            let at = self.sheets.get(&file.file).map_or(Place::file(0), |sheet| Place::file(*sheet));
            let help = format!("add {}.md.hbs: it is sent to other kinds, and here when this one fails", file.name);
            findings.error_help(at, format!("there is no Markdown template '{}'", file.name), help);
        }
        match Templates::compile(&self.files) {
            Ok(templates) => {
                self.hold_against_facts(&templates, findings);
                Some(templates)
            }
            Err(problems) => {
                for problem in problems {
                    let sheet = self.sheets.get(&problem.file).copied().unwrap_or_default();
                    findings.error_at_line(sheet, problem.line, problem.column, problem.message, problem.help);
                }
                None
            }
        }
    }
}

impl TemplateFiles {
    /// Points out facts that no event has: such a template fails on every event.
    fn hold_against_facts(&self, templates: &Templates, findings: &mut Findings) {
        let mut told = BTreeSet::new();
        for name in self.names.keys() {
            for (fact, file, line) in templates.facts_used(name) {
                let name = fact.split(['.', '[']).next().unwrap_or_default();
                if findings.words().knows(name) || !told.insert((file.clone(), line, name.to_owned())) {
                    continue;
                }
                let sheet = self.sheets.get(&file).copied().unwrap_or_default();
                let at = findings.place_of(sheet, line, name);
                unknown_fact(name, at, findings);
            }
        }
    }
}

/// Reports a fact that a template names and no event has.
pub fn unknown_fact(name: &str, at: Place, findings: &mut Findings) {
    let words = findings.words();
    let message = format!("unknown fact '{name}'{}", did_you_mean(name, words.names()));
    findings.error_help(at, message, "a field of the sender's own is reached by its path: payload.…");
}

fn misnamed(at: Place, findings: &mut Findings) {
    let help = "templates are NAME.md.hbs, NAME.slack.json.hbs, NAME.teams.json.hbs and NAME.jira.json.hbs";
    findings.error_help(at, "the name of this file says no kind of template", help);
}
