//! How far an event has come: decided, or open and to be decided later.

/// How far an event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stage {
    /// The rules have judged it; it never changes again.
    #[default]
    Decided,
    /// Its sender's API is asked first, or an earlier event of its subject is waited for.
    Awaiting,
    /// It could not be read; it is kept until somebody has it read again.
    Quarantined,
    /// Its planning failed; it is kept until somebody has it planned again.
    Broken,
}

impl Stage {
    /// All stages with their words.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("decided", Self::Decided),
        ("awaiting look-up", Self::Awaiting),
        ("quarantined", Self::Quarantined),
        ("broken", Self::Broken),
    ];

    /// The word people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Awaiting => "awaiting look-up",
            Self::Quarantined => "quarantined",
            Self::Broken => "broken",
        }
    }

    /// Whether it is to be decided yet.
    #[must_use]
    pub fn is_open(self) -> bool {
        self != Self::Decided
    }
}
