//! `kind: uipath`: Test Manager, and what it is answered.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::kpis::{self, Asked};
use super::proof::{self, SECRET_HEADER, Usual, Way};
use super::{Pledge, Read};
use crate::config::desk::Desk;
use crate::config::destinations::{limit, proxy};
use crate::config::exchanges::{CreateDefect, Late};
use crate::config::fields::{Fields, entries, items, right, text};
use crate::config::findings::Place;
use crate::config::nearest::did_you_mean;
use crate::config::node::{Node, Tree as Written};
use crate::config::rest_call::{self, exact};
use crate::config::secrets::State;
use crate::config::{ApiSpec, Exchanges, RateLimit, address};
use crate::domain::Name;
use crate::domain::render::{Line, Tree};
use crate::source::uipath::{Api, CLOUD_SCOPE, TestManager, token_url_of};

/// How Test Manager proves itself. UiPath publishes no way: a header is the likeliest.
const USUAL: Usual = Usual {
    way: Way::Token(SECRET_HEADER),
    help: "let Test Manager's connection send a secret and name it here: secrets: [\"${UIPATH_SECRET}\"]",
};

/// How many requests to the API a second: an enrichment makes five or six.
const ASKS_A_SECOND: u32 = 20;

/// The time for one request to the API: somebody is waiting.
const API_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a sender is kept waiting for its issue.
const WAIT: Duration = Duration::from_secs(10);
const WAIT_LEAST: Duration = Duration::from_secs(1);
const WAIT_MOST: Duration = Duration::from_secs(60);

/// What is known of the issue that answers a request.
const ISSUE: [&str; 6] = ["key", "url", "title", "status", "priority", "destination"];

/// What Create Defect is answered unless the configuration says otherwise: the names that
/// were seen in use, since UiPath publishes none.
const RESPONSE: [(&str, &str); 8] = [
    ("id", "{{issue.key}}"),
    ("key", "{{issue.key}}"),
    ("name", "{{issue.title}}"),
    ("status", "{{issue.status}}"),
    ("priority", "{{issue.priority}}"),
    ("externalReference", "{{issue.key}}"),
    ("externalLink", "{{issue.url}}"),
    ("url", "{{issue.url}}"),
];

/// Reads a source of kind `uipath`. The names in it that can be looked up only when
/// destinations and rules are read are added to `pledges`.
pub(super) fn read(
    name: &str,
    fields: &mut Fields<'_>,
    at: Place,
    pledges: &mut Vec<Pledge>,
    desk: &mut Desk<'_>,
) -> Option<Read> {
    let proof = proof::read(name, fields, at, &USUAL, desk);
    let projects = fields.take("projects").map(|node| projects(node, desk)).unwrap_or_default();
    let api = fields.take("api").map(|node| api(node, desk));
    let create_defect = fields.take("create_defect").and_then(|node| create_defect(node, pledges, desk));
    let defect_kpis = fields
        .take("defect_kpis")
        .and_then(|node| kpis::read(node, &Asked { source: name, projects: &projects }, pledges, desk));
    let (api, asked) = right(api)?.unzip();
    let source = TestManager { name: name.to_owned(), proof: proof?, projects, api };
    Some(Read { adapter: Arc::new(source), api: asked, exchanges: Exchanges { create_defect, defect_kpis } })
}

/// How fast the API is asked: UiPath publishes no limit, so gently.
fn usual_limit() -> RateLimit {
    let number = NonZeroU32::new(ASKS_A_SECOND).unwrap_or(NonZeroU32::MIN);
    RateLimit { sends: number, per: Duration::from_secs(1), burst: number }
}

/// `projects: { id: CODE }`.
fn projects(node: &Node, desk: &mut Desk<'_>) -> BTreeMap<String, String> {
    let mut projects = BTreeMap::new();
    for entry in entries(node, "'projects'", &mut desk.findings) {
        let is_id = !entry.key.is_empty()
            && entry.key.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
            && entry.key.len() == "3dae45a4-6fc3-4a10-8c1e-0b49c244dbb8".len();
        if !is_id {
            let help = "write the project's id in Test Manager before the colon and its code after it, as in  \
                        3dae45a4-6fc3-4a10-8c1e-0b49c244dbb8: SHOP";
            desk.findings.error_help(entry.key_at, format!("'{}' is no id of a project", entry.key), help);
            continue;
        }
        let Some(code) = desk.filled(&entry.value, "the code of a project") else { continue };
        projects.insert(entry.key.to_ascii_lowercase(), code.value.trim().to_owned());
    }
    projects
}

