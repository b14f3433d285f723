//! A sender that waits for its issue: the request is accepted like any webhook, and
//! answered with what came of it.
//!
//! Nothing here decides or sends. The rules decide, the lane of the tracker sends, and both
//! go on when the sender has been told to come back later. Asking again finds the same.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::config::{CreateDefect, Snapshot, SourceSpec};
use crate::domain::delivery::{Action, Lost, State};
use crate::domain::explain::{Obstacle, Part, explain};
use crate::domain::facts::Facts;
use crate::domain::ids::{DeliveryId, EventId};
use crate::domain::plan::Decision;
use crate::domain::render::{Flavor, Tree, Values};
use crate::domain::rule::Kind;
use crate::domain::stage::Stage;
use crate::domain::trace::{Seen, Working};
use crate::source::RawHook;
use crate::store::{DeliveryFilter, DeliveryRecord, EventRecord, StoreError};

use super::Relay;
use super::asking;
use super::ingest::{Accepted, IngestError};
use super::manage::{Deed, Selection};

/// The most deliveries of one event and rule that are looked through.
const LINE_MAX: usize = 100;

/// How long a stopping relay still waits for the status of an issue: less than the web
/// gives to requests under way.
const STATUS_GRACE: Duration = Duration::from_secs(5);

/// How many declined requests for one result are looked through.
const DECLINED_MAX: usize = 50;

/// What a sender that waited is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// The issue is there: the body of the answer.
    Issue(Value),
    /// The issue is not there yet; it is being created.
    Late {
        /// The event that asks for it.
        event: EventId,
        /// What it waits for, for people, if something is in the way.
        why: Option<String>,
    },
    /// The issue is not there yet, and will not be until somebody mends the tracker's
    /// destination; it waits.
    Held {
        /// The event that asks for it.
        event: EventId,
        /// What the tracker said, for people.
        why: String,
    },
    /// No issue will be created, because of the rules.
    Declined {
        /// The event that asked for it.
        event: EventId,
        /// Why, for people.
        why: String,
    },
    /// The tracker refused the issue for good.
    Failed {
        /// The event that asks for it.
        event: EventId,
        /// Why, for people.
        why: String,
    },
    /// The request was kept but cannot be read or judged.
    Unread {
        /// The event it is kept as.
        event: EventId,
    },
}

/// How a delivery ended for who waits for it.
enum Ended {
    Finished(Box<DeliveryRecord>),
    /// It waits until somebody mends its destination.
    Held(String),
}

/// How far an event has come when its sender is to be answered.
enum Judged {
    Decided(Box<EventRecord>),
    NotYet,
    /// It was kept, and somebody must mend something.
    Unread,
}

impl Relay {
    /// Accepts `hook` as [`Relay::ingest`] does and waits, as long as `wanted` allows, for
    /// the issue that its rule creates. The same request again gives the same issue; one
    /// whose delivery was given up is sent again.
    ///
    /// # Errors
    /// When it is not accepted; then nothing is stored.
    pub async fn create_defect(
        &self,
        source: &SourceSpec,
        wanted: &CreateDefect,
        hook: RawHook,
    ) -> Result<Answered, IngestError> {
        let end = self.shared.clock.elapsed() + wanted.wait;
        let mut accepted = self.ingest(source, hook.clone()).await?;
        let mut event = self.decided(accepted.event, end).await?;
        for _ in 0..DECLINED_MAX {
            let Judged::Decided(record) = &event else { break };
            if !accepted.duplicate || self.line(wanted, record).await?.is_some() {
                break;
            }
            // What the rules declined once they may want by now: they are asked anew.
            accepted = self.ingest_after(source, hook.clone(), record.id).await?;
            event = self.decided(accepted.event, end).await?;
        }
        match event {
            Judged::Decided(record) => Ok(self.answer(wanted, accepted, &record, end).await?),
            Judged::NotYet => {
                let why = "the sender's API is being asked about the test result".to_owned();
                Ok(Answered::Late { event: accepted.event, why: Some(why) })
            }
            Judged::Unread => Ok(Answered::Unread { event: accepted.event }),
        }
    }

    /// The event `id` once it is judged, as far as there is time until `end`.
    async fn decided(&self, id: EventId, end: Duration) -> Result<Judged, StoreError> {
        let stage = self.shared.ledger.event(id).await?.map(|record| record.stage);
        if matches!(stage, Some(Stage::Quarantined | Stage::Broken)) {
            return Ok(Judged::Unread);
        }
        Ok(self.planned(id, self.left(end)).await?.map_or(Judged::NotYet, |record| Judged::Decided(Box::new(record))))
    }

