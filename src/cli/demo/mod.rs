//! `relaybell demo`: everything on this machine, to see it work.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use crate::domain::delivery::{Action, State};
use crate::ports::http::HttpExchange;
use crate::standin::{Fault, Received};
use crate::store::DeliveryFilter;
use crate::telemetry::{LogFormat, start_logging};

use super::Failure;
use super::output::{Output, plain};

mod senders;
mod stage;
mod story;

use stage::{SECRET, Stage};
use story::Scene;

/// How long the demo waits for the last messages.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// How often it looks for new messages.
const LOOK: Duration = Duration::from_millis(50);
/// How long the stand-in of Slack asks the relay to wait, once, in seconds.
const SLACK_PAUSE: &str = "2";

/// `relaybell demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// End after the story with a summary; exit 0 when everything arrived.
    #[arg(long)]
    once: bool,
    /// How many seconds the day takes.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Where to listen, if it is free.
    #[arg(long, default_value_t = 8480)]
    port: u16,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    start_logging(LogFormat::Text, "relaybell=error")
        .map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(play(args, output))
}

async fn play(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let stage = Stage::set(args.port).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = tokio::select! {
        ended = perform(args, &stage, output) => ended,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Failure::from),
        _ = terminate.recv() => Ok(()),
    };
    stage.clear().await?;
    ended
}

/// Plays the day; then sums up, or goes on serving for ever.
async fn perform(args: &Args, stage: &Stage, output: &mut Output) -> Result<(), Failure> {
    let mut theatre = Theatre::new(stage)?;
    introduce(stage, output)?;
    let day = story::day();
    let scenes = u32::try_from(day.len()).unwrap_or(u32::MAX).max(1);
    let pause = Duration::from_secs(args.seconds) / scenes;
    if let Some(slack) = stage.players.first() {
        let headers = vec![("retry-after".to_owned(), SLACK_PAUSE.to_owned())];
        slack.standin.script(vec![Fault::Status { code: 429, headers, body: "rate_limited".to_owned() }]);
    }
    for (number, scene) in day.iter().enumerate() {
        let (by, told) = (scene.by.title(), plain(&scene.told));
        output.data(&format!("{} {by}  {told}   [{}/{scenes}]", scene.at, number + 1))?;
        theatre.send(stage, scene, output).await?;
        theatre.watch(pause, output).await?;
    }
    let samples = story::every_sample();
    output.data(&format!("17:00 Qase  every sample webhook of its documentation, {} of them", samples.len()))?;
    for scene in &samples {
        theatre.send(stage, scene, output).await?;
    }
    theatre.drain(stage, output).await?;
    let complete = theatre.sum_up(stage, output).await?;
    if args.once {
        return if complete { Ok(()) } else { Err(Failure::Finding) };
    }
    invite(stage, output)?;
    loop {
        theatre.watch(LOOK, output).await?;
    }
}

fn introduce(stage: &Stage, output: &mut Output) -> Result<(), Failure> {
    output.data("Relaybell demo: a day of a web shop's QA.")?;
    output.data(&format!(
        "The relay listens on http://{}; its rules and templates are the shipped ones, and a few\nfor UiPath and a CI.",
        stage.address
    ))?;
    output.data("These stand-ins speak the vendors' protocols and refuse what the vendors refuse:")?;
    for player in &stage.players {
        output.data(&format!("  {:<20} http://{}", player.title, player.standin.address()))?;
    }
    output.data(&format!("  {:<20} http://{}", "UiPath Test Manager", stage.manager.address()))?;
    output.data("Slack will once ask the relay to wait. Nothing gets lost by that.\n")?;
    Ok(())
}

fn invite(stage: &Stage, output: &mut Output) -> Result<(), Failure> {
    let body = r#"{"event_name":"defect.created","timestamp":1789400000,"payload":{"id":900,"title":"My own blocker","severity":"blocker","actual_result":"It does not work."},"team_member_id":1,"project_code":"SHOP"}"#;
    output.data("\nThe relay goes on serving until Ctrl-C. Send an event yourself from another terminal:\n")?;
    output.data(&format!(
        "  curl -sS http://{}/hooks/qase -H 'X-Qase-Secret: {SECRET}' -H 'Content-Type: application/json' -d '{body}'\n",
        stage.address
    ))?;
    output.data(&format!(
        "Its files are in {}; edit a rule there and send it again with another id.",
        stage.folder.path().display()
    ))?;
    Ok(())
}

/// One event that was sent: what was told, its id, and who had to be told.
struct Sent {
    told: String,
    event: String,
    expects: Option<Vec<&'static str>>,
}

/// Sends scenes and shows what arrives.
struct Theatre {
    client: HttpExchange,
    news: Vec<(&'static str, broadcast::Receiver<Received>)>,
    sent: Vec<Sent>,
}

impl Theatre {
    fn new(stage: &Stage) -> anyhow::Result<Self> {
        let news = stage.players.iter().map(|player| (player.title, player.standin.subscribe())).collect();
        Ok(Self { client: HttpExchange::new()?, news, sent: Vec::new() })
    }

