//! A webhook of many items as if each had come alone, so that each event is kept with what
//! it needs to be read again.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::domain::expression::Formula;
use crate::domain::facts::{FactPath, Facts};

use super::scope::BODY;

/// How much is kept of one webhook for all of its events, in bytes.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// What a webhook has beside its items.
pub(super) struct Shell<'m> {
    values: Map<String, Value>,
    path: &'m FactPath,
}

impl<'m> Shell<'m> {
    /// The shell of the list that `each` names; `None` where the list is no plain part of the
    /// body, or has but one item.
    pub(super) fn of(each: &'m Formula, scope: &Facts) -> Option<Self> {
        let path = each.path().filter(|path| path.name() == BODY)?;
        let mut values = Map::new();
        values.insert(BODY.to_owned(), scope.values.get(BODY)?.clone());
        let list = path.walk_mut(&mut values)?;
        if list.as_array().is_none_or(|items| items.len() < 2) {
            return None;
        }
        *list = Value::Null;
        Some(Self { values, path })
    }

    /// The body with `item` alone.
    pub(super) fn with(&mut self, item: &Value) -> Option<Bytes> {
        *self.path.walk_mut(&mut self.values)? = Value::Array(vec![item.clone()]);
        let body = self.values.get(BODY).map(|body| Bytes::from(body.to_string()));
        *self.path.walk_mut(&mut self.values)? = Value::Null;
        body
    }
}

/// Whether `kept` bytes are too many for one webhook.
pub(super) fn is_too_much(kept: usize) -> bool {
    kept > KEPT_BYTES_MAX
}
