//! The `relaybell` command. Everything is in the library; see `relaybell::cli`.

use std::process::ExitCode;

/// Many small, short-lived values a webhook: the system's allocator is slower at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    relaybell::cli::run(std::env::args_os())
}
