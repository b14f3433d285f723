//! Texts of described requests: templates as data, rendered when the request is made.
//!
//! A value can never leave its place: in an address it is one encoded part, in JSON one
//! string, and within text it is literal. What an event lacks is empty.

use std::sync::LazyLock;

use handlebars::template::TemplateElement;
use handlebars::{Context, Handlebars, Template};
use serde_json::{Map, Value};

use super::engine::{self, Form, Why};
use super::flavor::Flavor;
use super::scan::Raw;
use super::{TemplateProblem, syntax};

/// Stands for the message's body while a text is rendered, so that it is not escaped twice.
const BODY: char = '\u{10FFFE}';

/// Stands for the mentions, which alone may mention.
const MENTIONS: char = '\u{10FFFF}';

/// The name of the message's body in a description.
const BODY_NAME: &str = "body";

/// Where a rendered text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// In an address: every value is percent-encoded.
    Address,
    /// In a header.
    Header,
    /// In a body of this flavour.
    Body(Flavor),
}

/// A text that may be a template.
#[derive(Debug, Clone)]
pub struct Line {
    template: Template,
    reads: Vec<Vec<String>>,
}

/// JSON whose strings are texts that may be templates.
#[derive(Debug, Clone)]
pub enum Tree {
    /// Stays what it is.
    Fixed(Value),
    /// A template.
    Line(Box<Line>),
    /// A list.
    List(Vec<Self>),
    /// A map, in its order.
    Map(Vec<(String, Self)>),
}

/// What the templates of one request can name.
#[derive(Debug)]
pub struct Values {
    context: Context,
    body: String,
    mentions: String,
}

impl Values {
    /// Takes values by name, and the text that `{{body}}` and `{{mentions}}` stand for,
    /// written for the receiver already.
    #[must_use]
    pub fn new(mut values: Map<String, Value>, body: String, mentions: String) -> Self {
        values.values_mut().for_each(clear);
        let [body, mentions] = [body, mentions].map(|text| text.replace([BODY, MENTIONS], ""));
        let stands_for = |text: &str, sign: char| if text.is_empty() { String::new() } else { sign.to_string() };
        values.insert(BODY_NAME.to_owned(), stands_for(&body, BODY).into());
        values.insert("mentions".to_owned(), stands_for(&mentions, MENTIONS).into());
        Self { context: engine::context_of(&values), body, mentions }
    }
}

/// Takes the signs that stand for body and mentions out of `value`.
fn clear(value: &mut Value) {
    match value {
        Value::String(text) if text.contains([BODY, MENTIONS]) => *text = text.replace([BODY, MENTIONS], ""),
        Value::Array(items) => items.iter_mut().for_each(clear),
        Value::Object(items) => items.values_mut().for_each(clear),
        _ => {}
    }
}

impl Line {
    /// Compiles `text`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place in it.
    pub fn compile(text: &str) -> Result<Self, Vec<TemplateProblem>> {
        let template = syntax::compile(None, text, Raw::Refused)
            .map_err(|found| found.into_iter().map(|problem| problem.in_file("")).collect::<Vec<_>>())?;
        if let Some((_, line, column)) = syntax::included(&template).into_iter().next() {
            let message = "a description cannot include a template".to_owned();
            let help = Some("write the text here, or put it into the rule's template: {{body}} is its text".to_owned());
            return Err(vec![TemplateProblem { file: String::new(), line, column, message, help }]);
        }
        let reads = syntax::paths(&template);
        Ok(Self { template, reads })
    }

    /// What it names: the steps of each path, the name first. Of what stands within `each`
    /// and `with` too, where a name may be a part of something else.
    #[must_use]
    pub fn reads(&self) -> &[Vec<String>] {
        &self.reads
    }

