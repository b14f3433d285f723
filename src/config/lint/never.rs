//! Rules that can never match, and alternatives that can never hold.

use super::Report;
use super::literal::Literal;
use super::solve::{Budget, Goal, Outlook, goals, outlook};
use crate::config::findings::Findings;
use crate::domain::condition::{Condition, Line};
use crate::domain::rule::Rule;

/// Reports when no event can match `rule`. True when that is so.
pub(super) fn lint(rule: &Rule, report: &Report, budget: &mut Budget, findings: &mut Findings) -> bool {
    let goals = goals(rule);
    if let Outlook::Never(core) = outlook(&goals, budget) {
        tell(&core, &format!("rule '{}' can never match", rule.name), report, findings);
        return true;
    }
    for alternatives in alternatives(&rule.when) {
        for one in alternatives {
            let mut goals: Vec<Goal<'_>> = goals.clone();
            goals.push((one, true));
            if let Outlook::Never(core) = outlook(&goals, budget)
                && let Some(line) = first_line(one)
            {
                let why = why(&core);
                let at = report.place(line, &line.fact.to_string(), findings);
                let help = "beside the other lines of this rule; remove it, or correct it";
                findings.warning(at, format!("this alternative of rule '{}' can never hold{why}", rule.name), help);
            }
        }
    }
    false
}

/// The lists of alternatives that stand directly among the lines that must hold.
fn alternatives(condition: &Condition) -> Vec<&[Condition]> {
    match condition {
        Condition::All(parts) => parts.iter().flat_map(alternatives).collect(),
        Condition::Any(parts) if parts.len() > 1 => vec![parts],
        _ => Vec::new(),
    }
}

fn first_line(condition: &Condition) -> Option<&Line> {
    match condition {
        Condition::Line(line) => Some(line),
        Condition::All(parts) | Condition::Any(parts) | Condition::None(parts) => parts.iter().find_map(first_line),
    }
}

/// The lines that forbid one another, in words.
fn why(core: &[Literal<'_>]) -> String {
    let said = |line: &Literal<'_>| {
        let wants = if line.wanted { "it wants" } else { "it leaves out" };
        format!("{wants} '{}'", line.line.says())
    };
    match core {
        [] => ": its lines forbid one another".to_owned(),
        [only] if only.wanted => format!(": nothing is so that '{}'", only.line.says()),
        lines => format!(": {}", lines.iter().map(said).collect::<Vec<_>>().join(", and ")),
    }
}

fn tell(core: &[Literal<'_>], what: &str, report: &Report, findings: &mut Findings) {
    let help = "no event can be both; correct a line, or remove the rule";
    let message = format!("{what}{}", why(core));
    let mut lines: Vec<&Line> = core.iter().map(|literal| literal.line).collect();
    lines.sort_by_key(|line| line.line);
    let (Some(last), first) = (lines.pop(), lines.first()) else {
        findings.error_help(report.name(findings), message, help);
        return;
    };
    let at = report.place(last, &last.fact.to_string(), findings);
    match first {
        Some(first) => {
            let other = report.place(first, &first.fact.to_string(), findings);
            findings.error_also(at, message, other, "the other line");
        }
        None => findings.error_help(at, message, "no value can be so; correct the line, or remove the rule"),
    }
}
