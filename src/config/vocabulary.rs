//! The words rules may use: facts, events, operators, and those of later releases.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::values;
use crate::domain::expression;
pub use crate::source::catalogue::FactKind;
use crate::source::catalogue::{Catalogue, Catalogues, FactInfo};
use crate::source::{orchestrator, own, qase, uipath};

/// What the values of `fact` are, where rules name it.
fn kind_of(fact: &FactInfo) -> FactKind {
    match fact.kind {
        // An id is a number at most of Qase's entities, and a hash at the others.
        _ if fact.name == "id" || fact.name.ends_with("_id") => FactKind::Any,
        // Its parts are reached by their paths.
        FactKind::Object => FactKind::Any,
        kind => kind,
    }
}

fn in_expressions(kind: FactKind) -> expression::Kind {
    match kind {
        FactKind::Text | FactKind::Time => expression::Kind::Text,
        FactKind::Number | FactKind::Duration => expression::Kind::Number,
        FactKind::Flag => expression::Kind::Flag,
        FactKind::List => expression::Kind::List,
        FactKind::Object | FactKind::Any => expression::Kind::Any,
    }
}

/// What the files of one configuration may name.
#[derive(Debug)]
pub struct Vocabulary {
    /// What each kind of source can report, and each source that declares its own facts.
    everything: Catalogues,
    /// What the configured sources can report; the same as `everything` where there is none.
    configured: Catalogues,
    facts: Vec<(&'static str, FactKind)>,
    kinds: HashMap<&'static str, FactKind>,
    events: Vec<&'static str>,
    expressions: Arc<expression::Vocabulary>,
}

/// The catalogues of the kinds of sources that are built in.
fn built_in() -> Vec<Arc<Catalogue>> {
    vec![
        Arc::clone(qase::catalogue()),
        Arc::clone(orchestrator::catalogue()),
        Arc::clone(uipath::catalogue()),
        Arc::clone(own::catalogue()),
    ]
}

static BUILT_IN: LazyLock<Arc<Vocabulary>> = LazyLock::new(|| Arc::new(Vocabulary::of(Vec::new())));

impl Vocabulary {
    /// The words when no source is known.
    pub fn built_in() -> Arc<Self> {
        Arc::clone(&BUILT_IN)
    }

    /// The words when sources report what `configured` says.
    pub fn of(configured: Vec<Arc<Catalogue>>) -> Self {
        let everything = Catalogues::of(built_in().into_iter().chain(configured.iter().cloned()));
        let configured = match configured.as_slice() {
            [] => everything.clone(),
            // The relay itself always is one.
            _ => Catalogues::of(configured.into_iter().chain([Arc::clone(own::catalogue())])),
        };
        let mut facts: Vec<(&'static str, FactKind)> = Vec::new();
        let mut kinds: HashMap<&'static str, FactKind> = HashMap::new();
        for fact in everything.facts() {
            let kind = kind_of(fact);
            let known = kinds.entry(fact.name).or_insert_with(|| {
                facts.push((fact.name, kind));
                kind
            });
            // Two senders mean different things by it.
            if *known != kind {
                *known = FactKind::Any;
            }
        }
        for (name, kind) in &mut facts {
            *kind = kinds.get(name).copied().unwrap_or(*kind);
        }
        let expressions = expression::Vocabulary {
            over: expression::Over::Facts,
            facts: facts.iter().map(|(name, kind)| (*name, in_expressions(*kind))).collect(),
            duration: values::duration,
        };
        let events = everything.events();
        Self { everything, configured, facts, kinds, events, expressions: Arc::new(expressions) }
    }

    /// All facts that rules may name, in the order they are shown.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, FactKind)> {
        self.facts.iter().copied()
    }

    /// The names of all facts.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.facts.iter().map(|(name, _)| *name)
    }

    /// Whether there is such a fact.
    pub fn knows(&self, fact: &str) -> bool {
        self.kinds.contains_key(fact)
    }

    /// What the values of the fact are.
    pub fn kind(&self, fact: &str) -> Option<FactKind> {
        self.kinds.get(fact).copied()
    }

    /// Whether the fact is remembered of a subject, so that it can differ from memory.
    pub fn is_remembered(&self, fact: &str) -> bool {
        self.everything.remembers(fact)
    }

    /// All event names that senders document, whether such a source is configured or not.
    pub fn events(&self) -> &[&'static str] {
        &self.events
    }

    /// What every kind of source can report.
    pub fn everything(&self) -> &Catalogues {
        &self.everything
    }

    /// What the configured sources can report; everything where none is configured.
    pub fn configured(&self) -> &Catalogues {
        &self.configured
    }

    /// What expressions of rules may name.
    pub fn expressions(&self) -> Arc<expression::Vocabulary> {
        Arc::clone(&self.expressions)
    }
}

/// The operators that have a word; equality and lists have none.
pub const OPERATORS: [&str; 15] = [
    "not",
    "at_least",
    "at_most",
    "above",
    "below",
    "starts_with",
    "ends_with",
    "contains",
    "like",
    "matches",
    "present",
    "has_any",
    "has_all",
    "has_none",
    "changed",
];

/// What other rule languages call the operators.
pub const SYNONYMS: [(&str, &str); 15] = [
    (">", "above"),
    (">=", "at_least"),
    ("<", "below"),
    ("<=", "at_most"),
    ("gt", "above"),
    ("gte", "at_least"),
    ("lt", "below"),
    ("lte", "at_most"),
    ("!=", "not"),
    ("ne", "not"),
    ("exists", "present"),
    ("regex", "matches"),
    ("regexp", "matches"),
    ("glob", "like"),
    ("includes", "contains"),
];

/// The words that nest conditions.
pub const NESTS: [&str; 3] = ["any_of", "all_of", "none_of"];

/// Keys of a rule that later releases have.
pub const RULE_LATER: &[&str] = &["wait", "until", "again", "collect", "once_per"];

/// Keys of a rule file that later releases have.
pub const FILE_LATER: &[&str] = &["calendars", "quiet_hours"];

/// Keys of one message that later releases have.
pub const SEND_LATER: &[&str] = &["request", "body", "json"];
