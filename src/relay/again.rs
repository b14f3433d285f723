//! Reading and planning stored events again: those that were quarantined, those whose
//! planning broke, and those that awaited a look-up.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use crate::config::{Snapshot, SourceSpec};
use crate::domain::event::{Event, Report};
use crate::domain::facts::Facts;
use crate::domain::memory::Known;
use crate::domain::plan::{Arrival, Decision, LookedUp, PLANNING, Plan, Verdict, plan_broken, plan_looked_up};
use crate::domain::stage::Stage;
use crate::source::{ByHand, Malformed, RawHook};
use crate::store::EventRecord;

use super::ingest::{hastened, panic_text};

/// What the webhook of a stored event reports, read with the present configuration.
///
/// # Errors
/// When it cannot be read (any more).
pub(super) fn read(spec: &SourceSpec, record: &EventRecord) -> Result<Vec<Report>, Malformed> {
    let hook = RawHook::restored(&record.headers, Bytes::from(record.body.clone()));
    catch_unwind(AssertUnwindSafe(|| ByHand(spec.adapter.as_ref()).read(hook)))
        .unwrap_or_else(|panic| Err(Malformed::kept(format!("reading failed: {}", panic_text(panic.as_ref())))))
}

/// The one of `reports` that `record` was made of.
pub(super) fn own(reports: Vec<Report>, record: &EventRecord) -> Option<Report> {
    let place = reports.iter().position(|report| report.dedup == record.dedup).or_else(|| {
        let same = |report: &Report| report.event == record.name && report.subject == record.subject;
        reports.iter().position(same)
    });
    place.and_then(|place| reports.into_iter().nth(place))
}

/// `report` as it came in with the stored event.
pub(super) fn arrival(record: &EventRecord, report: Report, snapshot: &Snapshot) -> Arrival {
    Arrival {
        id: record.id,
        source: record.source.as_str().into(),
        report,
        body: Bytes::from(record.body.clone()),
        received: record.received,
        revision: snapshot.revision.clone(),
    }
}

/// The stored event as a plan that decides nothing, for when its webhook cannot be read again.
pub(super) fn as_seen(record: &EventRecord, snapshot: &Snapshot) -> Plan {
    let facts: Facts = serde_json::from_value(record.facts.clone()).unwrap_or_default();
    Plan {
        event: Event {
            id: record.id,
            source: record.source.as_str().into(),
            name: record.name.clone(),
            project: record.project.clone(),
            subject: record.subject.clone(),
            time: record.time,
            received: record.received,
            facts,
        },
        body: Bytes::from(record.body.clone()),
        dedup: record.dedup.clone(),
        stage: Stage::Decided,
        headers: record.headers.clone(),
        revision: snapshot.revision.clone(),
        memory: None,
        verdicts: Vec::new(),
        deliveries: Vec::new(),
        template_failures: Vec::new(),
    }
}

/// Plans after a look-up; a panic in planning (a bug) becomes a broken plan.
pub(super) fn guarded_plan(arrival: &Arrival, found: &LookedUp, known: &Known, snapshot: &Snapshot) -> Plan {
    let plan = || plan_looked_up(arrival.clone(), found, known, &snapshot.rules, &snapshot.templates);
    catch_unwind(AssertUnwindSafe(|| hastened(plan(), snapshot)))
        .unwrap_or_else(|panic| plan_broken(arrival, format!("planning failed: {}", panic_text(panic.as_ref()))))
}

/// The same for one whose facts stay as they were seen.
pub(super) fn guarded_as_seen(record: &EventRecord, snapshot: &Snapshot, why: &str) -> Plan {
    use crate::domain::plan::plan_as_seen;
    let plan = || plan_as_seen(as_seen(record, snapshot), why.to_owned(), &snapshot.rules, &snapshot.templates);
    catch_unwind(AssertUnwindSafe(plan)).unwrap_or_else(|panic| {
        let why = format!("planning failed: {}", panic_text(panic.as_ref()));
        let verdict = Verdict { rule: PLANNING.into(), decision: Decision::Broken { why }, notes: Vec::new() };
        Plan { stage: Stage::Broken, verdicts: vec![verdict], ..as_seen(record, snapshot) }
    })
}
