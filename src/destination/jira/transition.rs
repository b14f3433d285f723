//! Which transition leads where a rule wants an issue to be, and what it asks for.

use serde_json::{Map, Value, json};

use crate::domain::how::{Category, Target};

use super::issue::shaped_for_edit;

/// Resolutions that mean that something is done, the most usual first.
const RESOLUTIONS: [&str; 4] = ["Done", "Fixed", "Resolved", "Complete"];

/// What can be done about a wish.
pub(super) enum Choice {
    /// Post this.
    Go(Value),
    /// Why nothing leads there.
    Impossible(String),
}

impl Target {
    /// Where it leads, for people: `Done`, or `a status that means done`.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Status(name) => name.clone(),
            Self::Category(category) => format!("a status that means {}", category.word().replace('_', " ")),
        }
    }

    /// Whether `status`, as Jira shows it, is what is wanted. Names compare whatever their case.
    fn is(&self, status: &Value) -> bool {
        match self {
            Self::Status(name) => status["name"].as_str().is_some_and(|known| same(known, name)),
            Self::Category(category) => status["statusCategory"]["key"] == category_key(*category),
        }
    }
}

/// Jira's keys of the categories.
fn category_key(category: Category) -> &'static str {
    match category {
        Category::ToDo => "new",
        Category::InProgress => "indeterminate",
        Category::Done => "done",
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Whether an issue in `status` is where `target` leads.
pub(super) fn is_at(status: &Value, target: &Target) -> bool {
    target.is(status)
}

/// Chooses among the transitions that Jira offers: one to the target, else one of its name.
/// Of `fields`, those on its screen are sent; a resolution that it asks for is chosen.
pub(super) fn choose(offered: &Value, target: &Target, fields: &Map<String, Value>) -> Choice {
    let none = Vec::new();
    let all = offered["transitions"].as_array().unwrap_or(&none);
    let leads = |transition: &&Value| target.is(&transition["to"]);
    let named = |transition: &&Value| match target {
        Target::Status(name) => transition["name"].as_str().is_some_and(|known| same(known, name)),
        Target::Category(_) => false,
    };
    let Some(chosen) = all.iter().find(leads).or_else(|| all.iter().find(named)) else {
        let names: Vec<&str> = all.iter().filter_map(|transition| transition["to"]["name"].as_str()).collect();
        return Choice::Impossible(match names.as_slice() {
            [] => "the workflow leads nowhere from here for this user".to_owned(),
            some => format!("the workflow leads only to {}", some.join(", ")),
        });
    };
    let id = match &chosen["id"] {
        Value::String(id) => id.clone(),
        other => other.to_string(),
    };
    let mut body = json!({"transition": {"id": id}});
    let sent = on_screen(&chosen["fields"], fields);
    if !sent.is_empty() {
        body["fields"] = Value::Object(sent);
    }
    Choice::Go(body)
}

/// The fields to send: the rule's own that are on the screen, and a resolution if the
/// screen cannot do without.
fn on_screen(screen: &Value, fields: &Map<String, Value>) -> Map<String, Value> {
    let Some(screen) = screen.as_object() else { return Map::new() };
    let mut sent: Map<String, Value> = fields
        .iter()
        .filter(|(name, _)| screen.contains_key(*name))
        .filter_map(|(name, value)| Some((name.clone(), shaped_for_edit(name, value)?)))
        .collect();
    if let Some(resolution) = screen.get("resolution").filter(|field| field["required"] == true)
        && !sent.contains_key("resolution")
    {
        let allowed: Vec<&str> = resolution["allowedValues"]
            .as_array()
            .map(|values| values.iter().filter_map(|value| value["name"].as_str()).collect())
            .unwrap_or_default();
        let usual = RESOLUTIONS.iter().find_map(|usual| allowed.iter().find(|name| same(name, usual)));
        if let Some(name) = usual.or(allowed.first()) {
            sent.insert("resolution".to_owned(), json!({"name": name}));
        }
    }
    sent
}
