//! `relaybell render`: exactly what a template makes of an event.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use serde_json::{Value, json};

use crate::config::{Snapshot, did_you_mean};
use crate::destination::jira::{Api, Jira};
use crate::destination::slack::Slack;
use crate::destination::teams::Teams;
use crate::destination::{Destination, Step};
use crate::domain::rule::Kind;
use crate::domain::time::Timestamp;
use crate::standin::{Vendor, drawn};

use super::access::snapshot;
use super::explain::case;
use super::output::{Output, plain_lines};
use super::{Failure, rehearsal};

/// `relaybell render`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The template, or built-in.
    template: String,
    /// The id of a stored event or its beginning, a file with the body of a webhook, the
    /// name of a sample (defect.created), or - for a body on standard input.
    event: String,
    /// For this kind of destination.
    #[arg(long = "for", value_name = "KIND", value_parser = ["slack", "teams", "jira"], required_unless_present = "to")]
    kind: Option<String>,
    /// For this destination of relaybell.yaml.
    #[arg(long, value_name = "DESTINATION", conflicts_with = "kind")]
    to: Option<String>,
    #[command(flatten)]
    whence: case::Whence,
    /// Draw it as people see it.
    #[arg(long)]
    text: bool,
    /// Print body and picture together, as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let snapshot = snapshot(config, output)?;
    let (name, kind, adapter) = destination(&snapshot, args)?;
    let case = case::find_one(&snapshot, &args.event, &args.whence, output)?;
    let content = rehearsal::content(&snapshot, &args.template, kind, &adapter.reads(), &case.facts)?;
    // A delivery has its own time, and a label of its own in Jira.
    let job = rehearsal::job(&name, rehearsal::usual(adapter.as_ref()), content, Timestamp::default(), [0; 10]);
    let body: Value = match adapter.step(&job, &[]) {
        // A described destination may send a form or plain text.
        Step::Ask(ask) => serde_json::from_slice(ask.request.body())
            .unwrap_or_else(|_| String::from_utf8_lossy(ask.request.body()).into()),
        Step::Done(outcome) => return Err(anyhow!("nothing would be sent: {outcome:?}").into()),
    };
    let drawn = match kind {
        Kind::Slack => drawn(Vendor::Slack, &body),
        Kind::Teams => drawn(Vendor::Teams, &body),
        Kind::Jira => drawn(Vendor::Jira, &body),
        // How it looks there, only the receiver knows.
        Kind::Rest => serde_json::to_string_pretty(&body)?,
    };
    let picture = plain_lines(&drawn);
    if args.json {
        let whole = json!({
            "template": args.template, "event": case.event, "kind": kind.word(), "destination": args.to,
            "body": body, "text": picture,
        });
        output.data(&serde_json::to_string_pretty(&whole)?)?;
    } else if args.text {
        output.data(&picture)?;
    } else {
        match &body {
            Value::String(text) => output.data(&plain_lines(text))?,
            body => output.data(&serde_json::to_string_pretty(body)?)?,
        }
    }
    Ok(())
}

/// Whose form is wanted: a destination of the configuration, or any of a kind.
fn destination(snapshot: &Snapshot, args: &Args) -> Result<(String, Kind, Arc<dyn Destination>), Failure> {
    if let Some(name) = &args.to {
        let Some(spec) = snapshot.destinations.get(name.as_str()) else {
            let meant = did_you_mean(name, snapshot.destinations.keys().map(AsRef::as_ref));
            return Err(Failure::Usage(format!("there is no destination '{name}'{meant}")));
        };
        return Ok((name.clone(), spec.kind, Arc::clone(&spec.adapter)));
    }
    let word = args.kind.as_deref().unwrap_or_default();
    let Some((_, kind)) = Kind::WORDS.iter().find(|(known, _)| *known == word) else {
        return Err(Failure::Usage(format!("there is no kind of destination '{word}'")));
    };
    let adapter: Arc<dyn Destination> = match kind {
        Kind::Slack => Arc::new(Slack::Webhook { url: "https://hooks.slack.com/services/T/B/X".to_owned().into() }),
        Kind::Teams => Arc::new(Teams { url: "https://example.com/workflow".to_owned().into() }),
        Kind::Jira => Arc::new(Jira {
            url: "https://example.atlassian.net".parse()?,
            api: Api::V3,
            email: None,
            token: String::new().into(),
            project: "PROJECT".to_owned(),
            issue_type: "Bug".to_owned(),
        }),
        Kind::Rest => {
            let help = "what a described receiver is sent stands in relaybell.yaml: name it with --to";
            return Err(Failure::Usage(help.to_owned()));
        }
    };
    Ok((word.to_owned(), *kind, adapter))
}
