//! Reads the parts of a body that are needed; the rest is only checked to be JSON.
//!
//! Nothing is decided here: of a body that is unusual in any way nothing is read, and it
//! goes through [`Envelope::read`] instead.
//!
//! [`Envelope::read`]: super::envelope::Envelope::read

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::envelope::Sent;
use super::lens::Keys;

/// The values of the keys of a payload that are kept, by their places.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<Option<Value>>);

impl Parts {
    /// The value of the key at `place`.
    pub(super) fn get(&self, place: u16) -> Option<&Value> {
        self.0.get(usize::from(place))?.as_ref()
    }
}

/// The envelope of `body` and what its payload says under `keys`.
pub(super) fn read(body: &[u8], keys: &Keys) -> Option<(Sent, Parts)> {
    let text = std::str::from_utf8(body).ok()?;
    let mut parts = Parts::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let sent = json.deserialize_map(Body { keys, parts: &mut parts }).ok()?;
    json.end().ok()?;
    Some((sent, parts))
}

struct Body<'k> {
    keys: &'k Keys,
    parts: &'k mut Parts,
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Sent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a webhook")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sent, A::Error> {
        let mut sent = Sent::default();
        while let Some(Key(key)) = map.next_key()? {
            if key == "payload" {
                map.next_value_seed(Payload { keys: self.keys, parts: &mut *self.parts })?;
            } else if let Some(field) = sent.field(&key) {
                *field = Some(map.next_value()?);
            } else {
                map.next_value::<Passed>()?;
            }
        }
        Ok(sent)
    }
}

struct Payload<'k> {
    keys: &'k Keys,
    parts: &'k mut Parts,
}

impl<'de> DeserializeSeed<'de> for Payload<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Payload<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a payload")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // Of two payloads the last one counts.
        self.parts.0.clear();
        self.parts.0.resize_with(self.keys.len(), || None);
        while let Some(Key(key)) = map.next_key()? {
            match self.keys.place(&key).and_then(|place| self.parts.0.get_mut(place)) {
                Some(part) => *part = Some(map.next_value()?),
                None => {
                    map.next_value::<Passed>()?;
                }
            }
        }
        Ok(())
    }
}

/// A key, borrowed from the body where it stands there as it is.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
        usual(key)?;
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
        usual(key)?;
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}

/// Keys that begin with `$` mean something to `serde_json`'s own values.
fn usual<E: Error>(key: &str) -> Result<(), E> {
    if key.starts_with('$') { Err(E::custom("an unusual key")) } else { Ok(()) }
}

/// What is passed over, but refused where a value would be: unlike `IgnoredAny` it looks
/// at numbers and escapes, and minds how deep it is.
struct Passed;

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Passed {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _value: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_key::<Key<'de>>()?.is_some() {
            map.next_value::<Self>()?;
        }
        Ok(self)
    }
}
