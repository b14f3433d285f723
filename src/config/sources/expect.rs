//! `expect_every:`: how soon something is expected again from a source or about a project.

use std::time::Duration;

use crate::config::desk::Desk;
use crate::config::fields::{Fields, entries};
use crate::config::node::Tree;

/// Less would be noise: the clocks of senders and a look every half minute.
const LEAST: Duration = Duration::from_secs(60);
/// More is never.
const MOST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Reads `expect_every: 48h`, or `{ source: 12h, projects: { PAY: 48h } }`.
pub fn read(fields: &mut Fields<'_>, desk: &mut Desk<'_>) -> Vec<(Option<String>, Duration)> {
    let mut all = Vec::new();
    let Some(node) = fields.take("expect_every") else { return all };
    if !matches!(node.tree, Tree::Map(_)) {
        all.extend(desk.duration(node, "'expect_every'", LEAST, MOST).map(|every| (None, every)));
        return all;
    }
    let Some(mut parts) = Fields::of(node, "'expect_every'", &mut desk.findings) else { return all };
    if let Some(node) = parts.take("source") {
        all.extend(desk.duration(node, "'source' of 'expect_every'", LEAST, MOST).map(|every| (None, every)));
    }
    if let Some(node) = parts.take("projects") {
        for entry in entries(node, "'projects' of 'expect_every'", &mut desk.findings) {
            let what = format!("'{}' of 'expect_every'", entry.key);
            let every = desk.duration(&entry.value, &what, LEAST, MOST);
            all.extend(every.map(|every| (Some(entry.key.clone()), every)));
        }
    }
    parts.finish(&mut desk.findings);
    all
}
