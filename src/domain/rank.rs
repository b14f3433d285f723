//! The vocabularies that have an order: severity and priority.

/// Severities from the worst down, as Qase's system field lists them. `undefined` has no rank.
pub const SEVERITIES: [&str; 6] = ["blocker", "critical", "major", "normal", "minor", "trivial"];

/// What a severity is called when the sender has not set one.
pub const UNDEFINED: &str = "undefined";

/// Priorities from the highest down.
pub const PRIORITIES: [&str; 3] = ["high", "medium", "low"];

/// The ranked words of the fact `name`, from the highest down; `None` for facts without rank.
#[must_use]
pub fn words(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "severity" => Some(&SEVERITIES),
        "priority" => Some(&PRIORITIES),
        _ => None,
    }
}

/// The rank of `word` among the words of the fact `name`: greater is worse or more urgent.
/// `None` when the fact has no ranks or the word is none of them (`undefined` is not).
#[must_use]
pub fn rank(name: &str, word: &str) -> Option<usize> {
    let words = words(name)?;
    let place = words.iter().position(|known| known.eq_ignore_ascii_case(word))?;
    Some(words.len() - place)
}
