//! The explanation for programs.

use serde_json::{Value, json};

use crate::domain::explain::{Explained, Obstacle};
use crate::domain::facts::Origin;
use crate::domain::trace::{Seen, Trace};

use super::case::Case;

/// Everything that is told.
pub(super) fn whole(case: &Case, revision: &str, rules: &[Explained<'_>]) -> Value {
    let judged = case.judged.as_ref().map(|judged| {
        json!({
            "id": judged.id.to_string(),
            "received": case.received.to_string(),
            "revision": judged.revision,
            "verdicts": judged.verdicts,
        })
    });
    json!({
        "event": case.event,
        "source": case.source,
        "project": case.project,
        "subject": case.subject,
        "time": case.time.to_string(),
        "facts_from": case.facts_from,
        "judged": judged,
        "revision": revision,
        "rules": rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn rule(explained: &Explained<'_>) -> Value {
    let rule = explained.rule;
    let obstacle = explained.obstacle().map(|Obstacle { part, lines }| {
        json!({ "in": part.word(), "lines": lines.into_iter().map(line).collect::<Vec<_>>() })
    });
    let sends: Vec<Value> = explained
        .sends
        .iter()
        .map(|sending| {
            let send = sending.send;
            json!({
                "to": send.to,
                "action": send.action.word(),
                "template": send.template,
                "mention": send.mention.words(),
                "already_sent_by": sending.already,
            })
        })
        .collect();
    json!({
        "rule": rule.name,
        "file": rule.place.0,
        "line": rule.place.1,
        "matched": explained.matched,
        "lines_away": Some(explained.away()).filter(|lines| *lines < usize::MAX),
        "obstacle": obstacle,
        "when": trace(&explained.when),
        "unless": explained.unless.as_ref().map(trace),
        "where": explained.expression.as_ref().map(trace),
        "muted": explained.muted,
        "sends": sends,
    })
}

fn trace(of: &Trace) -> Value {
    match of {
        Trace::Line(seen) => line(seen),
        Trace::Nest { join, parts, held } => {
            json!({ "holds": held, join.word(): parts.iter().map(trace).collect::<Vec<_>>() })
        }
    }
}

fn line(seen: &Seen) -> Value {
    if let Some(working) = &seen.working {
        let fact = |(name, seen): &(String, Option<(Value, Origin)>)| {
            let (value, origin) = seen.as_ref().map(|(value, origin)| (value, origin)).unzip();
            json!({ "fact": name, "seen": value, "origin": origin })
        };
        return json!({
            "holds": seen.held,
            "line": seen.line,
            "fact": seen.fact,
            "says": seen.says,
            "facts": working.facts.iter().map(fact).collect::<Vec<_>>(),
            "failed": working.failed,
        });
    }
    json!({
        "holds": seen.held,
        "line": seen.line,
        "fact": seen.fact,
        "says": seen.says,
        "seen": seen.value.as_ref().map(|(value, _)| value),
        "origin": seen.value.as_ref().map(|(_, origin)| origin),
    })
}
