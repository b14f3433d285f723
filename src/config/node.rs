//! A YAML document as a tree that knows the place of every value.

use serde_yaml::{Mapping, Value};

use super::findings::Place;

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands.
    pub at: Place,
    /// What it is.
    pub tree: Tree,
}

/// A YAML value.
#[derive(Debug, Clone)]
pub enum Tree {
    /// Nothing, a truth value, a number or text, and how it is written.
    Scalar(Value, String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<Entry>),
}

/// A key of a map and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_at: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The text, when it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Scalar(Value::String(text), _) => Some(text),
            _ => None,
        }
    }

    /// Whether there is nothing after the colon.
    pub fn is_nothing(&self) -> bool {
        matches!(self.tree, Tree::Scalar(Value::Null, _))
    }

    /// What it is, for people.
    pub fn kind(&self) -> String {
        match &self.tree {
            Tree::Scalar(Value::Bool(flag), _) => format!("{flag}"),
            Tree::Scalar(Value::Number(_), written) => format!("the number {written}"),
            Tree::Scalar(Value::String(text), _) if text.chars().count() <= 40 => format!("'{text}'"),
            Tree::Scalar(Value::String(_), _) => "a long text".to_owned(),
            Tree::Scalar(..) => "nothing".to_owned(),
            Tree::List(_) => "a list".to_owned(),
            Tree::Map(_) => "a map".to_owned(),
        }
    }

    /// The value without its places.
    pub fn to_value(&self) -> Value {
        match &self.tree {
            Tree::Scalar(value, _) => value.clone(),
            Tree::List(items) => Value::Sequence(items.iter().map(Self::to_value).collect()),
            Tree::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.as_str().into(), entry.value.to_value()));
                Value::Mapping(pairs.collect::<Mapping>())
            }
        }
    }

    /// The node that a JSON Pointer names; this one when there is none.
    pub fn at_pointer(&self, pointer: &str) -> &Self {
        let mut node = self;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = match &node.tree {
                Tree::Map(entries) => entries.iter().find(|entry| entry.key == step).map(|entry| &entry.value),
                Tree::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
                Tree::Scalar(..) => None,
            };
            match next {
                Some(next) => node = next,
                None => return node,
            }
        }
        node
    }

    /// How many nodes it is made of, itself included, and how deep it goes.
    pub fn extent(&self) -> (usize, usize) {
        let mut inner: Box<dyn Iterator<Item = &Self>> = match &self.tree {
            Tree::Scalar(..) => Box::new(std::iter::empty()),
            Tree::List(items) => Box::new(items.iter()),
            Tree::Map(entries) => Box::new(entries.iter().map(|entry| &entry.value)),
        };
        let (count, depth) = inner
            .try_fold((0, 0), |(count, depth), node| {
                let (more, deeper) = node.extent();
                Some::<(usize, usize)>((count + more, depth.max(deeper)))
            })
            .unwrap_or_default();
        (count + 1, depth + 1)
    }
}

/// The value of a plain scalar by the core schema of YAML 1.2: `no`, `on` and `22:00` are text.
pub fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Value::from(text);
    }
    let radix = |prefix, radix| {
        let digits = text.strip_prefix(prefix).filter(|digits| digits.bytes().all(|b| b.is_ascii_alphanumeric()))?;
        i64::from_str_radix(digits, radix).ok()
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Value::from(number);
    }
    if let Ok(number) = text.parse::<i64>() {
        return Value::from(number);
    }
    let decimal = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    match text.parse::<f64>() {
        Ok(number) if decimal && number.is_finite() => Value::from(number),
        _ => Value::from(text),
    }
}

/// Whether a plain scalar is a number with a leading zero, which YAML readers understand differently.
pub fn has_leading_zero(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_yaml_1_2() {
        for text in
            ["no", "on", "Yes", "22:00", "1_000", "0x", "1e", "-", ".", "1.2.3", "2026-09-14", ".inf", "infinity"]
        {
            assert_eq!(resolve(text), Value::from(text), "{text}");
        }
        assert_eq!(resolve("-17"), Value::from(-17));
        assert_eq!(resolve("0x1F"), Value::from(31));
        assert_eq!(resolve("0o17"), Value::from(15));
        assert_eq!(resolve("0.9"), Value::from(0.9));
        assert_eq!(resolve("1e3"), Value::from(1000.0));
        assert_eq!(resolve("True"), Value::from(true));
        assert_eq!(resolve(""), Value::Null);
        assert!(has_leading_zero("007") && !has_leading_zero("0") && !has_leading_zero("0.5"));
    }
}
