//! Microsoft Teams: Workflows webhooks.

use secrecy::SecretString;

use super::{Answer, Destination, Step};
use crate::domain::delivery::{Job, Outcome};

/// A Teams channel or chat behind a Workflows webhook.
#[derive(Debug)]
pub struct Teams {
    /// The whole address, query included; it is the secret.
    pub url: SecretString,
}

impl Destination for Teams {
    fn step(&self, _job: &Job, _answers: &[Answer]) -> Step {
        Step::Done(Outcome::Refused { why: String::new() })
    }
}
