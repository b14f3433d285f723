//! People: by which names they are known, and whom a rule's `mention` means.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::facts::Facts;
use super::markdown::literal::{one_line, shown};
use super::message::Mention;
use super::render::{FieldTree, Templates};
use super::rule::Kind;

/// Somebody rules may mention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Their name in rules, and their identity at each vendor.
    pub mention: Mention,
    /// The id of the team member in Qase.
    pub qase: Option<String>,
    /// Their e-mail address, by which an event may name them.
    pub email: Option<String>,
}

/// Several people under one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name in rules, and its identity at vendors that know it as a group.
    pub mention: Mention,
    /// The names of its members: they are mentioned where the vendor does not know the group.
    pub members: Vec<String>,
}

/// Everybody whom rules may mention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    persons: BTreeMap<String, Person>,
    groups: BTreeMap<String, Group>,
}

impl Mention {
    /// The identity at vendors of `kind`.
    #[must_use]
    pub fn id(&self, kind: Kind) -> Option<&str> {
        match kind {
            Kind::Slack => self.slack.as_deref(),
            Kind::Teams => self.teams.as_deref(),
            Kind::Jira => self.jira.as_deref(),
            // Such a receiver calls people as the rule does.
            Kind::Rest => Some(self.name.as_str()),
        }
    }
}

impl People {
    /// Takes all of them; a member that is no person is nobody.
    #[must_use]
    pub fn new(persons: Vec<Person>, groups: Vec<Group>) -> Self {
        Self {
            persons: persons.into_iter().map(|person| (person.mention.name.clone(), person)).collect(),
            groups: groups.into_iter().map(|group| (group.mention.name.clone(), group)).collect(),
        }
    }

    /// All persons, by name.
    pub fn persons(&self) -> impl Iterator<Item = &Person> {
        self.persons.values()
    }

    /// All groups, by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// Whom `name` means at a destination of `kind`; `None` when it means nobody known. A
    /// group that the vendor does not know is its members.
    #[must_use]
    pub fn named(&self, name: &str, kind: Kind) -> Option<Vec<Mention>> {
        if let Some(person) = self.persons.get(name) {
            return Some(vec![person.mention.clone()]);
        }
        let group = self.groups.get(name)?;
        if group.mention.id(kind).is_some() {
            return Some(vec![group.mention.clone()]);
        }
        let members = group.members.iter().filter_map(|name| self.persons.get(name));
        Some(members.map(|person| person.mention.clone()).collect())
    }

    /// Who is meant by `word` of an event: an id in Qase, an e-mail address, or a name.
    #[must_use]
    pub fn who(&self, word: &str) -> Option<&Person> {
        let word = word.trim().trim_start_matches('@');
        let is = |known: &Option<String>| known.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(word));
        let known =
            |person: &&Person| is(&person.qase) || is(&person.email) || person.mention.name.eq_ignore_ascii_case(word);
        (!word.is_empty()).then(|| self.persons().find(known)).flatten()
    }

    /// Who is meant by the fact `fact` of an event: `actor` is looked for by `actor_id` and
    /// `actor_email`, too.
    #[must_use]
    pub fn in_facts(&self, fact: &str, facts: &Facts) -> Option<&Person> {
        let names = sisters(fact);
        names.iter().find_map(|name| self.who(&plain(facts.values.get(name)?)?))
    }
}

/// The facts that say who the fact `fact` names: the most certain first.
#[must_use]
pub fn sisters(fact: &str) -> [String; 3] {
    let base = fact.strip_suffix("_id").or_else(|| fact.strip_suffix("_email")).unwrap_or(fact);
    [format!("{base}_email"), format!("{base}_id"), base.to_owned()]
}

fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => one_line(&shown(text)),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Whom a message mentions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mentions(Vec<Wanted>);

/// One entry of `mention`.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// A name in the rule, as it was written, with whom it means.
    Known {
        /// The name, without `@`.
        name: String,
        /// The people.
        people: Vec<Mention>,
    },
    /// A template: the event says who.
    Named {
        /// The template as it was written.
        text: String,
        /// The same, compiled, under the key `mention`.
        tree: FieldTree,
        /// Where it is mentioned.
        kind: Kind,
        /// Whom it can mean.
        people: Arc<People>,
    },
}

impl Mentions {
    /// Takes the entries in their order.
    #[must_use]
    pub fn new(wanted: Vec<Wanted>) -> Self {
        Self(wanted)
    }

    /// The entries in their order.
    #[must_use]
    pub fn wanted(&self) -> &[Wanted] {
        &self.0
    }

    /// The entries as a rule's author wrote them: `@qa-oncall`, `{{actor}}`.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let word = |wanted: &Wanted| match wanted {
            Wanted::Known { name, .. } => format!("@{name}"),
            Wanted::Named { text, .. } => text.clone(),
        };
        self.0.iter().map(word).collect()
    }

    /// Whom the message about an event with these `facts` mentions, each once. Whom the
    /// event names and nobody knows is shown in plain text; `notes` says so.
    #[must_use]
    pub fn of(&self, templates: &Templates, facts: &Facts, notes: &mut Vec<String>) -> Vec<Mention> {
        let mut all: Vec<Mention> = Vec::new();
        for wanted in &self.0 {
            let more = match wanted {
                Wanted::Known { people, .. } => people.clone(),
                Wanted::Named { text, tree, kind, people } => match tree.render(templates, facts) {
                    Ok(rendered) => named(tree, rendered.get("mention"), *kind, people, facts, notes),
                    Err(error) => {
                        notes.push(format!("'{text}' mentions nobody: {error}"));
                        Vec::new()
                    }
                },
            };
            for mention in more {
                if !all.contains(&mention) {
                    all.push(mention);
                }
            }
        }
        all
    }
}

/// Whom a rendered entry means; a list names several.
fn named(
    tree: &FieldTree,
    rendered: Option<&Value>,
    kind: Kind,
    people: &People,
    facts: &Facts,
    notes: &mut Vec<String>,
) -> Vec<Mention> {
    let words: Vec<String> = match rendered {
        Some(Value::Array(items)) => items.iter().filter_map(plain).collect(),
        Some(value) => plain(value).into_iter().collect(),
        None => Vec::new(),
    };
    let used = tree.facts_used();
    let mut mentions = Vec::new();
    for word in &words {
        // Of one fact alone, its sisters tell better who it is.
        let by_fact = match used.as_slice() {
            [(fact, _)] if words.len() == 1 => people.in_facts(fact, facts),
            _ => None,
        };
        let Some(person) = by_fact.or_else(|| people.who(word)) else {
            notes.push(format!("'{word}' is nobody below 'people:', so the name is shown and nobody notified"));
            mentions.push(Mention { name: word.clone(), ..Mention::default() });
            continue;
        };
        let mention = person.mention.clone();
        if mention.id(kind).is_none() {
            let (name, kind) = (&mention.name, kind.word());
            notes.push(format!("'{name}' has no {kind} id below 'people:', so the name is shown and nobody notified"));
        }
        mentions.push(mention);
    }
    mentions
}
