//! `sources:`: one schema for each kind, and what all of them ask of their senders.

use serde_json::{Value, json};

use super::mapping;
use super::parts::{DURATION, Key, duration, key, list, map, must, one_of, text, text_or};
use super::settings::limit_of;
use super::uipath;

/// One sender of webhooks.
pub(super) fn schema() -> Value {
    json!({
        "description": "One sender of webhooks.",
        "type": "object",
        "oneOf": [
            kind("qase", "A workspace of Qase.", "X-Qase-Secret", qase()),
            kind("uipath", "UiPath Test Manager.", "X-Relaybell-Secret", uipath::keys()),
            kind("uipath_orchestrator", "A tenant of UiPath Orchestrator.", "X-UiPath-Signature", orchestrator()),
            kind("cloudevents", "Senders of CloudEvents.", "Authorization: Bearer", cloudevents()),
            kind("json", "Any sender of JSON, mapped by expressions.", "X-Relaybell-Secret", mapping::keys()),
            preset(),
        ],
    })
}

/// A source of kind `json` made of a preset.
fn preset() -> Value {
    let about = "A sender that is known: a mapping that is ready, of which each key can be changed.";
    let mut schema = kind("json", about, "what the sender of the preset uses", mapping::keys_of_preset());
    schema["required"] = json!(["preset"]);
    schema
}

/// `$defs`: what senders prove themselves with.
pub(super) fn definitions() -> Value {
    json!({ "basic": basic(), "signature": signature() })
}

/// One kind: its own keys and those of every kind. `proof` is what `secrets` alone means.
fn kind(word: &str, about: &str, proof: &str, own: Vec<Key>) -> Value {
    let mut keys = vec![
        must("kind", json!({ "const": word, "description": about })),
        key(
            "secrets",
            list(
                &format!("What the sender must know, by default for {proof}; several while one is being changed."),
                &json!({ "type": "string", "description": "By reference: ${NAME}." }),
            ),
        ),
        key("secret_header", text("The header in which the sender sends the secret as it is.")),
        key(
            "basic",
            json!({ "$ref": "#/$defs/basic", "description": "The user and the password that the sender sends." }),
        ),
        key("signature", json!({ "$ref": "#/$defs/signature", "description": "How the sender signs." })),
    ];
    keys.push(key("expect_every", expect_every()));
    keys.push(key(
        "never_refuse",
        json!({
            "type": "boolean",
            "description": "Whether a webhook of the right sender that cannot be read is accepted and kept.",
        }),
    ));
    keys.extend(own);
    map(about, keys)
}

fn expect_every() -> Value {
    let every = |about: &str| json!({ "type": "string", "pattern": DURATION, "description": about });
    let about =
        "How soon something is expected again. When nothing comes for longer, the event source.silent is raised.";
    json!({ "description": about, "anyOf": [
        every("From the source, whatever the project: 48h."),
        map("From the source, or about its projects.", vec![
            key("source", every("From the source, whatever the project.")),
            key("projects", json!({
                "type": "object", "description": "About each of these projects.",
                "additionalProperties": every("About this project."),
            })),
        ]),
    ] })
}

fn qase() -> Vec<Key> {
    vec![
        key("app_url", text_or("For links to runs, cases and defects.", "https://app.qase.io")),
        key("api", qase_api()),
    ]
}

fn qase_api() -> Value {
    map(
        "Qase's API, asked about events that say too little.",
        vec![
            must("token", text("An API token, by reference: ${NAME}. Empty: nothing is asked.")),
            key("url", text_or("The address of the API.", "https://api.qase.io/v1")),
            key("limit", limit_of("How fast it is asked.", "120/min")),
            key("proxy", text("http://, https://, socks5:// or socks5h://.")),
        ],
    )
}

fn orchestrator() -> Vec<Key> {
    vec![
        key(
            "app_url",
            text("For links to jobs: https://cloud.uipath.com/acme/Default/orchestrator_. Without it there are none."),
        ),
        key(
            "projects",
            json!({
                "type": ["object", "null"],
                "description": "The projects by the ids of their folders: { 1: PAY }.",
                "additionalProperties": { "type": "string" },
            }),
        ),
    ]
}

fn cloudevents() -> Vec<Key> {
    vec![
        key("strip", text("What is taken from the beginning of a type: com.acme. leaves build.failed.")),
        key(
            "events",
            json!({
                "type": ["object", "null"],
                "description": "The names of types that are called otherwise: { com.acme.BuildBroken: build.failed }.",
                "additionalProperties": { "type": "string" },
            }),
        ),
        key(
            "facts",
            json!({
                "type": ["object", "null"],
                "description": "The extension attributes that rules may name, and their kinds: { team: text }.",
                "additionalProperties": { "enum": ["text", "number", "flag", "time", "duration", "any"] },
            }),
        ),
        key(
            "allowed_origins",
            list(
                "Who may send, as senders name themselves in the handshake. Without it whoever asks may.",
                &json!({ "type": "string", "description": "eventgrid.azure.net, or * for all." }),
            ),
        ),
        key(
            "allowed_rate",
            json!({
                "type": "integer", "minimum": 1, "maximum": 1_000_000,
                "description": "How many webhooks a minute a sender is told that it may send.",
            }),
        ),
    ]
}

/// One secret, or several while one is being changed.
fn secrets(about: &str) -> Value {
    json!({
        "description": format!("{about} By reference: ${{NAME}}; a list while one is being changed."),
        "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "minItems": 1, "items": { "type": "string" } },
        ],
    })
}

fn basic() -> Value {
    map(
        "The user and the password that the sender sends as Authorization: Basic.",
        vec![must("user", text("The user; without ':'.")), must("password", secrets("The password."))],
    )
}

fn signature() -> Value {
    let schemes = ["standard-webhooks", "hmac-sha256", "hmac-sha1", "hmac-sha512", "token"];
    map(
        "How the sender signs.",
        vec![
            must("scheme", one_of("standard-webhooks, an HMAC of the body, or a token in a header.", &schemes)),
            must("secrets", secrets("What it signs with.")),
            key("header", text("The header with the signature: X-Hub-Signature-256.")),
            key(
                "encoding",
                json!({ "enum": ["hex", "base64"], "description": "How it is written.", "default": "hex" }),
            ),
            key("prefix", json!({ "type": "string", "description": "What stands before it: sha256=." })),
            key("signed", text_or("What is signed, of {body}, {timestamp} and {header:NAME}.", "{body}")),
            key("timestamp_header", text("The header with the signed time.")),
            key("tolerance", duration("How far the signed time may be from now, 1s to 1h.", "5m")),
        ],
    )
}
