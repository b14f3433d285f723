//! Slack: incoming webhooks and the Web API.

use secrecy::SecretString;
use url::Url;

use super::{Answer, Destination, Step};
use crate::domain::delivery::{Job, Outcome};

/// A Slack channel.
#[derive(Debug)]
pub enum Slack {
    /// By an incoming webhook, whose address is the secret.
    Webhook {
        /// The whole address.
        url: SecretString,
    },
    /// By the Web API (`chat.postMessage`).
    Api {
        /// The base, `https://slack.com/api`.
        url: Url,
        /// A bot token, `xoxb-…`.
        token: SecretString,
        /// A channel id or `#name`.
        channel: String,
    },
}

impl Destination for Slack {
    fn step(&self, _job: &Job, _answers: &[Answer]) -> Step {
        Step::Done(Outcome::Refused { why: String::new() })
    }
}
