//! Secrets that are compared whole.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The secrets of which a sender must know one; several while one is being changed.
///
/// Digests are kept and compared, so that neither content nor length of a secret shows in the
/// time this takes.
pub struct Secrets(Vec<[u8; 32]>);

impl Secrets {
    /// Takes these.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Self {
        Self(secrets.into_iter().map(|secret| Sha256::digest(secret.as_ref()).into()).collect())
    }

    /// Whether `sent` is one of them. Every one is tried, whichever fits.
    #[must_use]
    pub fn fit(&self, sent: &[u8]) -> bool {
        let sent: [u8; 32] = Sha256::digest(sent).into();
        self.0.iter().fold(Choice::from(0), |fits, secret| fits | secret.ct_eq(&sent)).into()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}