    /// How long it may still take.
    fn left(&self, end: Duration) -> Duration {
        end.saturating_sub(self.shared.clock.elapsed())
    }

    async fn answer(
        &self,
        wanted: &CreateDefect,
        accepted: Accepted,
        event: &EventRecord,
        end: Duration,
    ) -> Result<Answered, StoreError> {
        let Some(mut delivery) = self.line(wanted, event).await? else {
            let snapshot = self.shared.current.load_full();
            return Ok(Answered::Declined { event: event.id, why: declined(&snapshot, wanted, event) });
        };
        let given_up = matches!(delivery.state, State::Dead | State::Dropped);
        if accepted.duplicate && given_up {
            let again = self.manage(&Selection::One(delivery.id), &Deed::Retry).await?;
            if let Some(id) = again.done.first()
                && let Some((fresh, _)) = self.shared.ledger.delivery(*id).await?
            {
                delivery = fresh;
            }
        }
        let who = self.tracker(&delivery.destination);
        let delivery = match self.ended(delivery.id, self.left(end)).await? {
            Some(Ended::Finished(delivery)) => *delivery,
            Some(Ended::Held(why)) => return Ok(Answered::Held { event: event.id, why }),
            None => {
                let latest = self.shared.ledger.delivery(delivery.id).await?;
                let why = latest.and_then(|(delivery, _)| delivery.why);
                let why = why.map(|why| Lost::in_plain_words(&why, &who));
                return Ok(Answered::Late { event: event.id, why });
            }
        };
        if delivery.state == State::Delivered {
            let status = self.present_status(wanted, &delivery, end).await;
            return Ok(match response(wanted, event, &delivery, status) {
                Ok(body) => Answered::Issue(body),
                Err(why) => {
                    let why = format!("the issue is there, but 'response' could not be filled in: {why}");
                    Answered::Failed { event: event.id, why }
                }
            });
        }
        let why = delivery.why.unwrap_or_else(|| format!("the delivery is {}", delivery.state));
        Ok(Answered::Failed { event: event.id, why: Lost::in_plain_words(&why, &who) })
    }

    /// How the delivery `id` ended, as far as there is time `within`.
    async fn ended(&self, id: DeliveryId, within: Duration) -> Result<Option<Ended>, StoreError> {
        let look = || async move {
            let Some((delivery, _)) = self.shared.ledger.delivery(id).await? else { return Ok(None) };
            if delivery.state.is_final() {
                return Ok(Some(Ended::Finished(Box::new(delivery))));
            }
            // One that is in flight may still pass.
            let held = self.lanes.held(&delivery.destination).filter(|_| delivery.state == State::Queued);
            Ok(held.map(Ended::Held))
        };
        self.until(id.0, within, look).await
    }

    /// What the tracker at `destination` is called.
    fn tracker(&self, destination: &str) -> String {
        match self.shared.current.load().destinations.get(destination).map(|spec| spec.kind) {
            Some(Kind::Jira) => "Jira".to_owned(),
            _ => format!("the tracker '{destination}'"),
        }
    }

    /// What the tracker says of the status of the issue, if the answer reads it and there is
    /// time until `end`. An answer is not held back, and no status made up, for a tracker
    /// that does not tell.
    async fn present_status(&self, wanted: &CreateDefect, delivery: &DeliveryRecord, end: Duration) -> Option<String> {
        if self.left(end).is_zero() || !reads_status(&wanted.response) {
            return None;
        }
        let shared = &self.shared;
        let spec = shared.current.load().destinations.get(&*delivery.destination).cloned()?;
        let key = delivery.receipt.as_ref()?.key.as_deref()?;
        spec.adapter.status(key, &[])?;
        let asking = asking::find(shared, &spec, |answers| spec.adapter.status(key, answers));
        let why = tokio::select! {
            found = asking => match found {
                Ok(status) => return Some(status),
                Err((why, _)) => why,
            },
            () = shared.clock.sleep(self.left(end)) => "the sender waits no longer".to_owned(),
            () = self.stopped_for(STATUS_GRACE) => "the relay stops".to_owned(),
        };
        tracing::warn!(destination = &*spec.name, issue = key, why, "the status of an issue is not known");
        None
    }

    /// Waits until the relay has stopped sending since `time`.
    async fn stopped_for(&self, time: Duration) {
        self.shared.drained.cancelled().await;
        self.shared.clock.sleep(time).await;
    }

