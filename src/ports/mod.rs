//! The only doors to time, network and chance.
//!
//! Everything below the relay takes time and chance as arguments; the relay gets them
//! here. [`system`] and [`http`] are the real ones, [`manual`] the clock of tests and drills.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use ::http::{Request, Response};
use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::delivery::Lost;
use crate::domain::time::Timestamp;

pub mod http;
pub mod manual;
pub mod system;

/// Tells the time and waits for it.
pub trait Clock: Send + Sync {
    /// Now, by the wall clock. May jump.
    fn now(&self) -> Timestamp;

    /// The time since some fixed start. Never jumps, never goes back.
    fn elapsed(&self) -> Duration;

    /// Completes after `time`.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Gives random numbers.
pub trait Dice: Send + Sync {
    /// A number in `0.0..1.0`.
    fn roll(&self) -> f64;

    /// Random bytes for an id.
    fn bytes(&self) -> [u8; 10];
}

/// How an exchange is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The time for the whole exchange, answer included.
    pub timeout: Duration,
    /// The proxy to go through, if any. Proxy variables of the environment are ignored.
    pub proxy: Option<String>,
    /// The most of the answer's body that is read, in bytes; the rest is left unread.
    pub answer_bytes_max: usize,
}

/// Makes HTTP requests.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Sends `request` once and gives the answer, of any status. Follows no redirect.
    ///
    /// # Errors
    /// When no answer came; [`Lost`] tells whether the far side can have seen the request.
    /// No error names the request's address: it may be a secret.
    async fn exchange(&self, request: Request<Bytes>, route: &Route) -> Result<Response<Bytes>, Lost>;
}
