//! `relaybell.yaml`.

use serde_json::{Value, json};

use super::parts::{Key, duration, key, list, map, must, named, text, text_or};
use super::{rest, sources};
use crate::domain::rule::Kind;

pub(super) fn schema() -> Value {
    let mut schema = map(
        "What comes in, where it goes, and where it is kept. ${NAME}, ${NAME:-default} and ${file:PATH} stand for \
         what is not to be written here.",
        vec![
            key("server", server()),
            key("storage", storage()),
            key("rules", text_or("The folder of rules, relative to this file.", "rules")),
            key("templates", text_or("The folder of templates, relative to this file.", "templates")),
            key(
                "sources",
                named("Who sends webhooks. The name is part of the address: POST /hooks/NAME.", &sources::schema()),
            ),
            key("destinations", named("Where messages go. Rules name them: to: NAME.", &destination())),
            key("people", people()),
        ],
    );
    schema["$defs"] = sources::definitions();
    schema
}

fn server() -> Value {
    map(
        "Where Relaybell listens.",
        vec![
            key(
                "listen",
                text_or(
                    "IP address and port; 0.0.0.0:8480 for all networks. Takes effect at the next start.",
                    "127.0.0.1:8480",
                ),
            ),
            key("public_url", text("The address that senders and people use.")),
            key(
                "admin_tokens",
                list(
                    "Who may use the admin API. Without tokens it answers on this machine only.",
                    &json!({ "type": "string", "description": "At least 16 characters, by reference: ${NAME}." }),
                ),
            ),
        ],
    )
}

fn storage() -> Value {
    map(
        "Where events and deliveries are kept.",
        vec![
            key("url", text_or("sqlite: and a file. Takes effect at the next start.", "sqlite:relaybell.db")),
            key(
                "keep",
                duration("How long finished events and deliveries are kept. Open work is never removed.", "30d"),
            ),
        ],
    )
}

fn destination() -> Value {
    json!({
        "description": "One receiver of messages.",
        "type": "object",
        "required": ["kind"],
        "oneOf": Kind::WORDS.map(|(word, kind)| of_kind(word, kind)),
    })
}

fn of_kind(word: &str, kind: Kind) -> Value {
    let mut keys = vec![must("kind", json!({ "const": word, "description": about(kind) }))];
    keys.extend(own_keys(kind));
    keys.extend([
        key("limit", limit()),
        key("concurrency", whole("Attempts at the same time.", 256)),
        key("timeout", duration("For one request, up to 5 minutes.", if kind == Kind::Slack { "15s" } else { "30s" })),
        key("retry", retry(if matches!(kind, Kind::Jira | Kind::Rest) { "72h" } else { "24h" })),
        key("proxy", text("http://, https://, socks5:// or socks5h://. Variables such as HTTPS_PROXY are ignored.")),
    ]);
    let mut schema = map(about(kind), keys);
    if kind == Kind::Rest {
        schema["anyOf"] = json!([{ "required": ["create"] }, { "required": ["request"] }]);
    }
    if kind == Kind::Slack {
        schema["oneOf"] = json!([{ "required": ["webhook_url"] }, { "required": ["token", "channel"] }]);
    }
    schema
}

fn about(kind: Kind) -> &'static str {
    match kind {
        Kind::Slack => "A Slack channel: 'webhook_url' alone, or 'token' and 'channel'.",
        Kind::Teams => "A Teams channel, by the workflow 'Send webhook alerts to a channel'.",
        Kind::Jira => "A Jira project, Cloud (api: 3) or Data Center (api: 2).",
        Kind::Rest => "Any tracker or receiver with a REST interface, described: 'create' or 'request'.",
    }
}

fn own_keys(kind: Kind) -> Vec<Key> {
    let address = |about| text(about);
    match kind {
        Kind::Slack => vec![
            key("webhook_url", address("The secret address of an incoming webhook, by reference: ${NAME}.")),
            key("token", text("A bot token (xoxb-…), by reference: ${NAME}.")),
            key("channel", text("\"#name\" in quotes, or the channel's id (C…).")),
            key("api_url", text_or("The address of Slack's API.", "https://slack.com/api")),
        ],
        Kind::Teams => vec![must("webhook_url", address("The secret address of the workflow, by reference: ${NAME}."))],
        Kind::Jira => vec![
            must("url", address("The site, https://acme.atlassian.net.")),
            key(
                "api",
                json!({ "enum": [3, 2, "3", "2"], "description": "3 for Cloud, 2 for Data Center.", "default": 3 }),
            ),
            key(
                "email",
                text("The account of the token (Cloud). Without it the token is a bearer token (Data Center)."),
            ),
            must("token", text("An API token or a personal access token, by reference: ${NAME}.")),
            must("project", text("The project's key, PAY of PAY-17.")),
            key("issue_type", text_or("The type of new issues.", "Bug")),
        ],
        Kind::Rest => rest::keys(),
    }
}

fn whole(about: &str, most: u32) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": most, "description": about })
}

fn limit() -> Value {
    limit_as("How fast messages go there. The default fits the vendor.")
}

pub(super) fn limit_of(about: &str, usual: &str) -> Value {
    let mut limit = limit_as(about);
    limit["default"] = usual.into();
    limit
}

fn limit_as(about: &str) -> Value {
    let pace = json!({
        "type": "string",
        "pattern": r"^(none|\s*[0-9]+\s*/\s*(s|min|m|h)\s*)$",
        "description": "5/s, 60/min, 100/h, or none.",
    });
    let rate = json!({ "type": "string", "pattern": r"^\s*[0-9]+\s*/\s*(s|min|m|h)\s*$", "description": "5/s, 60/min, 100/h." });
    let parts = map(
        "A pace with bursts.",
        vec![must("rate", rate), key("burst", whole("How many may go at once after a pause.", 1000))],
    );
    json!({ "description": about, "anyOf": [pace, parts] })
}

fn retry(give_up: &str) -> Value {
    map(
        "How patiently a failed message is tried again.",
        vec![
            key("first", duration("The wait after the first failure; it doubles with each.", "1s")),
            key("max", duration("The longest wait.", "10m")),
            key("give_up_after", duration("How long after its event a message is given up.", give_up)),
        ],
    )
}

fn people() -> Value {
    let id = |about: &str| text(about);
    let person = map(
        "How each vendor knows them.",
        vec![
            key("slack", id("A member id (U…) or a user group id (S…).")),
            key("teams", id("The sign-in name (ann@acme.example) or the Entra object id.")),
            key("jira", id("The account id (Cloud) or the user name (Data Center).")),
            key(
                "qase",
                json!({
                    "type": ["integer", "string"],
                    "description": "The id of the team member in Qase, by which events name them. Not of a group.",
                }),
            ),
            key("email", id("The e-mail address by which events name them. Not of a group.")),
            key(
                "members",
                json!({
                    "type": "array", "minItems": 1, "maxItems": 20, "items": { "type": "string" },
                    "description": "Makes it a group of these people.",
                }),
            ),
        ],
    );
    json!({
        "type": ["object", "null"],
        "description": "Whom rules mention: mention: [\"@NAME\"].",
        "propertyNames": { "pattern": r"^@*[^@\s][^\s]*$", "not": { "enum": ["here", "channel", "everyone"] } },
        "additionalProperties": person,
    })
}
