//! Floor 5: the commands. Data goes to stdout, talk to stderr; exit 0 fine, 1 a finding,
//! 2 wrong usage.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

mod access;
mod backtest;
mod bench_match;
mod check;
mod deliveries;
mod demo;
mod events;
mod explain;
mod facts;
mod health;
mod init;
mod manager;
mod output;
mod people;
mod presets;
mod read;
mod reconcile;
mod rehearsal;
mod reload;
mod render;
mod schema;
mod seen;
mod send_test;
mod serve;
mod sources;
mod table;
mod test;

use output::Output;

/// Webhooks from test-management tools, by YAML rules, to Slack, Teams and Jira: in order,
/// in time, and never lost.
#[derive(Debug, Parser)]
#[command(name = "relaybell", version, about, max_term_width = 100)]
struct Args {
    /// The configuration file; rules/ and templates/ lie beside it.
    #[arg(long, global = true, value_name = "FILE", env = "RELAYBELL_CONFIG", default_value = "relaybell.yaml")]
    config: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented set of files to start from; nothing is overwritten.
    Init(init::Args),
    /// Accept webhooks and deliver messages.
    Serve(serve::Args),
    /// See it work: everything on this machine, with stand-ins for Slack, Teams, Jira and Test Manager.
    Demo(demo::Args),
    /// Check all files without serving; secrets need not be set.
    Check(check::Args),
    /// Run the tests that stand in the rule files; nothing is sent.
    Test(test::Args),
    /// Why each rule did or did not match an event, line by line.
    Explain(explain::Args),
    /// What edited rules would have sent: how they differ on the events of the past.
    Backtest(backtest::Args),
    /// Every rule as an English sentence.
    Read(read::Args),
    /// What rules and templates may know: facts, their values, and the events that have them.
    Facts(facts::Args),
    /// Exactly what a template makes of an event, for one vendor.
    Render(render::Args),
    /// Try a destination with a message marked as a test; nothing is stored.
    SendTest(send_test::Args),
    /// Who can be mentioned, and who is named by events but known to nobody.
    People(people::Args),
    /// Who sends: the address to paste into each sender, what came, what was refused and why.
    Sources(sources::Args),
    /// Look on as webhooks arrive: each as it came, and the facts it gave.
    Capture(sources::CaptureArgs),
    /// The senders that a source can be made of in one word: preset: github.
    Presets(presets::Args),
    /// What came in.
    #[command(subcommand)]
    Events(events::Command),
    /// Which webhooks never came, by what the source's API says happened.
    Reconcile(reconcile::Args),
    /// What goes out: list, show, send again, drop.
    #[command(subcommand)]
    Deliveries(deliveries::Command),
    /// Ask the running relay to read its files again.
    Reload(reload::Args),
    /// Ask the running relay whether it can accept webhooks (for container health checks).
    Health(health::Args),
    /// How fast rules are held against events, webhooks of Qase, one a line.
    #[command(hide = true)]
    BenchMatch(bench_match::Args),
    /// JSON Schemas of the files, for editors that complete and check while you type.
    Schema(schema::Args),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
enum Failure {
    /// It found something: exit 1. The finding is told already.
    Finding,
    /// It could not work: exit 1, with this message.
    Error(anyhow::Error),
    /// It was called wrongly: exit 2, with this message.
    Usage(String),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Runs one command and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // Nothing can be done when the terminal is gone.
            if error.print().is_err() {
                return ExitCode::from(2);
            }
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut output = Output::new();
    match dispatch(args, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Finding) => ExitCode::from(1),
        Err(Failure::Error(error)) => {
            output.talk(&format!("error: {error:#}"));
            ExitCode::from(1)
        }
        Err(Failure::Usage(message)) => {
            output.talk(&format!("error: {message}"));
            ExitCode::from(2)
        }
    }
}

fn dispatch(args: Args, output: &mut Output) -> Result<(), Failure> {
    let config = args.config;
    match args.command {
        Command::Serve(args) => serve::run(&config, &args, output),
        Command::Demo(args) => demo::run(&args, output),

        Command::Check(args) => check::run(&config, &args, output),
        Command::Test(args) => test::run(&config, &args, output),
        Command::Explain(args) => explain::run(&config, &args, output),
        Command::Backtest(args) => backtest::run(&config, &args, output),
        Command::BenchMatch(args) => bench_match::run(&args, output),
        Command::Read(args) => read::run(&config, &args, output),
        Command::Facts(args) => facts::run(&config, &args, output),
        Command::Render(args) => render::run(&config, &args, output),
        Command::SendTest(args) => send_test::run(&config, &args, output),
        Command::People(args) => people::run(&config, &args, output),
        Command::Sources(args) => sources::run(&config, &args, output),
        Command::Capture(args) => sources::capture(&config, &args, output),
        Command::Presets(args) => presets::run(&args, output),
        Command::Events(command) => events::run(&config, &command, output),
        Command::Deliveries(command) => deliveries::run(&config, &command, output),
        Command::Reconcile(args) => reconcile::run(&config, &args, output),
        Command::Reload(args) => reload::run(&config, &args, output),
        Command::Health(args) => health::run(&config, &args, output),
        Command::Init(args) => init::run(&args, output),
        Command::Schema(args) => schema::run(&config, &args, output),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "relaybell", &mut text);
            output.data(String::from_utf8_lossy(&text).trim_end())?;
            Ok(())
        }
    }
}

/// A runtime for commands that talk or look things up; `serve` has its own.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(future))
}
