//! What has become of a subject: whether it is open, closed, or there no more.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::condition::fold;
use super::time::Timestamp;

/// What has become of a subject, by the last event that told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Something is still to be done about it.
    Open,
    /// Nothing is to be done about it any more.
    Closed,
    /// It was deleted.
    Gone,
}

/// What has become of a subject, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// What it is.
    pub is: Standing,
    /// When it became that, by the sender.
    pub since: Timestamp,
}

impl Stands {
    /// What is known once `told` was heard too: events come in any order, so what happened
    /// later counts, and of two at one time what was heard later.
    #[must_use]
    pub fn heard(known: Option<Self>, told: Option<Self>) -> Option<Self> {
        match (known, told) {
            (Some(known), Some(told)) if told.is == known.is || told.since < known.since => Some(known),
            (known, told) => told.or(known),
        }
    }
}

/// What the last part of an event's name tells: `resolved` of `defect.resolved`.
const EVENTS: [(&str, Standing); 8] = [
    ("created", Standing::Open),
    ("opened", Standing::Open),
    ("reopened", Standing::Open),
    ("restored", Standing::Open),
    ("resolved", Standing::Closed),
    ("closed", Standing::Closed),
    ("deleted", Standing::Gone),
    ("removed", Standing::Gone),
];

/// What a status tells, by its letters alone: `In Progress` is `inprogress`. Those that a
/// team has invented tell nothing.
const STATUSES: [(&str, Standing); 20] = [
    ("open", Standing::Open),
    ("opened", Standing::Open),
    ("reopened", Standing::Open),
    ("new", Standing::Open),
    ("todo", Standing::Open),
    ("backlog", Standing::Open),
    ("inprogress", Standing::Open),
    ("inreview", Standing::Open),
    ("blocked", Standing::Open),
    ("resolved", Standing::Closed),
    ("closed", Standing::Closed),
    ("done", Standing::Closed),
    ("fixed", Standing::Closed),
    ("verified", Standing::Closed),
    ("invalid", Standing::Closed),
    ("rejected", Standing::Closed),
    ("duplicate", Standing::Closed),
    ("wontfix", Standing::Closed),
    ("wontdo", Standing::Closed),
    ("deleted", Standing::Gone),
];

impl Standing {
    /// What an event called `event` that carries `facts` tells of its subject. That it was
    /// deleted counts most, then the status it carries, then its name.
    #[must_use]
    pub fn told_by(event: &str, facts: &Map<String, Value>) -> Option<Self> {
        let by_name = Self::of(&EVENTS, event.rsplit('.').next().unwrap_or_default());
        if by_name == Some(Self::Gone) {
            return by_name;
        }
        facts.get("status").and_then(Value::as_str).and_then(Self::of_status).or(by_name)
    }

    /// What `status` tells.
    fn of_status(status: &str) -> Option<Self> {
        let letters: String = fold(status).chars().filter(|c| c.is_alphanumeric()).collect();
        Self::of(&STATUSES, &letters)
    }

    fn of(words: &[(&str, Self)], word: &str) -> Option<Self> {
        words.iter().find(|(known, _)| *known == word).map(|(_, standing)| *standing)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_statuses_tell_what_became_of_a_subject() {
        for (event, status, told) in [
            ("defect.created", None, Some(Standing::Open)),
            ("defect.created", Some("invalid"), Some(Standing::Closed)),
            ("defect.updated", None, None),
            ("defect.updated", Some("in_progress"), Some(Standing::Open)),
            ("defect.resolved", None, Some(Standing::Closed)),
            ("issue.updated", Some("Won't Fix"), Some(Standing::Closed)),
            ("issue.updated", Some("Waiting for QA"), None),
            ("issue.closed", Some("Waiting for QA"), Some(Standing::Closed)),
            ("issue.closed", Some("In Progress"), Some(Standing::Open)),
            ("issue.deleted", Some("In Progress"), Some(Standing::Gone)),
            ("issue.reopened", None, Some(Standing::Open)),
            ("review.reviewer_removed", None, None),
            ("", None, None),
        ] {
            let facts = status.map_or_else(|| json!({}), |status| json!({ "status": status }));
            let found = Standing::told_by(event, facts.as_object().unwrap());
            assert_eq!(found, told, "{event} {status:?}");
        }
    }

    #[test]
    fn what_happened_later_counts_in_whatever_order_it_is_heard() {
        let at = |is, ms| Some(Stands { is, since: Timestamp::from_ms(ms) });
        let (open, closed, gone) = (at(Standing::Open, 1), at(Standing::Closed, 2), at(Standing::Gone, 3));
        for heard in [[open, closed, gone], [gone, closed, open], [closed, gone, open], [open, gone, None]] {
            assert_eq!(heard.into_iter().fold(None, Stands::heard), gone);
        }
        assert_eq!(Stands::heard(open, at(Standing::Closed, 1)), at(Standing::Closed, 1));
        assert_eq!(Stands::heard(None, None), None);
    }
}
