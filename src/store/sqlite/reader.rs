//! A thread that reads, many requests on one view of the data.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;

use super::super::StoreError;
use super::desk::{Message, Work, failed, gather};

/// Serves until told to close, or until nobody is left to ask.
pub(super) fn run(db: Connection, waiting: &Receiver<Message>, file: &Arc<Path>) {
    while let Ok(first) = waiting.recv() {
        // All are gathered before the view is taken: each sees what was committed before it was asked.
        let (batch, closing) = gather(first, waiting);
        serve(&db, batch, file);
        if let Some(closing) = closing {
            let closed = db.close().map_err(|(_, error)| failed(file, &error));
            drop(closing.send(closed));
            return;
        }
    }
}

fn serve(db: &Connection, batch: Vec<Box<dyn Work>>, file: &Path) {
    let view = db.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([]));
    for mut work in batch {
        let done = match &view {
            Ok(_) => work.run(db).map_err(|error| failed(file, &error)),
            Err(error) => Err(failed(file, error)),
        };
        work.answer(done);
    }
    if !db.is_autocommit()
        && let Err(error) = db.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]))
    {
        let error: StoreError = failed(file, &error);
        tracing::warn!(file = %file.display(), %error, "a view was not given back");
    }
}
