//! Relaybell: a notification relay.

pub mod cli;
pub mod config;
pub mod destination;
pub mod domain;
pub mod ports;
pub mod relay;
pub mod source;
pub mod standin;
pub mod store;
pub mod telemetry;
pub mod web;
