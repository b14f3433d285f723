//! One serving process per file: an operating system lock on `<file>.lock`, whose text
//! says who holds it.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::fault::OpenError;
use crate::domain::time::Timestamp;

/// No announcement is longer; more is not read.
const ANNOUNCEMENT_BYTES_MAX: u64 = 4096;

/// Who holds a store, by its own announcement. Empty when it made none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Since when, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Where it answers to administrators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("another process")?,
        }
        if let Some(since) = &self.since {
            write!(f, " since {since}")?;
        }
        if let Some(address) = &self.address {
            write!(f, ", which answers at {address}")?;
        }
        Ok(())
    }
}

/// The lock of a file, held until it is released or dropped.
#[derive(Debug)]
pub(super) struct Lock {
    held: Mutex<Option<(File, Holder)>>,
}

impl Lock {
    /// Locks `database` for this process, or says who has.
    pub(super) fn take(database: &Path, now: Timestamp) -> Result<Self, OpenError> {
        let path = path_of(database);
        let failed = |error| OpenError::Lock { file: path.clone(), error };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Held { file: database.to_owned(), holder: read(&mut file).unwrap_or_default() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let holder = Holder { pid: Some(std::process::id()), since: Some(now.to_string()), address: None };
        write(&mut file, &holder).map_err(failed)?;
        Ok(Self { held: Mutex::new(Some((file, holder))) })
    }

    /// Lets others know where this process answers.
    pub(super) fn announce(&self, address: &str) -> io::Result<()> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((file, holder)) = held.as_mut() else { return Ok(()) };
        holder.address = Some(address.to_owned());
        write(file, holder)
    }

    /// Lets another process in. The announcement goes first, so that nobody follows it.
    pub(super) fn release(&self) -> io::Result<()> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        held.map_or(Ok(()), |(file, _)| file.set_len(0))
    }
}

/// Who serves from `database`, by what the holder announced; `None` when nobody did.
/// Takes no lock, so it is wrong after a crash: who answers at the address knows better.
#[must_use]
pub fn announcement(database: &Path) -> Option<Holder> {
    let mut file = File::open(path_of(database)).ok()?;
    read(&mut file)
}

fn path_of(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".lock");
    PathBuf::from(path)
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(ANNOUNCEMENT_BYTES_MAX).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Writes before it cuts, so that a reader never finds less than an announcement.
fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    let mut text = serde_json::to_string(holder)?;
    text.push('\n');
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}