    /// The delivery that creates the issue for `event`: the last of its line, if it was
    /// sent again.
    async fn line(&self, wanted: &CreateDefect, event: &EventRecord) -> Result<Option<DeliveryRecord>, StoreError> {
        let filter =
            DeliveryFilter { rule: Some(wanted.rule.to_string()), event: Some(event.id), ..DeliveryFilter::default() };
        let all = self.shared.ledger.deliveries(&filter, None, LINE_MAX).await?;
        let creates = |delivery: &&DeliveryRecord| delivery.action == Action::Create;
        // Which tracker answers when the rule creates at several is the rule's order.
        let first = event.verdicts.iter().find(|verdict| verdict.rule == wanted.rule).and_then(|verdict| {
            let Decision::Sent(ids) = &verdict.decision else { return None };
            ids.iter().find_map(|id| all.iter().filter(creates).find(|delivery| delivery.id == *id))
        });
        let Some(first) = first else { return Ok(None) };
        let mut last = first;
        while let Some(next) = all.iter().find(|delivery| delivery.parent == Some(last.id)) {
            last = next;
        }
        Ok(Some(last.clone()))
    }
}

/// The body of the answer.
fn response(
    wanted: &CreateDefect,
    event: &EventRecord,
    delivery: &DeliveryRecord,
    status: Option<String>,
) -> Result<Value, String> {
    let mut values = facts_of(event).values;
    let receipt = delivery.receipt.clone().unwrap_or_default();
    let mut issue: Map<String, Value> =
        receipt.values.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    issue.extend([
        ("key".to_owned(), receipt.key.map_or(Value::Null, Value::from)),
        ("url".to_owned(), receipt.link.map_or(Value::Null, Value::from)),
        ("title".to_owned(), delivery.content.message.title.clone().into()),
        ("destination".to_owned(), delivery.destination.clone().into()),
        ("priority".to_owned(), priority(&delivery.content.fields)),
    ]);
    issue.extend(status.map(|status| ("status".to_owned(), status.into())));
    issue.retain(|_, value| !value.is_null());
    values.insert("issue".to_owned(), Value::Object(issue));
    let values = Values::new(values, String::new(), String::new());
    let body = wanted.response.render(Flavor::Exact, &values)?;
    Ok(body.unwrap_or_else(|| json!({})))
}

/// Whether `response` reads the issue's status.
fn reads_status(response: &Tree) -> bool {
    let mut reads = false;
    response.lines(&mut |line| reads |= line.reads().iter().any(|path| path.iter().take(2).eq(["issue", "status"])));
    reads
}

/// The priority that the rule gives the issue.
fn priority(fields: &Map<String, Value>) -> Value {
    let given = fields.get("priority").cloned().unwrap_or_default();
    given.get("name").cloned().unwrap_or(given)
}

/// The facts of a stored event, with the sender's body.
fn facts_of(event: &EventRecord) -> Facts {
    let mut facts: Facts = serde_json::from_value(event.facts.clone()).unwrap_or_default();
    facts.values.insert("payload".to_owned(), serde_json::from_slice(&event.body).unwrap_or_default());
    facts
}

/// Why the rule creates nothing for `event`, as `relaybell explain` says it.
fn declined(snapshot: &Snapshot, wanted: &CreateDefect, event: &EventRecord) -> String {
    let rule = &wanted.rule;
    if let Some(verdict) = event.verdicts.iter().find(|verdict| verdict.rule == *rule)
        && let Decision::HeldBack { why } = &verdict.decision
    {
        return format!("The rule '{rule}' held the issue back: {why}.");
    }
    let facts = facts_of(event);
    let all = explain(&snapshot.rules, &facts, event.received);
    let Some(explained) = all.iter().find(|explained| explained.rule.name == *rule) else {
        return format!("There is no rule '{rule}' any more.");
    };
    let Some(Obstacle { part, lines }) = explained.obstacle() else {
        return format!(
            "The rule '{rule}' created no issue for this request; `relaybell explain {}` says more.",
            event.id
        );
    };
    let head = if part == Part::Unless { "It excludes" } else { "It needs" };
    let lines: Vec<String> = lines.iter().map(|line| said(line)).collect();
    format!("The rule '{rule}' does not match. {head}: {}.", lines.join(", or "))
}

/// What a line of a rule wants, and the value that it saw.
fn said(line: &Seen) -> String {
    let seen = match (&line.working, &line.value) {
        (Some(Working { failed: Some(why), .. }), _) => why.clone(),
        (Some(_), _) => return line.says.clone(),
        (None, Some((Value::String(text), _))) => text.clone(),
        (None, Some((value, _))) => value.to_string(),
        (None, None) => "missing".to_owned(),
    };
    format!("{}; seen: {seen}", line.says)
}
