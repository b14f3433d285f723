//! `relaybell send-test`: whether a destination works, by the way that deliveries go.

use std::path::Path;

use anyhow::anyhow;
use serde_json::{Value, json};

use crate::config::{DestinationSpec, Snapshot, did_you_mean};
use crate::domain::delivery::{Action, Outcome, Receipt};
use crate::domain::how::How;
use crate::domain::message::{CONTENT_VERSION, Content, Message};
use crate::domain::rule::Kind;
use crate::ports::http::HttpExchange;
use crate::ports::system::{SystemClock, ThreadDice};
use crate::ports::{Clock, Dice};
use crate::relay::account::Account;
use crate::relay::converse::{Doors, converse};

use super::access::resolved;
use super::explain::case;
use super::output::{Output, plain};
use super::{Failure, block_on, rehearsal};

/// The event that a template is tried on when none is named.
const SAMPLE: &str = "defect.created";

/// `relaybell send-test`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The destination.
    destination: String,
    /// Send what this template makes of an event; by default a few words.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// The event: a stored id or its beginning, a file, a sample (defect.created), or -.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    #[command(flatten)]
    whence: case::Whence,
    /// At a tracker, really create an issue. Without it, it is only asked whether one could be.
    #[arg(long)]
    create: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let snapshot = resolved(config, output)?;
    let name = args.destination.as_str();
    let Some(spec) = snapshot.destinations.get(name) else {
        let meant = did_you_mean(name, snapshot.destinations.keys().map(AsRef::as_ref));
        return Err(Failure::Usage(format!("there is no destination '{name}'{meant}")));
    };
    let clock = SystemClock::start();
    let content = content(&snapshot, spec, args, &clock, output)?;
    let job = rehearsal::job(name, rehearsal::usual(spec.adapter.as_ref()), content, clock.now(), ThreadDice.bytes());
    let creates = job.action == Action::Create && !args.create;
    let only_asked = creates && spec.adapter.question(&[]).is_some();
    if creates && !only_asked {
        let help =
            format!("{name} creates something and cannot be asked without: to create it for a test, say --create");
        return Err(Failure::Usage(help));
    }
    let exchange = HttpExchange::new()?;
    let mut account = Account::default();
    let doors = Doors { exchange: &exchange, clock: &clock };
    let step = |answers: &[crate::destination::Answer]| match only_asked {
        true => spec.adapter.question(answers).unwrap_or_else(|| spec.adapter.step(&job, answers)),
        false => spec.adapter.step(&job, answers),
    };
    let (outcome, _) = block_on(converse(doors, spec, step, &mut account))?;
    let asked = account.lines(&snapshot.scrubber);
    let told = told(spec, &outcome, only_asked);
    let told = snapshot.scrubber.scrub(&told);
    let good = matches!(outcome, Outcome::Delivered(_));
    if args.json {
        let receipt = match &outcome {
            Outcome::Delivered(receipt) => receipt.clone(),
            _ => Receipt::default(),
        };
        let whole: Value = json!({
            "destination": name, "kind": spec.kind.word(), "ok": good, "asked": asked, "result": told,
            "key": receipt.key, "link": receipt.link, "created": good && !only_asked,
        });
        output.data(&serde_json::to_string_pretty(&whole)?)?;
    } else {
        output.data(&format!("{name} ({})", spec.kind.word()))?;
        for line in &asked {
            output.data(&format!("  {}", plain(line)))?;
        }
        output.data(&format!("  {}", plain(&told)))?;
        if good && only_asked {
            output.talk("Nothing was created. To create an issue for a test, say --create.");
        }
    }
    if good { Ok(()) } else { Err(Failure::Finding) }
}

/// What is sent, marked as a test.
fn content(
    snapshot: &Snapshot,
    spec: &DestinationSpec,
    args: &Args,
    clock: &dyn Clock,
    output: &mut Output,
) -> Result<Content, Failure> {
    let mut content = if args.template.is_none() && args.event.is_none() {
        let message = rehearsal::hello(&spec.name, clock.now());
        Content {
            v: CONTENT_VERSION,
            message,
            fields: serde_json::Map::new(),
            how: How::default(),
            body: None,
            facts: serde_json::Map::new(),
        }
    } else {
        let word = args.event.as_deref().unwrap_or(SAMPLE);
        let case = case::find_one(snapshot, word, &args.whence, output)?;
        let template = args.template.as_deref().unwrap_or(rehearsal::BUILT_IN);
        rehearsal::content(snapshot, template, spec.kind, &spec.adapter.reads(), &case.facts)?
    };
    if content.body.is_some() {
        return Err(anyhow!(
            "'{}' has a body of its own for {}, which cannot be marked as a test; see it with `relaybell render {} … --to {}`",
            args.template.as_deref().unwrap_or_default(),
            spec.kind.word(),
            args.template.as_deref().unwrap_or_default(),
            spec.name
        )
        .into());
    }
    let title = format!("[Test] {}", content.message.title);
    let remark = Some("A test by `relaybell send-test`: nothing happened.".to_owned());
    content.message = Message { title, remark, ..content.message };
    Ok(content)
}

/// What became of it, in a sentence.
fn told(spec: &DestinationSpec, outcome: &Outcome, only_asked: bool) -> String {
    match outcome {
        Outcome::Delivered(Receipt { note, .. }) if only_asked => {
            format!("fine: {}", note.as_deref().unwrap_or("it would take an issue"))
        }
        Outcome::Delivered(receipt) => {
            let mut told = match (spec.kind, &receipt.key) {
                (Kind::Jira, Some(key)) => format!("created {key}"),
                _ if receipt.accepted_only => {
                    "accepted; look into the channel: whether the workflow posts it is seen only there and in the \
                     workflow's run history"
                        .to_owned()
                }
                _ => "delivered".to_owned(),
            };
            if let Some(link) = &receipt.link {
                told.push_str(&format!(": {link}"));
            }
            if let Some(note) = &receipt.note {
                told.push_str(&format!(" ({note})"));
            }
            told
        }
        Outcome::Later { why, after, .. } => {
            let wait = after.map(|wait| format!(" It asks to wait {} s.", wait.as_secs())).unwrap_or_default();
            format!("not now: {why}.{wait} A delivery would be tried again.")
        }
        Outcome::Unclear { why } => format!("unclear, it may have arrived: {why}. Look there before you try again."),
        Outcome::NotFound { why } | Outcome::Skipped { why } => format!("nothing was done: {why}"),
        Outcome::Refused { why } => format!("refused: {why}"),
        Outcome::Closed { why } => format!("does not work: {why}"),
    }
}
