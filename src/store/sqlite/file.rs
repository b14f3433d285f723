//! Opening the file: its settings, its version, its migrations.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::{OpenError, account};

/// The oldest SQLite without the WAL-reset bug.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// `RBEL`: tells our files from other programs'.
const APPLICATION_ID: i64 = 0x5242_454c;

/// Each makes the next schema of the one before; never changed once released.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
];

/// How long another program's lock on the file is waited for.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What the log keeps on disk between checkpoints.
const JOURNAL_BYTES_MAX: i64 = 64 << 20;

/// Page cache of the writing connection; filled as needed.
const WRITER_CACHE_KIB: i64 = 16 << 10;

/// Page cache of each reading connection.
const READER_CACHE_KIB: i64 = 4 << 10;

/// Distinct statements kept prepared per connection.
const STATEMENTS_MAX: usize = 64;

/// Opens `file` to write, making it when it is missing, and brings its schema up to date.
pub(super) fn writer(file: &Path) -> Result<Connection, OpenError> {
    assert_sqlite()?;
    make(file).map_err(|error| OpenError::Lock { file: file.to_owned(), error })?;
    let failed = |error: rusqlite::Error| OpenError::Unusable(account(file, &error));
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(failed)?;
    let found = settle_in(&db, WRITER_CACHE_KIB).and_then(|()| identity(&db)).map_err(failed)?;
    let found = found.known_to(file)?;
    set_up_writing(&db).map_err(failed)?;
    migrate(&db, found).map_err(failed)?;
    Ok(db)
}

/// Opens `file`, which a writer has made, to read.
pub(super) fn reader(file: &Path) -> Result<Connection, OpenError> {
    assert_sqlite()?;
    if !file.exists() {
        return Err(OpenError::Missing { file: file.to_owned() });
    }
    let failed = |error: rusqlite::Error| OpenError::Unusable(account(file, &error));
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(failed)?;
    let found = settle_in(&db, READER_CACHE_KIB).and_then(|()| identity(&db)).map_err(failed)?.known_to(file)?;
    let known = MIGRATIONS.len() as i64;
    if found < known {
        return Err(OpenError::Older { file: file.to_owned(), found, known });
    }
    Ok(db)
}

/// Moves the whole log into the file and onto the disk, and empties it. What is
/// acknowledged after an error without this can be lost at the next power cut. Readers
/// are given `patience` to let go of the log.
pub(super) fn truncate(db: &Connection, patience: Duration) -> rusqlite::Result<()> {
    db.busy_timeout(patience)?;
    let busy = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    db.busy_timeout(BUSY_TIMEOUT)?;
    if busy? != 0 {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(rusqlite::Error::SqliteFailure(busy, Some("a reader keeps the log".to_owned())));
    }
    Ok(())
}

fn assert_sqlite() -> Result<(), OpenError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(OpenError::BadSqlite { found: rusqlite::version() });
    }
    Ok(())
}

/// Makes the file for its owner alone, and its name durable.
fn make(file: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn settle_in(db: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Otherwise SQLite looks at the values for a better plan, and compiles the hottest
    // statements anew each time.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.pragma_update(None, "cache_size", -cache_kib)?;
    db.pragma_update(None, "temp_store", "memory")
}

/// Checkpoints are the writer's own, because SQLite's automatic ones hide their errors.
fn set_up_writing(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "journal_size_limit", JOURNAL_BYTES_MAX)
}

/// What the file says it is.
struct Identity {
    application: i64,
    schema: i64,
    tables: i64,
}

fn identity(db: &Connection) -> rusqlite::Result<Identity> {
    Ok(Identity {
        application: db.pragma_query_value(None, "application_id", |row| row.get(0))?,
        schema: db.pragma_query_value(None, "user_version", |row| row.get(0))?,
        tables: db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
    })
}

impl Identity {
    /// The schema, if it is one of ours; 0 for a new file.
    fn known_to(&self, file: &Path) -> Result<i64, OpenError> {
        let known = MIGRATIONS.len() as i64;
        let new = self.tables == 0 && self.schema == 0;
        if !new && self.application != APPLICATION_ID {
            return Err(OpenError::Foreign { file: file.to_owned() });
        }
        if self.schema > known {
            return Err(OpenError::Newer { file: file.to_owned(), found: self.schema, known });
        }
        Ok(self.schema)
    }
}

/// Each migration and its number are one transaction.
fn migrate(db: &Connection, found: i64) -> rusqlite::Result<()> {
    for (number, sql) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let steps = format!(
            "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; {sql}; PRAGMA user_version = {number}; COMMIT;"
        );
        db.execute_batch(&steps)?;
    }
    Ok(())
}
