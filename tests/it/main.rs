//! All integration tests, in one binary.

mod architecture;
mod loops;
mod source;
mod support;
mod web;
