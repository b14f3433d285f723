//! Which method of the Web API does what a job asks for.

use serde_json::{Map, Value};

use crate::destination::threads::Skip;
use crate::domain::delivery::{Action, Job};
use crate::domain::how::IfMissing;

use super::Slack;

/// One call. `channel` and `ts` name the first message of the thread.
#[derive(Debug)]
pub(super) enum Call<'j> {
    /// `chat.postMessage`, or the webhook.
    Post,
    /// `chat.postMessage` with `thread_ts`.
    Reply { channel: &'j str, ts: &'j str },
    /// `chat.update`.
    Update { channel: &'j str, ts: &'j str },
    /// `reactions.add`.
    React { channel: &'j str, ts: &'j str, name: &'j str },
}

impl<'j> Call<'j> {
    /// What is done first for `job`.
    ///
    /// # Errors
    /// When there is no thread and the rule wants nothing then.
    pub(super) fn first(slack: &Slack, job: &'j Job) -> Result<Self, Skip> {
        if matches!(slack, Slack::Webhook { .. }) || !job.action.needs_thread() {
            return Ok(Self::Post);
        }
        match (place(job), job.action, &job.content.how.react) {
            (Some((channel, ts)), Action::Update, _) => Ok(Self::Update { channel, ts }),
            (Some((channel, ts)), Action::React, Some(name)) => Ok(Self::React { channel, ts, name }),
            (Some((channel, ts)), _, _) => Ok(Self::Reply { channel, ts }),
            (None, Action::React, _) => Err(Skip("there is no message to react to".to_owned())),
            (None, action, _) => match job.content.how.if_missing {
                IfMissing::Begin => Ok(Self::Post),
                IfMissing::Skip => Err(Skip(format!("there is no message to {action}"))),
            },
        }
    }

    /// The emoji that the rule wants beside the message that `said` has said.
    pub(super) fn after(said: &Self, job: &'j Job) -> Option<Self> {
        let name = job.content.how.react.as_deref()?;
        let (channel, ts) = place(job)?;
        (!matches!(said, Self::React { .. })).then_some(Self::React { channel, ts, name })
    }

    /// Completes `body` and gives the name of the method.
    pub(super) fn complete(&self, body: &mut Map<String, Value>, channel: &str, job: &Job) -> &'static str {
        let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value).map(drop).unwrap_or_default();
        match self {
            Self::Post => {
                put("channel", channel.into());
                "chat.postMessage"
            }
            Self::Reply { channel, ts } => {
                put("channel", (*channel).into());
                put("thread_ts", (*ts).into());
                if job.content.how.broadcast {
                    put("reply_broadcast", true.into());
                }
                "chat.postMessage"
            }
            Self::Update { channel, ts } => {
                put("channel", (*channel).into());
                put("ts", (*ts).into());
                // An update takes neither of these.
                body.remove("unfurl_links");
                body.remove("unfurl_media");
                "chat.update"
            }
            Self::React { channel, ts, name } => {
                put("channel", (*channel).into());
                put("timestamp", (*ts).into());
                put("name", (*name).into());
                "reactions.add"
            }
        }
    }
}

/// Channel and `ts` of the first message of the thread.
fn place(job: &Job) -> Option<(&str, &str)> {
    let thread = job.thread.as_ref()?;
    Some((thread.channel.as_deref()?, thread.key.as_deref()?))
}
