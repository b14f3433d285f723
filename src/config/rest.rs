//! `kind: rest`: a tracker or receiver that is described, not programmed.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::address;
use super::desk::Desk;
use super::fields::{Fields, one_of, text};
use super::findings::Place;
use super::node::{Node, Tree};
use super::rest_answers;
use super::rest_call::{self, Scope};
use super::secrets::State;
use crate::destination::rest::{ACTIONS, Body, Call, Cut, Envelope, Rest, Sign, TicketUrl};
use crate::domain::delivery::Action;
use crate::domain::render::Flavor;

const TITLE_LEAST: u32 = 20;
const BODY_LEAST: u32 = 100;
const CUT_MOST: u32 = 1_000_000;

/// The requests of a description as they are written.
struct Nodes<'n> {
    actions: Vec<(Action, &'n Node)>,
    find: Option<&'n Node>,
}

impl<'n> Nodes<'n> {
    fn take(fields: &mut Fields<'n>) -> Self {
        let all = [
            (Action::Create, fields.take("create")),
            (Action::Request, fields.take("request")),
            (Action::Comment, fields.take("comment")),
            (Action::Transition, fields.take("transition")),
            (Action::Update, fields.take("update")),
        ];
        let actions = all.into_iter().filter_map(|(action, node)| Some((action, node?))).collect();
        Self { actions, find: fields.take("find") }
    }

    fn of(&self, action: Action) -> Option<&'n Node> {
        self.actions.iter().find(|(one, _)| *one == action).map(|(_, node)| *node)
    }

    /// The names under which requests remember something.
    fn remembered(&self) -> BTreeSet<String> {
        let beginnings = ACTIONS[..2].iter().filter_map(|action| self.of(*action)).chain(self.find);
        let mut names = BTreeSet::new();
        for entry in beginnings.filter_map(|node| entry(node, "remember")) {
            if let Tree::Map(entries) = &entry.tree {
                names.extend(entries.iter().map(|entry| entry.key.clone()));
            }
        }
        names
    }
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.tree {
        Tree::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
        _ => None,
    }
}

/// Reads the keys of the destination. `None` when it is broken; the reasons are reported.
pub fn read(fields: &mut Fields<'_>, desk: &mut Desk<'_>) -> Option<Rest> {
    let mut hidden = Vec::new();
    let url = fields.require("url", &mut desk.findings).and_then(|node| {
        let text = desk.filled(node, "'url'")?;
        let url = desk.judge_address(&text, node.at, "'url'")?;
        let webhook = address::is_webhook(&url);
        if text.state == State::Written && webhook {
            desk.guard(&text, node.at, "'url'");
        }
        if text.state == State::Resolved || webhook {
            desk.resolver.values.add_address(&text.value);
            hidden.push(SecretString::from(text.value));
        }
        if text.state != State::Left {
            address::point_out(&url, node.at, &mut desk.findings);
        }
        Some(url)
    });
    let auth = fields.take("auth").map(|node| auth(node, &mut hidden, desk));
    let flavor = match fields.take("text") {
        None => Some(Flavor::default()),
        Some(node) => text(node, "'text'", &mut desk.findings)
            .and_then(|word| one_of(word, "markup", &Flavor::WORDS, node.at, &mut desk.findings)),
    };
    let cut = fields.take("cut").map_or(Some(Cut::USUAL), |node| cut(node, desk));
    let sign = fields.take("sign").map(|node| sign(node, desk));
    let envelope = match fields.take("envelope") {
        None => Some(Envelope::None),
        Some(node) => text(node, "'envelope'", &mut desk.findings).and_then(|word| {
            one_of(word, "envelope", &[("cloudevents", Envelope::CloudEvents)], node.at, &mut desk.findings)
        }),
    };
    let ticket = fields.take("ticket_url").map(|node| ticket_url(node, desk));
    let answers = rest_answers::read(fields, None, desk);
    let headers = fields.take("headers");
    let nodes = Nodes::take(fields);
    let remembered = nodes.remembered();
    let scope = |word, thread: bool| Scope { word, thread: thread.then_some(&remembered), answers: answers.as_ref() };
    let headers = headers.map_or(Some(Vec::new()), |node| rest_call::headers(node, &scope("headers", false), desk));
    let mut calls = Vec::new();
    for (action, node) in &nodes.actions {
        let call = rest_call::read(node, &scope(action.word(), action.needs_thread()), desk);
        calls.extend(call.map(|call| (*action, call)));
    }
    let whole = calls.len() == nodes.actions.len();
    let find = nodes.find.map(|node| rest_call::read(node, &scope("find", false), desk));
    judge(&nodes, fields.place(), &calls, desk);
    if envelope == Some(Envelope::CloudEvents) {
        judge_envelope(&nodes, &calls, desk);
    }
    let actions = calls.iter().map(|(action, _)| *action).collect();
    Some(Rest {
        url: url?,
        headers: headers?,
        auth: optional(auth)?,
        flavor: flavor?,
        cut: cut?,
        calls: whole.then_some(calls)?,
        find: optional(find)?,
        sign: optional(sign)?,
        envelope: envelope?,
        ticket: optional(ticket)?,
        hidden,
        actions,
    })
}

