//! How rules look at an event, however its facts are kept.

use std::borrow::Cow;

use serde_json::Value;

use super::facts::{FactPath, Facts};

/// The facts of one event, as rules look at them.
pub trait Look {
    /// The value at `path`, if the event has one. A JSON `null` counts as absent.
    fn value(&self, path: &FactPath) -> Option<Cow<'_, Value>>;

    /// Whether the fact `name` differs from what was remembered of it.
    fn has_changed(&self, name: &str) -> bool;
}

impl Look for Facts {
    fn value(&self, path: &FactPath) -> Option<Cow<'_, Value>> {
        self.get(path).map(Cow::Borrowed)
    }

    fn has_changed(&self, name: &str) -> bool {
        self.is_changed(name)
    }
}

/// A place where values are found by their path.
pub trait Lookup {
    /// The value at `path`, if there is one. A JSON `null` counts as absent.
    fn get(&self, path: &FactPath) -> Option<&Value>;
}

impl Lookup for Facts {
    fn get(&self, path: &FactPath) -> Option<&Value> {
        Self::get(self, path)
    }
}
