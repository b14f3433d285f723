//! All integration tests, in one binary.

mod architecture;
mod config;
mod conformance;
mod diagnose;
mod docs;
mod loops;
mod render;
mod source;
mod sqlite;
mod support;
mod web;
