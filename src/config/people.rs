//! `people:`: who is notified by which name, and how each vendor knows them.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::desk::Desk;
use super::fields::{Fields, entries, items, text};
use super::findings::{Findings, Place};
use super::nearest::did_you_mean;
use super::node::Node;
use super::secrets::State;
use super::templates::unknown_fact;
use crate::domain::message::Mention;
use crate::domain::people::{Group, People, Person, Wanted};
use crate::domain::render::FieldTree;
use crate::domain::rule::Kind;

/// What Slack calls everybody in a channel.
const EVERYBODY: [&str; 3] = ["here", "channel", "everyone"];

/// The most members of a group.
const MEMBERS_MAX: usize = 20;

/// Reads `people:`.
pub fn read_people(node: &Node, desk: &mut Desk<'_>) -> People {
    let mut persons: Vec<Person> = Vec::new();
    let mut groups: Vec<(Group, Vec<(String, Place)>)> = Vec::new();
    for entry in entries(node, "'people'", &mut desk.findings) {
        let name = entry.key.trim_start_matches('@').to_owned();
        if name.is_empty() || name.chars().any(char::is_whitespace) || name.contains("{{") {
            let message = format!("'{}' cannot be mentioned", entry.key);
            desk.findings.error_help(entry.key_at, message, "use a name without blanks");
            continue;
        }
        if EVERYBODY.contains(&name.as_str()) {
            desk.findings.error(entry.key_at, format!("'{name}' already means everybody in a Slack channel"));
            continue;
        }
        let Some(mut fields) = Fields::of(&entry.value, format!("'{name}'"), &mut desk.findings) else { continue };
        let mention = vendors(&name, &mut fields, desk);
        let (qase, email) = (fields.take("qase"), fields.take("email"));
        match fields.take("members") {
            Some(node) => {
                for (key, node) in [("qase", qase), ("email", email)] {
                    if let Some(node) = node {
                        let message = format!("the group '{name}' has no '{key}': its members have");
                        desk.findings.error_help(node.at, message, "put it to the person it belongs to");
                    }
                }
                let members = members(node, &name, &mut desk.findings);
                let names = members.iter().map(|(name, _)| name.clone()).collect();
                groups.push((Group { mention, members: names }, members));
            }
            None => {
                let qase = qase.and_then(|node| known_by(node, "qase", &name, &persons, desk));
                let email = email.and_then(|node| known_by(node, "email", &name, &persons, desk));
                persons.push(Person { mention, qase, email });
            }
        }
        fields.finish(&mut desk.findings);
    }
    for (group, members) in &groups {
        for (member, at) in members {
            let names = || persons.iter().map(|person| person.mention.name.as_str());
            if names().all(|name| name != member) {
                let help = format!("the members of '{}' must stand below 'people:', too", group.mention.name);
                let message = match groups.iter().any(|(other, _)| other.mention.name == *member) {
                    true => format!("'{member}' is a group, and a group has only people as members"),
                    false => format!("'{member}' is nobody known{}", did_you_mean(member, names())),
                };
                desk.findings.error_help(*at, message, help);
            }
        }
    }
    People::new(persons, groups.into_iter().map(|(group, _)| group).collect())
}

/// The identity at each vendor.
fn vendors(name: &str, fields: &mut Fields<'_>, desk: &mut Desk<'_>) -> Mention {
    let mut id = |key, good: fn(&str) -> bool, help: &str| {
        let node = fields.take(key)?;
        let text = desk.filled(node, &format!("'{key}'"))?;
        if text.state != State::Left && !good(&text.value) {
            let message = format!("'{key}' of '{name}' is no {key} id");
            desk.findings.error_help(node.at, message, help);
            return None;
        }
        Some(text.value)
    };
    let slack = "a member id (U…), or a user group id (S…): in Slack, open the profile, then 'Copy member ID'";
    Mention {
        slack: id("slack", is_slack, slack),
        teams: id("teams", is_teams, "the sign-in name (ann@acme.example) or the Entra object id"),
        jira: id("jira", is_jira, "the account id of Jira Cloud, or the user name of Jira Data Center"),
        name: name.to_owned(),
    }
}

/// The names of the members, each with its place.
fn members(node: &Node, group: &str, findings: &mut Findings) -> Vec<(String, Place)> {
    let nodes = items(node, "'members'", findings);
    if nodes.is_empty() {
        findings.error(node.at, format!("the group '{group}' has no members"));
    }
    if nodes.len() > MEMBERS_MAX {
        findings.error(node.at, format!("a group has at most {MEMBERS_MAX} members"));
    }
    let name = |node: &Node| {
        let word = text(node, "'members'", findings)?;
        Some((word.trim_start_matches('@').to_owned(), node.at))
    };
    nodes.iter().filter_map(name).collect()
}

