//! What the tests stand on: a relay with a clock that is moved by hand and an exchange
//! that answers as told.

pub mod exchange;
pub mod expressions;
pub mod files;
pub mod http;
pub mod process;
pub mod recipes;
pub mod rig;
pub mod shop;
pub mod thin;
