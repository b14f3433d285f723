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
mod backtest;
mod bad_input;
mod capture;
mod catalogue;
mod classify;
mod cli;
mod config;
mod conformance;
mod crash;
mod crash_replan;
mod create_defect;
mod defect_kpis;
mod demo;
mod diagnose;
mod docs;
mod encode;
mod end_to_end;
mod explain;
mod explain_webhooks;
mod expression;
mod expression_limits;
mod fuzz;
mod glimpse;
mod handling;
mod handover;
mod hostile;
mod index;
mod init;
mod issue_status;
mod language;
mod lint;
mod lookup;
mod loops;
mod mapping;
mod markdown;
mod memory_kpis;
mod messages;
mod own_events;
mod people;
mod presets;
mod proof;
mod qase_api;
mod quarantine;
mod recipes;
mod rehearse;
mod render;
mod rest;
mod schema;
mod secrets;
mod senders;
mod source;
mod sqlite;
mod standins;
mod strict;
mod support;
mod threads;
mod tickets;
mod traffic;
mod trials;
mod uipath;
mod web;
mod worked;
