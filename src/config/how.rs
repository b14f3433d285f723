//! `react`, `broadcast`, `if_missing`, `status`, `to_category`: how an action is done.

use serde_yaml::Value;

use super::fields::{Fields, one_of, text};
use super::findings::{Findings, Place};
use super::node::{Node, Tree};
use super::rules::Receiver;
use crate::domain::delivery::Action;
use crate::domain::how::{Category, How, IfMissing, Target};
use crate::domain::rule::Kind;

/// The longest name of an emoji or a status.
const NAME_CHARS_MAX: usize = 100;

/// Reads these keys of one message. `None` when any is broken; the reasons are reported.
/// `doing` is the action and who does it; `None` when that is broken already.
pub fn read(fields: &mut Fields<'_>, doing: Option<(Action, &Receiver)>, findings: &mut Findings) -> Option<How> {
    let react = fields.take("react");
    let broadcast = fields.take("broadcast");
    let missing = fields.take("if_missing");
    let (status, category) = (fields.take("status"), fields.take("to_category"));
    let (action, receiver) = doing?;
    let can_react = receiver.actions.contains(&Action::React) && action != Action::Post;
    if let Some(node) = react.filter(|_| receiver.kind == Kind::Slack && !receiver.actions.contains(&Action::React)) {
        let help = "a bot can: 'token' and 'channel' instead of 'webhook_url'";
        findings.error_help(node.at, "an incoming webhook of Slack cannot add an emoji", help);
        return None;
    }
    let mut broken = false;
    let mut fits = |node: Option<&'_ Node>, key: &str, goes: bool, with: &str, findings: &mut Findings| {
        if let Some(node) = node.filter(|_| !goes) {
            findings.error(node.at, format!("'{key}' goes with {with}, not with '{action}'"));
            broken = true;
        }
    };
    let emoji_with = "'reply', 'update' and 'react' at a Slack destination with a bot token";
    fits(react, "react", can_react, emoji_with, findings);
    fits(broadcast, "broadcast", action == Action::Reply && receiver.kind == Kind::Slack, "'reply' in Slack", findings);
    let thread = "'reply', 'update', 'react', 'comment' and 'transition'";
    fits(missing, "if_missing", action.needs_thread(), thread, findings);
    let moves = action == Action::Transition;
    fits(status, "status", moves, "'transition'", findings);
    fits(category, "to_category", moves, "'transition'", findings);
    if let Some(node) = category.filter(|_| moves && receiver.kind == Kind::Rest) {
        let help = "write status: …, as the tracker calls it";
        findings.error_help(node.at, "only Jira tells which statuses mean done", help);
        return None;
    }
    if broken {
        return None;
    }
    let place = fields.place();
    // A description that names no status moves an issue to one that it knows itself.
    let knows = receiver.kind == Kind::Rest && status.is_none() && !receiver.reads.names("status");
    let target = if moves && !knows { Some(target(status, category, receiver.kind, place, findings)?) } else { None };
    if action == Action::React && react.is_none() {
        findings.error_help(place, "the action 'react' needs an emoji", "write it by its name: react: eyes");
        return None;
    }
    let react = match react {
        Some(node) => Some(emoji(node, findings)?),
        None => None,
    };
    let broadcast = match broadcast {
        Some(node) => flag(node, "'broadcast'", findings)?,
        None => false,
    };
    let if_missing = match missing {
        Some(node) => if_missing(node, action, receiver, findings)?,
        // A reply that nobody sees in its thread is better seen in the channel; a ticket
        // that nobody opened needs no comment.
        None if matches!(action, Action::Reply | Action::Update) && is_chat(receiver) => IfMissing::Begin,
        None => IfMissing::Skip,
    };
    let if_missing = if action.needs_thread() { if_missing } else { IfMissing::default() };
    Some(How { react, broadcast, if_missing, target, linked: None, silent: false })
}

fn is_chat(receiver: &Receiver) -> bool {
    receiver.actions.first() == Some(&Action::Post)
}

/// What a message without a thread does: `post` at a chat, `create` at a tracker,
/// `request` at any other receiver, or `skip`.
fn if_missing(node: &Node, action: Action, receiver: &Receiver, findings: &mut Findings) -> Option<IfMissing> {
    let word = text(node, "'if_missing'", findings)?;
    if action == Action::React {
        return one_of(word, "value of 'if_missing'", &[("skip", IfMissing::Skip)], node.at, findings);
    }
    let begin = receiver.actions.first().map_or("create", |action| action.word());
    one_of(word, "value of 'if_missing'", &[(begin, IfMissing::Begin), ("skip", IfMissing::Skip)], node.at, findings)
}

fn target(
    status: Option<&Node>,
    category: Option<&Node>,
    kind: Kind,
    place: Place,
    findings: &mut Findings,
) -> Option<Target> {
    match (status, category) {
        (Some(_), Some(both)) => {
            findings.error(both.at, "either 'status' or 'to_category', not both");
            None
        }
        (Some(node), None) => {
            let name = text(node, "'status'", findings)?.trim();
            if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
                findings.error(node.at, format!("a status is a name of 1 to {NAME_CHARS_MAX} characters"));
                return None;
            }
            Some(Target::Status(name.to_owned()))
        }
        (None, Some(node)) => {
            let word = text(node, "'to_category'", findings)?;
            one_of(word, "category", &Category::WORDS, node.at, findings).map(Target::Category)
        }
        (None, None) => {
            let help = match kind {
                Kind::Rest => "write status: …, as the tracker calls it: its description sends {{status}}",
                _ => "write status: Done, or to_category: done for whatever status means done there",
            };
            findings.error_help(place, "a transition needs to know where to", help);
            None
        }
    }
}

/// The name of an emoji, with or without colons.
fn emoji(node: &Node, findings: &mut Findings) -> Option<String> {
    let word = text(node, "'react'", findings)?;
    let name = word.trim().trim_matches(':');
    let fits = |c: char| c.is_alphanumeric() && !c.is_uppercase() || matches!(c, '_' | '-' | '+' | '\'');
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || !name.chars().all(fits) {
        let help = "the name that Slack shows between colons: white_check_mark, eyes, +1";
        findings.error_help(node.at, format!("'{word}' is no name of an emoji"), help);
        return None;
    }
    Some(name.to_owned())
}

fn flag(node: &Node, what: &str, findings: &mut Findings) -> Option<bool> {
    match &node.tree {
        Tree::Scalar(Value::Bool(flag), _) => Some(*flag),
        _ => {
            findings.error(node.at, format!("{what} is true or false, but this is {}", node.kind()));
            None
        }
    }
}
