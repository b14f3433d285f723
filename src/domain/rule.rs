//! Rules, ready to be evaluated.

use super::Name;
use super::condition::{Condition, Recorder};
use super::delivery::Action;
use super::expression::{Expression, Fault};
use super::facts::{FactPath, Facts};
use super::handling::Handling;
use super::how::How;
use super::index::Index;
use super::look::Look;
use super::people::Mentions;
use super::reads::Reads;
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
    /// What must hold besides, as an expression: `where`.
    pub expression: Option<Expression>,
    /// What is sent when it matches.
    pub send: Vec<Send>,
    /// How what it sends is handled.
    pub handling: Handling,
}

/// What a rule makes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It matches.
    Matches,
    /// It does not.
    Refuses,
    /// Its `where` came to no result, so it does not match.
    Failed(Fault),
}

impl Rule {
    /// What the rule makes of `facts`: `when`, then `unless`, then `where`. A thorough
    /// recorder sees all of them even where the first decides.
    pub fn judge<R: Recorder>(&self, facts: &Facts, recorder: &mut R) -> Judgement {
        let wanted = self.when.eval(facts, recorder);
        if !wanted && !R::THOROUGH {
            return Judgement::Refuses;
        }
        let excluded = self.unless.as_ref().is_some_and(|unless| unless.eval(facts, recorder));
        let so_far = wanted && !excluded;
        let outcome = match &self.expression {
            Some(expression) if so_far || R::THOROUGH => {
                let outcome = expression.eval(facts);
                recorder.expression(expression, &outcome);
                outcome
            }
            _ => Ok(true),
        };
        match outcome {
            _ if !so_far => Judgement::Refuses,
            Ok(true) => Judgement::Matches,
            Ok(false) => Judgement::Refuses,
            Err(fault) => Judgement::Failed(fault),
        }
    }

    /// Whether the rule matches `facts`.
    pub fn matches<R: Recorder>(&self, facts: &Facts, recorder: &mut R) -> bool {
        self.judge(facts, recorder) == Judgement::Matches
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
    /// How it is done.
    pub how: How,
    /// The facts that the destination needs beside the message.
    pub reads: Reads,
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
    /// Any tracker or receiver, described.
    Rest,
}

impl Kind {
    /// All kinds with their word.
    pub const WORDS: [(&'static str, Self); 4] =
        [("slack", Self::Slack), ("teams", Self::Teams), ("jira", Self::Jira), ("rest", Self::Rest)];

    /// The word configuration uses for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Jira => "jira",
            Self::Rest => "rest",
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

    /// The facts that some rule asks for, each once.
    #[must_use]
    pub fn asked(&self) -> &[FactPath] {
        self.index.asked()
    }

    /// The rules that match `event` and those whose `where` failed on it, in their order.
    pub fn judged<'a, L: Look>(&'a self, event: &L) -> impl Iterator<Item = (&'a Rule, Judgement)> + use<'a, L> {
        let judged = self.index.judged(&self.rules, event).into_iter();
        judged.filter_map(|(place, judgement)| Some((self.rules.get(place)?, judgement)))
    }

    /// The rules that match `event`, in their order.
    pub fn matching<'a, L: Look>(&'a self, event: &L) -> impl Iterator<Item = &'a Rule> + use<'a, L> {
        self.judged(event).filter(|(_, judgement)| *judgement == Judgement::Matches).map(|(rule, _)| rule)
    }
}
