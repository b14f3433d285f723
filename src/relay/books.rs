//! What came from each source since the relay started, for people who wonder whether a
//! sender is set up.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::Name;
use crate::domain::time::Timestamp;

/// The most projects of one source whose last event is known.
const PROJECTS_MAX: usize = 1000;

/// What came from one source.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// How many webhooks were accepted that repeat none.
    pub accepted: u64,
    /// How many repeated one.
    pub duplicates: u64,
    /// How many were right and no event: pings, and what the source's mapping leaves out.
    pub no_events: u64,
    /// When the last of those came.
    pub last_no_event: Option<Timestamp>,
    /// How many were refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// The last refusal.
    pub last_refusal: Option<LastRefusal>,
    /// When the last was accepted.
    pub last: Option<Timestamp>,
    projects: BTreeMap<String, Timestamp>,
}

/// A webhook that was refused.
#[derive(Debug, Clone)]
pub struct LastRefusal {
    /// When.
    pub at: Timestamp,
    /// Why, in words for the sender's administrator; no secrets.
    pub why: String,
    /// Who sent it.
    pub caller: Option<String>,
}

/// The books of all sources.
#[derive(Debug, Default)]
pub struct Books(Mutex<BTreeMap<Name, Book>>);

impl Books {
    /// The book of `source`.
    #[must_use]
    pub fn of(&self, source: &str) -> Book {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(source).cloned().unwrap_or_default()
    }

    /// When the last event of `source` was accepted, of `project` if one is given.
    pub(super) fn last(&self, source: &str, project: Option<&str>) -> Option<Timestamp> {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let book = books.get(source)?;
        match project {
            None => book.last,
            Some(project) => book.projects.get(project).copied(),
        }
    }

    /// Notes a webhook that was accepted at `now`.
    pub(super) fn accepted(&self, source: &Name, duplicate: bool, now: Timestamp) {
        self.write(source, |book| {
            if duplicate {
                book.duplicates += 1;
            } else {
                book.accepted += 1;
            }
            book.last = Some(now);
        });
    }

    /// Notes a webhook that was right and no event, at `now`.
    pub(super) fn no_event(&self, source: &Name, now: Timestamp) {
        self.write(source, |book| {
            book.no_events += 1;
            book.last_no_event = Some(now);
        });
    }

    /// Notes that it was about `project`.
    pub(super) fn about(&self, source: &Name, project: &str, now: Timestamp) {
        self.write(source, |book| {
            if let Some(last) = book.projects.get_mut(project) {
                *last = now;
            } else if book.projects.len() < PROJECTS_MAX {
                book.projects.insert(project.to_owned(), now);
            }
        });
    }

    /// Notes that a webhook was refused.
    pub fn refused(&self, source: &Name, reason: &'static str, refusal: LastRefusal) {
        self.write(source, |book| {
            *book.refused.entry(reason).or_default() += 1;
            book.last_refusal = Some(refusal);
        });
    }

    fn write(&self, source: &Name, note: impl FnOnce(&mut Book)) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match books.get_mut(source) {
            Some(book) => note(book),
            None => note(books.entry(source.clone()).or_default()),
        }
    }
}
