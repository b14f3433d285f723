//! What can go wrong with the file, told to the people who run it.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::super::StoreError;
use super::lock::Holder;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process serves from the file.
    #[error("{} is in use by {holder}; one process at a time can serve from it", file.display())]
    Held {
        /// The database file.
        file: PathBuf,
        /// Who holds it, as far as it says so.
        holder: Holder,
    },
    /// The lock file cannot be made or written.
    #[error("{}: {error}; the folder must exist and be writable by the user Relaybell runs as", file.display())]
    Lock {
        /// The lock file.
        file: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// There is no such file to read.
    #[error("there is no {}; it is made when Relaybell first serves from it", file.display())]
    Missing {
        /// The database file.
        file: PathBuf,
    },
    /// A newer release wrote the file.
    #[error(
        "{} has schema {found}, this release knows up to {known}: run the release that wrote it, or a newer one",
        file.display()
    )]
    Newer {
        /// The database file.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema this release knows.
        known: i64,
    },
    /// An older release wrote the file, and reading does not migrate.
    #[error("{} has schema {found}, this release reads {known}: start the relay once to migrate it", file.display())]
    Older {
        /// The database file.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The schema this release reads.
        known: i64,
    },
    /// The file is something else.
    #[error("{} is a database of another program; name another file in storage.url", file.display())]
    Foreign {
        /// The database file.
        file: PathBuf,
    },
    /// The SQLite that was linked loses data.
    #[error("SQLite {found} can corrupt its log (sqlite.org/wal.html#walresetbug); build with 3.51.3 or newer")]
    BadSqlite {
        /// Its version.
        found: &'static str,
    },
    /// SQLite refused.
    #[error("{0}")]
    Unusable(String),
}

/// Why a verb failed inside its transaction.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite failed: the transaction is void.
    Sql(rusqlite::Error),
    /// The verb refused, before it wrote anything.
    Store(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How far an error of SQLite reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The file or its disk: nothing may be acknowledged until writing is proven again.
    File,
    /// Another program holds the file for the moment.
    Moment,
    /// The request alone.
    Request,
}

pub(super) fn reach(error: &rusqlite::Error) -> Reach {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Reach::Moment,
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed,
        ) => Reach::File,
        _ => Reach::Request,
    }
}

/// What `error` means for `file` and what to do about it.
pub(super) fn account(file: &Path, error: &rusqlite::Error) -> String {
    let name = file.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            format!("the disk of {name} is full: free some space, and it goes on by itself")
        }
        Some(ErrorCode::SystemIoFailure) => format!(
            "{name} could not be read or written ({error}): check its disk and mount; it goes on by itself once \
             writing works"
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => format!(
            "{name} is damaged or no database ({error}): stop the relay, keep a copy of the file with its -wal file, \
             and restore a backup or recover it with `sqlite3 {name} .recover`"
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            format!(
                "{name} cannot be written ({error}): the user Relaybell runs as needs write access to it and its folder"
            )
        }
        Some(ErrorCode::CannotOpen) => {
            format!(
                "{name} cannot be opened ({error}): its folder must exist and be accessible to the user Relaybell runs as"
            )
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("another program is writing to {name}: let it finish or stop it, and try again")
        }
        _ => format!("{name}: {error}"),
    }
}

/// What is stored in `what` cannot be read.
pub(super) fn unreadable(file: &Path, what: &str, why: &dyn Display) -> StoreError {
    StoreError::Unreadable(format!("{what} in {}: {why}", file.display()))
}
