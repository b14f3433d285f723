//! What failed, for people: expected beside got, and why.

use crate::config::trials::{Expected, Trial};
use crate::domain::explain::Part;
use crate::domain::trace::Seen;
use crate::relay::trial::{Difference, Failure, FailureKind, Got, Mismatch, Missing, Near, Why};

use super::super::explain::{shortened, value};
use super::super::output::{Output, plain};

/// The most characters of a part that are shown.
const PART_CHARS_MAX: usize = 200;
/// The most lines of a message that are shown.
const TEXT_LINES_MAX: usize = 12;
/// The most characters of a line of a rule that are shown.
const SAYS_CHARS_MAX: usize = 120;
/// The most alternatives of a rule that are told.
const ALTERNATIVES_MAX: usize = 3;

/// All failures of a test, with its name.
pub(super) fn of(trial: &Trial, failures: &[Failure], output: &Output) -> String {
    let (file, line) = &trial.place;
    let mut lines = vec![format!("{}  {} ({file}:{line})", output.verdict("FAIL", false), trial.name)];
    for failure in failures {
        lines.push(format!("  {file}:{}  {}", failure.line, headline(&failure.kind)));
        lines.extend(detail(&failure.kind).into_iter().map(|line| format!("    {line}")));
    }
    lines.join("\n")
}

/// A failure in one line.
pub(super) fn headline(kind: &FailureKind) -> String {
    match kind {
        FailureKind::Mismatch(Mismatch { missing, near, unexpected }) => {
            let counts = [(missing.len(), "missing"), (near.len(), "different"), (unexpected.len(), "not expected")];
            let told: Vec<String> =
                counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
            format!("expect: {}", told.join(", "))
        }
        FailureKind::Template { template, .. } => {
            format!("receive: the message of '{template}' was not rendered as written")
        }
        FailureKind::Broken { .. } => "receive: the event could not be planned".to_owned(),
    }
}

/// The lines that explain a failure.
pub(super) fn detail(kind: &FailureKind) -> Vec<String> {
    match kind {
        FailureKind::Mismatch(mismatch) => {
            let mut lines = Vec::new();
            mismatch.missing.iter().for_each(|one| lines.extend(missing(one)));
            mismatch.near.iter().for_each(|one| lines.extend(near(one)));
            for got in &mismatch.unexpected {
                lines.push(format!("not expected  {}", caused(got)));
                lines.extend(text(&got.text));
            }
            lines
        }
        FailureKind::Template { why, .. } => {
            vec![shortened(why, PART_CHARS_MAX), "the built-in message would go out".to_owned()]
        }
        FailureKind::Broken { why } => vec![shortened(why, PART_CHARS_MAX)],
    }
}

fn missing(missing: &Missing) -> Vec<String> {
    let mut lines = vec![format!("missing       {}", wanted(&missing.expected))];
    lines.extend(why(&missing.expected, &missing.why).into_iter().map(|line| format!("              {line}")));
    lines
}

/// What was expected, in one line.
fn wanted(expected: &Expected) -> String {
    let action = expected.action.map_or("a message", |action| action.word());
    let mut text = format!("{action} to {}", expected.to);
    if let Some(rule) = &expected.rule {
        text.push_str(&format!(" by {rule}"));
    }
    let mut says: Vec<String> = expected.title.iter().map(|title| format!("title {}", quoted(title))).collect();
    says.extend(expected.contains.iter().map(|part| quoted(part)));
    if !says.is_empty() {
        text.push_str(&format!(", with {}", says.join(", ")));
    }
    text + &format!(" (line {})", expected.line)
}

fn why(expected: &Expected, why: &Why) -> Vec<String> {
    match why {
        Why::NothingReceived => {
            vec!["no event came in since the last 'expect': no webhook, or only such as are no event".to_owned()]
        }
        Why::Repeated => vec![
            "the same webhook came in before; within 10 minutes a repetition does nothing".to_owned(),
            "let more time pass with  - after: 11m , or change its body".to_owned(),
        ],
        Why::NoRule => {
            let action = expected.action.map_or_else(|| "anything".to_owned(), |action| format!("'{action}'"));
            match &expected.rule {
                Some(rule) => vec![format!("the rule {rule} does not send {action} to {}", expected.to)],
                None => vec![format!("no rule sends {action} to {}", expected.to)],
            }
        }
        Why::NotMatched { rule, place: (file, line), event, part, seen } => {
            let mut lines = vec![format!("{rule} ({file}:{line}) did not match {}:", plain(event))];
            lines.extend(seen.iter().take(ALTERNATIVES_MAX).enumerate().map(|(at, seen)| {
                let head = match (at, part) {
                    (0, Part::Unless) => "excluded",
                    (0, _) => "needs",
                    _ => "or",
                };
                let Seen { says, line, .. } = seen;
                format!("{head}: {}; seen: {}   {file}:{line}", shortened(says, SAYS_CHARS_MAX), value(seen))
            }));
            if seen.len() > ALTERNATIVES_MAX {
                lines.push(format!("or {} more", seen.len() - ALTERNATIVES_MAX));
            }
            lines
        }
        Why::SentOnce { rule, place: (file, line) } => {
            vec![format!("{rule} ({file}:{line}) sent it once; it is expected more often")]
        }
        Why::HeldBack { rule, place: (file, line), why } => {
            vec![format!("{rule} ({file}:{line}) matched and did not send it: {why}")]
        }
    }
}

fn near(near: &Near) -> Vec<String> {
    let mut lines = vec![format!("different     {}, and not as line {} says", caused(&near.got), near.expected.line)];
    let mut show_text = false;
    for difference in &near.differences {
        match difference {
            Difference::Part { part, expected, got } => {
                lines.push(format!("  {part}"));
                lines.push(format!("    expected  {}", shortened(expected, PART_CHARS_MAX)));
                let got = got.as_deref().map_or_else(|| "(nothing)".to_owned(), |got| shortened(got, PART_CHARS_MAX));
                lines.push(format!("    got       {got}"));
            }
            Difference::Lacks(part) => {
                show_text = true;
                lines.push(format!("  text lacks {}", quoted(part)));
            }
            Difference::Says(part) => {
                show_text = true;
                lines.push(format!("  text says {}, and must not", quoted(part)));
            }
        }
    }
    if show_text {
        lines.push("  the text is".to_owned());
        lines.extend(text(&near.got.text));
    }
    lines
}

fn caused(got: &Got) -> String {
    let (file, line) = &got.place;
    format!("{} to {} by {} ({file}:{line}), because of line {}", got.action, got.to, got.rule, got.line)
}

/// The beginning of a message's text, line by line.
fn text(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| format!("  | {}", shortened(line, PART_CHARS_MAX)))
        .collect();
    if lines.len() > TEXT_LINES_MAX {
        let more = lines.len() - TEXT_LINES_MAX;
        lines.truncate(TEXT_LINES_MAX);
        lines.push(format!("  | … {more} more lines"));
    }
    lines
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text, PART_CHARS_MAX))
}
