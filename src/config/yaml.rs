//! Reads YAML text into a tree with places, within limits.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag, options};
use serde_yaml::Value;

use super::findings::{Findings, Place};
use super::node::{Entry, Node, Tree, has_leading_zero, resolve};
use super::yaml_words;

/// How deep lists and maps may nest.
const DEPTH_MAX: usize = 48;

/// How many values any file may have, those that its anchors repeat included. A large
/// file may have more: one for every [`BYTES_A_NODE`] of its text.
const NODES_MAX: usize = 200_000;

/// Text written for a person to read has fewer values than one for so many bytes.
const BYTES_A_NODE: usize = 4;

/// How long one text may be, in bytes.
const SCALAR_BYTES_MAX: usize = 64 * 1024;

/// Reads the file `sheet`. `None` when it is no YAML; the reason is in `findings`.
/// An empty file is a node that is nothing.
pub fn read(sheet: usize, findings: &mut Findings) -> Option<Node> {
    let text = findings.sheet(sheet).text.clone();
    let options: Options = options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(&text, options),
        sheet,
        anchors: HashMap::new(),
        nodes: 0,
        nodes_max: NODES_MAX.max(text.len() / BYTES_A_NODE),
        brackets: Vec::new(),
        findings,
    };
    reader.document().ok()
}

/// Reading cannot go on; the reason has been reported.
struct Stop;

struct Reader<'t, 'f> {
    parser: Parser<'t, serde_saphyr::granit_parser::StrInput<'t>>,
    sheet: usize,
    anchors: HashMap<usize, (Node, usize, usize)>,
    nodes: usize,
    nodes_max: usize,
    /// Where the lists and maps in brackets begin that are open now.
    brackets: Vec<Place>,
    findings: &'f mut Findings,
}

