//! Whether a webhook's sender is who it must be: the same ways for every kind of source.

mod basic;
mod header;
mod mac;
mod refusal;
mod secrets;
mod signature;
mod signed;
mod stamp;
mod token;

pub use basic::Basic;
pub use header::Header;
pub use mac::{Algorithm, Encoding, Key, standard_key};
pub use refusal::{Reason, Refusal};
pub use secrets::Secrets;
pub use signature::Signature;
pub use signed::{PLACES, Signed};
pub use stamp::Stamp;
pub use token::Token;

use super::RawHook;
use crate::domain::time::Timestamp;

/// What a source asks of a sender.
#[derive(Debug)]
pub enum Proof {
    /// Nothing: whoever knows the address is believed.
    Nothing,
    /// A secret in a header.
    Token(Token),
    /// A user and a password.
    Basic(Basic),
    /// A signature of the body.
    Signature(Box<Signature>),
}

impl Proof {
    /// Whether the sender of `hook` has what is asked for. In constant time over all secrets.
    ///
    /// # Errors
    /// When it has not, with the reason.
    pub fn check(&self, hook: &RawHook, now: Timestamp) -> Result<(), Refusal> {
        match self {
            Self::Nothing => Ok(()),
            Self::Token(token) => token.check(hook),
            Self::Basic(basic) => basic.check(hook),
            Self::Signature(signature) => signature.check(hook, now),
        }
    }

    /// The sender's own id of this delivery, where it is part of what is signed, so that
    /// nobody but the sender can have written it.
    #[must_use]
    pub fn delivery_id<'h>(&self, hook: &'h RawHook) -> Option<&'h str> {
        match self {
            Self::Signature(signature) => signature.delivery_id(hook),
            Self::Nothing | Self::Token(_) | Self::Basic(_) => None,
        }
    }
}
