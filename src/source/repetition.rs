//! How repetitions of webhooks without an id are recognised.

use sha2::{Digest, Sha256};

/// Hex SHA-256 of source and body, kept apart by the length of the name.
#[must_use]
pub fn body_hash(source: &str, body: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update((source.len() as u64).to_be_bytes());
    hasher.update(source.as_bytes());
    hasher.update(body);
    hasher.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        for nibble in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        hex
    })
}