/// `api:`: where it is, and how it is asked.
fn api(node: &Node, desk: &mut Desk<'_>) -> Option<(Api, ApiSpec)> {
    let mut fields = Fields::of(node, "'api'", &mut desk.findings)?;
    let url = fields.require("url", &mut desk.findings).and_then(|node| {
        let text = desk.filled(node, "'url'")?;
        let left = text.state == State::Left;
        let url = desk.judge_address(&text, node.at, "'url'")?;
        address::point_out(&url, node.at, &mut desk.findings);
        Some((url, left))
    });
    let given = fields.take("token_url");
    let token_url = match (given, &url) {
        (Some(node), _) => {
            let url = desk.address(node, "'token_url'");
            if let Some(url) = &url {
                address::point_out(url, node.at, &mut desk.findings);
            }
            url
        }
        (None, Some((url, true))) => Some(url.clone()),
        (None, Some((url, false))) => {
            let found = token_url_of(url);
            if found.is_none() {
                let help = "add  token_url: https://…/connect/token ; only for an address that ends in \
                            /organisation/tenant/testmanager_ is it known without";
                desk.findings.error_help(fields.place(), "'token_url' is missing: 'url' does not tell it", help);
            }
            found
        }
        (None, None) => None,
    };
    let client_id = fields.require("client_id", &mut desk.findings).and_then(|node| desk.filled(node, "'client_id'"));
    let secret =
        fields.require("client_secret", &mut desk.findings).and_then(|node| desk.secret(node, "'client_secret'"));
    let scope = match fields.take("scope") {
        Some(node) => scope(node, desk),
        None => Some(CLOUD_SCOPE.to_owned()),
    };
    let limit = match fields.take("limit") {
        Some(node) => limit(node, desk),
        None => Some(usual_limit()),
    };
    let proxy = fields.take("proxy").and_then(|node| proxy(node, desk));
    fields.finish(&mut desk.findings);
    let api = Api {
        url: url?.0,
        token_url: token_url?,
        client_id: client_id?.value,
        client_secret: secret?.value.into(),
        scope: scope?,
    };
    Some((api, ApiSpec { limit, timeout: API_TIMEOUT, proxy }))
}

/// `scope`: a list, or one text with blanks between.
fn scope(node: &Node, desk: &mut Desk<'_>) -> Option<String> {
    if let Written::List(_) = node.tree {
        let words = items(node, "'scope'", &mut desk.findings);
        let words: Option<Vec<String>> =
            words.iter().map(|word| desk.filled(word, "an entry of 'scope'").map(|text| text.value)).collect();
        return words.map(|words| words.join(" "));
    }
    desk.filled(node, "'scope'").map(|text| text.value)
}

fn create_defect(node: &Node, pledges: &mut Vec<Pledge>, desk: &mut Desk<'_>) -> Option<CreateDefect> {
    let mut fields = Fields::of(node, "'create_defect'", &mut desk.findings)?;
    let rule = fields.require("rule", &mut desk.findings).and_then(|node| {
        let rule = Name::from(text(node, "'rule'", &mut desk.findings)?);
        pledges.push(Pledge::Creates { rule: rule.clone(), at: node.at });
        Some(rule)
    });
    let wait = fields.take("wait").map_or(Some(WAIT), |node| desk.duration(node, "'wait'", WAIT_LEAST, WAIT_MOST));
    let late = fields.take("late").map_or(Some(Late::Accepted), |node| late(node, desk));
    let response = match fields.take("response") {
        Some(node) => rest_call::tree(node, &response_line, desk),
        None => usual_response(),
    };
    fields.finish(&mut desk.findings);
    Some(CreateDefect { rule: rule?, wait: wait?, late: late?, response: response? })
}

fn late(node: &Node, desk: &mut Desk<'_>) -> Option<Late> {
    let written = match &node.tree {
        Written::Scalar(_, written) => written.as_str(),
        _ => "",
    };
    match written {
        "202" => Some(Late::Accepted),
        "504" => Some(Late::TimedOut),
        _ => {
            let help = "202 says that the issue is being created, 504 that the answer took too long; it is created \
                        all the same";
            desk.findings.error_help(node.at, format!("'late' is 202 or 504, but this is {}", node.kind()), help);
            None
        }
    }
}

fn usual_response() -> Option<Tree> {
    let entry = |(key, text): (&str, &str)| {
        if !text.contains("{{") {
            return Some((key.to_owned(), Tree::Fixed(text.into())));
        }
        let line = Line::compile(text).ok()?;
        Some((key.to_owned(), Tree::Line(Box::new(line))))
    };
    RESPONSE.into_iter().map(entry).collect::<Option<Vec<_>>>().map(Tree::Map)
}

/// A text of `response` that is a template: it names facts and what is known of the issue.
fn response_line(written: &str, node: &Node, desk: &mut Desk<'_>) -> Option<Line> {
    let line = rest_call::template(written, node, desk)?;
    let mut sound = true;
    for name in line.names() {
        let words = desk.findings.words();
        let known = || words.names().chain(["issue"]);
        if !known().any(|known| known == name) {
            let message = format!("unknown name '{name}'{}", did_you_mean(&name, known()));
            let help = "the answer names facts (relaybell facts) and the issue: {{issue.key}}, {{issue.url}}";
            desk.findings.error_help(exact(&name, node, desk), message, help);
            sound = false;
        }
    }
    for path in line.reads().iter().filter(|path| path[0] == "issue") {
        let step = path.get(1).map(String::as_str);
        if step.is_some_and(|step| ISSUE.contains(&step)) {
            continue;
        }
        let near = step.map(|step| did_you_mean(step, ISSUE)).unwrap_or_default();
        let message = match step {
            Some(step) => format!("an issue has no '{step}'{near}"),
            None => "'issue' is a map".to_owned(),
        };
        let help = format!("it has: {}", ISSUE.join(", "));
        desk.findings.error_help(exact(&path.join("."), node, desk), message, help);
        sound = false;
    }
    sound.then_some(line)
}