    /// The names that it reads of the whole, each with its line in the text.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        syntax::facts(&self.template).into_iter().map(|(name, _)| name).collect()
    }

    /// Whether it has the message's body in it, so that the rest of it is markup too.
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.reads.iter().any(|path| path[0] == BODY_NAME)
    }

    /// Whether it begins with this value of an event, so that it has no fixed beginning.
    #[must_use]
    pub fn begins_with_a_value(&self) -> bool {
        !matches!(self.template.elements.first(), Some(TemplateElement::RawString(_)) | None)
    }

    /// Renders it for `spot`; `None` when a helper lacks its value, or an address any.
    ///
    /// # Errors
    /// Why it cannot be rendered, for people.
    pub fn render(&self, spot: Spot, values: &Values) -> Result<Option<String>, String> {
        let hand = match spot {
            Spot::Body(flavor) if self.has_body() => Hand::Literal(flavor),
            Spot::Body(flavor) => Hand::Value(flavor),
            Spot::Address => Hand::Address,
            Spot::Header => Hand::Value(Flavor::Exact),
        };
        match engine::run(registry(hand), &self.template, &values.context) {
            Ok(text) => Ok(Some(text.replace(BODY, &values.body).replace(MENTIONS, &values.mentions))),
            Err(failure) if matches!(failure.why, Why::Missing(_)) => Ok(None),
            Err(failure) => Err(failure.why.to_string()),
        }
    }
}

impl Tree {
    /// Calls `see` for every template in it.
    pub fn lines<'t>(&'t self, see: &mut dyn FnMut(&'t Line)) {
        match self {
            Self::Fixed(_) => {}
            Self::Line(line) => see(line),
            Self::List(items) => items.iter().for_each(|item| item.lines(see)),
            Self::Map(entries) => entries.iter().for_each(|(_, item)| item.lines(see)),
        }
    }

    /// Renders it for a receiver of `flavor`. A string that is one value and nothing else
    /// keeps the value's type; what renders to nothing is left out: `None`.
    ///
    /// # Errors
    /// Why a template of it cannot be rendered, for people.
    pub fn render(&self, flavor: Flavor, values: &Values) -> Result<Option<Value>, String> {
        Ok(match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, item) in entries {
                    if let Some(value) = item.render(flavor, values)? {
                        map.insert(key.clone(), value);
                    }
                }
                Some(Value::Object(map))
            }
            Self::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    match (item, item.render(flavor, values)?) {
                        // A list in a list's place is taken in: `labels: [qase, "{{tags}}"]`.
                        (Self::Line(_), Some(Value::Array(more))) => list.extend(more),
                        (_, Some(value)) => list.push(value),
                        (_, None) => {}
                    }
                }
                Some(Value::Array(list))
            }
            Self::Line(line) => match engine::sole_value(&line.template, &values.context) {
                Some(value) => Some(tame(value, flavor)),
                None => {
                    line.render(Spot::Body(flavor), values)?.filter(|text| !text.trim().is_empty()).map(Value::from)
                }
            },
        })
    }
}

/// A value with all its texts as values by themselves.
fn tame(value: Value, flavor: Flavor) -> Value {
    match value {
        Value::String(text) => flavor.value(&text).into(),
        Value::Array(items) => items.into_iter().map(|item| tame(item, flavor)).collect(),
        Value::Object(items) => Value::Object(items.into_iter().map(|(key, item)| (key, tame(item, flavor))).collect()),
        other => other,
    }
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hand {
    Address,
    Value(Flavor),
    Literal(Flavor),
}

impl Hand {
    fn write(self, text: &str) -> String {
        match self {
            // Body and mentions are put in afterwards.
            _ if text.chars().eq([BODY]) || text.chars().eq([MENTIONS]) => text.to_owned(),
            Self::Address => percent(text),
            Self::Value(flavor) => flavor.value(text),
            Self::Literal(flavor) => flavor.literal(text),
        }
    }
}

fn registry(hand: Hand) -> &'static Handlebars<'static> {
    static ALL: LazyLock<Vec<(Hand, Handlebars<'static>)>> = LazyLock::new(|| {
        let flavors = Flavor::WORDS.iter().flat_map(|(_, flavor)| [Hand::Value(*flavor), Hand::Literal(*flavor)]);
        let hands = std::iter::once(Hand::Address).chain(flavors);
        hands
            .map(|hand| {
                let mut registry = engine::registry(Form::Text);
                // What an event lacks is empty: a request is not given up for it, unless its
                // address would lose a part.
                registry.set_strict_mode(hand == Hand::Address);
                registry.register_escape_fn(move |text| hand.write(text));
                (hand, registry)
            })
            .collect()
    });
    let at = ALL.iter().position(|(one, _)| *one == hand).unwrap_or_default();
    &ALL[at].1
}

