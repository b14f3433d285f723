//! The one thread that writes: many verbs, one transaction, one sync.
//!
//! After any error of the file nothing is acknowledged until the whole log has been
//! checkpointed and a write has come through. What was acknowledged after an error
//! without that was lost at the next power cut.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::super::{StoreError, refusal};
use super::desk::{Closing, Message, Work, answer_all, failed, gather};
use super::fault::{Reach, account, reach};
use super::file::truncate;
use super::lock::Lock;

/// The log is checkpointed once it has this many pages (of 4 KiB).
const LOG_PAGES_MAX: i64 = 4000;

/// The log's length is asked for after this many verbs; each adds a few pages.
const VERBS_BETWEEN_LOOKS: usize = 256;

/// After so long without a verb the log is emptied.
const IDLE: Duration = Duration::from_secs(5);

/// From how many verbs in one transaction on there is a crowd.
const CROWD: usize = 8;

/// How long a transaction waits for more verbs, for each of the crowd.
const LINGER_EACH: Duration = Duration::from_micros(20);

/// The longest such wait.
const LINGER_MAX: Duration = Duration::from_millis(2);

/// The wait before writing is tried again, doubling up to the longest.
const HEAL_WAIT_FIRST: Duration = Duration::from_millis(200);
const HEAL_WAIT_MAX: Duration = Duration::from_secs(5);

/// How often callers are answered in the meantime.
const HEAL_SLICE: Duration = Duration::from_millis(20);

/// How long readers may keep the log from being emptied while writing is proven.
const HEAL_PATIENCE: Duration = Duration::from_millis(500);

/// The thread's state.
pub(super) struct Writer {
    db: Connection,
    waiting: Receiver<Message>,
    file: Arc<Path>,
    /// Which file that is, whatever its name: device and number. `None` where that is unknown.
    identity: Option<(u64, u64)>,
    /// Released when the connection is closed, and not before.
    lock: Arc<Lock>,
    /// How many verbs shared the last transaction.
    crowd: usize,
    /// Whether anything was written since the log was emptied.
    dirty: bool,
    /// Verbs done since the log's length was asked for.
    unseen: usize,
    /// Why nothing may be acknowledged.
    ill: Option<String>,
}

/// What follows a round.
enum Next {
    /// Another round.
    Go,
    /// The end, asked for by somebody or because nobody is left.
    Stop(Option<Closing>),
}

/// Where a transaction failed.
enum Failed {
    /// Before its end: nothing of it has happened.
    Before(rusqlite::Error),
    /// At its end: it may have happened.
    AtCommit(rusqlite::Error),
}

impl Writer {
    /// A writer over `db`, whose log is empty.
    pub(super) fn new(db: Connection, waiting: Receiver<Message>, file: Arc<Path>, lock: Arc<Lock>) -> Self {
        let identity = identity(&file);
        Self { db, waiting, file, identity, lock, crowd: 0, dirty: false, unseen: 0, ill: None }
    }

    /// Serves until told to close, or until nobody is left to ask.
    pub(super) fn run(mut self) {
        loop {
            let next = if self.ill.is_some() { self.heal() } else { self.round() };
            if let Next::Stop(closing) = next {
                return self.finish(closing);
            }
        }
    }

    fn round(&mut self) -> Next {
        let first = match self.waiting.recv_timeout(IDLE) {
            Ok(first) => first,
            Err(RecvTimeoutError::Disconnected) => return Next::Stop(None),
            Err(RecvTimeoutError::Timeout) => {
                self.rest();
                return Next::Go;
            }
        };
        if self.crowd >= CROWD {
            // More are on their way: the fewer the transactions, the more get through.
            thread::sleep(LINGER_MAX.min(LINGER_EACH.saturating_mul(u32::try_from(self.crowd).unwrap_or(u32::MAX))));
        }
        let (batch, closing) = gather(first, &self.waiting);
        self.crowd = batch.len();
        self.serve(batch);
        closing.map_or(Next::Go, |closing| Next::Stop(Some(closing)))
    }

    /// Does `batch` in one transaction, and answers it.
    fn serve(&mut self, mut batch: Vec<Box<dyn Work>>) {
        if let Some(why) = &self.ill {
            return answer_all(batch, &Err(StoreError::Unavailable(why.clone())));
        }
        if let Err(error) = self.in_place() {
            answer_all(batch, &Err(failed(&self.file, &error)));
            return self.fall_ill(&error);
        }
        self.dirty = true;
        self.unseen += batch.len();
        match self.transact(&mut batch) {
            Ok(()) => {
                answer_all(batch, &Ok(()));
                self.checkpoint();
            }
            // One verb failed and took the others with it: each for itself, then.
            Err(Failed::Before(error)) if reach(&error) == Reach::Request && batch.len() > 1 => {
                for work in batch {
                    self.serve(vec![work]);
                }
            }
            Err(Failed::Before(error)) => {
                answer_all(batch, &Err(failed(&self.file, &error)));
                if reach(&error) == Reach::File {
                    self.fall_ill(&error);
                }
            }
            Err(Failed::AtCommit(error)) => {
                answer_all(batch, &Err(StoreError::Unknown(account(&self.file, &error))));
                self.fall_ill(&error);
            }
        }
    }

