//! `destinations:`: where messages go, and how gently.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use url::Url;

use super::address;
use super::desk::Desk;
use super::fields::{Fields, one_of, text};
use super::findings::Place;
use super::node::{Node, Tree};
use super::secrets::State;
use super::{DestinationSpec, RateLimit, rest, values};
use crate::destination::Destination;
use crate::destination::jira::{Api, Jira};
use crate::destination::slack::Slack;
use crate::destination::teams::Teams;
use crate::domain::Name;
use crate::domain::delivery::{Action, RetryPolicy};
use crate::domain::rule::Kind;

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUT_MOST: Duration = Duration::from_secs(300);
const RETRY_LEAST: Duration = Duration::from_millis(100);
const RETRY_MOST: Duration = Duration::from_secs(24 * 3600);
const GIVE_UP_LEAST: Duration = Duration::from_secs(60);
const GIVE_UP_MOST: Duration = Duration::from_secs(90 * 24 * 3600);
const CONCURRENCY_MOST: u32 = 256;
const BURST_MOST: u32 = 1000;

/// What fits a vendor when nothing is configured.
struct Defaults {
    limit: RateLimit,
    concurrency: u32,
    timeout: Duration,
    retry: RetryPolicy,
}

/// Slack: one message a second and channel. Teams: well below its 60 in 30 seconds.
/// Jira: far below its 100 a second, since people read the issues. Others: below the 80
/// writes a minute of GitHub, the slowest of the known ones.
fn defaults(kind: Kind, adapter: Option<&dyn Destination>) -> Defaults {
    let is_tracker = adapter.is_none_or(|adapter| adapter.actions().contains(&Action::Create));
    let (sends, burst, concurrency, timeout, retry) = match kind {
        Kind::Slack => (1, 1, 1, 15, RetryPolicy::CHAT),
        Kind::Teams => (1, 1, 1, 30, RetryPolicy::CHAT),
        Kind::Jira => (5, 5, 4, 30, RetryPolicy::TRACKER),
        Kind::Rest if is_tracker => (1, 5, 2, 30, RetryPolicy::TRACKER),
        Kind::Rest => (1, 5, 2, 30, RetryPolicy::CHAT),
    };
    let number = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    let limit = RateLimit { sends: number(sends), per: SECOND, burst: number(burst) };
    Defaults { limit, concurrency, timeout: Duration::from_secs(timeout), retry }
}

/// Reads the destination `name`. `None` when it is broken; the reasons are reported.
pub fn read(name: &Name, node: &Node, desk: &mut Desk<'_>) -> Option<DestinationSpec> {
    let mut fields = Fields::of(node, format!("destination '{name}'"), &mut desk.findings)?;
    let kind_node = fields.require("kind", &mut desk.findings)?;
    let word = text(kind_node, "'kind'", &mut desk.findings)?;
    let kind = one_of(word, "kind of destination", &Kind::WORDS, kind_node.at, &mut desk.findings)?;
    let adapter: Option<Arc<dyn Destination>> = match kind {
        Kind::Slack => slack(&mut fields, desk).map(|slack| Arc::new(slack) as Arc<dyn Destination>),
        Kind::Teams => teams(&mut fields, desk).map(|teams| Arc::new(teams) as Arc<dyn Destination>),
        Kind::Jira => jira(&mut fields, desk).map(|jira| Arc::new(jira) as Arc<dyn Destination>),
        Kind::Rest => rest::read(&mut fields, desk).map(|rest| Arc::new(rest) as Arc<dyn Destination>),
    };
    let usual = defaults(kind, adapter.as_deref());
    let limit = match fields.take("limit") {
        Some(node) => limit(node, desk),
        None => Some(usual.limit),
    };
    let concurrency = fields.take("concurrency").and_then(|node| desk.count(node, "'concurrency'", CONCURRENCY_MOST));
    let timeout = fields.take("timeout").and_then(|node| desk.duration(node, "'timeout'", SECOND, TIMEOUT_MOST));
    let retry = fields.take("retry").map_or(usual.retry, |node| retry(node, usual.retry, desk));
    let proxy = fields.take("proxy").and_then(|node| proxy(node, desk));
    fields.finish(&mut desk.findings);
    let mut hasher = Sha256::new();
    digest(node, desk, &mut hasher);
    let mut fingerprint = [0; 8];
    fingerprint.copy_from_slice(&hasher.finalize()[..8]);
    Some(DestinationSpec {
        name: name.clone(),
        kind,
        adapter: adapter?,
        limit,
        concurrency: concurrency.or(NonZeroU32::new(usual.concurrency)).unwrap_or(NonZeroU32::MIN),
        timeout: timeout.unwrap_or(usual.timeout),
        retry,
        proxy,
        fingerprint: u64::from_be_bytes(fingerprint),
    })
}

