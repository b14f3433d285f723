//! One request of a described destination: `create`, `comment`, `find` and the like.

use std::collections::BTreeSet;

use http::{HeaderName, Method, Uri};

use super::desk::Desk;
use super::fields::{Fields, entries, one_of, text};
use super::findings::Place;
use super::nearest::{any_of, did_you_mean};
use super::node::{Node, Tree as Written};
use super::rest_answers;
use crate::destination::rest::{Answers, Body, Call, HeaderText, Remembered};
use crate::domain::render::{Line, Tree};

/// What a description can name beside facts.
const OWN: [&str; 7] = ["title", "body", "mentions", "fields", "status", "thread", "delivery"];

/// What is known of a delivery.
const DELIVERY: [&str; 3] = ["key", "id", "uuid"];

/// The longest path, in bytes.
const PATH_BYTES_MAX: usize = 2000;

/// Headers that are not a description's to set.
const FIXED_HEADERS: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "te"];

const METHODS: [(&str, Method); 5] = [
    ("POST", Method::POST),
    ("PUT", Method::PUT),
    ("PATCH", Method::PATCH),
    ("DELETE", Method::DELETE),
    ("GET", Method::GET),
];

/// What a request's texts may name.
pub struct Scope<'a> {
    /// The request: `create`, `find`.
    pub word: &'static str,
    /// What the thread remembers; `None` where there is no thread yet.
    pub thread: Option<&'a BTreeSet<String>>,
    /// How the destination's answers are read; `None`: that is broken.
    pub answers: Option<&'a Answers>,
}

/// Where a text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spot {
    Path,
    Header,
    Body,
}

/// Reads one request. `None` when it is broken; the reasons are reported.
pub fn read(node: &Node, scope: &Scope<'_>, desk: &mut Desk<'_>) -> Option<Call> {
    let word = scope.word;
    let mut fields = Fields::of(node, format!("'{word}'"), &mut desk.findings)?;
    let send = fields.require("send", &mut desk.findings).and_then(|node| send(node, scope, desk));
    let bodies =
        [("json", fields.take("json")), ("json_patch", fields.take("json_patch")), ("form", fields.take("form"))];
    let headers = fields.take("headers").map_or(Some(Vec::new()), |node| headers(node, scope, desk));
    let answers = rest_answers::read(&mut fields, Some(scope.answers.unwrap_or(&Answers::default())), desk);
    let remember = if matches!(word, "create" | "request" | "find") { fields.take("remember") } else { None };
    let remember =
        remember.map_or(Some(Remembered::default()), |node| rest_answers::remember(node, &mut desk.findings));
    let body = body(&bodies, scope, desk);
    fields.finish(&mut desk.findings);
    let (method, path, shown) = send?;
    let body = body?;
    if method == Method::GET && word != "find" {
        let help = "a request that changes something is a POST, PUT, PATCH or DELETE";
        desk.findings.error_help(node.at, format!("a GET only reads, so it cannot '{word}'"), help);
        return None;
    }
    if method == Method::GET && !matches!(body, Body::None) {
        desk.findings.error_help(
            node.at,
            "a GET has no body",
            "put what is looked for into the path: GET /search?q={{delivery.key}}",
        );
        return None;
    }
    let needs_thread = path.reads().iter().any(|path| path[0] == "thread");
    Some(Call { method, path, shown, headers: headers?, body, answers: answers?, remember: remember?, needs_thread })
}

/// `send: POST /path`.
fn send(node: &Node, scope: &Scope<'_>, desk: &mut Desk<'_>) -> Option<(Method, Line, String)> {
    let written = text(node, "'send'", &mut desk.findings)?.trim();
    let (word, path) = written.split_once(char::is_whitespace).unwrap_or((written, ""));
    let path = path.trim();
    let findings = &mut desk.findings;
    let help = "write the method and the path after 'url': send: POST /issues";
    if word.starts_with('/') || word.contains("://") {
        findings.error_help(node.at, "'send' begins with a method", help);
        return None;
    }
    let names = METHODS.each_ref().map(|(name, at)| (*name, at));
    let method = one_of(word, "method", &names, node.at, findings)?.clone();
    if path.contains("${") {
        let help = "put it into 'url', 'auth' or 'headers': a path is shown in 'deliveries show'";
        findings.error_help(node.at, "a secret has no place in a path", help);
        return None;
    }
    if !path.is_empty() && !path.starts_with(['/', '?']) {
        let message = if path.contains("://") { "a path is no whole address" } else { "a path begins with '/'" };
        findings.error_help(node.at, message, format!("{help}; the address itself is 'url'"));
        return None;
    }
    let line = line(path, node, scope, Spot::Path, desk)?;
    let fixed = without_templates(path);
    let sound =
        path.len() <= PATH_BYTES_MAX && !path.contains('#') && format!("http://x{fixed}").parse::<Uri>().is_ok();
    if !sound {
        let help = "blanks and other signs are written encoded: %20 for a blank";
        desk.findings.error_help(node.at, "this path cannot be part of an address", help);
        return None;
    }
    Some((method, line, path.to_owned()))
}

