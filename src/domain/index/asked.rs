//! The facts that rules ask for, each once, and what one event answers.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use foldhash::fast::FixedState;
use serde_json::Value;

use crate::domain::facts::FactPath;
use crate::domain::look::Look;

/// The facts that some rule asks for. Everything else names them by their places here.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    paths: Vec<FactPath>,
    places: HashMap<FactPath, u32, FixedState>,
}

impl Asked {
    /// The place of `path`, which is added if it is new.
    pub(super) fn place(&mut self, path: &FactPath) -> u32 {
        if let Some(place) = self.places.get(path) {
            return *place;
        }
        let place = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        self.paths.push(path.clone());
        self.places.insert(path.clone(), place);
        place
    }

    pub(super) fn path(&self, place: u32) -> Option<&FactPath> {
        self.paths.get(place as usize)
    }

    pub(super) fn paths(&self) -> &[FactPath] {
        &self.paths
    }
}

/// What one event answers: each fact is read when it is asked for first, and then kept.
pub(super) struct Answers<'i, 'f, L> {
    asked: &'i Asked,
    pub(super) event: &'f L,
    values: Vec<OnceCell<Option<Cow<'f, Value>>>>,
}

impl<'i, 'f, L: Look> Answers<'i, 'f, L> {
    pub(super) fn of(event: &'f L, asked: &'i Asked) -> Self {
        let values = std::iter::repeat_with(OnceCell::new).take(asked.paths.len()).collect();
        Self { asked, event, values }
    }

    /// How many facts rules ask for.
    pub(super) fn facts(&self) -> usize {
        self.values.len()
    }

    /// The value of the fact at `place`; `None` when the event does not have it.
    pub(super) fn value(&self, place: u32) -> Option<&Value> {
        let cell = self.values.get(place as usize)?;
        cell.get_or_init(|| self.event.value(self.asked.path(place)?)).as_deref()
    }
}
