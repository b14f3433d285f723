//! All integration tests, in one binary.

mod architecture;
mod classify;
mod config;
mod conformance;
mod diagnose;
mod encode;
mod loops;
mod messages;
mod render;
mod source;
mod sqlite;
mod standins;
mod support;
mod web;