/// What is not written is nothing; what is broken breaks the whole.
fn optional<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

/// What the requests are together.
fn judge(nodes: &Nodes<'_>, at: Place, calls: &[(Action, Call)], desk: &mut Desk<'_>) {
    let findings = &mut desk.findings;
    let (create, request) = (nodes.of(Action::Create), nodes.of(Action::Request));
    if create.is_none() && request.is_none() {
        let help = "a tracker needs 'create', any other receiver 'request': request: { send: POST /path, json: {…} }";
        findings.error_help(at, "this destination describes neither 'create' nor 'request'", help);
        return;
    }
    let call = |action| calls.iter().find(|(one, _)| *one == action).map(|(_, call)| call);
    if let (Some(node), Some(create)) = (create, call(Action::Create))
        && create.remember.key().is_none()
    {
        let help = "say where the answer has it: remember: { key: /number, url: /html_url }";
        findings.error_help(node.at, "'create' remembers no key, so its issue would never be found again", help);
    }
    let begun = [Action::Create, Action::Request]
        .into_iter()
        .any(|one| call(one).is_some_and(|call| call.remember.key().is_some()));
    for (action, node) in nodes.actions.iter().filter(|(action, _)| action.needs_thread()) {
        if create.is_none() && !begun && calls.iter().any(|(one, _)| *one == Action::Request) {
            let help = "add remember: { key: /… } to 'request', or describe 'create'";
            findings.error_help(node.at, format!("nothing is remembered that '{action}' could act on"), help);
        }
    }
    match (nodes.find, create) {
        (Some(find), None) => {
            let help = "'find' looks for what 'create' may have made although its answer was lost";
            findings.error_help(find.at, "'find' goes with 'create', which is not described", help);
        }
        (Some(find), Some(_)) => {
            let found = |name: &str| entry(find, "remember").is_some_and(|node| entry(node, name).is_some());
            let made = call(Action::Create).map(|create| create.remember.0.as_slice()).unwrap_or_default();
            for (name, _) in made.iter().filter(|(name, _)| !["key", "url"].contains(&name.as_str()) && !found(name)) {
                let help = format!("say where the answer has it: {name}: /…");
                findings.error_help(find.at, format!("'create' remembers '{name}', and 'find' does not"), help);
            }
            if !found("key") {
                let help = "say where the answer has it: remember: { key: /items/0/number }";
                findings.error_help(find.at, "'find' remembers no key, so it would find nothing", help);
            }
        }
        (None, Some(create)) => {
            let help =
                "describe 'find', which looks for it first, by {{delivery.key}} or {{delivery.uuid}} for example";
            let message = "when the answer to 'create' is lost it is sent again, and there may then be two";
            findings.warning(create.at, message, help);
        }
        (None, None) => {}
    }
}

fn judge_envelope(nodes: &Nodes<'_>, calls: &[(Action, Call)], desk: &mut Desk<'_>) {
    for (action, call) in calls {
        let Some(node) = nodes.of(*action).filter(|_| matches!(call.body, Body::Form(_) | Body::JsonPatch(_))) else {
            continue;
        };
        let help = "write the body as 'json': it becomes the data of the CloudEvent";
        desk.findings.error_help(node.at, "a CloudEvent holds JSON, not a form or a patch", help);
    }
}

