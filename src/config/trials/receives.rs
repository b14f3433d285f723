//! `receive:` of a test: a webhook from the test itself, from a file, or a sample.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::super::fields::{Fields, entries, text};
use super::super::files;
use super::super::findings::{Findings, Place};
use super::super::nearest::{did_you_mean, slip_of};
use super::super::node::{Node, Tree};
use super::{Reader, Receive};
use crate::domain::Name;
use crate::source::{ByHand, RawHook, Sample};

/// Where the body of a webhook comes from.
const BODIES: [&str; 3] = ["body", "file", "sample"];

/// How many samples are named as examples.
const SAMPLES_NAMED: usize = 8;

/// A webhook that a test names, and where.
struct Given {
    hook: RawHook,
    what: String,
    at: Place,
}

impl Given {
    fn body(body: Bytes, what: &str, at: Place) -> Self {
        Self { hook: RawHook::posted(HeaderMap::new(), body), what: what.to_owned(), at }
    }
}

impl Reader<'_> {
    pub(super) fn receive(&self, node: &Node, findings: &mut Findings) -> Option<Receive> {
        let mut fields = Fields::of(node, "'receive'", findings)?;
        let source = fields.require("source", findings).and_then(|node| self.source(node, findings));
        let spec = source.as_ref().and_then(|source| self.sources.get(source));
        let given: Vec<(&str, &Node)> =
            BODIES.into_iter().filter_map(|key| fields.take(key).map(|node| (key, node))).collect();
        let headers = match fields.take("headers") {
            Some(node) => headers(node, findings),
            None => Some(HeaderMap::new()),
        };
        let unknown = fields.others();
        fields.finish(findings);
        let read = match given.as_slice() {
            [("body", node)] => body(node, findings),
            [("file", node)] => self.file(node, findings),
            [(_, node)] => spec.and_then(|spec| sample(node, spec.adapter.samples(), findings)),
            [] if unknown => None,
            [] => {
                let help = "write it as 'body: {…}', name its 'file: …', or take a 'sample: defect.created'";
                findings.error_help(node.at, "'receive' has no webhook", help);
                None
            }
            [_, (second, at), ..] => {
                let message = format!("'{second}' and '{}' both say what the webhook is", given[0].0);
                findings.error_help(at.at, message, "keep one of them");
                None
            }
        };
        let Given { mut hook, what, at } = read?;
        let spec = spec?;
        hook.headers.extend(headers?);
        let body = hook.body.clone();
        match ByHand(spec.adapter.as_ref()).read(hook) {
            Ok(reports) => {
                reports.iter().for_each(|report| doubt(&report.event, at, findings));
                Some(Receive { source: spec.name.clone(), body, reports })
            }
            Err(error) => {
                findings.error(at, format!("{what} is no webhook that '{}' can read: {error}", spec.name));
                None
            }
        }
    }

    fn source(&self, node: &Node, findings: &mut Findings) -> Option<Name> {
        let word = text(node, "'source'", findings)?;
        if let Some(name) = self.known.sources.get(word) {
            return Some(name.clone());
        }
        let names: Vec<&str> = self.known.sources.iter().map(AsRef::as_ref).collect();
        let message = format!("unknown source '{word}'{}", did_you_mean(word, names.iter().copied()));
        let help = match names.as_slice() {
            [] => "relaybell.yaml has no sources".to_owned(),
            names => format!("relaybell.yaml has: {}", names.join(", ")),
        };
        findings.error_help(node.at, message, help);
        None
    }

    /// The body in a file: beside the rules first, then beside `relaybell.yaml`.
    fn file(&self, node: &Node, findings: &mut Findings) -> Option<Given> {
        let word = text(node, "'file'", findings)?;
        let mut tried: Vec<String> = Vec::new();
        for folder in self.folders {
            let path = folder.join(word);
            match self.files.read(&path) {
                Ok(bytes) => return Some(Given::body(bytes.into(), word, node.at)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => tried.push(path.display().to_string()),
                Err(error) => {
                    let message = format!("{} cannot be read: {}", path.display(), files::why(&error));
                    findings.error(node.at, message);
                    return None;
                }
            }
        }
        let help = format!("looked for {}", tried.join(" and "));
        findings.error_help(node.at, format!("there is no file '{word}'"), help);
        None
    }
}

/// The body as it stands in the test. `serde_yaml`'s value is the bridge from the file to JSON.
fn body(node: &Node, findings: &mut Findings) -> Option<Given> {
    if !matches!(node.tree, Tree::Map(_) | Tree::List(_)) {
        let help = "write the webhook as YAML or paste its JSON; what is in a file: 'file: …'";
        findings.error_help(node.at, format!("'body' must be a map, but this is {}", node.kind()), help);
        return None;
    }
    let value: Value = match serde_path_to_error::deserialize(node.to_value()) {
        Ok(value) => value,
        Err(error) => {
            findings.error(node.at, format!("'body' cannot be sent as JSON: {}: {}", error.path(), error.inner()));
            return None;
        }
    };
    Some(Given::body(value.to_string().into(), "this body", node.at))
}

fn sample(node: &Node, samples: &[Sample], findings: &mut Findings) -> Option<Given> {
    let word = text(node, "'sample'", findings)?;
    if let Some(sample) = samples.iter().find(|sample| sample.variant == word) {
        return Some(Given { hook: sample.hook(), what: format!("the sample {word}"), at: node.at });
    }
    let message = format!("unknown sample '{word}'{}", did_you_mean(word, samples.iter().map(|one| one.variant)));
    let alike = word.split('.').next().unwrap_or_default();
    let near: Vec<&str> =
        samples.iter().map(|one| one.variant).filter(|name| name.split('.').next() == Some(alike)).collect();
    let help = match near.as_slice() {
        [] if samples.is_empty() => "this source has no samples; write the body, or name its file".to_owned(),
        [] => {
            let mut one_of_each: Vec<&str> = samples.iter().map(|one| one.variant).collect();
            one_of_each.dedup_by_key(|name| name.split('.').next());
            one_of_each.truncate(SAMPLES_NAMED);
            format!("samples are called as events are: {}, …", one_of_each.join(", "))
        }
        near => format!("there are: {}", near.join(", ")),
    };
    findings.error_help(node.at, message, help);
    None
}

fn headers(node: &Node, findings: &mut Findings) -> Option<HeaderMap> {
    let mut headers = Some(HeaderMap::new());
    for entry in entries(node, "'headers'", findings) {
        let value = text(&entry.value, &format!("the header '{}'", entry.key), findings);
        let name = HeaderName::try_from(entry.key.as_str()).ok();
        let fits = value.map(|value| HeaderValue::try_from(value).ok());
        if name.is_none() || matches!(fits, Some(None)) {
            findings.error(entry.key_at, format!("'{}' with this value is no header", entry.key));
        }
        match (name, fits.flatten(), &mut headers) {
            (Some(name), Some(value), Some(headers)) => {
                headers.insert(name, value);
            }
            (_, _, headers) => *headers = None,
        }
    }
    headers
}

/// Points out an event whose name is nearly one that is documented: what it causes would be
/// nothing, as expected by mistake.
fn doubt(event: &str, at: Place, findings: &mut Findings) {
    let words = findings.words();
    let known = || words.events().iter().copied();
    if known().any(|name| name == event) {
        return;
    }
    if let Some(meant) = slip_of(event, known()) {
        let message = format!("no source documents the event '{event}', did you mean '{meant}'?");
        findings.warning(at, message, "the test receives it as it is written");
    }
}
