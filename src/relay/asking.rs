//! Asks a destination something that leaves nothing behind, outside of its lane.

use std::time::Duration;

use super::Shared;
use crate::config::DestinationSpec;
use crate::destination::{ANSWER_BYTES_MAX, ASKS_MAX, Answer, Finding, Reply};
use crate::ports::Route;

/// Why nothing was found out, for people, and how long the destination asked us to wait.
pub(super) type Failure = (String, Option<Duration>);

/// Asks what `step` wants asked until it has found out; `step` gives `None` where the
/// destination cannot tell.
pub(super) async fn find<T>(
    shared: &Shared,
    spec: &DestinationSpec,
    step: impl Fn(&[Answer]) -> Option<Finding<T>>,
) -> Result<T, Failure> {
    let route = Route { timeout: spec.timeout, proxy: spec.proxy.clone(), answer_bytes_max: ANSWER_BYTES_MAX };
    let scrub = |why: &str| shared.current.load().scrubber.scrub(why);
    let mut answers = Vec::new();
    while answers.len() < ASKS_MAX {
        let ask = match step(&answers) {
            Some(Finding::Found(found)) => return Ok(found),
            Some(Finding::Failed { why, after }) => return Err((scrub(&why), after)),
            Some(Finding::Ask(ask)) => ask,
            None => return Err((format!("'{}' cannot tell", spec.name), None)),
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
