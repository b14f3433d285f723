//! The integration tests, one binary.

mod source;
