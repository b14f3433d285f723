//! `relaybell reconcile`: which webhooks of a source never came, by what its API says happened.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use serde_json::{Value, json};

use crate::config::{ApiSpec, Snapshot, SourceSpec, did_you_mean, whereabouts};
use crate::domain::ask::{Answer, Reply};
use crate::domain::time::Timestamp;
use crate::ports::http::HttpExchange;
use crate::ports::system::SystemClock;
use crate::ports::{Clock, Exchange, Route};
use crate::source::{Happened, Review};
use crate::store::Ledger;

use super::access::{ask_relay, reader, resolved};
use super::output::{Output, counted, plain};
use super::table::table;
use super::{Failure, block_on};

/// How many events are read from the store at once.
const PAGE: usize = 500;
/// The most questions about one project.
const ASKS_MAX: usize = 1000;
/// The most of one answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How often a question is put again, and how long is waited where the API does not say.
const TRIES_MAX: usize = 5;
const PAUSE: Duration = Duration::from_secs(5);
/// What came is looked for from so much before the time on: clocks differ.
const SLACK: Duration = Duration::from_secs(3600);

/// What to compare.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The source; may be left out where there is only one with `api`.
    #[arg(long)]
    source: Option<String>,
    /// How far back: 24h, 7d.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = crate::config::duration)]
    since: Duration,
    /// A project's code; several may be named. By default those of the events that came.
    #[arg(long, value_name = "CODE")]
    project: Vec<String>,
    /// Have the running relay take in what was missed, as if it had come.
    #[arg(long)]
    inject: bool,
    /// Print what was missed as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let snapshot = resolved(config, output)?;
    let (spec, api) = chosen(&snapshot, args.source.as_deref())?;
    let clock = SystemClock::start();
    let since = clock.now().minus(args.since);
    let store = reader(&snapshot.storage)?;
    block_on(async {
        let came = Came::look(&store, &spec.name, since.minus(SLACK)).await?;
        let projects: BTreeSet<String> =
            if args.project.is_empty() { came.projects.clone() } else { args.project.iter().cloned().collect() };
        if projects.is_empty() {
            return Err(Failure::Usage(
                "no event has come lately that would name a project: --project CODE".to_owned(),
            ));
        }
        let mut missed = Vec::new();
        let mut happened = 0;
        for project in &projects {
            let all = ask(&clock, spec, api, project, since).await?;
            happened += all.len();
            missed.extend(all.into_iter().filter(|one| !came.has(one)));
        }
        let taken = if args.inject { inject(config, &spec.name, &missed, output).await? } else { Vec::new() };
        tell(&missed, &taken, args, output)?;
        output.talk(&format!(
            "{} in {} by the API of '{}' since {since}: {} missed{}",
            counted(happened, "event"),
            projects.iter().cloned().collect::<Vec<_>>().join(", "),
            spec.name,
            missed.len(),
            if args.inject { format!(", {} taken in now", taken.len()) } else { String::new() },
        ));
        if missed.is_empty() { Ok(()) } else { Err(Failure::Finding) }
    })?
}

/// The source to compare with its API.
fn chosen<'s>(snapshot: &'s Snapshot, name: Option<&str>) -> Result<(&'s SourceSpec, &'s ApiSpec), Failure> {
    let asked = |spec: &'s std::sync::Arc<SourceSpec>| spec.api.as_ref().map(|api| (spec.as_ref(), api));
    let none = |name: &str| {
        Failure::Usage(format!("source '{name}' has no api: add  api: {{ token: \"${{QASE_API_TOKEN}}\" }}  to it"))
    };
    match name {
        Some(name) => {
            let names = snapshot.sources.keys().map(AsRef::as_ref);
            let spec = snapshot
                .sources
                .get(name)
                .ok_or_else(|| Failure::Usage(format!("there is no source '{name}'{}", did_you_mean(name, names))))?;
            asked(spec).ok_or_else(|| none(name))
        }
        None => {
            let mut all = snapshot.sources.values().filter_map(asked);
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(only),
                (None, _) => Err(Failure::Usage("no source has an api to compare with".to_owned())),
                (Some(_), Some(_)) => Err(Failure::Usage("several sources have an api: --source NAME".to_owned())),
            }
        }
    }
}

/// What came.
struct Came {
    events: BTreeSet<(String, String, String)>,
    projects: BTreeSet<String>,
}