/// `auth:`: the value of the header `Authorization`.
fn auth(node: &Node, hidden: &mut Vec<SecretString>, desk: &mut Desk<'_>) -> Option<SecretString> {
    let mut fields = Fields::of(node, "'auth'", &mut desk.findings)?;
    let (bearer, basic) = (fields.take("bearer"), fields.take("basic"));
    let place = fields.place();
    fields.finish(&mut desk.findings);
    match (bearer, basic) {
        (Some(node), None) => {
            let token = desk.secret(node, "'bearer'")?;
            let value = format!("Bearer {}", token.value);
            hidden.push(token.value.into());
            Some(value.into())
        }
        (None, Some(node)) => {
            let mut fields = Fields::of(node, "'basic'", &mut desk.findings)?;
            let user = match fields.take("user") {
                None => Some(String::new()),
                Some(node) => desk.text(node, "'user'").map(|text| text.value),
            };
            let password =
                fields.require("password", &mut desk.findings).and_then(|node| desk.secret(node, "'password'"));
            fields.finish(&mut desk.findings);
            let (user, password) = (user?, password?);
            if password.state != State::Left {
                desk.resolver.values.add_basic(&user, &password.value);
            }
            let value = format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.value)));
            hidden.push(password.value.into());
            Some(value.into())
        }
        _ => {
            let help = "write bearer: \"${TOKEN}\", or basic: { user: …, password: \"${PASSWORD}\" }";
            desk.findings.error_help(place, "'auth' is either 'bearer' or 'basic'", help);
            None
        }
    }
}

/// `ticket_url:`: what the address of a ticket for people looks like.
fn ticket_url(node: &Node, desk: &mut Desk<'_>) -> Option<TicketUrl> {
    let written = text(node, "'ticket_url'", &mut desk.findings)?;
    let ticket = TicketUrl::parse(written.trim());
    if ticket.is_none() {
        let help = "write it with the key's place: https://github.com/acme/pay/issues/{{thread.key}}";
        desk.findings.error_help(node.at, "'ticket_url' is no address of a ticket", help);
    }
    ticket
}

/// `cut:`: how much of a message the receiver takes.
fn cut(node: &Node, desk: &mut Desk<'_>) -> Option<Cut> {
    let mut fields = Fields::of(node, "'cut'", &mut desk.findings)?;
    let mut units = |key: &'static str, what: &str, least: u32, usual: usize| {
        let Some(node) = fields.take(key) else { return Some(usual) };
        let count = desk.count(node, what, CUT_MOST)?.get();
        if count < least {
            desk.findings.error(node.at, format!("{what} must be at least {least}"));
            return None;
        }
        usize::try_from(count).ok()
    };
    let title = units("title", "'title' of 'cut'", TITLE_LEAST, Cut::USUAL.title);
    let body = units("body", "'body' of 'cut'", BODY_LEAST, Cut::USUAL.body);
    fields.finish(&mut desk.findings);
    Some(Cut { title: title?, body: body? })
}

/// `sign:`.
fn sign(node: &Node, desk: &mut Desk<'_>) -> Option<Sign> {
    let mut fields = Fields::of(node, "'sign'", &mut desk.findings)?;
    let scheme = fields.require("scheme", &mut desk.findings).and_then(|node| {
        let word = text(node, "'scheme'", &mut desk.findings)?;
        one_of(word, "scheme", &[("standard-webhooks", ())], node.at, &mut desk.findings)
    });
    let node = fields.require("secret", &mut desk.findings);
    fields.finish(&mut desk.findings);
    let node = node?;
    let secrets: Option<Vec<SecretString>> = match &node.tree {
        Tree::List(_) => match desk.secrets(node, "'secret'") {
            Err(right) if right.is_empty() => None,
            Ok(right) | Err(right) => Some(right),
        },
        _ => desk.secret(node, "'secret'").map(|text| vec![text.value.into()]),
    };
    scheme?;
    let secrets = secrets?;
    if secrets.is_empty() {
        desk.findings.error(node.at, "'secret' has no secret to sign with");
        return None;
    }
    let known = secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.contains("${"));
    let sign = Sign::new(known);
    if sign.is_none() {
        let help = "the receiver shows it as whsec_ and base 64; or make one: openssl rand -base64 32";
        desk.findings.error_help(node.at, "'secret' is no secret of Standard Webhooks", help);
    }
    sign
}
