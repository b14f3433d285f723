//! `relaybell.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_yaml::Value;

use super::desk::Desk;
use super::fields::{Fields, entries, name, not_yet};
use super::findings::Place;
use super::node::{Node, Tree};
use super::people::read_people;
use super::secrets::State;
use super::vocabulary::Vocabulary;
use super::{DestinationSpec, Server, SourceSpec, Storage, destinations, sources};
use crate::domain::Name;
use crate::domain::people::People;

/// Everything in `relaybell.yaml`.
pub struct Settings {
    /// `server:`.
    pub server: Server,
    /// `storage:`.
    pub storage: Storage,
    /// `rules:`, and where it is set.
    pub rules: (String, Option<Place>),
    /// `templates:`, and where it is set.
    pub templates: (String, Option<Place>),
    /// `sources:`.
    pub sources: BTreeMap<Name, Arc<SourceSpec>>,
    /// The names of all sources, the broken ones too.
    pub source_names: BTreeSet<Name>,
    /// What sources rely on of destinations and rules.
    pub pledges: Vec<sources::Pledge>,
    /// `destinations:`, each with the place of its name. `None`: it is broken, but rules may name it.
    pub destinations: BTreeMap<Name, (Place, Option<Arc<DestinationSpec>>)>,
    /// `people:`.
    pub people: Arc<People>,
}

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8480);
const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);
const KEEP_LEAST: Duration = Duration::from_secs(3600);
const KEEP_MOST: Duration = Duration::from_secs(3650 * 24 * 3600);
const ADMIN_TOKEN_CHARS_MIN: usize = 16;

/// Reads `relaybell.yaml`. `None` when it is no map at all.
pub fn read(node: &Node, desk: &mut Desk<'_>) -> Option<Settings> {
    let mut fields = Fields::of(node, "relaybell.yaml", &mut desk.findings)?;
    let server = server(fields.take("server"), desk);
    let storage = storage(fields.take("storage"), desk);
    let rules = folder(fields.take("rules"), "rules", desk);
    let templates = folder(fields.take("templates"), "templates", desk);
    let sources::Sources { mut sources, names: source_names, pledges } = sources::read(fields.take("sources"), desk);
    let senders = sources.values().filter(|spec| !spec.adapter.is_own());
    let catalogues = senders.map(|spec| spec.adapter.catalogue()).collect();
    desk.findings.hold_against(Arc::new(Vocabulary::of(catalogues)));
    let destinations = all_destinations(fields.take("destinations"), desk);
    sources::read_memories(&pledges, &mut sources, &source_names, &destinations, desk);
    let people = fields.take("people").map(|node| Arc::new(read_people(node, desk))).unwrap_or_default();
    fields.later(&["calendars", "quiet_hours"]);
    fields.finish(&mut desk.findings);
    Some(Settings { server, storage, rules, templates, sources, source_names, pledges, destinations, people })
}

fn server(node: Option<&Node>, desk: &mut Desk<'_>) -> Server {
    let mut server = Server { listen: LISTEN, public_url: None, admin_tokens: Vec::new() };
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "'server'", &mut desk.findings)) else {
        return server;
    };
    if let Some(node) = fields.take("listen") {
        server.listen = listen(node, desk).unwrap_or(LISTEN);
    }
    if let Some(node) = fields.take("public_url") {
        server.public_url = desk.address(node, "'public_url'");
    }
    if let Some(node) = fields.take("admin_tokens") {
        use secrecy::ExposeSecret;
        server.admin_tokens = desk.secrets(node, "'admin_tokens'").unwrap_or_else(|right| right);
        let short = |token: &secrecy::SecretString| {
            let token = token.expose_secret();
            token.chars().count() < ADMIN_TOKEN_CHARS_MIN && !token.contains("${")
        };
        if server.admin_tokens.iter().any(short) {
            let message = format!("an admin token is shorter than {ADMIN_TOKEN_CHARS_MIN} characters");
            desk.findings.warning(
                node.at,
                message,
                "a short token can be guessed; make one with 'openssl rand -hex 24'",
            );
        }
    }
    fields.finish(&mut desk.findings);
    server
}

fn listen(node: &Node, desk: &mut Desk<'_>) -> Option<SocketAddr> {
    let number = matches!(&node.tree, Tree::Scalar(Value::Number(_), _));
    let parsed = if number {
        None
    } else {
        let text = desk.filled(node, "'listen'")?;
        if text.state == State::Left {
            return None;
        }
        text.value.parse().ok()
    };
    if parsed.is_none() {
        let help = "write an IP address and a port: 127.0.0.1:8480, or 0.0.0.0:8480 for all networks";
        desk.findings.error_help(node.at, "'listen' is no address with a port", help);
    }
    parsed
}

fn storage(node: Option<&Node>, desk: &mut Desk<'_>) -> Storage {
    let mut storage = Storage { sqlite: desk.resolver.base.join("relaybell.db"), keep: KEEP };
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "'storage'", &mut desk.findings)) else {
        return storage;
    };
    if let Some(node) = fields.take("url")
        && let Some(text) = desk.filled(node, "'url'")
        && text.state != State::Left
    {
        let help = "write sqlite: and a file, as in sqlite:relaybell.db";
        match text.value.split_once(':') {
            Some(("sqlite", file)) if !file.trim_start_matches("//").is_empty() => {
                storage.sqlite = desk.resolver.base.join(file.strip_prefix("//").unwrap_or(file));
            }
            Some(("postgres" | "postgresql", _)) => {
                if let Some(password) = url::Url::parse(&text.value).ok().as_ref().and_then(url::Url::password) {
                    desk.resolver.values.add(password);
                }
                not_yet("storage in PostgreSQL", node.at, &mut desk.findings);
            }
            _ => desk.findings.error_help(node.at, "'url' of 'storage' names no file", help),
        }
    }
    if let Some(node) = fields.take("keep")
        && let Some(keep) = desk.duration(node, "'keep'", KEEP_LEAST, KEEP_MOST)
    {
        storage.keep = keep;
    }
    fields.finish(&mut desk.findings);
    storage
}

fn folder(node: Option<&Node>, default: &str, desk: &mut Desk<'_>) -> (String, Option<Place>) {
    let what = format!("'{default}'");
    match node.and_then(|node| Some((desk.filled(node, &what)?, node.at))) {
        Some((text, at)) if text.state != State::Left => (text.value, Some(at)),
        _ => (default.to_owned(), None),
    }
}

/// `relaybell.yaml` is the first file that is read.
pub const MAIN_SHEET: usize = 0;

fn all_destinations(node: Option<&Node>, desk: &mut Desk<'_>) -> BTreeMap<Name, (Place, Option<Arc<DestinationSpec>>)> {
    let mut all = BTreeMap::new();
    for entry in node.map_or(&[][..], |node| entries(node, "'destinations'", &mut desk.findings)) {
        let Some(name) = name(&entry.key, "destination", entry.key_at, &mut desk.findings) else { continue };
        let spec = destinations::read(&name, &entry.value, desk).map(Arc::new);
        all.insert(name, (entry.key_at, spec));
    }
    if all.is_empty() && !desk.findings.failed() {
        let help = "add one below 'destinations:', as in  qa-feed: { kind: slack, webhook_url: \"${SLACK_URL}\" }";
        let at = node.map_or(Place::file(MAIN_SHEET), |node| node.at);
        desk.findings.warning(at, "no destination is configured: nothing can go out", help);
    }
    all
}

/// The folder `name` beside `relaybell.yaml`.
pub fn beside(desk: &Desk<'_>, name: &str) -> PathBuf {
    desk.resolver.base.join(name)
}