/// `text` with an `x` for every template in it.
fn without_templates(text: &str) -> String {
    let mut fixed = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        fixed.push_str(before);
        fixed.push('x');
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    fixed + rest
}

/// `headers:`.
pub fn headers(node: &Node, scope: &Scope<'_>, desk: &mut Desk<'_>) -> Option<Vec<(HeaderName, HeaderText)>> {
    let mut headers = Some(Vec::new());
    for entry in entries(node, "'headers'", &mut desk.findings) {
        let name = HeaderName::from_bytes(entry.key.as_bytes()).ok();
        let name = name.filter(|name| !FIXED_HEADERS.contains(&name.as_str()));
        if name.is_none() {
            let message = format!("'{}' is no header that can be set", entry.key);
            desk.findings.error_help(
                entry.key_at,
                message,
                "leave it out: HTTP itself takes care of it, or no such header can exist",
            );
        }
        match (name.and_then(|name| header(name, &entry.value, scope, desk)), &mut headers) {
            (Some(header), Some(list)) => list.push(header),
            _ => headers = None,
        }
    }
    headers
}

fn header(name: HeaderName, node: &Node, scope: &Scope<'_>, desk: &mut Desk<'_>) -> Option<(HeaderName, HeaderText)> {
    let what = format!("the header '{name}'");
    let written = match &node.tree {
        Written::Scalar(serde_yaml::Value::Number(_), written) => written.as_str(),
        _ => text(node, &what, &mut desk.findings)?,
    };
    if written.contains("{{") && !apart(written, node, desk)? {
        return Some((name, HeaderText::Line(line(written, node, scope, Spot::Header, desk)?)));
    }
    let text = desk.resolver.resolve(written, node.at, &mut desk.findings)?;
    let secret = ["authorization", "cookie"].contains(&name.as_str())
        || ["token", "key", "secret"].iter().any(|part| name.as_str().ends_with(part));
    if secret {
        desk.guard(&text, node.at, &what);
    }
    if text.value.contains(char::is_control) {
        desk.findings.error(node.at, format!("{what} has a line break or control character in it"));
        return None;
    }
    Some((name, HeaderText::Fixed(text.value.into())))
}

/// Whether `written` has a secret in it and no template; reports both in one text.
fn apart(written: &str, node: &Node, desk: &mut Desk<'_>) -> Option<bool> {
    if !written.contains("${") {
        return Some(false);
    }
    if written.contains("{{") {
        let help = "write the secret and what comes of the event apart, each in a text of its own";
        desk.findings.error_help(node.at, "'${…}' and '{{…}}' do not go together in one text", help);
        return None;
    }
    Some(true)
}

/// The one body that is written.
fn body(bodies: &[(&str, Option<&Node>)], scope: &Scope<'_>, desk: &mut Desk<'_>) -> Option<Body> {
    let mut written = bodies.iter().filter_map(|(key, node)| Some((*key, (*node)?)));
    let Some((key, node)) = written.next() else { return Some(Body::None) };
    if let Some((other, second)) = written.next() {
        desk.findings.error(second.at, format!("a request has one body: either '{key}' or '{other}'"));
        return None;
    }
    let tree = tree(node, &|written, node, desk| line(written, node, scope, Spot::Body, desk), desk)?;
    match (key, tree) {
        ("json", tree) => Some(Body::Json(tree)),
        ("json_patch", tree @ Tree::List(_)) => Some(Body::JsonPatch(tree)),
        ("json_patch", _) => {
            let help = "write one change a line: - { op: add, path: /fields/System.Title, value: \"{{title}}\" }";
            desk.findings.error_help(node.at, "'json_patch' must be a list of changes", help);
            None
        }
        (_, Tree::Map(pairs)) if pairs.iter().all(|(_, value)| !matches!(value, Tree::Map(_))) => {
            Some(Body::Form(pairs))
        }
        _ => {
            desk.findings.error(node.at, "'form' must be a map of names and texts");
            None
        }
    }
}

/// Compiles a text that is a template.
pub type Compile<'c> = dyn Fn(&str, &Node, &mut Desk<'_>) -> Option<Line> + 'c;

