//! `kind: rest`: a described destination.

use serde_json::{Value, json};

use super::parts::{Key, key, map, must, one_of, text};
use crate::domain::render::Flavor;

/// What a JSON Pointer looks like.
const POINTER: &str = "^/([^~]|~[01])*$";

/// The keys beside those that all destinations have.
pub(super) fn keys() -> Vec<Key> {
    let mut keys = vec![
        must("url", text("Where it is; the path of each request is added. May be a secret, by reference: ${NAME}.")),
        key("auth", auth()),
        key("headers", headers("Headers of every request.")),
        key("text", one_of("The markup that is read there; exact for programs.", &Flavor::WORDS.map(|(word, _)| word))),
        key("cut", cut()),
        key("create", request("Makes a ticket.", Remembers::Yes)),
        key("find", request("Looks for the ticket of an earlier try whose answer was lost.", Remembers::Yes)),
        key("request", request("Anything that is no ticket: an alarm, a message, an event.", Remembers::Yes)),
        key("comment", request("Comments on the ticket.", Remembers::No)),
        key("transition", request("Moves the ticket to {{status}}.", Remembers::No)),
        key("update", request("Writes the ticket anew.", Remembers::No)),
        key(
            "ticket_url",
            text("The address of a ticket for people: https://github.com/acme/pay/issues/{{thread.key}}."),
        ),
        key("sign", sign()),
        key("envelope", one_of("What the body is wrapped in.", &["cloudevents"])),
    ];
    keys.extend(answers());
    keys
}

/// Whether something is kept of a request's answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remembers {
    Yes,
    No,
}

fn request(about: &str, remembers: Remembers) -> Value {
    let send = json!({
        "type": "string",
        "pattern": r"^\s*(GET|POST|PUT|PATCH|DELETE)(\s+[/?].*)?\s*$",
        "description": "The method and the path after 'url': POST /issues, PATCH /issues/{{thread.key}}.",
    });
    let mut keys = vec![
        must("send", send),
        key("json", json!({ "description": "A JSON body; its texts are templates." })),
        key(
            "json_patch",
            json!({ "type": "array", "description": "A list of changes (application/json-patch+json)." }),
        ),
        key("form", json!({ "type": "object", "description": "A form: names and texts." })),
        key("headers", headers("Headers of this request.")),
        key("success", statuses("The statuses that mean success. Default: 200 to 299.")),
    ];
    keys.extend(answers());
    if remembers == Remembers::Yes {
        let remember = json!({
            "type": ["object", "null"],
            "description": "What is kept of the answer, by name: { key: /number, url: /html_url }. {{thread.key}} names it.",
            "propertyNames": { "pattern": "^[A-Za-z0-9_]{1,64}$" },
            "additionalProperties": { "type": "string", "pattern": POINTER },
        });
        keys.push(key("remember", remember));
    }
    map(about, keys)
}

/// How answers are read.
fn answers() -> Vec<Key> {
    let pointer = json!({ "type": "string", "pattern": POINTER });
    let holds = |about: &str, types: &[&str]| {
        json!({
            "type": ["object", "null"],
            "description": about,
            "propertyNames": { "pattern": POINTER },
            "additionalProperties": { "type": types },
        })
    };
    vec![
        key(
            "error",
            json!({
                "description": "Where the receiver's own words about an error are: /message.",
                "anyOf": [pointer, { "type": ["array", "null"], "items": pointer }],
            }),
        ),
        key(
            "ok",
            holds(
                "What a successful answer holds: { /ok: true }. Null: nothing is there.",
                &["string", "number", "boolean", "null"],
            ),
        ),
        key(
            "busy",
            holds(
                "What an answer holds that asks to slow down, whatever its status.",
                &["string", "number", "boolean"],
            ),
        ),
        key("retryable", statuses("Further statuses that may pass later.")),
        key("permanent", statuses("Further statuses that refuse a message for good.")),
    ]
}

fn statuses(about: &str) -> Value {
    let status = json!({ "type": "integer", "minimum": 100, "maximum": 599 });
    json!({ "description": about, "anyOf": [status, { "type": ["array", "null"], "items": status }] })
}

fn headers(about: &str) -> Value {
    json!({ "type": ["object", "null"], "description": about, "additionalProperties": { "type": ["string", "number"] } })
}

fn auth() -> Value {
    let basic = map(
        "Basic authentication.",
        vec![
            key("user", json!({ "type": "string", "description": "The user; may be left out." })),
            must("password", text("The password or token, by reference: ${NAME}.")),
        ],
    );
    let mut auth = map(
        "The credential: either 'bearer' or 'basic'.",
        vec![key("bearer", text("A bearer token, by reference: ${NAME}.")), key("basic", basic)],
    );
    auth["type"] = json!("object");
    auth["oneOf"] = json!([{ "required": ["bearer"] }, { "required": ["basic"] }]);
    auth
}

fn cut() -> Value {
    let count = |about: &str, least: u32, usual: u32| json!({ "type": "integer", "minimum": least, "maximum": 1_000_000, "default": usual, "description": about });
    map(
        "How much of a message is taken, in characters.",
        vec![
            key("title", count("Of the title.", 20, 255)),
            key("body", count("Of the body, markup included.", 100, 30_000)),
        ],
    )
}

fn sign() -> Value {
    let secret = json!({ "type": "string", "minLength": 1 });
    map(
        "Signs every request.",
        vec![
            must("scheme", one_of("How.", &["standard-webhooks"])),
            must(
                "secret",
                json!({
                    "description": "whsec_ and base 64, by reference: ${NAME}. A list while it is being changed.",
                    "anyOf": [secret, { "type": "array", "minItems": 1, "items": secret }],
                }),
            ),
        ],
    )
}
