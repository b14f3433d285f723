//! What a destination tells when it is asked: questions that leave nothing behind.

use std::time::Duration;

use super::Ask;

/// The next step of a conversation that finds something out.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and gone at once")]
pub enum Finding<T> {
    /// Ask this.
    Ask(Ask),
    /// This is it.
    Found(T),
    /// It cannot be told.
    Failed {
        /// Why, for people, and what to do about it.
        why: String,
        /// The time the destination asked us to wait.
        after: Option<Duration>,
    },
}

/// What finds the defects of a destination, in its own query language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefectQueries {
    /// The queries, in the order of [`COUNTED`](crate::domain::defects::COUNTED).
    pub queries: [String; 5],
    /// Where a person sees what a query finds; `None` where there is no such page. The
    /// query follows, percent-encoded.
    pub page: Option<String>,
}