fn slack(fields: &mut Fields<'_>, desk: &mut Desk<'_>) -> Option<Slack> {
    let (webhook, token) = (fields.take("webhook_url"), fields.take("token"));
    let (channel, api_url) = (fields.take("channel"), fields.take("api_url"));
    if let Some(node) = webhook {
        for (other, key) in [(token, "token"), (channel, "channel"), (api_url, "api_url")] {
            if let Some(other) = other {
                let help = "either 'webhook_url' alone, or 'token' and 'channel'";
                desk.findings.error_help(other.at, format!("'{key}' does not go with 'webhook_url'"), help);
            }
        }
        let url = webhook_address(node, Kind::Slack, desk)?;
        return Some(Slack::Webhook { url });
    }
    if token.is_none() && channel.is_none() {
        let message = "a Slack destination needs 'webhook_url', or 'token' and 'channel'";
        desk.findings.error(fields.place(), message);
        return None;
    }
    let url = match api_url {
        Some(node) => {
            let url = desk.address(node, "'api_url'");
            if let Some(url) = &url {
                address::point_out(url, node.at, &mut desk.findings);
            }
            url
        }
        None => Url::parse("https://slack.com/api").ok(),
    };
    let token = fields.require("token", &mut desk.findings).and_then(|node| desk.secret(node, "'token'"));
    let channel = fields.require("channel", &mut desk.findings).and_then(|node| {
        let text = desk.filled(node, "'channel'")?;
        let id = text.value.starts_with(['C', 'G', 'D', 'U']) && text.value.len() > 6 && text.value.is_ascii();
        if text.state != State::Left && !id && !text.value.starts_with('#') {
            let help = "write \"#name\" in quotes, or the channel id (C…) from the channel's details";
            desk.findings.error_help(node.at, "'channel' is no Slack channel", help);
            return None;
        }
        Some(text.value)
    });
    Some(Slack::Api { url: url?, token: token?.value.into(), channel: channel? })
}

fn teams(fields: &mut Fields<'_>, desk: &mut Desk<'_>) -> Option<Teams> {
    let node = fields.require("webhook_url", &mut desk.findings)?;
    Some(Teams { url: webhook_address(node, Kind::Teams, desk)? })
}

/// An address that is itself a secret.
fn webhook_address(node: &Node, kind: Kind, desk: &mut Desk<'_>) -> Option<secrecy::SecretString> {
    let text = desk.filled(node, "'webhook_url'")?;
    let url = desk.judge_address(&text, node.at, "'webhook_url'")?;
    if text.state != State::Left {
        desk.resolver.values.add_address(&text.value);
        address::point_out(&url, node.at, &mut desk.findings);
        address::judge_webhook(&url, kind, node.at, &mut desk.findings);
        if text.state == State::Written && !address::is_near(&url) {
            desk.guard(&text, node.at, "'webhook_url'");
        }
    }
    Some(text.value.trim().to_owned().into())
}

fn jira(fields: &mut Fields<'_>, desk: &mut Desk<'_>) -> Option<Jira> {
    let url_node = fields.require("url", &mut desk.findings);
    let url = url_node.and_then(|node| {
        let url = desk.address(node, "'url'")?;
        address::point_out(&url, node.at, &mut desk.findings);
        Some(url)
    });
    let api = match fields.take("api") {
        None => Some(Api::V3),
        Some(node) => {
            let written = match &node.tree {
                Tree::Scalar(_, written) => written.as_str(),
                _ => "",
            };
            one_of(written, "version of Jira's API", &[("3", Api::V3), ("2", Api::V2)], node.at, &mut desk.findings)
        }
    };
    let email = fields.take("email").and_then(|node| desk.filled(node, "'email'"));
    let token = fields.require("token", &mut desk.findings).and_then(|node| desk.secret(node, "'token'"));
    let project = fields.require("project", &mut desk.findings).and_then(|node| project(node, desk));
    let issue_type = match fields.take("issue_type") {
        Some(node) => desk.filled(node, "'issue_type'").map(|text| text.value),
        None => Some("Bug".to_owned()),
    };
    if let (Some(email), Some(token)) = (&email, &token)
        && token.state != State::Left
    {
        desk.resolver.values.add_basic(&email.value, &token.value);
    }
    if let (None, Some(url), Some(node)) = (&email, &url, url_node)
        && url.host_str().is_some_and(|host| host.ends_with(".atlassian.net"))
    {
        let help = "add 'email: …', the address of the account the token belongs to";
        desk.findings.warning(node.at, "Jira Cloud refuses an API token without 'email'", help);
    }
    Some(Jira {
        url: url?,
        api: api?,
        email: email.map(|text| text.value),
        token: token?.value.into(),
        project: project?,
        issue_type: issue_type?,
    })
}

