//! Threads: what a destination remembers of a conversation.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::delivery::{Job, Receipt};
use super::time::Timestamp;

/// How much longer than events a thread is remembered that nothing was sent to: a defect
/// may stay open for a year, and its ticket must not be opened twice then.
pub const THREAD_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// What a destination remembers of a conversation: its first message, or its issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// How the destination names it: a Slack `ts`, an issue key. A plain webhook gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The Slack channel id it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Its address for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The title of its first message.
    pub title: String,
    /// When that was sent.
    pub began: Timestamp,
    /// What else a described tracker remembers, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

/// The thread of `job`'s conversation once `receipt` was given for it at `now`: the one
/// there was, or the one that this delivery begins.
#[must_use]
pub fn thread_after(job: &Job, receipt: &Receipt, now: Timestamp) -> Thread {
    let known = job.thread.as_ref().filter(|_| !receipt.begins_anew);
    match known {
        Some(known) if known.key.is_some() || receipt.key.is_none() => known.clone(),
        _ => Thread {
            key: receipt.key.clone(),
            channel: receipt.channel.clone(),
            link: receipt.link.clone(),
            title: job.content.message.title.clone(),
            began: now,
            values: receipt.values.clone(),
        },
    }
}
