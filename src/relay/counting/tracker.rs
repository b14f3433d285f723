//! Counts the defects that a tracker has: asks it, one query after the other.

use std::time::Duration;

use super::super::Shared;
use crate::config::{DestinationSpec, PROJECT_MARK};
use crate::destination::{ANSWER_BYTES_MAX, ASKS_MAX, Answer, Counting, DefectQueries, Reply};
use crate::domain::defects::Counts;
use crate::ports::Route;

/// Why there is no count, and how long the tracker asked us to wait.
pub(super) type Failure = (String, Option<Duration>);

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
        *number = count(shared, spec, query).await?;
    }
    let [total, open, closed, critical, moderate] = numbers;
    Ok(Counts { total, open, closed, critical, moderate })
}

/// Asks what the adapter wants asked until it knows how many `query` finds.
async fn count(shared: &Shared, spec: &DestinationSpec, query: &str) -> Result<u64, Failure> {
    let route = Route { timeout: spec.timeout, proxy: spec.proxy.clone(), answer_bytes_max: ANSWER_BYTES_MAX };
    let scrub = |why: &str| shared.current.load().scrubber.scrub(why);
    let mut answers = Vec::new();
    while answers.len() < ASKS_MAX {
        let ask = match spec.adapter.count(query, &answers) {
            Some(Counting::Counted(count)) => return Ok(count),
            Some(Counting::Failed { why, after }) => return Err((scrub(&why), after)),
            Some(Counting::Ask(ask)) => ask,
            None => return Err((format!("'{}' cannot count", spec.name), None)),
        };
        answers.push(match shared.exchange.exchange(ask.request, &route).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let (status, at) = (parts.status.as_u16(), shared.clock.now());
                Answer::Replied(Reply { status, headers: parts.headers, body, at })
            }
            Err(lost) => Answer::Lost(lost),
        });
    }
    Err((format!("no end after {ASKS_MAX} requests"), None))
}
