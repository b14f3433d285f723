//! `about`, `priority`, `expires`, `mute_until`: how what a rule sends is handled.

use std::time::Duration;

use super::conditions::fact_kind;
use super::fields::{Fields, items, one_of, right, text};
use super::findings::Findings;
use super::node::{Node, Tree};
use super::values;
use crate::domain::facts::FactPath;
use crate::domain::handling::Handling;
use crate::domain::priority::Priority;
use crate::domain::time::Timestamp;

/// The most facts that name a conversation.
const ABOUT_MAX: usize = 8;

/// The shortest and the longest time that something can be of use.
const EXPIRES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30 * 24 * 3600)];

/// Reads these keys of a rule. `None` when any is broken; the reasons are reported.
pub fn read(fields: &mut Fields<'_>, findings: &mut Findings) -> Option<Handling> {
    let about = fields.take("about").map(|node| about(node, findings));
    let priority = fields.take("priority").map(|node| {
        let word = text(node, "'priority'", findings)?;
        if matches!(word, "high" | "medium") {
            let help = "for the priority of a test case, write it into 'when'; of a message: urgent, normal or low";
            findings.error_help(node.at, format!("'priority: {word}' is no priority of a message"), help);
            return None;
        }
        one_of(word, "priority", &Priority::WORDS, node.at, findings)
    });
    let expires = fields.take("expires").map(|node| expires(node, findings));
    let mute_until = fields.take("mute_until").map(|node| moment(node, findings));
    Some(Handling {
        about: right(about)?.unwrap_or_default(),
        priority: right(priority)?.unwrap_or_default(),
        expires: right(expires)?,
        mute_until: right(mute_until)?,
    })
}

/// The facts that name the conversation: one, or a list.
fn about(node: &Node, findings: &mut Findings) -> Option<Vec<FactPath>> {
    let nodes = match &node.tree {
        Tree::Scalar(..) => std::slice::from_ref(node),
        _ => items(node, "'about'", findings),
    };
    if nodes.is_empty() {
        if matches!(node.tree, Tree::List(_)) {
            findings.error_help(node.at, "'about' names no fact", "remove it: the subject is the conversation then");
        }
        return None;
    }
    if nodes.len() > ABOUT_MAX {
        findings.error(node.at, format!("a conversation is named by at most {ABOUT_MAX} facts"));
        return None;
    }
    let mut paths: Vec<FactPath> = Vec::new();
    let mut whole = true;
    for node in nodes {
        match fact(node, findings) {
            Some(path) if paths.contains(&path) => {
                findings.warning(node.at, format!("'{path}' is named twice"), "remove one of them");
            }
            Some(path) => paths.push(path),
            None => whole = false,
        }
    }
    whole.then_some(paths)
}

fn fact(node: &Node, findings: &mut Findings) -> Option<FactPath> {
    let word = text(node, "'about'", findings)?;
    if word.contains("{{") {
        let help = "write the names alone: about: [project, run_id]";
        findings.error_help(node.at, "'about' names facts, it is no template", help);
        return None;
    }
    match FactPath::parse(word) {
        Ok(path) => fact_kind(&path, node.at, findings).map(|_| path),
        Err(error) => {
            findings.error_help(node.at, error.to_string(), "name facts, as in about: [project, run_id]");
            None
        }
    }
}

fn expires(node: &Node, findings: &mut Findings) -> Option<Duration> {
    let Tree::Scalar(_, written) = &node.tree else {
        findings.error(node.at, format!("'expires' is a duration such as 3h, but this is {}", node.kind()));
        return None;
    };
    match values::duration(written.trim()) {
        Ok(duration) if duration < EXPIRES[0] || duration > EXPIRES[1] => {
            findings.error(node.at, "'expires' must be 1s to 30d");
            None
        }
        Ok(duration) => Some(duration),
        Err(why) => {
            findings.error_help(node.at, "'expires' is no duration", why);
            None
        }
    }
}

/// A date, which begins at 00:00 UTC, or a moment with its offset.
fn moment(node: &Node, findings: &mut Findings) -> Option<Timestamp> {
    let word = match &node.tree {
        Tree::Scalar(..) => text(node, "'mute_until'", findings)?,
        _ => {
            findings.error(node.at, format!("'mute_until' is a date, but this is {}", node.kind()));
            return None;
        }
    };
    let read = Timestamp::of_date(word.trim()).or_else(|| Timestamp::parse(word.trim()));
    if read.is_none() {
        let help = "write a date, 2026-12-01 (it begins at 00:00 UTC), or a moment: 2026-12-01T09:00:00+02:00";
        findings.error_help(node.at, format!("'mute_until: {word}' is no date"), help);
    }
    read
}
