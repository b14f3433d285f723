//! A queue in front of a thread that owns a connection.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::super::{StoreError, refusal};
use super::fault::{Fault, account};

/// A verb on its way to the thread. It may be run more than once: when its transaction is
/// void because of another verb, it runs again alone.
pub(super) trait Work: Send {
    /// Does the verb and keeps its result. An error makes the transaction void.
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()>;

    /// Answers the caller, who may have gone: with the result, or with why there is none.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// Told when the thread has closed its connection.
pub(super) type Closing = oneshot::Sender<Result<(), StoreError>>;

/// What comes to the thread.
pub(super) enum Message {
    /// A verb.
    Work(Box<dyn Work>),
    /// Finish, close the connection, and tell.
    Close(Closing),
}

/// The callers' end.
#[derive(Debug)]
pub(super) struct Desk {
    sender: SyncSender<Message>,
    places: Arc<Semaphore>,
    file: Arc<Path>,
}

impl Desk {
    /// A desk where up to `places` verbs on `file` wait or are done at a time.
    pub(super) fn new(file: Arc<Path>, places: usize) -> (Self, Receiver<Message>) {
        // One place more for the message that closes: a send never blocks.
        let (sender, receiver) = sync_channel(places + 1);
        (Self { sender, places: Arc::new(Semaphore::new(places)), file }, receiver)
    }

    /// Has `verb` done. When the caller goes away while it waits, the verb is done all the same.
    pub(super) async fn ask<T, F>(&self, verb: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| refusal::closed())?;
        let (reply, answer) = oneshot::channel();
        let errand = Errand { verb, result: None, reply, _place: place };
        self.sender.send(Message::Work(Box::new(errand))).map_err(|_| self.stopped())?;
        answer.await.unwrap_or_else(|_| {
            Err(StoreError::Unknown(format!("the thread that serves {} has stopped", self.file.display())))
        })
    }

    /// Closes once all that waits is done. Later verbs are refused.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        if self.places.is_closed() {
            return Err(refusal::closed());
        }
        self.places.close();
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Close(reply)).map_err(|_| self.stopped())?;
        answer.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    fn stopped(&self) -> StoreError {
        StoreError::Unavailable(format!("the thread that serves {} has stopped", self.file.display()))
    }
}

struct Errand<T, F> {
    verb: F,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    _place: OwnedSemaphorePermit,
}

impl<T, F> Work for Errand<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> Result<T, Fault> + Send,
{
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.result = match (self.verb)(db) {
            Ok(value) => Some(Ok(value)),
            Err(Fault::Store(error)) => Some(Err(error)),
            Err(Fault::Sql(error)) => return Err(error),
        };
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let result = match (outcome, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Unknown("the verb was not run".to_owned())),
            (Err(error), _) => Err(error),
        };
        // A caller who has gone is no fault of ours.
        drop(self.reply.send(result));
    }
}

/// Answers all of `batch` alike.
pub(super) fn answer_all(batch: Vec<Box<dyn Work>>, outcome: &Result<(), StoreError>) {
    for work in batch {
        work.answer(outcome.clone());
    }
}

/// The most verbs that share one transaction.
pub(super) const GROUP_MAX: usize = 512;

/// `first` and what else waits, up to [`GROUP_MAX`]; and a request to close that came among them.
pub(super) fn gather(first: Message, waiting: &Receiver<Message>) -> (Vec<Box<dyn Work>>, Option<Closing>) {
    let mut batch = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Work(work) => batch.push(work),
            Message::Close(reply) => return (batch, Some(reply)),
        }
        next = if batch.len() < GROUP_MAX { waiting.try_recv().ok() } else { None };
    }
    (batch, None)
}

/// The answer to a verb that failed because of `error`, of which nothing has happened.
pub(super) fn failed(file: &Path, error: &rusqlite::Error) -> StoreError {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    match error {
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => {
            StoreError::Unreadable(account(file, error))
        }
        _ if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => refusal::id_taken(),
        _ => StoreError::Unavailable(account(file, error)),
    }
}