impl Came {
    async fn look(ledger: &dyn Ledger, source: &str, since: Timestamp) -> Result<Self, Failure> {
        let mut came = Self { events: BTreeSet::new(), projects: BTreeSet::new() };
        let mut before = None;
        loop {
            let page = ledger.events(Some(source), before, PAGE).await?;
            let Some(oldest) = page.last() else { return Ok(came) };
            before = Some(oldest.id);
            let over = oldest.received < since;
            for event in page {
                if let (Some(project), Some(subject)) = (event.project, event.subject) {
                    came.projects.insert(project.clone());
                    came.events.insert((event.name, project, subject));
                }
            }
            if over {
                return Ok(came);
            }
        }
    }

    fn has(&self, one: &Happened) -> bool {
        self.events.contains(&(one.event.clone(), one.project.clone(), one.subject.clone()))
    }
}

/// Asks the API what happened in `project`.
async fn ask(
    clock: &SystemClock,
    spec: &SourceSpec,
    api: &ApiSpec,
    project: &str,
    since: Timestamp,
) -> Result<Vec<Happened>, Failure> {
    let exchange = HttpExchange::new()?;
    let route = Route { timeout: api.timeout, proxy: api.proxy.clone(), answer_bytes_max: ANSWER_BYTES_MAX };
    let pace = api.limit.map_or(Duration::ZERO, |limit| limit.per / limit.sends.get());
    let (mut answers, mut failed) = (Vec::new(), 0);
    while answers.len() < ASKS_MAX {
        let ask = match spec.adapter.review(project, since, &answers) {
            Review::Done(happened) => return Ok(happened),
            Review::Ask(ask) => ask,
            Review::Failed { why } => return Err(anyhow!(why).into()),
            Review::Unable => return Err(anyhow!("a source of this kind cannot be compared with its API").into()),
            Review::Later { why, after } => {
                failed += 1;
                if failed >= TRIES_MAX {
                    return Err(anyhow!(why).into());
                }
                clock.sleep(after.unwrap_or(PAUSE)).await;
                answers.pop();
                continue;
            }
        };
        clock.sleep(pace).await;
        answers.push(match exchange.exchange(ask.request, &route).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                Answer::Replied(Reply { status: parts.status.as_u16(), headers: parts.headers, body, at: clock.now() })
            }
            Err(lost) => Answer::Lost(lost),
        });
    }
    Err(anyhow!("{project} has too much to be listed").into())
}

/// Hands what was missed to the running relay, the oldest first; gives what it took in.
async fn inject(
    config: &Path,
    source: &str,
    missed: &[Happened],
    output: &mut Output,
) -> Result<Vec<(usize, String)>, Failure> {
    let mut taken = Vec::new();
    if missed.is_empty() {
        return Ok(taken);
    }
    let place = whereabouts(config).map_err(|_| Failure::Finding)?;
    let holder = crate::store::sqlite::announcement(&place.storage.sqlite).and_then(|holder| holder.address);
    let Some(address) = holder else {
        return Err(anyhow!("no relay runs that could take it in: start it with `relaybell serve`").into());
    };
    for (number, one) in missed.iter().enumerate() {
        let body = json!({
            "source": source,
            "key": format!("reconcile:{}/{}:{}", one.project, one.subject, one.event),
            "body": String::from_utf8_lossy(&one.body),
        });
        let answer = ask_relay(&place, &address, "/api/v1/events/inject", &body).await?;
        match answer.get("event_id").and_then(Value::as_str) {
            Some(id) => taken.push((number, id.to_owned())),
            None => output.talk(&format!("{} {} was not taken in: {answer}", one.event, one.subject)),
        }
    }
    Ok(taken)
}

fn tell(missed: &[Happened], taken: &[(usize, String)], args: &Args, output: &mut Output) -> Result<(), Failure> {
    let id = |number: usize| taken.iter().find(|(at, _)| *at == number).map(|(_, id)| id.as_str());
    if args.json {
        let all: Vec<Value> = missed
            .iter()
            .enumerate()
            .map(|(number, one)| {
                json!({ "event": one.event, "project": one.project, "subject": one.subject, "at": one.at.to_string(),
                    "event_id": id(number) })
            })
            .collect();
        output.data(&serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    if missed.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = missed
        .iter()
        .enumerate()
        .map(|(number, one)| {
            vec![
                one.at.to_string(),
                plain(&one.event),
                plain(&one.project),
                plain(&one.subject),
                id(number).unwrap_or("-").to_owned(),
            ]
        })
        .collect();
    output.data(&table(&["HAPPENED", "EVENT", "PROJECT", "SUBJECT", "TAKEN IN AS"], &rows))?;
    Ok(())
}
