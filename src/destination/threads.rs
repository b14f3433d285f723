//! Acting on a thread, where a destination gives nothing to act on.

use std::borrow::Cow;

use crate::domain::delivery::{Action, Job, Outcome};
use crate::domain::how::IfMissing;
use crate::domain::message::{Block, Inline, Message};

/// What is said by `job` where messages cannot be replied to: a reply names the first
/// message of its conversation.
///
/// # Errors
/// The outcome, when there is no first message and the rule wants nothing then.
pub(super) fn named(job: &Job) -> Result<Cow<'_, Message>, Outcome> {
    let message = &job.content.message;
    if job.action != Action::Reply {
        return Ok(Cow::Borrowed(message));
    }
    let Some(thread) = &job.thread else {
        return match job.content.how.if_missing {
            IfMissing::Begin => Ok(Cow::Borrowed(message)),
            IfMissing::Skip => Err(skipped("there is no message to reply to")),
        };
    };
    let mut message = message.clone();
    let first = vec![Inline::Text("Re: ".to_owned()), Inline::Strong(vec![Inline::Text(thread.title.clone())])];
    message.body.insert(0, Block::Quote(vec![Block::Paragraph(first)]));
    Ok(Cow::Owned(message))
}

/// Nothing is done, because `why`, and the rule says so for this case.
pub(super) fn skipped(why: &str) -> Outcome {
    Outcome::Skipped { why: format!("skipped: {why}, and the rule wants nothing then (if_missing: skip)") }
}
