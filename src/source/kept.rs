//! What is kept of a webhook beside its body, so that it can be read again.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{RawHook, Source};

/// The name under which another method than `POST` is kept.
const METHOD: &str = ":method";
/// The name under which a path below the source's address is kept.
const PATH: &str = ":path";
/// The longest value of a header that is kept, in bytes.
const VALUE_BYTES_MAX: usize = 4096;
/// The most headers that are kept.
const KEPT_MAX: usize = 64;
/// Never kept, whatever a source says: they carry credentials.
const CREDENTIALS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-qase-secret"];

/// What `source` needs of `hook`, beside the body, to read it again. Nothing for most.
#[must_use]
pub fn kept_headers(source: &dyn Source, hook: &RawHook) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    if hook.method != Method::POST {
        kept.insert(METHOD.to_owned(), hook.method.to_string());
    }
    if !hook.path.is_empty() {
        kept.insert(PATH.to_owned(), hook.path.clone());
    }
    for (name, value) in &hook.headers {
        let name = name.as_str();
        let Ok(value) = value.to_str() else { continue };
        let wanted = source.keeps_header(name) && !CREDENTIALS.contains(&name);
        if wanted && value.len() <= VALUE_BYTES_MAX && kept.len() < KEPT_MAX {
            kept.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    kept
}

impl RawHook {
    /// A webhook as it is kept: its body, and what [`kept_headers`] gave.
    #[must_use]
    pub fn restored(kept: &BTreeMap<String, String>, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in kept {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
        let method = kept.get(METHOD).and_then(|word| word.parse().ok()).unwrap_or(Method::POST);
        Self { method, path: kept.get(PATH).cloned().unwrap_or_default(), headers, body }
    }
}
