//! What is worth knowing about an address.

use std::net::IpAddr;

use url::{Host, Url};

use super::findings::{Findings, Place};
use crate::domain::rule::Kind;

/// Whether the address is this machine or a private network.
pub fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_near_ip(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_near_ip(ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)),
        Some(Host::Domain(host)) => {
            let host = host.trim_end_matches('.');
            host == "localhost" || [".localhost", ".local", ".internal"].iter().any(|end| host.ends_with(end))
        }
        None => false,
    }
}

fn is_near_ip(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Points out a plain-http or a private address. Both are allowed.
pub fn point_out(url: &Url, at: Place, findings: &mut Findings) {
    let near = is_near(url);
    let message = match (url.scheme(), near) {
        ("http", true) => "this address is plain http and private or on this machine",
        ("http", false) => "this address is plain http: whoever is on the way can read messages and credentials",
        (_, true) => "this address is private or on this machine",
        _ => return,
    };
    findings.warning(
        at,
        message,
        if near { "fine if that is what you mean" } else { "write https:// if the other side can" },
    );
}

/// Whether whoever knows the address can post there: webhooks of the known chats.
pub fn is_webhook(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is = |end: &str| host == end || host.ends_with(&format!(".{end}"));
    let path = url.path();
    let mattermost = path.split_once("/hooks/").is_some_and(|(_, key)| key.len() >= 20);
    mattermost
        || (["discord.com", "discordapp.com"].iter().any(|host| is(host)) && path.contains("/webhooks/"))
        || (is("chat.googleapis.com") && url.query().is_some_and(|query| query.contains("token=")))
        || (is("api.telegram.org") && path.starts_with("/bot"))
        || is("hooks.slack.com")
}

/// Points out webhook addresses that their vendors no longer serve, or that have lost a part.
pub fn judge_webhook(url: &Url, kind: Kind, at: Place, findings: &mut Findings) {
    let host = url.host_str().unwrap_or_default();
    let is = |end: &str| host == end || host.ends_with(&format!(".{end}"));
    match kind {
        Kind::Teams if is("webhook.office.com") || is("outlook.office.com") => {
            let help = "in Teams, add the workflow 'Send webhook alerts to a channel' and use its address";
            findings.warning(at, "Microsoft switched off Office 365 connectors in May 2026", help);
        }
        Kind::Teams if is("logic.azure.com") => {
            let help = "open the workflow in Power Automate and copy its new address";
            findings.warning(at, "Microsoft switched off addresses on logic.azure.com in November 2025", help);
        }
        Kind::Teams if is("api.powerplatform.com") && !url.query().is_some_and(|query| query.contains("sig=")) => {
            let help = "copy the whole address, with everything after '?', and keep it in quotes";
            findings.warning(at, "the signature ('sig=…') of this address is missing", help);
        }
        Kind::Slack if is("slack.com") && !url.path().starts_with("/services/") => {
            let help = "an incoming webhook is https://hooks.slack.com/services/T…/B…/…";
            findings.warning(at, "this is no address of a Slack incoming webhook", help);
        }
        _ => {}
    }
}
