//! How the answers of a described receiver are read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::desk::Desk;
use super::fields::{Fields, entries, items};
use super::findings::{Findings, Place};
use super::node::{Node, Tree};
use crate::destination::rest::{Answers, Pointer, Remembered};

/// The names a description may remember beside `key` and `url` are short.
const NAME_CHARS_MAX: usize = 64;

/// Reads `success`, `retryable`, `permanent`, `error`, `ok` and `busy`; what is not
/// written is as in `usual`. `success` is a request's own. `None` when any is broken.
pub fn read(fields: &mut Fields<'_>, usual: Option<&Answers>, desk: &mut Desk<'_>) -> Option<Answers> {
    let usual = usual.cloned();
    let is_request = usual.is_some();
    let usual = usual.unwrap_or_default();
    let findings = &mut desk.findings;
    let success = if is_request { fields.take("success") } else { None };
    let success = success.map_or(Some(usual.success), |node| statuses(node, "'success'", findings));
    let retryable =
        fields.take("retryable").map_or(Some(usual.retryable), |node| statuses(node, "'retryable'", findings));
    let permanent =
        fields.take("permanent").map_or(Some(usual.permanent), |node| statuses(node, "'permanent'", findings));
    let error = fields.take("error").map_or(Some(usual.error), |node| pointers(node, findings));
    let ok = fields.take("ok").map_or(Some(usual.ok), |node| wanted(node, "'ok'", findings));
    let busy = fields.take("busy").map_or(Some(usual.busy), |node| wanted(node, "'busy'", findings));
    Some(Answers {
        success: success?,
        retryable: retryable?,
        permanent: permanent?,
        error: error?,
        ok: ok?,
        busy: busy?,
    })
}

/// Statuses of HTTP.
fn statuses(node: &Node, what: &str, findings: &mut Findings) -> Option<Vec<u16>> {
    let nodes = match &node.tree {
        Tree::Scalar(..) if !node.is_nothing() => std::slice::from_ref(node),
        _ => items(node, what, findings),
    };
    let mut statuses = Vec::new();
    for node in nodes {
        let number = match &node.tree {
            Tree::Scalar(serde_yaml::Value::Number(number), _) => number.as_u64().and_then(|n| u16::try_from(n).ok()),
            _ => None,
        };
        match number.filter(|number| (100..=599).contains(number)) {
            Some(number) => statuses.push(number),
            None => {
                let message = format!("{what} lists statuses of HTTP, but this is {}", node.kind());
                findings.error_help(node.at, message, "a status is a number such as 200, 201 or 422");
                return None;
            }
        }
    }
    Some(statuses)
}

/// One pointer, or several.
fn pointers(node: &Node, findings: &mut Findings) -> Option<Vec<Pointer>> {
    let nodes = match &node.tree {
        Tree::Scalar(..) => std::slice::from_ref(node),
        _ => items(node, "'error'", findings),
    };
    nodes.iter().map(|node| pointer(node, "'error'", findings)).collect()
}

fn pointer(node: &Node, what: &str, findings: &mut Findings) -> Option<Pointer> {
    let text = super::fields::text(node, what, findings)?;
    pointer_of(text, node.at, findings)
}

fn pointer_of(text: &str, at: Place, findings: &mut Findings) -> Option<Pointer> {
    let pointer = Pointer::parse(text).filter(|_| !text.is_empty());
    if pointer.is_none() {
        let steps = text.trim_start_matches('$').trim_matches(['.', '/']).replace(['.', '['], "/").replace(']', "");
        let help = format!(
            "it leads into the JSON of the answer, with '/' before each step{}",
            if steps.is_empty() || steps.contains('~') { String::new() } else { format!(": /{steps}") }
        );
        findings.error_help(at, format!("'{text}' is no JSON pointer"), help);
    }
    pointer
}

/// Values that an answer holds, by pointer.
fn wanted(node: &Node, what: &str, findings: &mut Findings) -> Option<Vec<(Pointer, Value)>> {
    if matches!(node.tree, Tree::Scalar(..)) {
        let help = format!("write a pointer and the value: {}: {{ /success: true }}", what.trim_matches('\''));
        findings.error_help(node.at, format!("{what} must be a map, but this is {}", node.kind()), help);
        return None;
    }
    let mut wanted = Some(Vec::new());
    for entry in entries(node, what, findings) {
        let pointer = pointer_of(&entry.key, entry.key_at, findings);
        let value = match &entry.value.tree {
            Tree::Scalar(..) if entry.value.is_nothing() && what == "'busy'" => {
                let help = "name the value that means busy, or leave the line out";
                findings.error_help(entry.key_at, format!("'{}' has no value", entry.key), help);
                None
            }
            Tree::Scalar(value, _) => serde_json::to_value(value).ok(),
            _ => {
                findings.error(entry.value.at, format!("a value of {what} is text, a number, true, false or nothing"));
                None
            }
        };
        match (pointer, value, &mut wanted) {
            (Some(pointer), Some(value), Some(list)) => list.push((pointer, value)),
            _ => wanted = None,
        }
    }
    wanted
}

/// `remember:`: what is kept of an answer, by name.
pub fn remember(node: &Node, findings: &mut Findings) -> Option<Remembered> {
    let mut remembered = Some(Vec::new());
    let mut seen = BTreeSet::new();
    for entry in entries(node, "'remember'", findings) {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = entry.key.as_str();
        let good = seen.insert(name) && !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.chars().all(fits);
        if !good {
            let help = "letters, digits and '_': it is used as {{thread.NAME}}";
            findings.error_help(entry.key_at, format!("'{name}' cannot be the name of something remembered"), help);
        }
        match (pointer(&entry.value, "a pointer of 'remember'", findings).filter(|_| good), &mut remembered) {
            (Some(pointer), Some(list)) => list.push((entry.key.clone(), pointer)),
            _ => remembered = None,
        }
    }
    remembered.map(Remembered)
}
