//! A delivery in the in-memory store.

use super::super::again::Finished;
use super::Kept;
use crate::domain::Name;
use crate::domain::delivery::{Job, NewDelivery, State};
use crate::domain::thread::Thread;
use crate::domain::time::Timestamp;

impl Kept {
    pub(super) fn is_in_conversation_of(&self, new: &NewDelivery) -> bool {
        self.what.conversation == new.conversation && self.what.destination == new.destination
    }

    pub(super) fn finish(&mut self, state: State, at: Timestamp, why: Option<String>) {
        self.state = state;
        self.at = at;
        self.why = why;
    }

    pub(super) fn finished(&self) -> Finished<'_> {
        Finished {
            id: self.what.id,
            event: self.what.event,
            state: self.state,
            action: self.what.action.word(),
            destination: &self.what.destination,
            key: &self.what.key,
            unsure: self.unsure,
        }
    }

    /// Where its thread is kept.
    pub(super) fn place(&self) -> (Name, String) {
        (self.what.destination.clone(), self.what.conversation.clone())
    }

    pub(super) fn job(&self, thread: Option<Thread>, now: Timestamp) -> Job {
        let what = self.what.clone();
        Job {
            id: what.id,
            event: what.event,
            rule: what.rule,
            destination: what.destination,
            conversation: what.conversation,
            action: what.action,
            key: what.key,
            content: what.content,
            accepted: self.created,
            expires: what.expires,
            began: now,
            attempt: self.attempts,
            failures: self.failures,
            unsure: self.unsure,
            looks: self.looks,
            thread,
        }
    }
}
