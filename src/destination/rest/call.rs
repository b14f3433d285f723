//! One described request: from a job to bytes.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::json_bytes;
use super::super::text::{cut, one_line};
use super::answer::{Answers, Remembered};
use super::{Envelope, Rest, words};
use crate::domain::delivery::Job;
use crate::domain::how::Target;
use crate::domain::render::{Line, Spot, Tree, Values};

/// The facts that a CloudEvent needs.
pub(super) const EVENT_FACTS: [&str; 4] = ["event", "source", "subject", "time"];

/// What a message without a title is called.
const NO_TITLE: &str = "Notification";

/// A described request.
#[derive(Debug)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its path after the destination's address, query included; empty for that itself.
    pub path: Line,
    /// The path as it is written, for people.
    pub shown: String,
    /// Headers of its own.
    pub headers: Vec<(HeaderName, HeaderText)>,
    /// Its body.
    pub body: Body,
    /// How its answers are read.
    pub answers: Answers,
    /// What is remembered of its answer.
    pub remember: Remembered,
    /// Whether its path names what the thread remembers, so that a 404 is about that.
    pub needs_thread: bool,
}

/// The body of a request.
#[derive(Debug)]
pub enum Body {
    /// None.
    None,
    /// JSON.
    Json(Tree),
    /// A list of changes (RFC 6902).
    JsonPatch(Tree),
    /// Pairs as of a form.
    Form(Vec<(String, Tree)>),
}

/// The value of a header.
#[derive(Debug)]
pub enum HeaderText {
    /// Always the same; may be a secret.
    Fixed(SecretString),
    /// A template.
    Line(Line),
}

impl HeaderText {
    /// Calls `see` for the template that it is, if it is one.
    pub fn lines<'t>(&'t self, see: &mut dyn FnMut(&'t Line)) {
        if let Self::Line(line) = self {
            see(line);
        }
    }
}

impl Call {
    /// Calls `see` for every template in it.
    pub fn lines<'t>(&'t self, see: &mut dyn FnMut(&'t Line)) {
        see(&self.path);
        self.headers.iter().for_each(|(_, header)| header.lines(see));
        match &self.body {
            Body::None => {}
            Body::Json(tree) | Body::JsonPatch(tree) => tree.lines(see),
            Body::Form(pairs) => pairs.iter().for_each(|(_, tree)| tree.lines(see)),
        }
    }

    /// Whether one of its templates names `name`.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        let mut named = false;
        self.lines(&mut |line| named |= line.reads().iter().any(|path| path[0] == name));
        named
    }
}

