//! Why a sender is not believed.

use std::fmt;

use super::Header;

/// Why a webhook is refused before it is read. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// What kind of reason it is.
    pub reason: Reason,
    why: String,
    /// What the answer's `WWW-Authenticate` offers.
    pub challenge: Option<&'static str>,
}

/// The kinds of reasons, each with its word in the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The header with the secret is missing.
    NoSecret,
    /// The secret is none of those configured.
    WrongSecret,
    /// The webhook is not signed.
    NoSignature,
    /// The signature fits none of the secrets.
    BadSignature,
    /// The header with the signed time is missing.
    NoTimestamp,
    /// The signed time cannot be read.
    BadTimestamp,
    /// The signed time is too far from now.
    StaleTimestamp,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NoSecret,
        Self::WrongSecret,
        Self::NoSignature,
        Self::BadSignature,
        Self::NoTimestamp,
        Self::BadTimestamp,
        Self::StaleTimestamp,
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoSecret => "no_secret",
            Self::WrongSecret => "wrong_secret",
            Self::NoSignature => "no_signature",
            Self::BadSignature => "bad_signature",
            Self::NoTimestamp => "no_timestamp",
            Self::BadTimestamp => "bad_timestamp",
            Self::StaleTimestamp => "stale_timestamp",
        }
    }

    /// What whoever looks after the sender can do about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::NoSecret | Self::WrongSecret => "set the secret that is configured for this source",
            Self::NoSignature => "set the signing secret that is configured for this source",
            Self::BadSignature => {
                "set the signing secret that is configured for this source, and let nothing on the way change the body"
            }
            Self::NoTimestamp | Self::BadTimestamp => "the signature covers the time of sending, so it must be sent",
            Self::StaleTimestamp => "set the sender's clock, or sign anew when sending again",
        }
    }
}

impl Refusal {
    /// The secret that `header` should hold is not there.
    pub(super) fn no_secret(header: &Header) -> Self {
        Self::new(Reason::NoSecret, format!("the header {header} is missing"))
    }

    /// The secret in `header` is wrong.
    pub(super) fn wrong_secret(header: &Header) -> Self {
        Self::new(Reason::WrongSecret, format!("the secret in {header} is wrong"))
    }

    /// The webhook lacks `header`, without which no signature can be checked.
    pub(super) fn no_signature(header: &Header) -> Self {
        Self::new(Reason::NoSignature, format!("the header {header} is missing"))
    }

    /// The signature in `header` is not that of this webhook.
    pub(super) fn bad_signature(header: &Header) -> Self {
        Self::new(Reason::BadSignature, format!("the signature in {header} does not fit this webhook and the secret"))
    }

    /// The webhook lacks `header` with the time.
    pub(super) fn no_timestamp(header: &Header) -> Self {
        Self::new(Reason::NoTimestamp, format!("the header {header} is missing"))
    }

    /// What `header` holds is no time.
    pub(super) fn bad_timestamp(header: &Header) -> Self {
        Self::new(Reason::BadTimestamp, format!("{header} holds no time, neither Unix seconds nor RFC 3339"))
    }

    /// The time in `header` is `off` from now, and at most `tolerance` is accepted.
    pub(super) fn stale_timestamp(header: &Header, off: impl fmt::Display, tolerance: impl fmt::Display) -> Self {
        let why = format!("the time in {header} is {off}, and at most {tolerance} is accepted");
        Self::new(Reason::StaleTimestamp, why)
    }

    /// The same, which offers a way to sign in.
    pub(super) fn challenging(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }

    fn new(reason: Reason, why: String) -> Self {
        Self { reason, why, challenge: None }
    }
}
