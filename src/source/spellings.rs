//! The one vocabulary for what senders spell in many ways.

pub(super) use super::qase::words::{priority, severity, text, title};
