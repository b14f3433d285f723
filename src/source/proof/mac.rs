//! Keys that webhooks are signed with.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// What senders may leave out at the end of Base64.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const USUAL: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const FOR_ADDRESSES: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The hash below an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1: sound within an HMAC, and what older senders have.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal, of either case.
    Hex,
    /// Base64, of either alphabet, with or without its padding.
    Base64,
    /// Either: what it is shows by its length.
    Either,
}

impl Encoding {
    /// The bytes that `written` stands for; nothing when it is not written so.
    pub(super) fn decode(self, written: &str) -> Vec<Vec<u8>> {
        let mut read = Vec::new();
        if self != Self::Base64 {
            read.extend(hex(written));
        }
        if self != Self::Hex {
            read.extend(USUAL.decode(written).or_else(|_| FOR_ADDRESSES.decode(written)).ok());
        }
        read
    }
}

fn hex(written: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = written.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect()
}

/// A key of one algorithm, ready to sign.
#[derive(Clone)]
pub enum Key {
    /// Of HMAC-SHA-1.
    Sha1(Box<Hmac<Sha1>>),
    /// Of HMAC-SHA-256.
    Sha256(Box<Hmac<Sha256>>),
    /// Of HMAC-SHA-512.
    Sha512(Box<Hmac<Sha512>>),
}

impl Key {
    /// The key that `secret` is. `None` never comes: HMAC takes keys of every length.
    #[must_use]
    pub fn new(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        Some(match algorithm {
            Algorithm::Sha1 => Self::Sha1(Box::new(Hmac::new_from_slice(secret).ok()?)),
            Algorithm::Sha256 => Self::Sha256(Box::new(Hmac::new_from_slice(secret).ok()?)),
            Algorithm::Sha512 => Self::Sha512(Box::new(Hmac::new_from_slice(secret).ok()?)),
        })
    }

    /// The signature of `parts`, one after the other.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1(key) => tag(&**key, parts),
            Self::Sha256(key) => tag(&**key, parts),
            Self::Sha512(key) => tag(&**key, parts),
        }
    }
}

fn tag<M: Mac + Clone>(key: &M, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = key.clone();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// The key that a secret of Standard Webhooks is: `whsec_` and Base64, or Base64 alone.
/// `None` when it is neither.
#[must_use]
pub fn standard_key(secret: &str) -> Option<Key> {
    let text = secret.trim();
    let bytes = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
    if bytes.is_empty() { None } else { Key::new(Algorithm::Sha256, &bytes) }
}
