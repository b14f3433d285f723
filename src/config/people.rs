//! `people:`: who is notified by which name, and how each vendor knows them.

use std::collections::BTreeMap;

use super::desk::Desk;
use super::fields::{Fields, entries};
use super::findings::{Findings, Place};
use super::nearest::did_you_mean;
use super::node::Node;
use super::secrets::State;
use crate::domain::message::Mention;
use crate::domain::rule::Kind;

/// Whom rules may mention.
#[derive(Debug, Default)]
pub struct People(BTreeMap<String, Mention>);

/// What Slack calls everybody in a channel.
const EVERYBODY: [&str; 3] = ["here", "channel", "everyone"];

/// Reads `people:`.
pub fn read_people(node: &Node, desk: &mut Desk<'_>) -> People {
    let mut people = BTreeMap::new();
    for entry in entries(node, "'people'", &mut desk.findings) {
        let name = entry.key.trim_start_matches('@').to_owned();
        if name.is_empty() || name.chars().any(char::is_whitespace) {
            desk.findings.error_help(
                entry.key_at,
                format!("'{}' cannot be mentioned", entry.key),
                "use a name without blanks",
            );
            continue;
        }
        if EVERYBODY.contains(&name.as_str()) {
            desk.findings.error(entry.key_at, format!("'{name}' already means everybody in a Slack channel"));
            continue;
        }
        let Some(mut fields) = Fields::of(&entry.value, format!("'{name}'"), &mut desk.findings) else { continue };
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
        let mention = Mention {
            slack: id(
                "slack",
                is_slack,
                "a member id (U…), or a user group id (S…): in Slack, open the profile, then 'Copy member ID'",
            ),
            teams: id("teams", is_teams, "the sign-in name (ann@acme.example) or the Entra object id"),
            jira: id("jira", is_jira, "the account id of Jira Cloud, or the user name of Jira Data Center"),
            name: name.clone(),
        };
        fields.finish(&mut desk.findings);
        people.insert(name, mention);
    }
    People(people)
}

impl People {
    /// Whom `word` (`@qa-oncall`) notifies at a destination of kind `kind`. An unknown name is
    /// shown in plain text, and pointed out.
    pub fn mention(&self, word: &str, kind: Kind, at: Place, findings: &mut Findings) -> Mention {
        let name = word.trim_start_matches('@');
        if kind == Kind::Rest {
            // The receiver knows its people; the rule names them as it does.
            return Mention { name: name.to_owned(), ..Mention::default() };
        }
        if EVERYBODY.contains(&name) {
            if kind != Kind::Slack {
                let help = "name people instead; Teams and Jira cannot notify everybody";
                findings.warning(at, format!("'@{name}' notifies nobody in {}", kind.word()), help);
            }
            return Mention { name: name.to_owned(), slack: Some(name.to_owned()), ..Mention::default() };
        }
        let Some(mention) = self.0.get(name) else {
            let known = self.0.keys().map(String::as_str).chain(EVERYBODY);
            let message = format!("'@{name}' is nobody known{}", did_you_mean(name, known));
            let help = format!(
                "it is shown in plain text and notifies nobody; add '{name}' below 'people:' in relaybell.yaml"
            );
            findings.warning(at, message, help);
            return Mention { name: name.to_owned(), ..Mention::default() };
        };
        let id = match kind {
            Kind::Slack => &mention.slack,
            Kind::Teams => &mention.teams,
            Kind::Jira | Kind::Rest => &mention.jira,
        };
        if id.is_none() {
            let message = format!("'@{name}' has no {} id: the name is shown and notifies nobody there", kind.word());
            findings.warning(
                at,
                message,
                format!("add '{}:' to '{name}' below 'people:' in relaybell.yaml", kind.word()),
            );
        }
        mention.clone()
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
