//! Counts the defects that a tracker has: asks it, one query after the other.

use super::super::Shared;
use super::super::asking::{self, Failure};
use crate::config::{DestinationSpec, PROJECT_MARK};
use crate::destination::DefectQueries;
use crate::domain::defects::Counts;

/// The queries for `project`: those configured, else the tracker's own.
pub(super) fn queries_of(configured: &[Option<String>; 5], own: &DefectQueries, project: &str) -> [String; 5] {
    let within = project.replace('\\', "\\\\").replace('"', "\\\"");
    let mut queries = own.queries.clone();
    for (query, configured) in queries.iter_mut().zip(configured) {
        if let Some(configured) = configured {
            *query = configured.replace(PROJECT_MARK, &within);
        }
    }
    queries
}

/// How many issues each of `queries` finds.
pub(super) async fn count_all(
    shared: &Shared,
    spec: &DestinationSpec,
    queries: &[String; 5],
) -> Result<Counts, Failure> {
    let mut numbers = [0; 5];
    for (number, query) in numbers.iter_mut().zip(queries) {
        *number = asking::find(shared, spec, |answers| spec.adapter.count(query, answers)).await?;
    }
    let [total, open, closed, critical, moderate] = numbers;
    Ok(Counts { total, open, closed, critical, moderate })
}
