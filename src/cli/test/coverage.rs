//! What the tests reach of the rules.

use serde_json::{Value, json};

use crate::config::Snapshot;
use crate::domain::rule::{Rule, Send};
use crate::relay::trial::Reached;

/// What the tests reach, and what not.
pub(super) struct Coverage<'s> {
    rules: usize,
    sends: usize,
    unreached: Vec<&'s Rule>,
    /// Messages of rules that matched, that were never sent.
    unsent: Vec<(&'s Rule, &'s Send)>,
}

pub(super) fn of<'s>(snapshot: &'s Snapshot, reached: &Reached) -> Coverage<'s> {
    let rules = snapshot.rules.rules();
    let (reached_rules, unreached): (Vec<&Rule>, Vec<&Rule>) =
        rules.iter().partition(|rule| reached.rules.contains(&rule.name));
    let unsent = reached_rules
        .iter()
        .flat_map(|rule| rule.send.iter().map(|send| (*rule, send)))
        .filter(|(rule, send)| !reached.has_sent(&rule.name, &send.to, send.action))
        .collect();
    Coverage { rules: rules.len(), sends: rules.iter().map(|rule| rule.send.len()).sum(), unreached, unsent }
}

impl Coverage<'_> {
    fn sent(&self) -> usize {
        let of_unreached: usize = self.unreached.iter().map(|rule| rule.send.len()).sum();
        self.sends.saturating_sub(of_unreached).saturating_sub(self.unsent.len())
    }

    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!(
            "rules reached by a test: {} of {}; messages sent: {} of {}",
            self.rules - self.unreached.len(),
            self.rules,
            self.sent(),
            self.sends
        )];
        for rule in &self.unreached {
            let (file, line) = &rule.place;
            lines.push(format!("  not reached  {} ({file}:{line})", rule.name));
        }
        for (rule, send) in &self.unsent {
            let (file, line) = &rule.place;
            lines.push(format!("  never sent   {} to {} by {} ({file}:{line})", send.action, send.to, rule.name));
        }
        lines.join("\n")
    }

    pub(super) fn json(&self) -> Value {
        let place = |rule: &Rule| {
            let (file, line) = &rule.place;
            json!({ "rule": rule.name, "file": file, "line": line })
        };
        let unsent = self.unsent.iter().map(|(rule, send)| {
            let mut one = place(rule);
            one["to"] = json!(send.to);
            one["action"] = json!(send.action.word());
            one
        });
        json!({
            "rules": self.rules,
            "rules_reached": self.rules - self.unreached.len(),
            "sends": self.sends,
            "sends_reached": self.sent(),
            "not_reached": self.unreached.iter().map(|rule| place(rule)).collect::<Vec<Value>>(),
            "never_sent": unsent.collect::<Vec<Value>>(),
        })
    }
}
