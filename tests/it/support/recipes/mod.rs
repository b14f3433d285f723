//! Strict stand-ins of the receivers that `docs/recipes.md` describes: each refuses what
//! its vendor refuses.

pub mod receivers;
pub mod served;
pub mod trackers;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use bytes::Bytes;
use http::{Request, Response};
use relaybell::domain::delivery::Lost;
use relaybell::ports::manual::ManualClock;
use relaybell::ports::{Clock, Exchange, Route};
use serde_json::{Map, Value, json};

/// A request as a stand-in reads it.
pub struct Asked {
    pub method: String,
    pub host: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

/// What a stand-in answers: a status and a body; an error is a refusal.
pub type Answered = Result<(u16, Value), (u16, Value)>;

/// The other side.
pub trait Vendor: Send {
    /// Answers one request.
    fn answer(&mut self, asked: &Asked) -> Answered;

    /// What it has by now, one line a thing.
    fn has(&self) -> Vec<String>;
}

impl Asked {
    fn new(request: &Request<Bytes>) -> Self {
        let url: url::Url = request.uri().to_string().parse().unwrap();
        Self {
            method: request.method().to_string(),
            host: url.host_str().unwrap().to_owned(),
            path: url.path().to_owned(),
            query: url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
            headers: request.headers().clone(),
            body: request.body().clone(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn param(&self, name: &str) -> &str {
        self.query.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value)
    }

    /// The steps of the path.
    pub fn steps(&self) -> Vec<&str> {
        self.path.split('/').skip(1).collect()
    }

    /// The JSON body, if its type is said to be `kind`.
    pub fn json(&self, kind: &str) -> Result<Value, (u16, Value)> {
        if self.header("content-type") != kind {
            return Err((415, json!({"message": format!("the content type must be {kind}")})));
        }
        serde_json::from_slice(&self.body).map_err(|error| (400, json!({"message": error.to_string()})))
    }

    /// The password of basic authentication.
    pub fn password(&self) -> String {
        let pair = self.header("authorization").strip_prefix("Basic ").unwrap_or_default();
        let pair = base64::engine::general_purpose::STANDARD.decode(pair).unwrap_or_default();
        String::from_utf8(pair).unwrap().split_once(':').map(|(_, password)| password.to_owned()).unwrap_or_default()
    }
}

/// The keys and lengths of an object: `Err` names the first that is wrong.
pub fn shape(body: &Value, keys: &[(&str, usize)]) -> Result<(), String> {
    let Some(map) = body.as_object() else { return Err("an object is expected".to_owned()) };
    let known = |name: &str| keys.iter().find(|(one, _)| *one == name);
    for (name, value) in map {
        let Some((_, most)) = known(name) else { return Err(format!("{name} is not known")) };
        if let Some(text) = value.as_str()
            && (text.trim().is_empty() || text.chars().count() > *most)
        {
            return Err(format!("{name} must have 1 to {most} characters"));
        }
    }
    Ok(())
}

/// The text at `pointer`, or which is missing.
pub fn text<'v>(body: &'v Value, pointer: &str) -> Result<&'v str, String> {
    body.pointer(pointer).and_then(Value::as_str).ok_or_else(|| format!("{pointer} is missing"))
}

/// What goes wrong on the way.
#[derive(Debug, Clone)]
pub enum Goes {
    /// The vendor answers.
    Well,
    /// Somebody answers this instead, and the vendor sees nothing.
    Instead(u16, Vec<(&'static str, String)>, Value),
    /// The vendor does it, and its answer is lost.
    LosesAnswer,
}

/// The network with one vendor on it.
pub struct Net {
    clock: Arc<ManualClock>,
    pub vendor: Mutex<Box<dyn Vendor>>,
    goes: Mutex<VecDeque<Goes>>,
    /// Each request: when in seconds, and what it was.
    pub log: Mutex<Vec<(u64, String)>>,
    /// What the vendor refused.
    pub refused: Mutex<Vec<String>>,
}

impl Net {
    pub fn new(clock: Arc<ManualClock>, vendor: Box<dyn Vendor>, goes: Vec<Goes>) -> Self {
        let (log, refused) = (Mutex::default(), Mutex::default());
        Self { clock, vendor: Mutex::new(vendor), goes: Mutex::new(goes.into()), log, refused }
    }

    /// When each request came, in seconds.
    pub fn times(&self) -> Vec<u64> {
        self.log.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }
}

#[async_trait]
impl Exchange for Net {
    async fn exchange(&self, request: Request<Bytes>, _route: &Route) -> Result<Response<Bytes>, Lost> {
        let asked = Asked::new(&request);
        let at: Duration = self.clock.elapsed();
        self.log.lock().unwrap().push((at.as_secs(), format!("{} {}", asked.method, asked.path)));
        let goes = self.goes.lock().unwrap().pop_front().unwrap_or(Goes::Well);
        if let Goes::Instead(status, headers, body) = goes {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            return Ok(response.body(Bytes::from(body.to_string())).unwrap());
        }
        let (status, body) = self.vendor.lock().unwrap().answer(&asked).unwrap_or_else(|(status, body)| {
            self.refused.lock().unwrap().push(format!("{status} {body}"));
            (status, body)
        });
        if matches!(goes, Goes::LosesAnswer) {
            return Err(Lost::Unknown("connection reset".to_owned()));
        }
        let body = match body {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        Ok(Response::builder().status(status).body(Bytes::from(body)).unwrap())
    }
}

/// An object of one entry.
pub fn one(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}
