//! Identifiers: time-ordered, and reproducible from what they identify.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::time::Timestamp;

/// Identifies one accepted event. A UUID of version 7, so ids sort by arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

/// Identifies one delivery. A UUID of version 7 derived from what the delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(pub Uuid);

impl EventId {
    /// A new id for an event that arrived at `now`; `chance` are random bytes.
    #[must_use]
    pub fn new(now: Timestamp, chance: [u8; 10]) -> Self {
        Self(uuid_at(now, chance))
    }
}

impl DeliveryId {
    /// The id of the delivery that `key` names and `event` causes. Deliveries sort as
    /// their events do.
    #[must_use]
    pub fn of_event(event: EventId, key: &str) -> Self {
        let mut bytes = event.0.into_bytes();
        bytes[11..].copy_from_slice(&Sha256::digest(key.as_bytes())[..5]);
        Self(Uuid::from_bytes(bytes))
    }

    /// The id of the delivery that `key` names (see [`delivery_key`]), made at `now`:
    /// the same arguments give the same id.
    #[must_use]
    pub fn new(now: Timestamp, key: &str) -> Self {
        let digest = Sha256::digest(key.as_bytes());
        let mut chance = [0; 10];
        chance.copy_from_slice(&digest[..10]);
        Self(uuid_at(now, chance))
    }
}

fn uuid_at(now: Timestamp, chance: [u8; 10]) -> Uuid {
    let ms = u64::try_from(now.as_ms()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(ms, &chance).into_uuid()
}

/// The key under which a delivery is recognised at the far side, in every retry and
/// after every crash: 26 characters of `a-z2-7`, fit for a Jira label.
#[must_use]
pub fn delivery_key(event: EventId, rule: &str, action: &str, destination: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"d:v1");
    hasher.update(event.0.as_bytes());
    for part in [rule, action, destination] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    base32(&hasher.finalize()[..16])
}

/// RFC 4648 base 32 in lower case without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits)) as usize & 31]));
    }
    text
}

macro_rules! id_text {
    ($id:ident) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl FromStr for $id {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}
id_text!(EventId);
id_text!(DeliveryId);
