//! `relaybell events replan`: has events read and planned again.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::config::Whereabouts;
use crate::ports::system::{SystemClock, ThreadDice};
use crate::relay::replan::{Doors, replan};
use crate::store::Ledger;
use crate::web::api::{SelectedEvents, replanned_json};

use super::super::access::{Changer, ask_relay, changer, reader, snapshot};
use super::super::output::Output;
use super::super::{Failure, block_on};
use super::find;

/// Which events.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The id of a quarantined or broken event, or the beginning of it.
    id: Option<String>,
    /// All that could not be read (quarantined).
    #[arg(long)]
    quarantined: bool,
    /// All whose planning failed (broken).
    #[arg(long)]
    broken: bool,
    /// Of those, only those of this source.
    #[arg(long)]
    source: Option<String>,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, place: &Whereabouts, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let done = block_on(change(config, place, args, output))??;
    tell(&done, args.json, output)
}

/// Through the running relay, or directly; then the next one that is started decides.
async fn change(config: &Path, place: &Whereabouts, args: &Args, output: &mut Output) -> Result<Value, Failure> {
    let mut selected = SelectedEvents {
        id: args.id.clone(),
        quarantined: args.quarantined,
        broken: args.broken,
        source: args.source.clone(),
    };
    if selected.id.is_none() {
        selected.chosen().map_err(|why| Failure::Usage(format!("{why}, as in --quarantined")))?;
    }
    let changer = changer(place)?;
    let reading: Arc<dyn Ledger> = match &changer {
        Changer::Store(store) => store.clone(),
        Changer::Relay(_) => Arc::new(reader(&place.storage)?),
    };
    if let Some(id) = &args.id {
        selected.id = Some(find(reading.as_ref(), id).await?.to_string());
    }
    let chosen = selected.chosen().map_err(Failure::Usage)?;
    match changer {
        Changer::Relay(address) => {
            Ok(ask_relay(place, &address, "/api/v1/events/replan", &serde_json::to_value(&selected)?).await?)
        }
        Changer::Store(store) => {
            let snapshot = snapshot(config, output)?;
            let clock = SystemClock::start();
            let doors = Doors {
                store: store.as_ref(),
                ledger: store.as_ref(),
                clock: &clock,
                dice: &ThreadDice,
                snapshot: &snapshot,
            };
            Ok(replanned_json(&replan(&doors, None, &chosen).await?))
        }
    }
}

fn tell(done: &Value, json: bool, output: &mut Output) -> Result<(), Failure> {
    let list = |name: &str| done.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let (planned, awaiting, refused) = (list("done"), list("awaiting"), list("refused"));
    if json {
        output.data(&serde_json::to_string_pretty(done)?)?;
    } else {
        for id in planned.iter().filter_map(Value::as_str) {
            output.data(id)?;
        }
    }
    for one in &refused {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        output.talk(&text("why"));
    }
    let later = match awaiting.len() {
        0 => String::new(),
        some => format!(" ({some} of them once the relay runs or a look-up is through)"),
    };
    output.talk(&format!("{} planned again{later}, {} refused", planned.len(), refused.len()));
    if refused.is_empty() { Ok(()) } else { Err(Failure::Finding) }
}
