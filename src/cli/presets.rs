//! `relaybell presets`: the senders that a source can be made of in one word.

use crate::config::did_you_mean;
use crate::config::presets::{PRESETS, Preset};

use super::Failure;
use super::output::Output;

/// `relaybell presets`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print this preset, in the language of relaybell.yaml.
    name: Option<String>,
    /// Print the list as JSON.
    #[arg(long, conflicts_with = "name")]
    json: bool,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if let Some(name) = &args.name {
        let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) else {
            let meant = did_you_mean(name, PRESETS.iter().map(|preset| preset.name));
            return Err(Failure::Usage(format!("there is no preset '{name}'{meant}")));
        };
        output.data(preset.text.trim_end())?;
        // As a comment, so that the whole is still a file.
        output.data("# samples, for tests of rules, explain and render:")?;
        for name in names(preset) {
            output.data(&format!("#   {name}"))?;
        }
        return Ok(());
    }
    if args.json {
        let all = PRESETS.iter().map(
            |preset| serde_json::json!({ "name": preset.name, "about": preset.about(), "samples": names(preset) }),
        );
        output.data(&serde_json::to_string_pretty(&all.collect::<Vec<_>>())?)?;
        return Ok(());
    }
    let width = PRESETS.iter().map(|preset| preset.name.len()).max().unwrap_or_default();
    let lines: Vec<String> =
        PRESETS.iter().map(|preset| format!("{:width$}  {}", preset.name, preset.about())).collect();
    output.data(&lines.join("\n"))?;
    Ok(())
}

/// What its samples are called.
fn names(preset: &Preset) -> Vec<&'static str> {
    preset.samples.iter().map(|sample| sample.variant).collect()
}
