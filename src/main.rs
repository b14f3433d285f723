//! The `relaybell` command. Everything is in the library; see `relaybell::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    relaybell::cli::run(std::env::args_os())
}
