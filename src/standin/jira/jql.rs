//! As much of Jira's query language as counting defects needs: comparisons joined by AND.

use super::check::{ISSUE_TYPES, PRIORITIES};

/// An issue as queries see it.
#[derive(Debug, Clone)]
pub struct Seen<'i> {
    /// The key of its project.
    pub project: &'i str,
    /// The name of its type.
    pub issue_type: &'i str,
    /// The name of its priority.
    pub priority: &'i str,
    /// The key of its status category: `new`, `indeterminate`, `done`.
    pub category: &'i str,
    /// Its labels.
    pub labels: Vec<&'i str>,
}

/// One comparison: a field, whether it must be one of the values or none, and the values.
#[derive(Debug)]
pub struct Comparison {
    field: String,
    wanted: bool,
    values: Vec<String>,
}

/// Reads `jql`.
///
/// # Errors
/// What Jira would say about it.
pub fn read(jql: &str) -> Result<Vec<Comparison>, String> {
    let query = jql.split(" ORDER BY ").next().unwrap_or_default();
    if query.trim().is_empty() {
        return Err(
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.".to_owned()
        );
    }
    query.split(" AND ").map(|one| comparison(one.trim())).collect()
}

fn comparison(text: &str) -> Result<Comparison, String> {
    let broken = || format!("Error in the JQL Query: expecting an operator in '{text}'.");
    let (field, rest) = text.split_once(' ').ok_or_else(broken)?;
    let rest = rest.trim();
    let (wanted, values) = if let Some(list) = rest.strip_prefix("in ") {
        let list = list.trim().strip_prefix('(').and_then(|list| list.strip_suffix(')')).ok_or_else(broken)?;
        (true, list.split(',').map(value).collect())
    } else if let Some(one) = rest.strip_prefix("!= ") {
        (false, vec![value(one)])
    } else if let Some(one) = rest.strip_prefix("= ") {
        (true, vec![value(one)])
    } else {
        return Err(broken());
    };
    let field = field.to_lowercase();
    for value in &values {
        let there = match field.as_str() {
            "project" => super::check::is_key(value),
            "issuetype" => ISSUE_TYPES.iter().any(|one| one.eq_ignore_ascii_case(value)),
            "priority" => PRIORITIES.iter().any(|one| one.eq_ignore_ascii_case(value)),
            "statuscategory" => category(value).is_some(),
            "labels" => true,
            _ => {
                return Err(format!("Field '{field}' does not exist or you do not have permission to view it."));
            }
        };
        if !there {
            return Err(format!("The value '{value}' does not exist for the field '{field}'."));
        }
    }
    Ok(Comparison { field, wanted, values })
}

/// A value without its quotes.
fn value(text: &str) -> String {
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).replace("\\\"", "\"").replace("\\\\", "\\")
}

/// The key of the status category called `name`.
fn category(name: &str) -> Option<&'static str> {
    match name.to_lowercase().as_str() {
        "to do" | "new" => Some("new"),
        "in progress" | "indeterminate" => Some("indeterminate"),
        "done" => Some("done"),
        _ => None,
    }
}

/// Whether all of `query` holds for `issue`.
#[must_use]
pub fn finds(query: &[Comparison], issue: &Seen<'_>) -> bool {
    query.iter().all(|one| {
        let is = |have: &str| one.values.iter().any(|value| value.eq_ignore_ascii_case(have));
        let holds = match one.field.as_str() {
            "project" => is(issue.project),
            "issuetype" => is(issue.issue_type),
            "priority" => is(issue.priority),
            "statuscategory" => one.values.iter().any(|value| category(value) == Some(issue.category)),
            _ => issue.labels.iter().any(|label| is(label)),
        };
        holds == one.wanted
    })
}
