//! `relaybell reload`: asks the running relay to read its files again.

use std::path::Path;

use serde_json::{Value, json};

use super::access::{Changer, ask_relay, changer, configuration};
use super::output::{Output, plain};
use super::{Failure, block_on};

/// `relaybell reload`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the relay's answer as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Path, args: &Args, output: &mut Output) -> Result<(), Failure> {
    let place = configuration(config, output)?;
    let Changer::Relay(address) = changer(&place)? else {
        output.talk("no relay is running on this store; it reads its files when it starts");
        return Err(Failure::Finding);
    };
    let answer = block_on(ask_relay(&place, &address, "/-/reload", &json!({})))??;
    if args.json {
        output.data(&serde_json::to_string_pretty(&answer)?)?;
    }
    if let Some(errors) = answer.get("errors") {
        for one in errors.as_array().into_iter().flatten().filter(|one| one["severity"] == "error") {
            let of = |key: &str| one[key].as_str().map(plain).unwrap_or_default();
            output.talk(&format!("{}:{}:{}: error: {}", of("file"), one["line"], one["column"], of("message")));
            if one["help"].is_string() {
                output.talk(&format!("  help: {}", of("help")));
            }
        }
        output.talk("the relay rejected the files; the last good configuration stays in force");
        return Err(Failure::Finding);
    }
    let changed = answer.get("changed").and_then(Value::as_bool).unwrap_or_default();
    output.talk(if changed { "a new configuration is in force" } else { "nothing has changed" });
    Ok(())
}
