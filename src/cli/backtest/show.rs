//! The difference, for people and for programs.

use serde_json::{Value, json};

use super::super::output::plain;
use super::super::table::table;
use super::difference::{Change, Difference, Example, Matches};
use super::sides::Side;
use super::{Window, side_json};

/// The difference in words.
pub(super) fn text(difference: &Difference, window: Window, present: &Side, candidate: &Side) -> String {
    let mut lines = vec![
        format!("{} from {} to {}", count(difference.events, ["event", "events"]), window.since, window.until),
        format!("present    {} (revision {})", present.what, present.revision),
        format!("candidate  {} (revision {})", candidate.what, candidate.revision),
    ];
    if difference.without_payload > 0 {
        let events = count(difference.without_payload, ["event", "events"]);
        lines.push(format!("note       {events} without payload: relaybell.yaml has their source no more"));
    }
    lines.push(String::new());
    if difference.events == 0 {
        lines.push("No events were received in this time, so there is nothing to compare.".to_owned());
        return lines.join("\n");
    }
    if difference.is_none() {
        let sent = count(difference.flows.values().map(|flow| flow.present).sum(), ["message", "messages"]);
        lines.push(format!("No difference: both send the same {sent}."));
        return lines.join("\n");
    }
    lines.push(flows(difference));
    if !difference.rules.is_empty() {
        let rows: Vec<Vec<String>> =
            difference.rules.iter().map(|(rule, matches)| vec![format!("  {rule}"), of_rule(matches)]).collect();
        lines.push(format!("\n{}", table(&["BY RULE", ""], &rows)));
    }
    for ((destination, action), flow) in &difference.flows {
        for (change, (_, examples)) in flow.changes.iter().filter(|(_, (_, examples))| !examples.is_empty()) {
            let [_, many] = nouns(action);
            lines.push(format!("\nFor example, {}", headline(*change, many, destination)));
            lines.extend(examples.iter().map(example));
        }
    }
    lines.join("\n")
}

/// What differs by destination and action.
fn flows(difference: &Difference) -> String {
    let changed = difference.flows.iter().filter(|(_, flow)| !flow.changes.is_empty());
    let rows: Vec<Vec<String>> = changed
        .map(|((destination, action), flow)| {
            let parts: Vec<String> =
                flow.changes.iter().map(|(change, (number, _))| part(*change, *number, nouns(action))).collect();
            let total = format!("{} → {}", flow.present, flow.candidate);
            vec![format!("  {destination}"), parts.join(", "), total]
        })
        .collect();
    if rows.is_empty() {
        return "The same messages are sent to the same destinations, but by other rules.".to_owned();
    }
    table(&["BY DESTINATION", "", "PRESENT → CANDIDATE"], &rows)
}

fn part(change: Change, number: u64, nouns: [&str; 2]) -> String {
    let noun = if number == 1 { nouns[0] } else { nouns[1] };
    match change {
        Change::More => format!("{number} more {noun}"),
        Change::Fewer => format!("{number} fewer {noun}"),
        Change::Reworded => format!("{number} {noun} worded differently"),
    }
}

fn headline(change: Change, many: &str, destination: &str) -> String {
    match change {
        Change::More => format!("{many} to {destination} that only the candidate sends:"),
        Change::Fewer => format!("{many} to {destination} that the candidate does not send any more:"),
        Change::Reworded => format!("{many} to {destination} that are worded differently:"),
    }
}

fn of_rule(matches: &Matches) -> String {
    let mut parts = Vec::new();
    if matches.more > 0 {
        parts.push(format!("matches {} more", count(matches.more, ["event", "events"])));
    }
    if matches.fewer > 0 {
        parts.push(format!("matches {} fewer", count(matches.fewer, ["event", "events"])));
    }
    let note = match matches.known {
        [false, true] => " (a new rule)",
        [true, false] => " (a rule that is gone)",
        _ => "",
    };
    format!("{}{note}", parts.join(", "))
}

fn example(example: &Example) -> String {
    let subject = example.subject.as_deref().map(|subject| format!("{}  ", plain(subject))).unwrap_or_default();
    let mut lines = vec![
        format!("  {}  {}", example.received, example.event),
        format!("    {subject}{}  (rule {})", plain(&example.title), example.rule),
    ];
    lines.extend(example.lines.iter().map(|line| format!("      {}", plain(line))));
    lines.join("\n")
}

/// What an action makes, one and many.
fn nouns(action: &str) -> [&str; 2] {
    match action {
        "post" => ["message", "messages"],
        "create" => ["issue", "issues"],
        "reply" => ["reply", "replies"],
        "update" => ["update", "updates"],
        "comment" => ["comment", "comments"],
        "transition" => ["transition", "transitions"],
        "request" => ["request", "requests"],
        other => [other, other],
    }
}

fn count(number: u64, nouns: [&str; 2]) -> String {
    format!("{number} {}", if number == 1 { nouns[0] } else { nouns[1] })
}

/// The difference for programs.
pub(super) fn json(difference: &Difference, window: Window, present: &Side, candidate: &Side) -> Value {
    let destinations: Vec<Value> = difference
        .flows
        .iter()
        .map(|((destination, action), flow)| {
            let number = |change| flow.changes.get(&change).map_or(0, |(number, _)| *number);
            let examples: Vec<Value> = flow
                .changes
                .iter()
                .flat_map(|(change, (_, examples))| examples.iter().map(|one| example_json(*change, one)))
                .collect();
            json!({
                "destination": &**destination,
                "action": action,
                "present": flow.present,
                "candidate": flow.candidate,
                "more": number(Change::More),
                "fewer": number(Change::Fewer),
                "reworded": number(Change::Reworded),
                "examples": examples,
            })
        })
        .collect();
    let rules: Vec<Value> = difference
        .rules
        .iter()
        .map(|(rule, matches)| {
            let [in_present, in_candidate] = matches.known;
            json!({
                "rule": &**rule,
                "more": matches.more,
                "fewer": matches.fewer,
                "in_present": in_present,
                "in_candidate": in_candidate,
            })
        })
        .collect();
    json!({
        "since": window.since.to_string(),
        "until": window.until.to_string(),
        "events": difference.events,
        "events_without_payload": difference.without_payload,
        "present": side_json(present),
        "candidate": side_json(candidate),
        "differs": !difference.is_none(),
        "destinations": destinations,
        "rules": rules,
    })
}

fn example_json(change: Change, example: &Example) -> Value {
    json!({
        "change": match change {
            Change::More => "more",
            Change::Fewer => "fewer",
            Change::Reworded => "reworded",
        },
        "event": example.event.to_string(),
        "received": example.received.to_string(),
        "subject": example.subject,
        "title": example.title,
        "rule": &*example.rule,
        "lines": example.lines,
    })
}
