//! Acting on a thread, where a destination gives nothing to act on.

use std::borrow::Cow;

use crate::domain::delivery::{Action, Job, Outcome};
use crate::domain::how::IfMissing;
use crate::domain::message::{Block, Inline, Message};

/// What is said by `job` where messages cannot be replied to: a reply names the first
/// message of its conversation.
///
/// # Errors
/// When there is no first message and the rule wants nothing then.
pub(super) fn named(job: &Job) -> Result<Cow<'_, Message>, Skip> {
    let message = &job.content.message;
    if job.action != Action::Reply {
        return Ok(Cow::Borrowed(message));
    }
    let Some(thread) = &job.thread else {
        return match job.content.how.if_missing {
            IfMissing::Begin => Ok(Cow::Borrowed(message)),
            IfMissing::Skip => Err(Skip("there is no message to reply to".to_owned())),
        };
    };
    let mut message = message.clone();
    let first = vec![Inline::Text("Re: ".to_owned()), Inline::Strong(vec![Inline::Text(thread.title.clone())])];
    message.body.insert(0, Block::Quote(vec![Block::Paragraph(first)]));
    Ok(Cow::Owned(message))
}

/// Why nothing is done, as the rule wants it in this case.
#[derive(Debug)]
pub(super) struct Skip(pub(super) String);

impl From<Skip> for Outcome {
    fn from(Skip(why): Skip) -> Self {
        Self::Skipped { why: format!("skipped: {why}, and the rule wants nothing then (if_missing: skip)") }
    }
}
