//! All integration tests, in one binary.

mod architecture;
mod conformance;
mod loops;
mod render;
mod source;
mod sqlite;
mod support;
mod web;
mod config;
mod diagnose;