    /// Sends one webhook as its sender would; it must be accepted.
    async fn send(&mut self, stage: &Stage, scene: &Scene, output: &mut Output) -> Result<(), Failure> {
        let taken = scene.by.send(stage, &self.client, &scene.body).await.with_context(|| scene.told.clone())?;
        if let Some(answer) = taken.answer {
            output.data(&format!("      ← {} is answered: {}", scene.by.title(), plain(&answer)))?;
        }
        self.sent.push(Sent { told: scene.told.clone(), event: taken.event, expects: scene.expects.clone() });
        Ok(())
    }

    /// Shows what arrives during `time`.
    async fn watch(&mut self, time: Duration, output: &mut Output) -> Result<(), Failure> {
        let looks = (time.as_millis() / LOOK.as_millis()).max(1);
        for _ in 0..looks {
            tokio::time::sleep(LOOK.min(time)).await;
            self.show(output)?;
        }
        Ok(())
    }

    /// Shows what has arrived.
    fn show(&mut self, output: &mut Output) -> Result<(), Failure> {
        for (title, news) in &mut self.news {
            loop {
                match news.try_recv() {
                    Ok(received) => show_one(title, &received, output)?,
                    Err(TryRecvError::Lagged(missed)) => {
                        output.talk(&format!("({missed} messages to {title} came too fast to be shown)"));
                    }
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
        }
        Ok(())
    }

    /// Waits until nothing is unfinished any more.
    async fn drain(&mut self, stage: &Stage, output: &mut Output) -> Result<(), Failure> {
        let looks = DRAIN_MAX.as_millis() / LOOK.as_millis();
        for _ in 0..looks {
            self.watch(LOOK, output).await?;
            let depths = stage.relay.shared.ledger.depths().await?;
            if depths.iter().all(|depth| depth.unfinished == 0) {
                break;
            }
        }
        self.show(output)
    }

    /// Tells what happened, and whether everything arrived that had to.
    async fn sum_up(&self, stage: &Stage, output: &mut Output) -> Result<bool, Failure> {
        let ledger = &stage.relay.shared.ledger;
        let mut problems = Vec::new();
        for sent in &self.sent {
            let filter = DeliveryFilter { event: Some(sent.event.parse()?), ..DeliveryFilter::default() };
            let deliveries = ledger.deliveries(&filter, None, 100).await?;
            if let Some(expected) = &sent.expects {
                let mut told: Vec<&str> = deliveries.iter().map(|delivery| delivery.destination.as_str()).collect();
                told.sort_unstable();
                if told != *expected {
                    problems.push(format!("{}: told {told:?}, should have told {expected:?}", sent.told));
                }
            }
        }
        let all = ledger.deliveries(&DeliveryFilter::default(), None, 100_000).await?;
        let mut by_destination: BTreeMap<&str, usize> = BTreeMap::new();
        let mut issues = BTreeSet::new();
        for delivery in &all {
            // A conversation has one issue, whoever asks for it.
            if delivery.action != Action::Create || issues.insert((&delivery.destination, &delivery.conversation)) {
                *by_destination.entry(delivery.destination.as_str()).or_default() += 1;
            }
            if delivery.state != State::Delivered {
                problems.push(format!(
                    "{} to {} is {}: {}",
                    delivery.content.message.title,
                    delivery.destination,
                    delivery.state,
                    delivery.why.as_deref().unwrap_or("no reason")
                ));
            }
        }
        output.data(&format!("\n{} events accepted", self.sent.len()))?;
        for player in &stage.players {
            let expected = by_destination.get(player.destination).copied().unwrap_or_default();
            // An emoji and a step of the workflow come with a message.
            let beside = |received: &Received| matches!(received.kind, "transition" | "reactions.add");
            let received = player.standin.received().iter().filter(|received| !beside(received)).count();
            let refused = player.standin.refused();
            output.data(&format!("{received:>4} messages in {}", player.title))?;
            if received != expected || received == 0 {
                problems.push(format!("{} received {received} messages, {expected} were to come", player.title));
            }
            problems.extend(refused.iter().map(|why| format!("{} refused a message: {why}", player.title)));
        }
        problems.extend(stage.manager.refused().iter().map(|why| format!("Test Manager's API refused: {why}")));
        for problem in &problems {
            output.talk(&format!("problem: {}", plain(problem)));
        }
        output.data(match problems.len() {
            0 => "Everything arrived, once and in order.",
            _ => "Not everything went as it should.",
        })?;
        Ok(problems.is_empty())
    }
}

fn show_one(title: &str, received: &Received, output: &mut Output) -> Result<(), Failure> {
    output.data(&format!("      → {title}"))?;
    for line in received.as_text.lines() {
        output.data(&format!("        {}", plain(line)))?;
    }
    Ok(())
}
