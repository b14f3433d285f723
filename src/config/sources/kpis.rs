//! `defect_kpis:`: how many defects there are, and how that looks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Pledge;
use super::memories::Memories;
use crate::config::desk::Desk;
use crate::config::exchanges::{CountedIn, DefectKpis, PROJECT_MARK, Remembered};
use crate::config::fields::{Fields, entries, items, text};
use crate::config::nearest::{any_of, did_you_mean};
use crate::config::node::Node;
use crate::domain::Name;
use crate::domain::defects::{COUNTED, Scale};

/// How long a count is as good as new.
const FRESH: Duration = Duration::from_secs(60);
const FRESH_LEAST: Duration = Duration::from_secs(5);
const FRESH_MOST: Duration = Duration::from_secs(3600);

/// What `from` names where the relay's own memory is meant, and no destination.
pub(super) const MEMORY: &str = "memory";

/// Who asks for figures.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The source that asks.
    pub(super) source: &'a str,
    /// The codes of its projects, by their ids.
    pub(super) projects: &'a BTreeMap<String, String>,
}

/// Reads `defect_kpis`. What can be looked up only when all sources and destinations are
/// read is added to `pledges`.
pub(super) fn read(
    node: &Node,
    asked: &Asked<'_>,
    pledges: &mut Vec<Pledge>,
    desk: &mut Desk<'_>,
) -> Option<DefectKpis> {
    let mut fields = Fields::of(node, "'defect_kpis'", &mut desk.findings)?;
    let from = fields.require("from", &mut desk.findings);
    let word = from.and_then(|from| text(from, "'from'", &mut desk.findings));
    let jql = fields.take("jql");
    let (count, sources, subjects) = (fields.take("count"), fields.take("sources"), fields.take("subjects"));
    let from = match (from, word) {
        (Some(from), Some(MEMORY)) => {
            if let Some(jql) = jql {
                let help =
                    "what Relaybell remembers is counted by conditions: count: { critical: { severity: blocker } }";
                desk.findings.error_help(jql.at, "'jql' is for a tracker, and this counts from memory", help);
            }
            if asked.projects.is_empty() {
                let help = "add  projects: { 3dae45a4-6fc3-4a10-8c1e-0b49c244dbb8: SHOP }  to the source: Test Manager \
                            asks by id, and defects are remembered by the project's code";
                desk.findings.error_help(from.at, "'projects' is missing: counting from memory needs it", help);
            }
            let memories = Memories {
                source: asked.source.into(),
                at: from.at,
                sources: sources.cloned(),
                subjects: subjects.cloned(),
                count: count.cloned(),
            };
            pledges.push(Pledge::Remembers(Box::new(memories)));
            Some(CountedIn::Memory(Arc::new(Remembered::default())))
        }
        (Some(from), Some(word)) => {
            for (key, node) in [("count", count), ("sources", sources), ("subjects", subjects)] {
                let Some(node) = node else { continue };
                let message = format!("'{key}' is for counting from memory, and this counts in '{word}'");
                desk.findings.error_help(node.at, message, "a tracker is asked by queries: jql: { critical: … }");
            }
            let destination = Name::from(word);
            pledges.push(Pledge::Counts { destination: destination.clone(), at: from.at });
            let queries = jql.map_or(Some(<[Option<String>; 5]>::default()), |node| queries(node, desk));
            queries.map(|queries| CountedIn::Tracker { destination, queries })
        }
        _ => None,
    };
    let link = match fields.take("link") {
        Some(node) => marked(node, "'link'", desk).map(Some),
        None => Some(None),
    };
    let fresh =
        fields.take("fresh").map_or(Some(FRESH), |node| desk.duration(node, "'fresh'", FRESH_LEAST, FRESH_MOST));
    let scale = fields.take("status").map_or(Some(Scale::default()), |node| scale(node, desk));
    fields.finish(&mut desk.findings);
    Some(DefectKpis { from: from?, link: link?, fresh: fresh?, scale: scale?, projects: asked.projects.clone() })
}

/// `jql:`: one query for each count.
fn queries(node: &Node, desk: &mut Desk<'_>) -> Option<[Option<String>; 5]> {
    let mut fields = Fields::of(node, "'jql'", &mut desk.findings)?;
    let mut queries = <[Option<String>; 5]>::default();
    let mut sound = true;
    for (query, word) in queries.iter_mut().zip(COUNTED) {
        let Some(node) = fields.take(word) else { continue };
        *query = marked(node, &format!("'{word}'"), desk);
        sound &= query.is_some();
    }
    fields.finish(&mut desk.findings);
    sound.then_some(queries)
}

/// A text in which only the project's code is filled in.
fn marked(node: &Node, what: &str, desk: &mut Desk<'_>) -> Option<String> {
    let text = desk.filled(node, what)?;
    if text.value.replace(PROJECT_MARK, "").contains("{{") {
        let help = "{{project}} is all that can be filled in here: nothing else is known of a question for figures";
        desk.findings.error_help(node.at, format!("{what} names something else than {PROJECT_MARK}"), help);
        return None;
    }
    Some(text.value)
}

/// `status:`: the words, and from how many defects on each holds.
fn scale(node: &Node, desk: &mut Desk<'_>) -> Option<Scale> {
    let mut fields = Fields::of(node, "'status'", &mut desk.findings)?;
    let usual = Scale::default();
    let words = match fields.take("words") {
        Some(node) => words(node, desk),
        None => Some(usual.words),
    };
    let warning = fields.take("warning").map_or(Some(usual.warning), |node| limits(node, "'warning'", desk));
    let critical = fields.take("critical").map_or(Some(usual.critical), |node| limits(node, "'critical'", desk));
    fields.finish(&mut desk.findings);
    Some(Scale { words: words?, warning: warning?, critical: critical? })
}

fn words(node: &Node, desk: &mut Desk<'_>) -> Option<[String; 3]> {
    let written = items(node, "'words'", &mut desk.findings);
    let words: Option<Vec<String>> =
        written.iter().map(|word| desk.filled(word, "an entry of 'words'").map(|text| text.value)).collect();
    match <[String; 3]>::try_from(words?) {
        Ok(words) => Some(words),
        Err(words) => {
            let help = "from good to bad: words: [Good, Warning, Critical]";
            desk.findings.error_help(node.at, format!("'words' has three words, but these are {}", words.len()), help);
            None
        }
    }
}

/// `{ critical: 1, open: 20 }`.
fn limits(node: &Node, what: &str, desk: &mut Desk<'_>) -> Option<Vec<(&'static str, u64)>> {
    let mut limits = Some(Vec::new());
    for entry in entries(node, what, &mut desk.findings) {
        let word = COUNTED.into_iter().find(|word| *word == entry.key);
        if word.is_none() {
            let near = did_you_mean(&entry.key, COUNTED);
            let help = format!("a limit has: {}", any_of(COUNTED).replace(" or ", ", "));
            desk.findings.error_help(entry.key_at, format!("nothing is counted as '{}'{near}", entry.key), help);
        }
        let from = desk.count(&entry.value, &format!("'{}'", entry.key), u32::MAX);
        match (word, from, &mut limits) {
            (Some(word), Some(from), Some(limits)) => limits.push((word, u64::from(from.get()))),
            _ => limits = None,
        }
    }
    limits
}