/// `text` as one part of an address: everything but letters, digits and `-._~` is encoded.
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> Values {
        let values = json!({
            "title": "Pay & <b>go</b> @here", "number": 7, "tags": ["a", "@b"],
            "payload": { "team": "Red/Blue ?" }, "sly": "\u{10FFFE}",
        });
        Values::new(values.as_object().unwrap().clone(), "**bold** body".to_owned(), "@qa".to_owned())
    }

    fn line(text: &str, spot: Spot) -> Option<String> {
        Line::compile(text).unwrap_or_else(|found| panic!("{found:?}")).render(spot, &values()).unwrap()
    }

    #[test]
    fn a_value_stays_in_its_place() {
        let cases = [
            (
                "/x/{{payload.team}}/y?q={{title}}",
                Spot::Address,
                "/x/Red%2FBlue%20%3F/y?q=Pay%20%26%20%3Cb%3Ego%3C%2Fb%3E%20%40here",
            ),
            ("{{title}}", Spot::Body(Flavor::Markdown), "Pay & <\u{2060}b>go<\u{2060}/b> @\u{2060}here"),
            ("{{title}}: {{body}}", Spot::Body(Flavor::Markdown), "Pay & \\<b>go\\</b> @\u{2060}here: **bold** body"),
            ("{{mentions}} {{body}}", Spot::Body(Flavor::Html), "@qa **bold** body"),
            ("{{title}}", Spot::Body(Flavor::Exact), "Pay & <b>go</b> @here"),
            ("{{gone}}|{{default gone \"x@y\"}}|{{sly}}|", Spot::Body(Flavor::Plain), "|x@y||"),
        ];
        for (text, spot, rendered) in cases {
            assert_eq!(line(text, spot).as_deref(), Some(rendered), "{text}");
        }
        assert_eq!(line("{{upper gone}}", Spot::Body(Flavor::Plain)), None);
        assert_eq!(line("/x/{{gone}}.json", Spot::Address), None);
    }

    #[test]
    fn a_sole_value_keeps_its_type() {
        let leaf = |text: &str| Tree::Line(Box::new(Line::compile(text).unwrap()));
        let tree = Tree::Map(vec![
            ("number".to_owned(), leaf("{{number}}")),
            ("text".to_owned(), leaf("n{{number}}")),
            ("gone".to_owned(), leaf("{{gone}}")),
            ("map".to_owned(), leaf("{{payload}}")),
            ("labels".to_owned(), Tree::List(vec![Tree::Fixed("qase".into()), leaf("{{tags}}"), leaf("{{gone}}")])),
        ]);
        let rendered = tree.render(Flavor::Markdown, &values()).unwrap().unwrap();
        assert_eq!(
            rendered,
            json!({"number": 7, "text": "n7", "map": {"team": "Red/Blue ?"}, "labels": ["qase", "a", "@\u{2060}b"]})
        );
    }

    #[test]
    fn what_a_text_reads_is_known() {
        let line = Line::compile(
            "{{#each payload.[odd list]}}{{this.x}}{{@root.project}}{{/each}}{{upper payload.a.b}}{{body}}",
        )
        .unwrap();
        let reads: Vec<String> = line.reads().iter().map(|path| path.join("/")).collect();
        assert_eq!(reads, ["payload/odd list", "x", "project", "payload/a/b", "body"]);
        assert!(line.has_body());
    }
}
