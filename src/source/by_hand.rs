//! Webhooks that a person on this machine hands over: for explanations and tests of rules.

use std::sync::Arc;

use crate::domain::event::Report;
use crate::domain::time::Timestamp;

use super::catalogue::Catalogue;
use super::proof::Proof;
use super::{Malformed, RawHook, Source, Verified, prove};

/// What is asked of a person on this machine.
static NOTHING: Proof = Proof::Nothing;

/// A source that asks for no secret, because a person on this machine hands its webhooks over.
#[derive(Debug)]
pub struct ByHand<'a>(pub &'a dyn Source);

impl ByHand<'_> {
    /// Reads `hook` as the source would, whoever sent it. Nothing is accepted by it.
    ///
    /// # Errors
    /// When the body cannot be read as this sender's.
    pub fn read(&self, hook: RawHook) -> Result<Vec<Report>, Malformed> {
        let verified =
            prove(self, hook, Timestamp::default()).map_err(|refusal| Malformed::refused(refusal.to_string()))?;
        self.normalise(&verified)
    }
}

impl Source for ByHand<'_> {
    fn proof(&self) -> &Proof {
        &NOTHING
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        self.0.normalise(hook)
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        self.0.catalogue()
    }
}
