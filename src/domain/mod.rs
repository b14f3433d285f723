//! Floor 0: everything Relaybell decides, as data and pure functions.
//!
//! Nothing here reads a clock, a file, a socket or a die; time and chance are
//! arguments. Nothing here imports another module of this crate.

pub mod ask;
pub mod breaker;
pub mod census;
pub mod characters;
pub mod condition;
pub mod defects;
pub mod delivery;
pub mod event;
pub mod explain;
pub mod expression;
pub mod facts;
pub mod handling;
pub mod how;
pub mod ids;
pub mod index;
pub mod look;
pub mod lost;
pub mod markdown;
pub mod memory;
pub mod message;
pub mod people;
pub mod plan;
pub mod priority;
pub mod rank;
pub mod reads;
pub mod render;
pub mod rule;
pub mod sentence;
pub mod stage;
pub mod standing;
pub mod thread;
pub mod time;
pub mod trace;

use std::sync::Arc;

/// The name of a source, rule, destination or template as its file spells it.
/// Shared, because every plan repeats it.
pub type Name = Arc<str>;
