//! The integration tests: one binary.

mod classify;
mod encode;
mod messages;
mod standins;
