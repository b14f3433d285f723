//! All integration tests, in one binary.

mod architecture;
mod loops;
mod support;
mod web;
