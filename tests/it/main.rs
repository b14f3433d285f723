//! All integration tests, in one binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads the files and runs the tasks it needs"
)]

mod acts;
mod advice;
mod architecture;
mod classify;
mod cli;
mod config;
mod conformance;
mod crash;
mod diagnose;
mod docs;
mod encode;
mod end_to_end;
mod explain;
mod handling;
mod hostile;
mod index;
mod loops;
mod markdown;
mod messages;
mod people;
mod rehearse;
mod render;
mod secrets;
mod source;
mod sqlite;
mod standins;
mod support;
mod web;
