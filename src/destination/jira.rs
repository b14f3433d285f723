//! Jira: Cloud (REST API 3) and Data Center (REST API 2).

use secrecy::SecretString;
use url::Url;

use super::{Answer, Destination, Step};
use crate::domain::delivery::{Job, Outcome};

/// A Jira project.
#[derive(Debug)]
pub struct Jira {
    /// The site, `https://acme.atlassian.net`.
    pub url: Url,
    /// Which API it speaks.
    pub api: Api,
    /// The bot's e-mail (basic authentication); `None` for a bearer token.
    pub email: Option<String>,
    /// The API token or personal access token.
    pub token: SecretString,
    /// The project key.
    pub project: String,
    /// The name of the issue type.
    pub issue_type: String,
}

/// The versions of Jira's REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Cloud: text is ADF.
    V3,
    /// Data Center: text is wiki markup.
    V2,
}

impl Destination for Jira {
    fn step(&self, _job: &Job, _answers: &[Answer]) -> Step {
        Step::Done(Outcome::Refused { why: String::new() })
    }
}
