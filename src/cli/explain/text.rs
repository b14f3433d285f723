//! The explanation for people.

use serde_json::Value;

use crate::domain::condition::Join;
use crate::domain::explain::{Explained, Obstacle, Part};
use crate::domain::facts::{AGE, Origin};
use crate::domain::time::spoken;
use crate::domain::trace::{Seen, Trace, Working};

use super::super::events;
use super::super::output::plain;
use super::super::table::columns;
use super::case::{Case, Judged};

/// The most characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 60;
/// The most rules one line away from matching that are told in full.
const NEAR_MAX: usize = 20;
/// The most characters of a line of a rule that are shown.
const SAYS_CHARS_MAX: usize = 120;
/// The most alternatives that are told of a rule in one line.
const ALTERNATIVES_MAX: usize = 3;

/// What is explained.
pub(super) fn head(case: &Case, revision: &str) -> String {
    let mut rows = vec![
        ("event", plain(&case.event)),
        ("source", case.source.clone()),
        ("project", plain(case.project.as_deref().unwrap_or("-"))),
        ("subject", plain(case.subject.as_deref().unwrap_or("-"))),
        ("time", case.time.to_string()),
        ("facts", plain(&case.facts_from)),
    ];
    if let Some(judged) = &case.judged {
        rows.insert(0, ("id", judged.id.to_string()));
        rows.insert(6, ("received", case.received.to_string()));
        rows.push((
            "revision",
            if judged.revision == revision {
                format!("{revision} judged it; the files are the same now")
            } else {
                format!("{} judged it; below is what the files say now ({revision})", judged.revision)
            },
        ));
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    let mut text = columns(&rows);
    // What the same files decided is told below, unless they did not come to decide.
    let is_news = |judged: &&Judged| judged.revision != revision || judged.is_broken();
    if let Some(judged) = case.judged.as_ref().filter(is_news) {
        text.push_str("\n\ndecided then\n");
        text.push_str(&events::verdicts(&judged.verdicts));
    }
    text
}

/// Every rule: whole where it matched, nearly did or was asked for, else in one line.
pub(super) fn rules(rules: &[Explained<'_>], asked: bool) -> String {
    let near = |explained: &Explained<'_>| asked || (explained.away() == 1 && !explained.is_about_another_event());
    let of = |is: &dyn Fn(&Explained<'_>) -> bool| rules.iter().filter(|one| is(one)).collect::<Vec<_>>();
    let matched = of(&|one| one.matched);
    let mut almost = of(&|one| !one.matched && near(one));
    let mut rest = almost.split_off(almost.len().min(NEAR_MAX));
    rest.extend(of(&|one| !one.matched && !near(one)));
    let mut parts = Vec::new();
    if matched.is_empty() && !asked {
        parts.push("matched\n  no rule".to_owned());
    }
    let wholes = |head: &str, of: &[&Explained<'_>]| {
        let told: Vec<String> = of.iter().map(|one| whole(one)).collect();
        format!("{head}\n{}", told.join("\n\n"))
    };
    if !matched.is_empty() {
        parts.push(wholes("matched", &matched));
    }
    if !almost.is_empty() {
        parts.push(wholes(if asked { "did not match" } else { "one line away from matching" }, &almost));
    }
    if !rest.is_empty() {
        let rows: Vec<Vec<String>> = rest.iter().map(|one| brief(one)).collect();
        parts.push(format!("did not match\n{}", columns(&rows)));
    }
    format!("\n{}", parts.join("\n\n"))
}

fn whole(explained: &Explained<'_>) -> String {
    let rule = explained.rule;
    let (file, line) = &rule.place;
    let mut text = vec![format!("  {}   {file}:{line}", rule.name)];
    let section = |head: &str, trace: &Trace| {
        let mut rows = Vec::new();
        lines(trace, 0, file, &mut rows);
        format!("    {head}\n{}", columns(&rows))
    };
    let holds = if explained.when.held() { "when: holds" } else { "when: does not hold" };
    text.push(section(holds, &explained.when));
    if let Some(unless) = &explained.unless {
        let holds = if unless.held() { "unless: holds, so the event is excluded" } else { "unless: does not hold" };
        text.push(section(holds, unless));
    }
    if let Some(expression) = &explained.expression {
        let holds = match expression {
            Trace::Line(Seen { working: Some(Working { failed: Some(_), .. }), .. }) => {
                "where: failed, so it does not hold"
            }
            _ if expression.held() => "where: holds",
            _ => "where: does not hold",
        };
        text.push(section(holds, expression));
    }
    if let Some(why) = &explained.muted {
        text.push(format!("    sends nothing: {why}"));
    } else if explained.matched {
        text.push("    sends".to_owned());
        text.extend(explained.sends.iter().map(|sending| match &sending.already {
            None => format!("      {}", sending.send.phrase()),
            Some(first) => format!("      nothing to {}: {first} sends the same already", sending.send.to),
        }));
    }
    text.join("\n")
}

/// The lines of `trace`; the outermost nest is the list of lines itself.
fn lines(trace: &Trace, depth: usize, file: &str, rows: &mut Vec<Vec<String>>) {
    let mark = |held: bool| format!("      {}", if held { "yes" } else { "no " });
    let indent = "  ".repeat(depth.saturating_sub(1));
    match trace {
        Trace::Line(seen) => {
            let place = format!("{file}:{}", seen.line);
            rows.push(vec![
                mark(seen.held),
                format!("{indent}{}", shortened(seen.says.trim_start_matches("where "), SAYS_CHARS_MAX)),
                if seen.working.is_some() { String::new() } else { value(seen) },
                place,
            ]);
            if let Some(working) = &seen.working {
                rows.extend(workings(working));
            }
        }
        Trace::Nest { join, parts, held } => {
            if depth > 0 && !(*join == Join::All && parts.len() == 1) {
                let words = match join {
                    Join::All => "all_of (every one must hold)",
                    Join::Any => "any_of (one must hold)",
                    Join::None => "none_of (none may hold)",
                };
                rows.push(vec![mark(*held), format!("{indent}{words}"), String::new(), String::new()]);
            }
            let deeper = if *join == Join::All && parts.len() == 1 { depth.max(1) } else { depth + 1 };
            for part in parts {
                lines(part, deeper, file, rows);
            }
        }
    }
}

/// The facts that a `where` names, and why it failed.
fn workings(working: &Working) -> Vec<Vec<String>> {
    let row = |head: &str, told: String| vec![String::new(), format!("  {}", plain(head)), told, String::new()];
    let facts = working.facts.iter().map(|(fact, seen)| row(fact, value_of(fact, seen.as_ref())));
    let failed = working.failed.iter().map(|why| row("failed", shortened(why, SAYS_CHARS_MAX)));
    facts.chain(failed).collect()
}

fn brief(explained: &Explained<'_>) -> Vec<String> {
    let (file, line) = &explained.rule.place;
    let (line, why) = match explained.obstacle() {
        None => (*line, String::new()),
        Some(Obstacle { part, lines }) => {
            let mut told: Vec<String> = lines
                .iter()
                .take(ALTERNATIVES_MAX)
                .map(|seen| format!("{}; seen: {}", shortened(&seen.says, SAYS_CHARS_MAX), value(seen)))
                .collect();
            if lines.len() > ALTERNATIVES_MAX {
                told.push(format!("{} more", lines.len() - ALTERNATIVES_MAX));
            }
            let head = match part {
                Part::When => "needs",
                Part::Unless => "excluded",
                Part::Where => "needs",
            };
            (lines.first().map_or(*line, |seen| seen.line), format!("{head}: {}", told.join(", or ")))
        }
    };
    vec![format!("  {}", explained.rule.name), format!("{file}:{line}"), why]
}

/// The value that was seen, and where it came from; of a `where`, those it names.
pub(in crate::cli) fn value(seen: &Seen) -> String {
    let Some(working) = &seen.working else { return value_of(&seen.fact, seen.value.as_ref()) };
    if let Some(why) = &working.failed {
        return shortened(why, VALUE_CHARS_MAX);
    }
    let facts = working.facts.iter().take(ALTERNATIVES_MAX);
    let told: Vec<String> =
        facts.map(|(fact, seen)| format!("{} {}", plain(fact), value_of(fact, seen.as_ref()))).collect();
    told.join(", ")
}

fn value_of(fact: &str, seen: Option<&(Value, Origin)>) -> String {
    let Some((value, origin)) = seen else { return "missing".to_owned() };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(seconds) if fact == AGE => seconds.as_i64().map_or_else(|| seconds.to_string(), spoken),
        other => other.to_string(),
    };
    format!("{} ({})", shortened(&text, VALUE_CHARS_MAX), origin_words(*origin))
}

/// The beginning of `text`, fit for a terminal.
pub(in crate::cli) fn shortened(text: &str, chars_max: usize) -> String {
    let mut shown: String = plain(text).chars().take(chars_max).collect();
    if text.chars().count() > chars_max {
        shown.push('…');
    }
    shown
}

fn origin_words(origin: Origin) -> String {
    match origin {
        Origin::Event => "this event".to_owned(),
        Origin::Derived => "computed".to_owned(),
        Origin::Memory { since } => format!("remembered since {since}"),
        Origin::LookUp { at } => format!("looked up at {at}"),
    }
}