    /// Whether the file is still where it was. What is written to a file that has lost its
    /// name is gone when the process ends, so nothing may be acknowledged then.
    fn in_place(&self) -> rusqlite::Result<()> {
        if identity(&self.file) == self.identity {
            return Ok(());
        }
        let moved = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY_DBMOVED);
        let help = "the file was removed or replaced while in use; stop Relaybell, put it back, and start again";
        Err(rusqlite::Error::SqliteFailure(moved, Some(help.to_owned())))
    }

    fn fall_ill(&mut self, error: &rusqlite::Error) {
        let why = account(&self.file, error);
        tracing::error!(file = %self.file.display(), error = %why, "the store stops acknowledging");
        self.ill = Some(why);
    }

    fn transact(&self, batch: &mut [Box<dyn Work>]) -> Result<(), Failed> {
        let done = self.begin().and_then(|()| batch.iter_mut().try_for_each(|work| work.run(&self.db)));
        if let Err(error) = done {
            self.roll_back();
            return Err(Failed::Before(error));
        }
        self.db.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])).map(drop).map_err(|error| {
            self.roll_back();
            Failed::AtCommit(error)
        })
    }

    fn begin(&self) -> rusqlite::Result<()> {
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)
    }

    /// SQLite rolls back by itself after some errors. When it cannot, the next `BEGIN` fails.
    fn roll_back(&self) {
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::warn!(file = %self.file.display(), %error, "a failed transaction could not be rolled back");
        }
    }

    /// Moves the log into the file when it has grown long.
    fn checkpoint(&mut self) {
        if self.unseen < VERBS_BETWEEN_LOOKS {
            return;
        }
        self.unseen = 0;
        let pages = |how: &str| {
            let mut checkpoint = self.db.prepare_cached(how)?;
            checkpoint.query_row([], |row| row.get::<_, i64>(1))
        };
        let done = pages("PRAGMA wal_checkpoint(NOOP)")
            .and_then(|log| if log < LOG_PAGES_MAX { Ok(log) } else { pages("PRAGMA wal_checkpoint(PASSIVE)") });
        if let Err(error) = done {
            self.fall_ill(&error);
        }
    }

    /// Empties the log while nothing else is to be done. A reader may keep it for now.
    fn rest(&mut self) {
        if !self.dirty {
            return;
        }
        match truncate(&self.db, Duration::ZERO) {
            Ok(()) => self.dirty = false,
            Err(error) if reach(&error) == Reach::Moment => {}
            Err(error) => self.fall_ill(&error),
        }
    }

    /// Answers everybody that the store is unavailable, until writing is proven to work again.
    fn heal(&mut self) -> Next {
        let mut wait = HEAL_WAIT_FIRST;
        while self.ill.is_some() {
            let mut slept = Duration::ZERO;
            while slept < wait {
                thread::sleep(HEAL_SLICE);
                slept += HEAL_SLICE;
                if let stop @ Next::Stop(_) = self.turn_away() {
                    return stop;
                }
            }
            match self.prove() {
                Ok(()) => {
                    tracing::info!(file = %self.file.display(), "the store acknowledges again");
                    (self.ill, self.dirty) = (None, false);
                }
                Err(error) => self.ill = Some(account(&self.file, &error)),
            }
            wait = (wait * 2).min(HEAL_WAIT_MAX);
        }
        Next::Go
    }

    /// Answers all who wait while the store is ill.
    fn turn_away(&mut self) -> Next {
        loop {
            match self.waiting.try_recv() {
                Ok(Message::Work(work)) => self.serve(vec![work]),
                Ok(Message::Close(closing)) => return Next::Stop(Some(closing)),
                Err(TryRecvError::Empty) => return Next::Go,
                Err(TryRecvError::Disconnected) => return Next::Stop(None),
            }
        }
    }

    /// Empties the log, and sends a write all the way through.
    fn prove(&self) -> rusqlite::Result<()> {
        self.in_place()?;
        self.roll_back();
        truncate(&self.db, HEAL_PATIENCE)?;
        self.begin()?;
        let written = touch(&self.db).and_then(|()| self.db.execute_batch("COMMIT"));
        if written.is_err() {
            self.roll_back();
        }
        written?;
        truncate(&self.db, HEAL_PATIENCE)
    }

    fn finish(self, closing: Option<Closing>) {
        let Self { db, waiting, file, lock, .. } = self;
        let emptied = truncate(&db, HEAL_PATIENCE);
        let closed = db.close().map_err(|(_, error)| error);
        let mut outcome = emptied.and(closed).map_err(|error| StoreError::Unavailable(account(&file, &error)));
        if let Err(error) = lock.release() {
            outcome = outcome.and(Err(StoreError::Unavailable(format!("the lock of {}: {error}", file.display()))));
        }
        while let Ok(message) = waiting.try_recv() {
            answer_all(gather(message, &waiting).0, &Err(refusal::closed()));
        }
        match closing {
            Some(closing) => drop(closing.send(outcome)),
            None => {
                if let Err(error) = outcome {
                    tracing::warn!(file = %file.display(), %error, "the store was not closed well");
                }
            }
        }
    }
}

/// The smallest write.
pub(super) fn touch(db: &Connection) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE probe SET writes = writes + 1")?.execute([]).map(drop)
}

/// What tells a file from another of the same name.
#[cfg(unix)]
fn identity(file: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(file).ok().map(|about| (about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn identity(_file: &Path) -> Option<(u64, u64)> {
    None
}