fn project(node: &Node, desk: &mut Desk<'_>) -> Option<String> {
    let text = desk.filled(node, "'project'")?;
    let key = text.value.as_str();
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if text.state != State::Left && !(key.starts_with(|c: char| c.is_ascii_uppercase()) && key.chars().all(fits)) {
        let message = "'project' is no key of a Jira project";
        desk.findings.error_help(node.at, message, "the key is the part before the number of an issue: PAY of PAY-17");
        return None;
    }
    Some(text.value)
}

/// `limit:`; `None` for none, and when it is wrong.
pub fn limit(node: &Node, desk: &mut Desk<'_>) -> Option<RateLimit> {
    if node.text() == Some("none") {
        return None;
    }
    if let Tree::Map(_) = node.tree {
        let mut fields = Fields::of(node, "'limit'", &mut desk.findings)?;
        let limit = fields.require("rate", &mut desk.findings).and_then(|node| rate(node, desk));
        let burst = fields.take("burst").and_then(|node| desk.count(node, "'burst'", BURST_MOST));
        fields.finish(&mut desk.findings);
        return limit.map(|limit| RateLimit { burst: burst.unwrap_or(limit.burst), ..limit });
    }
    rate(node, desk)
}

fn rate(node: &Node, desk: &mut Desk<'_>) -> Option<RateLimit> {
    let text = match &node.tree {
        Tree::Scalar(_, written) => written.as_str(),
        _ => "",
    };
    match values::rate(text) {
        Ok(limit) => Some(limit),
        Err(why) => {
            desk.findings.error_help(node.at, "this is no rate", format!("{why}; or none"));
            None
        }
    }
}

fn retry(node: &Node, usual: RetryPolicy, desk: &mut Desk<'_>) -> RetryPolicy {
    let Some(mut fields) = Fields::of(node, "'retry'", &mut desk.findings) else { return usual };
    let first = fields.take("first").and_then(|node| desk.duration(node, "'first'", RETRY_LEAST, RETRY_MOST));
    let max = fields.take("max").and_then(|node| desk.duration(node, "'max'", RETRY_LEAST, RETRY_MOST));
    let give_up = fields.take("give_up_after");
    let give_up = give_up.and_then(|node| desk.duration(node, "'give_up_after'", GIVE_UP_LEAST, GIVE_UP_MOST));
    let place = fields.place();
    fields.finish(&mut desk.findings);
    let policy = RetryPolicy {
        first: first.unwrap_or(usual.first),
        max: max.unwrap_or_else(|| usual.max.max(first.unwrap_or_default())),
        give_up_after: give_up.unwrap_or(usual.give_up_after),
    };
    out_of_order(&policy, place, desk);
    policy
}

fn out_of_order(policy: &RetryPolicy, at: Place, desk: &mut Desk<'_>) {
    let help = "the waits grow from 'first' to 'max' until 'give_up_after' has passed";
    if policy.first > policy.max {
        desk.findings.error_help(at, "'first' is longer than 'max'", help);
    } else if policy.max > policy.give_up_after {
        desk.findings.error_help(at, "'max' is longer than 'give_up_after'", help);
    }
}

/// `proxy:`; `None` when it is wrong or its reference was left.
pub fn proxy(node: &Node, desk: &mut Desk<'_>) -> Option<String> {
    let text = desk.filled(node, "'proxy'")?;
    if text.state == State::Left {
        return Some(text.value);
    }
    match Url::parse(&text.value) {
        Ok(url) if matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host() => {
            if let Some(password) = url.password() {
                desk.resolver.values.add(password);
                desk.resolver.values.add(&text.value);
            }
            Some(text.value)
        }
        _ => {
            let help = "write http://host:port, https://host:port or socks5://host:port";
            desk.findings.error_help(node.at, "'proxy' is no address of a proxy", help);
            None
        }
    }
}

/// Hashes a definition with its references resolved, whatever the order of its keys.
fn digest(node: &Node, desk: &mut Desk<'_>, hasher: &mut Sha256) {
    let mut part = |tag: u8, text: &str| {
        hasher.update([tag]);
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    match &node.tree {
        Tree::Scalar(_, written) => part(b's', &desk.resolver.quietly(written)),
        Tree::List(items) => {
            part(b'l', &items.len().to_string());
            items.iter().for_each(|item| digest(item, desk, hasher));
        }
        Tree::Map(entries) => {
            part(b'm', &entries.len().to_string());
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            for entry in entries {
                hasher.update(entry.key.as_bytes());
                hasher.update([0]);
                digest(&entry.value, desk, hasher);
            }
        }
    }
}
