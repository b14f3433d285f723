//! An exchange that answers as told and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use relaybell::domain::delivery::Lost;
use relaybell::ports::manual::ManualClock;
use relaybell::ports::{Clock, Exchange, Route};

/// One scripted answer.
#[derive(Debug, Clone)]
pub enum Says {
    /// A status, headers and a body.
    Status(u16, Vec<(&'static str, String)>, &'static str),
    /// No answer, and the far side cannot have seen it.
    NotSent,
    /// No answer, and the far side may have seen it.
    Unknown,
    /// An answer only after this time on the clock, then as `ok`.
    After(Duration),
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The host of its address.
    pub host: String,
    /// Its header `Authorization`.
    pub authorization: Option<String>,
    /// Its body.
    pub body: String,
    /// When, in seconds since the clock started.
    pub at_s: u64,
}

/// Answers by host: what is scripted, then `ok` for ever.
pub struct FakeExchange {
    clock: Arc<ManualClock>,
    scripts: Mutex<HashMap<String, VecDeque<Says>>>,
    asked: Mutex<Vec<Asked>>,
}

impl FakeExchange {
    pub fn new(clock: Arc<ManualClock>) -> Self {
        Self { clock, scripts: Mutex::default(), asked: Mutex::default() }
    }

    /// Answers the next requests to `host` with `script`, one each.
    pub fn script(&self, host: &str, script: impl IntoIterator<Item = Says>) {
        self.scripts.lock().unwrap().entry(host.to_owned()).or_default().extend(script);
    }

    /// All requests to `host` so far.
    pub fn asked(&self, host: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.host == host).cloned().collect()
    }

    /// When each request to `host` came, in seconds.
    pub fn times(&self, host: &str) -> Vec<u64> {
        self.asked(host).iter().map(|asked| asked.at_s).collect()
    }
}

#[async_trait]
impl Exchange for FakeExchange {
    async fn exchange(&self, request: Request<Bytes>, _route: &Route) -> Result<Response<Bytes>, Lost> {
        let host = request.uri().host().unwrap().to_owned();
        self.asked.lock().unwrap().push(Asked {
            host: host.clone(),
            authorization: request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned()),
            body: String::from_utf8(request.body().to_vec()).unwrap(),
            at_s: self.clock.elapsed().as_secs(),
        });
        let says = self.scripts.lock().unwrap().get_mut(&host).and_then(VecDeque::pop_front);
        let answer = |status: u16, headers: Vec<(&'static str, String)>, body: &'static str| {
            let mut builder = Response::builder().status(status);
            for (name, value) in headers {
                builder = builder.header(name, value);
            }
            builder.body(Bytes::from_static(body.as_bytes())).unwrap()
        };
        match says {
            None => Ok(answer(200, vec![], "ok")),
            Some(Says::Status(status, headers, body)) => Ok(answer(status, headers, body)),
            Some(Says::NotSent) => Err(Lost::NotSent("connection refused".to_owned())),
            Some(Says::Unknown) => Err(Lost::Unknown("connection reset".to_owned())),
            Some(Says::After(time)) => {
                self.clock.sleep(time).await;
                Ok(answer(200, vec![], "ok"))
            }
        }
    }
}
