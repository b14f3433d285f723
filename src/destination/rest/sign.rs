//! Signatures of requests, by Standard Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::delivery::Job;

/// The keys that requests are signed with: several while one is being rotated.
pub struct Sign {
    keys: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Sign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sign({} keys)", self.keys.len())
    }
}

impl Sign {
    /// Takes secrets as Standard Webhooks writes them: `whsec_` and base 64, or base 64
    /// alone. `None` when one is neither.
    #[must_use]
    pub fn new<'s>(secrets: impl Iterator<Item = &'s str>) -> Option<Self> {
        let key = |secret: &str| {
            let text = secret.trim();
            STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok().filter(|key| !key.is_empty())
        };
        secrets.map(key).collect::<Option<Vec<_>>>().map(|keys| Self { keys })
    }

    /// The headers of a request with this body: who sends it again knows it by the id, and
    /// the time is that of the attempt.
    pub(super) fn headers(&self, job: &Job, body: &[u8]) -> [(&'static str, String); 3] {
        let (id, time) = (job.id.to_string(), job.began.as_ms() / 1000);
        let signatures: Vec<String> = self.keys.iter().map(|key| signature(key, &id, time, body)).collect();
        [("webhook-id", id), ("webhook-timestamp", time.to_string()), ("webhook-signature", signatures.join(" "))]
    }
}

fn signature(key: &[u8], id: &str, time: i64, body: &[u8]) -> String {
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(format!("{id}.{time}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_comes_out() {
        let sign = Sign::new(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"].into_iter()).unwrap();
        let signature =
            signature(&sign.keys[0], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(Sign::new(["not base 64!"].into_iter()).is_none());
    }
}
