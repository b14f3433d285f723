//! Which parts of an event's facts are needed later, when a described request is made.

use serde_json::{Map, Value};

use super::facts::Facts;

/// Paths into the facts of an event: what a description names, and nothing else of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads(Vec<Vec<String>>);

impl Reads {
    /// Adds a path, the name of the fact first. A path of no steps adds nothing.
    pub fn add(&mut self, path: Vec<String>) {
        if !path.is_empty() && !self.0.contains(&path) {
            self.0.push(path);
        }
    }

    /// The names of the facts that are read, at times more than once.
    pub fn heads(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|path| path[0].as_str())
    }

    /// Whether something of the name `name` is read.
    #[must_use]
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|path| path[0] == name)
    }

    /// The parts of `name` that are read; `None` when it is read as a whole.
    #[must_use]
    pub fn within(&self, name: &str) -> Option<Vec<&str>> {
        self.0.iter().filter(|path| path[0] == name).map(|path| path.get(1).map(String::as_str)).collect()
    }

    /// The parts of `facts` that these paths lead to, in the shape they have there. Lists
    /// are taken whole.
    #[must_use]
    pub fn pick(&self, facts: &Facts) -> Map<String, Value> {
        let mut picked = Map::new();
        for path in &self.0 {
            keep(&mut picked, &facts.values, path);
        }
        picked
    }
}

fn keep(picked: &mut Map<String, Value>, from: &Map<String, Value>, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    match from.get(step) {
        None => {}
        Some(Value::Object(inner)) if !rest.is_empty() => {
            let inside = picked.entry(step.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inside) = inside {
                keep(inside, inner, rest);
            }
        }
        Some(value) => {
            picked.insert(step.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_named_is_kept() {
        let values = json!({
            "severity": "blocker",
            "title": "x",
            "payload": { "fields": [{ "title": "A" }], "team": { "name": "Red", "size": 4 }, "secret": 1 },
        });
        let facts = Facts { values: values.as_object().unwrap().clone(), ..Facts::default() };
        let mut reads = Reads::default();
        for path in ["severity", "payload/team/name", "payload/fields/0/title", "gone/x", ""] {
            reads.add(path.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect());
        }
        let picked = json!({
            "severity": "blocker", "payload": { "team": { "name": "Red" }, "fields": [{ "title": "A" }] },
        });
        assert_eq!(Value::Object(reads.pick(&facts)), picked);
    }
}
