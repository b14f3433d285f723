//! Webhooks for sources that are not there: told to people, but not each of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a name that was told is not told again.
const QUIET: Duration = Duration::from_secs(60);
/// The most names that are told in that time.
const NAMES_MAX: usize = 32;

/// The names that were told lately, each with the moment.
#[derive(Debug, Default)]
pub struct Strangers(Mutex<BTreeMap<String, Duration>>);

impl Strangers {
    /// Whether people are to be told at `now`, by the clock that never jumps, that a webhook
    /// came for `name`; if so, that is noted.
    pub fn is_news(&self, name: &str, now: Duration) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| now < *at + QUIET);
        if told.contains_key(name) || told.len() >= NAMES_MAX {
            return false;
        }
        told.insert(name.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_once_a_minute_and_many_names_are_not_all_told() {
        let strangers = Strangers::default();
        let at = Duration::from_secs;
        assert!(strangers.is_news("testmanager", at(0)));
        assert!(!strangers.is_news("testmanager", at(59)));
        assert!(strangers.is_news("qsae", at(59)), "another name is news");
        assert!(strangers.is_news("testmanager", at(60)));
        let told = (0..1000).filter(|n| strangers.is_news(&n.to_string(), at(61))).count();
        assert_eq!(told, NAMES_MAX - 2);
    }
}
