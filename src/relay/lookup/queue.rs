//! Who waits: the events that are to be decided later, by their subjects, in order.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::event::SubjectKey;
use crate::domain::ids::EventId;

/// The events that wait, by their subjects. The store knows them too; this is their order
/// and who takes care of them.
#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<HashMap<SubjectKey, Queue>>);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whether somebody takes care of it.
    tended: bool,
}

#[derive(Debug)]
struct Waiting {
    event: EventId,
    /// Whether it is in the store, as far as can be told.
    written: bool,
}

/// Who is to take care of a subject now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// The one who asks.
    Yours,
    /// Somebody else, or nobody yet.
    Others,
}

impl Queues {
    fn open(&self) -> MutexGuard<'_, HashMap<SubjectKey, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many subjects have events that wait.
    pub(super) fn subjects(&self) -> usize {
        self.open().len()
    }

    /// Whether an event of `subject` waits.
    pub(super) fn has(&self, subject: &SubjectKey) -> bool {
        self.open().contains_key(subject)
    }

    /// Puts `event` at the end of its subject's queue, before it is written.
    pub(super) fn enter(&self, subject: &SubjectKey, event: EventId) {
        self.open().entry(subject.clone()).or_default().waiting.push_back(Waiting { event, written: false });
    }

    /// `event` is in the store, or may be.
    pub(super) fn written(&self, subject: &SubjectKey, event: EventId) -> Care {
        let mut queues = self.open();
        let Some(queue) = queues.get_mut(subject) else { return Care::Others };
        for waiting in queue.waiting.iter_mut().filter(|waiting| waiting.event == event) {
            waiting.written = true;
        }
        queue.care()
    }

    /// `event` is not in the store, or waits no more.
    pub(super) fn leave(&self, subject: &SubjectKey, event: EventId) -> Care {
        let mut queues = self.open();
        let Some(queue) = queues.get_mut(subject) else { return Care::Others };
        queue.waiting.retain(|waiting| waiting.event != event);
        if queue.waiting.is_empty() && !queue.tended {
            queues.remove(subject);
            return Care::Others;
        }
        queue.care()
    }

    /// The event to take care of next; with `None` the care for the subject ends.
    pub(super) fn next(&self, subject: &SubjectKey) -> Option<EventId> {
        let mut queues = self.open();
        let queue = queues.get_mut(subject)?;
        if let Some(first) = queue.waiting.front().filter(|first| first.written) {
            return Some(first.event);
        }
        queue.tended = false;
        if queue.waiting.is_empty() {
            queues.remove(subject);
        }
        None
    }
}

impl Queue {
    fn care(&mut self) -> Care {
        if self.tended || !self.waiting.front().is_some_and(|first| first.written) {
            return Care::Others;
        }
        self.tended = true;
        Care::Yours
    }
}
