//! Whom the relay believes: every way of proving a sender, by the standards' own examples.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use relaybell::config::{Secrets, Snapshot};
use relaybell::domain::event::Dedup;
use relaybell::domain::time::Timestamp;
use relaybell::source::proof::{Algorithm, Encoding, Header, Key, Proof, Reason, Signature, Signed};
use relaybell::source::{RawHook, Refusal, Verified, prove};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::diagnose::{Memory, load};

/// One source and the webhooks that are tried on it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    source: Value,
    body: String,
    #[serde(default)]
    at: i64,
    headers: BTreeMap<String, String>,
    /// The id of the delivery that is believed.
    known_as: Option<String>,
    tries: Vec<Try>,
}

/// How one webhook differs from the good one, and what becomes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Try {
    at: Option<i64>,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    body: Option<String>,
    gives: String,
    says: Option<String>,
    /// The scheme that the answer asks for.
    asks: Option<String>,
}

/// A configuration whose only source, of kind Qase, asks for this.
fn configured(source: &Value) -> Snapshot {
    let mut source = source.clone();
    source["kind"] = "qase".into();
    let config = json!({ "sources": { "s": source } }).to_string();
    let folders = Memory::default().with("rules/none.yaml", "rules: []\n").with("templates/t.md.hbs", "\n");
    load(&folders.with("relaybell.yaml", config), Secrets::Resolve).unwrap_or_else(|found| panic!("{found}"))
}

fn sent(case: &Case, one: &Try) -> RawHook {
    let mut all: BTreeMap<&str, Option<&str>> =
        case.headers.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
    all.extend(one.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())));
    let mut headers = HeaderMap::new();
    for (name, value) in all {
        let Some(value) = value else { continue };
        headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let body = one.body.as_ref().unwrap_or(&case.body);
    RawHook::posted(headers, Bytes::copy_from_slice(body.as_bytes()))
}

#[test]
fn senders_are_believed_for_the_right_reasons_only() {
    let cases: Vec<Case> = serde_yaml::from_str(include_str!("../cases/proof.yaml")).unwrap();
    for case in &cases {
        let snapshot = configured(&case.source);
        let source = snapshot.sources["s"].adapter.as_ref();
        for (number, one) in case.tries.iter().enumerate() {
            let what = format!("{}, try {}", case.name, number + 1);
            let now = Timestamp::from_seconds(one.at.unwrap_or(case.at));
            let outcome: Result<Verified, Refusal> = prove(source, sent(case, one), now);
            match outcome {
                Ok(verified) => {
                    assert_eq!(one.gives, "accepted", "{what}");
                    match (verified.dedup("s"), &case.known_as) {
                        (Dedup::SenderId(id), Some(known)) => assert_eq!(id, *known, "{what}"),
                        (Dedup::BodyHash(_), None) => {}
                        other => panic!("{what}: {other:?}"),
                    }
                }
                Err(refusal) => {
                    assert_eq!(refusal.reason.word(), one.gives, "{what}: {refusal}");
                    if let Some(says) = &one.says {
                        assert_eq!(refusal.to_string(), *says, "{what}");
                    }
                    let asked = refusal.challenge.map(|challenge| challenge.split(' ').next().unwrap());
                    assert_eq!(asked, one.asks.as_deref(), "{what}");
                }
            }
        }
        let debug = format!("{source:?}");
        for secret in ["swordfish", "Jefe", "sesame", "Everybody", "8f742231", "whsec", "old one"] {
            assert!(!debug.contains(secret), "{}: {debug}", case.name);
        }
    }
    let tried: Vec<&str> = cases.iter().flat_map(|case| &case.tries).map(|one| one.gives.as_str()).collect();
    for reason in Reason::ALL {
        assert!(tried.contains(&reason.word()), "{} is never given", reason.word());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

proptest! {
    /// Who signs with a key is believed; a webhook with any byte changed is not.
    #[test]
    fn a_signature_fits_its_own_webhook_alone(
        secret in proptest::collection::vec(any::<u8>(), 1..100),
        body in proptest::collection::vec(any::<u8>(), 1..300),
        algorithm in prop::sample::select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]),
        place in any::<prop::sample::Index>(),
        change in 1..=255_u8,
    ) {
        let key = Key::new(algorithm, &secret).unwrap();
        let written = hex(&key.sign(&[b"v0:", &body]));
        let header = Header::parse("X-Sig").unwrap();
        let signature = Signature {
            signed: Signed::parse("v0:{body}").unwrap(),
            ..Signature::of_body(vec![key], header, Encoding::Hex, "")
        };
        let proof = Proof::Signature(Box::new(signature));
        let hook = |body: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert("x-sig", HeaderValue::from_str(&written).unwrap());
            RawHook::posted(headers, Bytes::copy_from_slice(body))
        };
        prop_assert_eq!(proof.check(&hook(&body), Timestamp::default()), Ok(()));
        let mut other = body.clone();
        other[place.index(body.len())] ^= change;
        let refusal = proof.check(&hook(&other), Timestamp::default()).unwrap_err();
        prop_assert_eq!(refusal.reason, Reason::BadSignature);
    }
}

/// Whatever stands in the headers, no check fails but by refusing.
#[test]
fn no_header_breaks_a_check() {
    let snapshots = [
        json!({ "secrets": ["swordfish"], "secret_header": "Authorization" }),
        json!({ "basic": { "user": "a", "password": "swordfish" } }),
        json!({ "signature": { "scheme": "standard-webhooks", "secrets": ["c3dvcmRmaXNo"] } }),
        json!({ "signature": { "scheme": "hmac-sha256", "secrets": ["swordfish"], "header": "Authorization",
            "encoding": "base64", "prefix": "x=", "signed": "{timestamp}{body}", "timestamp_header": "X-Time" } }),
    ]
    .map(|source| configured(&source));
    let value = proptest::collection::vec(prop_oneof![32..=126_u8, 128..=255_u8], 0..80);
    proptest!(|(value in value)| {
        for snapshot in &snapshots {
            let mut headers = HeaderMap::new();
            for name in ["authorization", "webhook-id", "webhook-timestamp", "webhook-signature", "x-time"] {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_bytes(&value).unwrap());
            }
            let hook = RawHook::posted(headers, Bytes::new());
            prop_assert!(snapshot.sources["s"].adapter.proof().check(&hook, Timestamp::default()).is_err());
        }
    });
}
