//! `relaybell deliveries`: what goes out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::delivery::State;
use crate::domain::ids::DeliveryId;
use crate::domain::priority::Priority;
use crate::ports::Clock;
use crate::ports::system::SystemClock;
use crate::relay::manage::{Deed, manage};
use crate::store::{AttemptRecord, DeliveryFilter, DeliveryRecord, Hold, Ledger};
use crate::web::api::{Selected, as_json};

use super::access::{Changer, ask_relay, changer, configuration, reader};
use super::output::{Output, at_least_one, plain};
use super::table::table;
use super::{Failure, block_on, events};

/// The most ids shown when a prefix fits several.
const CANDIDATES_MAX: usize = 5;

/// `relaybell deliveries`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List deliveries, the newest first.
    List {
        #[command(flatten)]
        filter: Filter,
        /// How many.
        #[arg(long, default_value = "20", value_parser = at_least_one)]
        limit: usize,
        /// Print them as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one delivery: what is sent and every attempt.
    Show {
        /// Its id, or the beginning of it.
        id: String,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Send again: one delivery, or all that the filter lets through.
    ///
    /// An unfinished delivery is tried at once. A finished one is not changed: a new
    /// delivery that names it is made.
    Retry {
        /// Its id, or the beginning of it.
        id: Option<String>,
        #[command(flatten)]
        filter: Filter,
        /// Print what was done as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Drop: one delivery, or all that the filter lets through. It is kept and shown, but
    /// not sent.
    Drop {
        /// Its id, or the beginning of it.
        id: Option<String>,
        #[command(flatten)]
        filter: Filter,
        /// Why, for whoever looks at it later.
        #[arg(long, default_value = "dropped by hand")]
        reason: String,
        /// Print what was done as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Which deliveries.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Filter {
    /// In this state: queued, sending, delivered, dead or dropped.
    #[arg(long, value_parser = state)]
    state: Option<State>,
    /// To this destination.
    #[arg(long)]
    destination: Option<String>,
    /// By this rule.
    #[arg(long)]
    rule: Option<String>,
    /// Of this event.
    #[arg(long, value_name = "ID")]
    event: Option<String>,
    /// Made within this time: 30m, 24h, 7d.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Duration>,
}

fn state(word: &str) -> Result<State, String> {
    let words: Vec<&str> = State::WORDS.iter().map(|(word, _)| *word).collect();
    State::from_word(word).ok_or_else(|| format!("one of {}", words.join(", ")))
}

fn time(text: &str) -> Result<Duration, String> {
    crate::config::duration(text)
}

impl Filter {
    async fn resolve(&self, ledger: &dyn Ledger) -> Result<DeliveryFilter, Failure> {
        let event = match &self.event {
            Some(id) => Some(super::events::find(ledger, id).await?),
            None => None,
        };
        Ok(DeliveryFilter {
            state: self.state,
            destination: self.destination.clone(),
            rule: self.rule.clone(),
            event,
            since: self.since.map(|time| SystemClock::start().now().minus(time)),
        })
    }
}

pub(super) fn run(config: &Path, command: &Command, output: &mut Output) -> Result<(), Failure> {
    let place = configuration(config, output)?;
    match command {
        Command::List { filter, limit, json } => {
            let store = reader(&place.storage)?;
            let (deliveries, held) = block_on(async {
                let filter = filter.resolve(&store).await?;
                Ok::<_, Failure>((store.deliveries(&filter, None, *limit).await?, store.held().await?))
            })??;
            list(&deliveries, &held, *json, output)
        }
        Command::Show { id, json } => {
            let store = reader(&place.storage)?;
            block_on(show(&store, id, *json, output))?
        }
        Command::Retry { id, filter, json } => {
            let deed = Deed::Retry;
            block_on(change(&place, id.as_deref(), filter, &deed, *json, output))?
        }
        Command::Drop { id, filter, reason, json } => {
            let deed = Deed::Drop { why: reason.clone() };
            block_on(change(&place, id.as_deref(), filter, &deed, *json, output))?
        }
    }
}

fn list(deliveries: &[DeliveryRecord], held: &[Hold], json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        let all: Vec<Value> = deliveries.iter().map(summary).collect();
        output.data(&serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    if deliveries.is_empty() {
        output.talk("no such deliveries");
        return Ok(());
    }
    output.data(&rows(deliveries, held))?;
    for hold in held {
        output.talk(&format!("{} is held since {}: {}", hold.destination, hold.since, plain(&hold.why)));
    }
    Ok(())
}

/// A table of deliveries. Unfinished ones of held destinations are shown as held.
pub(super) fn rows(deliveries: &[DeliveryRecord], held: &[Hold]) -> String {
    let rows: Vec<Vec<String>> = deliveries
        .iter()
        .map(|delivery| {
            let is_held = held.iter().any(|hold| *hold.destination == *delivery.destination);
            let state = if is_held && !delivery.state.is_final() { "held" } else { delivery.state.word() };
            vec![
                delivery.id.to_string(),
                delivery.created.to_string(),
                state.to_owned(),
                delivery.attempts.to_string(),
                delivery.destination.clone(),
                delivery.rule.clone(),
                delivery.action.word().to_owned(),
                plain(&delivery.content.message.title),
            ]
        })
        .collect();
    table(&["ID", "CREATED", "STATE", "TRIES", "DESTINATION", "RULE", "ACTION", "TITLE"], &rows)
}

/// A delivery as JSON, without what is sent.
pub(super) fn summary(delivery: &DeliveryRecord) -> Value {
    json!({
        "id": delivery.id.to_string(),
        "event": delivery.event.to_string(),
        "rule": delivery.rule,
        "destination": delivery.destination,
        "conversation": delivery.conversation,
        "action": delivery.action,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created": delivery.created.to_string(),
        "at": delivery.at.to_string(),
        "why": delivery.why,
        "possible_duplicate": delivery.unsure,
        "priority": delivery.priority.word(),
        "expires": delivery.expires.map(|at| at.to_string()),
        "receipt": delivery.receipt,
        "parent": delivery.parent.map(|id| id.to_string()),
        "title": delivery.content.message.title,
    })
}

async fn find(ledger: &dyn Ledger, prefix: &str) -> Result<DeliveryId, Failure> {
    if let Ok(id) = prefix.parse() {
        return Ok(id);
    }
    let (_, deliveries) = ledger.ids_like(prefix, CANDIDATES_MAX).await?;
    events::the_one(prefix, ("delivery", "deliveries"), &deliveries)
}

async fn show(ledger: &dyn Ledger, id: &str, json: bool, output: &mut Output) -> Result<(), Failure> {
    let id = find(ledger, id).await?;
    let Some((delivery, attempts)) = ledger.delivery(id).await? else {
        return Err(anyhow::anyhow!("there is no delivery {id}; it may be older than storage.keep").into());
    };
    if json {
        let mut whole = summary(&delivery);
        whole["key"] = delivery.key.as_str().into();
        whole["content"] = serde_json::to_value(&delivery.content)?;
        whole["attempt_log"] = attempts.iter().map(attempt_json).collect();
        output.data(&serde_json::to_string_pretty(&whole)?)?;
        return Ok(());
    }
    let lines = [
        ("delivery", delivery.id.to_string()),
        ("event", delivery.event.to_string()),
        ("rule", delivery.rule.clone()),
        ("destination", delivery.destination.clone()),
        ("action", delivery.action.word().to_owned()),
        ("conversation", plain(&delivery.conversation)),
        ("state", delivery.state.word().to_owned()),
        ("created", delivery.created.to_string()),
        (if delivery.state.is_final() { "finished" } else { "due" }, delivery.at.to_string()),
        ("priority", if delivery.priority == Priority::Normal { String::new() } else { delivery.priority.to_string() }),
        ("of use until", delivery.expires.map(|at| at.to_string()).unwrap_or_default()),
        ("why", delivery.why.as_deref().map(plain).unwrap_or_default()),
        (
            "repeated?",
            if delivery.unsure {
                "an attempt got no answer: the message may be there twice".to_owned()
            } else {
                String::new()
            },
        ),
        ("sends again", delivery.parent.map(|id| id.to_string()).unwrap_or_default()),
        ("known as", delivery.receipt.as_ref().and_then(|receipt| receipt.key.clone()).unwrap_or_default()),
        ("link", delivery.receipt.as_ref().and_then(|receipt| receipt.link.clone()).unwrap_or_default()),
        (
            "taken",
            if delivery.receipt.as_ref().is_some_and(|receipt| receipt.accepted_only) {
                "by the workflow, which posts it to Teams by itself".to_owned()
            } else {
                String::new()
            },
        ),
        ("remark", delivery.receipt.as_ref().and_then(|receipt| receipt.note.clone()).unwrap_or_default()),
        ("title", plain(&delivery.content.message.title)),
    ];
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        output.data(&format!("{name:<13} {value}"))?;
    }
    if !attempts.is_empty() {
        output.data("\nattempts")?;
        let rows: Vec<Vec<String>> = attempts
            .iter()
            .map(|attempt| {
                vec![
                    format!("  {}", attempt.number),
                    attempt.began.to_string(),
                    format!("{} ms", attempt.took.as_millis()),
                    plain(&attempt.account),
                ]
            })
            .collect();
        output.data(&table(&["  TRY", "BEGAN", "TOOK", "WHAT HAPPENED"], &rows))?;
    }
    Ok(())
}

fn attempt_json(attempt: &AttemptRecord) -> Value {
    json!({
        "number": attempt.number,
        "began": attempt.began.to_string(),
        "took_ms": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
        "account": attempt.account,
    })
}

/// Sends again or drops, through the running relay or directly.
async fn change(
    place: &crate::config::Whereabouts,
    id: Option<&str>,
    filter: &Filter,
    deed: &Deed,
    json: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    let changer = changer(place)?;
    let reading: Arc<dyn Ledger> = match &changer {
        Changer::Store(store) => store.clone(),
        Changer::Relay(_) => Arc::new(reader(&place.storage)?),
    };
    let chosen = filter.resolve(reading.as_ref()).await?;
    let mut selected = Selected {
        id: None,
        state: chosen.state,
        destination: chosen.destination,
        rule: chosen.rule,
        event: chosen.event.map(|id| id.to_string()),
        since: chosen.since,
        reason: None,
    };
    if let Some(id) = id {
        if selected != Selected::default() {
            return Err(Failure::Usage("name one delivery or a filter, not both".to_owned()));
        }
        selected.id = Some(find(reading.as_ref(), id).await?.to_string());
    }
    let selection = selected.selection().map_err(|why| Failure::Usage(format!("{why}, as in --state dead")))?;
    let done = match changer {
        Changer::Store(store) => {
            let now = SystemClock::start().now();
            let (managed, _) = manage(store.as_ref(), store.as_ref(), &selection, deed, now).await?;
            as_json(&managed)
        }
        Changer::Relay(address) => {
            let path = match deed {
                Deed::Retry => "/api/v1/deliveries/retry",
                Deed::Drop { why } => {
                    selected.reason = Some(why.clone());
                    "/api/v1/deliveries/drop"
                }
            };
            ask_relay(place, &address, path, &serde_json::to_value(&selected)?).await?
        }
    };
    tell(&done, deed, json, output)
}

fn tell(done: &Value, deed: &Deed, json: bool, output: &mut Output) -> Result<(), Failure> {
    if json {
        output.data(&serde_json::to_string_pretty(done)?)?;
    }
    let list = |name: &str| done.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let (acted, refused) = (list("done"), list("refused"));
    if !json {
        for id in acted.iter().filter_map(Value::as_str) {
            output.data(id)?;
        }
    }
    for one in &refused {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        output.talk(&format!("{}: {}", text("id"), text("why")));
    }
    let what = match deed {
        Deed::Retry => "will be sent",
        Deed::Drop { .. } => "dropped",
    };
    output.talk(&format!("{} {what}, {} refused", acted.len(), refused.len()));
    if refused.is_empty() { Ok(()) } else { Err(Failure::Finding) }
}
