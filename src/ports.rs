//! The only doors to time, network and chance.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::domain::delivery::Lost;
use crate::domain::time::Timestamp;

/// Tells the time and waits for it.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Completes once it is `at` or later.
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
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
    /// The most of the answer's body that is read, in bytes.
    pub answer_bytes_max: usize,
}

/// Makes HTTP requests.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Sends `request` once and gives the whole answer, of any status. Follows no redirect.
    ///
    /// # Errors
    /// When no answer came; [`Lost`] tells whether the far side can have seen the request.
    async fn exchange(&self, request: Request<Bytes>, route: &Route) -> Result<Response<Bytes>, Lost>;
}
