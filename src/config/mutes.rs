//! Rules whose pause is over.

use super::Snapshot;
use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::domain::time::Timestamp;

/// Points out each `mute_until` that lies before `now`: it does nothing any more.
#[must_use]
pub fn ended_mutes(snapshot: &Snapshot, now: Timestamp) -> Diagnostics {
    let ended = snapshot.rules.rules().iter().filter_map(|rule| {
        let until = rule.handling.mute_until.filter(|until| *until <= now)?;
        let (file, first) = &rule.place;
        let text =
            snapshot.files.iter().find(|(name, _)| file.ends_with(name.as_str())).and_then(|(_, text)| text.as_str());
        let lines = text.unwrap_or_default().lines().enumerate().skip(first.saturating_sub(1) as usize);
        let (line, source_line) = lines
            .map(|(at, line)| (at + 1, line))
            .find(|(_, line)| line.trim_start().starts_with("mute_until:"))
            .unwrap_or((*first as usize, ""));
        Some(Diagnostic {
            severity: Severity::Warning,
            file: file.to_string(),
            line,
            column: source_line.find("mute_until").map_or(1, |at| at + 1),
            width: "mute_until".len(),
            source_line: source_line.to_owned(),
            message: format!("rule '{}' was muted until {until}, which has passed", rule.name),
            help: Some("the rule sends again: remove the line, or set a later date".to_owned()),
            also: None,
        })
    });
    Diagnostics(ended.collect())
}
