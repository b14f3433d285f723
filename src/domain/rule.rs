//! Rules, ready to be evaluated.

use super::Name;
use super::condition::{Condition, Recorder, Silent};
use super::delivery::Action;
use super::facts::Facts;
use super::handling::Handling;
use super::index::Index;
use super::people::Mentions;
use super::render::FieldTree;

/// When these facts hold, send these messages.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its unique name.
    pub name: Name,
    /// The file it stands in, as the user named it, and the line of its name.
    pub place: (Name, u32),
    /// What must hold.
    pub when: Condition,
    /// What must not hold; `None` when the rule excludes nothing.
    pub unless: Option<Condition>,
    /// What is sent when it matches.
    pub send: Vec<Send>,
    /// How what it sends is handled.
    pub handling: Handling,
}

impl Rule {
    /// Whether the rule matches `facts`. A thorough recorder sees `unless` even where
    /// `when` does not hold.
    pub fn matches<R: Recorder>(&self, facts: &Facts, recorder: &mut R) -> bool {
        let wanted = self.when.eval(facts, recorder);
        if !wanted && !R::THOROUGH {
            return false;
        }
        let excluded = self.unless.as_ref().is_some_and(|unless| unless.eval(facts, recorder));
        wanted && !excluded
    }
}

/// One message that a rule sends.
#[derive(Debug, Clone)]
pub struct Send {
    /// The destination.
    pub to: Name,
    /// Its kind, which chooses between a template and the vendor's own form of it.
    pub kind: Kind,
    /// What is done there.
    pub action: Action,
    /// The template; `None` for the built-in message.
    pub template: Option<Name>,
    /// Who is notified.
    pub mention: Mentions,
    /// The tracker's fields, whose strings are templates.
    pub fields: FieldTree,
}

/// The kinds of destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A Slack channel, by incoming webhook or Web API.
    Slack,
    /// A Teams channel, by a Workflows webhook.
    Teams,
    /// A Jira project, Cloud or Data Center.
    Jira,
}

impl Kind {
    /// All kinds with their word.
    pub const WORDS: [(&'static str, Self); 3] = [("slack", Self::Slack), ("teams", Self::Teams), ("jira", Self::Jira)];

    /// The word configuration uses for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Jira => "jira",
        }
    }

    /// The actions it can do, the default first.
    #[must_use]
    pub fn actions(self) -> &'static [Action] {
        match self {
            Self::Slack | Self::Teams => &[Action::Post],
            Self::Jira => &[Action::Create],
        }
    }
}

/// All rules of one configuration.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    index: Index,
}

impl RuleSet {
    /// Takes the rules in the order of their files.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let index = Index::new(&rules);
        Self { rules, index }
    }

    /// All rules in the order of their files.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that match `facts`, in their order.
    pub fn matching<'a, 'f>(&'a self, facts: &'f Facts) -> impl Iterator<Item = &'a Rule> + use<'a, 'f> {
        let candidates = self.index.candidates(facts).into_iter();
        candidates.filter_map(|place| self.rules.get(place as usize)).filter(|rule| rule.matches(facts, &mut Silent))
    }
}
