//! The front matter: the YAML between two `---` lines at the top of a template.

use std::fmt;

use handlebars::Template;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::scan::Raw;
use super::syntax::{Problem, compile, included, nearest};

/// The keys of the front matter.
const KEYS: [&str; 4] = ["title", "link", "color", "fields"];

/// A compiled string and where it stands in its file.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub template: Template,
    pub line: usize,
    pub column: usize,
}

impl Piece {
    /// A place within the string as a place in the file.
    pub fn in_file(&self, (line, column): (usize, usize)) -> (usize, usize) {
        if line == 1 { (self.line, self.column + column - 1) } else { (self.line + line - 1, column) }
    }
}

/// What the front matter says.
#[derive(Debug, Clone, Default)]
pub(super) struct Front {
    pub title: Option<Piece>,
    pub link: Option<Piece>,
    pub color: Option<Piece>,
    /// Label and value, in their order.
    pub fields: Vec<(String, Piece)>,
}

/// Splits `text` into front matter and body. The lines of the front matter are blank in
/// the body, so that places in it are places in the file.
pub(super) fn split(text: &str) -> Result<(Option<String>, String), Problem> {
    let Some(rest) = text.strip_prefix("---\n") else { return Ok((None, text.to_owned())) };
    let mut yaml_len = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            let lines = rest[..yaml_len].matches('\n').count() + 2;
            let body = format!("{}{}", "\n".repeat(lines), &rest[yaml_len + line.len()..]);
            return Ok((Some(rest[..yaml_len].to_owned()), body));
        }
        yaml_len += line.len();
    }
    Err(Problem {
        line: 1,
        column: 1,
        message: "the front matter is not closed".to_owned(),
        help: Some("end it with a line `---`".to_owned()),
    })
}

/// Reads and compiles the front matter `yaml`, whose first line is line 2 of the file.
pub(super) fn read(yaml: &str) -> (Front, Vec<Problem>) {
    if let Some(problem) = unquoted(yaml) {
        return (Front::default(), vec![problem]);
    }
    if yaml.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return (Front::default(), Vec::new());
    }
    let sheet: Sheet = match serde_saphyr::from_str(yaml) {
        Ok(sheet) => sheet,
        Err(error) => {
            let (line, column) = error.location().map_or((0, 1), |at| (size(at.line()), size(at.column())));
            let (message, help) = in_words(&error.without_snippet().to_string());
            return (Front::default(), vec![Problem { line: line + 1, column, message, help }]);
        }
    };
    let mut front = Front::default();
    let mut problems = Vec::new();
    for (key, value) in sheet.entries {
        let slot = match key.value.as_str() {
            "title" => &mut front.title,
            "link" => &mut front.link,
            "color" => &mut front.color,
            other => {
                let help = nearest(other, KEYS.into_iter())
                    .map_or_else(|| format!("known are {}", KEYS.join(", ")), |near| format!("did you mean '{near}'?"));
                problems.push(at(&key, format!("unknown key '{other}' in the front matter"), Some(help)));
                continue;
            }
        };
        *slot = piece(yaml, &value, &mut problems);
    }
    for (label, value) in sheet.fields {
        if let Some(piece) = piece(yaml, &value, &mut problems) {
            front.fields.push((label, piece));
        }
    }
    (front, problems)
}

/// The YAML library's complaint without its place, which counts from the second line of the
/// file, and in the words of a template's author.
fn in_words(complaint: &str) -> (String, Option<String>) {
    let complaint = complaint.lines().next().unwrap_or_default();
    let complaint = complaint.rsplit_once(" at line ").map_or(complaint, |(what, _)| what);
    if let Some(key) = complaint.strip_prefix("duplicate mapping key: ") {
        let key = key.split(',').next().unwrap_or_default();
        return (format!("'{key}' is there twice"), Some("remove one of them".to_owned()));
    }
    if complaint.starts_with("expected mapping start") {
        let help = "write a label, a colon and the value in quotes: `Severity: \"{{severity}}\"`".to_owned();
        return ("keys with values are expected here".to_owned(), Some(help));
    }
    (format!("the front matter is not YAML: {complaint}"), None)
}

/// YAML reads `{{title}}` without quotes as a mapping; nobody means that.
fn unquoted(yaml: &str) -> Option<Problem> {
    yaml.lines().enumerate().find_map(|(at, line)| {
        let (key, value) = line.split_once(':')?;
        let value_at = line.len() - value.trim_start().len();
        let plain = !key.contains(['"', '\'', '{', '#']) && value.trim_start().starts_with("{{");
        plain.then(|| Problem {
            line: at + 2,
            column: line[..value_at].chars().count() + 1,
            message: "a value that begins with `{{` needs quotes".to_owned(),
            help: Some(format!("write {}: \"{}\"", key.trim(), value.trim().replace('"', "'"))),
        })
    })
}

fn piece(yaml: &str, value: &Spanned<Value>, problems: &mut Vec<Problem>) -> Option<Piece> {
    let text = match &value.value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => return None,
        Value::Array(_) | Value::Object(_) => {
            problems.push(at(value, "text is expected here".to_owned(), Some("put it in quotes".to_owned())));
            return None;
        }
    };
    let (line, column) = place(yaml, value);
    match compile(None, &text, Raw::Allowed) {
        Ok(template) => {
            if !included(&template).is_empty() {
                let message = "the front matter cannot include another template".to_owned();
                problems.push(at(value, message, Some("`{{> name}}` belongs in the body".to_owned())));
                return None;
            }
            Some(Piece { template, line, column })
        }
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| {
                let (line, column) = match (problem.line, problem.column) {
                    (1, within) => (line, column + within - 1),
                    (within, column) => (line + within - 1, column),
                };
                Problem { line, column, ..problem }
            }));
            None
        }
    }
}

/// Where the text of `value` begins in the file: within its quotes, or below the `|` of a
/// block.
fn place(yaml: &str, value: &Spanned<Value>) -> (usize, usize) {
    let (line, column) = (size(value.referenced.line()), size(value.referenced.column()));
    let rest = |line: usize| yaml.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    match rest(line).chars().nth(column.saturating_sub(1)) {
        Some('"' | '\'') => (line + 1, column + 1),
        Some('|' | '>') => {
            let next = rest(line + 1);
            (line + 2, next.len() - next.trim_start().len() + 1)
        }
        _ => (line + 1, column),
    }
}

fn at<T>(value: &Spanned<T>, message: String, help: Option<String>) -> Problem {
    Problem { line: size(value.referenced.line()) + 1, column: size(value.referenced.column()), message, help }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The front matter as it is written.
#[derive(Default)]
struct Sheet {
    entries: Vec<(Spanned<String>, Spanned<Value>)>,
    fields: Vec<(String, Spanned<Value>)>,
}

impl<'de> Deserialize<'de> for Sheet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Sheet;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the keys title, link, color and fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sheet, A::Error> {
                let mut sheet = Sheet::default();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    match key.value.as_str() {
                        "fields" => sheet.fields = map.next_value::<Fields>()?.0,
                        "title" | "link" | "color" => {
                            let value = map.next_value()?;
                            sheet.entries.push((key, value));
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            let nothing = Spanned::new(Value::Null, key.referenced, key.defined);
                            sheet.entries.push((key, nothing));
                        }
                    }
                }
                Ok(sheet)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

/// `fields:`, in their order.
struct Fields(Vec<(String, Spanned<Value>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels with their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
