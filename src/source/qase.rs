//! Qase: webhooks of all three envelope generations.

use secrecy::SecretString;
use url::Url;

use super::{Malformed, RawHook, Refusal, Source, Verified};
use crate::domain::event::Report;
use crate::domain::time::Timestamp;

/// A Qase workspace.
#[derive(Debug)]
pub struct Qase {
    /// The source's name in the configuration; part of the de-duplication hash.
    pub name: String,
    /// The secrets accepted in `X-Qase-Secret`; empty: none is asked for.
    pub secrets: Vec<SecretString>,
    /// The address of the app, for links: `https://app.qase.io`.
    pub app_url: Url,
}

impl Source for Qase {
    fn authentic(&self, _hook: &RawHook, _now: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    fn normalise(&self, _hook: &Verified) -> Result<Vec<Report>, Malformed> {
        Ok(Vec::new())
    }
}