impl Rest {
    /// The request of `call` for `job`; or why it cannot be made.
    pub(super) fn request(&self, call: &Call, job: &Job) -> Result<http::Request<Bytes>, String> {
        let values = self.values(call, job);
        let address = self.address(call, &values)?;
        let (body, kind) = self.body(call, job, &values)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Some(auth) = &self.auth {
            headers.insert(AUTHORIZATION, secret("auth", auth)?);
        }
        for (name, text) in self.headers.iter().chain(&call.headers) {
            let value = match text {
                HeaderText::Fixed(text) => secret(name.as_str(), text)?,
                HeaderText::Line(line) => match line.render(Spot::Header, &values)? {
                    Some(text) if !text.trim().is_empty() => header(name.as_str(), text.trim())?,
                    _ => continue,
                },
            };
            headers.insert(name.clone(), value);
        }
        if let Some(sign) = &self.sign {
            for (name, value) in sign.headers(job, &body) {
                headers.insert(name, header(name, &value)?);
            }
        }
        let mut request = http::Request::builder()
            .method(call.method.clone())
            .uri(address)
            .body(body)
            .map_err(|_| "'url' and the path make no address".to_owned())?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// What its templates can name.
    fn values(&self, call: &Call, job: &Job) -> Values {
        let content = &job.content;
        let message = &content.message;
        let mut values = content.facts.clone();
        let title = cut(&one_line(&message.title), self.cut.title).into_owned();
        values.insert("title".into(), if title.is_empty() { NO_TITLE.into() } else { title.into() });
        values.insert("fields".into(), Value::Object(content.fields.clone()));
        if let Some(Target::Status(status)) = &content.how.target {
            values.insert("status".into(), status.as_str().into());
        }
        let id = job.id.to_string();
        values.insert("delivery".into(), json!({"id": id, "key": job.key, "uuid": uuid_of(&job.key).to_string()}));
        if let Some(thread) = &job.thread {
            let mut known: Map<String, Value> =
                thread.values.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            known.extend(thread.key.as_deref().map(|key| ("key".to_owned(), key.into())));
            known.extend(thread.link.as_deref().map(|link| ("url".to_owned(), link.into())));
            values.insert("thread".into(), Value::Object(known));
        }
        let mentions = words::mentions(self.flavor, message);
        let apart = call.names("mentions");
        Values::new(values, words::body(self.flavor, self.cut, message, apart), mentions)
    }

    /// The address: the destination's, the path after it, both queries together.
    fn address(&self, call: &Call, values: &Values) -> Result<String, String> {
        let lost = || format!("a value that its path needs is missing: {}", call.shown);
        let path = call.path.render(Spot::Address, values)?.ok_or_else(lost)?;
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let lacking = path.split('/').skip(1).any(|part| matches!(part, "." | ".."))
            || path.contains("//")
            || (path.ends_with('/') && !call.shown.contains("/?") && !call.shown.ends_with('/'));
        if lacking {
            return Err(lost());
        }
        let base = self.url.as_str().split(['?', '#']).next().unwrap_or_default();
        let base = if path.is_empty() { base } else { base.trim_end_matches('/') };
        let queries: Vec<&str> =
            [self.url.query().unwrap_or_default(), query].into_iter().filter(|q| !q.is_empty()).collect();
        let mark = if queries.is_empty() { "" } else { "?" };
        Ok(format!("{base}{path}{mark}{}", queries.join("&")))
    }

    /// The body's bytes and their type.
    fn body(&self, call: &Call, job: &Job, values: &Values) -> Result<(Bytes, Option<&'static str>), String> {
        let whole = |tree: &Tree| tree.render(self.flavor, values).map(Option::unwrap_or_default);
        let json = match &call.body {
            Body::None if self.envelope == Envelope::None => return Ok((Bytes::new(), None)),
            Body::None => None,
            Body::JsonPatch(tree) => {
                return Ok((json_bytes(&whole_changes(whole(tree)?)), Some("application/json-patch+json")));
            }
            Body::Form(pairs) => return Ok((self.form(pairs, values)?, Some("application/x-www-form-urlencoded"))),
            Body::Json(tree) => Some(whole(tree)?),
        };
        match self.envelope {
            Envelope::None => Ok((json_bytes(&json.unwrap_or_default()), Some("application/json"))),
            Envelope::CloudEvents => Ok((json_bytes(&cloud_event(job, json)), Some("application/cloudevents+json"))),
        }
    }

    fn form(&self, pairs: &[(String, Tree)], values: &Values) -> Result<Bytes, String> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, tree) in pairs {
            match tree.render(self.flavor, values)? {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => _ = form.append_pair(name, &text),
                Some(Value::Array(items)) => {
                    for item in items {
                        let text = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
                        form.append_pair(name, &text);
                    }
                }
                Some(other) => _ = form.append_pair(name, &other.to_string()),
            }
        }
        Ok(form.finish().into())
    }
}

/// Changes that have lost their value, because the event lacks it, are left out.
fn whole_changes(changes: Value) -> Value {
    let Value::Array(changes) = changes else { return changes };
    let needs_value = |change: &Value| matches!(change["op"].as_str(), Some("add" | "replace" | "test"));
    changes.into_iter().filter(|change| !needs_value(change) || change.get("value").is_some()).collect()
}

/// The CloudEvent around `data`.
fn cloud_event(job: &Job, data: Option<Value>) -> Value {
    let fact = |name: &str| job.content.facts.get(name).and_then(Value::as_str);
    let mut event = json!({
        "specversion": "1.0",
        "id": job.id.to_string(),
        "source": format!("relaybell/{}", fact("source").unwrap_or("unknown")),
        "type": fact("event").unwrap_or("notification"),
    });
    for (name, fact) in [("subject", fact("subject")), ("time", fact("time"))] {
        if let Some(fact) = fact {
            event[name] = fact.into();
        }
    }
    if let Some(data) = data {
        event["datacontenttype"] = "application/json".into();
        event["data"] = data;
    }
    event
}

/// A UUID of version 4 form that stands for a delivery's key: the same in every attempt,
/// also when it is sent again by hand.
fn uuid_of(key: &str) -> Uuid {
    let digest = Sha256::digest(key.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn header(name: &str, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| format!("the header '{name}' would hold a line break or control character"))
}

fn secret(name: &str, text: &SecretString) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_bytes(text.expose_secret().as_bytes())
        .map_err(|_| format!("'{name}' cannot be sent: check it for stray characters"))?;
    value.set_sensitive(true);
    Ok(value)
}
