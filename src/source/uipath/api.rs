//! Where Test Manager's API is, and how it is asked.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::domain::ask::Ask;

/// What an external application must be allowed to read.
pub const CLOUD_SCOPE: &str = "TM.Projects.Read TM.TestExecutions.Read TM.TestCases.Read";

/// How we introduce ourselves: the cloud's front door refuses clients that it does not know.
const WE: &str = concat!("relaybell/", env!("CARGO_PKG_VERSION"));

/// The part of an address that ends where Test Manager begins.
const SERVICE: &str = "testmanager_";

/// The API of one tenant.
#[derive(Debug)]
pub struct Api {
    /// Test Manager's own address, `https://cloud.uipath.com/acme/Prod/testmanager_`.
    pub url: Url,
    /// Where tokens are given.
    pub token_url: Url,
    /// The id of the external application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The scopes it asks for, with blanks between.
    pub scope: String,
}

/// Where the cloud and the suite give tokens for the Test Manager at `url`; `None` where
/// its address does not tell.
#[must_use]
pub fn token_url_of(url: &Url) -> Option<Url> {
    let parts: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let [organisation, _tenant, SERVICE] = parts[..] else { return None };
    url.join(&format!("/{organisation}/identity_/connect/token")).ok()
}

impl Api {
    /// Asks for a token by the application's own credentials.
    pub(super) fn sign_in(&self) -> Option<Ask> {
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("scope", &self.scope)
            .finish();
        let request = http::Request::post(self.token_url.as_str())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, WE)
            .body(Bytes::from(form))
            .ok()?;
        Some(Ask { what: "POST connect/token (sign in to Test Manager)".to_owned(), request })
    }

    /// Asks for `path` below the API; the token is added by who asks.
    pub(super) fn get(&self, path: &str, query: &[(&str, &str)], what: &str) -> Option<Ask> {
        let mut address = self.address(&format!("/api/v2/{path}"));
        if !query.is_empty() {
            address.push('?');
            address.push_str(&Serializer::new(String::new()).extend_pairs(query).finish());
        }
        let request = http::Request::get(address)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, WE)
            .body(Bytes::new())
            .ok()?;
        Some(Ask { what: format!("GET {what}"), request })
    }

    /// Where a person looks at an execution of the project with this prefix.
    pub(super) fn page(&self, prefix: &str, execution: &str) -> String {
        self.address(&format!("/{prefix}/testexecutions/{execution}"))
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_tokens_are_given_follows_from_an_address_of_the_cloud() {
        let of = |text: &str| token_url_of(&Url::parse(text).unwrap()).map(String::from);
        let cloud = Some("https://cloud.uipath.com/acme/identity_/connect/token".to_owned());
        assert_eq!(of("https://cloud.uipath.com/acme/Prod/testmanager_"), cloud);
        assert_eq!(of("https://cloud.uipath.com/acme/Prod/testmanager_/"), cloud);
        assert_eq!(of("https://testmanager.acme.example/"), None);
        assert_eq!(of("https://cloud.uipath.com/acme/Prod/orchestrator_"), None);
    }
}
