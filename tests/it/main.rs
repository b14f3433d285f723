//! All integration tests, in one binary.

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
mod loops;
mod messages;
mod render;
mod source;
mod sqlite;
mod standins;
mod support;
mod web;