/// What an event may know somebody by: `qase`, the id of a team member, or `email`. Two
/// people cannot be known by the same.
fn known_by(node: &Node, key: &str, name: &str, others: &[Person], desk: &mut Desk<'_>) -> Option<String> {
    let value = match node.to_value() {
        serde_yaml::Value::Number(number) if key == "qase" => number.to_string(),
        _ => desk.filled(node, &format!("'{key}'"))?.value.trim().to_owned(),
    };
    let (good, help) = match key {
        "qase" => (
            value.chars().all(|c| c.is_ascii_digit()) && value.len() <= 18 && value != "0",
            "the id of the team member, a whole number: `relaybell people --unmapped` shows those of events",
        ),
        _ => (
            value.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.')),
            "an address like ann@acme.example",
        ),
    };
    if !good {
        let what = if key == "qase" { "id of a team member" } else { "e-mail address" };
        desk.findings.error_help(node.at, format!("'{key}' of '{name}' is no {what}"), help);
        return None;
    }
    let same = |person: &&Person| {
        let known = if key == "qase" { &person.qase } else { &person.email };
        known.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(&value))
    };
    if let Some(other) = others.iter().find(same) {
        let message = format!("'{name}' and '{}' have the same '{key}', {value}", other.mention.name);
        desk.findings.error_help(node.at, message, "one of them is wrong: an event could mean either");
        return None;
    }
    Some(value)
}

/// Whom `word` (`@qa-oncall`, or a template that names somebody) means at a destination of
/// kind `kind`. An unknown name is shown in plain text, and pointed out.
pub fn mention(people: &Arc<People>, word: &str, kind: Kind, at: Place, findings: &mut Findings) -> Option<Wanted> {
    if word.contains("{{") {
        return template(people, word, kind, at, findings);
    }
    let name = word.trim_start_matches('@');
    let known = |people| Some(Wanted::Known { name: name.to_owned(), people });
    if kind == Kind::Rest {
        // The receiver knows its people; the rule names them as it does.
        return known(vec![Mention { name: name.to_owned(), ..Mention::default() }]);
    }
    if EVERYBODY.contains(&name) {
        if kind != Kind::Slack {
            let help = "name people instead; Teams and Jira cannot notify everybody";
            findings.warning(at, format!("'@{name}' notifies nobody in {}", kind.word()), help);
        }
        return known(vec![Mention { name: name.to_owned(), slack: Some(name.to_owned()), ..Mention::default() }]);
    }
    let Some(mentions) = people.named(name, kind) else {
        let persons = people.persons().map(|person| person.mention.name.as_str());
        let groups = people.groups().map(|group| group.mention.name.as_str());
        let message =
            format!("'@{name}' is nobody known{}", did_you_mean(name, persons.chain(groups).chain(EVERYBODY)));
        let help =
            format!("it is shown in plain text and notifies nobody; add '{name}' below 'people:' in relaybell.yaml");
        findings.warning(at, message, help);
        return known(vec![Mention { name: name.to_owned(), ..Mention::default() }]);
    };
    for mention in mentions.iter().filter(|mention| mention.id(kind).is_none()) {
        let who = if mention.name == name { String::new() } else { format!(" of '@{name}'") };
        let message =
            format!("'@{}'{who} has no {} id: the name is shown and notifies nobody there", mention.name, kind.word());
        let help = format!("add '{}:' to '{}' below 'people:' in relaybell.yaml", kind.word(), mention.name);
        findings.warning(at, message, help);
    }
    known(mentions)
}

/// A mention of whom the event names.
fn template(people: &Arc<People>, word: &str, kind: Kind, at: Place, findings: &mut Findings) -> Option<Wanted> {
    let word = word.trim().trim_start_matches('@');
    let tree = Map::from_iter([("mention".to_owned(), Value::from(word))]);
    match FieldTree::compile(&tree) {
        Ok(tree) => {
            for (fact, _) in tree.facts_used() {
                let name = fact.split(['.', '[']).next().unwrap_or_default();
                if !findings.words().knows(name) {
                    unknown_fact(name, at, findings);
                }
            }
            Some(Wanted::Named { text: word.to_owned(), tree, kind, people: Arc::clone(people) })
        }
        Err(problems) => {
            for problem in problems {
                match problem.help {
                    Some(help) => findings.error_help(at, problem.message, help),
                    None => findings.error(at, problem.message),
                }
            }
            None
        }
    }
}

fn is_slack(id: &str) -> bool {
    id.starts_with(['U', 'W', 'S']) && id.len() >= 6 && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_teams(id: &str) -> bool {
    let is_uuid = id.len() == 36 && uuid::Uuid::parse_str(id).is_ok();
    let is_upn = id.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    (is_uuid || is_upn) && !id.chars().any(|c| c.is_whitespace() || matches!(c, '<' | '>'))
}

fn is_jira(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.' | '@');
    id.len() <= 128 && id.chars().all(fits)
}