/// JSON whose strings may be templates, each compiled by `compile`.
pub fn tree(node: &Node, compile: &Compile<'_>, desk: &mut Desk<'_>) -> Option<Tree> {
    match &node.tree {
        Written::Scalar(serde_yaml::Value::String(written), _) => {
            if apart(written, node, desk)? {
                let text = desk.resolver.resolve(written, node.at, &mut desk.findings)?;
                return Some(Tree::Fixed(text.value.into()));
            }
            if !written.contains("{{") {
                return Some(Tree::Fixed(written.as_str().into()));
            }
            Some(Tree::Line(Box::new(compile(written, node, desk)?)))
        }
        Written::Scalar(value, _) => match serde_json::to_value(value) {
            Ok(value) => Some(Tree::Fixed(value)),
            Err(error) => {
                desk.findings.error(node.at, format!("this cannot be sent as JSON: {error}"));
                None
            }
        },
        Written::List(items) => {
            let items: Vec<Option<Tree>> = items.iter().map(|item| tree(item, compile, desk)).collect();
            items.into_iter().collect::<Option<Vec<_>>>().map(Tree::List)
        }
        Written::Map(entries) => {
            let entries: Vec<Option<(String, Tree)>> =
                entries.iter().map(|entry| Some((entry.key.clone(), tree(&entry.value, compile, desk)?))).collect();
            entries.into_iter().collect::<Option<Vec<_>>>().map(Tree::Map)
        }
    }
}

/// A text that may be a template; all that it names is known.
fn line(written: &str, node: &Node, scope: &Scope<'_>, spot: Spot, desk: &mut Desk<'_>) -> Option<Line> {
    let line = template(written, node, desk)?;
    let mut sound = true;
    for name in line.names() {
        let words = desk.findings.words();
        let known = || words.names().chain(OWN);
        if !known().any(|known| known == name) {
            let message = format!("unknown name '{name}'{}", did_you_mean(&name, known()));
            let help = format!("a description names facts (relaybell facts) and {}", any_of(OWN).replace(" or ", ", "));
            desk.findings.error_help(exact(&name, node, desk), message, help);
            sound = false;
        }
    }
    for path in line.reads() {
        sound &= judge(path, node, scope, spot, desk);
    }
    sound.then_some(line)
}

/// A text that is a template, whatever it names.
pub fn template(written: &str, node: &Node, desk: &mut Desk<'_>) -> Option<Line> {
    match Line::compile(written) {
        Ok(line) => Some(line),
        Err(problems) => {
            for problem in problems {
                match problem.help {
                    Some(help) => desk.findings.error_help(node.at, problem.message, help),
                    None => desk.findings.error(node.at, problem.message),
                }
            }
            None
        }
    }
}

/// The place of `name` within the text of `node`.
pub fn exact(name: &str, node: &Node, desk: &Desk<'_>) -> Place {
    match desk.findings.text_at(node.at).find(name) {
        Some(offset) => Place { start: node.at.start + offset, end: node.at.start + offset + name.len(), ..node.at },
        None => node.at,
    }
}

/// Whether what `path` names is there when the request is made.
fn judge(path: &[String], node: &Node, scope: &Scope<'_>, spot: Spot, desk: &mut Desk<'_>) -> bool {
    let step = path.get(1).map(String::as_str);
    let (message, help) = match (path[0].as_str(), step) {
        ("body" | "mentions", _) if spot != Spot::Body => {
            let what = if spot == Spot::Path { "a path" } else { "a header" };
            (format!("'{}' is too much for {what}", path[0]), "'title' or a fact goes there".to_owned())
        }
        ("thread", _) if scope.thread.is_none() => {
            let message = format!("'{}' has no thread yet: it knows nothing of an earlier answer", scope.word);
            (message, "{{subject}} or {{delivery.key}} may serve".to_owned())
        }
        ("thread", None) => ("'thread' is a map".to_owned(), "name what it remembers: {{thread.key}}".to_owned()),
        ("thread", Some(step)) if scope.thread.is_some_and(|known| !known.contains(step)) => {
            let known: Vec<&str> = scope.thread.into_iter().flatten().map(String::as_str).collect();
            let near = did_you_mean(step, known.iter().copied());
            let message = format!("nothing is remembered as '{step}'{near}");
            let help = match known.len() {
                0 => "say in 'create' what is: remember: { key: /number }".to_owned(),
                _ => format!("'remember' has: {}", known.join(", ")),
            };
            (message, help)
        }
        ("delivery", None) => ("'delivery' is a map".to_owned(), "name a part of it: {{delivery.key}}".to_owned()),
        ("delivery", step) if !step.is_some_and(|step| DELIVERY.contains(&step)) => {
            let near = step.map(|step| did_you_mean(step, DELIVERY)).unwrap_or_default();
            let message = format!("a delivery has no '{}'{near}", step.unwrap_or_default());
            (message, "it has: key, id, uuid".to_owned())
        }
        _ => return true,
    };
    let at = exact(&path.join("."), node, desk);
    desk.findings.error_help(at, message, help);
    false
}