impl<'t> Reader<'t, '_> {
    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_none() => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 0)?);
                }
                Event::DocumentStart(..) => {
                    let help = "put it into a file of its own, or remove the line '---'";
                    self.findings.error_help(self.place(&span), "a second document begins here", help);
                    return Err(Stop);
                }
                _ => break,
            }
        }
        let nothing = Node { at: Place::file(self.sheet), tree: Tree::Scalar(Value::Null, String::new()) };
        Ok(root.unwrap_or(nothing))
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.broken(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn broken(&mut self, error: &ScanError) -> Stop {
        let sheet = self.sheet;
        let text = &self.findings.sheet(sheet).text;
        let start = error.marker().byte_offset().unwrap_or(0).min(text.len());
        // An error at the end of the text belongs to its last written character.
        let start = if text[start..].trim().is_empty() { text.trim_end().len().saturating_sub(1) } else { start };
        let start = (0..=start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let open = self.brackets.last().map(|open| open.start);
        if yaml_words::may_be_bracket(error.kind())
            && let Some(open) = open.or_else(|| yaml_words::open_bracket(text, start))
            && text[open.min(start)..start].contains('\n')
        {
            let sign = text[open..].chars().next().unwrap_or('[');
            let message = format!("a '{sign}' is opened and not closed");
            let at = Place { sheet, start: open, end: open + 1 };
            self.findings.error_help(at, message, "the lines that follow do not go on with it");
            return Stop;
        }
        let start = yaml_words::exact(error.kind(), text, start);
        let (message, help) = yaml_words::explain(error.kind(), text, start);
        let at = Place { sheet, start, end: start + 1 };
        match help {
            Some(help) => self.findings.error_help(at, message, help),
            None => self.findings.error(at, message),
        }
        Stop
    }

    fn place(&self, span: &Span) -> Place {
        let length = self.findings.sheet(self.sheet).text.len();
        let start = span.start.byte_offset().unwrap_or(0).min(length.saturating_sub(1));
        let end = span.end.byte_offset().unwrap_or(0).min(length);
        Place { sheet: self.sheet, start, end: end.max(start + 1) }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Stop> {
        let at = self.place(&span);
        self.count(1, at)?;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (self.scalar(text, style, tag.as_deref(), at)?, anchor),
            Event::SequenceStart(style, anchor, tag) => {
                self.no_tag(tag.as_deref(), at);
                (self.within(style, at, |reader| reader.list(at, depth))?, anchor)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.no_tag(tag.as_deref(), at);
                (self.within(style, at, |reader| reader.map(at, depth))?, anchor)
            }
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            _ => {
                self.findings.error(at, "a value is missing here");
                return Err(Stop);
            }
        };
        if anchor != 0 {
            let (count, deep) = node.extent();
            self.anchors.insert(anchor, (node.clone(), count, deep));
        }
        Ok(node)
    }

    /// Reads what stands at `at`, and knows meanwhile whether it is in brackets.
    fn within(
        &mut self,
        style: StructureStyle,
        at: Place,
        read: impl FnOnce(&mut Self) -> Result<Node, Stop>,
    ) -> Result<Node, Stop> {
        if style != StructureStyle::Flow {
            return read(self);
        }
        self.brackets.push(at);
        let node = read(self)?;
        self.brackets.pop();
        Ok(node)
    }

    fn count(&mut self, more: usize, at: Place) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes <= self.nodes_max {
            return Ok(());
        }
        let message = format!("the file has more than {} values, those repeated by '*' included", self.nodes_max);
        self.findings.error_help(at, message, "split it into several files, or repeat less");
        Err(Stop)
    }

    fn alias(&mut self, anchor: usize, at: Place, depth: usize) -> Result<Node, Stop> {
        let Some((node, count, deep)) = self.anchors.get(&anchor) else {
            self.findings.error(at, "an anchor cannot contain itself");
            return Err(Stop);
        };
        let (node, count, deep) = (node.clone(), *count, *deep);
        self.count(count, at)?;
        if depth + deep > DEPTH_MAX {
            self.findings.error(at, format!("lists and maps nest deeper than {DEPTH_MAX} here"));
            return Err(Stop);
        }
        Ok(node)
    }

    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, tag: Option<&Tag>, at: Place) -> Result<Node, Stop> {
        if text.len() > SCALAR_BYTES_MAX {
            let message = format!("this text is longer than {} KiB", SCALAR_BYTES_MAX / 1024);
            self.findings.error(Place { end: at.start + 1, ..at }, message);
            return Err(Stop);
        }
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
        if !tag.is_some_and(Tag::is_yaml_core_schema) {
            self.no_tag(tag, at);
        }
        let text = text.into_owned();
        let value = if style != ScalarStyle::Plain || is_text {
            Value::from(text.as_str())
        } else if has_leading_zero(&text) {
            let stripped = text.trim_start_matches('0');
            let help = format!("write \"{text}\" in quotes if it is text, or {stripped} if it is a number");
            let message = format!("'{text}' begins with a zero, which YAML readers understand differently");
            self.findings.error_help(at, message, help);
            Value::from(text.as_str())
        } else {
            resolve(&text)
        };
        Ok(Node { at, tree: Tree::Scalar(value, text) })
    }

    fn no_tag(&mut self, tag: Option<&Tag>, at: Place) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let message = format!("'{}' is a YAML tag, which has no meaning here", tag.original());
            self.findings.error_help(at, message, "text that begins with '!' must be in quotes");
        }
    }

    fn list(&mut self, at: Place, depth: usize) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                let end = self.place(&span).end;
                return Ok(Node { at: Place { end, ..at }, tree: Tree::List(items) });
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, at: Place, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, Place> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                merged.retain(|entry| !seen.contains_key(&entry.key));
                entries.extend(merged);
                let end = self.place(&span).end;
                return Ok(Node { at: Place { end, ..at }, tree: Tree::Map(entries) });
            }
            let key_at = self.place(&span);
            let plain = matches!(&event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let key = match event {
                Event::Scalar(key, _, _, _) if key.len() <= SCALAR_BYTES_MAX => key.into_owned(),
                _ => {
                    let help = "text that begins with '{{' or '[' must be in quotes";
                    self.findings.error_help(key_at, "a key must be text, not a list or a map", help);
                    return Err(Stop);
                }
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if plain && key == "<<" {
                self.merge(value, &mut merged);
            } else if let Some(first) = seen.get(&key) {
                self.findings.error_also(key_at, format!("the key '{key}' stands here twice"), *first, "first here");
            } else {
                seen.insert(key.clone(), key_at);
                entries.push(Entry { key, key_at, value });
            }
        }
    }

    /// Takes over the entries of `<<: *anchor`; earlier ones win.
    fn merge(&mut self, value: Node, merged: &mut Vec<Entry>) {
        match value.tree {
            Tree::Map(entries) => {
                for entry in entries {
                    if !merged.iter().any(|known| known.key == entry.key) {
                        merged.push(entry);
                    }
                }
            }
            Tree::List(items) => items.into_iter().for_each(|item| self.merge(item, merged)),
            Tree::Scalar(..) => self.findings.error(value.at, "'<<' takes over a map, and this is none"),
        }
    }
}
